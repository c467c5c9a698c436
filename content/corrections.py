"""更正说明: what a correction changed, in words that everybody may read; why it was corrected is nowhere among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from content.kinds import kind_of
from content.sanitise import plain

Content = Mapping[str, Any]


def changed(before: Content, after: Content, channel: str) -> Sequence[str]:
    """The parts that a reader of this channel sees otherwise, by the names that the console has for them."""
    parts = [label for label, read in _PARTS if read(before, channel) != read(after, channel)]
    specs = {spec.name: spec.label for content in (before, after) for spec in kind_of(content["kind"]).fields}
    said_before, said_now = (kind_of(one["kind"]).plain_elements(one["fields"]) for one in (before, after))
    return [*parts, *(label for name, label in specs.items() if said_before.get(name) != said_now.get(name))]


def _title(content: Content, channel: str) -> Any:
    return _variant(content, channel).get("title", content["title"])


def _text(content: Content, channel: str) -> Any:
    shown = str(_variant(content, channel).get("html", content["body"]))
    return plain(shown).split()


def _pictures(content: Content, _channel: str) -> Any:
    return content["cover"], sorted((name, one["alt"]) for name, one in content.get("pictures", {}).items())


def _files(content: Content, _channel: str) -> Any:
    return [(file["name"], file["sha256"]) for file in content["attachments"]]


def _variant(content: Content, channel: str) -> Content:
    found: Content = content["variants"].get(channel) or {}
    return found


_PARTS = (
    ("标题", _title),
    ("正文", _text),
    ("图片", _pictures),
    ("附件", _files),
    ("来源", lambda content, _channel: content["source_name"]),
)
