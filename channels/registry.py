"""Finds the channels: every adapter, ours included, comes through the entry point `xuanda.channels`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

from channels.base import Channel, Limits, Style
from kernel.errors import XuandaError


class UnknownChannel(XuandaError):
    """No adapter is installed for the channel {name}. Install its package, or deactivate the account."""

    zh = "没有安装渠道“{name}”的适配程序。请安装相应插件，或停用该账号。"
    status = 500


@cache
def channels() -> dict[str, type[Channel]]:
    """Every installed channel by name."""
    found: dict[str, type[Channel]] = {}
    for entry in entry_points(group="xuanda.channels"):
        adapter = entry.load()
        if not (isinstance(adapter, type) and issubclass(adapter, Channel)):
            raise TypeError(f"entry point {entry.name} is no Channel: {adapter!r}")
        if adapter.outbound is not None and not adapter.outbound.is_dir():
            raise TypeError(f"the templates of {adapter!r} are not there: {adapter.outbound}")
        found[entry.name] = adapter
    return found


def channel(name: str) -> type[Channel]:
    """The adapter of that name; raises UnknownChannel."""
    try:
        return channels()[name]
    except KeyError:
        raise UnknownChannel(name=name) from None


def outbound_folders() -> dict[str, Path]:
    """The folders of templates that channels bring with their own packages, by channel."""
    return {name: adapter.outbound for name, adapter in channels().items() if adapter.outbound is not None}


def style_of(name: str) -> Style:
    """How the channel shows text: a page of our own, a layout, or plain text."""
    return limits_of(name).style


def limits_of(name: str) -> Limits:
    """What the channel can show and do."""
    return channel(name).limits
