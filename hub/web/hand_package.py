"""素材包: everything of a task by hand in one file, with a page that says what goes where."""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO
from urllib.parse import quote

from starlette.responses import StreamingResponse

from channels.base import ACTION_LABELS
from hub.product import Hub
from hub.web.hand_ready import Ready, ReadyPicture, whole
from kernel.errors import NotFound
from scheduler import by_hand
from scheduler.models import Delivery

README = "00-说明.txt"
DONE_HOW = {
    "correct": "请在平台上把旧文字改为新文字",
    "refresh": "请在平台上只改有效性等标注，正文一字不改",
    "withdraw": "请在平台上删除以上内容",
}
IN_MEMORY = 8 * 1024 * 1024
BLOCK = 256 * 1024
# The same task makes the same file, whenever it is made.
STAMP = (1980, 1, 1, 0, 0, 0)
_PICTURE = re.compile(r'\bsrc="/media/([0-9a-f]{64}\.(?:jpg|png))"')
_UNSAFE = re.compile(r'[\\/:*?"<>|\x00-\x1f]+')


def package(hub: Hub, delivery: Delivery, account: str, items: Sequence[Ready]) -> StreamingResponse:
    """The package as a download; raises NotFound when a picture or a file is no longer kept."""
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # Closed when the last block was sent.
    try:
        _write(hub, file, delivery, account, items)
    except FileNotFoundError as missing:
        file.close()
        raise NotFound from missing
    name = quote(f"人工发布-{delivery.id}-{_safe(account)}.zip")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return StreamingResponse(_blocks(file), media_type="application/zip", headers=headers)


def _write(hub: Hub, file: IO[bytes], delivery: Delivery, account: str, items: Sequence[Ready]) -> None:
    with zipfile.ZipFile(file, "w") as made:
        told = [f"人工发布任务 {delivery.id}", f"平台账号：{account}", f"操作：{ACTION_LABELS[delivery.action]}"]
        told += [delivery.reason] if delivery.reason else []
        told += [f"对公众的说明：{delivery.phrase}"] if delivery.phrase else []
        for number, ready in enumerate(items, start=1):
            folder = f"{number:02d}-{_safe(ready.item.title)[:40]}/" if len(items) > 1 else ""
            told += _item(hub, made, folder, ready)
        proof = "网页地址" if by_hand.needs_link(delivery) else "链接，没有链接的上传截图"
        told += ["", f"{DONE_HOW.get(delivery.action, '请原样发布，一字不改')}；完成后在任务页回填{proof}。"]
        _put(made, README, "\n".join(told))


def _item(hub: Hub, made: zipfile.ZipFile, folder: str, ready: Ready) -> list[str]:
    """Writes one item's files; says where each belongs."""
    item = ready.item
    parts = [
        ("01-标题.txt", "标题栏", item.title),
        ("02-摘要.txt", "摘要栏（没有的平台不填）", item.digest),
        ("03-作者.txt", "作者栏（没有的平台不填）", item.author),
        ("04-正文.txt", "正文", ready.words),
        ("05-正文.html", "正文，带版式（平台支持粘贴版式或 HTML 时用）", _packed(hub, ready)),
        (*(("06-网页地址.txt", "现在的网页") if ready.on_site else ("06-原文链接.txt", "原文链接")), item.url),
    ]
    told = ["", f"《{item.title}》"]
    for name, where, text in parts:
        if text:
            _put(made, folder + name, text)
            told.append(f"  {folder}{name}：{where}")
    for number, picture in enumerate(ready.pictures, start=1):
        name = _picture_name(number, picture)
        _put(made, folder + name, hub.blobs.get(picture.sha256))
        described = f"，图片说明：{picture.alt}" if picture.alt else ""
        told.append(f"  {folder}{name}：{'封面' if picture.is_cover else '正文中的图片，按序号插入'}{described}")
    for name, sha256 in ready.files:
        _put(made, f"{folder}附件/{_safe(name)}", hub.blobs.get(sha256))
        told.append(f"  {folder}附件/{_safe(name)}：附件")
    if ready.corrects:
        told.append("  这是更正：请把平台上的旧文字改为上面的新文字，任务页有新旧对照。")
    return told


def _put(made: zipfile.ZipFile, name: str, content: str | bytes) -> None:
    packed = isinstance(content, str)
    about = zipfile.ZipInfo(name, STAMP)
    about.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    made.writestr(about, content)


def _packed(hub: Hub, ready: Ready) -> str:
    """The text with its layout: its pictures are those of the package, everything else has its whole address."""
    names = {picture.name: _picture_name(number, picture) for number, picture in enumerate(ready.pictures, start=1)}
    html = _PICTURE.sub(lambda found: f'src="{names[found[1]]}"' if found[1] in names else found[0], ready.item.html)
    return whole(html, hub.settings.address)


def _picture_name(number: int, picture: ReadyPicture) -> str:
    return f"图片/{number:02d}{'-封面' if picture.is_cover else ''}.{picture.extension}"


def _safe(name: str) -> str:
    """A name that every system takes, and that leaves no folder."""
    return _UNSAFE.sub("_", name).strip(" .") or "未命名"


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while block := file.read(BLOCK):
            yield block
