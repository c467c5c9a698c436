"""Checks on a text before it is submitted: what blocks it, what is pointed out.

Every check looks at every part: the title, the text, the kind's fields, each channel's variant, and the
text of attachments. A block is lifted only by a signer, with a reason; the key of a finding ties the
lifting to these very words in this place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from importlib.resources import files
from typing import Literal
from urllib.parse import urlsplit

from content.kinds.base import Kind
from content.sanitise import plain
from kernel.masking import MOBILE_ALONE, RESIDENT, digits_of, phone_of

Level = Literal["block", "warn"]

LEVEL_LABELS = {"block": "拦截", "warn": "提示", "pass": "放行"}


@dataclass(frozen=True)
class Part:
    """One place in a piece: its name, its Chinese label, and its text (`html` where it has markup)."""

    place: str
    label: str
    text: str
    html: str = ""


@dataclass(frozen=True)
class Word:
    """An entry of the office's word list."""

    word: str
    level: Level
    instead: str = ""
    note: str = ""


@dataclass(frozen=True)
class Document:
    """Everything of a piece that is checked, and what it is checked against."""

    kind: Kind
    title: str
    parts: Sequence[Part]
    fields: dict[str, object] = field(default_factory=dict)
    words: Sequence[Word] = ()
    pictures: Sequence[tuple[str, str, bool]] = ()  # name, description, decorative
    files: Sequence[str] = ()  # the names of its attachments
    lost_pictures: Sequence[str] = ()  # shown, but not kept with this unit's files
    unread_files: Sequence[str] = ()  # attachments whose text could not be read, so that nothing in them was checked
    lost_files: Sequence[str] = ()  # attachments that a field names and that are not there
    own_hosts: frozenset[str] = frozenset()
    dead_links: Mapping[str, str] = field(default_factory=dict)  # each with why, as it was found when asked
    unsure_links: Mapping[str, str] = field(default_factory=dict)  # neither found alive nor dead
    same_titles: Sequence[str] = ()
    unsigned_links: Sequence[tuple[str, str, int]] = ()  # a field, its label, the piece it names
    incoming: Sequence[Mapping[str, str]] = ()  # pieces that name it, as a view is given them


@dataclass(frozen=True)
class Finding:
    """One thing found: which rule, how grave, where, what, and what to write instead."""

    rule: str
    level: Level
    place: str
    label: str
    message: str
    excerpt: str = ""

    @property
    def key(self) -> str:
        """The same for the same words in the same place; what a lifting is tied to."""
        return hashlib.sha256("\n".join((self.rule, self.place, self.excerpt, self.message)).encode()).hexdigest()


def run(document: Document) -> list[Finding]:
    """All findings, the blocking ones first."""
    document = replace(document, parts=[replace(part, text=readable(part.text)) for part in document.parts])
    found = [finding for check in CHECKS for finding in check(document)]
    unique = {finding.key: finding for finding in found}
    return sorted(unique.values(), key=lambda finding: finding.level != "block")


def of_words(parts: Sequence[Part], words: Sequence[Word]) -> list[Finding]:
    """What is found in texts that are no piece: words alone, nothing of a piece's own rules."""
    parts = [replace(part, text=readable(part.text)) for part in parts]
    document = Document(kind=Kind("", "", 0), title="", parts=parts, words=words)
    return [finding for check in WORD_CHECKS for finding in check(document)]


def readable(text: str) -> str:
    """The text as a reader sees it: without invisible characters, full-width digits and letters as plain ones.

    Pasted text is full of zero-width characters, which would part a listed word without anybody seeing it.
    """
    return text.translate(_READABLE)


_READABLE = {
    **dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)),
    **{0xFF00 + code - 0x20: code for code in range(0x20, 0x7F) if chr(code).isalnum()},
}


def links(html: str) -> list[str]:
    """The addresses a text links to, in order."""
    reader = _Addresses()
    reader.feed(html)
    return reader.links


def picture_sources(html: str) -> list[str]:
    """The address of every picture in a text, in order; empty for one without."""
    reader = _Addresses()
    reader.feed(html)
    return reader.pictures


# --- the checks ---------------------------------------------------------------------------------------


