"""The officer's desk over HTTP: lists, saving, what is refused and kept, pictures, findings, history, the API."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from channels.accounts.models import Account
from content.compose import VariantDraft
from content.models import Asset, Column, Lift, ListedWord, Piece, Release, Revision, Variant
from content.states import PieceState, ReleaseState
from hub.auth import tokens
from hub.web.media import inside, outside
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Role
from scheduler import booking
from scheduler.booking import Order
from tests.factories import BODY, TITLE, picture_bytes
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub with the office in it."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        yield room


def stored(room: Newsroom, piece_id: int) -> tuple[Piece, Revision]:
    with room.hub.works.read() as work:
        piece = work.session.get_one(Piece, piece_id)
        return piece, work.session.get_one(Revision, piece.revision_id)


def words(piece: Piece, **fields: Any) -> dict[str, Any]:
    """The editor's form with ordinary words."""
    return {"version": piece.version, "title": TITLE, "body": BODY, "editor": "陈信", "act": "save", **fields}


def send(room: Newsroom, piece: Piece, by: str = "author", **fields: Any) -> Any:
    return room.desk_of(by).send_form(f"/console/pieces/{piece.id}", **words(piece, **fields))


def portal(room: Newsroom) -> str:
    return str(room.office.accounts["portal"].id)


# --- the list --------------------------------------------------------------------------------------------------


def test_the_list_shows_what_one_may_read_and_keeps_its_filters(room: Newsroom) -> None:
    room.office.piece(title="供热通知")
    room.office.piece(title="停水通知", by="officer")
    room.office.piece(title="外单位稿件", by="stranger", column="water")
    page = room.desk_of("author").get("/console/pieces").text
    assert "供热通知" in page
    assert "停水通知" in page
    assert "外单位稿件" not in page
    mine = room.desk_of("author").get("/console/pieces?mine=1&sort=title").text
    assert "停水通知" not in mine
    assert re.search(r'href="/console/pieces\?mine=1&amp;sort=-title"', mine)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=供热", True),
        ("q=延长至4月", True),
        ("q=%25", False),
        ("q=停电", False),
        ("kind=notice", True),
        ("kind=news", False),
        ("state=draft", True),
        ("state=signed", False),
        ("column=1", True),
        ("column=2", False),
        ("column=abc&page=999999&sort=nonsense", True),
    ],
)
def test_each_filter_narrows(room: Newsroom, query: str, found: bool) -> None:
    room.office.piece(title="市区供热")
    assert ("市区供热" in room.desk_of("author").get(f"/console/pieces?{query}").text) is found


def test_the_trash_is_shown_only_when_asked_for(room: Newsroom) -> None:
    piece = room.office.piece(title="废稿")
    desk = room.desk_of("author")
    assert desk.send_form(f"/console/pieces/{piece.id}/trash").status_code == 303
    assert "废稿" not in desk.get("/console/pieces").text
    assert "废稿" in desk.get("/console/pieces?state=trash").text
    assert "恢复" in desk.get(f"/console/pieces/{piece.id}").text
    desk.send_form(f"/console/pieces/{piece.id}/restore")
    assert stored(room, piece.id)[0].state == PieceState.DRAFT


# --- writing ---------------------------------------------------------------------------------------------------


def test_a_piece_begins_in_a_column(room: Newsroom) -> None:
    desk = room.desk_of("author")
    column = room.office.columns["news"].id
    assert "工作动态" in desk.get("/console/pieces/new").text
    assert "水务公告" not in desk.get("/console/pieces/new").text
    answer = desk.send_form("/console/pieces", column=str(column), title="开工")
    assert answer.status_code == 303
    piece, revision = stored(room, int(answer.headers["location"].rsplit("/", 1)[1]))
    assert (piece.kind, revision.title, revision.editor) == ("news", "开工", "王文")


@pytest.mark.parametrize("column", ["", "999", "water"])
def test_a_column_out_of_reach_is_refused_beside_its_field(room: Newsroom, column: str) -> None:
    chosen = str(room.office.columns["water"].id) if column == "water" else column
    answer = room.desk_of("author").send_form("/console/pieces", column=chosen, title="稿")
    assert answer.status_code == 422
    assert "请选择栏目" in answer.text
    assert 'value="稿"' in answer.text


