"""视频: a film kept as an attachment, with its text version, which is what search, the bot and many readers have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from content.kinds.base import FieldSpec, Kind, recording_view
from templates.views import PortalItem


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalItem:
    return recording_view(base, fields, (".mp4", ".webm"))


KIND = Kind(
    name="video",
    label="视频",
    position=80,
    fields=(
        FieldSpec("transcript", "文字稿", "textarea", required=True, limit=20000, help="视频内容的文字版，须完整"),
        FieldSpec("duration", "时长", limit=20, help="如 3 分 20 秒"),
    ),
    needs_body=False,
    view=_view,
)
