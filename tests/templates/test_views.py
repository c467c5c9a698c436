"""What pages are given: a list's addresses, the sums of the menu."""

from __future__ import annotations

import pytest

from templates.views import ListState, NavItem, NavSection, PortalSite

STATE = ListState("/console/pieces", {"q": "供热", "state": "", "unit": "3"}, "-at", 4, 20, 187)


def test_an_address_holds_filters_order_and_page() -> None:
    assert STATE.href(page=2) == "/console/pieces?q=%E4%BE%9B%E7%83%AD&unit=3&sort=-at&page=2"
    assert STATE.href(state="failed", q="") == "/console/pieces?state=failed&unit=3&sort=-at"
    assert ListState("/console/pieces").href() == "/console/pieces"


def test_a_changed_filter_starts_at_the_first_page() -> None:
    assert "page" not in STATE.href(state="failed")


def test_sorting_turns_round_and_says_so() -> None:
    assert STATE.sort_href("title").endswith("sort=title")
    assert STATE.sort_href("at").endswith("sort=at")
    assert ListState("/x", sort="at").sort_href("at") == "/x?sort=-at"
    assert (STATE.order("at"), STATE.order("title")) == ("descending", "none")
    assert ListState("/x", sort="at").order("at") == "ascending"


@pytest.mark.parametrize(
    ("total", "page", "pages", "first", "last"),
    [(0, 1, 1, 0, 0), (1, 1, 1, 1, 1), (20, 1, 1, 1, 20), (21, 2, 2, 21, 21), (187, 4, 10, 61, 80)],
)
def test_which_rows_a_page_shows(total: int, page: int, pages: int, first: int, last: int) -> None:
    state = ListState("/x", page=page, total=total)
    assert (state.pages, state.first, state.last) == (pages, first, last)


@pytest.mark.parametrize(
    ("page", "total", "shown"),
    [
        (1, 0, [1]),
        (1, 60, [1, 2, 3]),
        (1, 200, [1, 2, 0, 10]),
        (5, 200, [1, 0, 4, 5, 6, 0, 10]),
        (10, 200, [1, 0, 9, 10]),
    ],
)
def test_which_pages_are_linked(page: int, total: int, shown: list[int]) -> None:
    assert ListState("/x", page=page, total=total).page_numbers() == shown


def test_filters_are_known_when_one_is_set() -> None:
    assert STATE.filtered
    assert not ListState("/x", {"q": ""}).filtered
    assert (STATE.value("q"), STATE.value("lost")) == ("供热", "")


def test_a_section_sums_what_waits() -> None:
    section = NavSection("互动回应", [NavItem("会话", "/a", 3), NavItem("工单", "/b", 4, current=True)])
    assert (section.count, section.current) == (7, True)
    assert not NavSection("素材库", [NavItem("素材库", "/c")]).current


def test_a_site_knows_its_domain() -> None:
    assert (
        PortalSite("云州", "https://www.yunzhou.example", "3700009999", "云州市人民政府办公室", []).domain
        == "www.yunzhou.example"
    )
