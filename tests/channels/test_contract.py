"""What every channel owes the scheduler, tried against a platform that misbehaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from channels.base import Accepted, ByHand, JobResult, Live, Uncorrectable
from channels.errors import Refused, Unauthorised
from channels.registry import channels
from tests.channels.door import plugged_in
from tests.channels.sides import SIDES, Side, sides_that


def on(*can: str) -> pytest.MarkDecorator:
    """On every side to which these parts of the contract apply."""
    return pytest.mark.parametrize("side", sides_that(*can), indirect=True)


def test_every_installed_channel_is_under_contract() -> None:
    tried = {side.channel_name for side in SIDES.values()}
    with plugged_in():
        assert set(channels()) == tried
    assert set(channels()) == tried - {"webhook"}


@on("shows")
def test_a_post_shows_once_and_says_where(side: Side) -> None:
    run = side.deliver()
    assert side.arrived() == 1
    assert set(run.live.shown) == {1}
    assert run.live.shown[1].remote_id


@on("lost")
def test_an_answer_lost_after_the_platform_acted_is_settled_without_a_second_arrival(side: Side) -> None:
    side.break_next("cut_after")
    run = side.deliver()
    assert len(run.trail) > 1
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


@on("lost", "asks")
def test_a_lost_answer_is_unknown_and_the_platform_is_asked(side: Side) -> None:
    side.break_next("cut_after")
    run = side.deliver()
    assert (run.trail[0], run.trail[1][0]) == (("send", "OutcomeUnknown"), "ask")


@on("lost", "http")
def test_an_answer_that_never_reached_the_platform_is_sent_again(side: Side) -> None:
    side.break_next("cut_before")
    assert isinstance(side.deliver().end, Live)
    assert side.arrived() == 1


@on("http")
@pytest.mark.parametrize("kind", ["http_5xx", "timeout", "cut_before"])
def test_a_gateway_that_fails_three_times_costs_no_reader_a_second_message(side: Side, kind: str) -> None:
    side.break_next(kind, count=3, seconds=1.2)
    run = side.deliver()
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


@on("early")
@pytest.mark.parametrize("kind", ["cut_after", "http_5xx", "timeout"])
def test_a_broken_step_nobody_sees_is_simply_done_again(side: Side, kind: str) -> None:
    side.break_next(kind, early=True, seconds=1.2)
    run = side.deliver()
    assert run.outcomes("send")[0] == "Retryable"
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


@on("throttle")
def test_a_platform_that_wants_us_to_wait_is_waited_for(side: Side) -> None:
    side.break_next("throttle", seconds=30)
    run = side.deliver()
    assert len(run.trail) > 1
    assert side.clock.offset > timedelta(seconds=29)
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


@on("token")
def test_a_token_that_ends_in_the_middle_is_renewed_once_and_nobody_notices(side: Side) -> None:
    side.break_next("token_expire_now")
    run = side.deliver()
    assert (run.trail[0][0], run.outcomes("send")) == ("send", ["Accepted"])
    assert side.arrived() == 1


@on("poll", "http")
def test_the_result_comes_by_poll_alone(side: Side) -> None:
    run = side.deliver()
    assert set(run.outcomes("poll")) == {"Accepted", "Live"} or run.outcomes("poll") == ["Live"]


@on("poll", "http")
def test_a_question_that_fails_changes_nothing(side: Side) -> None:
    side.break_next("http_5xx", path="*/get", count=2)
    run = side.deliver()
    assert run.outcomes("poll").count("Retryable") == 2
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


@on("withdraw")
def test_what_shows_is_taken_back_and_a_second_time_does_no_harm(side: Side) -> None:
    live = side.deliver(side.post()).live
    assert isinstance(side.act(live, "withdraw").end, Live)
    assert side.gone() >= 1
    again = side.act(live, "withdraw").end
    # Where nothing is there any more nobody can say who took it: a person looks.
    assert isinstance(again, Live) or (isinstance(again, Uncorrectable) and again.by_hand)


@on("correct")
def test_a_correction_shows_or_says_who_must_make_it(side: Side) -> None:
    live = side.deliver(side.post()).live
    end = side.act(live, "correct").end
    assert isinstance(end, Live) or (isinstance(end, Uncorrectable) and end.reason)


@on("shows")
def test_what_a_channel_cannot_do_it_says_and_never_raises(side: Side) -> None:
    live = side.deliver(side.post()).live
    for action in ("correct", "refresh", "withdraw"):
        end = side.act(live, action).end
        assert isinstance(end, Live) or (isinstance(end, Uncorrectable) and end.reason), (action, end)


@on("duplicate")
def test_the_same_words_twice_are_refused_there_and_recognised_as_what_shows(side: Side) -> None:
    first = side.deliver(side.post(key="first")).live
    second = side.deliver(side.post(key="second")).live
    assert "重复" in second.remark
    assert second.shown[1].remote_id in (first.shown[1].remote_id, "")
    assert side.arrived() == 1


@on("by_hand")
def test_a_channel_without_interface_makes_a_task_of_everything(side: Side) -> None:
    end = side.deliver().end
    assert isinstance(end, ByHand)
    assert "今日头条" in end.reason
    for action in ("correct", "withdraw"):
        end = side.act(Live(), action).end
        assert isinstance(end, Uncorrectable)
        assert end.by_hand


@on("by_hand")
def test_a_task_whose_writing_was_cut_off_is_a_task_when_asked_about(side: Side) -> None:
    # Nothing left by itself, so that nobody need look whether it is there.
    assert isinstance(side.channel.reconcile(side.post()), ByHand)
    for action in ("correct", "withdraw"):
        answer = side.channel.reconcile(side.post(action=action))
        assert isinstance(answer, Uncorrectable)
        assert answer.by_hand


@on("refuse")
def test_what_the_platform_refuses_is_not_tried_again(side: Side) -> None:
    side.break_next("refused" if side.name == "fake" else "errcode", code=45166)
    end = side.deliver().end
    assert isinstance(end, Refused)
    assert end.reason
    assert side.arrived() == 0


@on("once")
@pytest.mark.parametrize("kind", ["cut_after", "http_5xx", "timeout"])
def test_where_nobody_can_be_asked_a_lost_answer_is_told_and_never_repeated(side: Side, kind: str) -> None:
    side.break_next(kind, seconds=1.2)
    run = side.deliver()
    assert "结果不明 1 个" in run.live.remark
    assert side.arrived() == 1
    side.deliver(run.post)
    assert side.arrived() == 1


@on("credential")
def test_credentials_that_end_in_the_middle_are_told_apart_and_nothing_is_lost(side: Side) -> None:
    side.break_next("credential")
    run = side.deliver()
    assert isinstance(run.end, Unauthorised)
    assert run.end.reason
    assert side.arrived() == 0
    # A person renews them and tries again, with what the first attempt left behind.
    assert isinstance(side.deliver(run.post).end, Live)
    assert side.arrived() == 1


@on("picture")
def test_a_refused_picture_costs_no_words_and_the_booking_says_so(side: Side) -> None:
    side.break_next("picture")
    run = side.deliver()
    assert "图片" in run.live.remark
    assert "供热" in side.words()
    assert side.arrived() == 1


@on("key")
def test_the_same_delivery_sent_twice_arrives_once(side: Side) -> None:
    run = side.deliver()
    assert isinstance(side.deliver(run.post).end, Live)
    assert side.arrived() == 1


@on("key", "asks")
def test_a_lost_answer_is_settled_by_the_delivery_s_own_key_though_its_notes_were_lost_too(side: Side) -> None:
    # The process died after the call: what is asked with is made anew, so that only the key tells that it is the same.
    at = side.clock.now()
    post = side.post(first_attempt_at=at, attempted_at=at)
    side.deliver(post)
    side.wait(120)
    answer = side.channel.reconcile(post)
    assert isinstance(answer, Accepted | Live)
    side.wait(120)
    assert side.arrived() == 1


@on("callback")
def test_the_result_comes_by_callback_alone_and_says_the_same_as_the_poll(side: Side) -> None:
    with side.pushes() as kept:
        post = side.post()
        accepted = side.channel.publish(post)
        assert isinstance(accepted, Accepted)
        side.pushed(kept)
        results = [one for request in kept for one in side.channel.read_inbound(request)]
        assert {one.job_id for one in results if isinstance(one, JobResult)} == {accepted.job_id}
        told = side.channel.settle(post, next(one for one in results if isinstance(one, JobResult)))
        asked = side.channel.poll(replace(post, note=accepted.data), accepted.job_id)
    assert set(told.shown) == {1}
    assert told.shown[1].url
    # A platform may tell addresses by callback only; then the poll goes on asking and says nothing else.
    if isinstance(asked, Live):
        assert {n: (one.remote_id, one.url) for n, one in told.shown.items()} == {
            n: (one.remote_id, one.url) for n, one in asked.shown.items()
        }
    else:
        assert isinstance(asked, Accepted)
        assert asked.job_id == accepted.job_id
    assert side.arrived() == 1


@on("callback")
def test_a_failure_told_by_callback_is_a_refusal_with_its_reason(side: Side) -> None:
    failed = JobResult("any", done=False, reason="内容不合规", code="x")
    with pytest.raises(Refused, match="内容不合规"):
        side.channel.settle(side.post(), failed)


@on("shows")
def test_good_credentials_are_told_to_be_good_or_not_to_be_asked_about(side: Side) -> None:
    assert side.channel.health() in ("", None)