def _required(document: Document) -> Iterable[Finding]:
    if not document.title.strip():
        yield Finding("required", "block", "title", "标题", "标题未填写。")
    body = next((part for part in document.parts if part.place == "body"), None)
    if document.kind.needs_body and not (body and (body.text.strip() or "<img" in body.html)):
        yield Finding("required", "block", "body", "正文", "正文未填写。")
    for spec in document.kind.missing(document.fields):
        yield Finding("required", "block", f"fields.{spec.name}", spec.label, f"“{spec.label}”未填写。")
    kind = document.kind
    fields = {**document.fields, "incoming": document.incoming}
    for fault in (*kind.lint(fields), *kind.lint_files(document.fields, document.files)):
        spec_label = next((spec.label for spec in kind.fields if spec.name == fault.field), "")
        yield Finding("consistency", fault.level, f"fields.{fault.field}", spec_label, fault.message)


def _listed_words(document: Document) -> Iterable[Finding]:
    for part in document.parts:
        for word in document.words:
            if word.word in part.text:
                advice = f"，建议改为“{word.instead}”" if word.instead else ""
                note = f"（{word.note}）" if word.note else ""
                message = f"出现词表中的“{word.word}”{note}{advice}。"
                yield Finding("word", word.level, part.place, part.label, message, word.word)


def _misstatements(document: Document) -> Iterable[Finding]:
    for part in document.parts:
        for wrong, right, why in misstatements():
            if wrong in part.text:
                message = f"疑似严重表述错误：“{wrong}”（{why}），应为“{right}”。"
                yield Finding("misstatement", "block", part.place, part.label, message, wrong)


MOBILE, IDENTITY = MOBILE_ALONE, RESIDENT
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _personal_data(document: Document) -> Iterable[Finding]:
    for part in document.parts:
        for match in IDENTITY.finditer(part.text):
            number = digits_of(match.group())
            if _identity_holds(number):
                shown = f"{number[:2]}{'*' * 13}{number[-3:]}"
                message = f"含公民身份号码 {shown}，公开前须删除或按“{shown}”格式遮盖。"
                yield Finding("identity", "block", part.place, part.label, message, shown)
        for match in MOBILE.finditer(part.text):
            digits = phone_of(match.group())
            shown = f"{digits[:3]}****{digits[-4:]}"
            message = f"含手机号码 {shown}，公开前须删除、改用办公电话或遮盖。"
            yield Finding("mobile", "block", part.place, part.label, message, shown)


def _identity_holds(number: str) -> bool:
    """Whether the check digit is right (GB 11643), which tells an identity number from a serial number."""
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == number[17].upper()


_SECRECY: tuple[tuple[re.Pattern[str], Level, str], ...] = (
    (re.compile(r"(绝密|机密|秘密)\s*[★☆]"), "block", "国家秘密标志"),
    (re.compile(r"(绝密|机密|秘密)\s*[★☆]?\s*\d+\s*年"), "block", "国家秘密标志及保密期限"),
    (re.compile(r"此件不公开|不予公开|发至县团级|内部资料[，,]?\s*(注意保存|严禁外传)?"), "block", "不公开标识"),
    (re.compile(r"仅供(内部)?参考|征求意见稿"), "warn", "疑似未定稿或内部材料"),
)


def _secrecy(document: Document) -> Iterable[Finding]:
    for part in document.parts:
        for pattern, level, what in _SECRECY:
            match = pattern.search(part.text)
            if match:
                message = f"含{what}“{match.group()}”，请先完成保密审查。"
                yield Finding(
                    "secrecy", "block" if level == "block" else "warn", part.place, part.label, message, match.group()
                )


def _links(document: Document) -> Iterable[Finding]:
    for part in document.parts:
        for link in links(part.html):
            host = _host(link)
            asked = link.partition("#")[0]
            if asked in document.dead_links:
                message = f"链接打不开（{document.dead_links[asked]}）：{link}，请更正或删除。"
                yield Finding("dead_link", "block", part.place, part.label, message, link)
                continue
            if asked in document.unsure_links:
                message = f"链接暂时无法核实（{document.unsure_links[asked]}）：{link}，请人工打开核对。"
                yield Finding("unsure_link", "warn", part.place, part.label, message, link)
            if host and not _trusted(host, document.own_hosts):
                message = f"链接指向站外非政府网站 {host}，读者离开前会看到提示，请确认内容可靠。"
                yield Finding("foreign_link", "warn", part.place, part.label, message, link)


def _links_written_out(document: Document) -> Iterable[Finding]:
    """Dead addresses in a kind's own fields, where they are no markup."""
    for part in document.parts:
        if part.place == "fields":
            for link, why in document.dead_links.items():
                if link in part.text:
                    message = f"链接打不开（{why}）：{link}，请更正或删除。"
                    yield Finding("dead_link", "block", part.place, part.label, message, link)


