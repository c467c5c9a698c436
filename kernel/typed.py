"""What people and programs type (numbers, moments, words), read in one way that no database chokes on."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TypeVar

LARGEST = 2**31 - 1
"""What a column for whole numbers takes; every row's number is one."""
FIRST_YEAR, LAST_YEAR = 1970, 2200
Dated = TypeVar("Dated", bound=date)
# Characters that no text has and that a database or a hash cannot take: controls, halves of surrogate pairs; and those
# that turn the letters behind them around (Unicode UAX #9, overrides), so that a name in a list is read as another.
_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202d\u202e\ud800-\udfff\ufffe\uffff]")

# Of those, what no database stores at all.
_NOWHERE = re.compile(r"[\x00\ud800-\udfff]")


def number_in(text: str, most: int = LARGEST) -> int | None:
    """A whole number from 0 in plain digits (0 to 9, not ² or ٣); None when it is anything else or beyond `most`."""
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        return None
    number = int(text)
    return number if number <= most else None


def row_in(text: str) -> int | None:
    """A number that a row may have; None when it is none."""
    return number_in(text) or None


def in_calendar(given: Dated) -> Dated:
    """The day or moment, when every zone can tell it; raises ValueError for a year that no office plans in."""
    if not FIRST_YEAR <= given.year <= LAST_YEAR:
        raise ValueError(given.year)
    return given


def day_in(text: str) -> date:
    """A day written YYYY-MM-DD; raises ValueError when it is none."""
    return in_calendar(date.fromisoformat(text.strip()))


def moment_in(text: str) -> datetime:
    """A moment with its zone, as ISO 8601 writes it, in UTC; raises ValueError when it is none."""
    return in_calendar(datetime.fromisoformat(text)).astimezone(UTC)


def tidy(text: str) -> str:
    """The text without control characters and with plain line ends."""
    return _UNFIT.sub("", text.replace("\r\n", "\n"))


def fits_nowhere(text: str) -> bool:
    """Whether the text has a NUL or half of a surrogate pair, which no page sends and no database takes."""
    return _NOWHERE.search(text) is not None
