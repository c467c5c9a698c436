"""视频: a film kept as an attachment, with its text version, which is what search, the bot and many readers have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from content.captions import is_captions
from content.kinds.base import Fault, FieldSpec, Kind, recording_view
from templates.views import PortalItem

FILMS = (".mp4", ".webm")
WITHOUT_FILE = (("open", "画面中已有字幕"), ("silent", "无对白"))


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalItem:
    item = recording_view(base, fields, FILMS)
    track = next((file for file in item.files if is_captions(file.name)), None)
    if not item.video or track is None:
        return item
    return replace(item, captions=track.href, files=[file for file in item.files if file is not track])


def _lint_files(fields: Mapping[str, Any], files: Sequence[str]) -> list[Fault]:
    # Who cannot hear does not get the film by its text alone: captions are due at level A (WCAG 2.1, 1.2.2).
    film = any(name.lower().endswith(FILMS) for name in files)
    if not film or fields.get("captions") or any(is_captions(name) for name in files):
        return []
    message = "影片没有字幕，请在附件中上传字幕文件（.vtt 或 .srt）；画面中已有字幕或影片无对白的，请在“字幕”里选明。"
    return [Fault("captions", "block", message)]


KIND = Kind(
    name="video",
    label="视频",
    position=80,
    fields=(
        FieldSpec("transcript", "文字稿", "textarea", required=True, limit=20000, help="视频内容的文字版，须完整"),
        FieldSpec(
            "captions",
            "字幕",
            "choice",
            choices=WITHOUT_FILE,
            help="附了字幕文件（.vtt 或 .srt）的不用选；都没有的不能送审",
        ),
        FieldSpec("duration", "时长", limit=20, help="如 3 分 20 秒"),
    ),
    needs_body=False,
    lint_files=_lint_files,
    view=_view,
)
