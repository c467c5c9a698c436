"""The menu at the foot of the chat, and what the account had made by hand in its console."""

from __future__ import annotations

from typing import Any

from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal

NAME_BYTES, SUB_NAME_BYTES, KEY_BYTES, URL_BYTES = 16, 60, 128, 1024
_WITH_KEY = (
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
)
_WITH_MEDIA = ("media_id", "view_limited", "article_id", "article_view_limited")


async def create(call: Call) -> dict[str, Any]:
    """menu/create: one to three buttons with up to five below each."""
    buttons = call.body.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(40016)
    for button in buttons:
        below = button.get("sub_button") if isinstance(button, dict) else None
        if not below:
            _check(button, NAME_BYTES, 40018)
            continue
        _check_name(button, NAME_BYTES, 40018)
        if not isinstance(below, list) or len(below) > 5:
            raise Refusal(40023)
        for sub in below:
            _check(sub, SUB_NAME_BYTES, 40025)
    call.state.menu = {"button": buttons}
    call.record("menu", button=buttons)
    return OK


async def get(call: Call) -> dict[str, Any]:
    """menu/get."""
    if not call.state.menu:
        raise Refusal(46003)
    return {"menu": call.state.menu}


async def delete(call: Call) -> dict[str, Any]:
    """menu/delete."""
    call.state.menu = {}
    return OK


async def current(call: Call) -> dict[str, Any]:
    """get_current_selfmenu_info: also a menu made by hand, which the message interface switches off."""
    account, made = call.state.account, call.state.menu
    by_hand = {"button": account.selfmenu} if account.selfmenu else {}
    is_open = bool(made) or (bool(by_hand) and account.callback is None)
    return {"is_menu_open": int(is_open), "selfmenu_info": made or by_hand}


async def autoreply(call: Call) -> dict[str, Any]:
    """get_current_autoreply_info: rules made by hand, which the message interface switches off."""
    account = call.state.account
    is_open = bool(account.autoreply_rules) and account.callback is None
    return {
        "is_add_friend_reply_open": 0,
        "is_autoreply_open": int(is_open),
        "keyword_autoreply_info": {"list": account.autoreply_rules},
    }


def _check(button: Any, name_bytes: int, name_code: int) -> None:
    _check_name(button, name_bytes, name_code)
    kind = button.get("type")
    if kind in _WITH_KEY:
        _check_length(button.get("key"), KEY_BYTES, 40019)
    elif kind in ("view", "miniprogram"):
        _check_length(button.get("url"), URL_BYTES, 40020)
    elif kind not in _WITH_MEDIA:
        raise Refusal(40017)


def _check_name(button: Any, most: int, code: int) -> None:
    if not isinstance(button, dict):
        raise Refusal(47001)
    _check_length(button.get("name"), most, code)


def _check_length(value: Any, most: int, code: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
        raise Refusal(code)


APIS = {
    "cgi-bin/menu/create": Api(create, certified=True),
    "cgi-bin/menu/get": Api(get, method="GET", certified=True),
    "cgi-bin/menu/delete": Api(delete, method="GET", certified=True),
    "cgi-bin/get_current_selfmenu_info": Api(current, method="GET"),
    "cgi-bin/get_current_autoreply_info": Api(autoreply, method="GET"),
}
