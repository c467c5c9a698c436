"""Consent to subscribe messages: counted where it is for once, kept where it is for long, ended by a refusal."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet

from bot import consents
from bot.consents import LASTING, ONCE
from channels.base import Consent
from kernel.clock import StillClock
from kernel.people import add_unit
from kernel.seal import Seal
from kernel.work import Works
from tests.bot.citizens import wechat_account

FORM = "t-1"


@pytest.fixture
def account(works: Works) -> int:
    """A WeChat account."""
    with works.write() as work:
        unit = add_unit(work.session, "云州市人民政府", "city")
        return wechat_account(work, Seal(Fernet.generate_key()), unit.id).id


def hear(works: Works, account: int, at: datetime, *, agreed: bool = True, form: str = FORM) -> None:
    with works.write() as work:
        consents.heard(work, account, Consent("k", "oCitizen", form, agreed, at))


def take(works: Works, account: int, way: str = ONCE, sender: str = "oCitizen", form: str = FORM) -> bool:
    with works.write() as work:
        return consents.take(work, account, sender, form, way)


def test_each_agreement_is_good_for_one_message_to_this_follower_of_this_form(
    works: Works, account: int, clock: StillClock
) -> None:
    assert not take(works, account)
    hear(works, account, clock.now())
    hear(works, account, clock.now() + timedelta(seconds=9))
    assert not take(works, account, sender="oOther")
    assert not take(works, account, form="t-2")
    assert [take(works, account) for _ in range(3)] == [True, True, False]
    with works.write() as work:
        consents.give_back(work, account, "oCitizen", FORM, ONCE)
    assert [take(works, account) for _ in range(2)] == [True, False]


def test_one_that_holds_for_long_is_not_used_up_until_it_is_refused(
    works: Works, account: int, clock: StillClock
) -> None:
    hear(works, account, clock.now())
    assert [take(works, account, LASTING) for _ in range(3)] == [True] * 3
    with works.write() as work:
        consents.give_back(work, account, "oCitizen", FORM, LASTING)
        assert consents.number_of(work.session, account, FORM) == 1
    hear(works, account, clock.now() + timedelta(minutes=1), agreed=False)
    assert not take(works, account, LASTING)
    with works.read() as work:
        assert consents.number_of(work.session, account, FORM) == 0


def test_what_is_told_again_or_late_changes_nothing(works: Works, account: int, clock: StillClock) -> None:
    hear(works, account, clock.now())
    hear(works, account, clock.now())
    assert [take(works, account) for _ in range(2)] == [True, False]
    hear(works, account, clock.now() + timedelta(minutes=2), agreed=False)
    hear(works, account, clock.now() + timedelta(minutes=1))
    assert not take(works, account)
    hear(works, account, clock.now() + timedelta(minutes=3))
    assert take(works, account)


def test_the_platforms_own_no_and_being_forgotten_end_it(works: Works, account: int, clock: StillClock) -> None:
    for act in (
        lambda work: consents.void(work, account, "oCitizen", FORM),
        lambda work: consents.forget(work.session, account, "oCitizen"),
    ):
        clock.step(minutes=1)
        hear(works, account, clock.now())
        with works.write() as work:
            act(work)
        assert not take(works, account)
