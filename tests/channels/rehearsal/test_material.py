"""Pictures and files: judged by their bytes and their size, each limit at it and one beyond."""

from __future__ import annotations

import json

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import SERVICE_APPID, SERVICE_SECRET, Rehearsal, WeChat, png, serving

JPG = b"\xff\xd8\xff\xe0" + bytes(60)
GIF = b"GIF89a" + bytes(60)
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(60)
MP3 = b"ID3" + bytes(60)


def test_a_picture_for_a_body_is_served_back(rehearsal: Rehearsal, wechat: WeChat) -> None:
    content = png(5000)
    url = wechat.upload("media/uploadimg", content)["url"]
    assert url.startswith(f"{rehearsal.url}/wechat/mmbiz/")
    answer = rehearsal.http.get(url)
    assert (answer.content, answer.headers["content-type"]) == (content, "image/png")
    assert wechat.raw("cgi-bin/material/get_materialcount")["image_count"] == 0


def test_a_picture_for_a_body_is_under_one_megabyte(wechat: WeChat) -> None:
    assert "url" in wechat.upload("media/uploadimg", png(999_999))
    assert wechat.upload("media/uploadimg", png(1_000_000))["errcode"] == 40009


@pytest.mark.parametrize("content", [GIF, MP4, b"<svg/>", b"BM" + bytes(60)])
def test_only_jpg_and_png_bytes_are_taken_for_a_body(wechat: WeChat, content: bytes) -> None:
    assert wechat.upload("media/uploadimg", content)["errcode"] == 40005


def test_a_missing_file_is_refused(wechat: WeChat) -> None:
    assert wechat.raw("cgi-bin/media/uploadimg", {"media": "x"})["errcode"] == 41005
    assert wechat.upload("media/uploadimg", b"")["errcode"] == 41005


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [
        ("image", GIF, 0),
        ("image", MP4, 40005),
        ("voice", MP3, 0),
        ("voice", JPG, 40005),
        ("thumb", JPG, 0),
        ("thumb", png(), 40005),
        ("news", JPG, 40004),
        ("", JPG, 40004),
    ],
)
def test_permanent_material_takes_the_formats_of_its_kind(wechat: WeChat, kind: str, content: bytes, code: int) -> None:
    assert wechat.upload("material/add_material", content, type=kind).get("errcode", 0) == code


def test_sizes_of_material_at_the_limit_and_one_beyond(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(image_bytes=200, voice_bytes=63, thumb_bytes=64, video_bytes=72)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()

        def code(kind: str, content: bytes, path: str = "material/add_material") -> int:
            about = json.dumps({"title": "t", "introduction": "i"})
            return wechat.upload(path, content, type=kind, description=about).get("errcode", 0)

        assert (code("image", png(200)), code("image", png(201))) == (0, 40009)
        assert (code("voice", MP3), code("voice", MP3 + b"x")) == (0, 45001)
        assert (code("thumb", JPG), code("thumb", JPG + b"x")) == (0, 40009)
        assert (code("video", MP4), code("video", MP4 + b"x")) == (0, 45001)
        assert (code("image", png(200), "media/upload"), code("image", png(201), "media/upload")) == (0, 45001)


def test_the_library_is_full_at_its_limit(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(library_images=2, library_others=1)
    with serving(config) as rehearsal:
        wechat = rehearsal.wechat()
        images = [wechat.upload("material/add_material", png(), type="image").get("errcode") for _ in range(3)]
        voices = [wechat.upload("material/add_material", MP3, type="voice").get("errcode") for _ in range(2)]
        assert (images, voices) == ([None, None, 45009], [None, 45009])


def test_material_is_got_listed_counted_and_deleted(wechat: WeChat) -> None:
    content = png(400)
    first = wechat.upload("material/add_material", content, type="image")["media_id"]
    second = wechat.upload("material/add_material", JPG, type="image")["media_id"]
    counted = wechat.raw("cgi-bin/material/get_materialcount")
    assert counted == {"voice_count": 0, "video_count": 0, "image_count": 2, "news_count": 0}
    listed = wechat("material/batchget_material", type="image", offset=0, count=1)
    assert (listed["total_count"], listed["item_count"], listed["item"][0]["media_id"]) == (2, 1, second)
    raw = wechat.rehearsal.http.post(
        "/wechat/cgi-bin/material/get_material",
        params={"access_token": wechat.token},
        content=json.dumps({"media_id": first}),
    )
    assert raw.content == content
    assert wechat.code("material/del_material", media_id=first) == 0
    assert wechat.code("material/get_material", media_id=first) == 40007
    assert wechat.code("material/del_material", media_id="") == 41006


@pytest.mark.parametrize(("count", "code"), [(1, 0), (20, 0), (0, 40097), (21, 40097)])
def test_a_page_of_material_holds_one_to_twenty(wechat: WeChat, count: int, code: int) -> None:
    assert wechat.code("material/batchget_material", type="image", offset=0, count=count) == code


def test_a_video_has_a_description_or_is_refused(wechat: WeChat) -> None:
    assert wechat.upload("material/add_material", MP4, type="video")["errcode"] == 47001
    about = json.dumps({"title": "防汛", "introduction": "三分钟"})
    media = wechat.upload("material/add_material", MP4, type="video", description=about)["media_id"]
    assert wechat("material/get_material", media_id=media)["title"] == "防汛"


def test_temporary_media_end_after_three_days_and_are_no_cover(rehearsal: Rehearsal, wechat: WeChat) -> None:
    media = wechat.upload("media/upload", png(), type="image")["media_id"]
    assert "thumb_media_id" in wechat.upload("media/upload", JPG, type="thumb")
    assert wechat.code("draft/add", articles=[wechat.article(thumb_media_id=media)]) == 40007
    query = {"media_id": media}
    got = rehearsal.http.get("/wechat/cgi-bin/media/get", params=query | {"access_token": wechat.token})
    assert got.headers["content-type"] == "image/png"
    rehearsal.step(3 * 24 * 3600)
    assert rehearsal.wechat().raw("cgi-bin/media/get", params=query)["errcode"] == 40007


def test_another_accounts_material_is_unknown(rehearsal: Rehearsal, wechat: WeChat) -> None:
    other = rehearsal.wechat(SERVICE_APPID, SERVICE_SECRET)
    assert wechat.code("draft/add", articles=[wechat.article(thumb_media_id=other.thumb())]) == 40007
