"""Access tokens: the ordinary ones that push each other out and the stable ones that do not.

Rules: developers.weixin.qq.com, api_getaccesstoken and api_getstableaccesstoken.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, Literal

from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState, Token

if TYPE_CHECKING:
    from channels.rehearsal.world import World

LIFE = 7200
OVERLAP = 300
FORCED_APART = 30
_FORM = re.compile(r"[0-9]{2}_[A-Za-z0-9_-]{60,509}")
_Kind = Literal["ordinary", "stable"]


def ordinary(world: World, query: dict[str, str], address: str) -> dict[str, Any]:
    """GET cgi-bin/token: a new token, after which the one before works five minutes more."""
    state = _account(world, query.get("appid"), query.get("secret"), query.get("grant_type"), address)
    now = world.clock.now()
    if state.count("token", world.clock.day()) > world.config.wechat_rules.tokens_per_day:
        raise Refusal(45009)
    before = _current(state, "ordinary")
    if before:
        before.dead = min(before.dead, now + OVERLAP)
    token = _issue(state, "ordinary", now)
    world.ledger.add("wechat", state.account.appid, "token", way="token")
    return {"access_token": token.value, "expires_in": LIFE}


def stable(world: World, body: dict[str, Any], address: str) -> dict[str, Any]:
    """POST cgi-bin/stable_token: the same token until five minutes before its end, a new one when forced."""
    state = _account(world, body.get("appid"), body.get("secret"), body.get("grant_type"), address)
    rules, now, day = world.config.wechat_rules, world.clock.now(), world.clock.day()
    forced = body.get("force_refresh") is True
    if forced:
        _check_forced(state, rules.forced_refreshes_per_day, now, day)
    else:
        if state.too_often("stable_token", now, rules.stable_per_minute):
            raise Refusal(45011)
        if state.count("stable_token", day) > rules.stable_per_day:
            raise Refusal(45009)
    token = _current(state, "stable")
    if forced and token:
        token.dead = now
    if forced or token is None or token.expires - now < OVERLAP or token.dead <= now:
        token = _issue(state, "stable", now)
        world.ledger.add("wechat", state.account.appid, "token", way="stable_token", forced=forced)
    return {"access_token": token.value, "expires_in": int(token.expires - now)}


def holder(world: World, value: str) -> AccountState:
    """The account a token opens; 41001 missing, 40014 malformed, 42001 expired, 40001 unknown or pushed out."""
    if not value:
        raise Refusal(41001)
    if not _FORM.fullmatch(value):
        raise Refusal(40014)
    now = world.clock.now()
    for state in world.state.wechat.accounts.values():
        token = state.tokens.get(value)
        if token is None:
            continue
        if now >= token.expires:
            raise Refusal(42001)
        if now >= token.dead:
            raise Refusal(40001)
        return state
    raise Refusal(40001)


def owner_of(world: World, value: str) -> str:
    """The appid a token was given to, whether it still works or not; "" for an unknown one."""
    accounts = world.state.wechat.accounts.values()
    return next((state.account.appid for state in accounts if value in state.tokens), "")


def expire_all(state: AccountState, now: float) -> None:
    """Let every token of the account be expired from now on."""
    for token in state.tokens.values():
        token.expires = min(token.expires, now)


def owner_by_secret(world: World, appid: object, secret: object) -> AccountState:
    """The account that an appid and its secret open."""
    if not appid:
        raise Refusal(41002)
    if not secret:
        raise Refusal(41004)
    state = world.state.wechat.accounts.get(str(appid))
    if state is None:
        raise Refusal(40013)
    if secret != state.account.secret:
        raise Refusal(40125)
    return state


def _account(world: World, appid: object, secret: object, grant: object, address: str) -> AccountState:
    if grant != "client_credential":
        raise Refusal(40002)
    state = owner_by_secret(world, appid, secret)
    allowed = state.account.ip_whitelist
    if allowed and address not in allowed:
        raise Refusal(40164, f"({address})")
    return state


def _check_forced(state: AccountState, a_day: int, now: float, day: str) -> None:
    last = state.forced[-1] if state.forced else 0.0
    if now - last < FORCED_APART:
        raise Refusal(45011)
    if state.counted("forced_token", day) >= a_day:
        raise Refusal(45009)
    state.count("forced_token", day)
    state.forced = [now]


def _current(state: AccountState, kind: _Kind) -> Token | None:
    return state.tokens.get(state.current.get(kind, ""))


def _issue(state: AccountState, kind: _Kind, now: float) -> Token:
    value = f"{secrets.randbelow(90) + 10}_{secrets.token_urlsafe(96)}"
    token = Token(value=value, kind=kind, issued=now, expires=now + LIFE, dead=now + LIFE)
    state.tokens[value] = token
    state.current[kind] = value
    return token
