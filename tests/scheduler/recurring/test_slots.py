"""栏位 and 排队: the next free slot, what makes a slot free or not, and that nobody shares one."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from channels.accounts.models import Account
from channels.adapters.fake import FakeChannel
from content.errors import NoRight
from content.models import Release
from content.snapshot import Target, Window
from kernel.errors import Invalid, NotFound, Stale
from kernel.office_rules import set_rule
from scheduler import booking, freeze
from scheduler.booking import Order
from scheduler.errors import NoFreeSlot, SlotGone
from scheduler.models import Delivery
from scheduler.recurring import slots
from scheduler.recurring.models import Slot, SlotTaken
from scheduler.recurring.pattern import pattern
from scheduler.recurring.slots import SlotForm
from tests.scheduler.conftest import PUBLIC_URL, Timetable

SHANGHAI = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """A moment of March 2026, as the office's clock shows it."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SHANGHAI)


def slot(table: Timetable, hour: str = "10:00", by: str = "officer", **words: object) -> Slot:
    """A slot of the bureau on every working day, on the first account unless told otherwise."""
    account = words.pop("account", "fake-a")
    form = SlotForm(
        str(words.pop("name", "上午")),
        pattern(str(words.pop("days", "workdays")), words.pop("numbers", []), hour),  # type: ignore[arg-type]  # A list.
        table.account(str(account)).id if account else None,
        words.pop("column", None),  # type: ignore[arg-type]  # A number.
    )
    with table.office.working(by) as (work, who):
        return slots.add(work, who, table.office.bureau.id, form)


def queue(table: Timetable, release: Release, told: datetime | None = None, **order: object) -> Delivery:
    """Books a release into the next free slot."""
    return table.book(release.piece_id, into_slot=True, at=told, **order)


def shown(delivery: Delivery) -> str:
    return f"{delivery.scheduled_at.astimezone(SHANGHAI):%d %H:%M}"


def test_pieces_queue_for_one_slot_after_another(timetable: Timetable) -> None:
    slot(timetable, "10:00")
    slot(timetable, "15:30", name="下午")
    booked = [shown(queue(timetable, timetable.release())) for _ in range(3)]
    assert booked == ["02 10:00", "02 15:30", "03 10:00"]


def test_a_unit_has_slots_on_each_of_its_accounts(timetable: Timetable) -> None:
    slot(timetable, account="")
    release = timetable.release("fake-a", "fake-b")
    assert [shown(queue(timetable, release, account=code)) for code in ("fake-a", "fake-b")] == ["02 10:00"] * 2
    assert shown(queue(timetable, timetable.release())) == "03 10:00"


def test_a_slot_of_a_column_takes_only_its_pieces(timetable: Timetable) -> None:
    slot(timetable, column=timetable.office.columns["news"].id)
    slot(timetable, "16:00")
    notice = queue(timetable, timetable.release())
    assert shown(notice) == "02 16:00"
    piece = timetable.office.piece(column="news")
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    news = timetable.office.sign_off(timetable.office.submit(piece.id, targets=[target]).id)
    assert shown(queue(timetable, news)) == "02 10:00"


def test_what_is_moved_or_cancelled_frees_its_slot(timetable: Timetable) -> None:
    slot(timetable)
    first, second = (queue(timetable, timetable.release()) for _ in range(2))
    timetable.act(first, booking.move, at("02T11:00"))
    assert shown(queue(timetable, timetable.release())) == "02 10:00"
    timetable.act(second, booking.cancel, "不发了")
    assert shown(queue(timetable, timetable.release())) == "03 10:00"
    assert shown(queue(timetable, timetable.release())) == "04 10:00"


def test_a_slot_in_which_something_was_booked_by_its_time_is_not_free(timetable: Timetable) -> None:
    slot(timetable)
    timetable.book(timetable.release().piece_id, at=at("02T10:00"))
    assert shown(queue(timetable, timetable.release())) == "03 10:00"


def test_only_what_was_signed_is_looked_at(timetable: Timetable) -> None:
    slot(timetable)
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")

    def signed(window: Window) -> Release:
        piece = timetable.office.piece()
        return timetable.office.sign_off(timetable.office.submit(piece.id, targets=[target], window=window).id)

    late = signed(Window(earliest=at("04T10:00"), latest=at("05T09:00")))
    assert shown(queue(timetable, late)) == "04 10:00"
    with pytest.raises(NoFreeSlot) as refusal:
        queue(timetable, signed(Window(earliest=at("04T10:00"), latest=at("05T09:00"))))
    assert refusal.value.status == 409
    assert "快" not in refusal.value.message()
    assert account.name in refusal.value.message()


def test_a_full_day_is_passed_over(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeChannel, "quotas", lambda _settings: (("publish", "day", 1),))
    slot(timetable)
    slot(timetable, "15:30")
    assert [shown(queue(timetable, timetable.release())) for _ in range(2)] == ["02 10:00", "03 10:00"]


