"""图片消息: a gallery signed in that form goes out as pictures and words; what the platform refuses is told before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from channels.adapters.wechat import WeChatChannel
from channels.adapters.wechat.picture_message import SIGN
from channels.base import Item, Live
from tests.channels.harness import MemoryFiles, make_item
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import WeChatMassSide, WeChatPublishSide
from tests.factories import picture_bytes


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WeChatPublishSide]:
    made = WeChatPublishSide(rehearsed)
    yield made
    made.close()


def gallery(files: MemoryFiles, pictures: int = 2, words: str = "<p>花开&nbsp;满城。</p><p>来源：云州住建</p>") -> Item:
    """A gallery as its signed layout holds it."""
    names = [files.put(picture_bytes(f"rgb({number},40,90)")) for number in range(pictures)]
    shown = "".join(f'<img src="/media/{name}.png" alt="图">' for name in names)
    about = {name: {"media_type": "image/png", "alt": "图", "size": 500} for name in names}
    html = f"<section {SIGN}>{shown}{words}</section>"
    return replace(make_item(files), html=html, cover="", content={"kind": "gallery", "pictures": about})


def fields(item: Item, side: WeChatPublishSide, *more: Item) -> list[str]:
    return [one.field for one in WeChatChannel.check({}, side.post(made=[item, *more])) if one.blocking]


def test_a_gallery_goes_out_as_pictures_and_plain_words(side: WeChatPublishSide) -> None:
    run = side.deliver(side.post(made=[gallery(side.files)]))
    assert isinstance(run.end, Live)
    (article,) = side.rehearsal.ledger("publish")[-1]["data"]["articles"]
    assert len(article["pictures"]) == 2
    assert article["content"] == "花开 满城。\n来源：云州住建"
    assert [
        line["data"]["errcode"] for line in side.rehearsal.ledger("call") if "draft/add" in line["data"]["path"]
    ] == [0]


def test_followers_may_get_it_too(rehearsed: Rehearsal) -> None:
    mass = WeChatMassSide(rehearsed)
    assert isinstance(mass.deliver(mass.post(made=[gallery(mass.files)])).end, Live)
    assert len(rehearsed.ledger("mass_send")[-1]["data"]["articles"][0]["pictures"]) == 2
    mass.close()


def test_what_does_not_fit_is_told_beforehand(side: WeChatPublishSide) -> None:
    assert fields(gallery(side.files, 20), side) == []
    assert fields(gallery(side.files, 21), side) == ["body"]
    assert fields(gallery(side.files, 0), side) == ["body"]
    assert fields(gallery(side.files, words=""), side) == ["body"]
    assert fields(gallery(side.files), side, make_item(side.files, 2)) == ["items"]
    assert fields(replace(gallery(side.files), author="很长的作者名字超过了八个字", digest="摘" * 200), side) == []


def test_a_lost_draft_of_one_is_found_and_it_goes_out_once(side: WeChatPublishSide) -> None:
    side.break_next("cut_after")
    assert isinstance(side.deliver(side.post(made=[gallery(side.files)])).end, Live)
    assert side.arrived() == 1


def test_its_preview_says_when_pictures_were_lost(side: WeChatPublishSide, monkeypatch: pytest.MonkeyPatch) -> None:
    post = side.post(made=[gallery(side.files)])
    assert side.channel.preview(post, lambda _done, _of: None).losses == []
    drafts = type(side.channel.sending.drafts)
    read = drafts.read_back

    def fewer(self: object, media_id: str) -> list[dict[str, object]]:
        (news,) = read(self, media_id)  # type: ignore[arg-type]  # Called as the method it stands for.
        return [{**news, "image_info": {"image_list": news["image_info"]["image_list"][:1]}}]

    monkeypatch.setattr(drafts, "read_back", fewer)
    (loss,) = side.channel.preview(replace(post, key="second"), lambda _done, _of: None).losses
    assert (loss.kind, loss.level) == ("picture", "block")
