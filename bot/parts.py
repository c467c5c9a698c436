"""A text longer than one message of the platform leaves in numbered parts: nothing of it is lost.

A list of materials must be told whole, at once (一次性告知). Where even its parts are too many, every name is
told in full and only the remarks are left to the page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from bot.reply import Said
from bot.windows import AFTER_MESSAGE
from channels.registry import channels

# A platform that counts takes five after a message: the bot leaves two of them to people.
MOST = 3
MOST_UNCOUNTED = 8
# 「（3/5）」 and the end of its line.
MARK = 24
_SENTENCE = re.compile(r"[^。！？；\n]*[。！？；]?")


def spread(said: Said, channel: str, page: str = "") -> list[Said]:
    """What is said, as the messages of the channel that carry it, what may be chosen below the last.

    `page` is the address where all of it stands.
    """
    adapter = channels().get(channel)
    longest = adapter.limits.reply_bytes if adapter is not None else None
    if longest is None or _size(said.text) <= longest:
        return [replace(said, short="")]
    window = AFTER_MESSAGE.get(channel)
    counted = window.messages if window is not None else None
    texts = _split(said.text, longest)
    if said.short and len(texts) > (MOST if counted else MOST_UNCOUNTED):
        texts = _split(said.short, longest)
    most = counted or MOST_UNCOUNTED
    if page and len(texts) > most:
        texts = _cut(texts[:most], longest, page)
    if len(texts) == 1:
        return [replace(said, text=texts[0], short="")]
    parts = [
        replace(said, text=f"（{number}/{len(texts)}）\n{text}", short="", choices=(), ask="")
        for number, text in enumerate(texts, start=1)
    ]
    parts[-1] = replace(parts[-1], choices=said.choices, ask=said.ask)
    return parts


def _size(text: str) -> int:
    """In bytes; a letter counts as much as a Chinese character, for some platforms count characters."""
    return max(len(text.encode()), 3 * len(text))


def _split(text: str, longest: int) -> list[str]:
    """The text in as few parts as its lines allow; a line longer than a message is parted at a sentence."""
    room = longest - MARK
    parts: list[str] = []
    for line in text.split("\n"):
        for place, piece in enumerate(_fitting(line, room)):
            joined = f"{parts[-1]}\n{piece}" if parts and place == 0 else ""
            if joined and _size(joined) <= room:
                parts[-1] = joined
            else:
                parts.append(piece)
    return [part.strip("\n") for part in parts if part.strip()]


def _fitting(line: str, room: int) -> Sequence[str]:
    if _size(line) <= room:
        return [line]
    pieces = [""]
    for sentence in _SENTENCE.findall(line):
        for start in range(0, len(sentence), room // 4):
            bit = sentence[start : start + room // 4]
            if _size(pieces[-1] + bit) > room:
                pieces.append("")
            pieces[-1] += bit
    return [piece for piece in pieces if piece]


def _cut(texts: list[str], longest: int, page: str) -> list[str]:
    """So many parts and no more: the last one says where all of it stands."""
    end = f"……\n内容较多，全文见 {page}"
    room = longest - MARK - _size(end)
    last = texts[-1]
    while _size(last) > room:
        last = last[:-1]
    return [*texts[:-1], last + end]
