"""Every page in a real browser: accessible, without sideways scrolling, without a word from the content policy."""

from __future__ import annotations

import pytest

from templates.engine import Engine
from tests.templates.browser import Screen
from tests.templates.samples import CONSOLE, PORTAL, Sample

PAGES = [(name, number, values) for name, many in {**CONSOLE, **PORTAL}.items() for number, values in enumerate(many)]
IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in PAGES]

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
# What is pressed and is smaller; a link within a sentence is as high as its line.
SMALL_TARGETS = """
(least) => {
  const found = [];
  const inSentence = (one) => one.tagName === "A" && getComputedStyle(one).display === "inline" && !one.closest("nav")
    && [...one.parentElement.childNodes].some((other) => other !== one && other.textContent.trim());
  const pressed = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  for (const one of document.querySelectorAll(pressed)) {
    if (!one.getClientRects().length || one.closest(".unseen, .skip") || inSentence(one)) continue;
    const box = (one.matches("[type=checkbox], [type=radio]") && one.closest("label")) || one;
    const { width, height } = box.getBoundingClientRect();
    if (Math.round(width) < least || Math.round(height) < least)
      found.push(`${box.className} ${Math.round(width)}x${Math.round(height)}: ${box.textContent.trim().slice(0, 20)}`);
  }
  return found;
}
"""

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("name", "number", "values"), PAGES, ids=IDS)
def test_a_page_is_accessible_and_fits(
    renderer: Engine, shown: Screen, name: str, number: int, values: Sample, width: int
) -> None:
    shown.show(renderer.render(name, **values), width)
    assert shown.overflow() <= 0
    assert shown.axe() == []
    assert shown.complaints == []


@pytest.mark.parametrize("name", ["pages/login.html", "pages/patterns.html"])
def test_english_is_accessible_and_fits_a_phone(renderer: Engine, shown: Screen, name: str) -> None:
    shown.show(renderer.render(name, "en", **CONSOLE[name][0]), 360)
    assert shown.overflow() <= 0
    assert shown.axe() == []


DRAWN = [(name, number, values) for name, number, values in PAGES if name in PORTAL]
DRAWN_IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in DRAWN]


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("name", "number", "values"), DRAWN, ids=DRAWN_IDS)
def test_the_elder_version_of_every_page_is_large_and_fits(
    renderer: Engine, shown: Screen, name: str, number: int, values: Sample, width: int
) -> None:
    shown.show(renderer.render(name, **values), width)
    shown.page.click("[data-mode=elder]")
    small, narrow = shown.page.evaluate(SMALL_TEXT, 18), shown.page.evaluate(SMALL_TARGETS, 44)
    button = shown.page.locator("[data-mode=elder]").bounding_box()
    overflow, faults = shown.overflow(), shown.axe()
    shown.page.click("[data-mode=elder]")
    assert small == []
    assert narrow == []
    assert button is not None
    assert button["height"] >= 60
    assert overflow <= 0
    assert faults == []


@pytest.mark.parametrize(("name", "number", "values"), DRAWN, ids=DRAWN_IDS)
def test_whatever_is_pressed_on_a_phone_is_large_enough(
    renderer: Engine, shown: Screen, name: str, number: int, values: Sample
) -> None:
    shown.show(renderer.render(name, **values), 360)
    assert shown.page.evaluate(SMALL_TARGETS, 44) == []
