"""What a platform calls our fields: maps as an account states them, bodies made by them, answers read by them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from channels.adapters.calling import PLATFORM_ZONE
from channels.base import Item, Post, Problem

# Our own names that a map may use, with what they are called in the form.
OURS: Mapping[str, str] = {
    "key": "本次任务编号（重复时不变）",
    "piece": "稿件编号",
    "id": "对方稿件编号（更正、撤稿时）",
    "title": "标题",
    "digest": "摘要",
    "body": "正文（HTML）",
    "attachments": "附件（每行一个：名称、空格、网址）",
    "column": "栏目（按栏目对照表换成对方的编号）",
    "kind": "类别",
    "unit": "发布机构",
    "source": "来源",
    "author": "作者",
    "editor": "责任编辑",
    "keywords": "关键词",
    "number": "发文字号",
    "published_at": "发布时间",
    "act": "操作（publish、correct、withdraw）",
    "phrase": "撤稿说明",
}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*", re.ASCII)


def pairs(lines: Sequence[str] | None) -> list[tuple[str, str]]:
    """Lines of `theirs=ours` as pairs; what is no pair is left out, `faults` tells of it."""
    split = (str(line).partition("=") for line in lines or ())
    return [(theirs.strip(), ours.strip()) for theirs, sign, ours in split if sign and theirs.strip()]


def faults(lines: Sequence[str] | None, label: str, known: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with the lines of a map, in plain words."""
    found = []
    for line in lines or ():
        theirs, sign, ours = (part.strip() for part in str(line).partition("="))
        if not sign or not _NAME.fullmatch(theirs):
            found.append(f"{label}“{line}”应写成“对方字段=内容”，对方字段由字母、数字、下划线和点组成。")
        elif known is not None and ours not in known:
            found.append(f"{label}“{line}”里的“{ours}”不是本系统的字段，可用：{'、'.join(known)}。")
    return found


def account_problems(settings: Mapping[str, Any], post: Post, known: Mapping[str, str] = OURS) -> list[Problem]:
    """What is wrong with an account's own maps, and the columns of a post for which the platform has no number."""
    told = [*faults(settings.get("fields"), "字段对照", known), *faults(settings.get("constants"), "固定值")]
    problems = [Problem("account", fault) for fault in told]
    columns = dict(pairs(settings.get("columns")))
    for item in post.items:
        column = item.content.get("column") or {}
        if columns and column.get("slug") not in columns:
            problems.append(Problem("account", f"栏目“{column.get('name')}”没有对方的编号，请先补全栏目对照。"))
    return problems


def values(post: Post, columns: Mapping[str, str], body: str, at: datetime, site: str) -> dict[str, str]:
    """Our side of every map for the first item of a post; `body` as it leaves, `at` its date, `site` our address."""
    item: Item = post.items[0]
    content = item.content
    column: Mapping[str, str] = content.get("column") or {}
    return {
        "key": post.key,
        "piece": str(item.piece_id),
        "title": item.title,
        "digest": item.digest,
        "body": body,
        "attachments": attachments(item, site),
        "column": columns.get(column.get("slug", ""), column.get("slug", "")),
        "kind": str(content.get("kind", "")),
        "unit": str(content.get("unit", "")),
        "source": str(content.get("source_name") or content.get("unit", "")),
        "author": item.author,
        "editor": str(content.get("editor", "")),
        "keywords": str(content.get("keywords", "")),
        "number": str((content.get("fields") or {}).get("document_number") or ""),
        "published_at": f"{at.astimezone(PLATFORM_ZONE):%Y-%m-%d %H:%M:%S}",
        "act": post.action,
        "phrase": post.phrase,
    }


def attachments(item: Item, site: str) -> str:
    """The attachments of an item, a line each: name and whole address."""
    return "\n".join(
        f"{file['name']} {site}{quote(str(file['href']))}" for file in item.content.get("attachments") or ()
    )


def filled(mapped: Sequence[tuple[str, str]], constants: Sequence[tuple[str, str]], ours: Mapping[str, str]) -> Any:
    """The platform's own object: our values under its names, points in a name making objects in objects."""
    made: dict[str, Any] = {}
    for theirs, value in [*constants, *((theirs, ours.get(name, "")) for theirs, name in mapped)]:
        *outer, last = theirs.split(".")
        place = made
        for name in outer:
            inner = place.setdefault(name, {})
            place = inner if isinstance(inner, dict) else place
        place[last] = value
    return made


def encoded(made: Mapping[str, Any], form: bool) -> tuple[bytes, str]:
    """The body of a request and its type; in a form, objects in objects are names with points."""
    if form:
        return urlencode(list(_flat(made))).encode(), "application/x-www-form-urlencoded"
    return json.dumps(made, ensure_ascii=False).encode(), "application/json; charset=utf-8"


def as_xml(made: Mapping[str, Any], root: str = "article") -> bytes:
    """The object as XML, names as elements."""
    top = ElementTree.Element(root)
    _grow(top, made)
    ElementTree.indent(top)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(top, encoding="unicode").encode() + b"\n"


def _grow(parent: ElementTree.Element, made: Mapping[str, Any]) -> None:
    for name, value in made.items():
        child = ElementTree.SubElement(parent, name)
        if isinstance(value, Mapping):
            _grow(child, value)
        else:
            # What XML cannot hold, such as a form feed out of a pasted text, would make the whole file unreadable.
            child.text = _NOT_XML.sub("", str(value))


def found_at(told: Any, path: str) -> str:
    """The value at a path of names and numbers (`data.list.0.id`); '' where there is none."""
    for step in path.split(".") if path else ():
        if isinstance(told, Mapping):
            told = told.get(step)
        elif isinstance(told, list) and step.isdecimal() and int(step) < len(told):
            told = told[int(step)]
        else:
            return ""
    return str(told) if isinstance(told, str | int | float) and not isinstance(told, bool) else ""


def listed(told: Any, path: str) -> list[Any] | None:
    """The articles of an answer that is a list where one was expected; [] when it says that there are none.

    None where it says neither: `path` is where the number of a single one would stand.
    """
    above: Any = told
    for step in path.split(".")[:-1]:
        if not isinstance(above, Mapping) or step not in above:
            return None
        above = above[step]
    if above is None and "." in path:
        return []
    if isinstance(above, list):
        return above
    if isinstance(above, Mapping):
        return next((one for one in above.values() if isinstance(one, list)), None)
    return None


def holds(told: Any, condition: str) -> bool:
    """Whether an answer means yes: `code=0` or `code=0|200`; without a condition every 2xx does."""
    path, sign, wanted = condition.partition("=")
    if not sign:
        return True
    value: Any = told
    for step in path.strip().split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return said in {one.strip() for one in wanted.split("|")}


def _flat(made: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found = []
    for name, value in made.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((f"{before}{name}", str(value)))
    return found
