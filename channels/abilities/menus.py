"""自定义菜单: the buttons at the foot of an account's chat, what fits, and the calls that show them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from channels.base import Problem

# What a button does, as far as the platform knows: `click` pushes its key to us, `view` and `miniprogram` open a page.
CLICK, VIEW, MINI = "click", "view", "miniprogram"


@dataclass(frozen=True)
class Button:
    """One button; one with `below` only opens these. `does` is what we answer to its click, unknown to the platform.

    `more` holds the platform's own fields of a kind that is not edited here, so that it is published as it was.
    """

    name: str
    kind: str = ""
    key: str = ""
    url: str = ""
    appid: str = ""
    page: str = ""
    does: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    below: tuple[Button, ...] = ()

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Button:
        """A button out of a row."""
        below = tuple(cls.of(one) for one in stored.get("below", ()))
        return cls(**{name: value for name, value in stored.items() if name != "below"}, below=below)

    def stored(self) -> dict[str, Any]:
        """The button for a row, without what is empty."""
        values = {name: getattr(self, name) for name in ("name", "kind", "key", "url", "appid", "page")}
        values |= {"does": dict(self.does), "more": dict(self.more), "below": [one.stored() for one in self.below]}
        return {name: value for name, value in values.items() if value or name == "name"}

    def shown(self) -> Button:
        """What of it the platform knows, for comparing."""
        return replace(self, does={}, below=tuple(one.shown() for one in self.below))


@dataclass(frozen=True)
class MenuLimits:
    """How many buttons a menu may have, and how long their parts may be in bytes of UTF-8."""

    buttons: int
    below: int
    name: int
    name_below: int
    key: int
    url: int


@dataclass(frozen=True)
class ShownMenu:
    """What an account shows now; `made` is in force, else switched off. `by_hand`: made in the platform's console.

    `lost` names, in words, the parts that no call can bring back.
    """

    buttons: tuple[Button, ...]
    made: bool
    by_hand: bool = False
    lost: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


class Menus(ABC):
    """A channel whose accounts have a menu."""

    menu_limits: ClassVar[MenuLimits]

    @abstractmethod
    def menu(self) -> ShownMenu:
        """What the account shows now."""

    @abstractmethod
    def publish_menu(self, buttons: Sequence[Button]) -> None:
        """Shows this menu instead of the one before; the same menu twice does no harm."""


def every(buttons: Sequence[Button]) -> Iterator[tuple[str, Button, bool]]:
    """Every button with its place (`1`, `1.2`) and whether it stands below another."""
    for place, button in enumerate(buttons, start=1):
        yield str(place), button, False
        for number, below in enumerate(button.below, start=1):
            yield f"{place}.{number}", below, True


def problems(limits: MenuLimits, buttons: Sequence[Button]) -> list[Problem]:
    """What does not fit; the field is the button's place and part, such as `1.2.name`."""
    found = []
    if not 1 <= len(buttons) <= limits.buttons:
        found.append(Problem("menu", f"菜单须有 1 至 {limits.buttons} 个一级按钮，现有 {len(buttons)} 个。"))
    for place, button, inner in every(buttons):
        if len(button.below) > limits.below:
            found.append(Problem(f"{place}.name", f"“{button.name}”下最多 {limits.below} 个按钮。"))
        found += _lengths(limits, place, button, inner)
    return found


def _lengths(limits: MenuLimits, place: str, button: Button, inner: bool) -> list[Problem]:
    parts = [("name", "名称", button.name, limits.name_below if inner else limits.name)]
    if not button.below:
        if button.kind == CLICK:
            parts.append(("key", "编号", button.key, limits.key))
        elif button.kind in (VIEW, MINI):
            parts.append(("url", "网址", button.url, limits.url))
        elif not button.kind:
            return [Problem(f"{place}.act", f"“{button.name}”还没有选择点击后做什么。")]
    found = []
    for part, label, value, most in parts:
        size = len(value.encode())
        if not size:
            found.append(Problem(f"{place}.{part}", f"按钮 {place} 的{label}还没有填写。"))
        elif size > most:
            found.append(
                Problem(
                    f"{place}.{part}", f"按钮 {place} 的{label}为 {size} 字节，最多 {most} 字节（一个汉字 3 字节）。"
                )
            )
    if button.kind == MINI and not button.below and not (button.appid and button.page):
        found.append(Problem(f"{place}.appid", f"按钮 {place} 的小程序须填写 AppID 和页面路径。"))
    return found
