"""Pictures and other files: uploadimg, permanent material and temporary media, judged by their bytes."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from channels.rehearsal.media import CONTENT_TYPES, sniff
from channels.rehearsal.wechat.call import OK, Api, Call, Upload
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Material, media_id

TEMPORARY_SECONDS = 3 * 24 * 3600
FORMS = {
    "image": {"bmp", "png", "jpg", "gif"},
    "voice": {"mp3", "wma", "wav", "amr"},
    "video": {"mp4"},
    "thumb": {"jpg"},
}


async def upload_image(call: Call) -> dict[str, Any]:
    """media/uploadimg: a picture for article bodies; jpg and png only, under 1 MB, not counted in the library."""
    upload = _upload(call)
    form = sniff(upload.content)
    if form not in ("jpg", "png"):
        raise Refusal(40005)
    if len(upload.content) >= call.rules.uploadimg_bytes:
        raise Refusal(40009)
    key = call.world.blobs.put(upload.content)
    call.record("picture", key=key, bytes=len(upload.content), path=picture_path(key, form))
    return {"url": call.base + picture_path(key, form)}


async def add_material(call: Call) -> dict[str, Any]:
    """material/add_material: permanent material; pictures answer their address as well."""
    material = _received(call, permanent=True)
    state = call.state
    images = sum(m.kind == "image" for m in state.materials.values())
    full = images >= call.rules.library_images if material.kind == "image" else False
    others = sum(m.kind == material.kind for m in state.materials.values())
    if full or (material.kind != "image" and others >= call.rules.library_others):
        raise Refusal(45009)
    if material.kind == "video":
        _describe(call, material)
    state.materials[material.media_id] = material
    call.record("material", media_id=material.media_id, type=material.kind, key=material.key)
    answer: dict[str, Any] = {"media_id": material.media_id}
    if material.kind in ("image", "thumb"):
        answer["url"] = call.base + picture_path(material.key, material.form)
    return answer


async def upload_media(call: Call) -> dict[str, Any]:
    """media/upload: temporary media, kept three days."""
    material = _received(call, permanent=False)
    material.ends = call.now + TEMPORARY_SECONDS
    call.state.temporary[material.media_id] = material
    name = "thumb_media_id" if material.kind == "thumb" else "media_id"
    return {"type": material.kind, name: material.media_id, "created_at": int(call.now)}


async def get_media(call: Call) -> Response | dict[str, Any]:
    """media/get: the bytes of temporary media, of a video its address; 40007 once its three days are over."""
    material = call.state.temporary.get(call.query.get("media_id", ""))
    if material is None or material.ends <= call.now:
        raise Refusal(40007)
    if material.kind == "video":
        return {"video_url": call.base + picture_path(material.key, material.form)}
    return _file(call, material)


async def get_material(call: Call) -> Response | dict[str, Any]:
    """material/get_material: the bytes, or for a video its title, description and address."""
    material = _permanent(call)
    if material.kind == "video":
        return {
            "title": material.title,
            "description": material.introduction,
            "down_url": call.base + picture_path(material.key, material.form),
        }
    return _file(call, material)


async def delete_material(call: Call) -> dict[str, Any]:
    """material/del_material."""
    del call.state.materials[_permanent(call).media_id]
    return OK


async def count_material(call: Call) -> dict[str, Any]:
    """material/get_materialcount; news is always 0 since drafts took their place."""
    kinds = [material.kind for material in call.state.materials.values()]
    return {f"{kind}_count": kinds.count(kind) for kind in ("voice", "video", "image")} | {"news_count": 0}


async def list_material(call: Call) -> dict[str, Any]:
    """material/batchget_material: newest first, 1 to 20 a page."""
    kind = call.text("type")
    if kind not in ("image", "voice", "video", "news"):
        raise Refusal(40004)
    offset, count = call.page()
    found = [material for material in call.state.materials.values() if material.kind == kind]
    found.reverse()
    items = [
        {
            "media_id": material.media_id,
            "name": material.name,
            "update_time": int(material.created),
            "url": call.base + picture_path(material.key, material.form),
        }
        for material in found[offset : offset + count]
    ]
    return {"total_count": len(found), "item_count": len(items), "item": items}


def picture_path(key: str, form: str) -> str:
    """Where an uploaded file is shown, in the look of WeChat's picture host."""
    return f"/wechat/mmbiz/{key}/0?wx_fmt={form}"


def usable(call: Call, wanted: str, *kinds: str) -> Material:
    """Permanent or still living temporary media of one of `kinds`; 40007 otherwise."""
    material = call.state.materials.get(wanted) or call.state.temporary.get(wanted)
    if material is None or material.kind not in kinds or (material.ends and material.ends <= call.now):
        raise Refusal(40007)
    return material


def _upload(call: Call) -> Upload:
    if call.upload is None or not call.upload.content:
        raise Refusal(41005)
    return call.upload


def _received(call: Call, permanent: bool) -> Material:
    upload = _upload(call)
    kind = call.query.get("type") or call.form.get("type", "")
    if kind not in FORMS:
        raise Refusal(40004)
    form = sniff(upload.content)
    if form not in FORMS[kind]:
        raise Refusal(40005)
    if len(upload.content) > _limit(call, kind):
        raise Refusal(call.rules.picture_size_code if kind in ("image", "thumb") and permanent else 45001)
    key = call.world.blobs.put(upload.content)
    return Material(media_id=media_id(), kind=kind, key=key, form=form, name=upload.name, created=call.now)


def _limit(call: Call, kind: str) -> int:
    rules = call.rules
    limits = {
        "image": rules.image_bytes,
        "voice": rules.voice_bytes,
        "video": rules.video_bytes,
        "thumb": rules.thumb_bytes,
    }
    return limits[kind]


def _describe(call: Call, material: Material) -> None:
    try:
        description = json.loads(call.form.get("description") or call.query.get("description") or "")
        material.title, material.introduction = description["title"], description["introduction"]
    except (ValueError, KeyError, TypeError):
        raise Refusal(47001) from None


def _permanent(call: Call) -> Material:
    wanted = call.text("media_id")
    if not wanted:
        raise Refusal(41006)
    material = call.state.materials.get(wanted)
    if material is None:
        raise Refusal(40007)
    return material


def _file(call: Call, material: Material) -> Response:
    content = call.world.blobs.get(material.key)
    if content is None:
        raise Refusal(40007)
    headers = {"Content-Disposition": f'attachment; filename="{material.media_id[:20]}.{material.form}"'}
    return Response(content, media_type=CONTENT_TYPES[material.form], headers=headers)


APIS = {
    "cgi-bin/media/uploadimg": Api(upload_image, upload=True),
    "cgi-bin/media/upload": Api(upload_media, upload=True),
    "cgi-bin/media/get": Api(get_media, method="GET"),
    "cgi-bin/material/add_material": Api(add_material, upload=True),
    "cgi-bin/material/get_material": Api(get_material),
    "cgi-bin/material/del_material": Api(delete_material),
    "cgi-bin/material/get_materialcount": Api(count_material, method="ANY", body=False),
    "cgi-bin/material/batchget_material": Api(list_material),
}
