"""How values are written for people: times of the office, sizes, figures, masked numbers, addresses of files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from kernel.masking import mask_id, mask_phone
from templates.catalogue import Translator, _

__all__ = [
    "ago",
    "headings",
    "local_date",
    "local_time",
    "mask_id",
    "mask_phone",
    "number",
    "shorten",
    "size",
    "static_address",
    "width",
]

UNITS = ("B", "KB", "MB", "GB", "TB")
DAY = timedelta(days=1)
RELATIVE_DAYS = 30


def local_time(value: datetime | None, zone: ZoneInfo) -> str:
    """An aware instant as ``YYYY-MM-DD HH:MM`` in the office's zone; nothing for None. ValueError when naive."""
    if value is None:
        return ""
    if value.tzinfo is None:
        raise ValueError("a time shown to people must carry its zone")
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def local_date(value: datetime | date | None, zone: ZoneInfo) -> str:
    """A date, or the office's date of an aware instant, as ``YYYY-MM-DD``; nothing for None."""
    if isinstance(value, datetime):
        return local_time(value, zone)[:10]
    return "" if value is None else value.isoformat()


def ago(value: datetime | None, now: datetime, zone: ZoneInfo, translate: Translator) -> str:
    """How long ago or ahead an instant is, in one unit; beyond 30 days the date itself."""
    if value is None:
        return ""
    distance = now - value
    ahead = distance < timedelta(0)
    distance = abs(distance)
    if distance < timedelta(minutes=1):
        return translate(_("马上") if ahead else _("刚刚"))
    if distance > RELATIVE_DAYS * DAY:
        return local_date(value, zone)
    if distance < timedelta(hours=1):
        count, past, future = int(distance.total_seconds() // 60), _("%(n)s 分钟前"), _("%(n)s 分钟后")
    elif distance < DAY:
        count, past, future = int(distance.total_seconds() // 3600), _("%(n)s 小时前"), _("%(n)s 小时后")
    else:
        count, past, future = distance.days, _("%(n)s 天前"), _("%(n)s 天后")
    return translate(future if ahead else past, n=count)


def size(value: float) -> str:
    """A number of bytes in the largest unit that keeps it at 1 or more: ``1.5 MB``."""
    amount = float(value)
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}".replace(".0 ", " ")


def number(value: float | None) -> str:
    """A figure with thousands separators; a dash when it is not known."""
    return "—" if value is None else f"{value:,}"


def width(text: str) -> int:
    """How long a text is in Chinese characters, two half-width characters counting as one, as Weibo and WeChat do."""
    return -(-sum(1 if ord(character) < 0x100 else 2 for character in text) // 2)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` Chinese characters (as ``width`` counts) on one line, an ellipsis where words were left out."""
    text = " ".join(text.split())
    if width(text) <= limit:
        return text
    while text and width(text) > limit - 1:
        text = text[:-1]
    return f"{text.rstrip()}…" if limit > 0 else ""


def headings(html: str) -> str:
    """The headings of a text moved up, so that none is skipped beneath the page's own title."""
    for level in (2, 3):
        if f"<h{level}" in html:
            return html
        if f"<h{level + 1}" in html:
            for lower in range(level + 1, 5):
                up = lower - level + 1
                html = html.replace(f"<h{lower}", f"<h{up}").replace(f"</h{lower}>", f"</h{up}>")
            return html
    return html


@lru_cache(maxsize=512)
def _content_hash(path: str, _modified: int, _size: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:8]


def static_address(folder: Path, prefix: str, *, reload: bool = True) -> Callable[[str], str]:
    """A filter giving a static file's address with its content hash, so that browsers may keep it for ever.

    Without `reload` each file is looked at once; otherwise whenever it is named.
    """

    def address(name: str) -> str:
        path = folder / name
        if not path.is_file():
            return f"{prefix}/{name}"
        found = path.stat()
        return f"{prefix}/{name}?v={_content_hash(str(path), found.st_mtime_ns, found.st_size)}"

    return address if reload else cache(address)
