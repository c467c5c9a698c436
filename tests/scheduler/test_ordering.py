"""Who decides which item of a bundle is 头条, and until when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.adapters.fake import PLATFORMS
from kernel.errors import Invalid
from scheduler import ordering
from scheduler.errors import NotYoursToOrder, OrderedMeanwhile
from scheduler.models import Delivery
from tests.scheduler.conftest import Timetable


def bundle(timetable: Timetable, **order: object) -> tuple[Delivery, list[int]]:
    pieces = [timetable.release(title=f"第{name}则通知").piece_id for name in "甲乙丙"]
    return timetable.book(*pieces, at=timetable.clock.now() + timedelta(hours=1), **order), pieces


def test_the_signer_decides_and_it_goes_out_so(timetable: Timetable) -> None:
    delivery, (one, two, three) = bundle(timetable)
    timetable.act(delivery, ordering.reorder, [three, one, two], [one, two, three], by="signer")
    assert timetable.now(delivery).ordered_by == timetable.office.people["signer"].id
    timetable.at(hours=1)
    timetable.run()
    titles = [item.title for platform in PLATFORMS.values() for post in platform.arrived for item in post.items]
    assert titles == ["第丙则通知", "第甲则通知", "第乙则通知"]


@pytest.mark.parametrize("who", ["officer", "author", "reviewer"])
def test_nobody_else_decides(timetable: Timetable, who: str) -> None:
    delivery, pieces = bundle(timetable)
    with pytest.raises(NotYoursToOrder):
        timetable.act(delivery, ordering.reorder, pieces[::-1], pieces, by=who)


def test_who_saw_an_older_order_looks_again(timetable: Timetable) -> None:
    delivery, pieces = bundle(timetable)
    timetable.act(delivery, ordering.reorder, pieces[::-1], pieces, by="signer")
    with pytest.raises(OrderedMeanwhile):
        timetable.act(delivery, ordering.reorder, pieces, pieces, by="signer")


@pytest.mark.parametrize(
    "change", [lambda pieces: pieces[:2], lambda pieces: [*pieces, 999], lambda pieces: pieces * 2]
)
def test_only_the_order_changes(timetable: Timetable, change: object) -> None:
    delivery, pieces = bundle(timetable)
    with pytest.raises(Invalid):
        timetable.act(delivery, ordering.reorder, change(pieces), pieces, by="signer")  # type: ignore[operator]  # Each is a function.
    assert timetable.now(delivery).ordered_by is None


def test_once_it_was_tried_the_order_stands(timetable: Timetable) -> None:
    delivery, pieces = bundle(timetable)
    timetable.at(hours=1)
    timetable.run()
    with pytest.raises(NotYoursToOrder):
        timetable.act(delivery, ordering.reorder, pieces[::-1], pieces, by="signer")


def test_a_single_item_has_no_order(timetable: Timetable) -> None:
    piece = timetable.release().piece_id
    delivery = timetable.book(piece, at=timetable.clock.now() + timedelta(hours=1))
    with pytest.raises(NotYoursToOrder):
        timetable.act(delivery, ordering.reorder, [piece], [piece], by="signer")
