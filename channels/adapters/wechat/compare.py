"""What WeChat made of an article: the draft read back, held against what was sent, in words for those who sign.

Both bodies are read as rows of openings and texts, matched in order. The platform may write the same thing otherwise
(colours, spaces, data-src), which is no loss.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from typing import Any

from channels.abilities.preview import Loss

FIELDS: Mapping[str, str] = {"title": "标题", "author": "作者", "digest": "摘要", "content_source_url": "阅读原文链接"}
ELEMENTS: Mapping[str, str] = {
    "iframe": "嵌入页面", "video": "视频", "audio": "音频", "form": "表单", "table": "表格", "svg": "矢量图",
    "style": "样式表", "script": "脚本", "ul": "列表", "ol": "列表", "hr": "分隔线", "object": "嵌入对象",
}  # fmt: skip
STYLES: Mapping[str, str] = {
    "background-image": "背景图片", "background": "背景", "background-color": "背景色", "color": "文字颜色",
    "font-size": "字号", "line-height": "行距", "font-weight": "粗细", "text-align": "对齐", "border": "边框",
    "position": "定位", "width": "宽度", "height": "高度", "margin": "间距", "padding": "留白", "display": "显示方式",
}  # fmt: skip
MOST_PER_KIND = 12
# Attributes that no reader sees anything of; the platform takes them from every article.
UNSEEN = frozenset({"id", "class", "name", "title", "alt", "target", "rel", "lang", "dir", "loading", "decoding"})
_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})\b")
_ZERO = re.compile(r"\b0(?:px|em|rem|pt|%)")


@dataclass(frozen=True)
class Mark:
    """An opening tag with its attributes, or a text (`tag` empty)."""

    tag: str
    text: str
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def likeness(self) -> tuple[str, str]:
        """What two marks must share to stand for each other."""
        return self.tag, self.text


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.marks: list[Mark] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style"):
            self._hidden += 1
        found = {name: value or "" for name, value in attrs}
        text = _address(found) if tag == "img" else found.get("href", "") if tag == "a" else ""
        self.marks.append(Mark(tag, text, tuple(sorted(found.items()))))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        words = " ".join(data.split())
        if words and not self._hidden:
            self.marks.append(Mark("", words))


def losses(sent: Mapping[str, Any], got: Mapping[str, Any], names: Mapping[str, str]) -> list[Loss]:
    """Everything that differs to readers' cost; `names` says what a picture's address at the platform shows."""
    found = [*_fields(sent, got)]
    if got.get("content") is None:
        return found
    before, after = _marks(str(sent["content"])), _marks(str(got["content"]))
    matcher = SequenceMatcher(None, [mark.likeness for mark in before], [mark.likeness for mark in after], False)
    here = _Place(before)
    texts = _squeezed(before) != _squeezed(after)
    for act, start, end, other_start, other_end in matcher.get_opcodes():
        if act == "equal":
            for offset in range(end - start):
                found += _styles(before[start + offset], after[other_start + offset], here.of(start + offset))
        elif act in ("delete", "replace"):
            kept = _squeezed(after[other_start:other_end])
            gone = _gone(before, range(start, end), here, kept, names)
            found += [loss for loss in gone if texts or loss.kind != "text"]
    return _at_most(found)


class _Place:
    """Where something stood, told by the words nearest to it."""

    def __init__(self, marks: list[Mark]) -> None:
        self.marks = marks

    def of(self, place: int) -> str:
        after = (mark.text for mark in self.marks[place : place + 12] if not mark.tag)
        before = (mark.text for mark in reversed(self.marks[max(0, place - 12) : place]) if not mark.tag)
        words = next(after, "") or next(before, "")
        return f"“{words[:14]}{'…' if len(words) > 14 else ''}”" if words else "正文"


def _fields(sent: Mapping[str, Any], got: Mapping[str, Any]) -> Iterator[Loss]:
    for name, label in FIELDS.items():
        ours, theirs = str(sent.get(name) or "").strip(), str(got.get(name) or "").strip()
        if ours and ours != theirs:
            became = f"变成“{theirs[:40]}”" if theirs else "没有保留"
            level = "warn" if name in ("author", "content_source_url") else "block"
            yield Loss("field", level, f"{label}{became}，送出的是“{ours[:40]}”。")  # type: ignore[arg-type]
    if sent.get("need_open_comment") and not got.get("need_open_comment"):
        yield Loss("field", "warn", "留言没有打开。")


def _gone(
    marks: list[Mark], places: Iterable[int], here: _Place, kept: str, names: Mapping[str, str]
) -> Iterator[Loss]:
    for place in places:
        mark = marks[place]
        if not mark.tag:
            if _squeezed([mark]) not in kept:
                yield Loss("text", "block", f"文字“{mark.text[:40]}{'…' if len(mark.text) > 40 else ''}”被去掉。")
        elif mark.tag == "img":
            name = names.get(mark.text) or dict(mark.attributes).get("alt") or mark.text[:60]
            yield Loss("picture", "block", f"{here.of(place)}处的图片“{name}”被去掉，读者看不到。")
        elif mark.tag == "a":
            address = mark.text
            if address and not address.startswith("#"):
                yield Loss("link", "warn", f"{here.of(place)}的链接 {address[:80]} 被去掉，文字保留但点不开。")
        elif mark.tag in ELEMENTS:
            level = "block" if mark.tag in ("iframe", "video", "audio", "table", "object") else "warn"
            yield Loss("element", level, f"{here.of(place)}处的{ELEMENTS[mark.tag]}被去掉。")  # type: ignore[arg-type]
        else:
            yield from _whole_style(mark, here.of(place))


def _whole_style(mark: Mark, where: str) -> Iterator[Loss]:
    declared = _declared(dict(mark.attributes).get("style", ""))
    if declared:
        yield Loss("style", "warn", f"{where}处的一层排版（{_named(declared)}）被去掉。")


def _styles(ours: Mark, theirs: Mark, where: str) -> Iterator[Loss]:
    if not ours.tag:
        return
    before, after = dict(ours.attributes), dict(theirs.attributes)
    wanted, left = _declared(before.get("style", "")), _declared(after.get("style", ""))
    lost = {name: value for name, value in wanted.items() if name not in left}
    changed = {name: value for name, value in wanted.items() if name in left and left[name] != value}
    if lost:
        yield Loss("style", "warn", f"{where}的样式（{_named(lost)}）被去掉。")
    if changed:
        became = "、".join(f"{STYLES.get(name, name)}变为 {left[name]}" for name in changed)
        yield Loss("style", "warn", f"{where}的样式被改动：{became}。")
    for name in sorted(set(before) - set(after) - UNSEEN - {"style", "src", "data-src", "href"}):
        if name.startswith("on"):
            yield Loss("element", "warn", f"{where}的点击等动作（{name}）被去掉。")


def _squeezed(marks: Iterable[Mark]) -> str:
    """The words alone: where a tag went, the platform may join two texts into one."""
    return "".join("".join(mark.text.split()) for mark in marks if not mark.tag)


def _declared(style: str) -> dict[str, str]:
    found = {}
    # A semicolon inside url(…) ends nothing.
    for part in re.split(r";(?![^(]*\))", style):
        name, colon, value = part.partition(":")
        if colon and value.strip():
            found[name.strip().lower()] = _plain(value)
    return found


def _plain(value: str) -> str:
    text = " ".join(value.lower().replace("!important", "").split()).replace(", ", ",")
    return _ZERO.sub("0", _HEX.sub(_rgb, text))


def _rgb(found: re.Match[str]) -> str:
    digits = found[1] if len(found[1]) == 6 else "".join(one * 2 for one in found[1])
    return f"rgb({int(digits[:2], 16)},{int(digits[2:4], 16)},{int(digits[4:], 16)})"


def _named(declared: Mapping[str, str]) -> str:
    return "、".join(STYLES.get(name, name) for name in declared)


def _address(attributes: Mapping[str, str]) -> str:
    address = attributes.get("src") or attributes.get("data-src") or ""
    # The platform adds its own size and format to a picture's address.
    return re.sub(r"^https?:", "", address.partition("?")[0])


def _marks(html: str) -> list[Mark]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.marks


def _at_most(found: Iterable[Loss]) -> list[Loss]:
    """Each said once, what blocks first; of a kind that fills pages only the first ones and how many more."""
    unique = sorted(dict.fromkeys(found), key=lambda loss: loss.level != "block")
    shown: list[Loss] = []
    for kind in dict.fromkeys(loss.kind for loss in unique):
        same = [loss for loss in unique if loss.kind == kind]
        shown += same[:MOST_PER_KIND]
        if len(same) > MOST_PER_KIND:
            rest = same[MOST_PER_KIND:]
            level = "block" if any(loss.level == "block" for loss in rest) else "warn"
            shown.append(Loss(kind, level, f"还有 {len(rest)} 处同类问题未逐一列出。"))  # type: ignore[arg-type]
    return sorted(shown, key=lambda loss: loss.level != "block")
