"""What WeChat leaves of an article's HTML: no scripts, no outside pictures, no outside links.

That scripts and outside pictures go is the official rule (draft/add); the other removals are the harsher reading.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

_DROPPED_WITH_CONTENT = {"script", "style", "iframe", "object", "noscript", "template", "svg"}
_DROPPED_TAGS = {"form", "input", "button", "textarea", "select", "option", "label", "link", "meta", "base", "embed"}
_DROPPED_TAGS |= {"html", "head", "body", "title", "audio", "video", "source", "canvas"}
_VOID = {"img", "br", "hr", "wbr", "col", "area", "input", "link", "meta", "base", "embed", "source"}
_STYLE_URL = re.compile(r"url\(\s*['\"]?([^'\")]*)['\"]?\s*\)", re.IGNORECASE)

Ours = Callable[[str], bool]


class _Filter(HTMLParser):
    def __init__(self, our_picture: Ours, our_page: Ours) -> None:
        super().__init__(convert_charrefs=False)
        self._our_picture = our_picture
        self._our_page = our_page
        self._inside: list[str] = []
        self._links: list[bool] = []
        self.kept: list[str] = []
        self.removed: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.append(tag)
            return
        if tag in _DROPPED_WITH_CONTENT:
            self.removed.append(tag)
            self._inside.append(tag)
        elif tag in _DROPPED_TAGS:
            self.removed.append(tag)
        elif tag == "img":
            self._image(dict(attrs))
        elif tag == "a":
            self._link(dict(attrs))
        else:
            self.kept.append(self._opening(tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside:
            return
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag == self._inside[-1]:
                self._inside.pop()
            return
        if tag == "a":
            if self._links and self._links.pop():
                self.kept.append("</a>")
        elif tag not in _DROPPED_TAGS | _DROPPED_WITH_CONTENT | _VOID:
            self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.kept.append(data)

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _image(self, attributes: dict[str, str | None]) -> None:
        address = attributes.get("src") or attributes.get("data-src") or ""
        if not self._our_picture(address):
            self.removed.append(f"img {address}")
            return
        self.pictures.append(address)
        self.kept.append(self._opening("img", attributes))

    def _link(self, attributes: dict[str, str | None]) -> None:
        address = attributes.get("href") or ""
        inside = not address or self._our_page(address)
        self._links.append(inside)
        if inside:
            self.kept.append(self._opening("a", attributes))
        else:
            self.removed.append(f"a {address}")

    def _opening(self, tag: str, attributes: dict[str, str | None]) -> str:
        kept = [f' {name}="{escape(value or "")}"' for name, value in attributes.items() if self._keeps(name, value)]
        return f"<{tag}{''.join(kept)}>"

    def _keeps(self, name: str, value: str | None) -> bool:
        outside = name == "style" and any(not self._our_picture(url) for url in _STYLE_URL.findall(value or ""))
        goes = name == "id" or name.startswith("on") or outside
        if goes:
            self.removed.append(name if not outside else f"style {value}")
        return not goes


def clean(content: str, our_picture: Ours, our_page: Ours) -> tuple[str, list[str], list[str]]:
    """The content that survives, what was removed, and the pictures that stayed."""
    reader = _Filter(our_picture, our_page)
    reader.feed(content)
    reader.close()
    return "".join(reader.kept), reader.removed, reader.pictures


def path_of(address: str) -> str:
    """The path of an address without its query, "" for what is no http address."""
    parts = urlsplit(address)
    return parts.path if parts.scheme in ("http", "https", "") else ""


def plain_text(content: str) -> str:
    """The text of some HTML, as a digest is made from it."""
    text = re.sub(r"<[^>]*>", "", content)
    return re.sub(r"\s+", " ", text).strip()
