"""News feeds (RSS, Atom) read into entries: whatever the encoding, cleaned, with the pictures each one shows."""

from __future__ import annotations

import calendar
import codecs
import hashlib
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html.entities import name2codepoint
from typing import Any
from urllib.parse import urlsplit
from xml.parsers import expat
from zoneinfo import ZoneInfo

import feedparser

from content.importing.errors import NotAFeed, TooLargeToImport, UnsafeFeed
from content.importing.markup import LONGEST_HTML, Found, absolute, adopt, marked, paragraphs
from content.sanitise import plain
from kernel.typed import tidy

LONGEST_FEED = 16 * 1024 * 1024
# A feed that is no XML is read by a forgiving parser, which takes hours over a large one made to hurt it.
LONGEST_BROKEN = 1024 * 1024
DEEPEST = 200
MOST_ENTRIES = 200
MOST_PICTURES = 40
SHANGHAI = ZoneInfo("Asia/Shanghai")

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# GB18030 contains the other two, and publishers name any of the three for all of them.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "gb18030", "big5": "big5hkscs"}
# What servers say when nobody told them; any bytes decode as these, so they are believed last.
_UNSAID = {"ascii", "iso8859-1", "cp1252", "iso8859-15"}
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{2,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}?\?>")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._-]{2,40})""", re.IGNORECASE)
_LOCAL_TIME = re.compile(
    r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[T\s]+(\d{1,2})[:时](?:(\d{1,2})(?:[:分](\d{1,2}))?[分秒]?)?)?$"
)
# The parser guesses at any other string of digits, and guesses wrong.
_STANDARD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d|[A-Za-z]{3,9}[,. ]|\d{1,2}[ -][A-Za-z]{3}")
_AMPERSAND = re.compile(r"&(?!(?:#\d{1,7}|#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)")
_NAMED = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]{1,31});")
_FEED_LINK = re.compile(r"""<link\b[^>]{0,300}?application/(?:rss|atom)\+xml[^>]{0,300}?>""", re.IGNORECASE)
_HREF = re.compile(r"""href\s*=\s*["']([^"']{1,500})["']""", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One news item of a feed; `html` has its pictures as numbers (see `markup`), `key` recognises it again."""

    key: str
    title: str
    link: str
    guid: str
    published: datetime | None
    author: str
    summary: str
    html: str
    pictures: tuple[Found, ...]
    source: str
    digest: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A feed: its own title and site, its entries in the feed's order, and what could not be read of it."""

    title: str
    link: str
    entries: tuple[Entry, ...]
    remarks: tuple[str, ...] = ()


def read_feed(data: bytes, content_type: str = "", address: str = "", zone: tzinfo = SHANGHAI) -> Feed:
    """Reads a feed; `content_type` and `address` are those it was fetched with, if it was.

    Times that name no zone are taken to be in `zone`. Raises NotAFeed, UnsafeFeed or TooLargeToImport.
    """
    if len(data) > LONGEST_FEED:
        raise TooLargeToImport(what="信息源", limit=f"{LONGEST_FEED // 1024 // 1024} MB")
    text = decode(data, content_type)
    parsed = _parse(text, address)
    if not parsed.get("version") and not parsed.entries:
        raise NotAFeed(why=_why_not(text, address))
    about = parsed.feed
    base = absolute(about.get("link", ""), address) or address
    title = _line(plain(about.get("title", "")) or urlsplit(base).hostname or "")
    entries = [
        entry
        for given in parsed.entries[:MOST_ENTRIES]
        if (entry := _entry(given, title, base, zone)) is not None
    ]  # fmt: skip
    return Feed(title, base, tuple(entries), tuple(_remarks(parsed, len(entries))))


def decode(data: bytes, content_type: str = "") -> str:
    """The text of a feed: by its byte order mark, else by whatever of header, declaration and content fits its bytes.

    Where nothing fits whole, the best is taken and what cannot be read becomes U+FFFD.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    named = [_known(found[1]) for found in (_CHARSET.search(content_type),) if found]
    named += [_known(found[1].decode("ascii")) for found in (_DECLARED.search(data[:1024]),) if found]
    sure = [encoding for encoding in named if encoding and encoding not in _UNSAID]
    unsure = [encoding for encoding in named if encoding in _UNSAID]
    for encoding in dict.fromkeys([*sure, "utf-8", "gb18030", *unsure]):
        try:
            return data.decode(encoding)
        except UnicodeError:
            continue
    # One broken character, mostly a summary cut in the middle of it, must not lose the feed.
    tried = [data.decode(encoding, errors="replace") for encoding in dict.fromkeys([*sure, "utf-8", "gb18030"])]
    return min(tried, key=lambda text: text.count("\ufffd"))


def _known(name: str) -> str:
    try:
        found = codecs.lookup(name).name
    except LookupError:
        return ""
    return _WIDER.get(found, found)


def _parse(text: str, address: str) -> Any:
    text = _DECLARATION.sub("", text, count=1).lstrip()
    if _fault(text):
        text = _mended(text)
        fault = _fault(text)
        if fault and len(text) > LONGEST_BROKEN:
            raise NotAFeed(why=f"XML 有错误：{fault}")
        if fault and "<!ENTITY" in text.upper():
            raise UnsafeFeed
    headers = {"content-type": "application/xml; charset=utf-8", "content-location": address}
    # A stream, because the parser would open a plain string as a file or an address. Links and markup are ours to do.
    stream = io.BytesIO(text.encode("utf-8", errors="replace"))
    return feedparser.parse(stream, response_headers=headers, resolve_relative_uris=False, sanitize_html=False)


def _fault(text: str) -> str:
    """Why the text is no well-formed XML, '' when it is; raises UnsafeFeed at an attack before anything unfolds.

    Entities of a feed's own may unfold to gigabytes or name local files, and no news feed needs them.
    """
    depth = 0

    def enter(*_given: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise UnsafeFeed

    def leave(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_given: object) -> None:
        raise UnsafeFeed

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler, parser.EntityDeclHandler = enter, leave, refuse
    try:
        parser.Parse(text.encode("utf-8", errors="replace"), True)
    except expat.ExpatError as error:
        return f"第 {error.lineno} 行"
    return ""


def _mended(text: str) -> str:
    """The faults of most feeds put right: control characters, bare ampersands, the named characters of HTML."""
    text = _AMPERSAND.sub("&amp;", tidy(text))
    return _NAMED.sub(lambda found: f"&#{name2codepoint[found[1]]};" if found[1] in name2codepoint else "", text)


def _why_not(text: str, address: str) -> str:
    head = text[:200_000]
    if re.search(r"<html\b", head, re.IGNORECASE):
        link = _FEED_LINK.search(head)
        href = _HREF.search(link.group()) if link else None
        named = absolute(href[1], address) if href else ""
        return f"这是一个网页，其信息源地址为 {named}" if named else "这是一个网页"
    return "内容为空" if not text.strip() else "文件不完整或格式不对"


def _remarks(parsed: Any, kept: int) -> list[str]:
    remarks = []
    if parsed.bozo:
        remarks.append("信息源不是规范的 XML，已尽量读取，请核对内容是否完整。")
    if len(parsed.entries) > MOST_ENTRIES:
        remarks.append(f"信息源共 {len(parsed.entries)} 条，只读取前 {MOST_ENTRIES} 条。")
    empty = min(len(parsed.entries), MOST_ENTRIES) - kept
    if empty:
        remarks.append(f"有 {empty} 条既无标题也无正文，已略过。")
    return remarks


def _entry(given: Mapping[str, Any], feed_title: str, base: str, zone: tzinfo) -> Entry | None:
    link = absolute(str(given.get("link", "")), base)
    adopted = adopt(_body(given), link or base)
    title = _line(plain(str(given.get("title", "")))) or _line(plain(adopted.html))[:40]
    if not title:
        return None
    guid = _line(str(given.get("id", "")))
    html, pictures = _with_enclosure(given, adopted.html, adopted.pictures, link or base)
    remarks = list(adopted.remarks)
    if len(pictures) > MOST_PICTURES:
        remarks.append(f"图片超过 {MOST_PICTURES} 张，其余未读取。")
    summary = _line(plain(str(given.get("summary", "")))) if given.get("content") else ""
    return Entry(
        key=_key(guid, link, title, feed_title, base),
        title=title[:300],
        link=link if len(link) <= 1000 else "",
        guid=guid[:1000],
        published=_moment(given, zone),
        author=_line(str(given.get("author", "")))[:100],
        summary=summary[:500],
        html=html,
        pictures=pictures[:MOST_PICTURES],
        source=_source(given, feed_title),
        digest=hashlib.sha256(f"{title}\n{plain(html)}".encode()).hexdigest(),
        remarks=tuple(remarks),
    )


def _body(given: Mapping[str, Any]) -> str:
    contents = given.get("content") or []
    chosen = next((part for part in contents if "html" in part.get("type", "")), contents[0] if contents else None)
    detail = chosen or given.get("summary_detail") or {}
    text = str(detail.get("value", ""))[:LONGEST_HTML]
    written = "html" in detail.get("type", "") and re.search(r"<[a-zA-Z/!]", text) is not None
    if written or re.search(r"<(?:p|br|div|img)\b", text, re.IGNORECASE):
        return text
    return paragraphs(plain(text) if "&" in text else text)


def _with_enclosure(
    given: Mapping[str, Any], html: str, pictures: tuple[Found, ...], base: str
) -> tuple[str, tuple[Found, ...]]:
    """Puts a picture that hangs on the entry in front of a text that has none of its own."""
    if pictures:
        return html, pictures
    hanging = [*given.get("enclosures", []), *given.get("media_content", []), *given.get("media_thumbnail", [])]
    for one in hanging:
        address = absolute(str(one.get("href") or one.get("url") or ""), base)
        kind = str(one.get("type") or one.get("medium") or "image")
        if address and kind.startswith("image"):
            return f"<p>{marked(0)}</p>{html}", (Found(address),)
    return html, pictures


def _key(guid: str, link: str, title: str, feed_title: str, base: str) -> str:
    # A guid that is no address ("1024") is unique in its own feed only.
    name = guid if ":" in guid else f"{base} {feed_title} {guid}" if guid else link
    return hashlib.sha256((name or f"{base} {title}").encode()).hexdigest()


def _source(given: Mapping[str, Any], feed_title: str) -> str:
    own = given.get("source") or {}
    return _line(plain(str(own.get("title", ""))) or feed_title)[:100]


def _moment(given: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    for name in ("published", "updated", "created"):
        if name not in given:
            continue
        local = _LOCAL_TIME.match(str(given.get(name, "")).strip())
        if local:
            try:
                year, month, day, hour, minute, second = (int(part or 0) for part in local.groups())
                return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
            except (ValueError, OverflowError):
                continue
        parsed = given.get(f"{name}_parsed")
        if parsed and _STANDARD_TIME.match(str(given.get(name, "")).strip()):
            try:
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
            except (ValueError, OverflowError, OSError):
                continue
    return None


def _line(text: str) -> str:
    return " ".join(tidy(text).split())
