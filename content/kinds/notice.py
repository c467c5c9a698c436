"""通知公告: a notice."""

from __future__ import annotations

from content.kinds.base import FieldSpec, Kind

KIND = Kind(
    name="notice",
    label="通知公告",
    position=10,
    fields=(
        FieldSpec("document_number", "发文字号", help="没有文号的通知可不填"),
        FieldSpec("issued_on", "成文日期", "date"),
    ),
)
