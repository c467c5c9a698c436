"""The menu at the foot of the chat, and what the account had made by hand in its console."""

from __future__ import annotations

from typing import Any, NamedTuple

from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState

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


class Codes(NamedTuple):
    """How a fault is called at one level of the menu."""

    kind: int
    name: int
    key: int
    url: int


_OUTER, _INNER = Codes(40017, 40018, 40019, 40020), Codes(40024, 40025, 40026, 40027)


async def create(call: Call) -> dict[str, Any]:
    """menu/create: one to three buttons with up to five below each."""
    buttons = call.body.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise Refusal(40016)
    for button in buttons:
        below = button.get("sub_button") if isinstance(button, dict) else None
        if not below:
            _check(button, NAME_BYTES, _OUTER)
            continue
        _check_name(button, NAME_BYTES, _OUTER.name)
        if not isinstance(below, list) or len(below) > 5:
            raise Refusal(40023)
        for sub in below:
            _check(sub, SUB_NAME_BYTES, _INNER)
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
    buttons = made.get("button") or account.selfmenu
    is_open = bool(made) or (bool(buttons) and account.callback is None)
    info = {"button": [_listed(button) for button in buttons]} if buttons else {}
    return {"is_menu_open": int(is_open), "selfmenu_info": info}


def shown(state: AccountState) -> dict[str, Any]:
    """The menu a follower sees: one made by hand is gone once the message interface is on."""
    by_hand = state.account.selfmenu if state.account.callback is None else []
    return state.menu or ({"button": by_hand} if by_hand else {})


def _listed(button: dict[str, Any]) -> dict[str, Any]:
    """This interface puts what lies below a button into a list of its own, as menu/get does not."""
    below = button.get("sub_button")
    if isinstance(below, list) and below:
        return {"name": button["name"], "sub_button": {"list": below}}
    return {name: value for name, value in button.items() if name != "sub_button"} if below == [] else button


async def autoreply(call: Call) -> dict[str, Any]:
    """get_current_autoreply_info: rules made by hand, which the message interface switches off."""
    account = call.state.account
    by_hand = account.callback is None
    answer: dict[str, Any] = {
        "is_add_friend_reply_open": int(bool(account.follow_reply) and by_hand),
        "is_autoreply_open": int(bool(account.autoreply_rules or account.default_reply) and by_hand),
        "keyword_autoreply_info": {"list": account.autoreply_rules},
    }
    if account.follow_reply:
        answer["add_friend_autoreply_info"] = account.follow_reply
    if account.default_reply:
        answer["message_default_autoreply_info"] = account.default_reply
    return answer


def _check(button: Any, name_bytes: int, codes: Codes) -> None:
    _check_name(button, name_bytes, codes.name)
    kind = button.get("type")
    if kind in _WITH_KEY:
        _check_length(button.get("key"), KEY_BYTES, codes.key)
    elif kind in ("view", "miniprogram"):
        _check_length(button.get("url"), URL_BYTES, codes.url)
        if kind == "miniprogram" and not (button.get("appid") and button.get("pagepath")):
            raise Refusal(40097)
    elif kind not in _WITH_MEDIA:
        raise Refusal(codes.kind)


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
