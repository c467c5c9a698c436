"""Every page in a real browser: accessible, without sideways scrolling, without a word from the content policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from templates.engine import Engine
from templates.views import Step
from tests.templates.browser import Screen
from tests.templates.public_samples import PUBLIC
from tests.templates.samples import CONSOLE, PORTAL, Sample, guide, notice, site

Pages = list[tuple[str, int, Sample]]


def _pages(*groups: dict[str, list[Sample]]) -> Pages:
    return [(name, number, one) for group in groups for name, many in group.items() for number, one in enumerate(many)]


def _ids(pages: Pages) -> list[str]:
    return [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in pages]


DESK = _pages(CONSOLE)
DRAWN = _pages(PORTAL, PUBLIC)

# Texts that are smaller, of those that show.
SMALL_TEXT = """
(least) => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const inside = walk.currentNode.parentElement;
    const words = walk.currentNode.textContent.trim();
    if (!words || !inside.getClientRects().length || inside.closest(".unseen, .skip, script, style")) continue;
    const size = parseFloat(getComputedStyle(inside).fontSize);
    if (size < least) found.push(`${inside.className} ${size}: ${words.slice(0, 20)}`);
  }
  return found;
}
"""
# What is pressed and is smaller; a link within a sentence is as high as its line, one laid over its card as the card.
SMALL_TARGETS = """
(least) => {
  const found = [];
  const inSentence = (one) => one.tagName === "A" && getComputedStyle(one).display === "inline" && !one.closest("nav")
    && [...one.parentElement.childNodes].some((other) => other !== one && other.textContent.trim());
  const pressed = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  for (const one of document.querySelectorAll(pressed)) {
    if (!one.getClientRects().length || one.closest(".unseen, .skip, .sheet__trap") || inSentence(one)) continue;
    const over = getComputedStyle(one, "::after");
    const card = over.position === "absolute" && over.inset === "0px" && over.content !== "none" && one.offsetParent;
    const box = card || (one.matches("[type=checkbox], [type=radio]") && one.closest("label")) || one;
    const { width, height } = box.getBoundingClientRect();
    if (Math.round(width) < least || Math.round(height) < least)
      found.push(`${box.className} ${Math.round(width)}x${Math.round(height)}: ${box.textContent.trim().slice(0, 20)}`);
  }
  return found;
}
"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("name", "number", "values"), DESK, ids=_ids(DESK))
def test_a_page_is_accessible_and_fits(
    renderer: Engine, shown: Screen, name: str, number: int, values: Sample, width: int
) -> None:
    shown.show(renderer.render(name, **values), width)
    assert shown.overflow() <= 0
    assert shown.axe() == []
    assert shown.complaints == []


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("name", "number", "values"), DRAWN, ids=_ids(DRAWN))
def test_both_versions_of_a_page_are_accessible_and_fit_and_the_elder_one_is_large(
    renderer: Engine, shown: Screen, name: str, number: int, values: Sample, width: int
) -> None:
    """Opened once: drawing a page and bringing in the checker take longer than all that is asked of it."""
    shown.show(renderer.render(name, **values), width)
    usual = shown.overflow(), shown.axe()
    # On a phone whatever is pressed is large enough in the usual version too.
    pressed = shown.page.evaluate(SMALL_TARGETS, 44) if width == 360 else []
    shown.page.click("[data-mode=elder]")
    small, narrow = shown.page.evaluate(SMALL_TEXT, 18), shown.page.evaluate(SMALL_TARGETS, 60)
    elder = shown.overflow(), shown.axe()
    shown.page.click("[data-mode=elder]")
    assert pressed == []
    assert small == []
    assert narrow == []
    for overflow, faults in (usual, elder):
        assert overflow <= 0
        assert faults == []
    assert shown.complaints == []


@pytest.fixture
def without_pictures(shown: Screen) -> Iterator[Screen]:
    """A browser page to which no picture and no film's poster comes."""
    shown.lose_pictures(True)
    yield shown
    shown.lose_pictures(False)


@pytest.mark.parametrize(("name", "number", "values"), DRAWN, ids=_ids(DRAWN))
def test_a_page_fits_a_phone_whose_pictures_do_not_load(
    renderer: Engine, without_pictures: Screen, name: str, number: int, values: Sample
) -> None:
    without_pictures.show(renderer.render(name, **values), 360)
    usual = without_pictures.overflow()
    without_pictures.page.click("[data-mode=elder]")
    elder = without_pictures.overflow()
    without_pictures.page.click("[data-mode=elder]")
    assert (usual, elder) == (0, 0)


