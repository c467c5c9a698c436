"""工作台 and 通知."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from hub.notices import Notice
from kernel.people import Person, Role
from tests.hub.office import Browser, Office


@pytest.fixture
def browser(office: Office) -> Browser:
    """An officer's browser."""
    office.hire("wang", "north", Role.OFFICER)
    return office.log_in("wang")


def tell(office: Office, person: Person, title: str, link: str = "/console/me") -> int:
    """Tells somebody something and returns the notice's number."""
    with office.hub.works.write() as work:
        office.hub.notifier.tell(work, [person.id], "probe", title, "", link, title)
    with office.hub.works.read() as work:
        return work.session.scalars(select(Notice.id).where(Notice.title == title)).one()


def test_an_unread_notice_waits_on_the_workbench_and_opens(office: Office, browser: Browser) -> None:
    number = tell(office, office.person("wang"), "稿件被退回")
    page = browser.get("/console").text
    assert "稿件被退回" in page
    assert 'class="count">1' in browser.get("/console/notices/unread").text
    assert browser.send_form(f"/console/notices/{number}/open").headers["location"] == "/console/me"
    assert "稿件被退回" not in browser.get("/console").text
    assert "稿件被退回" in browser.get("/console/notices").text
    assert "稿件被退回" not in browser.get("/console/notices?show=unread").text


def test_a_notice_leads_nowhere_outside(office: Office, browser: Browser) -> None:
    number = tell(office, office.person("wang"), "外链", "https://evil.example/")
    assert browser.send_form(f"/console/notices/{number}/open").headers["location"] == "/console/notices"


def test_all_can_be_read_at_once_and_only_the_own(office: Office, browser: Browser) -> None:
    other = office.hire("zhao", "north")
    for person in (office.person("wang"), other):
        tell(office, person, f"给{person.login}")
    browser.send_form("/console/notices/read")
    with office.hub.works.read() as work:
        unread = work.session.scalars(select(Notice.title).where(Notice.read_at.is_(None))).all()
    assert unread == ["给zhao"]
    assert "给zhao" not in browser.get("/console/notices").text


def test_notices_are_paged(office: Office, browser: Browser) -> None:
    for number in range(25):
        tell(office, office.person("wang"), f"第{number}件")
    first, second = browser.get("/console/notices").text, browser.get("/console/notices?page=2").text
    assert "第24件" in first
    assert "第4件" not in first
    assert "第4件" in second


def test_the_menu_shows_what_one_may_do(office: Office, browser: Browser) -> None:
    page = browser.get("/console").text
    assert 'href="/console/audit"' not in page
    office.hire("auditor", "root", Role.AUDITOR)
    page = office.log_in("auditor").get("/console/audit").text
    assert 'href="/console/audit" aria-current="page"' in page
    assert 'href="/console/grants"' not in page


def test_whoever_has_no_role_is_told_what_to_do(office: Office) -> None:
    office.hire("new", "north")
    assert "还没有给您分配角色" in office.log_in("new").get("/console").text
