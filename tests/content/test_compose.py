"""Writing: what is saved, what a save after signing does, and what never gets in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from content import compose, public
from content.compose import VariantDraft, clean_fields, must_know
from content.errors import NoRight
from content.kinds import FieldSpec, kind_of
from content.kinds.base import Kind
from content.models import Asset, Column, Piece, Release, Revision, Variant
from content.states import PieceState, ReleaseState
from kernel.audit import AuditLine
from kernel.errors import Invalid, Stale, WrongState
from kernel.typed import tidy
from tests.factories import BODY, TITLE, Office, draft, picture_bytes

ROWS = Kind(
    "form",
    "表",
    1,
    (
        FieldSpec("name", "名称", limit=4),
        FieldSpec("day", "日期", "date"),
        FieldSpec("fee", "费用", "number"),
        FieldSpec("free", "免费", "flag"),
        FieldSpec("grade", "等级", "choice", choices=(("a", "甲"), ("b", "乙"))),
        FieldSpec("basis", "依据", "lines", limit=5),
        FieldSpec("steps", "环节", "rows", columns=(FieldSpec("what", "做什么"), FieldSpec("must", "必需", "flag"))),
    ),
)


def state(office: Office, piece: Piece) -> tuple[str, int, list[str]]:
    """Where a piece stands: its state, how many revisions it has, the states of its releases."""
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revisions = work.session.scalars(select(Revision.id).filter_by(piece_id=piece.id)).all()
        releases = work.session.scalars(select(Release.state).filter_by(piece_id=piece.id).order_by(Release.id)).all()
        return fresh.state, len(revisions), list(releases)


def newest(office: Office, piece: Piece) -> Revision:
    with office.works.read() as work:
        return work.session.get_one(Revision, work.session.get_one(Piece, piece.id).revision_id)


def acts(office: Office) -> list[str]:
    with office.works.read() as work:
        return list(work.session.scalars(select(AuditLine.act).order_by(AuditLine.seq)))


def test_a_new_piece_belongs_to_its_columns_unit(office: Office) -> None:
    piece = office.piece()
    assert (piece.unit_id, piece.kind, piece.state) == (office.bureau.id, "notice", PieceState.DRAFT)
    assert piece.title == TITLE
    assert acts(office) == ["piece.created"]


@pytest.mark.parametrize("by", ["reviewer", "signer", "stranger", "system_admin", "auditor"])
def test_only_officers_of_the_unit_write(office: Office, by: str) -> None:
    with pytest.raises(NoRight):
        office.piece(by=by)
    piece = office.piece()
    with pytest.raises(NoRight):
        office.save(piece.id, by=by)


def test_a_closed_column_takes_no_new_pieces(office: Office) -> None:
    with office.works.write() as work:
        work.session.get_one(Column, office.columns["news"].id).active = False
    with pytest.raises(Invalid, match="已停用"):
        office.piece(column="news")


def test_a_stale_save_changes_nothing(office: Office) -> None:
    piece = office.piece()
    office.save(piece.id, by="officer", title="同事改的标题")
    with office.working("author") as (work, who), pytest.raises(Stale) as refusal:
        compose.save(work, who, work.session.get_one(Piece, piece.id), draft(title="我的标题"), version=1)
    assert refusal.value.field == "version"
    assert newest(office, piece).title == "同事改的标题"


def test_saving_a_draft_writes_the_same_revision(office: Office) -> None:
    piece = office.piece()
    office.save(piece.id, title="新标题", variants={"wechat": VariantDraft(title="微信标题")})
    office.save(piece.id, title="更新的标题", variants={"wechat": VariantDraft(title=" ")})
    assert state(office, piece) == (PieceState.DRAFT, 1, [])
    with office.works.read() as work:
        assert work.session.scalars(select(Variant)).all() == []
        assert work.session.get_one(Piece, piece.id).title == "更新的标题"


def test_saving_after_submitting_starts_a_revision_and_voids_the_release(office: Office) -> None:
    piece = office.piece()
    release = office.submit(piece.id)
    office.save(piece.id, body="<p>改了一个字</p>")
    assert state(office, piece) == (PieceState.DRAFT, 2, [ReleaseState.VOID])
    with office.works.read() as work:
        assert work.session.get_one(Revision, release.revision_id).body == BODY
    assert "release.voided" in acts(office)


def test_saving_after_signing_voids_the_signatures(office: Office) -> None:
    release = office.signed_release()
    with office.works.read() as work:
        piece = work.session.get_one(Piece, release.piece_id)
    assert state(office, piece) == (PieceState.SIGNED, 1, [ReleaseState.SIGNED])
    office.save(piece.id, title="改了")
    assert state(office, piece) == (PieceState.DRAFT, 2, [ReleaseState.VOID])


def test_editing_what_is_live_leaves_the_public_release_alone(office: Office) -> None:
    release = office.signed_release()
    with office.works.write() as work:
        public.went_live(work, release.id, work.now)
    office.save(release.piece_id, title="更正后的标题")
    with office.works.read() as work:
        shown = public.release_shown(work.session, release.piece_id, work.now)
        assert shown is not None
        assert (shown.id, shown.state, shown.content["title"]) == (release.id, ReleaseState.SIGNED, TITLE)


def test_reopening_copies_every_word(office: Office) -> None:
    variants = {"wechat": VariantDraft(title="微信标题", body="<p>样式</p>", layout=True)}
    piece = office.piece(summary="摘要", keywords="供热", source_name="新华社", variants=variants)
    office.submit(piece.id)
    first = newest(office, piece)
    with office.working("author") as (work, who):
        compose.reopen(work, who, work.session.get_one(Piece, piece.id))
    second = newest(office, piece)
    assert (second.number, second.frozen) == (2, False)
    for name in ("title", "summary", "body", "fields", "source_name", "editor", "keywords"):
        assert getattr(second, name) == getattr(first, name), name
    with office.works.read() as work:
        own = work.session.scalars(select(Variant).filter_by(revision_id=second.id)).one()
        assert (own.title, own.body, own.layout) == ("微信标题", "<p>样式</p>", True)
    with office.working("author") as (work, who):
        compose.reopen(work, who, work.session.get_one(Piece, piece.id))
    assert newest(office, piece).id == second.id


def test_a_cover_of_another_piece_is_not_taken(office: Office) -> None:
    picture = office.picture(office.piece(title="甲").id)
    piece = office.piece(title="乙")
    assert office.save(piece.id, cover_id=picture.id).cover_id is None
    own = office.picture(piece.id)
    assert office.save(piece.id, cover_id=own.id).cover_id == own.id
    with office.works.read() as work:
        assert own.sha256 == work.session.get_one(Asset, picture.id).sha256


def test_removing_a_cover_takes_it_off(office: Office) -> None:
    piece = office.piece()
    picture = office.picture(piece.id)
    office.save(piece.id, cover_id=picture.id, cover_x=0, cover_y=100)
    with office.working("author") as (work, who):
        compose.remove_asset(work, who, work.session.get_one(Asset, picture.id))
    newly = newest(office, piece)
    assert (newly.cover_id, newly.cover_x, newly.cover_y) == (None, None, None)
    assert office.blobs.get(picture.sha256)


@pytest.mark.parametrize("change", ["picture", "attachment", "describe", "remove"])
def test_changing_pictures_or_files_after_submitting_voids(office: Office, change: str) -> None:
    piece = office.piece()
    picture = office.picture(piece.id)
    office.submit(piece.id)
    if change == "picture":
        office.picture(piece.id, color="red")
    elif change == "attachment":
        office.attachment(piece.id)
    else:
        with office.working("author") as (work, who):
            asset = work.session.get_one(Asset, picture.id)
            if change == "describe":
                compose.describe_picture(work, who, asset, "另一说明", decorative=False)
            else:
                compose.remove_asset(work, who, asset)
    assert state(office, piece) == (PieceState.DRAFT, 2, [ReleaseState.VOID])


def test_saying_the_same_description_again_voids_nothing(office: Office) -> None:
    piece = office.piece()
    picture = office.picture(piece.id, alt="供热站")
    office.submit(piece.id)
    with office.working("author") as (work, who):
        compose.describe_picture(work, who, work.session.get_one(Asset, picture.id), " 供热站 ", decorative=False)
    assert state(office, piece) == (PieceState.REVIEW, 1, [ReleaseState.OPEN])


def test_trash_and_back(office: Office) -> None:
    piece = office.piece()
    with office.working("author") as (work, who):
        compose.trash(work, who, work.session.get_one(Piece, piece.id))
    with pytest.raises(WrongState):
        office.save(piece.id)
    with office.working("author") as (work, who):
        compose.restore(work, who, work.session.get_one(Piece, piece.id))
    assert state(office, piece)[0] == PieceState.DRAFT
    assert acts(office)[-2:] == ["piece.trashed", "piece.restored"]


def test_what_the_public_sees_does_not_go_into_the_trash(office: Office) -> None:
    release = office.signed_release()
    with office.works.write() as work:
        public.went_live(work, release.id, work.now)
    office.save(release.piece_id)
    with office.working("author") as (work, who), pytest.raises(WrongState, match="公众仍可看到"):
        compose.trash(work, who, work.session.get_one(Piece, release.piece_id))


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"title": "长" * 301}, "title"),
        ({"summary": "长" * 501}, "summary"),
        ({"keywords": "长" * 301}, "keywords"),
        ({"editor": "长" * 61}, "editor"),
        ({"source_url": "javascript:alert(1)"}, "source_url"),
        ({"variants": {"weibo": VariantDraft(digest="长" * 1001)}}, "variants.weibo.digest"),
        ({"variants": {"wechat": VariantDraft(title="长" * 301)}}, "variants.wechat.title"),
        ({"fields": {"document_number": "长" * 501}}, "fields.document_number"),
        ({"fields": {"issued_on": "2026-02-30"}}, "fields.issued_on"),
    ],
)
def test_nothing_is_cut_off_silently(office: Office, words: dict[str, object], field: str) -> None:
    piece = office.piece()
    with pytest.raises(Invalid) as refusal:
        office.save(piece.id, **words)
    assert refusal.value.field == field
    assert newest(office, piece).title == TITLE


def test_characters_that_no_text_has_are_left_out(both: Office) -> None:
    piece = both.piece(
        title="供热\x00延长\ud800", body="<p>正\x07文</p>", fields={"document_number": "云\x00建"}, summary="a\r\nb"
    )
    attachment = both.attachment(piece.id, name="名\x00单/甲.txt")
    revision = newest(both, piece)
    assert (revision.title, revision.body, revision.summary) == ("供热延长", "<p>正文</p>", "a\nb")
    assert revision.fields["document_number"] == "云建"
    assert attachment.name == "名单_甲.txt"


@given(st.text())
def test_tidy_text_can_be_kept_and_hashed(text: str) -> None:
    assert "\x00" not in tidy(text)
    tidy(text).encode()


def test_script_in_a_text_does_not_get_in(office: Office) -> None:
    piece = office.piece(body="<p onclick=x>字<script>alert(1)</script></p>", title="<b>标题</b>")
    assert newest(office, piece).body == "<p>字</p>"
    assert newest(office, piece).title == "<b>标题</b>"


# --- the kind's own fields -------------------------------------------------------------------------------------


def test_each_field_becomes_its_type() -> None:
    sent = {
        "name": " 甲 ",
        "day": "2026-03-02",
        "fee": "12.50",
        "free": "on",
        "grade": "b",
        "basis": "第一条\n\n 第二条很长 ",
        "steps": [{"what": "受理", "must": "1", "extra": "x"}, {"what": "", "must": ""}],
        "unknown": "x",
    }
    assert clean_fields(ROWS, sent) == {
        "name": "甲",
        "day": "2026-03-02",
        "fee": 12.5,
        "free": True,
        "grade": "b",
        "basis": ["第一条", "第二条很长"],
        "steps": [{"what": "受理", "must": True}],
    }


def test_empty_fields_are_empty_of_their_type() -> None:
    empty = {"name": "", "day": "", "fee": None, "free": False, "grade": "", "basis": [], "steps": []}
    assert clean_fields(ROWS, {}) == empty
    assert clean_fields(ROWS, {"steps": "", "basis": None, "fee": ""}) == empty


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "五个字太长"},
        {"day": "2026/3/2"},
        {"day": "2026-13-01"},
        {"fee": "十元"},
        {"fee": "nan"},
        {"fee": "1e999"},
        {"fee": {}},
        {"grade": "c"},
        {"name": {"zh": "甲"}},
        {"basis": {"1": "第一条"}},
        {"steps": "no list"},
        {"steps": [{"what": "受理"}, "no row"]},
        {"steps": [{"what": ["受理"]}]},
    ],
)
def test_a_wrong_value_is_refused_at_its_field(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        clean_fields(ROWS, wrong)
    assert refusal.value.field == f"fields.{next(iter(wrong))}"


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "甲", "nmae": "甲"}, "fields.nmae"),
        ({"steps": [{"what": "受理"}, {"waht": "审查"}]}, "fields.steps.1.waht"),
        ({"steps": {"what": "受理"}}, "fields.steps"),
    ],
)
def test_a_name_that_the_kind_does_not_have_is_told(sent: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        must_know(ROWS, sent)
    assert refusal.value.field == field
    must_know(ROWS, {"name": "甲", "steps": [{"what": "受理"}]})


Jsonish = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["what", "must", "x"]), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([spec.name for spec in ROWS.fields]), Jsonish))
def test_whatever_is_sent_is_cleaned_or_refused_in_words(sent: dict[str, object]) -> None:
    try:
        cleaned = clean_fields(ROWS, sent)
    except Invalid:
        return
    assert clean_fields(ROWS, cleaned) == cleaned


@pytest.mark.parametrize("line", ["法" * 6, [], {}])
def test_no_line_is_cut_or_guessed_at(line: object) -> None:
    with pytest.raises(Invalid) as refused:
        clean_fields(ROWS, {"basis": ["民法典", line]})
    assert refused.value.field == "fields.basis"


def test_a_policy_reads_as_lines_of_text() -> None:
    kind = kind_of("policy")
    fields = clean_fields(kind, {"document_number": "云政发〔2026〕7号", "validity": "in_force"})
    assert kind.plain(fields) == "发文字号：云政发〔2026〕7号\n有效性：有效"


# --- attachments -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["病毒.exe", "脚本.html", "图.svg", "无后缀", "网页.PDF.js"])
def test_other_files_are_refused_with_what_may_be_sent(office: Office, name: str) -> None:
    piece = office.piece()
    with pytest.raises(Invalid, match=r"\.pdf") as refusal:
        office.attachment(piece.id, name=name, data=picture_bytes())
    assert refusal.value.field == "file"


def test_the_ending_counts_in_capitals_too(office: Office) -> None:
    assert office.attachment(office.piece().id, name="通知.PDF", data=b"%PDF-1.7").media_type == "application/pdf"


@pytest.mark.parametrize("typed", ["99999999999999999999", 10**20, "²", "-3", "1.5"])
def test_a_field_that_names_a_piece_takes_only_a_number_that_a_piece_may_have(typed: object) -> None:
    with pytest.raises(Invalid) as refused:
        clean_fields(kind_of("faq"), {"guide": typed})
    assert refused.value.field == "fields.guide"