WIDE = '<img src="/media/0.jpg" alt="云江两岸的春色" width="1200" height="800">'


@pytest.mark.parametrize(
    "around", ["%s", "<p>%s</p>", "<figure>%s<figcaption>春色</figcaption></figure>", "<ul><li>%s</li></ul>",
               "<blockquote>%s</blockquote>", "<table><tr><td>%s</td></tr></table>"],
)  # fmt: skip
def test_a_text_fits_a_phone_whose_pictures_do_not_load(
    renderer: Engine, without_pictures: Screen, around: str
) -> None:
    without_pictures.show(
        renderer.render("outbound/portal/news.html", site=site(), item=notice(body_html=around % WIDE)), 360
    )
    assert without_pictures.page.locator(".body img").evaluate("one => one.complete && !one.naturalWidth")
    assert without_pictures.overflow() == 0


LONG = f"https://zwfw.yunzhou.gov.cn/{'a' * 60}"


def test_an_address_without_a_gap_and_a_recording_fit_the_smallest_phone(renderer: Engine, shown: Screen) -> None:
    item = guide(title=LONG, conditions=[LONG], steps=[Step("申请", LONG)])
    text = notice(body_html=f'<p>{LONG}</p><audio src="/files/a.mp3" controls></audio>')
    too_wide = {}
    for name, values in (
        ("guide", {"site": site(), "item": item}),
        ("news", {"site": site(postal_address=LONG), "item": text}),
    ):
        shown.show(renderer.render(f"outbound/portal/{name}.html", **values), 320)
        too_wide[name] = shown.overflow()
    assert too_wide == {"guide": 0, "news": 0}


@pytest.mark.parametrize("name", ["pages/login.html", "pages/patterns.html"])
def test_english_is_accessible_and_fits_a_phone(renderer: Engine, shown: Screen, name: str) -> None:
    shown.show(renderer.render(name, "en", **CONSOLE[name][0]), 360)
    assert shown.overflow() <= 0
    assert shown.axe() == []


SAID = {
    "id": 1, "token": "t", "state": "bot", "ahead": 0, "rated": False, "pictures": {"megabytes": 5},
    "lines": [
        {"number": 1, "side": "citizen", "agent": "", "text": "居住证", "choices": [], "sources": [], "ask": ""},
        {
            "number": 2, "side": "bot", "agent": "", "text": "您想问哪一项？", "choices": ["居住证申领", "居住证签注"],
            "sources": [{"href": "/guides/1.html", "title": "居住证申领"}], "ask": "",
        },
        {"number": 3, "side": "bot", "agent": "", "text": "请评价", "choices": [], "sources": [], "ask": "rating"},
        {"number": 4, "side": "bot", "agent": "", "text": "还在吗？", "choices": [], "sources": [], "ask": "stay"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("state", "pressed"), [("bot", "图片"), ("waiting", "结束并评价")])
def test_the_chat_is_as_large_in_the_elder_version(
    renderer: Engine, shown: Screen, width: int, state: str, pressed: str
) -> None:
    """With all that its window ever holds: choices, sources, the rating, the warning, and what a press brings up."""
    values = {**PORTAL["outbound/portal/notice.html"][0], "site": site(chat_href="/chat")}
    start = "**/chat/start"
    shown.page.route(start, lambda route: route.fulfill(json={**SAID, "state": state}))
    shown.show(renderer.render("outbound/portal/notice.html", **values), width)
    shown.page.click("[data-mode=elder]")
    shown.page.click(".chat__open")
    shown.page.locator(".chat__stay").wait_for()
    shown.page.locator(".chat__acts button", has_text=pressed).click()
    assert shown.page.locator(".chat__notice:visible").count() == 1
    small, narrow = shown.page.evaluate(SMALL_TEXT, 18), shown.page.evaluate(SMALL_TARGETS, 60)
    overflow, faults = shown.overflow(), shown.axe()
    shown.page.unroute(start)
    shown.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    assert small == []
    assert narrow == []
    assert overflow <= 0
    assert faults == []
