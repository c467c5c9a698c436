"""The events WeChat pushes by itself when a job is finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.rehearsal.wechat import callbacks
from channels.rehearsal.wechat.state import AccountState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

# MASSSENDJOBFINISH and its like come from an openid of the platform's own.
PLATFORM_OPENID = "oPlatform_rehearsal_00000000"


def event_fields(state: AccountState, openid: str, at: float, event: str, details: dict[str, Any]) -> dict[str, Any]:
    """The XML fields of an event."""
    return {
        "ToUserName": state.account.original_id,
        "FromUserName": openid,
        "CreateTime": int(at),
        "MsgType": "event",
        "Event": event,
        **details,
    }


async def announce(
    world: World, state: AccountState, event: str, details: dict[str, Any], openid: str = PLATFORM_OPENID
) -> None:
    """Push a finish event, once or as often as the rules under test say, and write down how it was taken."""
    rules = world.config.wechat_rules
    if rules.silent_events:
        return
    fields = event_fields(state, openid, world.clock.now(), event, details)
    for _ in range(2 if rules.doubled_events else 1):
        outcome = await callbacks.push(world, state, fields)
        world.ledger.add(
            "wechat",
            state.account.appid,
            "event",
            event=event,
            details=details,
            tries=outcome.tries,
            answered=outcome.answered,
            fault=outcome.fault,
        )