def test_a_column_that_left_service_is_not_offered(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        work.session.get_one(Column, room.office.columns["news"].id).active = False
    assert "工作动态" not in room.desk_of("author").get("/console/pieces/new").text


def test_every_field_of_the_form_is_kept(room: Newsroom) -> None:
    piece = room.office.piece(column="policies")
    fields = {
        "summary": "摘要",
        "source_name": "新华社",
        "source_url": "https://www.news.cn/1",
        "keywords": "供热",
        "expires_at": "2026-04-08T18:30",
        "fields.document_number": "云建〔2026〕7号",
        "fields.issued_on": "2026-03-01",
        "fields.validity": "in_force",
        "variants.wechat.title": "微信标题",
        "variants.wechat.digest": "微信摘要",
        "variants.wechat.form": "layout",
        "variants.wechat.layout": '<section style="color:#333">样</section>',
        "variants.wechat.own": "不应留下",
    }
    assert send(room, piece, **fields).status_code == 303
    _piece, revision = stored(room, piece.id)
    assert (revision.summary, revision.source_name, revision.keywords) == ("摘要", "新华社", "供热")
    assert revision.fields["document_number"] == "云建〔2026〕7号"
    assert revision.expires_at is not None
    assert revision.expires_at.isoformat() == "2026-04-08T10:30:00+00:00"
    with room.hub.works.read() as work:
        own = work.session.scalars(select(Variant)).one()
        assert (own.channel, own.title, own.layout) == ("wechat", "微信标题", True)
        assert own.body == '<section style="color:#333">样</section>'
    page = room.desk_of("author").get(f"/console/pieces/{piece.id}").text
    for shown in ("2026-04-08T18:30", "云建〔2026〕7号", "微信摘要", "color:#333"):
        assert shown in page


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"title": "长" * 301}, "标题超过"),
        ({"expires_at": "明天"}, "时间应写作"),
        ({"source_url": "javascript:alert(1)"}, "来源地址须以"),
    ],
)
def test_a_refused_save_keeps_what_was_typed(room: Newsroom, fields: dict[str, str], says: str) -> None:
    piece = room.office.piece()
    answer = send(room, piece, body="<p>辛苦写的正文</p>", **fields)
    assert answer.status_code == 422
    assert says in answer.text
    assert "辛苦写的正文" in answer.text
    assert stored(room, piece.id)[1].body == BODY


def test_a_draft_saves_itself_and_counts_its_versions(room: Newsroom) -> None:
    piece = room.office.piece()
    desk = room.desk_of("author")
    answer = desk.send_form(f"/console/pieces/{piece.id}/autosave", **words(piece, title="新题"))
    assert answer.json() == {"version": piece.version + 1}
    stale = desk.send_form(f"/console/pieces/{piece.id}/autosave", **words(piece, title="旧题"))
    assert (stale.status_code, stale.json()["error"]) == (409, "Stale")
    assert stored(room, piece.id)[1].title == "新题"


def test_a_stale_save_shows_both_texts(room: Newsroom) -> None:
    piece = room.office.piece(body="<p>原文</p>")
    room.office.save(piece.id, by="officer", body="<p>对方的文字</p>")
    answer = send(room, piece, body="<p>我的文字</p>")
    assert answer.status_code == 409
    assert "两个版本对照" in answer.text
    assert "我的文字" in answer.text
    assert f'name="version" value="{piece.version + 1}"' in answer.text
    assert stored(room, piece.id)[1].body == "<p>对方的文字</p>"


def test_a_very_long_text_is_taken(room: Newsroom) -> None:
    piece = room.office.piece()
    body = "<p>" + "长" * 400_000 + "</p>"
    assert send(room, piece, body=body).status_code == 303
    assert len(stored(room, piece.id)[1].body) == len(body)


@pytest.mark.parametrize("by", ["reviewer", "manager"])
def test_a_reader_sees_the_piece_but_no_editor(room: Newsroom, by: str) -> None:
    piece = room.office.piece()
    page = room.desk_of(by).get(f"/console/pieces/{piece.id}").text
    assert TITLE in page
    assert "data-rich" not in page
    assert send(room, piece, by=by).status_code == 403


def test_only_the_editor_may_use_inline_styles(room: Newsroom) -> None:
    piece = room.office.piece()
    policy = "content-security-policy"
    assert "'unsafe-inline'" in room.desk_of("author").get(f"/console/pieces/{piece.id}").headers[policy]
    assert "'unsafe-inline'" not in room.desk_of("author").get("/console/pieces").headers[policy]
    assert "'unsafe-inline'" not in room.desk_of("reviewer").get(f"/console/pieces/{piece.id}").headers[policy]


# --- submitting ------------------------------------------------------------------------------------------------


