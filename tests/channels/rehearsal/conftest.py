"""A rehearsal per test, quick ones: publishing and sending take no time unless a test says so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import CallbackAddress, Rehearsal, WeChat, serving


@pytest.fixture
def config() -> RehearsalConfig:
    """The demo accounts with short waits."""
    rules = WeChatRules(publish_seconds=0, mass_seconds=0, reply_seconds=0.4)
    return RehearsalConfig.demo().model_copy(update={"wechat_rules": rules})


@pytest.fixture
def rehearsal(config: RehearsalConfig) -> Iterator[Rehearsal]:
    """A running rehearsal."""
    with serving(config) as running:
        yield running


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
