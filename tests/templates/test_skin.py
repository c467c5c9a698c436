"""The English skin: no Chinese label is left in the frame of any page, and everything comes back."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType

import pytest

from bot.personal.states import KIND_LABELS, STATE_LABELS
from bot.states import CITIZEN_KINDS, RATINGS, TICKET_LABELS, TicketState, shown_outside
from content.kinds import all_kinds
from content.kinds.guide import _facts as guide_facts
from content.relations import STANDINGS
from hub.limits import TooOften
from hub.web import feedback, mine
from hub.web.search import BESIDE, SPANS
from templates import skin
from templates.engine import Engine
from templates.views import Step
from tests.templates.browser import Screen
from tests.templates.public_samples import PUBLIC
from tests.templates.samples import PORTAL, Sample, guide, site

PAGES = [
    (name, number, values)
    for group in (PORTAL, PUBLIC)
    for name, many in group.items()
    if name.endswith(".html")
    for number, values in enumerate(many)
]
IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in PAGES]
# What is read out, shown by the style sheet, or said by a script later.
SPOKEN = [
    "aria-label", "placeholder", "title", "label", "data-label", "data-all", "data-saved", "data-denied", "data-failed",
    "data-none", "data-agree", "data-push-on", "data-push-save",
]  # fmt: skip
HAN = re.compile("[\u4e00-\u9fff]")
# Of the page that is open, or of one that nobody has to open: what scripts would do to it plays no part.
CHINESE = """
([spoken, html]) => {
  const body = html ? new DOMParser().parseFromString(html, "text/html").body : document.body;
  const han = /[\\u4e00-\\u9fff]/, found = new Set();
  const walk = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const words = walk.currentNode.textContent.trim();
    const inside = walk.currentNode.parentElement;
    if (han.test(words) && !inside.closest("script, style, noscript, [data-english], #chat")) found.add(words);
  }
  for (const name of spoken)
    for (const one of body.querySelectorAll(`[${name}]:not([data-mode])`))
      if (han.test(one.getAttribute(name)) && !one.closest("#chat")) found.add(one.getAttribute(name));
  return [...found].map((words) => words.replace(/：\\s*/g, ": "));
}
"""


def test_the_words_are_those_of_the_translations() -> None:
    assert skin.SCRIPT.read_text("utf-8") == skin.script(), "write it anew: python -m templates.skin"


@cache
def _words() -> dict[str, str]:
    """Read from all templates, which takes a second."""
    return skin.words()


def _wait(shown: Screen) -> None:
    shown.page.locator(".skip", has_text="Skip to content").wait_for(state="attached")


@pytest.mark.browser
@pytest.mark.parametrize(("name", "number", "values"), PAGES, ids=IDS)
def test_no_chinese_label_is_left(renderer: Engine, shown: Screen, name: str, number: int, values: Sample) -> None:
    shown.show(renderer.render(name, **values), 1280)
    before = shown.page.evaluate("document.body.innerText")
    shown.page.click("[data-english]")
    _wait(shown)
    left, faults = set(shown.page.evaluate(CHINESE, [SPOKEN, ""])), shown.axe()
    # What the page itself says in English keeps only the words of the office.
    of_the_office = set(shown.page.evaluate(CHINESE, [SPOKEN, renderer.render(name, "en", **values)]))
    shown.page.click("[data-english]")
    after = shown.page.evaluate("document.body.innerText")
    assert left - of_the_office == set()
    assert faults == []
    assert after == before
    assert shown.complaints == []


def test_every_label_that_a_page_is_given_has_its_english() -> None:
    given = {
        *CITIZEN_KINDS,
        *RATINGS,
        *KIND_LABELS.values(),
        *STATE_LABELS.values(),
        *(TICKET_LABELS[shown_outside(state)] for state in TicketState),
        *(kind.label for kind in all_kinds().values()),
        *BESIDE.values(),
        *(label for label, _text in guide_facts({}, "")),
        *(label for label, _days in SPANS.values()),
        *(f"已{label}" for standing, label in STANDINGS.items() if standing),
    }
    assert given - _words().keys() == set(), "add them to GIVEN"


@pytest.mark.parametrize("module", [feedback, mine])
def test_whatever_a_form_is_refused_with_has_its_english(module: ModuleType) -> None:
    known = [re.escape(one).replace(re.escape("%(n)s"), r"\d+") for one in _words()]
    said = [one for one in _refusals(module) if not any(re.fullmatch(pattern, one) for pattern in known)]
    assert said == [], "add them to GIVEN"
    assert TooOften().message("zh") in _words()


def _refusals(module: ModuleType) -> Iterator[str]:
    """The reasons of every `Invalid` of a module, a number standing for whatever is filled in."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid":
            (why,) = (one.value for one in node.keywords if one.arg == "why")
            parts = why.values if isinstance(why, ast.JoinedStr) else [why]
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "500" for part in parts)


