"""The same doors used through wechatpy, a client somebody else wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from wechatpy.exceptions import WeChatClientException

from tests.channels.independent import named, wechatpy_on
from tests.channels.rehearsal.served import APPID, CITIZEN, Rehearsal, png


@pytest.fixture
def client(rehearsal: Rehearsal) -> Iterator[Any]:
    """wechatpy turned to the rehearsal."""
    with wechatpy_on(rehearsal) as client:
        yield client


@pytest.fixture
def article(client: Any) -> dict[str, Any]:
    """An article whose picture went through uploadimg and whose cover is permanent material."""
    cover = client.material.add("image", named(png(300)))["media_id"]
    picture = client.media.upload_image(named(png(400)))
    content = f'<p>请注意安全。</p><img src="{picture}">'
    return {"title": "防汛提醒", "content": content, "thumb_media_id": cover, "digest": "今晚有暴雨"}


def test_drafting_and_publishing(rehearsal: Rehearsal, client: Any, article: dict[str, Any]) -> None:
    media = client.draft.add([article])["media_id"]
    kept = client.draft.get(media)["news_item"][0]
    assert (kept["title"], kept["content"]) == ("防汛提醒", article["content"])
    assert client.draft.count() == {"total_count": 1}
    published = client.freepublish.submit(media)
    rehearsal.wait_for("publish")
    state = client.freepublish.get(published["publish_id"])
    assert state["publish_status"] == 0
    assert client.freepublish.getarticle(state["article_id"])["news_item"][0]["title"] == "防汛提醒"
    assert client.freepublish.batchget(0, 20)["total_count"] == 1
    assert client.freepublish.delete(state["article_id"])["errcode"] == 0


def test_mass_sending(rehearsal: Rehearsal, client: Any, article: dict[str, Any]) -> None:
    media = client.draft.add([article])["media_id"]
    sent = client.message.send_mass_article(media, is_to_all=True, client_msg_id="delivery-1")
    rehearsal.wait_for("mass_send")
    assert client.message.get_mass(sent["msg_id"])["msg_status"] == "SEND_SUCCESS"
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_mass_text("再发一次", is_to_all=True)
    assert refused.value.errcode == 45028


def test_customer_service_and_people(rehearsal: Rehearsal, client: Any) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.message.send_text(CITIZEN, "您好")
    assert refused.value.errcode == 45015
    rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, content="在吗")
    assert client.message.send_text(CITIZEN, "您好")["errcode"] == 0
    assert client.user.get_followers()["total"] == 3
    assert client.user.get(CITIZEN)["subscribe"] == 1


def test_menus_and_material(client: Any) -> None:
    client.menu.create({"button": [{"type": "click", "name": "办事", "key": "guide"}]})
    assert client.menu.get()["menu"]["button"][0]["key"] == "guide"
    media = client.material.add("image", named(png(300)))["media_id"]
    assert client.material.get_count()["image_count"] == 1
    assert client.material.get(media).content == png(300)
    assert client.material.batchget("image")["item"][0]["media_id"] == media
    temporary = client.media.upload("image", named(png()))
    assert client.media.download(temporary["media_id"]).content == png()


def test_an_expired_token_is_fetched_again_and_the_call_repeated(rehearsal: Rehearsal, client: Any) -> None:
    client.draft.count()
    rehearsal.control("faults", kind="token_expire_now", platform="wechat", path="cgi-bin/draft/count")
    assert client.draft.count() == {"total_count": 0}
    assert len(rehearsal.ledger("token")) == 2


@pytest.mark.parametrize(
    ("below", "code"),
    [
        ([{"type": "click", "name": "a", "key": "k"}] * 6, 40023),
        ([{"type": "unheard", "name": "a"}], 40024),
        ([{"type": "click", "name": "名" * 21, "key": "k"}], 40025),
        ([{"type": "click", "name": "a", "key": "k" * 129}], 40026),
        ([{"type": "view", "name": "a", "url": "u" * 1025}], 40027),
    ],
)
def test_a_menu_is_refused_by_its_part(client: Any, below: list[dict[str, str]], code: int) -> None:
    with pytest.raises(WeChatClientException) as refused:
        client.menu.create({"button": [{"name": "办事", "sub_button": below}]})
    assert refused.value.errcode == code


def test_tags_and_what_was_made_by_hand(rehearsal: Rehearsal, client: Any) -> None:
    tag = client.tag.create("志愿者")
    client.tag.tag_user(tag["id"], CITIZEN)
    assert client.tag.iter_tag_users(tag["id"]) is not None
    with pytest.raises(WeChatClientException) as refused:
        client.tag.create("志愿者")
    assert refused.value.errcode == 45157
    client.menu.create({"button": [{"name": "办", "sub_button": [{"type": "click", "name": "事", "key": "k"}]}]})
    shown = client.menu.get_menu_info()["selfmenu_info"]["button"][0]
    assert shown["sub_button"]["list"][0]["key"] == "k"
