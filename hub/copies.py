"""One citizen's data as one file: what programs read, what people read, and the media that are kept here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from bot.citizen_files.checking import ENDINGS
from bot.personal import copying
from bot.personal.subject import Subject
from hub.product import Hub
from kernel.work import Work


def copy_of(hub: Hub, work: Work, subject: Subject) -> bytes:
    """The file; it is made anew each time and kept nowhere."""
    data = {"made_at": work.now.isoformat(timespec="seconds"), **copying.gather(work.session, subject)}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("个人信息.json", json.dumps(data, ensure_ascii=False, indent=2))
        made.writestr("个人信息.html", hub.pages.render("pages/citizens/copy.html", "zh", data=data))
        for name, sha256 in dict.fromkeys(_kept(data)):
            path = hub.blobs.path(sha256)
            if path.exists():
                made.write(path, f"media/{name}")
    return file.getvalue()


def _kept(data: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The media that are kept here by their digest; of others only the platform's own name is known."""
    for account in data["accounts"]:
        for conversation in account["conversations"]:
            for line in conversation["lines"]:
                digest = str(line["media"].get("sha256", ""))
                if len(digest) == 64:
                    suffix = ENDINGS.get(str(line["media"].get("media_type", "")), "bin")
                    yield f"{digest}.{suffix}", digest
