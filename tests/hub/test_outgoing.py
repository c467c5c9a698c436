"""Who is told what on the way out: once for all accounts of an hour, and again when the hour was moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.notices import Notice
from kernel.clock import StillClock
from scheduler.events import RanLate, StillUnsigned
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """The running hub of an office with fake accounts."""
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def told(desk: Desk, name: str, kind: str) -> list[str]:
    with desk.hub.works.read() as work:
        mine = select(Notice).where(Notice.person_id == desk.city.person(name).id, Notice.kind == kind)
        return [f"{row.title} {row.text}" for row in work.session.scalars(mine.order_by(Notice.id))]


def test_an_unsigned_release_is_told_once_for_all_its_accounts_and_anew_when_moved(desk: Desk) -> None:
    release = desk.release(signed=False)
    at = datetime.fromisoformat("2026-03-02T02:00:00+00:00")

    def says(at: datetime) -> None:
        places = (("政务微信", at), ("政务微博", at + timedelta(minutes=10)))
        with desk.hub.works.write() as work:
            work.emit(StillUnsigned(release.id, frozenset({release.unit_id}), "《供热》", 30, at, places))

    says(at)
    says(at)
    (text,) = told(desk, "signer", "release.unsigned")
    assert "“政务微信” 10:00、“政务微博” 10:10" in text
    says(at + timedelta(minutes=30))
    assert len(told(desk, "signer", "release.unsigned")) == 2


def test_a_delivery_that_was_moved_is_called_late_again(desk: Desk, clock: StillClock) -> None:
    release = desk.release()
    delivery = desk.booked(release)

    def late() -> int:
        with desk.hub.works.write() as work:
            work.emit(RanLate(delivery.id, delivery.unit_id, delivery.account_id, "《供热》", 5, "排队等待发送"))
        return len(told(desk, "officer", "delivery.late"))

    assert late() == 1
    assert late() == 1
    with desk.hub.works.write() as work:
        work.session.merge(delivery).scheduled_at = clock.now() + timedelta(hours=1)
    assert late() == 2