def _host(link: str) -> str:
    try:
        return (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:  # A broken IPv6 address; shown to nobody as a place of ours.
        return link[:100]


def _trusted(host: str, own: frozenset[str]) -> bool:
    return host in own or host == "gov.cn" or host.endswith(".gov.cn")


def _pictures(document: Document) -> Iterable[Finding]:
    for name, description, decorative in document.pictures:
        if not description.strip() and not decorative:
            message = f"图片“{name}”缺少文字说明，请填写，或标为装饰图片。"
            yield Finding("picture_text", "block", "pictures", "图片", message, name)
    for name in document.lost_pictures:
        message = "正文引用的图片不在本单位的素材中，请重新上传。"
        yield Finding("lost_picture", "block", "pictures", "图片", message, name)
    for part in document.parts:
        unread = "data-unread" in part.html or "unread-picture" in part.html
        # A picture on somebody else's server may change after it was signed, so it must be kept here.
        foreign = next((source for source in picture_sources(part.html) if not source.startswith("/media/")), None)
        if unread or foreign == "":
            message = "有粘贴时未能读取的图片（红色占位），请上传该图片或删除占位。"
            yield Finding("unread_picture", "block", part.place, part.label, message)
        elif foreign:
            message = f"图片仍在站外（{_host(foreign) or foreign[:60]}），请保存后上传到本系统。"
            yield Finding("foreign_picture", "block", part.place, part.label, message, foreign)


def _unread_files(document: Document) -> Iterable[Finding]:
    for name in document.unread_files:
        why = "没有可读的文字（可能是扫描件或加密文件）" if name.lower().endswith((".pdf", ".ofd")) else "内容无法读取"
        message = f"附件“{name}”{why}，不能自动检查，请人工核对是否含个人信息或涉密内容。"
        yield Finding("unread_file", "warn", "attachments", "附件", message, name)
    for named in document.lost_files:
        message = f"“{named}”不在附件中，请先上传，或改正文件名。"
        yield Finding("lost_file", "block", "fields", document.kind.label, message, named)


ENOUGH_TEXT = 10


def _text_version(document: Document) -> Iterable[Finding]:
    """What only shows pictures, scans or films says nothing to who cannot see it, to search, or to the bot."""
    body = next((part for part in document.parts if part.place == "body"), None)
    if body is None or not document.kind.needs_body:
        return
    # A picture that is not kept here is told of by its own rule.
    kept = 'src="/media/' in body.html
    shown = kept or "<video" in body.html or "<audio" in body.html
    if (shown or document.unread_files) and len("".join(body.text.split())) < ENOUGH_TEXT:
        message = "正文只有图片、扫描件或音视频，须有文字版，请在正文写明主要内容。"
        yield Finding("text_version", "block", "body", "正文", message)


def _same_title(document: Document) -> Iterable[Finding]:
    for title in document.same_titles:
        message = f"近期已有同题稿件《{title}》，请确认不是重复发布。"
        yield Finding("duplicate", "warn", "title", "标题", message, title)


def _unsigned_links(document: Document) -> Iterable[Finding]:
    for place, label, piece_id in document.unsigned_links:
        message = (
            f"“{label}”所关联的 {piece_id} 号稿件尚未签发或已撤下，本次送审不带这一链接；它公开后，门户页面会补上。"
        )
        yield Finding("link", "warn", f"fields.{place}", label, message, f"{place}.{piece_id}")


WORD_CHECKS: tuple[Callable[[Document], Iterable[Finding]], ...] = (
    _listed_words,
    _misstatements,
    _personal_data,
    _secrecy,
)
CHECKS: tuple[Callable[[Document], Iterable[Finding]], ...] = (
    _required,
    _listed_words,
    _misstatements,
    _personal_data,
    _secrecy,
    _links,
    _links_written_out,
    _pictures,
    _unread_files,
    _text_version,
    _same_title,
    _unsigned_links,
)


@cache
def misstatements() -> tuple[tuple[str, str, str], ...]:
    """The built-in list of serious misstatements: wrong, right, why."""
    lines = files("content").joinpath("misstatements.tsv").read_text("utf-8").splitlines()
    return tuple((wrong, right, why) for wrong, right, why in (line.split("\t") for line in lines if line))


def html_part(place: str, label: str, html: str) -> Part:
    """A part from markup; its text is what a reader sees."""
    return Part(place, label, plain(html), html)


class _Addresses(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value and not value.startswith("#")]
        elif tag == "img":
            self.pictures.append(dict(attrs).get("src") or "")
