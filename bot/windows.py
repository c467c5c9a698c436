"""How long and how often a platform lets us write to a citizen after he wrote to us.

WeChat: five messages within 48 hours after a message, three within a minute after a touch (menu, scan, follow);
developers.weixin.qq.com, api_sendcustommessage. Weibo's fan service: 48 hours after either, without a number
(open.weibo.com/wiki, messages/reply), but once only after the account was named in public. What answers the push itself
counts as none of these. Our own pages have no such limit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.models import Conversation


@dataclass(frozen=True)
class Window:
    """So many messages within so long; None: as many as one likes."""

    lasts: timedelta
    messages: int | None


FANS = Window(timedelta(hours=48), None)
AFTER_MESSAGE = {"wechat": Window(timedelta(hours=48), 5), "weibo": FANS}
AFTER_MENTION = {"weibo": Window(timedelta(hours=48), 1)}
# What was said by telephone or at the counter and was written down.
SPOKEN = frozenset({"phone", "visit"})
AFTER_TOUCH = {"wechat": Window(timedelta(minutes=1), 3), "weibo": FANS}


def after_message(channel: str, at: datetime) -> tuple[datetime, int | None] | None:
    """Until when, and how often, one may write after a message of this moment; None where nothing limits it."""
    window = AFTER_MESSAGE.get(channel)
    return None if window is None else (at + window.lasts, window.messages)


def opened(conversation: Conversation, at: datetime, *, touch: bool, mention: bool = False) -> None:
    """Notes that the citizen wrote, touched or named the account at a moment; neither a touch nor a mention narrows
    what a message opened."""
    window = (AFTER_MENTION if mention else AFTER_TOUCH if touch else AFTER_MESSAGE).get(conversation.channel)
    if window is None:
        return
    until, before = at + window.lasts, conversation.window_until
    if touch and before is not None and before > until:
        return
    if mention and before is not None and before > at and conversation.messages_left is None:
        return
    conversation.window_until, conversation.messages_left = until, window.messages


def left(conversation: Conversation) -> None:
    """The citizen left the account: nothing reaches him any more."""
    if conversation.channel in AFTER_MESSAGE:
        conversation.messages_left = 0


def hindrance(conversation: Conversation, now: datetime) -> str:
    """Why no message would reach the citizen now, in plain words; '' when one would."""
    if conversation.channel in SPOKEN:
        return "这是来电或来访的登记，没有可发消息的地址，请致电或当面告知"
    if conversation.window_until is not None and conversation.window_until <= now:
        return "市民上次来信已超过 48 小时"
    if conversation.messages_left is not None and conversation.messages_left <= 0:
        return "市民上次来信后已发满条数"
    return ""