def test_submitting_saves_first_and_opens_a_release(room: Newsroom) -> None:
    piece = room.office.piece()
    answer = send(
        room,
        piece,
        act="submit",
        title="送审标题",
        targets=portal(room),
        earliest="2026-03-05T09:00",
        latest="2026-03-06T18:00",
    )
    assert answer.status_code == 303
    with room.hub.works.read() as work:
        release = work.session.scalars(select(Release)).one()
        assert release.content["title"] == "送审标题"
        assert release.content["window"]["earliest"] == "2026-03-05T01:00:00+00:00"
        assert [target["action"] for target in release.content["targets"]] == ["publish"]


def test_a_blocked_piece_is_saved_but_not_submitted(room: Newsroom) -> None:
    piece = room.office.piece()
    answer = send(room, piece, act="submit", body="<p>手机 13800138000</p>", targets=portal(room))
    assert answer.status_code == 422
    assert "有拦截问题" in answer.text
    assert stored(room, piece.id)[1].body == "<p>手机 13800138000</p>"
    assert stored(room, piece.id)[0].state == PieceState.DRAFT


def test_without_or_with_a_foreign_account_nothing_is_submitted(room: Newsroom) -> None:
    piece = room.office.piece()
    assert "还没有选择发布渠道" in send(room, piece, act="submit").text
    piece = stored(room, piece.id)[0]
    foreign = str(room.office.accounts["water"].id)
    assert "不属于本单位" in send(room, piece, act="submit", targets=foreign).text


def test_what_an_account_could_never_show_is_told_before_three_people_sign_it(room: Newsroom) -> None:
    piece = room.office.piece()
    targets = str(room.office.accounts["wechat"].id)
    answer = send(room, piece, act="submit", targets=targets)
    assert answer.status_code == 422
    assert "没有封面图片" in answer.text
    assert 'href="#cover"' in answer.text
    assert 'id="cover"' in answer.text
    long = send(room, stored(room, piece.id)[0], act="submit", title="供" * 65, targets=targets)
    assert "的标题相当于 65 个汉字，微信上限 32 个汉字" in long.text
    assert 'id="variants.wechat.title-error"' in long.text
    assert stored(room, piece.id)[1].title == "供" * 65
    with room.hub.works.read() as work:
        assert work.session.scalars(select(Release)).all() == []
        assert work.session.get_one(Piece, piece.id).state == PieceState.DRAFT


@pytest.mark.parametrize("body", ["", "<p><br></p>", "<p>\u00a0\u3000</p>"])
def test_an_empty_text_is_told_beside_its_field_before_anybody_signs(room: Newsroom, body: str) -> None:
    piece = room.office.piece()
    answer = send(room, piece, act="submit", body=body, targets=portal(room))
    assert answer.status_code == 422
    assert "正文未填写" in answer.text
    assert 'href="#body"' in answer.text
    assert stored(room, piece.id)[0].state == PieceState.DRAFT


def test_what_the_account_lacks_can_be_mended_while_people_sign(room: Newsroom) -> None:
    piece = room.office.piece()
    with room.hub.works.write() as work:
        account = work.session.get_one(Account, room.office.accounts["weibo"].id)
        account.settings = {}
    assert send(room, piece, act="submit", targets=str(room.office.accounts["weibo"].id)).status_code == 303


def test_the_choice_of_accounts_stays_after_a_refusal(room: Newsroom) -> None:
    piece = room.office.piece()
    wechat = room.office.accounts["wechat"]
    fields = {"targets": str(wechat.id), f"action.{wechat.id}": "publish", "latest": "2020-01-01T00:00"}
    answer = send(room, piece, act="submit", **fields)
    assert "最晚时间已过" in answer.text
    assert re.search(rf'id="target-{wechat.id}"[^>]* checked', answer.text)
    assert '<option value="publish" selected>' in answer.text


def test_an_account_out_of_service_is_not_offered(room: Newsroom) -> None:
    piece = room.office.piece()
    with room.hub.works.write() as work:
        work.session.get_one(Account, room.office.accounts["wechat"].id).active = False
    page = room.desk_of("author").get(f"/console/pieces/{piece.id}").text
    assert f'id="target-{room.office.accounts["wechat"].id}"' not in page
    assert f'id="target-{room.office.accounts["weibo"].id}"' in page


def test_recalled_and_opened_again(room: Newsroom) -> None:
    piece = room.office.piece()
    room.office.submit(piece.id)
    desk = room.desk_of("author")
    assert "撤回送审" in desk.get(f"/console/pieces/{piece.id}").text
    assert desk.send_form(f"/console/pieces/{piece.id}/recall").status_code == 303
    assert "data-rich" in desk.get(f"/console/pieces/{piece.id}").text


