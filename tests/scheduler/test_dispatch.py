"""Claim, send, record: what happens to a delivery for each way a platform can answer, and when a process dies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import event, text, update

from channels.abilities.together import Together
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.adapters.fake import FakeChannel
from channels.base import Live, Post, Result, Settlement
from channels.errors import Refused, Retryable
from content.models import Release
from kernel.office_rules import set_rule
from scheduler import booking
from scheduler.dispatch import Dispatcher
from scheduler.events import NeedsPerson, RanLate, StillUnsigned, WentLive
from scheduler.models import Delivery
from scheduler.outages import outages
from scheduler.receipts import FORGIVEN, RETRY
from scheduler.states import DeliveryState
from tests.scheduler.conftest import Timetable, tools

S = DeliveryState


def test_what_is_due_goes_out_once_and_is_placed(timetable: Timetable) -> None:
    release = timetable.release()
    delivery = timetable.book(release.piece_id)
    timetable.run()
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.attempts, row.next_at, row.claimed_by) == (S.DONE, 1, None, None)
    assert timetable.platform().times(row.key) == 1
    (placement,) = timetable.placements(release.piece_id)
    assert (placement.state, placement.revision_id) == ("live", release.revision_id)
    assert [fact.release_id for fact in timetable.told if isinstance(fact, WentLive)] == [release.id]


def test_nothing_leaves_before_its_time(timetable: Timetable) -> None:
    release = timetable.release()
    delivery = timetable.book(release.piece_id, at=timetable.clock.now() + timedelta(minutes=10))
    timetable.run()
    assert timetable.now(delivery).state == S.BOOKED
    timetable.at(minutes=10)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_a_lost_answer_is_asked_about_and_never_repeated(timetable: Timetable) -> None:
    timetable.platform().script = ["lost"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    assert timetable.now(delivery).state == S.UNKNOWN
    timetable.at(seconds=5)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.DONE
    assert timetable.platform().times(row.key) == 1
    assert timetable.attempts(delivery) == [("send", "unknown"), ("ask", "live")]


def test_what_the_platform_does_not_have_is_sent_again(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    _die_while_sending(timetable, monkeypatch, arrived=False)
    timetable.at(seconds=46)
    assert timetable.sweep() == 1
    assert timetable.now(delivery).state == S.UNKNOWN
    timetable.run()
    asked = timetable.now(delivery)
    assert asked.state == S.UNKNOWN, "the platform may still be about to act"
    assert asked.next_at == timetable.clock.now() + timedelta(seconds=45)
    timetable.at(seconds=45)
    timetable.run()
    assert timetable.now(delivery).state == S.BOOKED
    timetable.at(seconds=15)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.DONE
    assert timetable.platform().times(row.key) == 1


def test_a_clock_that_is_set_back_holds_nothing_up(timetable: Timetable, monkeypatch: pytest.MonkeyPatch) -> None:
    timetable.at(hours=5)
    dying, waiting = (timetable.book(timetable.release().piece_id) for _ in range(2))
    timetable.platform().script = ["retryable"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Dispatcher, "_most", lambda _self, _lane: 1)
        jobs = timetable.dispatcher.claim([dying.account_id])
    assert jobs.more
    timetable.run()
    assert timetable.now(waiting).next_at == timetable.clock.now() + timedelta(seconds=10)
    timetable.at(hours=-3)
    assert timetable.sweep() == 1
    assert timetable.now(dying).state == S.UNKNOWN
    assert timetable.now(waiting).next_at == timetable.now(waiting).scheduled_at
    timetable.at(hours=3)
    for _ in range(3):
        timetable.run()
        timetable.at(seconds=46)
    for delivery in (dying, waiting):
        row = timetable.now(delivery)
        assert (row.state, timetable.platform().times(row.key)) == (S.DONE, 1)


def test_a_process_that_dies_after_the_platform_acted_leads_to_no_second_send(
    timetable: Timetable, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    _die_while_sending(timetable, monkeypatch, arrived=True)
    timetable.run()
    assert timetable.now(delivery).state == S.SENDING, "a row on its way is never claimed a second time"
    timetable.at(seconds=46)
    timetable.sweep()
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.DONE
    assert timetable.platform().times(row.key) == 1
    assert timetable.attempts(delivery) == [("send", "lost"), ("ask", "live")]


def test_an_answer_of_an_earlier_round_of_attempts_is_not_taken_for_that_of_this_one(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    lane = timetable.account("fake-a").id
    timetable.platform().script = ["refused"]
    first = timetable.dispatcher.claim([lane]).jobs[lane]
    (late,) = timetable.dispatcher.answers(lane, first)
    timetable.at(seconds=46)
    timetable.sweep()
    timetable.platform().script = ["refused"]
    for _ in range(3):  # It is not there, so it is sent again, and refused.
        timetable.at(seconds=50)
        timetable.run()
    assert timetable.now(delivery).state == S.FAILED
    timetable.act(delivery, booking.retry)
    timetable.platform().script = ["lost"]
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.attempts) == (S.UNKNOWN, late.number)
    timetable.dispatcher.record([late])
    assert timetable.now(delivery).state == S.UNKNOWN
    timetable.at(seconds=60)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert timetable.platform().times(row.key) == 1


def test_where_nobody_can_tell_a_person_decides(timetable: Timetable) -> None:
    timetable.platform().script, timetable.platform().blind = ["lost"], True
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    timetable.at(seconds=5)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.next_at) == (S.UNKNOWN, None)
    timetable.at(days=1)
    timetable.run()
    assert timetable.platform().times(row.key) == 1
    assert any(isinstance(fact, NeedsPerson) and fact.state == S.UNKNOWN for fact in timetable.told)


def test_what_was_surely_not_sent_waits_longer_each_time_and_then_fails(timetable: Timetable) -> None:
    timetable.platform().script = ["retryable"] * 10
    delivery = timetable.book(timetable.release().piece_id)
    waits = []
    for _ in range(10):
        timetable.run()
        row = timetable.now(delivery)
        waits.append((row.next_at - timetable.clock.now()).total_seconds() if row.next_at else None)
        timetable.run()
        assert timetable.now(delivery).attempts == row.attempts, "the wait is part of the question what is due"
        timetable.at(seconds=waits[-1] or 0)
        others_go_out(timetable)
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600, None]
    row = timetable.now(delivery)
    assert (row.state, row.attempts) == (S.FAILED, 10)
    assert "连接被拒绝" in row.reason


def test_a_throttled_one_waits_as_long_as_the_platform_says(timetable: Timetable) -> None:
    timetable.platform().script = ["throttled"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.BOOKED
    assert row.next_at == timetable.clock.now() + timedelta(minutes=1)


@pytest.mark.parametrize(("action", "state"), [("mass_send", S.HELD), ("publish", S.BOOKED)])
def test_a_mass_message_beyond_its_quota_waits_for_a_person(timetable: Timetable, action: str, state: S) -> None:
    timetable.platform().script = ["used_up"]
    delivery = timetable.book(timetable.release(action=action).piece_id, action=action)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == state
    assert ("额度已用完" in row.reason) == (state == S.HELD)
    told = [event for event in timetable.told if isinstance(event, NeedsPerson)]
    assert len(told) == (state == S.HELD)
    timetable.at(hours=10)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == (S.HELD if state == S.HELD else S.DONE), "it must not go out by itself"


@pytest.mark.parametrize(("answer", "word"), [("refused", "内容不合规"), ("unauthorised", "授权失效")])
def test_a_refusal_stops_with_the_platforms_reason(timetable: Timetable, answer: str, word: str) -> None:
    timetable.platform().script = [answer]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.FAILED
    assert word in row.reason
    assert row.code


def test_dead_credentials_are_told_once(timetable: Timetable) -> None:
    timetable.platform().script = ["unauthorised", "unauthorised"]
    for number in range(2):
        timetable.book(timetable.release(title=f"第{number}件").piece_id)
    timetable.run()
    account = timetable.account("fake-a")
    assert account.credential_dead_at == timetable.clock.now()


def test_a_fault_of_the_adapter_counts_as_unknown_and_stops_no_other(timetable: Timetable) -> None:
    timetable.platform().script = ["crash"]
    first = timetable.book(timetable.release(title="第一件").piece_id)
    second = timetable.book(timetable.release(title="第二件").piece_id)
    timetable.run()
    assert timetable.now(first).state == S.UNKNOWN
    assert timetable.now(second).state == S.DONE


def test_an_accepted_job_is_polled_until_it_is_decided(timetable: Timetable) -> None:
    timetable.platform().script = ["accepted", "accepted", "live"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    assert timetable.now(delivery).state == S.ACCEPTED
    timetable.at(seconds=2)
    timetable.run()
    assert timetable.now(delivery).state == S.ACCEPTED
    timetable.at(seconds=10)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert timetable.attempts(delivery) == [("send", "accepted"), ("poll", "accepted"), ("poll", "live")]


def test_unsigned_at_its_time_is_held_and_goes_out_with_the_last_signature(timetable: Timetable) -> None:
    release = timetable.release(signed=False)
    delivery = timetable.book(release.piece_id)
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.reason) == (S.HELD, "到点时尚未签发")
    timetable.office.sign_off(release.id)
    with timetable.works.write() as work:
        booking.resume_signed(work, release.id)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_in_a_bundle_only_the_unsigned_item_is_dropped(timetable: Timetable) -> None:
    signed, unsigned = timetable.release(title="已签"), timetable.release(title="未签", signed=False)
    delivery = timetable.book(signed.piece_id, unsigned.piece_id, unsigned="drop")
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    (post,) = timetable.platform().arrived
    assert [item.title for item in post.items] == ["已签"]
    assert timetable.placements(unsigned.piece_id) == []


def test_an_edited_piece_does_not_leave(timetable: Timetable) -> None:
    release = timetable.release()
    delivery = timetable.book(release.piece_id, at=timetable.clock.now() + timedelta(minutes=1))
    timetable.office.save(release.piece_id, title="改了标题")
    timetable.at(minutes=1)
    timetable.run()
    row = timetable.now(delivery)
    assert row.state == S.HELD
    assert "作废" in row.reason
    assert timetable.platform().arrived == []


@pytest.mark.parametrize(("act", "state"), [("hold", S.HELD), ("drop", S.CANCELLED), ("send", S.DONE)])
def test_missed_by_more_than_was_allowed(timetable: Timetable, act: str, state: DeliveryState) -> None:
    delivery = timetable.book(timetable.release().piece_id, missed_after=5, missed_act=act)
    timetable.at(minutes=6)
    timetable.run()
    assert timetable.now(delivery).state == state


def test_a_late_one_is_told_once(timetable: Timetable) -> None:
    timetable.platform().script = ["retryable"] * 3
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    timetable.at(minutes=3)
    timetable.sweep()
    timetable.sweep()
    (late,) = [fact for fact in timetable.told if isinstance(fact, RanLate)]
    assert (late.delivery_id, late.minutes) == (delivery.id, 3)
    assert "连接被拒绝" in late.reason


def test_a_claim_that_would_end_during_the_call_is_given_back(timetable: Timetable) -> None:
    slow = timetable.platform()
    booked = [timetable.book(timetable.release(title=f"第{number}件").piece_id) for number in range(3)]
    began = timetable.clock.now()
    adapter_clock = timetable.clock
    seen: list[str] = []

    class Slow(list[Post]):
        def append(self, post: Post) -> None:
            seen.append(post.key)
            adapter_clock.step(seconds=30)
            super().append(post)

    slow.arrived = Slow()
    timetable.run()
    assert len(seen) == len(set(seen)) == 3, "each is sent once, the later ones under a new claim"
    waits = [(row.handed_on_at or began) - began for row in map(timetable.now, booked)]
    assert waits == [timedelta(seconds=30 * n) for n in range(3)], "what was given back was not handed on"


def test_a_lane_that_waits_does_not_hold_up_another(timetable: Timetable) -> None:
    timetable.platform("fake-a").script = ["retryable"] * 20
    bad = [timetable.book(timetable.release("fake-a", title=f"坏{n}").piece_id) for n in range(3)]
    good = timetable.book(timetable.release("fake-b", title="好").piece_id, account="fake-b")
    timetable.run()
    assert timetable.now(good).state == S.DONE
    assert all(timetable.now(one).state == S.BOOKED for one in bad)


def _die_while_sending(timetable: Timetable, monkeypatch: pytest.MonkeyPatch, *, arrived: bool) -> None:
    """The process is killed between claim and record; what was claimed stays as it was."""

    class Killed(BaseException):
        pass

    platform = timetable.platform()

    class Deadly(list[Post]):
        def append(self, post: Post) -> None:
            if arrived:
                super().append(post)
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(platform, "arrived", Deadly())
        with pytest.raises(Killed):
            timetable.run()
        kept = list(platform.arrived)
    platform.arrived = kept


def test_signers_are_reminded_half_an_hour_and_ten_minutes_before(timetable: Timetable) -> None:
    release = timetable.release(signed=False)
    timetable.book(release.piece_id, at=timetable.clock.now() + timedelta(minutes=45))
    said: list[tuple[int, int]] = []
    timetable.works.listeners.after(StillUnsigned, lambda fact: said.append((fact.release_id, fact.minutes)))
    for minutes in (0, 16, 20, 10):
        timetable.at(minutes=minutes)
        timetable.sweep()
    assert said == [(release.id, 30), (release.id, 10)]


def test_one_reminder_names_all_accounts_of_the_hour_and_follows_a_moved_booking(timetable: Timetable) -> None:
    release = timetable.release("fake-a", "fake-b", signed=False)
    at = timetable.clock.now().replace(minute=0) + timedelta(hours=2)
    first = timetable.book(release.piece_id, at=at)
    timetable.book(release.piece_id, account="fake-b", at=at + timedelta(minutes=20))
    said: list[StillUnsigned] = []
    timetable.works.listeners.after(StillUnsigned, said.append)

    def seen(minutes: int) -> list[tuple[datetime, int, list[str]]]:
        said.clear()
        timetable.clock.step(seconds=(at + timedelta(minutes=minutes) - timetable.clock.now()).total_seconds())
        timetable.sweep()
        return [(fact.at, fact.minutes, [name for name, _at in fact.places]) for fact in said]

    assert seen(-45) == []
    assert seen(-29) == [(at, 30, ["fake-a", "fake-b"])]
    timetable.act(first, booking.move, at + timedelta(minutes=40))
    later = at + timedelta(minutes=20)
    assert seen(-28) == []
    assert seen(-9) == [(later, 30, ["fake-b", "fake-a"])]
    assert seen(11) == [(later, 10, ["fake-b", "fake-a"])]


def test_processes_that_die_use_up_no_platform_s_tries_unless_they_die_of_it(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    died = 0
    while timetable.now(delivery).state == S.BOOKED:
        died += 1
        timetable.at(minutes=11)
        assert timetable.dispatcher.claim([delivery.account_id]).jobs  # And the process is gone.
        timetable.at(minutes=2)
        timetable.sweep()
        for _asked in range(2):  # "Not there" is believed when it is heard some time later.
            timetable.run()
            timetable.at(minutes=1)
        if died == RETRY.attempts:
            wait = (timetable.now(delivery).next_at or timetable.clock.now()) - timetable.clock.now()
            assert timedelta(minutes=8) < wait <= RETRY.longest
    assert died == RETRY.attempts + FORGIVEN
    row = timetable.now(delivery)
    assert (row.state, timetable.platform().arrived) == (S.FAILED, [])
    assert [type(fact) for fact in timetable.told if isinstance(fact, NeedsPerson)] == [NeedsPerson]


def test_a_platform_that_refuses_for_now_has_its_usual_tries(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    timetable.platform().script = ["retryable"] * 20
    while timetable.now(delivery).state == S.BOOKED:
        timetable.run()
        timetable.at(minutes=11)
        others_go_out(timetable)
    assert timetable.now(delivery).attempts == RETRY.attempts + 2
    # A person has it tried again, and this time the platform is down: what was held against it before is forgotten.
    timetable.act(delivery, booking.retry)
    for _ in range(RETRY.attempts + 2):
        timetable.run()
        timetable.at(minutes=11)
    assert timetable.now(delivery).state == S.BOOKED


def test_a_platform_that_is_down_is_waited_for_as_long_as_the_office_says(timetable: Timetable) -> None:
    with timetable.works.write() as work:
        set_rule(work, "delivery.outage_hours", timetable.office.bureau.id, 5)
    first, second = (timetable.book(timetable.release(title=title).piece_id) for title in ("甲", "乙"))
    timetable.platform().script = ["retryable"] * 200
    began = timetable.clock.now()
    while timetable.clock.now() < began + timedelta(hours=4):
        timetable.run()
        timetable.at(minutes=10)
    assert {timetable.now(one).state for one in (first, second)} == {S.BOOKED}
    with timetable.works.read() as work:
        (down,) = outages(work.session, [timetable.office.bureau.id], work.now)
        assert (down.since, down.waiting) == (began, 2)
    timetable.platform().script = ["live", *["retryable"] * 200]
    timetable.run()
    assert timetable.now(first).state == S.DONE
    # It was back for a moment only: nothing is given up for that.
    assert timetable.now(second).state == S.BOOKED
    timetable.platform().script = []
    timetable.at(minutes=10)
    timetable.run()
    assert timetable.now(second).state == S.DONE
    timetable.platform().script = ["retryable"] * 200
    third = timetable.book(timetable.release(title="丙").piece_id)
    while timetable.now(third).state == S.BOOKED:
        timetable.run()
        timetable.at(minutes=10)
    row = timetable.now(third)
    assert row.state == S.FAILED
    assert timedelta(hours=4, minutes=40) < timetable.clock.now() - row.scheduled_at < timedelta(hours=5, minutes=30)


def others_go_out(timetable: Timetable) -> None:
    """The account's platform takes what else there is."""
    with timetable.works.write() as work:
        accounts.succeeded(work, timetable.account("fake-a").id)


