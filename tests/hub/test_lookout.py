"""Where nothing that sends lives, a process that serves pages tells people so, and what is late; at no other time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.lookout import look
from hub.notices import Notice
from hub.product import HEARTBEAT
from kernel.clock import StillClock
from kernel.duties import Duty, run_due
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """The running hub of an office, whose engine nobody started."""
    with open_desk(database_url, tmp_path, clock) as desk:
        yield desk


def beat(desk: Desk) -> None:
    run_due(desk.hub.works, [duty for duty in desk.hub.duties if duty.name == HEARTBEAT])


def told(desk: Desk, kind: str, person: str = "system_admin") -> list[str]:
    with desk.hub.works.read() as work:
        mine = select(Notice).where(Notice.person_id == desk.city.people[person].id, Notice.kind == kind)
        return [row.text for row in work.session.scalars(mine.order_by(Notice.id))]


def test_while_the_engine_beats_nobody_is_told(desk: Desk, clock: StillClock) -> None:
    beat(desk)
    clock.step(seconds=60)
    assert not look(desk.hub)
    assert told(desk, "engine.silent") == []


def test_silence_is_told_once_an_hour_and_anew_when_it_begins_anew(desk: Desk, clock: StillClock) -> None:
    beat(desk)
    clock.step(seconds=61)
    assert look(desk.hub)
    assert look(desk.hub)
    assert len(told(desk, "engine.silent")) == 1
    clock.step(hours=1)
    look(desk.hub)
    assert len(told(desk, "engine.silent")) == 2
    beat(desk)
    assert not look(desk.hub)
    clock.step(seconds=61)
    look(desk.hub)
    assert len(told(desk, "engine.silent")) == 3
    assert len(set(told(desk, "engine.silent"))) == 2  # From which minute on, as the office reads its clock.


def test_what_is_late_is_alarmed_and_leaves_the_house_though_no_engine_lives(desk: Desk, clock: StillClock) -> None:
    sent: list[bool] = []
    notices = Duty("notices.send", timedelta(seconds=5), lambda: sent.append(True))
    desk.hub.duties = [*(duty for duty in desk.hub.duties if duty.name != notices.name), notices]
    beat(desk)
    desk.booked(desk.release())
    clock.step(minutes=3)
    look(desk.hub)
    (text,) = told(desk, "delivery.late", "officer")
    assert "已超过预定时间 3 分钟" in text
    assert sent == [True]


def test_nothing_is_sent_by_who_only_looks(desk: Desk, clock: StillClock) -> None:
    beat(desk)
    delivery = desk.booked(desk.release())
    clock.step(minutes=3)
    look(desk.hub)
    assert desk.now(delivery).state == "booked"
