"""真实预览: what the platform makes of an article before anybody signs, and that nothing of it stays behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from channels.abilities.preview import Loss, Previewing
from channels.adapters.wechat import WeChatChannel
from channels.adapters.wechat.compare import losses
from channels.adapters.wechat.drafts import Drafts
from channels.base import Post
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled
from tests.channels.harness import make_item
from tests.channels.rehearsal.served import CITIZEN, Rehearsal
from tests.channels.sides import WeChatPublishSide


@pytest.fixture
def quiet(rehearsed: Rehearsal) -> Iterator[WeChatPublishSide]:
    """An account."""
    made = WeChatPublishSide(rehearsed)
    yield made
    made.close()


def channel(side: WeChatPublishSide) -> WeChatChannel:
    """The adapter."""
    assert isinstance(side.channel, WeChatChannel)
    return side.channel


def preview(side: WeChatPublishSide, html: str = "", key: str = "preview-1", **changes: Any) -> tuple[Post, Any]:
    """A preview of one item with this body."""
    item = make_item(side.files, pictures=changes.pop("pictures", 1))
    post = side.post(key=key, made=[replace(item, html=html or item.html)], **changes)
    return post, channel(side).preview(post, lambda _done, _of: None)


def kinds(found: list[Loss]) -> set[tuple[str, str]]:
    """What was lost, without words."""
    return {(loss.kind, loss.level) for loss in found}


def test_a_clean_article_loses_nothing_and_nobody_receives_it(quiet: WeChatPublishSide) -> None:
    _post, made = preview(quiet)
    assert made.losses == []
    assert "/wechat/draft/" in made.url
    assert quiet.rehearsal.http.get(made.url).status_code == 200
    assert quiet.arrived() == 0
    assert quiet.rehearsal.ledger("mass_send") == []


def test_every_picture_is_told_of_while_it_goes_up(quiet: WeChatPublishSide) -> None:
    heard: list[tuple[int, int]] = []
    post = quiet.post(key="preview-1", made=[make_item(quiet.files, pictures=3)])
    channel(quiet).preview(post, lambda done, of: heard.append((done, of)))
    assert heard == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_the_platform_takes_away_is_said_in_words(quiet: WeChatPublishSide) -> None:
    html = (
        '<p>开头的话</p><p style="color:#123;background-image:url(https://elsewhere.example/a.png)">有底图的一段</p>'
        '<p>详见<a href="https://www.yunzhou.example/x">市政府网站</a>。</p>'
        '<iframe src="https://maps.example/"></iframe><p onclick="x()">可点的一段</p>'
    )
    _post, made = preview(quiet, html)
    words = "\n".join(loss.message for loss in made.losses)
    assert {("element", "block"), ("link", "warn"), ("style", "warn"), ("element", "warn")} == kinds(made.losses)
    assert "有底图的一段" in words
    assert "背景图片" in words
    assert "https://www.yunzhou.example/x" in words
    assert "嵌入页面" in words
    assert made.losses[0].level == "block"
    assert not any(loss.kind == "text" for loss in made.losses), words


@pytest.mark.parametrize("read_back", [[], [{"title": "只有标题"}]])
def test_an_article_that_does_not_come_back_is_no_article_without_losses(
    quiet: WeChatPublishSide, monkeypatch: pytest.MonkeyPatch, read_back: list[dict[str, str]]
) -> None:
    monkeypatch.setattr(Drafts, "read_back", lambda _self, _media_id: read_back)
    _post, made = preview(quiet)
    assert ("text", "block") in kinds(made.losses)


def test_a_picture_that_is_refused_blocks(quiet: WeChatPublishSide) -> None:
    item = make_item(quiet.files, pictures=2)
    bad = next(iter(item.content["pictures"]))
    quiet.files.kept[bad] = b"GIF89a" + bytes(50)
    made = channel(quiet).preview(quiet.post(key="p", made=[item]), lambda _done, _of: None)
    assert kinds(list(made.losses)) == {("picture", "block")}
    assert "图1" in made.losses[0].message


def test_text_that_vanishes_blocks() -> None:
    sent = {"title": "标题", "content": "<p>留下的</p><p>要紧的一句</p>"}
    found = losses(sent, {"title": "标题", "content": "<p>留下的</p>"}, {})
    assert [(loss.kind, loss.level) for loss in found] == [("text", "block")]
    assert "要紧的一句" in found[0].message


def test_a_changed_title_blocks_and_a_changed_author_warns() -> None:
    sent = {"title": "标题一", "author": "张三", "content": "<p>文</p>"}
    found = losses(sent, {"title": "标题", "author": "", "content": "<p>文</p>"}, {})
    assert {(loss.kind, loss.level) for loss in found} == {("field", "block"), ("field", "warn")}


def test_the_same_written_otherwise_is_no_loss() -> None:
    sent = '<p style="color:#17498C; margin:0px 0 8px">字</p><img src="https://mmbiz.qpic.cn/a/0">'
    got = '<p style="color: rgb(23,73,140);margin: 0 0 8px;">字</p><img data-src="http://mmbiz.qpic.cn/a/0?wx_fmt=png">'
    assert losses({"content": sent}, {"content": got}, {}) == []


def test_many_losses_of_a_kind_are_counted_not_listed() -> None:
    sent = "".join(f'<p style="float:left;order:{n}">第{n}段</p>' for n in range(40))
    got = "".join(f"<p>第{n}段</p>" for n in range(40))
    found = losses({"content": sent}, {"content": got}, {})
    assert len(found) == 13
    assert "28" in found[-1].message


def test_a_lost_answer_leaves_no_draft_behind(quiet: WeChatPublishSide) -> None:
    quiet.break_next("cut_after", early=True)
    post = quiet.post(key="preview-1", made=[make_item(quiet.files)])
    with pytest.raises(Retryable) as broken:
        channel(quiet).preview(post, lambda _done, _of: None)
    assert quiet.drafts() == 1
    again = replace(post, attempt=2, note=dict(broken.value.data))
    made = channel(quiet).preview(again, lambda _done, _of: None)
    assert quiet.drafts() == 1
    assert len(quiet.rehearsal.ledger("picture")) == 1
    channel(quiet).discard(again, made.draft)
    assert quiet.drafts() == 0


def test_an_orphan_is_found_by_its_key_alone_and_others_stay(quiet: WeChatPublishSide) -> None:
    quiet.break_next("cut_after", early=True)
    post = quiet.post(key="preview-1", made=[make_item(quiet.files)])
    with pytest.raises(Retryable):
        channel(quiet).preview(post, lambda _done, _of: None)
    for number in range(25):
        preview(quiet, key=f"other-{number}")
    channel(quiet).discard(post, "")
    assert len(quiet.rehearsal.ledger("draft")) == 26
    assert quiet.drafts() == 25
    channel(quiet).discard(post, "")
    assert quiet.drafts() == 25


def test_the_signers_own_phone_gets_it_and_a_hundred_a_day_are_counted(quiet: WeChatPublishSide) -> None:
    _post, made = preview(quiet)
    channel(quiet).send_preview(made.draft, CITIZEN)
    (line,) = quiet.rehearsal.ledger("preview")
    assert line["data"]["openid"] == CITIZEN
    quota = next(key for key in quiet.tools.quotas.used if key[0] == "preview")  # type: ignore[attr-defined]  # In memory.
    quiet.tools.quotas.used[quota] = 100  # type: ignore[attr-defined]  # The same.
    with pytest.raises(Throttled):
        channel(quiet).send_preview(made.draft, CITIZEN)
    assert len(quiet.rehearsal.ledger("preview")) == 1
    assert quiet.drafts() == 1


def test_a_name_that_is_nobodys_is_refused_and_a_lost_answer_stays_unknown(quiet: WeChatPublishSide) -> None:
    _post, made = preview(quiet)
    with pytest.raises(Refused):
        channel(quiet).send_preview(made.draft, "nobody_here")
    quiet.break_next("cut_after", path="cgi-bin/message/mass/preview")
    with pytest.raises(OutcomeUnknown):
        channel(quiet).send_preview(made.draft, CITIZEN)
    assert len(quiet.rehearsal.ledger("preview")) == 1


@pytest.mark.parametrize("reader", ["wang_ting-7", "a12345", "o" + "A" * 27])
def test_ones_own_name_is_taken(reader: str) -> None:
    assert WeChatChannel.reader_fault(reader) == ""


@pytest.mark.parametrize("reader", ["", "12345678", "ab", "a b c d e f", "王婷王婷王婷", "x" * 21])
def test_what_is_no_name_is_refused_with_the_rule(reader: str) -> None:
    assert "微信号" in WeChatChannel.reader_fault(reader)


def test_the_adapter_has_the_ability() -> None:
    assert issubclass(WeChatChannel, Previewing)
