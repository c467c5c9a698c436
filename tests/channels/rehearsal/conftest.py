"""A rehearsal for every test, quick: publishing and sending take no time unless a test says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import CallbackAddress, Rehearsal, WeChat, serving


def quick() -> RehearsalConfig:
    """The demo accounts with short waits."""
    rules = WeChatRules(publish_seconds=0, mass_seconds=0)
    return RehearsalConfig.demo().model_copy(update={"wechat_rules": rules})


@pytest.fixture
def config() -> RehearsalConfig:
    """Settings a test may change before it starts a rehearsal of its own with `serving`."""
    return quick()


@pytest.fixture(scope="session")
def standing() -> Iterator[Rehearsal]:
    """One rehearsal for all tests that need no settings of their own."""
    with serving(quick()) as running:
        yield running


@pytest.fixture
def rehearsal(standing: Rehearsal) -> Rehearsal:
    """A rehearsal in which nothing has happened yet."""
    standing.app.world.config = quick()
    standing.control("reset")
    return standing


@pytest.fixture
def wechat(rehearsal: Rehearsal) -> WeChat:
    """A caller on the subscription account."""
    return rehearsal.wechat()


@pytest.fixture
def callback() -> Iterator[CallbackAddress]:
    """A callback address."""
    address = CallbackAddress()
    yield address
    address.close()