def test_what_is_signed_opens_only_on_purpose(room: Newsroom) -> None:
    release = room.office.signed_release()
    desk = room.desk_of("author")
    assert "data-rich" not in desk.get(f"/console/pieces/{release.piece_id}").text
    desk.send_form(f"/console/pieces/{release.piece_id}/reopen")
    assert "data-rich" in desk.get(f"/console/pieces/{release.piece_id}").text
    with room.hub.works.read() as work:
        assert work.session.get_one(Release, release.id).state == ReleaseState.VOID


# --- pictures and files ----------------------------------------------------------------------------------------


def upload(room: Newsroom, piece: Piece, kind: str, name: str, data: bytes, by: str = "author") -> Any:
    desk = room.desk_of(by)
    return desk.post(f"/console/pieces/{piece.id}/{kind}", data={"csrf": desk.csrf}, files={"file": (name, data)})


def test_a_picture_is_shown_inside_and_addressed_as_outside(room: Newsroom) -> None:
    piece = room.office.piece()
    said = upload(room, piece, "pictures", "站.png", picture_bytes()).json()
    assert said["src"].startswith("/console/media/")
    desk = room.desk_of("author")
    assert desk.get(said["src"]).headers["content-type"] == "image/jpeg"
    assert send(room, piece, body=f'<p>供热站检修现场的情况如下图所示</p><img src="{said["src"]}">').status_code == 303
    assert f'src="{said["src"].removeprefix("/console")}"' in stored(room, piece.id)[1].body
    assert said["src"] in desk.get(f"/console/pieces/{piece.id}").text
    assert room.desk_of("stranger").get(said["src"]).status_code == 404
    assert room.desk_of("author").get("/console/media/" + "0" * 64 + ".jpg").status_code == 404
    assert room.desk_of("author").get("/console/media/../../secret.key").status_code == 404


def test_what_is_no_picture_or_no_known_file_is_refused(room: Newsroom) -> None:
    piece = room.office.piece()
    answer = upload(room, piece, "pictures", "坏图.png", b"no picture")
    assert answer.status_code == 422
    assert "坏图.png" in answer.text
    assert upload(room, piece, "attachments", "a.exe", b"MZ").status_code == 422
    with room.hub.works.read() as work:
        assert work.session.scalars(select(Asset)).all() == []


def test_an_attachment_is_only_ever_downloaded(room: Newsroom) -> None:
    asset = room.office.attachment(room.office.piece().id, name="名单.txt", data="名单".encode())
    answer = room.desk_of("author").get(f"/console/files/{asset.sha256}/名单.txt")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert room.desk_of("stranger").get(f"/console/files/{asset.sha256}/名单.txt").status_code == 404


def test_describing_and_removing(room: Newsroom) -> None:
    piece = room.office.piece()
    asset = room.office.picture(piece.id, alt="")
    desk = room.desk_of("author")
    path = f"/console/pieces/{piece.id}/assets/{asset.id}"
    assert 'value="供热站"' in desk.send_form(path, alt="供热站").text
    desk.send_form(path, decorative="1")
    with room.hub.works.read() as work:
        assert work.session.get_one(Asset, asset.id).decorative
    assert f'data-asset="{asset.id}"' not in desk.send_form(f"{path}/remove").text
    assert desk.send_form(f"{path}/remove").status_code == 404


@pytest.mark.parametrize(
    "html",
    [
        '<img src="/media/{n}.jpg">',
        '<img src="http://testserver/media/{n}.png">',
        "<p style=\"background:url('/media/{n}.jpg')\">",
    ],
)
def test_addresses_go_in_and_come_out_again(html: str) -> None:
    text = html.format(n="ab" * 32)
    assert "/console/media/" in inside(text)
    assert outside(inside(text)) == text.replace("http://testserver", "")
    assert inside("<p>/media/ 无图</p>") == "<p>/media/ 无图</p>"


# --- findings, previews, history, paper ------------------------------------------------------------------------


def test_a_finding_leads_to_its_place_and_a_signer_lifts_it(room: Newsroom) -> None:
    piece = room.office.piece(variants={"wechat": VariantDraft(title="电话13800138000")})
    fragment = room.desk_of("author").get(f"/console/pieces/{piece.id}/findings").text
    assert 'href="#variants.wechat.title"' in fragment
    assert "放行理由" not in fragment
    page = room.desk_of("signer").get(f"/console/pieces/{piece.id}").text
    key = re.search(r'name="finding" value="([0-9a-f]{64})"', page)
    assert key
    answer = room.desk_of("signer").send_form(f"/console/pieces/{piece.id}/lift", finding=key[1], reason="公开值班电话")
    assert answer.status_code == 303
    assert "公开值班电话" in room.desk_of("author").get(f"/console/pieces/{piece.id}/findings").text
    with room.hub.works.read() as work:
        assert work.session.scalars(select(Lift)).one().person_id == room.office.person("signer").id


