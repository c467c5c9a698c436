"""The doors of the hotline: a forged or old call makes nothing, a number comes once, an export is masked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.models import Ticket
from hub.hotline import signature
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import Office, open_office

CASE = {"number": "DH20260302001", "kind": "投诉", "text": "北湖路路灯坏了，电话13812345678", "contact": "13812345678"}


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    """An office that shares a secret with the hotline."""
    with open_office(sqlite_url, tmp_path, clock, hotline_secret="s3", hotline_url="https://12345.example") as office:
        office.hire("chief", "root", Role.SUPERVISOR)
        yield office


def _call(office: Office, case: object, under: str = "s3", late: int = 0) -> tuple[int, dict[str, str]]:
    body = case if isinstance(case, bytes) else json.dumps(case).encode()
    head = signature.headers(under, body, office.hub.clock.now())
    if late:
        head = signature.headers(under, body, office.hub.clock.now().replace(year=2025))
    answer = office.browser().post("/hotline/tickets", content=body, headers={**head, "Accept": "application/json"})
    return answer.status_code, answer.json()


def _count(office: Office) -> int:
    with office.hub.works.read() as work:
        return work.session.scalar(select(func.count(Ticket.id))) or 0


def test_a_case_becomes_one_ticket(office: Office) -> None:
    first, again = _call(office, CASE), _call(office, CASE)
    assert (first[0], again[0], _count(office)) == (201, 200, 1)
    assert first[1]["number"] == again[1]["number"]


def test_what_is_forged_old_or_misshapen_makes_nothing(office: Office) -> None:
    assert _call(office, CASE, under="guess")[0] == 403
    assert _call(office, CASE, late=1)[0] == 403
    bad = (b"[", ["a"], {**CASE, "kind": "回访"}, {**CASE, "number": ""}, {**CASE, "text": 5}, {**CASE, "text": ""})
    assert [_call(office, case)[0] for case in bad] == [422] * len(bad)
    assert _call(office, b" " * 70_000)[0] == 422
    assert _count(office) == 0


def test_a_file_is_taken_row_by_row_and_once(office: Office) -> None:
    chief, unit = office.log_in("chief"), str(office.unit("root").id)
    rows = "12345编号,类别,事由,称呼,联系方式\nDH1,求助,楼道堆物,,\nDH2,闲聊,你好,,\n"
    for encoding in ("utf-8-sig", "gb18030"):
        sent = {"data": {"csrf": chief.csrf, "unit": unit}, "files": {"file": ("a.csv", rows.encode(encoding))}}
        page = chief.post("/console/tickets/import", **sent).text
        assert "“类别”须为" in page
    assert "原已登记为" in page
    assert _count(office) == 1
    wrong = {"data": {"csrf": chief.csrf, "unit": unit}, "files": {"file": ("a.xlsx", b"PK\x03\x04broken")}}
    assert chief.post("/console/tickets/import", **wrong).status_code == 422


def test_an_export_is_masked_and_holds_no_formula(office: Office) -> None:
    _call(office, {**CASE, "name": "周先生", "text": "=1+1 电话13812345678"})
    text = office.log_in("chief").get("/console/tickets/export?form=csv").content.decode("utf-8-sig")
    (row,) = list(csv.DictReader(io.StringIO(text)))
    assert (row["联系方式"], row["称呼"], row["事由"]) == ("138****5678", "周**", "'=1+1 电话138****5678")
    assert office.log_in("chief").get("/console/tickets/export").content[:2] == b"PK"


def test_a_ticket_is_sent_by_one_button(office: Office) -> None:
    _call(office, CASE)
    with office.hub.works.write() as work:
        ticket = work.session.scalars(select(Ticket)).one()
        ticket.hotline_number = None
    chief, path = office.log_in("chief"), f"/console/tickets/{ticket.id}"
    assert "发送到 12345" in chief.get(path).text
    assert chief.send_form(f"{path}/hotline").status_code == 303
    assert "待发" in chief.get(path).text
    assert chief.send_form(f"{path}/hotline/number", hotline_number=" ").status_code == 422
