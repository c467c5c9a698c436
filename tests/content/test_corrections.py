"""What a correction is said to have changed: what a reader sees, part by part, and no reason."""

from __future__ import annotations

from typing import Any

import pytest

from content.corrections import changed

BEFORE: dict[str, Any] = {
    "kind": "policy", "title": "办法", "body": "<p>一</p>", "fields": {"index_number": "1", "validity": "in_force"},
    "cover": "", "pictures": {}, "attachments": [], "source_name": "", "keywords": "", "editor": "",
    "variants": {"portal": {"title": "办法", "html": "<p>一</p>"}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, []),
        ({"keywords": "养犬", "editor": "王敏"}, []),
        ({"variants": {"portal": {"title": "新办法", "html": "<p>一</p>"}}}, ["标题"]),
        ({"variants": {"portal": {"title": "办法", "html": "<p>二</p>"}}}, ["正文"]),
        ({"variants": {"portal": {"title": "办法", "html": "<h2>一</h2>"}}}, []),
        ({"variants": {"portal": {"title": "办法", "html": "<p>一</p>"}, "wechat": {"html": "<p>二</p>"}}}, []),
        ({"cover": "a"}, ["图片"]),
        ({"pictures": {"a": {"alt": "桥"}}}, ["图片"]),
        ({"attachments": [{"name": "表.docx", "sha256": "a"}]}, ["附件"]),
        ({"source_name": "新华社"}, ["来源"]),
        ({"fields": {"index_number": "2", "validity": "repealed"}}, ["索引号", "有效性"]),
        ({"variants": {}, "title": "新办法"}, ["标题"]),
    ],
)
def test_what_changed(now: dict[str, Any], told: list[str]) -> None:
    assert changed(BEFORE, {**BEFORE, **now}, "portal") == told
