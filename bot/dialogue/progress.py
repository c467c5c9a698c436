"""办件进度: the ticket's number, the phone that was left with it, and the code that was sent there. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from bot.dialogue import phrases
from bot.dialogue.phrases import mobile_in, number_in
from bot.dialogue.turned import Turned

FORM = "progress"
NUMBER, PHONE, CODE = "number", "phone", "code"
SLOTS = (NUMBER, PHONE, CODE)
SEND, CHECK = "send", "check"

Kept = Mapping[str, Any]

_CODE = re.compile(r"(?<!\d)\d{6}(?!\d)")
_AGAIN = frozenset({"重发", "再发", "再发一次", "重新发送", "没收到", "收不到", "没有收到", "重发验证码"})


def begin(text: str) -> Turned:
    """The first turn: a number that was said already is not asked again."""
    return _ask({"form": FORM, "slots": _found({}, text), "misses": 0}, first=True)


def go_on(kept: Kept, text: str) -> Turned:
    """A further turn."""
    if phrases.is_over(text):
        return Turned({}, "dropped")
    asked = str(kept["asked"])
    if asked == CODE:
        return _code(kept, text)
    slots = _found(kept["slots"], text)
    if slots == kept["slots"]:
        misses = int(kept.get("misses", 0)) + 1
        return _ask({**kept, "misses": misses}, miss=True)
    return _ask({**kept, "slots": slots, "misses": 0})


def _code(kept: Kept, text: str) -> Turned:
    plain = phrases.plain(text)
    if plain in _AGAIN:
        return _wanted(kept, SEND)
    found = _CODE.search(re.sub(r"(?<=\d) (?=\d)", "", unicodedata.normalize("NFKC", text)))
    if found:
        return _wanted(kept, CHECK, found.group())
    renewed = _found(kept["slots"], text)
    if renewed != kept["slots"]:  # He saw that one of them was wrong.
        return _ask({**kept, "slots": renewed})
    return Turned(dict(kept), CODE, {"miss": True})


def _found(slots: Mapping[str, str], text: str) -> dict[str, str]:
    said = {NUMBER: number_in(text), PHONE: mobile_in(text)}
    return {**slots, **{slot: value for slot, value in said.items() if value}}


def _ask(kept: Kept, *, first: bool = False, miss: bool = False) -> Turned:
    missing = next((slot for slot in (NUMBER, PHONE) if not kept["slots"].get(slot)), "")
    if not missing:
        return _wanted(kept, SEND, first=first)
    lost = int(kept.get("misses", 0)) >= 2
    return Turned({**kept, "asked": missing}, missing, {"first": first, "miss": miss, "lost": lost})


def _wanted(kept: Kept, act: str, code: str = "", *, first: bool = False) -> Turned:
    """What only the hub can do: send a code, or look whether this is the right one."""
    slots = kept["slots"]
    wanted = {"act": act, "number": slots[NUMBER], "phone": slots[PHONE], "code": code}
    return Turned({**kept, "asked": CODE}, CODE, {"first": first}, wanted=wanted)
