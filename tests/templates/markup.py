"""What tests ask about HTML: is it balanced, which elements and attributes does it hold."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, tuple[int, int]]] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text: dict[str, list[str]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))
        if tag not in VOID:
            self.open.append((tag, self.getpos()))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {key: value or "" for key, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> at {self.getpos()} closes nothing"
        last, where = self.open.pop()
        assert last == tag, f"</{tag}> at {self.getpos()} closes <{last}> of {where}"

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1][0], []).append(data)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def check_balance(html: str) -> None:
    """Fails when an element is left open or closed out of turn."""
    assert _read(html).open == []


def elements(html: str) -> list[tuple[str, dict[str, str]]]:
    """Every element with its attributes, in order."""
    return _read(html).elements


def text_in(html: str, tag: str) -> str:
    """The text that stands directly in elements of this name."""
    return "".join(_read(html).text.get(tag, []))
