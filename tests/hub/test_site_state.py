"""Grey mode by schedule: the one file follows the clock, and no page is drawn anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from channels.adapters.portal import state
from channels.adapters.portal.folder import Folder
from hub.site_state import GREY, is_grey

START = datetime(2026, 4, 4, 2, 0, tzinfo=UTC)
PERIOD = {"from": START.isoformat(), "until": (START + timedelta(hours=14)).isoformat(), "reason": "上级通知"}


@pytest.mark.parametrize(("minutes", "grey"), [(-1, False), (0, True), (14 * 60 - 1, True), (14 * 60, False)])
def test_the_site_is_grey_between_its_two_moments(minutes: int, grey: bool) -> None:
    assert is_grey(PERIOD, START + timedelta(minutes=minutes)) is grey


def test_without_a_period_the_site_is_never_grey() -> None:
    assert not is_grey({}, START)
    assert not is_grey({"from": "", "until": "", "reason": ""}, START)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"from": PERIOD["from"], "until": ""},
        {"from": PERIOD["until"], "until": PERIOD["from"]},
        {"from": "明天", "until": "后天"},
        {"from": "2026-04-04T10:00", "until": "2026-04-04T22:00"},
    ],
)
def test_a_period_that_is_none_is_refused(value: object) -> None:
    assert GREY.check(value)


def test_only_a_change_writes_the_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "site")
    assert state.write(folder, grey=True)
    assert "grayscale(1)" in folder.text(state.PATH)
    assert not state.write(folder, grey=True)
    assert state.write(folder, grey=False)
    assert "grayscale" not in folder.text(state.PATH)


def test_the_banners_words_can_end_neither_their_string_nor_the_sheet(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "site")
    hostile = '"} html { display: none } /* \\22 </style>\n'
    assert state.write(folder, grey=False, alerts=[state.Alert(hostile, '/x/1.html"; }', grave=True)])
    said = folder.text(state.PATH)
    assert "display: none" not in said
    assert "</style>" not in said
    assert said.count('"') == 4
    assert "/x/1.html" not in said
    assert not state.write(folder, grey=False, alerts=[state.Alert(hostile, '/x/1.html"; }', grave=True)])
    assert state.write(folder, grey=False)
    assert "content" not in folder.text(state.PATH)
