"""What every channel owes the scheduler, tried against a platform that misbehaves."""

from __future__ import annotations

import pytest

from channels.base import Live, Uncorrectable
from channels.errors import OutcomeUnknown, Refused, Throttled
from tests.channels.sides import SIDES, Side, sides_that


def on(*can: str) -> pytest.MarkDecorator:
    """On every side to which these parts of the contract apply."""
    return pytest.mark.parametrize("side", sides_that(*can) if can else list(SIDES), indirect=True)


@on()
def test_a_post_shows_once_and_says_where(side: Side) -> None:
    run = side.deliver()
    assert side.arrived() == 1
    assert set(run.live.shown) == {1}
    assert run.live.shown[1].remote_id


@on("lost")
def test_an_answer_lost_after_the_platform_acted_is_settled_without_a_second_arrival(side: Side) -> None:
    side.break_next("cut_after")
    run = side.deliver()
    assert (run.trail[0], "ask" in dict(run.trail)) == (("send", "OutcomeUnknown"), True)
    assert isinstance(run.end, Live)
    assert side.arrived() == 1


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
    side.break_next("throttle")
    with pytest.raises(Throttled) as wait:
        side.channel.publish(side.post())
    assert wait.value.until > side.clock.now()
    assert isinstance(side.deliver().end, Live)
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
    assert isinstance(end, Live) or (isinstance(end, Uncorrectable) and end.by_hand and end.reason)


@on("refuse")
def test_what_the_platform_refuses_is_not_tried_again(side: Side) -> None:
    side.break_next("refused" if side.name == "fake" else "errcode", code=45166)
    end = side.deliver().end
    assert isinstance(end, Refused)
    assert not isinstance(end, OutcomeUnknown)
    assert end.reason
    assert side.arrived() == 0