@pytest.mark.browser
def test_what_a_guide_calls_its_steps_stays_in_the_offices_words(renderer: Engine, shown: Screen) -> None:
    """Its first step often bears the name of a label."""
    item = guide(steps=[Step("申请", "网上提交"), Step("受理", "当场答复")])
    shown.show(renderer.render("outbound/portal/guide.html", site=site(), item=item), 1280)
    shown.page.click("[data-english]")
    _wait(shown)
    steps = shown.page.locator(".way__name").all_inner_texts()
    shown.page.click("[data-english]")
    assert steps == ["申请", "受理"]


CHAT = """
() => [...document.querySelectorAll("#chat *")].flatMap((one) => [
  ...[...one.childNodes].filter((child) => child.nodeType === 3).map((child) => child.textContent),
  one.getAttribute("aria-label") ?? "", one.getAttribute("placeholder") ?? "",
]).filter((words) => words.trim() && words !== "×")
"""


@pytest.mark.browser
def test_the_chat_follows_the_switch_on_the_same_page(renderer: Engine, shown: Screen) -> None:
    values = {**PUBLIC["pages/public/feedback.html"][0], "site": site(chat_href="/chat")}
    html = renderer.render("pages/public/feedback.html", **values)
    shown.show(html, 1280)
    before = shown.page.evaluate(CHAT)
    shown.page.click("[data-english]")
    _wait(shown)
    english = shown.page.evaluate(CHAT)
    shown.page.click("[data-english]")
    after = shown.page.evaluate(CHAT)
    assert len(before) == len(english) > 10
    assert [words for words in before if not HAN.search(words)] == []
    assert [words for words in english if HAN.search(words)] == []
    assert after == before
    assert shown.complaints == []


@pytest.mark.browser
def test_what_scripts_say_later_is_english_too(renderer: Engine, shown: Screen) -> None:
    shown.show(renderer.render("outbound/portal/push.html", **PORTAL["outbound/portal/push.html"][0]), 1280)
    shown.page.click("[data-english]")
    _wait(shown)
    words = shown.page.evaluate("({...document.getElementById('push').dataset})")
    shown.page.click("[data-english]")
    again = shown.page.evaluate("({...document.getElementById('push').dataset})")
    said = {name: text for name, text in words.items() if not name.startswith("zh") and name != "version"}
    assert len(said) == 7
    assert [text for text in said.values() if HAN.search(text)] == []
    assert {name: text for name, text in again.items() if HAN.search(text)}.keys() == said.keys()


@pytest.mark.browser
def test_who_chose_english_has_it_on_the_next_page_in_both_versions(renderer: Engine, shown: Screen) -> None:
    html = renderer.render("outbound/portal/home.html", **PORTAL["outbound/portal/home.html"][0])
    shown.show(html, 360)
    shown.page.click("[data-english]")
    shown.show(html, 360)
    _wait(shown)
    shown.page.click("[data-mode=elder]")
    words, overflow = shown.page.locator("[data-mode=elder]").inner_text(), shown.overflow()
    shown.page.click("[data-mode=elder]")
    shown.page.click("[data-english]")
    assert "长辈" not in words
    assert overflow <= 0
