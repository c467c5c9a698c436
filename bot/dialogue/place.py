"""In which district one goes somewhere is asked before an address is told, where a guide names several. Pure.

The hub begins it, with the guide in what is kept, and tells the place that the guide names then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.dialogue import phrases
from bot.dialogue.turned import Turned
from templates.catalogue import _

FORM = "place"
DISTRICT = "district"
SLOTS = (DISTRICT,)
ALL = _("全部列出")
# What is longer is a sentence of its own, not the name of a district that is not there.
LONGEST_NAME = 6
_QUESTION = re.compile(r"[?？]|多少|多久|什么|啥|怎|哪|几|谁|[吗呢么]$")

Kept = Mapping[str, Any]


def of(piece: int) -> dict[str, Any]:
    """What is kept when it begins."""
    return {"form": FORM, "piece": piece}


def go_on(kept: Kept, text: str, districts: Sequence[str]) -> Turned:
    """The first turn and every further one: a district that was named in the question is not asked for."""
    begins = "asked" not in kept
    if not begins and phrases.is_over(text):
        return Turned({}, "dropped")
    choices = (*districts, ALL)
    place = None if begins else phrases.chosen(text, choices)
    named = choices[place] if place is not None else district_in(text, districts)
    if named is not None:
        return Turned({}, "found", wanted={"piece": str(kept["piece"]), "district": "" if named == ALL else named})
    misses = 0 if begins else int(kept.get("misses", 0)) + 1
    if misses > 1 or (misses and _asks_else(text)):
        return Turned({}, left=True)
    more = {**kept, "asked": DISTRICT, "slots": {}, "misses": misses}
    return Turned(more, DISTRICT, {"miss": bool(misses)}, choices)


def _asks_else(text: str) -> bool:
    return len(phrases.plain(text)) > LONGEST_NAME or _QUESTION.search(phrases.tidy_line(text, 100)) is not None


def district_in(text: str, districts: Sequence[str]) -> str | None:
    """The one district that a text names, or is, with or without its 区, 县 or 市."""
    said = phrases.plain(text)
    whole = [one for one in districts if phrases.plain(one) in said]
    short = [one for one in districts if len(one) > 2 and phrases.plain(one[:-1]) == said]
    found = whole or short
    return found[0] if len(found) == 1 else None
