"""一键停发: everything waits, what is taken back or put right does not, and a person decides on each item."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from channels.accounts.models import Account, PushFanOut, PushReach, PushSubscription
from channels.accounts.subscriptions import subscribe
from channels.adapters.fake import FakeChannel
from channels.adapters.web_push import WebPushChannel
from content.errors import NoRight
from kernel.audit import verify
from kernel.errors import Invalid
from scheduler import booking, breaking_off, freeze, windows
from scheduler.errors import Frozen
from scheduler.events import NeedsPerson
from scheduler.models import Delivery, DeliveryItem, Freeze, Placement
from scheduler.states import DeliveryState
from scheduler.windows import FREEZE, in_force
from tests.scheduler.conftest import Timetable

S = DeliveryState


def stop(table: Timetable, account: str = "", reason: str = "悼念活动", by: str = "officer") -> Freeze:
    """A person stops one account, or everything."""
    with table.office.working(by) as (work, who):
        chosen = work.session.get_one(Account, table.account(account).id) if account else None
        return freeze.begin(work, who, table.office.bureau.id, reason, chosen)


def end(table: Timetable, stopped: Freeze, **choices: freeze.Choice) -> freeze.Ended:
    """A person ends a stop; choices by the delivery's number as `d<id>`."""
    with table.office.working("officer") as (work, who):
        chosen = {int(name[1:]): choice for name, choice in choices.items()}
        return freeze.end(work, who, work.session.get_one(Freeze, stopped.id), chosen)


def later(table: Timetable, account: str = "fake-a", **words: str) -> Delivery:
    """A delivery for an hour from now."""
    piece = table.release("fake-a", "fake-b", **words).piece_id
    return table.book(piece, account=account, at=table.clock.now() + timedelta(hours=1))


def test_everything_that_waits_is_held_in_one_act(timetable: Timetable) -> None:
    first, second = later(timetable), later(timetable, "fake-b", title="另一则")
    stop(timetable)
    for delivery in (first, second):
        row = timetable.now(delivery)
        assert (row.state, row.code, row.next_at) == (S.HELD, FREEZE, None)
        assert "悼念活动" in row.reason
    timetable.at(hours=2)
    timetable.run()
    assert timetable.platform("fake-a").arrived == timetable.platform("fake-b").arrived == []


def test_one_account_is_stopped_and_the_other_goes_on(timetable: Timetable) -> None:
    stopped, free = later(timetable), later(timetable, "fake-b", title="另一则")
    stop(timetable, "fake-a")
    timetable.at(hours=2)
    timetable.run()
    assert timetable.now(stopped).state == S.HELD
    assert timetable.now(free).state == S.DONE


def test_what_is_booked_during_a_stop_waits_when_it_is_due(timetable: Timetable) -> None:
    stop(timetable)
    delivery = timetable.book(timetable.release().piece_id)
    assert timetable.now(delivery).state == S.BOOKED
    timetable.run()
    assert (timetable.now(delivery).state, timetable.now(delivery).code) == (S.HELD, FREEZE)
    assert timetable.platform().arrived == []


