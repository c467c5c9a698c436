"""The hash covers whatever anybody will read, see or get: nothing can change under a signature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from content import compose, snapshot
from content.compose import VariantDraft
from content.models import Asset, Column, Piece, Release, Revision
from content.snapshot import Target, Window
from templates.engine import Engine
from tests.factories import PORTAL, Office, draft, target_of
from tests.factories import TITLE as FIRST

WORDS: dict[str, Any] = {
    "summary": "摘要",
    "fields": {"document_number": "云建〔2026〕7号"},
    "source_name": "新华社",
    "source_url": "https://www.news.cn/1",
    "keywords": "供热",
    "variants": {
        "wechat": VariantDraft(title="微信标题", digest="微信摘要"),
        "weibo": VariantDraft(body="微博正文"),
    },
}


def content_of(
    office: Office, piece: Piece, targets: list[Target] | None = None, window: Window | None = None
) -> dict[str, Any]:
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        chosen = office.targets("portal", "wechat", "weibo", "jpush") if targets is None else targets
        return snapshot.compose(work.session, office.engine, fresh, revision, chosen, window or Window(), PORTAL)


def written(office: Office) -> Piece:
    """A piece with everything a piece can have."""
    piece = office.piece(**WORDS)
    picture = office.picture(piece.id)
    office.attachment(piece.id, name="附件一.txt", data="附件".encode())
    words = {
        **WORDS,
        "body": f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png" alt="">',
        "cover_id": picture.id,
    }
    office.save(piece.id, **words)
    return piece


def test_the_same_piece_gives_the_same_hash(office: Office) -> None:
    piece = written(office)
    assert snapshot.digest(content_of(office, piece)) == snapshot.digest(content_of(office, piece))


def test_a_stored_release_still_has_its_hash(both: Office) -> None:
    release = both.submit(written(both).id, "portal", "wechat", "weibo")
    with both.works.read() as work:
        stored = work.session.get_one(Release, release.id)
        assert stored.hash == release.hash == snapshot.digest(stored.content)


def test_the_order_in_which_accounts_were_chosen_plays_no_part(office: Office) -> None:
    piece = written(office)
    targets = office.targets("portal", "wechat", "weibo")
    assert content_of(office, piece, targets) == content_of(office, piece, targets[::-1])


@pytest.mark.parametrize(
    "change",
    [
        {"title": "另一标题"},
        {"summary": "另一摘要"},
        {"body": "<p>正文。</p>"},
        {"fields": {"document_number": "云建〔2026〕8号"}},
        {"source_name": "人民日报"},
        {"source_url": "https://www.news.cn/2"},
        {"editor": "另一编辑"},
        {"keywords": "供暖"},
        {"cover_id": None},
        {"cover_x": 10, "cover_y": 80},
        {"variants": {**WORDS["variants"], "wechat": VariantDraft(title="微信标题！", digest="微信摘要")}},
        {"variants": {**WORDS["variants"], "wechat": VariantDraft(title="微信标题", digest="微信摘要！")}},
        {"variants": {**WORDS["variants"], "wechat": VariantDraft(body="<p>另文</p>")}},
        {"variants": {**WORDS["variants"], "weibo": VariantDraft(body="微博正文！")}},
        {"variants": {}},
    ],
    ids=str,
)
def test_any_changed_word_is_another_hash(office: Office, change: dict[str, Any]) -> None:
    piece = written(office)
    with office.works.read() as work:
        revision = work.session.get_one(Revision, work.session.get_one(Piece, piece.id).revision_id)
    before = content_of(office, piece)
    office.save(piece.id, **{**WORDS, "body": revision.body, "cover_id": revision.cover_id, **change})
    assert snapshot.digest(content_of(office, piece)) != snapshot.digest(before)


def _expires(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        fresh = work.session.get_one(Piece, piece.id)
        work.session.get_one(Revision, fresh.revision_id).expires_at = work.now + timedelta(days=1)


def _describes(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        work.session.execute(update(Asset).where(Asset.media_type == "image/jpeg").values(alt="另一说明"))


def _attaches(office: Office, piece: Piece) -> None:
    office.attachment(piece.id, name="附件二.txt")


def _renames_the_attachment(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        work.session.execute(update(Asset).where(Asset.media_type == "text/plain").values(name="附件甲.txt"))


def _changes_the_attachment(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        other = office.blobs.put(b"other").sha256
        work.session.execute(update(Asset).where(Asset.media_type == "text/plain").values(sha256=other))


def _moves(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        work.session.get_one(Piece, piece.id).column_id = office.columns["news"].id


def _renames_the_column(office: Office, piece: Piece) -> None:
    with office.works.write() as work:
        work.session.get_one(Column, piece.column_id).name = "公告"


@pytest.mark.parametrize(
    "change",
    [
        _expires,
        _describes,
        _attaches,
        _renames_the_attachment,
        _changes_the_attachment,
        _moves,
        _renames_the_column,
    ],
)
def test_what_stands_around_the_words_counts(office: Office, change: Callable[[Office, Piece], None]) -> None:
    piece = written(office)
    before = snapshot.digest(content_of(office, piece))
    change(office, piece)
    assert snapshot.digest(content_of(office, piece)) != before


def test_another_picture_is_another_hash(office: Office) -> None:
    piece = office.piece()
    hashes = set()
    for color in ("red", "blue"):
        picture = office.picture(piece.id, color=color)
        office.save(piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png">')
        hashes.add(snapshot.digest(content_of(office, piece)))
    assert len(hashes) == 2


def test_accounts_actions_audience_and_window_count(office: Office) -> None:
    piece = written(office)
    portal, wechat = office.targets("portal", "wechat")
    now = office.works.clock.now()
    plans: list[tuple[list[Target], Window]] = [
        ([portal], Window()),
        ([wechat], Window()),
        ([portal, wechat], Window()),
        ([portal, replace(wechat, action="publish")], Window()),
        ([portal, target_of(office.accounts["wechat"], tag=2)], Window()),
        ([portal, target_of(office.accounts["wechat"], tag=3)], Window()),
        ([portal, replace(wechat, account_name="改名")], Window()),
        ([portal, wechat], Window(now)),
        ([portal, wechat], Window(None, now)),
        ([portal, wechat], Window(now, now + timedelta(hours=1))),
        ([portal, wechat], Window(now, now + timedelta(hours=2))),
    ]
    hashes = {snapshot.digest(content_of(office, piece, targets, window)) for targets, window in plans}
    assert len(hashes) == len(plans)


def test_each_channel_shows_its_own_words_or_the_common_ones(office: Office) -> None:
    variants = content_of(office, written(office))["variants"]
    assert (variants["wechat"]["title"], variants["wechat"]["digest"]) == ("微信标题", "微信摘要")
    assert variants["weibo"]["text"] == "微博正文"
    assert variants["portal"]["title"] == FIRST
    assert variants["jpush"]["text"].startswith(f"【{FIRST}】摘要 {PORTAL}/notices/")
    assert variants["jpush"]["text"].endswith("?from=jpush")


def test_a_pasted_layout_is_shown_as_it_is_and_an_own_text_in_our_layout(office: Office) -> None:
    layout = VariantDraft(body='<section style="color:#333">样</section>', layout=True)
    piece = office.piece(variants={"wechat": layout})
    assert content_of(office, piece)["variants"]["wechat"]["html"] == '<section style="color:#333">样</section>'
    office.save(piece.id, variants={"wechat": VariantDraft(body="<p>自有<script>x</script></p>")})
    shown = content_of(office, piece)["variants"]["wechat"]["html"]
    assert shown == f"<section>{FIRST}|云州住建|<p>自有</p></section>"


def test_an_own_text_for_the_portal_is_cleaned(office: Office) -> None:
    piece = office.piece(variants={"portal": VariantDraft(body="<p onclick=x>门户<script>x</script></p>")})
    assert content_of(office, piece)["variants"]["portal"]["html"] == "<p>门户</p>"


def test_pictures_are_named_and_described_as_kept(office: Office) -> None:
    piece = written(office)
    content = content_of(office, piece)
    (sha256,) = content["pictures"]
    assert content["pictures"][sha256]["alt"] == "供热站"
    assert 'alt="供热站" width="64" height="48"' in content["body"]
    assert 'alt="供热站"' in content["variants"]["wechat"]["html"]
    assert content["cover_path"] == f"/media/{sha256}.jpg"


def test_this_pieces_own_description_wins(office: Office) -> None:
    written(office)
    piece = office.piece(title="另一篇")
    picture = office.picture(piece.id, alt="另一篇里的说明")
    office.picture(office.piece(title="第三篇").id, alt="第三篇的说明")
    office.save(piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{picture.sha256}.png">')
    content = content_of(office, piece)
    assert 'alt="另一篇里的说明"' in content["body"]
    assert content["pictures"][picture.sha256]["alt"] == "另一篇里的说明"


def test_without_a_summary_the_text_begins_in_its_place(office: Office) -> None:
    piece = office.piece(body="<p>第一段</p><p>第二段</p>" + "<p>长</p>" * 200)
    assert content_of(office, piece)["summary"].startswith("第一段 第二段 长")
    assert len(content_of(office, piece)["summary"]) == 120


def test_the_readers_page_is_filled_from_the_content_alone(office: Office) -> None:
    content = content_of(office, written(office))
    item = snapshot.item_view(content, published_at=office.works.clock.now(), address=PORTAL)
    assert (item.title, item.source, item.original) == (FIRST, "新华社", False)
    assert item.href == f"{PORTAL}{content['path']}"
    assert item.picture is not None
    assert item.picture.src.startswith(f"{PORTAL}/media/")
    assert item.files[0].name == "附件一.txt"
    assert item.column.kind == "通知公告"


def test_the_address_stays_the_same_for_every_revision(office: Office) -> None:
    release = office.signed_release()
    office.save(release.piece_id, title="新标题")
    assert office.submit(release.piece_id).content["path"] == release.content["path"]


def test_targets_can_be_looked_up_by_account(office: Office) -> None:
    content = content_of(office, written(office))
    account = office.accounts["wechat"]
    assert snapshot.targets_of(content)[account.id]["action"] == "mass_send"


def test_media_are_found_once_each_in_order() -> None:
    one, two = "1" * 64, "2" * 64
    texts = [f'<img src="/media/{two}.jpg"><img src="/media/{one}.png">', f"/media/{two}.jpg /media/{'3' * 63}.jpg"]
    assert snapshot.media_in(texts) == [two, one]


def test_a_draft_helper_keeps_the_editor(office: Office) -> None:
    with office.working("author") as (work, who):
        piece = compose.create(
            work, who, work.session.get_one(Column, office.columns["news"].id), draft=draft(editor="王文")
        )
    assert content_of(office, piece)["variants"]["portal"]["author"] == "王文"


def test_an_accounts_own_lines_stand_in_its_article_and_are_signed(office: Office) -> None:
    office = replace(office, engine=Engine())  # The real layouts.
    piece = written(office)
    (plain,) = office.targets("wechat")
    said = {"guide_line": "点击蓝字关注", "closing": "云州住建", "credits": [["责任编辑", "张三"]]}
    dressed = replace(plain, dressing=said)
    content, bare = content_of(office, piece, [dressed]), content_of(office, piece, [plain])
    html = content["variants"]["wechat"]["html"]
    assert all(words in html for words in ("点击蓝字关注", "云州住建", "责任编辑：张三"))
    assert snapshot.digest(content) != snapshot.digest(bare)
    # One drawing stands on several accounts: only what all of them say.
    other = replace(dressed, account_id=plain.account_id + 900, dressing={**said, "closing": "云州交通"})
    shared = content_of(office, piece, [dressed, other])["variants"]["wechat"]["html"]
    assert ("点击蓝字关注" in shared, "云州住建" in shared, "云州交通" in shared) == (True, False, False)


def test_a_gallery_is_signed_as_the_picture_message_that_it_will_be(office: Office) -> None:
    office = replace(office, engine=Engine())
    piece = written(office)
    with office.works.write() as work:
        work.session.get_one(Piece, piece.id).kind = "gallery"
    (plain,) = office.targets("wechat")
    as_pictures = replace(plain, dressing={"picture_message": True, "closing": "云州住建"})
    html = content_of(office, piece, [as_pictures])["variants"]["wechat"]["html"]
    bare = content_of(office, piece, [plain])["variants"]["wechat"]["html"]
    assert ('data-message="newspic"' in html, 'data-message="newspic"' in bare) == (True, False)
    assert html.index("<img") < html.index("供热站检修现场的情况如下图所示") < html.index("云州住建")
