"""Every page in a real browser: accessible, without sideways scrolling, without a word from the content policy."""

from __future__ import annotations

import pytest

from templates.engine import Engine
from tests.templates.browser import Screen
from tests.templates.samples import CONSOLE, PORTAL, Sample

PAGES = [(name, number, values) for name, many in {**CONSOLE, **PORTAL}.items() for number, values in enumerate(many)]
IDS = [f"{name.rsplit('/', 1)[-1]}-{number}" for name, number, _ in PAGES]

SMALLEST_TEXT = """
Math.min(...[...document.querySelectorAll('main p, main a, main dd, main td, main li')]
  .filter((element) => element.getClientRects().length && !element.closest('.unseen'))
  .map((element) => parseFloat(getComputedStyle(element).fontSize)))
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


@pytest.mark.parametrize(
    "name", ["outbound/portal/home.html", "outbound/portal/guide.html", "outbound/portal/notice.html"]
)
@pytest.mark.parametrize("width", [1280, 360])
def test_the_elder_version_is_large_and_fits(renderer: Engine, shown: Screen, name: str, width: int) -> None:
    shown.show(renderer.render(name, **PORTAL[name][0]), width)
    shown.page.click("[data-mode=elder]")
    smallest = shown.page.evaluate(SMALLEST_TEXT)
    button = shown.page.locator("[data-mode=elder]").bounding_box()
    overflow, faults = shown.overflow(), shown.axe()
    shown.page.click("[data-mode=elder]")
    assert smallest >= 18
    assert button is not None
    assert button["height"] >= 60
    assert overflow <= 0
    assert faults == []
