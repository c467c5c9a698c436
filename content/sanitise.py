"""Rich text made harmless: one allow-list for our own pages, one for a pasted WeChat layout."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from html.parser import HTMLParser

import nh3

_TEXT_TAGS = {
    "p", "br", "hr", "h2", "h3", "h4", "strong", "b", "em", "i", "u", "s", "sub", "sup", "blockquote",
    "ul", "ol", "li", "a", "img", "figure", "figcaption", "table", "caption", "thead", "tbody", "tfoot",
    "tr", "th", "td", "span", "div", "video", "audio",
}  # fmt: skip
_TEXT_ATTRIBUTES = {
    "*": {"class"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height", "data-unread"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "video": {"src", "controls", "poster"},
    "audio": {"src", "controls"},
}
_CLASSES = {"align-center", "align-right", "indent", "unread-picture", "note", "signature"}
_LAYOUT_TAGS = _TEXT_TAGS | {"section", "h1", "colgroup", "col"}
_LAYOUT_ATTRIBUTES = {
    **{tag: set(names) for tag, names in _TEXT_ATTRIBUTES.items()},
    "*": {"style"},
    "table": {"width", "cellpadding", "cellspacing", "border"},
    "col": {"width", "span"},
}
_LAYOUT_STYLES = {
    "color", "background-color", "font-size", "font-weight", "font-style", "line-height", "letter-spacing",
    "text-align", "text-indent", "text-decoration", "margin", "margin-top", "margin-bottom", "margin-left",
    "margin-right", "padding", "padding-top", "padding-bottom", "padding-left", "padding-right", "border",
    "border-top", "border-bottom", "border-left", "border-right", "border-radius", "border-collapse", "width",
    "max-width", "height", "display", "vertical-align", "box-sizing",
}  # fmt: skip
_SCHEMES = {"http", "https", "mailto", "tel"}


def clean_text(html: str) -> str:
    """Our own article text: structure without styles; scripts, forms, event handlers and foreign schemes go."""
    return nh3.clean(
        html,
        tags=_TEXT_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_TEXT_ATTRIBUTES,
        attribute_filter=_known_class,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def clean_layout(html: str) -> str:
    """A pasted WeChat layout: inline styles, sections and tables stay, with known properties only."""
    return nh3.clean(
        html,
        tags=_LAYOUT_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_LAYOUT_ATTRIBUTES,
        filter_style_properties=_LAYOUT_STYLES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )


def describe_pictures(html: str, described: Mapping[str, tuple[str, str, int, int]]) -> str:
    """Cleaned text whose pictures carry what is kept under their SHA-256: address, description, size in pixels."""

    def rewrite(found: re.Match[str]) -> str:
        source = _SOURCE.search(found.group())
        if source is None or source.group(1) not in described:
            return found.group()
        address, alt, width, height = described[source.group(1)]
        kept = _SOURCE.sub(f' src="{address}"', _DESCRIPTION.sub("", found.group())).rstrip("/> ")
        size = f' width="{width}" height="{height}"' if width and height else ""
        return f'{kept} alt="{escape(alt)}"{size}>'

    return _PICTURE.sub(rewrite, html)


_PICTURE = re.compile(r'<img(?:\s+[\w-]+(?:="[^"]*")?)*\s*/?>')
_DESCRIPTION = re.compile(r'\s(?:alt|width|height)="[^"]*"')
_SOURCE = re.compile(r'\ssrc="/media/([0-9a-f]{64})\.(?:jpg|png)"')


def plain(html: str) -> str:
    """The text of a piece of HTML, a line per block, for checks, counts, search and channels without layout."""
    reader = _Plain()
    reader.feed(html)
    reader.close()
    lines = ("".join(reader.parts)).split("\n")
    return "\n".join(line.strip() for line in lines if line.strip())


def _known_class(_tag: str, name: str, value: str) -> str | None:
    if name != "class":
        return value
    return " ".join(word for word in value.split() if word in _CLASSES) or None


class _Plain(HTMLParser):
    _BLOCKS = frozenset(
        {"p", "br", "div", "li", "tr", "h1", "h2", "h3", "h4", "section", "table", "blockquote", "figure"}
    )

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._BLOCKS:
            self.parts.append("\n")
        elif tag in ("td", "th"):
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)