def test_previews_show_each_channel_in_a_frame_without_rights(room: Newsroom) -> None:
    piece = room.office.piece(variants={"wechat": VariantDraft(title="微信标题")})
    desk = room.desk_of("author")
    frames = desk.get(f"/console/pieces/{piece.id}/previews").text
    assert frames.count('sandbox="allow-same-origin"') >= 2
    site = desk.get(f"/console/pieces/{piece.id}/preview/portal")
    assert "frame-ancestors 'self'" in site.headers["content-security-policy"]
    assert "article__title" in site.text
    assert "微信标题" in desk.get(f"/console/pieces/{piece.id}/preview/wechat").text
    assert desk.get(f"/console/pieces/{piece.id}/preview/nothing").status_code == 404


def test_the_portals_preview_plays_the_film_through_a_guarded_door(room: Newsroom) -> None:
    piece = room.office.piece(kind="video", fields={"transcript": "检修。"})
    room.office.attachment(piece.id, name="片.mp4", data=b"film")
    kept = upload(room, piece, "attachments", "片.srt", b"1\n00:00:01,000 --> 00:00:02,000\nok\n").json()
    assert kept["name"] == "片.vtt"
    desk = room.desk_of("author")
    page = desk.get(f"/console/pieces/{piece.id}/preview/portal").text
    film, track = re.findall(r'src="(/console/files/[^"]+)"', page)
    assert f'kind="captions" srclang="zh" label="中文字幕" src="{track}" default' in page
    assert desk.get(film).content == b"film"
    assert desk.get(track).headers["content-type"].startswith("text/vtt")
    assert room.desk_of("stranger").get(track).status_code == 404
    refused = upload(room, piece, "attachments", "片.srt", b"1\n00:00:01,000 --> 00:00:02,000\n<script>\n")
    assert refused.status_code == 422
    assert "第 3 行" in refused.text


def test_history_compares_two_revisions_and_names_every_act(room: Newsroom) -> None:
    piece = room.office.piece(body="<p>延长至4月7日</p>")
    room.office.submit(piece.id)
    room.office.save(piece.id, body="<p>延长至4月9日</p>")
    page = room.desk_of("author").get(f"/console/pieces/{piece.id}/history").text
    assert "<del>7</del><ins>9</ins>" in page
    for act in ("新建稿件", "送审", "发布件作废", "第 2 版"):
        assert act in page
    same = room.desk_of("author").get(f"/console/pieces/{piece.id}/history?older=1&newer=1").text
    assert "<ins>9</ins>" not in same


def test_the_form_to_print_carries_the_hash_and_the_names(room: Newsroom) -> None:
    release = room.office.signed_release("portal", "wechat")
    page = room.desk_of("author").get(f"/console/pieces/{release.piece_id}/form").text
    for word in (release.hash, "王文", "李审", "周核", "赵签", "发布、群发", "全部读者", "签发后即可"):
        assert word in page
    draft = room.office.piece(title="未送审")
    assert room.desk_of("author").get(f"/console/pieces/{draft.id}/form").status_code == 404


def test_the_workbench_says_what_to_do_now(room: Newsroom) -> None:
    room.office.piece(title="写到一半")
    released = room.office.submit(room.office.piece(title="等一审").id)
    page = room.desk_of("author").get("/console").text
    assert "写到一半" in page
    assert "等一审" not in page
    release = room.office.signed_release("portal", title="今天发网站")
    with room.office.working("author") as (work, who):
        order = Order([release.piece_id], room.office.accounts["portal"].id, "publish")
        booking.book(work, who, order, room.hub.settings.address)
    today = room.desk_of("author").get("/console").text
    assert 'id="today"' in today
    assert "今天发网站" in today
    waiting = room.desk_of("reviewer").get("/console").text
    assert f'href="/console/signing/{released.id}"' in waiting
    assert 'id="waiting"' not in room.desk_of("auditor").get("/console").text


# --- columns and words -----------------------------------------------------------------------------------------

COLUMN = {"name": "公示公告", "slug": "gongshi", "kind": "notice", "freshness": "180", "active": "1"}


