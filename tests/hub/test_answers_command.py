"""`xuanda answers check` on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot import publishing, tickets
from hub import cli
from kernel.clock import StillClock
from tests.hub.web.newsroom import open_newsroom


def test_it_names_the_ticket_and_what_stands_in_it_but_never_the_words(
    sqlite_url: str, tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path))
    monkeypatch.setenv("XUANDA_DATABASE_URL", sqlite_url)
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        with room.hub.works.write() as work:
            zone = room.hub.settings.office_zone
            ticket = tickets.make(work, unit_id=room.office.bureau.id, kind="咨询", text="路灯坏了", zone=zone)
            tickets.answer(work, ticket, "已修复。")
            row = publishing.publish(work, ticket, "路灯坏了", "已修复。")
            number = ticket.number
        clean = CliRunner().invoke(cli.app, ["answers", "check"])
        assert (clean.exit_code, clean.output) == (0, "0 published answer(s) would be refused today.\n")
        with room.hub.works.write() as work:
            work.session.merge(row).question = "电话13812341234，路灯坏了"
        told = CliRunner().invoke(cli.app, ["answers", "check"])
    assert told.exit_code == 1
    assert number in told.output
    assert room.office.bureau.name in told.output
    assert "1 published answer(s)" in told.output
    assert "13812341234" not in told.output
    assert "路灯" not in told.output
