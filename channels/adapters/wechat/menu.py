"""自定义菜单 of a WeChat account (developers.weixin.qq.com, menu/create, get_current_selfmenu_info)."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from channels.abilities.menus import CLICK, MINI, VIEW, Button, MenuLimits, Menus, ShownMenu, problems
from channels.adapters.wechat.sending import Sending
from channels.errors import Refused

# What only the platform's own console can make: it answers a tap with something kept there.
BY_HAND = ("text", "news", "img", "voice", "video", "photo")
_LOST = {"img": "图片", "photo": "图片", "voice": "语音", "video": "视频"}


class WeChatMenus(Menus):
    """The menu's part of the adapter."""

    menu_limits: ClassVar[MenuLimits] = MenuLimits(buttons=3, below=5, name=16, name_below=60, key=128, url=1024)

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def menu(self) -> ShownMenu:
        """The menu in force, whoever made it, or the one made by hand that our address has switched off."""
        with self.sending.harmlessly():
            answer = self.sending.client.get("get_current_selfmenu_info")
        return read_menu(answer)

    def publish_menu(self, buttons: Sequence[Button]) -> None:
        """menu/create; a phone shows it within minutes, at the latest after a day."""
        for problem in problems(self.menu_limits, buttons):
            raise Refused(problem.message, field=problem.field)
        with self.sending.visibly():
            self.sending.client.post("menu/create", data={"button": [written(button) for button in buttons]})


def written(button: Button) -> dict[str, Any]:
    """A button in the platform's words."""
    if button.below:
        return {"name": button.name, "sub_button": [written(one) for one in button.below]}
    made: dict[str, Any] = {"type": button.kind, "name": button.name, **button.more}
    if button.key:
        made["key"] = button.key
    if button.url:
        made["url"] = button.url
    if button.kind == MINI:
        made |= {"appid": button.appid, "pagepath": button.page}
    return made


def read_menu(answer: Mapping[str, Any]) -> ShownMenu:
    """The menu out of the platform's answer; taps on parts made by hand become clicks that we answer."""
    info = answer.get("selfmenu_info") or {}
    listed = info.get("button") or []
    lost: list[str] = []
    buttons = tuple(_read(one, f"{place}", lost) for place, one in enumerate(listed, start=1))
    by_hand = any(one.get("type") in BY_HAND for one in _flat(listed))
    return ShownMenu(buttons, bool(answer.get("is_menu_open")), by_hand, tuple(lost), dict(answer))


def _flat(listed: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [inner for one in listed for inner in (_below(one) or [one])]


def _below(button: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    below = button.get("sub_button") or []
    return list(below.get("list") or []) if isinstance(below, Mapping) else list(below)


def _read(button: Mapping[str, Any], place: str, lost: list[str]) -> Button:
    name, kind = str(button.get("name", "")), str(button.get("type", ""))
    below = _below(button)
    if below:
        return Button(name, below=tuple(_read(one, f"{place}.{n}", lost) for n, one in enumerate(below, start=1)))
    if kind in BY_HAND:
        return _by_hand(button, name, kind, place, lost)
    known = {CLICK: ("key",), VIEW: ("url",), MINI: ("url", "appid", "pagepath")}.get(kind, ("key", "url"))
    values = {part: str(button.get(part, "")) for part in known}
    more = {
        part: value
        for part, value in button.items()
        if part not in ("name", "type", "sub_button", *known) and value not in ("", None, [], {})
    }
    return Button(
        name,
        kind,
        key=values.get("key", ""),
        url=values.get("url", ""),
        appid=values.get("appid", ""),
        page=values.get("pagepath", ""),
        more=more,
    )


def _by_hand(button: Mapping[str, Any], name: str, kind: str, place: str, lost: list[str]) -> Button:
    value = str(button.get("value", ""))
    words = articles_in_words(button.get("news_info")) if kind == "news" else value if kind == "text" else ""
    if not words:
        lost.append(f"按钮“{name}”回复的{_LOST.get(kind, '内容')}")
    key = "m" + hashlib.sha256(f"{place} {name} {value}".encode()).hexdigest()[:16]
    return Button(name, CLICK, key=key, does={"act": "say", "text": words} if words else {})


def articles_in_words(news: Any) -> str:
    """Articles of a hand-made reply as titles with addresses, which a text can carry."""
    listed = news.get("list") if isinstance(news, Mapping) else None
    lines = [f"{one.get('title', '')} {one.get('content_url', '')}".strip() for one in listed or []]
    return "\n".join(line for line in lines if line)
