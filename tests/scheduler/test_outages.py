"""A platform that is down: since when, what waits, over with its first answer; and a takeover that races with it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from scheduler import booking
from scheduler.errors import TakenMeanwhile
from scheduler.models import Delivery
from scheduler.outages import Outage, outages
from scheduler.states import DeliveryState
from tests.scheduler.conftest import Timetable

S = DeliveryState


def down(timetable: Timetable, unit: str = "bureau") -> Sequence[Outage]:
    with timetable.works.read() as work:
        return outages(work.session, [getattr(timetable.office, unit).id], work.now)


def test_three_silent_calls_are_an_outage_until_the_first_answer(timetable: Timetable) -> None:
    began = timetable.clock.now()
    timetable.book(timetable.release().piece_id)
    timetable.book(timetable.release(title="第二篇").piece_id, at=timetable.at(seconds=1))
    assert down(timetable) == []
    timetable.platform().script = ["retryable"] * 8
    for _ in range(2):
        timetable.run()
        timetable.at(minutes=11)
    (one,) = down(timetable)
    assert (one.waiting, one.since >= began) == (2, True)
    assert down(timetable, "other") == []
    timetable.platform().script = []
    timetable.run()
    assert down(timetable) == []


def test_a_platform_that_says_no_more_of_what_it_took_is_an_outage_until_it_speaks(timetable: Timetable) -> None:
    timetable.platform().script = ["accepted", *["retryable"] * 4]
    timetable.book(timetable.release().piece_id)
    for _ in range(4):
        timetable.run()
        timetable.at(minutes=11)
    (one,) = down(timetable)
    assert one.waiting == 1
    timetable.run()
    timetable.platform().script = ["accepted"]
    timetable.at(minutes=11)
    timetable.run()
    assert down(timetable) == []


def test_a_refused_text_is_no_outage(timetable: Timetable) -> None:
    timetable.platform().script = ["refused"] * 4
    for number in range(4):
        timetable.book(timetable.release(title=f"第{number}篇").piece_id)
    timetable.run()
    assert down(timetable) == []


def test_taken_by_hand_while_the_interface_comes_back_is_sent_once_or_never(timetable: Timetable) -> None:
    timetable.platform().script = ["retryable"] * 12
    rows = [timetable.book(timetable.release(title=f"第{number}篇").piece_id) for number in range(12)]
    timetable.run()
    timetable.at(minutes=11)
    taken: list[int] = []

    def take(deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            try:
                timetable.act(delivery, booking.take_by_hand)
                taken.append(delivery.id)
            except TakenMeanwhile:
                continue

    person = threading.Thread(target=take, args=(list(reversed(rows)),))
    engine = threading.Thread(target=timetable.run)
    person.start()
    engine.start()
    person.join()
    engine.join()
    timetable.run()
    arrived = [post.key for post in timetable.platform().arrived]
    for delivery in rows:
        by_hand = delivery.id in taken
        assert timetable.now(delivery).state == (S.MANUAL if by_hand else S.DONE)
        assert arrived.count(delivery.key) == (0 if by_hand else 1)