def test_a_column_is_made_changed_and_closed(room: Newsroom) -> None:
    desk = room.desk_of("system_admin")
    unit = str(room.office.bureau.id)
    assert desk.send_form("/console/columns", unit=unit, **COLUMN).status_code == 303
    with room.hub.works.read() as work:
        column = work.session.scalars(select(Column).where(Column.slug == "gongshi")).one()
        assert (column.unit_id, column.freshness_days, column.active) == (room.office.bureau.id, 180, True)
    assert "公示公告" in room.desk_of("author").get("/console/pieces/new").text
    desk.send_form(f"/console/columns/{column.id}", name="公示", freshness="")
    with room.hub.works.read() as work:
        column = work.session.get_one(Column, column.id)
        assert (column.name, column.slug, column.freshness_days, column.active) == ("公示", "gongshi", None, False)
        acts = select(AuditLine.act).where(AuditLine.act.like("column.%")).order_by(AuditLine.seq)
        assert work.session.scalars(acts).all() == ["column.created", "column.changed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "console"),
        ("slug", "media"),
        ("slug", "公示"),
        ("slug", "../x"),
        ("slug", "notices"),
        ("kind", "nothing"),
        ("name", " "),
        ("freshness", "0"),
        ("unit", "999"),
    ],
)
def test_a_wrong_column_is_refused_with_what_was_typed(room: Newsroom, field: str, value: str) -> None:
    sent = {"unit": str(room.office.bureau.id), **COLUMN, field: value}
    answer = room.desk_of("system_admin").send_form("/console/columns", **sent)
    assert answer.status_code == 422
    assert "field__error" in answer.text
    if field != "slug":
        assert 'value="gongshi"' in answer.text


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = Workbook()
    for row in (("词", "级别", "建议", "说明"), *rows):
        book.active.append(row)  # type: ignore[union-attr]  # a new book has a sheet
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def bring_in(room: Newsroom, data: bytes, by: str = "reviewer") -> Any:
    desk = room.desk_of(by)
    form = {"csrf": desk.csrf, "unit": str(room.office.bureau.id)}
    return desk.post("/console/words/import", data=form, files={"file": ("词表.xlsx", data)}, follow_redirects=False)


def listed(room: Newsroom) -> dict[str, tuple[str, str]]:
    with room.hub.works.read() as work:
        return {row.word: (row.level, row.instead) for row in work.session.scalars(select(ListedWord))}


def test_good_rows_come_in_and_the_others_are_shown_with_their_fault(room: Newsroom) -> None:
    data = workbook(
        ("供暖", "提示", "供热", ""),
        ("暖气片", "严重", "", ""),
        ("", "拦截", "", "没有词"),
        ("供暖", "拦截", "", "重复"),
        (None, None, None, None),
        ("严禁", "拦截", None, None),
    )
    answer = bring_in(room, data)
    assert answer.status_code == 200
    assert listed(room) == {"供暖": ("warn", "供热"), "严禁": ("block", "")}
    for word in ("暖气片", "没有填写“词”", "与第 2 行重复", "另有 3 行没有导入"):
        assert word in answer.text


def test_an_export_can_be_brought_in_again(room: Newsroom) -> None:
    assert bring_in(room, workbook(("供暖", "提示", "供热", "用词"))).status_code == 303
    exported = room.desk_of("author").get("/console/words/workbook").content
    sheet = load_workbook(io.BytesIO(exported)).active
    assert sheet is not None
    assert list(sheet.values) == [("词", "级别", "建议", "说明"), ("供暖", "提示", "供热", "用词")]
    assert bring_in(room, exported).status_code == 303
    assert listed(room) == {"供暖": ("warn", "供热")}


@pytest.mark.parametrize("data", [b"", b"not a workbook", workbook()[:200], "词,级别".encode()])
def test_what_is_no_workbook_is_refused(room: Newsroom, data: bytes) -> None:
    answer = bring_in(room, data)
    assert answer.status_code == 422
    assert "xlsx" in answer.text


def test_a_word_is_kept_by_hand_by_those_who_review(room: Newsroom) -> None:
    unit = str(room.office.bureau.id)
    word = {"unit": unit, "word": "供暖", "level": "block", "instead": "供热", "note": ""}
    assert room.desk_of("author").send_form("/console/words", **word).status_code == 403
    desk = room.desk_of("reviewer")
    assert desk.send_form("/console/words", **word).status_code == 303
    assert desk.send_form("/console/words", **{**word, "level": "warn"}).status_code == 303
    assert listed(room) == {"供暖": ("warn", "供热")}
    assert desk.send_form("/console/words", **{**word, "word": " "}).status_code == 422
    assert "供暖" in room.desk_of("author").get("/console/words?q=供&level=warn").text
    with room.hub.works.read() as work:
        row = work.session.scalars(select(ListedWord)).one()
    desk.send_form(f"/console/words/{row.id}/remove")
    assert listed(room) == {}