def test_quiet_hours_and_the_day_of_a_stop_are_passed_over(timetable: Timetable) -> None:
    slot(timetable, "06:00")
    slot(timetable, "10:00", name="上午")
    push = timetable.release(action="push")
    assert shown(queue(timetable, push, action="push")) == "02 10:00"
    with timetable.works.write() as work:
        set_rule(work, "push.quiet_until", timetable.office.bureau.id, "05:00")
    other = timetable.release(action="push")
    assert shown(queue(timetable, other, action="push")) == "03 06:00"
    with timetable.office.working("officer") as (work, who):
        freeze.begin(work, who, timetable.office.bureau.id, "全市悼念活动")
    slot(timetable, "20:00", name="晚上")
    assert shown(queue(timetable, timetable.release())) == "03 10:00"


def test_what_was_told_is_booked_or_refused_with_the_next_one(timetable: Timetable) -> None:
    slot(timetable)
    slot(timetable, "15:30")
    first = queue(timetable, timetable.release(), at("02T10:00"))
    with pytest.raises(SlotGone) as refusal:
        queue(timetable, timetable.release(), at("02T10:00"))
    assert "03-02 10:00" in refusal.value.message()
    assert "03-02 15:30" in refusal.value.message()
    timetable.act(first, booking.cancel, "不发了")
    assert shown(queue(timetable, timetable.release(), at("02T15:30"))) == "02 15:30"


def test_two_at_one_moment_never_get_the_same_slot(timetable: Timetable) -> None:
    slot(timetable)
    slot(timetable, "15:30")
    pieces = [timetable.release().piece_id for _ in range(6)]
    ready, found, faults = threading.Barrier(len(pieces)), [], []

    def go(piece: int) -> None:
        try:
            order = Order((piece,), timetable.account("fake-a").id, "publish", into_slot=True)
            ready.wait(timeout=10)
            with timetable.office.working("officer") as (work, who):
                found.append(shown(booking.book(work, who, order, PUBLIC_URL)))
        except Exception as fault:  # noqa: BLE001  # Shown below.
            faults.append(fault)

    threads = [threading.Thread(target=go, args=(piece,)) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert faults == []
    assert sorted(found) == ["02 10:00", "02 15:30", "03 10:00", "03 15:30", "04 10:00", "04 15:30"]
    with timetable.works.read() as work:
        assert all(work.session.scalars(select(SlotTaken.delivery_id)))


def test_who_keeps_slots(timetable: Timetable) -> None:
    made = slot(timetable)
    with pytest.raises(NoRight):
        slot(timetable, by="reviewer")
    with timetable.office.working("stranger") as (work, who), pytest.raises(NotFound):
        slots.slot_for(work.session, who, made.id, "booking.write")  # type: ignore[arg-type]  # A permission's value.


def test_a_changed_slot_books_anew_and_an_ended_one_not_at_all(timetable: Timetable) -> None:
    made = slot(timetable)
    queue(timetable, timetable.release())
    form = SlotForm("下午", pattern("weekly", [5], "17:00"), made.account_id)
    with timetable.office.working("officer") as (work, who):
        slots.change(work, who, work.session.get_one(Slot, made.id), form, made.version)
    assert shown(queue(timetable, timetable.release())) == "06 17:00"
    with timetable.office.working("officer") as (work, who), pytest.raises(Stale):
        slots.change(work, who, work.session.get_one(Slot, made.id), form, made.version)
    with timetable.office.working("officer") as (work, who):
        slots.end(work, who, work.session.get_one(Slot, made.id), made.version + 1)
    with pytest.raises(NoFreeSlot):
        queue(timetable, timetable.release())


@pytest.mark.parametrize("words", [{"name": " "}, {"account": "water-weibo"}, {"column": 10_000}])
def test_a_slot_that_names_nothing_of_ours_is_refused(timetable: Timetable, words: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        slot(timetable, **words)


def test_a_rehearsal_queues_apart(timetable: Timetable) -> None:
    slot(timetable)
    queue(timetable, timetable.release())
    with timetable.works.write() as work:
        real = work.session.scalars(select(Account).where(Account.code == "fake-a")).one()
        real.rehearsal = True
        work.session.add(
            Account(unit_id=real.unit_id, channel="fake", name="演练", code="fake-a-2", stands_for=real.id)
        )
    rehearsed = queue(timetable, timetable.release())
    assert shown(rehearsed) == "02 10:00"
    assert rehearsed.rehearses == timetable.account("fake-a").id


def test_the_slot_of_a_task_is_named_while_it_stands_there(timetable: Timetable) -> None:
    slot(timetable, name="早报")
    booked = queue(timetable, timetable.release())
    with timetable.works.read() as work:
        assert slots.filled_by(work.session, [booked]) == {booked.id: "早报"}
    timetable.act(booked, booking.move, booked.scheduled_at + timedelta(hours=1))
    with timetable.works.read() as work:
        assert slots.filled_by(work.session, [booked]) == {}
