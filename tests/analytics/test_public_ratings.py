"""好差评 for everybody: counted where enough people rated, by quarter, with what was set right, and never a person."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from analytics import public_ratings
from analytics.models import ServiceFigure
from analytics.public_ratings import LEAST, bounds, quarter_of
from bot import ratings, tickets
from bot.models import Conversation, Ticket
from bot.states import ConversationState
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.work import Works
from tests.bot.citizens import GUIDE, published
from tests.factories import Office, make_office

ZONE = ZoneInfo("Asia/Shanghai")


def rate(office: Office, piece: int, *scores: int) -> None:
    """Sessions about an item that ended and were rated just now."""
    with office.works.write() as work:
        for score in scores:
            talk = Conversation(
                unit_id=office.bureau.id, channel="portal", sender="x", state=ConversationState.CLOSED, lines=0,
                opened_at=work.now, heard_at=work.now, closed_at=work.now, rating_asked_at=work.now, service_id=piece,
                failures=0, pending="", choices=[], engine_session="s", dialogue={},
            )  # fmt: skip
            work.session.add(talk)
            work.session.flush()
            ratings.rate(work, talk, score, ZONE)


def rows(office: Office) -> list[tuple[str, str, list[int], int, int, int]]:
    public_ratings.publish(office.works, ZONE)
    with office.works.read() as work:
        found = work.session.scalars(select(ServiceFigure).order_by(ServiceFigure.id)).all()
        return [(one.period, one.title, one.levels, one.low, one.righted, one.in_time) for one in found]


@pytest.fixture
def office(works: Works, tmp_path: Path) -> Office:
    return make_office(works, Blobs(tmp_path))


@pytest.fixture
def item(office: Office) -> int:
    return published(office, "guide", "居民身份证补领", **GUIDE)


def test_the_quarters_of_a_year() -> None:
    assert [quarter_of(date(2026, month, 1)) for month in (1, 3, 4, 12)] == ["2026Q1", "2026Q1", "2026Q2", "2026Q4"]
    since, until = bounds("2026Q4", ZONE)
    assert (since.date(), until.date()) == (date(2026, 10, 1), date(2027, 1, 1))


def test_at_the_limit_an_item_is_shown_and_one_below_it_is_not(office: Office, item: int) -> None:
    rate(office, item, *[1] * (LEAST - 1))
    assert rows(office) == []
    rate(office, item, 4)
    assert rows(office) == [("2026Q1", "居民身份证补领", [LEAST - 1, 0, 0, 1, 0], 1, 0, 0)]


def test_small_items_are_counted_together_where_they_are_enough(office: Office, item: int) -> None:
    other = published(office, "guide", "居住证申领", **GUIDE)
    rate(office, item, 1, 2, 2)
    rate(office, other, 5)
    assert rows(office) == []
    rate(office, other, 1)
    assert rows(office) == [("2026Q1", "", [2, 2, 0, 0, 1], 1, 0, 0)]


def test_what_was_set_right_and_in_time(office: Office, item: int, clock: StillClock) -> None:
    rate(office, item, 1, 1, 1, 4, 5, 5)
    with office.works.write() as work:
        first, *_others, last = work.session.scalars(select(Ticket).order_by(Ticket.id)).all()
        tickets.answer(work, first, "已整改。")
    clock.step(days=20)
    with office.works.write() as work:
        tickets.answer(work, work.session.get_one(Ticket, last.id), "已整改。")
    assert rows(office)[0][3:] == (3, 2, 1)


def test_nothing_is_written_where_nothing_changed(office: Office, item: int) -> None:
    rate(office, item, *[2] * LEAST)
    assert public_ratings.publish(office.works, ZONE) == 1
    assert public_ratings.publish(office.works, ZONE) == 0


def test_an_older_quarter_stays_when_its_ratings_are_gone(office: Office, item: int, clock: StillClock) -> None:
    rate(office, item, *[2] * LEAST)
    before = rows(office)
    clock.step(days=250)
    with office.works.write() as work:
        for talk in work.session.scalars(select(Conversation)):
            talk.service_id = None
        for one in work.session.scalars(select(ratings.Rating)):
            work.session.delete(one)
    assert rows(office) == before
