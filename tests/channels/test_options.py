"""A class of options is the account's form: typed, labelled, bounded, whatever the channel."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from channels.base import Setting
from channels.options import Options, option, settings_of
from hub.web.account_form import setting_value
from kernel.errors import Invalid


@dataclass(frozen=True)
class Told(Options):
    """What some plugin's account may change."""

    minutes: float = option("等待（分钟）", 2.5, "一般不改。", least=1, most=60, group="时限")
    rooms: int | None = option("房间数", None, most=9)
    loud: bool = option("响铃", True)
    way: str = option("方式", "a", choices=(("a", "甲"), ("b", "乙")))
    domains: tuple[str, ...] = option("域名", (), most=2, pattern=r"[a-z.]+")
    code: str = option("代码", "", most=4, required=True)
    unseen: int = 3


FORM = {setting.name: setting for setting in settings_of(Told)}


def test_what_is_declared_becomes_the_form() -> None:
    assert {name: setting.kind for name, setting in FORM.items()} == {
        "minutes": "number", "rooms": "number", "loud": "flag", "way": "choice", "domains": "lines", "code": "text",
    }  # fmt: skip
    assert FORM["minutes"] == Setting(
        "minutes", "等待（分钟）", "number", "一般不改。", least=1, most=60, default=2.5, group="时限"
    )
    assert (FORM["rooms"].whole, FORM["code"].required, FORM["loud"].default) == (True, True, True)


def test_options_are_read_from_what_an_account_holds() -> None:
    told = Told.of({"minutes": 4, "domains": ["a.cn"], "rooms": None, "of_somebody_else": 1})
    assert told == Told(minutes=4, domains=("a.cn",))


@pytest.mark.parametrize(
    ("name", "entered", "value"),
    [
        ("minutes", "1", 1), ("minutes", "60", 60), ("minutes", "1.5", 1.5), ("minutes", "0.9", None),
        ("minutes", "60.1", None), ("minutes", "nan", None), ("rooms", "9", 9), ("rooms", "1.5", None),
        ("rooms", "-1", None), ("loud", "false", False), ("loud", "maybe", None), ("way", "b", "b"),
        ("way", "c", None), ("domains", "a.cn\nb.cn", ["a.cn", "b.cn"]), ("domains", "a\nb\nc", None),
        ("domains", "A", None), ("code", "abcd", "abcd"), ("code", "abcde", None),
    ],
)  # fmt: skip
def test_what_was_typed_is_held_to_the_bounds(name: str, entered: str, value: object) -> None:
    if value is not None:
        assert setting_value(FORM[name], entered) == value
        return
    with pytest.raises(Invalid) as refused:
        setting_value(FORM[name], entered)
    assert refused.value.field == f"settings.{name}"
