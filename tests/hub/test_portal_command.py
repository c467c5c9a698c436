"""`xuanda portal rebuild` on the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from hub import cli
from kernel.audit import AuditLine
from kernel.clock import StillClock
from tests.hub.web.going_out import open_desk


def test_the_command_draws_the_site_and_leaves_a_trace(
    sqlite_url: str, tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path))
    monkeypatch.setenv("XUANDA_DATABASE_URL", sqlite_url)
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        done = CliRunner().invoke(cli.app, ["portal", "rebuild", "--anew"])
        assert done.exit_code == 0, done.output
        assert "files removed" in done.output
        assert (desk.hub.settings.site_folder / "index.html").exists()
        with desk.hub.works.read() as work:
            acts = set(work.session.scalars(select(AuditLine.act)))
    assert {"account.rebuild_begun", "account.rebuilt"} <= acts