# --- the API ---------------------------------------------------------------------------------------------------


class Program:
    """A program with a person's token."""

    def __init__(self, room: Newsroom, name: str) -> None:
        with room.hub.works.write() as work:
            _token, text = tokens.create(work, room.office.person(name), "probe")
        self.browser = room.browser()
        self.headers = {"Authorization": f"Bearer {text}", "Accept": "application/json"}

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        return self.browser.request(method, f"/api/v1{path}", headers=self.headers, **body)


def test_a_program_writes_submits_and_signs(room: Newsroom) -> None:
    writer, reviewer = Program(room, "author"), Program(room, "reviewer")
    made = writer("POST", "/pieces", json={"column": "notices", "title": TITLE, "body": BODY})
    assert made.status_code == 201
    piece = made.json()
    saved = writer("PUT", f"/pieces/{piece['id']}", json={"version": piece["version"], "title": "改题", "body": BODY})
    assert saved.json()["title"] == "改题"
    stale = writer("PUT", f"/pieces/{piece['id']}", json={"version": piece["version"], "title": "旧题"})
    assert (stale.status_code, stale.json()["error"]) == (409, "Stale")
    picture = writer("POST", f"/pieces/{piece['id']}/pictures", files={"file": ("图.png", picture_bytes())}).json()
    assert picture["src"].startswith("/media/")
    offered = writer("GET", f"/pieces/{piece['id']}/accounts").json()["accounts"]
    account = next(one for one in offered if one["channel"] == "portal")
    sent = {"version": saved.json()["version"], "targets": [{"account": account["id"]}]}
    release = writer("POST", f"/pieces/{piece['id']}/submit", json=sent).json()
    assert release["state"] == "open"
    assert reviewer("GET", f"/releases/{release['id']}").json()["content"]["title"] == "改题"
    wrong = reviewer("POST", f"/releases/{release['id']}/sign", json={"hash": "0" * 64})
    assert (wrong.status_code, wrong.json()["error"]) == (409, "HashChanged")
    signed = reviewer("POST", f"/releases/{release['id']}/sign", json={"hash": release["hash"]}).json()
    assert signed["next_level"] == 2
    assert reviewer("POST", f"/releases/{release['id']}/proofs").json()["number"] == 1
    back = Program(room, "second_reviewer")("POST", f"/releases/{release['id']}/return", json={"reason": "日期有误"})
    assert back.json()["state"] == "returned"


def test_the_api_lists_and_checks_what_is_in_reach(room: Newsroom) -> None:
    piece = room.office.piece(body="<p>手机 13800138000</p>")
    program = Program(room, "author")
    assert [row["id"] for row in program("GET", "/pieces?column=notices&state=draft").json()["pieces"]] == [piece.id]
    found = program("GET", f"/pieces/{piece.id}/findings").json()["findings"]
    assert [(one["rule"], one["place"]) for one in found] == [("mobile", "body")]
    stranger = Program(room, "stranger")
    assert stranger("GET", "/pieces").json()["total"] == 0
    assert stranger("GET", f"/pieces/{piece.id}").status_code == 404
    assert stranger("POST", "/pieces", json={"column": "notices"}).status_code == 422


def test_what_a_program_does_not_name_stays_as_it_was(room: Newsroom) -> None:
    words = {"wechat": VariantDraft(title="微信题", digest="微信摘要"), "weibo": VariantDraft(body="微博文")}
    piece = room.office.piece(title=TITLE, body=BODY, summary="摘要", variants=words)
    program = Program(room, "author")
    sent = {"version": 1, "title": "改题", "variants": {"wechat": {"title": "微信改题"}}}
    saved = program("PUT", f"/pieces/{piece.id}", json=sent).json()
    before = {"title": "改题", "body": BODY, "summary": "摘要"}
    assert {name: saved[name] for name in before} == before
    assert saved["variants"]["wechat"] == {"title": "微信改题", "digest": "微信摘要", "body": "", "layout": False}
    assert saved["variants"]["weibo"]["body"] == "微博文"
    emptied = program("PUT", f"/pieces/{piece.id}", json={"version": saved["version"], "summary": ""}).json()
    assert (emptied["summary"], emptied["title"]) == ("", "改题")