@pytest.mark.parametrize("act", ["drop", "hold"])
def test_what_is_tried_again_after_it_was_missed_does_not_go_out(timetable: Timetable, act: str) -> None:
    timetable.platform().script = ["retryable"]
    delivery = timetable.book(timetable.release().piece_id, missed_after=5, missed_act=act)
    timetable.run()
    timetable.at(hours=6)  # The machine was off.
    timetable.run()
    row = timetable.now(delivery)
    assert (row.state, row.code) == (S.CANCELLED if act == "drop" else S.HELD, "missed")
    assert timetable.platform().arrived == []


def test_a_lost_answer_is_asked_for_once_an_hour_when_a_person_was_told(timetable: Timetable) -> None:
    timetable.platform().script = ["lost"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.dispatcher.make = lambda account: Deaf(account, tools(timetable.clock))
    for _ in range(60):
        timetable.run()
        timetable.at(minutes=10)
    row = timetable.now(delivery)
    assert (row.state, row.next_at is not None) == (S.UNKNOWN, True)
    told = [fact for fact in timetable.told if isinstance(fact, NeedsPerson)]
    assert len(told) == 1
    timetable.dispatcher.make = lambda account: FakeChannel(account, tools(timetable.clock))
    timetable.at(hours=1)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert timetable.platform().times(row.key) == 1


@pytest.mark.parametrize("unknown", [{"title": "甲"}, {"variants": None}, {"variants": {"fake": "plain"}}])
def test_a_release_that_this_version_cannot_read_waits_for_a_person_and_holds_up_no_other(
    timetable: Timetable, unknown: dict[str, Any]
) -> None:
    release = timetable.release(title="甲")
    bad, good = timetable.book(release.piece_id), timetable.book(timetable.release(title="乙").piece_id)
    with timetable.works.write() as work:
        kept = work.session.get_one(Release, release.id)
        content = unknown if "title" in unknown else {**kept.content, **unknown}
        work.session.execute(update(Release).where(Release.id == release.id).values(content=content))
    timetable.run()
    row = timetable.now(bad)
    assert (row.state, row.code, row.attempts, row.claimed_by) == (S.HELD, "content", 0, None)
    assert row.reason.startswith("发布内容无法读取")
    assert timetable.now(good).state == S.DONE


class Deaf(FakeChannel):
    """A platform that gives no answer to any question."""

    def reconcile(self, post: Post) -> Settlement:
        """Nothing is heard of it."""
        raise Retryable("连接超时")


class Several(FakeChannel, Together):
    """A platform that takes three posts at once, all or none; nothing of a piece called 坏 passes."""

    most_together: ClassVar[int] = 3
    asked: ClassVar[list[int]] = []

    def publish_together(self, posts: Sequence[Post]) -> Sequence[Live]:
        """All of them, unless one is bad."""
        self.asked.append(len(posts))
        if any(post.items[0].title == "坏" for post in posts):
            raise RuntimeError("the whole issue is spoiled")
        with self.platform.lock:
            self.platform.arrived += posts
            return [self._live(post) for post in posts]

    def publish(self, post: Post) -> Result:
        """One of them."""
        self.asked.append(1)
        if post.items[0].title == "坏":
            raise Refused("图片不被接受")
        return super().publish(post)


@pytest.fixture
def several(timetable: Timetable) -> Timetable:
    """A timetable whose channel takes several at once."""
    Several.asked.clear()
    timetable.dispatcher.make = lambda account: Several(account, tools(timetable.clock))
    return timetable


def test_what_is_due_goes_out_together_where_the_channel_can(several: Timetable) -> None:
    booked = [several.book(several.release(title=f"第{number}件").piece_id) for number in range(7)]
    several.run()
    assert Several.asked == [3, 3, 1]
    assert {several.now(one).state for one in booked} == {S.DONE}
    assert [several.platform().times(one.key) for one in booked] == [1] * 7
    assert [several.attempts(one) for one in booked] == [[("send", "live")]] * 7


def test_one_that_is_bad_spoils_no_other_of_its_issue(several: Timetable) -> None:
    booked = [several.book(several.release(title=title).piece_id) for title in ("甲", "坏", "乙", "丙", "丁")]
    several.run()
    assert Several.asked == [3, 1, 1, 1, 2]
    assert [several.now(one).state for one in booked] == [S.DONE, S.FAILED, S.DONE, S.DONE, S.DONE]
    assert several.now(booked[1]).reason == Refused("图片不被接受").message("zh")


def test_a_piece_stands_in_an_issue_once(several: Timetable) -> None:
    lane = several.book(several.release().piece_id).account_id
    (job,) = several.dispatcher.claim([lane]).jobs[lane]
    assert len(several.dispatcher._caller(lane)([job, job])) == 1
    assert Several.asked == [1]


def test_a_lane_asks_nothing_of_the_database_before_its_calls(timetable: Timetable) -> None:
    lane = timetable.book(timetable.release().piece_id).account_id
    jobs = timetable.dispatcher.claim([lane]).jobs[lane]
    statements: list[str] = []
    event.listen(timetable.office.works.engine, "before_cursor_execute", lambda *told: statements.append(told[2]))
    assert [type(outcome.answer) for outcome in timetable.dispatcher.answers(lane, jobs)] == [Live]
    assert statements == []


def test_an_account_that_cannot_be_opened_leaves_nothing_on_its_way(timetable: Timetable) -> None:
    booked = timetable.book(timetable.release().piece_id)
    with timetable.office.works.write() as work:
        work.session.get_one(Account, booked.account_id).credentials = "not sealed by us"
    timetable.run()
    assert timetable.now(booked).state == S.BOOKED
    assert "账号无法使用" in timetable.now(booked).reason


def test_an_emergency_goes_before_all_that_waits_on_its_lane_and_its_lane_before_the_others(
    timetable: Timetable,
) -> None:
    lane, other = (timetable.account(name) for name in ("fake-a", "fake-b"))
    waiting = timetable.clock.now()
    with timetable.works.write() as work:
        work.session.add_all(due(other, 1, waiting) + due(lane, 45, timetable.at(seconds=1)))
    urgent = timetable.book(timetable.release(title="暴雨红色预警").piece_id, at=timetable.at(minutes=1))
    with timetable.works.write() as work:
        work.session.get_one(Delivery, urgent.id).emergency = True
    assert timetable.dispatcher.due_lanes() == [lane.id, other.id]
    first = timetable.dispatcher.claim([lane.id]).jobs[lane.id]
    assert [job.delivery_id for job in first][:1] == [urgent.id]
    assert timetable.dispatcher.claim([lane.id]).more


def due(account: Account, count: int, at: datetime) -> list[Delivery]:
    """So many deliveries without items."""
    return [
        Delivery(
            unit_id=account.unit_id, account_id=account.id, channel="fake", action="publish", state="booked",
            identity=f"{account.id}-{number}", key=f"{account.id}-{number}", created_at=at, scheduled_at=at, next_at=at,
        )
        for number in range(count)
    ]  # fmt: skip


def test_the_claim_of_a_lane_reads_only_what_is_due_there(timetable: Timetable) -> None:
    lane, now = timetable.account("fake-a"), timetable.clock.now()
    with timetable.works.write() as work:
        rows = due(lane, 3000, now + timedelta(days=1))
        rows[0].next_at = now
        work.session.add_all(rows)
    with timetable.works.write() as work:
        sqlite = work.session.get_bind().dialect.name == "sqlite"
        if not sqlite:
            work.session.execute(text("ANALYZE delivery"))
        seen: list[str] = []
        connection = work.session.connection()

        def explain(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
            if statement.lstrip().startswith("WITH wanted"):
                plan = connection.connection.cursor()
                plan.execute(f"EXPLAIN {'QUERY PLAN ' if sqlite else ''}{statement}", parameters)
                seen.extend(str(line) for line in plan.fetchall())

        event.listen(connection, "before_cursor_execute", explain)
        timetable.dispatcher._claim_rows(work, [lane.id], "me")
    told = "\n".join(seen)
    assert "state_next_at" in told, told
    assert not any(line in told for line in ("SCAN delivery", "Seq Scan on delivery")), told
