"""系统状态: failures in sight, and a lost message sent again only by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.notices import Notice, NoticeSend, SendState
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.duties import Duty, run_due
from kernel.people import Role
from tests.hub.office import Browser, Office


@pytest.fixture
def admin(office: Office) -> Browser:
    """The system administrator of the whole city."""
    office.hire("admin", "root", Role.SYSTEM_ADMIN, below=True)
    return office.log_in("admin")


def lose(office: Office, state: SendState, unit: str = "north", title: str = "稿件被退回") -> int:
    """A mail in this state to somebody of the unit; returns its number."""
    person = office.hire(f"reader-{unit}-{state}", unit)
    with office.hub.works.write() as work:
        notice = Notice(
            person_id=person.id, unit_id=person.unit_id, kind="probe", title=title, key="k", created_at=work.now
        )
        work.session.add(notice)
        work.session.flush()
        send = NoticeSend(
            notice_id=notice.id,
            channel="smtp",
            address="13800138000",
            state=state,
            attempts=6,
            next_at=work.now,
            error="ReadTimeout",
        )
        work.session.add(send)
        work.session.flush()
        return send.id


def state_of(office: Office, send: int) -> str:
    with office.hub.works.read() as work:
        return work.session.scalars(select(NoticeSend.state).where(NoticeSend.id == send)).one()


def test_failed_and_lost_messages_are_shown_and_others_on_request(office: Office, admin: Browser) -> None:
    for state in SendState:
        lose(office, state, title=f"信件 {state}")
    shown = admin.get("/console/system").text
    assert ("信件 failed" in shown, "信件 unknown" in shown, "信件 sent" in shown) == (True, True, False)
    assert "信件 sent" in admin.get("/console/system?state=sent").text
    assert "13800138000" not in shown
    assert "138****8000" in shown


@pytest.mark.parametrize("state", [SendState.FAILED, SendState.UNKNOWN])
def test_a_person_sends_it_again_and_the_log_knows(office: Office, admin: Browser, state: SendState) -> None:
    send = lose(office, state)
    assert admin.send_form(f"/console/system/sends/{send}/again").status_code == 303
    assert state_of(office, send) == SendState.WAITING
    with office.hub.works.read() as work:
        line = work.session.scalars(select(AuditLine).where(AuditLine.act == "notice.sent_again")).one()
    assert f'"before": "{state}"' in line.details


@pytest.mark.parametrize("state", [SendState.SENT, SendState.SENDING, SendState.WAITING])
def test_what_was_sent_or_is_on_its_way_is_not_sent_again(office: Office, admin: Browser, state: SendState) -> None:
    send = lose(office, state)
    assert admin.send_form(f"/console/system/sends/{send}/again").status_code == 409
    assert state_of(office, send) == state


def test_the_security_administrator_looks_and_does_not_act(office: Office) -> None:
    office.hire("guard", "root", Role.SECURITY_ADMIN, below=True)
    send = lose(office, SendState.FAILED)
    browser = office.log_in("guard")
    page = browser.get("/console/system").text
    assert "稿件被退回" in page
    assert "/again" not in page
    assert browser.send_form(f"/console/system/sends/{send}/again").status_code == 403


def test_a_duty_that_fails_or_is_late_stands_out(office: Office, clock: StillClock) -> None:
    def fail() -> None:
        raise ValueError("no paper in the printer")

    office.hub.duties[:] = [Duty("bad", timedelta(minutes=5), fail)]
    run_due(office.hub.works, office.hub.duties)
    office.hire("admin", "root", Role.SYSTEM_ADMIN)
    admin = office.log_in("admin")
    page = admin.get("/console/system").text
    assert "ValueError: no paper in the printer" in page
    assert "超时" not in page
    clock.step(minutes=16)
    assert "超时" in admin.get("/console/system").text


def test_checks_are_shown(office: Office, admin: Browser) -> None:
    page = admin.get("/console/system").text
    assert "stat--good" in page
    assert "stat--bad" in page