def test_one_element_of_a_guide_is_saved_without_the_others(room: Newsroom) -> None:
    piece = room.office.piece(column="guides", title="报停指南")
    program = Program(room, "author")
    rows = [{"name": "身份证"}]
    first = {"version": 1, "fields": {"phone": "0000-12329", "materials": rows}}
    saved = program("PUT", f"/pieces/{piece.id}", json=first).json()
    then = {"version": saved["version"], "fields": {"place": "政务大厅"}}
    fields = program("PUT", f"/pieces/{piece.id}", json=then).json()["fields"]
    assert (fields["phone"], fields["place"]) == ("0000-12329", "政务大厅")
    assert [row["name"] for row in fields["materials"]] == ["身份证"]


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"fields": {"materials": ["身份证"]}}, "fields.materials"),
        ({"fields": {"materials": [{"nmae": "身份证"}]}}, "fields.materials.0.nmae"),
        ({"fields": {"telephone": "1"}}, "fields.telephone"),
        ({"variants": {"wechta": {"title": "x"}}}, "variants.wechta"),
        ({"cover_id": 999}, "cover_id"),
    ],
)
def test_nothing_that_a_program_sends_vanishes(room: Newsroom, sent: dict[str, Any], field: str) -> None:
    piece = room.office.piece(column="guides", title="报停指南")
    program = Program(room, "author")
    answer = program("PUT", f"/pieces/{piece.id}", json={"version": 1, "title": "改题", **sent})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    begun = program("POST", "/pieces", json={"column": "guides", "title": "新题", **sent})
    assert (begun.status_code, begun.json()["field"]) == (422, field)
    assert stored(room, piece.id)[1].title == "报停指南"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"version": 1, "title": "\\ud800坏\\u0000字"}', 200),
        ({"version": 1, "expires_at": "2026-04-08T10:00:00"}, 422),
        ({"version": 1, "fields": {"issued_on": ["list"]}}, 422),
        ({"title": "无版本"}, 422),
    ],
)
def test_whatever_a_program_sends_is_taken_or_refused_in_words(room: Newsroom, body: Any, status: int) -> None:
    piece = room.office.piece()
    program = Program(room, "author")
    program.headers["Content-Type"] = "application/json"
    content = body if isinstance(body, str) else json.dumps(body)
    answer = program("PUT", f"/pieces/{piece.id}", content=content)
    assert answer.status_code == status
    if status != 200:
        assert answer.json()["message"]


def test_roles_held_elsewhere_open_nothing_here(room: Newsroom) -> None:
    room.office.grant("stranger", Role.SIGNER, room.office.city)
    piece = room.office.piece()
    assert room.desk_of("stranger").get(f"/console/pieces/{piece.id}").status_code == 404


# --- what a piece names ----------------------------------------------------------------------------------------


def test_a_guide_is_picked_from_a_list_and_another_units_draft_is_refused_with_everything_kept(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        faq = Column(unit_id=room.office.bureau.id, slug="faq", name="常见问题", kind="faq")
        foreign = Column(unit_id=room.office.other.id, slug="foreign", name="水务指南", kind="guide")
        work.session.add_all([faq, foreign])
        work.session.flush()
    room.office.columns |= {"faq": faq, "foreign": foreign}
    hidden = room.office.piece(by="stranger", column="foreign", title="外单位未签发的指南")
    own = room.office.piece(column="guides", title="供热报停办理指南")
    piece = room.office.piece(column="faq", title="怎样报停？")
    page = room.desk_of("author").get(f"/console/pieces/{piece.id}").text
    assert f'<option value="供热报停办理指南〔{own.id}〕">' in page
    assert "外单位未签发的指南" not in page
    refused = send(room, piece, **{"title": "怎样停水？", "fields.guide": str(hidden.id)})
    assert refused.status_code == 422
    assert 'value="怎样停水？"' in refused.text
    assert "不是可以关联的办事指南" in refused.text
    assert "外单位未签发的指南" not in refused.text
    unread = send(room, piece, **{"title": "怎样停水？", "fields.guide": "报停指南"})
    assert unread.status_code == 422
    assert 'value="报停指南"' in unread.text
    assert send(room, piece, **{"fields.guide": f"供热报停办理指南〔{own.id}〕"}).status_code == 303
    assert stored(room, piece.id)[1].fields["guide"] == own.id
    assert f'value="供热报停办理指南〔{own.id}〕"' in room.desk_of("author").get(f"/console/pieces/{piece.id}").text
