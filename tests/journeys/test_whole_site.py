"""The demo's portal as it was published: every page before html-validate, every kind of page before axe, every feed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest

from tests.templates.browser import Screen, screen
from tests.templates.test_html_valid import validate

ROOT = Path(__file__).parents[2]
# Of each folder its list, and so many of its pages: those of one kind are drawn by one template.
OF_EACH = 2

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an office's web server gives out, filled through the product."""
    data = tmp_path_factory.mktemp("whole")
    command = [sys.executable, "-m", "hub.cli", "demo", "--once"]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "XUANDA_DATA": str(data)}, capture_output=True)
    return data / "site"


@pytest.fixture(scope="module")
def shown(site: Path) -> Iterator[Screen]:
    """A browser page for all of them, with the pictures that stand in the folder."""
    with screen(site) as page:
        yield page


def kinds_of(site: Path) -> list[Path]:
    """Some pages of every folder, and those at the top."""
    found = sorted(site.glob("*.html"))
    for folder in sorted(one for one in site.rglob("*") if one.is_dir()):
        pages = sorted(folder.glob("*.html"))
        lists, others = [one for one in pages if one.name == "index.html"], [p for p in pages if p.name != "index.html"]
        found += [*lists, *others[:OF_EACH]]
    return found


def test_every_page_is_valid_html(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) > 150
    assert validate(site) == []


@pytest.mark.parametrize("width", [1280, 360])
def test_every_kind_of_page_is_accessible_and_fits(site: Path, shown: Screen, width: int) -> None:
    faults: list[str] = []
    pages = kinds_of(site)
    assert len(pages) > 20
    for page in pages:
        shown.show(page.read_text("utf-8"), width)
        name = page.relative_to(site)
        faults += [f"{name} {fault}" for fault in (*shown.axe(), *shown.complaints)]
        if shown.overflow() > 0:
            faults.append(f"{name} is {shown.overflow()} pixels too wide")
    assert faults == []


def test_every_feed_is_read_by_a_parser_that_is_strict(site: Path) -> None:
    feeds = [one for one in site.rglob("*.xml") if one.name.startswith(("rss", "atom"))]
    assert len(feeds) > 4
    for one in feeds:
        read = feedparser.parse(one.read_bytes())
        assert not read.bozo, f"{one.relative_to(site)}: {read.get('bozo_exception')}"
        assert read.feed.title, one
        assert all(entry.link and entry.title and entry.id for entry in read.entries), one
    assert any(feedparser.parse(one.read_bytes()).entries for one in feeds)
