"""保存期限: the console shows every kind with its rule and what was deleted; only who keeps the rules changes them."""

from __future__ import annotations

from content import search_misses
from hub.keeping import DUTY, KINDS
from kernel.clock import StillClock
from kernel.duties import run_due
from kernel.people import Role
from tests.hub.office import Office


def test_every_kind_is_shown_with_its_oldest_row_and_what_was_deleted(office: Office, clock: StillClock) -> None:
    office.hire("admin", "root", Role.SYSTEM_ADMIN, below=True)
    browser = office.log_in("admin")
    with office.hub.works.write() as work:
        search_misses.record_miss(work, "公积金")
    text = browser.get("/console/retention").text
    assert all(kind.rule.label in text and f"/console/rules/{kind.rule.name}" in text for kind in KINDS)
    assert all(day in text for day in ("2026-03-02", "2026-08-29"))
    clock.step(days=181)
    duties = [duty for duty in office.hub.duties if duty.name == DUTY]
    assert run_due(office.hub.works, duties) == [DUTY]
    browser = office.log_in("admin")
    assert "1 条" in browser.get("/console/retention").text


def test_who_may_see_it_may_not_thereby_change_it(office: Office) -> None:
    office.hire("auditor", "root", Role.AUDITOR, below=True)
    office.hire("agent", "root", Role.AGENT)
    auditor, agent = office.log_in("auditor"), office.log_in("agent")
    assert "/console/rules/retention" not in auditor.get("/console/retention").text
    assert auditor.send_form("/console/rules/retention.messages", value="30").status_code == 403
    assert agent.get("/console/retention").status_code == 403