def test_a_withdrawal_and_a_correction_are_not_stopped(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    stop(timetable)
    timetable.book(release.piece_id, action="withdraw", phrase="内容有误，已撤下")
    timetable.run()
    assert timetable.platform().withdrawn == [release.piece_id]


def test_one_is_let_through_while_the_others_wait(timetable: Timetable) -> None:
    chosen, other = later(timetable), later(timetable, title="另一则")
    stop(timetable)
    with pytest.raises(Frozen):
        timetable.act(chosen, booking.resume)
    timetable.act(chosen, freeze.let_through)
    timetable.at(hours=2)
    timetable.run()
    assert timetable.now(chosen).state == S.DONE
    assert timetable.now(other).state == S.HELD


def test_a_pass_is_good_for_the_stop_in_which_it_was_given(timetable: Timetable) -> None:
    passed, urgent = later(timetable), later(timetable, title="应急")
    with timetable.works.write() as work:
        row = work.session.get_one(Delivery, urgent.id)
        row.emergency = row.through = True
    first, wider = stop(timetable), stop(timetable, account="fake-a")
    timetable.act(passed, freeze.let_through)
    end(timetable, first)
    assert timetable.now(passed).through  # The other stop covers it still, and it was let through that one too.
    end(timetable, wider)
    assert not timetable.now(passed).through
    assert timetable.now(urgent).through
    again = stop(timetable)
    with timetable.works.read() as work:
        assert [one.id for one in freeze.held_by(work.session, again)] == [passed.id]
    timetable.at(hours=3)
    timetable.run()
    assert timetable.now(passed).state == S.HELD
    assert timetable.now(urgent).state == S.DONE


def test_what_would_be_held_leaves_out_what_is_let_through(timetable: Timetable) -> None:
    urgent = later(timetable)
    with timetable.works.write() as work:
        work.session.get_one(Delivery, urgent.id).through = True
    with timetable.works.read() as work:
        covered = Freeze(unit_id=timetable.office.bureau.id)
        assert freeze.waiting_for(work.session, covered) == []


def test_each_is_sent_moved_kept_or_dropped_at_the_end(timetable: Timetable) -> None:
    now, kept, moved, dropped = (later(timetable, title=f"第{n}则") for n in range(4))
    stopped = stop(timetable)
    timetable.at(minutes=10)
    at = timetable.clock.now() + timedelta(hours=5)
    ended = end(timetable, stopped, **{f"d{now.id}": "now", f"d{moved.id}": at, f"d{dropped.id}": "drop"})
    assert (ended.let_go, ended.refused) == (4, {})
    timetable.run()
    assert [timetable.now(one).state for one in (now, kept, moved, dropped)] == [
        S.DONE,
        S.BOOKED,
        S.BOOKED,
        S.CANCELLED,
    ]
    timetable.at(hours=1)
    timetable.run()
    assert timetable.now(kept).state == S.DONE
    assert timetable.now(moved).scheduled_at == at
    with timetable.works.read() as work:
        assert verify(work.session).fault is None


def test_what_was_stopped_is_not_late_for_it(timetable: Timetable) -> None:
    delivery = later(timetable)
    stopped = stop(timetable)
    timetable.at(hours=6)
    end(timetable, stopped)
    assert timetable.now(delivery).scheduled_at == timetable.clock.now()


def test_what_another_stop_covers_waits_on(timetable: Timetable) -> None:
    delivery = later(timetable)
    of_the_account, of_all = stop(timetable, "fake-a"), stop(timetable, reason="突发事件")
    timetable.at(hours=2)
    end(timetable, of_the_account)
    timetable.run()
    assert timetable.now(delivery).state == S.HELD
    assert "突发事件" in timetable.now(delivery).reason
    end(timetable, of_all)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_a_stop_of_one_unit_leaves_its_neighbour_alone(timetable: Timetable) -> None:
    with timetable.office.working("stranger") as (work, who):
        freeze.begin(work, who, timetable.office.other.id, "别处停发")
    delivery = later(timetable)
    timetable.at(hours=2)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_a_stop_needs_a_reason_and_is_ordered_once(timetable: Timetable) -> None:
    with pytest.raises(Invalid) as refusal:
        stop(timetable, reason="  ")
    assert refusal.value.field == "reason"
    stopped = stop(timetable)
    with pytest.raises(Invalid):
        stop(timetable)
    end(timetable, stopped)
    with pytest.raises(Invalid):
        end(timetable, stopped)
    with timetable.works.read() as work:
        assert in_force(work.session) == []


def test_who_may_not_act_may_not_stop(timetable: Timetable) -> None:
    for name in ("reviewer", "system_admin", "auditor", "stranger"):
        with pytest.raises(NoRight):
            stop(timetable, by=name)


@pytest.fixture
def in_rounds(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> Delivery:
    """A push that has begun to go out, on a channel that goes on when it is polled."""
    monkeypatch.setattr(windows, "GoesOn", FakeChannel)
    timetable.platform().script = ["accepted"]
    delivery = timetable.book(timetable.release(action="push").piece_id, action="push")
    timetable.run()
    assert timetable.now(delivery).state == S.ACCEPTED
    return delivery


def called(table: Timetable, delivery: Delivery) -> list[str]:
    """What was asked of the platform for it."""
    return [act for act, _outcome in table.attempts(delivery)]


@pytest.mark.parametrize("under_way", [False, True])
def test_what_goes_out_in_rounds_is_stopped_between_two_and_goes_on_afterwards(
    timetable: Timetable, in_rounds: Delivery, under_way: bool
) -> None:
    if under_way:  # A process is just at it; the stop meets it at its next round.
        with timetable.works.write() as work:
            row = work.session.get_one(Delivery, in_rounds.id)
            row.claimed_by, row.claimed_until = "x", work.now + timedelta(seconds=30)
    stopped = stop(timetable)
    with timetable.works.read() as work:
        assert windows.stopped(work.session, in_rounds.key, work.now)
    assert (timetable.now(in_rounds).next_at is None) is not under_way
    timetable.at(hours=3)
    timetable.run()
    timetable.sweep()
    row = timetable.now(in_rounds)
    assert (row.state, row.next_at, row.code) == (S.ACCEPTED, None, FREEZE)
    assert called(timetable, in_rounds) == ["send"]
    with timetable.works.read() as work:
        assert [one.id for one in freeze.held_by(work.session, work.session.get_one(Freeze, stopped.id))] == [row.id]
    assert end(timetable, stopped).let_go == 1
    timetable.sweep()
    timetable.run()
    assert timetable.now(in_rounds).state == S.DONE
    assert len(timetable.platform().arrived) == 1


def test_what_can_only_be_asked_by_sending_again_is_not_asked_while_it_is_stopped(timetable: Timetable) -> None:
    platform = timetable.platform()
    platform.repeats, platform.script = True, ["dark"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    assert (timetable.now(delivery).state, platform.arrived) == (S.UNKNOWN, [])
    stopped = stop(timetable)
    for _ in range(3):
        timetable.at(minutes=5)
        timetable.run()
        timetable.sweep()
    row = timetable.now(delivery)
    assert (row.state, row.next_at, row.code, platform.arrived) == (S.UNKNOWN, None, FREEZE, [])
    assert "停发" in row.reason
    with timetable.works.read() as work:
        assert [one.id for one in freeze.held_by(work.session, work.session.get_one(Freeze, stopped.id))] == [row.id]
    assert [fact.delivery_id for fact in timetable.told if isinstance(fact, NeedsPerson)] == [row.id]
    # Called off it cannot be: it may be there.
    assert end(timetable, stopped).let_go == 1
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.code, platform.times(row.key)) == (S.DONE, "", 1)


def test_what_can_be_asked_without_sending_is_asked_while_it_is_stopped(timetable: Timetable) -> None:
    timetable.platform().script = ["lost"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    assert timetable.now(delivery).state == S.UNKNOWN
    stop(timetable)
    timetable.at(minutes=1)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_one_in_rounds_is_let_through(timetable: Timetable, in_rounds: Delivery) -> None:
    stop(timetable)
    timetable.act(in_rounds, freeze.let_through)
    timetable.run()
    assert timetable.now(in_rounds).state == S.DONE


def test_what_has_begun_is_broken_off_where_that_is_certain(timetable: Timetable, in_rounds: Delivery) -> None:
    stopped = stop(timetable)
    ended = end(timetable, stopped, **{f"d{in_rounds.id}": "drop"})
    assert ended.let_go == 1
    assert timetable.now(in_rounds).state == S.CANCELLED


def test_what_may_have_been_pushed_is_not_called_cancelled(timetable: Timetable, in_rounds: Delivery) -> None:
    timetable.platform().script = ["dark"]
    timetable.at(minutes=1)
    timetable.run()
    stopped = stop(timetable)
    ended = end(timetable, stopped, **{f"d{in_rounds.id}": "drop"})
    assert "不能确定" in ended.refused[in_rounds.id]
    assert timetable.now(in_rounds).state == S.UNKNOWN
    timetable.act(in_rounds, booking.resume)
    timetable.run()
    assert timetable.now(in_rounds).state == S.DONE


def reached(table: Timetable, delivery: Delivery) -> None:
    """One of nine has got it."""
    with table.works.write() as work:
        account = table.account("fake-a").id
        work.session.add(PushFanOut(key=delivery.key, account_id=account, audience={}, total=9, begun_at=work.now))
        subscribe(work, account, "https://push.example/1", "k" * 87, "a" * 22)
        one = work.session.scalars(select(PushSubscription.id)).one()
        work.session.add(PushReach(key=delivery.key, subscription_id=one, state="sent", code=""))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that knows by the delivery's key whom it has reached, as that for browsers does."""
    monkeypatch.setattr(breaking_off, "GoesOn", FakeChannel)
    monkeypatch.setattr(FakeChannel, "reached_by", WebPushChannel.reached_by, raising=False)


@pytest.mark.usefixtures("listed")
def test_those_who_got_it_stay_counted_when_it_is_broken_off(timetable: Timetable, in_rounds: Delivery) -> None:
    reached(timetable, in_rounds)
    stopped = stop(timetable)
    end(timetable, stopped, **{f"d{in_rounds.id}": "drop"})
    row = timetable.now(in_rounds)
    assert (row.state, row.remark) == (S.DONE, "停发解除时选择不再继续：已推送 1 人，其余不再推送")
    with timetable.works.read() as work:
        (place,) = work.session.scalars(select(Placement)).all()
    # What follows it goes to the browsers of these keys and to no other.
    assert (place.remote_id, place.data["keys"]) == (in_rounds.key, [in_rounds.key])
    timetable.at(hours=1)
    timetable.run()
    assert called(timetable, in_rounds) == ["send"]


@pytest.mark.usefixtures("listed")
@pytest.mark.parametrize("waits", ["between", "stopped", "claimed"])
def test_what_is_asked_back_while_it_goes_out_in_rounds_ends_there_and_is_taken_back_from_those_it_reached(
    timetable: Timetable, in_rounds: Delivery, waits: str
) -> None:
    reached(timetable, in_rounds)
    if waits == "stopped":
        stop(timetable)
    with timetable.works.write() as work:
        row = work.session.get_one(Delivery, in_rounds.id)
        row.next_at = work.now + timedelta(minutes=15) if waits == "between" else row.next_at
        if waits == "claimed":
            row.claimed_by, row.claimed_until = "x", work.now + timedelta(seconds=30)
        piece = work.session.scalars(select(DeliveryItem.piece_id)).one()
    withdrawal = timetable.book(piece, action="withdraw", phrase="该内容已撤下。")
    with timetable.works.read() as work:  # Its round ends with the few that are on their way.
        assert windows.stopped(work.session, in_rounds.key, work.now)
    timetable.run()
    if waits == "claimed":
        assert timetable.now(withdrawal).state == S.BOOKED
        timetable.at(seconds=31)
    for _second in range(3):
        timetable.at(seconds=1)
        timetable.run()
    row = timetable.now(in_rounds)
    assert (row.state, row.remark) == (S.DONE, "撤稿时不再继续：已推送 1 人，其余不再推送")
    assert called(timetable, in_rounds) == ["send"]
    assert timetable.now(withdrawal).state == S.DONE
    (place,) = timetable.placements(piece)
    assert (place.state, place.data["keys"]) == ("withdrawn", [in_rounds.key])


def test_what_reached_nobody_is_cancelled_with_nothing_to_take_back(timetable: Timetable, in_rounds: Delivery) -> None:
    with timetable.works.read() as work:
        piece = work.session.scalars(select(DeliveryItem.piece_id)).one()
    withdrawal = timetable.book(piece, action="withdraw", phrase="该内容已撤下。")
    for _second in range(3):
        timetable.run()
        timetable.at(seconds=1)
    assert (timetable.now(in_rounds).state, timetable.now(withdrawal).state) == (S.CANCELLED, S.CANCELLED)
    assert called(timetable, in_rounds) == ["send"]
