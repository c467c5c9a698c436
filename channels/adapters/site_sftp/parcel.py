"""What lies on the server for one piece: its page, its pictures and attachments beside it, and an index of all."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any

from channels.adapters import field_maps
from channels.adapters.calling import PLATFORM_ZONE
from channels.base import Post

# Our own names for a map here: those of every map, and what stands beside the page.
OURS: Mapping[str, str] = {
    **field_maps.OURS,
    "file": "正文文件名",
    "files": "图片和附件的文件名，逗号隔开",
    "version": "第几版",
}
DEFAULT_MAP = (
    "id=piece", "action=act", "title=title", "summary=digest", "channel=column", "publishTime=published_at",
    "source=source", "author=author", "file=file", "files=files",
)  # fmt: skip
DEFAULT_NAME = "{date}/{piece}"
_PART = re.compile(r"[A-Za-z0-9_][\w.-]*", re.ASCII)
_MEDIA = re.compile(r"/media/([0-9a-f]{64})\.(jpg|png)")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")


@dataclass(frozen=True)
class Names:
    """Where the files of a piece stand: the path without any ending, and which version this is."""

    stem: str
    version: int = 1

    def __call__(self, ending: str) -> str:
        mark = f"_v{self.version}" if self.version > 1 else ""
        return f"{self.stem}{mark}{ending}"


def names(folder: str, pattern: str, post: Post, at: datetime) -> Names:
    """The names of a piece that was not sent before."""
    return Names(posixpath.join(f"/{folder.strip('/')}", filled(pattern or DEFAULT_NAME, post, at)))


def filled(pattern: str, post: Post, at: datetime, write: Callable[[str], str] = str) -> str:
    """A pattern of a name or an address with what it says of the piece: the same in both."""
    item = post.items[0]
    column = str((item.content.get("column") or {}).get("slug", "")) or "0"
    said = {"piece": str(item.piece_id), "column": column, "date": f"{at.astimezone(PLATFORM_ZONE):%Y%m%d}"}
    for name, value in said.items():
        pattern = pattern.replace(f"{{{name}}}", write(value))
    return pattern


def fault_of(pattern: str) -> str:
    """What is wrong with a pattern for names, in plain words; '' when nothing is."""
    sample = pattern
    for name in ("piece", "column", "date"):
        sample = sample.replace(f"{{{name}}}", "x")
    if not all(_PART.fullmatch(part) for part in sample.split("/")):
        return "文件名样式只能由字母、数字、“_ - .”和 {piece}、{column}、{date} 组成，用“/”分目录，如 {date}/{piece}。"
    return "" if "{piece}" in pattern else "文件名样式里必须有 {piece}，否则不同的稿件会互相覆盖。"


@dataclass(frozen=True)
class Parcel:
    """The files in the order they are sent, the last one being what the platform acts on."""

    files: Mapping[str, bytes]
    page: str


def pack(
    post: Post, where: Names, at: datetime, settings: Mapping[str, Any], get: Callable[[str], bytes], site: str
) -> Parcel:
    """All files of the first item; `get` gives a picture or attachment by SHA-256, `site` is our own address."""
    body, beside = _beside(post, where, get)
    page = where(".html")
    body = body.replace('href="/', f'href="{site}/')
    files = {**beside, page: _page(post.items[0].title, body)}
    more = {
        "file": posixpath.basename(page),
        "files": ",".join(posixpath.basename(name) for name in beside),
        "version": str(where.version),
    }
    ending = index_ending(settings)
    if ending:
        files[where(ending)] = index(post, at, settings, body, site, more)
    return Parcel(files, page)


def index_ending(settings: Mapping[str, Any]) -> str:
    """What the index is called; '' where the platform wants none."""
    said = str(settings.get("index") or "xml")
    return "" if said == "none" else f".{said}"


def index(
    post: Post, at: datetime, settings: Mapping[str, Any], body: str, site: str, more: Mapping[str, str]
) -> bytes:
    """The file that says what the others are, in the platform's own names."""
    columns = dict(field_maps.pairs(settings.get("columns")))
    made = field_maps.filled(
        field_maps.pairs(settings.get("fields") or DEFAULT_MAP),
        field_maps.pairs(settings.get("constants")),
        {**field_maps.values(post, columns, body, at, site), "version": "1", "file": "", "files": "", **more},
    )
    if index_ending(settings) == ".json":
        return json.dumps(made, ensure_ascii=False, indent=1).encode() + b"\n"
    return field_maps.as_xml(made)


def next_version(where: Names) -> Names:
    """The names of the version after this one."""
    return replace(where, version=where.version + 1)


def _beside(post: Post, where: Names, get: Callable[[str], bytes]) -> tuple[str, dict[str, bytes]]:
    item = post.items[0]
    files: dict[str, bytes] = {}
    given: dict[str, str] = {}

    def beside(found: re.Match[str]) -> str:
        sha256, suffix = found[1], found[2]
        if sha256 not in given:
            given[sha256] = where(f"-{len(given) + 1}.{suffix}")
            files[given[sha256]] = get(sha256)
        return posixpath.basename(given[sha256])

    body = _MEDIA.sub(beside, item.html)
    for number, file in enumerate(item.content.get("attachments") or (), start=1):
        suffix = posixpath.splitext(str(file.get("name") or file["href"]))[1].lower()
        path = where(f"-a{number}{suffix if _SUFFIX.fullmatch(suffix) else ''}")
        files[path] = get(str(file["sha256"]))
        body = body.replace(f'"{escape(str(file["href"]))}"', f'"{posixpath.basename(path)}"')
    return body, files


def _page(title: str, body: str) -> bytes:
    head = f'<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8"><title>{escape(title)}</title></head>\n'
    return f"{head}<body>\n{body}\n</body>\n</html>\n".encode()
