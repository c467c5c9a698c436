"""The English skin: no Chinese label is left in the frame of any page, and everything comes back."""

from __future__ import annotations

import pytest

from templates import skin
from templates.engine import Engine
from tests.templates.browser import Screen
from tests.templates.samples import PORTAL, Sample

PAGES = [
    (name, number, values)
    for name, many in PORTAL.items()
    if name.endswith(".html")
    for number, values in enumerate(many)
]
IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in PAGES]
CHINESE = """
() => {
  const han = /[\\u4e00-\\u9fff]/, found = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const words = walk.currentNode.textContent.trim();
    const inside = walk.currentNode.parentElement;
    if (han.test(words) && !inside.closest("script, style, noscript, [data-english], #chat")) found.add(words);
  }
  for (const name of ["aria-label", "placeholder", "title"])
    for (const one of document.body.querySelectorAll(`[${name}]`))
      if (han.test(one.getAttribute(name)) && !one.closest("#chat")) found.add(one.getAttribute(name));
  return [...found].map((words) => words.replace(/：\\s*/g, ": "));
}
"""


def test_the_words_are_those_of_the_translations() -> None:
    assert skin.SCRIPT.read_text("utf-8") == skin.script(), "write it anew: python -m templates.skin"


def _wait(shown: Screen) -> None:
    shown.page.locator(".skip", has_text="Skip to content").wait_for(state="attached")


@pytest.mark.browser
@pytest.mark.parametrize(("name", "number", "values"), PAGES, ids=IDS)
def test_no_chinese_label_is_left(renderer: Engine, shown: Screen, name: str, number: int, values: Sample) -> None:
    # What the page itself says in English keeps only the words of the office.
    shown.show(renderer.render(name, "en", **values), 1280)
    of_the_office = set(shown.page.evaluate(CHINESE))
    shown.show(renderer.render(name, **values), 1280)
    before = shown.page.evaluate("document.body.innerText")
    shown.page.click("[data-english]")
    _wait(shown)
    left, faults = set(shown.page.evaluate(CHINESE)), shown.axe()
    shown.page.click("[data-english]")
    after = shown.page.evaluate("document.body.innerText")
    assert left - of_the_office == set()
    assert faults == []
    assert after == before
    assert shown.complaints == []


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
