"""审计日志: read, filtered, checked and taken away by the auditor, and by nobody else."""

from __future__ import annotations

import csv
import io

import pytest
from sqlalchemy import select, update

from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Person, Role, Unit
from kernel.work import Actor
from tests.hub.office import Browser, Office


@pytest.fixture
def auditor(office: Office) -> Browser:
    """The auditor of the whole city."""
    office.hire("auditor", "root", Role.AUDITOR, below=True)
    return office.log_in("auditor")


def note(office: Office, act: str, unit: str = "north", who: str = "王五", **details: object) -> None:
    """One line about a unit."""
    with office.hub.works.write(Actor(who)) as work:
        person = work.session.scalars(select(Person)).first()
        assert person is not None
        target = Person(id=person.id, unit_id=work.session.scalars(select(Unit.id).where(Unit.code == unit)).one())
        work.audit(act, target, **details)


def line(act: str) -> str:
    """How an act's code stands in a row of the list."""
    return f'<span class="table__note">{act}</span>'


def test_lines_are_filtered_by_their_address(office: Office, clock: StillClock) -> None:
    office.hire("auditor", "root", Role.AUDITOR, below=True)
    note(office, "piece.created", who="王五")
    clock.step(days=2)
    note(office, "piece.signed", who="赵六", level=3)
    auditor = office.log_in("auditor")
    pages = {
        "act=piece.signed": (False, True),
        "person=%E7%8E%8B": (True, False),
        "from=2026-03-04": (False, True),
        "to=2026-03-03": (True, False),
        "object=person&number=1": (True, True),
        "object=piece": (False, False),
    }
    for query, (first, second) in pages.items():
        text = auditor.get(f"/console/audit?{query}").text
        shown = (line("piece.created") in text, line("piece.signed") in text)
        assert shown == (first, second), query


def test_a_wrong_date_is_said_and_shows_everything(auditor: Browser) -> None:
    page = auditor.get("/console/audit?from=yesterday")
    assert page.status_code == 200
    assert "日期应写作" in page.text
    assert "login.succeeded" in page.text


def test_a_districts_auditor_reads_only_the_districts_lines(office: Office) -> None:
    office.hire("north-auditor", "north", Role.AUDITOR)
    for unit in ("root", "north", "north-desk", "south"):
        note(office, f"probe.{unit}", unit)
    with office.hub.works.write() as work:
        work.audit("probe.nowhere")
    text = office.log_in("north-auditor").get("/console/audit").text
    assert line("probe.north") in text
    for unit in ("root", "north-desk", "south", "nowhere"):
        assert line(f"probe.{unit}") not in text


def test_what_belongs_to_no_unit_is_the_roots(office: Office, auditor: Browser) -> None:
    with office.hub.works.write() as work:
        work.audit("probe.nowhere")
    assert line("probe.nowhere") in auditor.get("/console/audit").text


def test_the_chain_is_checked_and_tampering_found(office: Office, auditor: Browser) -> None:
    note(office, "piece.created", words="before")
    answer = auditor.send_form("/console/audit/verify")
    assert "校验通过" in auditor.get(answer.headers["location"]).text
    with office.hub.engine.begin() as connection:
        connection.execute(update(AuditLine).where(AuditLine.act == "piece.created").values(details="{}"))
    auditor.send_form("/console/audit/verify")
    assert "校验未通过" in auditor.get("/console/audit").text
    with office.hub.works.read() as work:
        last = work.session.scalars(select(AuditLine).where(AuditLine.act == "audit.verified")).all()
    assert '"fault": null' in last[0].details
    assert "was changed" in last[1].details


def test_the_export_holds_the_filtered_lines_and_is_noted(office: Office, auditor: Browser) -> None:
    for number in range(3):
        note(office, "piece.created", number=number)
    note(office, "probe.other", formula="=1+1", who="=cmd()")
    answer = auditor.get("/console/audit/export.csv?act=piece.created")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert answer.text.startswith("\ufeff")
    assert [row[5] for row in rows[1:]] == ["piece.created"] * 3
    everything = auditor.get("/console/audit/export.csv").text
    assert "'=cmd()" in everything
    with office.hub.works.read() as work:
        noted = work.session.scalars(select(AuditLine).where(AuditLine.act == "audit.exported")).all()
    assert '{"filters": {"act": "piece.created"}}' in noted[0].details


def test_a_long_export_is_read_in_pieces(office: Office, auditor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.web.audit_log.EXPORTED_AT_ONCE", 2)
    for number in range(5):
        note(office, "piece.created", number=number)
    rows = list(csv.reader(io.StringIO(auditor.get("/console/audit/export.csv?act=piece.created").text)))
    assert [row[8] for row in rows[1:]] == [f'{{"number": {number}}}' for number in range(5)]


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.SIGNER, Role.SUPERVISOR])
def test_nobody_else_reads_it(office: Office, role: Role) -> None:
    office.hire("other", "root", role, below=True)
    browser = office.log_in("other")
    for path in ("/console/audit", "/console/audit/export.csv"):
        assert browser.get(path).status_code == 403
    assert browser.send_form("/console/audit/verify").status_code == 403


def test_pages_of_lines(office: Office, auditor: Browser) -> None:
    with office.hub.works.write() as work:
        for _ in range(120):
            work.audit("probe.many")
    assert auditor.get("/console/audit?act=probe.many").text.count(line("probe.many")) == 50
    assert auditor.get("/console/audit?act=probe.many&page=3").text.count(line("probe.many")) == 20
