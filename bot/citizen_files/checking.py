"""What a citizen's file really is, judged by its bytes: pictures are drawn anew, sound and film must be what they say.

Nothing of this opens a transaction; drawing a picture anew takes a moment and memory, so few are drawn at once.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from content.errors import NotAPicture
from content.pictures import normalise
from kernel.errors import Invalid

PICTURE, VOICE, VIDEO = "image", "voice", "video"
KINDS = {"image": PICTURE, "voice": VOICE, "video": VIDEO, "shortvideo": VIDEO}
ENDINGS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "audio/amr": "amr",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-speex": "speex",
    "video/mp4": "mp4",
}
# What browsers play by themselves; the rest is downloaded.
PLAYED = frozenset({"audio/mpeg", "audio/wav", "video/mp4"})
# What a page of ours takes.
_UPLOADED = ((b"\xff\xd8\xff", 0), (b"\x89PNG\r\n\x1a\n", 0), (b"WEBP", 8))
_DRAWING = threading.BoundedSemaphore(2)


class NotWhatItSays(Invalid):
    """A citizen's file is not kept: {why}"""

    zh = "{why}"


@dataclass(frozen=True)
class Checked:
    """A file that may be kept and shown."""

    data: bytes
    media_type: str


def check(kind: str, data: bytes) -> Checked:
    """The file as it may be kept; raises NotWhatItSays for what is none of its kind."""
    if kind == PICTURE:
        return _drawn(data)
    media_type = (_sound if kind == VOICE else _film)(data)
    if not media_type:
        raise NotWhatItSays(field="file", why=f"文件内容不是{'语音' if kind == VOICE else '视频'}，没有保留。")
    return Checked(data, media_type)


def check_upload(data: bytes, most_megabytes: float) -> Checked:
    """A picture sent on a page of ours: JPEG, PNG or WebP, within the office's limit."""
    if not data:
        raise NotWhatItSays(field="file", why="没有收到图片，请重新选择。")
    if len(data) > most_megabytes * 1_000_000:
        raise NotWhatItSays(field="file", why=f"图片超过 {most_megabytes:g} MB，请压缩或截图后再发。")
    if not any(data[at : at + len(start)] == start for start, at in _UPLOADED):
        raise NotWhatItSays(field="file", why="只能发送 JPG、PNG 或 WebP 图片。")
    return _drawn(data)


def _drawn(data: bytes) -> Checked:
    try:
        with _DRAWING:
            picture = normalise(data, "图片")
    except NotAPicture as error:
        raise NotWhatItSays(field="file", why="文件内容不是可以显示的图片，没有保留。") from error
    # A mark of its own behind the picture's end: bytes that nobody else keeps too can be forgotten with it.
    return Checked(picture.data + secrets.token_bytes(16), picture.media_type)


def _sound(data: bytes) -> str:
    if data.startswith(b"#!AMR"):
        return "audio/amr"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data.startswith(b"ID3") or (data[:1] == b"\xff" and data[1:2] in (b"\xfb", b"\xf3", b"\xf2")):
        return "audio/mpeg"
    return "audio/x-speex" if data.startswith(b"Speex") or data[28:36] == b"Speex   " else ""


def _film(data: bytes) -> str:
    return "video/mp4" if data[4:8] == b"ftyp" else ""
