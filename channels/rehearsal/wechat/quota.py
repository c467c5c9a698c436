"""How often an interface may be called: quota/get and clear_quota (developers.weixin.qq.com, openApi)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

CLEARS_A_MONTH = 10


def spend(world: World, state: AccountState, path: str) -> None:
    """Count a call; 45009 beyond the day's number."""
    if state.count(f"api {path}", world.clock.day()) > limit(world, path):
        raise Refusal(45009)


def limit(world: World, path: str) -> int:
    """Calls of an interface a day."""
    rules = world.config.wechat_rules
    return rules.calls_per_day_by_path.get(path, rules.calls_per_day)


def clear(world: World, state: AccountState) -> dict[str, Any]:
    """Set all of the account's counts of calls back; ten times a month."""
    if state.counted("clear_quota", world.clock.month()) >= CLEARS_A_MONTH:
        raise Refusal(48006)
    state.count("clear_quota", world.clock.month())
    state.counters = {name: number for name, number in state.counters.items() if not name.startswith("api ")}
    return OK


async def clear_quota(call: Call) -> dict[str, Any]:
    """clear_quota: by token, of the token's own account."""
    if call.text("appid") != call.state.account.appid:
        raise Refusal(40013)
    return clear(call.world, call.state)


async def get(call: Call) -> dict[str, Any]:
    """openapi/quota/get: how many calls of one interface are left today."""
    path = call.text("cgi_path").strip("/")
    if path not in call.world.wechat_paths:
        raise Refusal(76021)
    used = call.state.counted(f"api {path}", call.world.clock.day())
    most = limit(call.world, path)
    return OK | {"quota": {"daily_limit": most, "used": used, "remain": max(most - used, 0)}}


async def callback_addresses(_: Call) -> dict[str, Any]:
    """getcallbackip: where pushes come from."""
    return {"ip_list": ["127.0.0.1"]}


APIS = {
    "cgi-bin/clear_quota": Api(clear_quota),
    "cgi-bin/openapi/quota/get": Api(get),
    "cgi-bin/getcallbackip": Api(callback_addresses, method="GET"),
}
