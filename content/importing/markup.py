"""Foreign HTML made into our own text: our headings and classes, absolute links, pictures taken out and put in place.

While a text is on its way in, its pictures stand in it as `/import/0`, `/import/1`, …; `place` puts the address each
was kept under there, or a red placeholder where it could not be read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import nh3

from content.sanitise import clean_text
from kernel.typed import number_in

UNREAD = "这张图片没能读取，请点此上传原图"
LONGEST_HTML = 4 * 1024 * 1024

_TAGS = {
    "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "b", "em", "i", "u", "s", "del", "strike", "sub",
    "sup", "blockquote", "pre", "ul", "ol", "li", "a", "img", "figure", "figcaption", "table", "caption", "thead",
    "tbody", "tfoot", "tr", "th", "td", "span", "div", "section", "article", "center", "video", "audio",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"style", "class", "align"},
    "a": {"href", "title"},
    "img": {"src", "data-src", "data-original", "alt", "width", "height", "data-unread"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "ol": {"start"},
    "video": {"src"},
    "audio": {"src"},
}
_SCHEMES = {"http", "https", "mailto", "tel", "data"}
_RENAMED = {"b": "strong", "i": "em", "del": "s", "strike": "s", "section": "div", "article": "div", "center": "div"}
_EMPTY = frozenset({"br", "hr", "img"})
_KEPT = {"colspan", "rowspan", "scope", "start", "title"}
_ALIGNED = re.compile(r"text-align\s*:\s*(center|right|end)", re.IGNORECASE)
_HEADING = re.compile(r"<h([1-6])[\s>]")
_MARK = re.compile(r'<img[^>]*\ssrc="/import/(\d+)"[^>]*>')
_ALT = re.compile(r'\salt="([^"]*)"')
# Nothing that a reader would see: spaces, the wide space that typists indent with, line breaks.
_BLANK = r"(?:\s|&nbsp;|<br>|<span>|</span>)"
_BLANK_PARAGRAPH = re.compile(rf"<(p|div)(?: class=\"[^\"]*\")?>{_BLANK}*</\1>")
_INDENT = re.compile(r"(<(?:p|div|td|li)(?: [^>]*)?>(?:<(?:span|strong)>)*)(?:&nbsp;|[\u00a0\u3000 ])+")

Draw = Callable[[Mapping[str, str]], str]


@dataclass(frozen=True)
class Found:
    """A picture in a foreign text: its address (http, https or data) and its description."""

    address: str
    alt: str = ""


@dataclass(frozen=True)
class Adopted:
    """A foreign text in our own markup, its pictures by their number, and what had to stay behind."""

    html: str
    pictures: tuple[Found, ...] = ()
    remarks: tuple[str, ...] = ()


def adopt(html: str, base: str = "") -> Adopted:
    """Makes a foreign text ours; links and pictures are made absolute against `base`."""
    found: list[Found] = []

    def draw(attributes: Mapping[str, str]) -> str:
        address = _picture_address(attributes, base)
        if not address:
            return ""
        found.append(Found(address, attributes.get("alt", "").strip()[:300]))
        return marked(len(found) - 1, found[-1].alt)

    dropped = len(re.findall(r"<(?:iframe|object|embed|form)\b", html, re.IGNORECASE))
    remarks = (f"有 {dropped} 处嵌入内容（视频、表单等）没有带入。",) if dropped else ()
    return Adopted(rewrite(html, draw, base), tuple(found), remarks)


def rewrite(html: str, draw: Draw, base: str = "") -> str:
    """Cleaned text in our own markup; `draw` gives the tag of each picture, '' to leave it out."""
    given = nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style"},
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel=None,
    )
    levels = [int(level) for level in _HEADING.findall(given)]
    writer = _Rewriter(draw, base, min(levels, default=2))
    writer.feed(given)
    writer.close()
    text = clean_text("".join(writer.parts))
    return _BLANK_PARAGRAPH.sub("", _INDENT.sub(r"\1", text)).strip()


def paragraphs(text: str) -> str:
    """Plain text as markup, a paragraph per line."""
    return "".join(f"<p>{escape(line.strip(), quote=False)}</p>" for line in text.splitlines() if line.strip())


def marked(number: int, alt: str = "") -> str:
    """The place of the picture of that number."""
    return f'<img src="/import/{number}" alt="{escape(alt)}">'


def place(html: str, addresses: Mapping[int, str]) -> str:
    """The text with its pictures at these addresses; one that has none becomes a red placeholder."""

    def put(found: re.Match[str]) -> str:
        address = addresses.get(int(found[1]))
        described = _ALT.search(found.group())
        alt = described[1] if described else ""
        return f'<img src="{escape(address)}" alt="{alt}">' if address else placeholder()

    return _MARK.sub(put, html)


def placeholder(why: str = UNREAD) -> str:
    """The red box in place of a picture that could not be read; a check blocks the text until it is mended."""
    return f'<img class="unread-picture" data-unread="1" alt="{escape(why)}">'


def absolute(address: str, base: str) -> str:
    """An http or https address made absolute; '' for anything else."""
    try:
        full = urljoin(base, address.strip())
        return full if urlsplit(full).scheme in ("http", "https") and urlsplit(full).hostname else ""
    except ValueError:  # A broken IPv6 address.
        return ""


def _picture_address(attributes: Mapping[str, str], base: str) -> str:
    if {attributes.get("width"), attributes.get("height")} & {"0", "1", "2"}:
        return ""  # A counter, not a picture.
    # Pages that load pictures late keep the real address beside a blank one.
    for name in ("data-src", "data-original", "src"):
        address = attributes.get(name, "").strip()
        if address.startswith("data:image/"):
            return address
        if address and (full := absolute(address, base)):
            return full
    return ""


class _Rewriter(HTMLParser):
    """Writes tidy markup again with our own tags and classes; what it writes is cleaned afterwards."""

    def __init__(self, draw: Draw, base: str, top: int) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._draw = draw
        self._base = base
        self._lift = 2 - top
        self._open_links: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "img":
            self.parts.append(self._draw(given))
        elif tag == "a":
            self._start_link(given)
        elif tag in ("video", "audio"):
            address = absolute(given.get("src", ""), self._base)
            if address:
                self.parts.append(f'<a href="{escape(address)}">{escape(address)}</a>')
        else:
            self.parts.append(f"<{self._name(tag)}{_attributes(tag, given)}>")

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            if self._open_links and self._open_links.pop():
                self.parts.append("</a>")
        elif tag not in _EMPTY and tag not in ("video", "audio"):
            self.parts.append(f"</{self._name(tag)}>")

    def handle_data(self, data: str) -> None:
        self.parts.append(data)

    def handle_entityref(self, name: str) -> None:
        self.parts.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.parts.append(f"&#{name};")

    def _start_link(self, given: Mapping[str, str]) -> None:
        href = given.get("href", "").strip()
        kept = href if href.startswith(("mailto:", "tel:")) else absolute(href, self._base)
        # A link inside the foreign page leads nowhere here; its words stay.
        kept = "" if not href or href.startswith("#") else kept
        self._open_links.append(bool(kept))
        if kept:
            self.parts.append(f'<a href="{escape(kept)}">')

    def _name(self, tag: str) -> str:
        if len(tag) == 2 and tag[0] == "h" and number_in(tag[1]) is not None:
            return f"h{min(4, int(tag[1]) + self._lift)}"
        return _RENAMED.get(tag, tag)


def _attributes(tag: str, given: Mapping[str, str]) -> str:
    kept = {name: value for name, value in given.items() if name in _KEPT}
    classes = given.get("class", "").split()
    aligned = _ALIGNED.search(given.get("style", ""))
    side = aligned[1].lower() if aligned else "center" if tag == "center" else given.get("align", "").lower()
    if side in ("center", "right", "end") and tag not in ("table", "span"):
        classes.append("align-center" if side == "center" else "align-right")
    if classes:
        kept["class"] = " ".join(dict.fromkeys(classes))
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
