"""The rehearsal platforms on a loopback port, once for all adapters' tests and set back before each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import Rehearsal, serving
from tests.channels.sides import SIDES, Side


@pytest.fixture(scope="session")
def platforms() -> Iterator[Rehearsal]:
    """The running platforms."""
    rules = WeChatRules(publish_seconds=2, mass_seconds=2, reply_seconds=1)
    with serving(RehearsalConfig.demo().model_copy(update={"wechat_rules": rules})) as running:
        yield running


@pytest.fixture
def rehearsed(platforms: Rehearsal) -> Rehearsal:
    """The platforms as they were in the beginning."""
    platforms.control("reset")
    return platforms


@pytest.fixture
def side(request: pytest.FixtureRequest, rehearsed: Rehearsal) -> Iterator[Side]:
    """The channel a test is run on, by name."""
    made = SIDES[request.param](rehearsed)
    yield made
    made.close()
