"""What every channel owes the scheduler, tried against a platform that misbehaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.base import ByHand, Live, Uncorrectable
from channels.errors import Refused
from channels.registry import channels
from tests.channels.sides import SIDES, Side, sides_that


def on(*can: str) -> pytest.MarkDecorator:
    """On every side to which these parts of the contract apply."""
    return pytest.mark.parametrize("side", sides_that(*can), indirect=True)


def test_every_installed_channel_is_under_contract() -> None:
    tried = {side.channel_name for side in SIDES.values()}
    assert set(channels()) == tried


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
    assert side.clock.offset >= timedelta(seconds=30)
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
    gone = side.gone()
    assert gone >= 1
    assert isinstance(side.act(live, "withdraw").end, Live)


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
def test_the_same_words_twice_are_refused_and_shown_once(side: Side) -> None:
    side.deliver(side.post(key="first"))
    end = side.deliver(side.post(key="second")).end
    assert isinstance(end, Refused)
    assert "重复" in end.reason
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


@on("refuse")
def test_what_the_platform_refuses_is_not_tried_again(side: Side) -> None:
    side.break_next("refused" if side.name == "fake" else "errcode", code=45166)
    end = side.deliver().end
    assert isinstance(end, Refused)
    assert end.reason
    assert side.arrived() == 0
