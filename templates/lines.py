"""The words of a text line by line, for readers who get no layout."""

from __future__ import annotations

import re
from html import unescape

_LINE_ENDS = re.compile(r"</(?:p|section|div|li|h[1-6]|tr|figcaption)>|<br\s*/?>", re.IGNORECASE)
_CELL_ENDS = re.compile(r"</t[dh]>", re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")


def text_lines(html: str) -> list[str]:
    """The words of a text, a line for each paragraph, row or item, for readers who get no layout."""
    parts = _LINE_ENDS.split(_CELL_ENDS.sub(" ", html))
    lines = (" ".join(unescape(_TAGS.sub("", part)).split()) for part in parts)
    return [line for line in lines if line]
