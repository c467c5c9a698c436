"""The articles of a placement: what is published again, or sent once more, is a further one; the first is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from channels.abilities.inventory import Found
from channels.base import Live, Shown
from scheduler.models import Delivery, Placement
from scheduler.outside.compare import _Ours
from scheduler.placements import articles_of, remember
from scheduler.states import PlacementState
from tests.scheduler.conftest import Timetable


@pytest.mark.parametrize(
    ("action", "told", "stands"),
    [
        ("correct", {"earlier": ["a1"]}, True),
        ("correct", {"earlier": []}, False),
        ("correct", {}, True),
        ("publish", {"earlier": ["a1"]}, True),
    ],
)
def test_the_first_article_stands_while_the_platform_shows_it(
    timetable: Timetable, action: str, told: dict[str, list[str]], stands: bool
) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    with timetable.works.write() as work:
        place = work.session.scalars(select(Placement)).one()
        place.remote_id, place.url, place.data = "a1", "https://mp.example/1", {"msg_data_id": 7, "idx": 1}
        began = place.live_at
        delivery = work.session.scalars(select(Delivery)).one()
        delivery.channel, delivery.action, delivery.note = "wechat", action, {"correction": "notice"}
    now = timetable.at(hours=3)
    with timetable.works.write() as work:
        delivery = work.session.scalars(select(Delivery)).one()
        shown = Shown("a2", "https://mp.example/2", {"msg_data_id": 8, "idx": 1, **told})
        remember(work, delivery, Live({release.piece_id: shown}))
    with timetable.works.read() as work:
        place = work.session.scalars(select(Placement)).one()
        first, present = articles_of(place)
        assert (first.placed.remote_id, first.placed.data["msg_data_id"], first.live_at) == ("a1", 7, began)
        assert (first.stands, present.stands) == (stands, True)
        assert (present.number, present.placed.url, present.live_at) == (1, "https://mp.example/2", now)
        ours = _Ours(work, timetable.account("fake-a"))
        at = datetime(2026, 3, 2, tzinfo=UTC)
        assert ours.knows(Found("n", "旧文", "https://mp.example/1", at))
        assert ours.knows(Found("n", "旧文", "https://mp.example/s?again", at, data={"msg_data_id": 7, "idx": 1}))
        assert place.url == "https://mp.example/2"
        assert not ours.knows(Found("n", "别人的", "https://mp.example/3", at))


@pytest.mark.parametrize("told", [{"earlier": ["a1"]}, {}], ids=["platform tells", "platform cannot tell"])
def test_what_was_taken_back_before_it_is_sent_again_stands_no_more(
    timetable: Timetable, told: dict[str, list[str]]
) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    with timetable.works.write() as work:
        place = work.session.scalars(select(Placement)).one()
        place.remote_id, place.url, place.state = "a1", "https://mp.example/1", PlacementState.WITHDRAWN
        delivery = work.session.scalars(select(Delivery)).one()
        remember(work, delivery, Live({release.piece_id: Shown("a2", "https://mp.example/2", told)}))
    with timetable.works.read() as work:
        found = articles_of(work.session.scalars(select(Placement)).one())
        assert [(one.placed.url, one.stands) for one in found] == [
            *([("https://mp.example/1", False)] if told else []),
            ("https://mp.example/2", True),
        ]
