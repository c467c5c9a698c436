"""What can go wrong between the two sides, in words for whoever runs them."""

from __future__ import annotations

from kernel.errors import XuandaError


class BadParcel(XuandaError):
    """A parcel from the other side was refused: {why} Nothing of it was taken; what it held is sent again by itself."""

    zh = "对端数据包被拒收：{why}未采用其中任何内容，对端会自动重发。"
    status = 422


class NotPaired(XuandaError):
    """The two sides are not paired yet. Follow docs/how-to/two-faces.md: invite, join, accept."""

    zh = "内外网两端尚未配对。请按《内外网分离部署》依次执行 invite、join、accept。"
    status = 409


class NoAnswer(XuandaError):
    """The other side does not answer: {why} It is asked again by itself; nothing is lost."""

    zh = "对端没有应答：{why}系统会自动重试，数据不会丢失。"
    status = 502


class NoRoom(XuandaError):
    """No more pictures fit here until earlier ones were handed on. Please send it later, or say it in words."""

    zh = "待转交的图片较多，暂时收不下。请稍后再发，或先用文字说明。"
    status = 503
