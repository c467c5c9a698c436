"""Authorisation: a code, then a token that ends and cannot be refreshed (open.weibo.com/wiki/OAuth2/access_token)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from channels.rehearsal.weibo.codes import Refusal
from channels.rehearsal.weibo.state import UserState

if TYPE_CHECKING:
    from channels.rehearsal.world import World


def authorise(world: World, query: dict[str, str]) -> str:
    """The address a browser is sent back to: the account's person agrees at once."""
    user = _of_app(world, query.get("client_id", ""))
    redirect = query.get("redirect_uri", "")
    if redirect != user.account.redirect_uri:
        raise Refusal(21322)
    code = secrets.token_hex(16)
    user.codes[code] = redirect
    back = {"code": code} | ({"state": query["state"]} if "state" in query else {})
    return f"{redirect}{'&' if '?' in redirect else '?'}{urlencode(back)}"


def access_token(world: World, fields: dict[str, str]) -> dict[str, Any]:
    """A fresh token for a code; the code works once and the token before it no longer."""
    user = _of_app(world, fields.get("client_id", ""))
    if fields.get("client_secret") != user.account.app_secret:
        raise Refusal(21324)
    if fields.get("grant_type") != "authorization_code":
        raise Refusal(21328)
    redirect = user.codes.pop(fields.get("code", ""), None)
    if redirect is None:
        raise Refusal(21325)
    if redirect != fields.get("redirect_uri"):
        raise Refusal(21322)
    user.token = f"2.00{secrets.token_urlsafe(20)}"
    user.expires = world.clock.now() + user.account.expires_in
    user.revoked = False
    world.ledger.add("weibo", user.account.uid, "authorised")
    lasts = user.account.expires_in
    return {"access_token": user.token, "remind_in": str(lasts), "expires_in": lasts, "uid": user.account.uid}


def token_info(world: World, fields: dict[str, str]) -> dict[str, Any]:
    """oauth2/get_token_info: whose a token is and how long it lasts."""
    user = holder(world, fields.get("access_token", ""))
    now = world.clock.now()
    return {
        "uid": int(user.account.uid),
        "appkey": user.account.app_key,
        "scope": "",
        "create_at": int(user.expires - user.account.expires_in),
        "expire_in": int(user.expires - now),
    }


def holder(world: World, token: str) -> UserState:
    """The user a token belongs to; 10006 missing, 21332 unknown, 21316 revoked, 21327 expired."""
    if not token:
        raise Refusal(10006)
    user = next((user for user in world.state.weibo.users.values() if user.token == token), None)
    if user is None:
        raise Refusal(21332)
    if user.revoked:
        raise Refusal(21316)
    if world.clock.now() >= user.expires:
        raise Refusal(21327)
    return user


def _of_app(world: World, key: str) -> UserState:
    user = next((user for user in world.state.weibo.users.values() if user.account.app_key == key), None)
    if user is None:
        raise Refusal(21324)
    return user
