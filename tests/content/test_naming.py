"""What a piece may name: never another unit's unsigned text, and never a title that nobody signed."""

from __future__ import annotations

from typing import Any

import pytest

from content import naming, public, release, snapshot
from content.models import Column, Piece, PublicLink, Revision
from content.snapshot import Window
from content.states import PieceState
from kernel.errors import Invalid
from tests.factories import PORTAL, Office

SECRET = "关于人事调整的内部草稿"


@pytest.fixture
def asked(office: Office) -> Office:
    """The office with a column for questions, and one for guides of the other unit and of the city."""
    with office.works.write() as work:
        rows = {
            "faq": Column(unit_id=office.bureau.id, slug="faq", name="常见问题", kind="faq"),
            "feature": Column(unit_id=office.bureau.id, slug="feature", name="专题", kind="feature"),
            "foreign": Column(unit_id=office.other.id, slug="foreign", name="水务指南", kind="guide"),
        }
        work.session.add_all(rows.values())
        work.session.flush()
    office.columns |= rows
    return office


def faq(office: Office, guide: Any) -> Piece:
    return office.piece(column="faq", title="怎样办？", fields={"guide": guide, "wordings": ["怎么办"]})


def links_of(office: Office, piece: Piece) -> dict[str, Any]:
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        targets = office.targets("portal")
        content = snapshot.compose(work.session, office.engine, fresh, revision, targets, Window(), PORTAL)
        return dict(content["links"])


def findings(office: Office, piece: Piece) -> list[str]:
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        return [found.message for found, _lift in release.check(work.session, fresh, revision) if found.rule == "link"]


def show(office: Office, piece_id: int, by: str = "stranger") -> None:
    """Makes a piece public under a title of its own, as a sent release does."""
    with office.works.write() as work:
        opened = release.submit(
            work, office.who(by), work.session.get_one(Piece, piece_id),
            office.targets("portal"), Window(), engine=office.engine, portal=PORTAL,
        )  # fmt: skip
        public.went_live(work, opened.id, work.now)


def guide_of_the_other(office: Office, **words: Any) -> Piece:
    fields = {"department": "云州市水务局", **words.pop("fields", {})}
    return office.piece(by="stranger", column="foreign", title=SECRET, fields=fields, **words)


def test_another_units_draft_is_refused_and_its_title_told_to_nobody(asked: Office) -> None:
    hidden = guide_of_the_other(asked)
    for sent in (hidden.id, str(hidden.id), naming.pick_label("任意", hidden.id)):
        with pytest.raises(Invalid) as refused:
            faq(asked, sent)
        assert refused.value.field == "fields.guide"
        assert SECRET not in refused.value.message()
    with pytest.raises(Invalid) as none_there:
        faq(asked, 999_999)
    # Nothing tells a hidden piece from none.
    assert none_there.value.message().replace("999999", str(hidden.id)) == refused.value.message()
    piece = faq(asked, "")
    with asked.works.read() as work:
        offered = naming.offered(work.session, work.session.get_one(Piece, piece.id))
    assert hidden.id not in [number for number, _title in offered["guide"]]


def licence(office: Office, by: str = "officer", column: str = "guides") -> Piece:
    return office.piece(by=by, column=column, title="户口迁移审批", fields={"item_type": "行政许可"})


def lacks_a_question(office: Office, piece: Piece) -> bool:
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        return any("常见问题" in found.message for found, _lift in release.check(work.session, fresh, revision))


def test_a_licence_has_a_question_once_one_names_it(asked: Office) -> None:
    guide, other = licence(asked), licence(asked)
    question = faq(asked, other.id)
    assert lacks_a_question(asked, guide), "a question about another guide is none of its"
    asked.save(question.id, fields={"guide": guide.id, "wordings": ["怎么办"]})
    assert not lacks_a_question(asked, guide)
    assert lacks_a_question(asked, other), "what the question said before counts no more"
    with asked.works.write() as work:
        work.session.get_one(Piece, question.id).state = PieceState.TRASH
    assert lacks_a_question(asked, guide)


def test_a_public_question_counts_wherever_it_was_written(asked: Office) -> None:
    guide = licence(asked, by="stranger", column="foreign")
    question = faq(asked, "")
    with asked.works.write() as work:
        revision = work.session.get_one(Revision, question.revision_id)
        revision.fields = {**revision.fields, "guide": guide.id}
    assert lacks_a_question(asked, guide), "another unit's draft is nobody else's to see"
    show(asked, question.id, by="officer")
    with asked.works.write() as work:
        work.session.add(PublicLink(from_id=question.id, name="guide", to_id=guide.id))
    assert not lacks_a_question(asked, guide)
    with asked.works.write() as work:
        public.withdrawn(work, question.id, work.now, "内容有误")
    assert lacks_a_question(asked, guide)


def test_one_that_was_kept_before_is_not_signed_either(asked: Office) -> None:
    hidden = guide_of_the_other(asked)
    piece = faq(asked, "")
    with asked.works.write() as work:
        revision = work.session.get_one(Revision, piece.revision_id)
        revision.fields = {**revision.fields, "guide": hidden.id}
    assert links_of(asked, piece) == {}
    assert len(findings(asked, piece)) == 1


def test_what_another_unit_made_public_is_named_by_its_public_title(asked: Office) -> None:
    shown = asked.piece(by="stranger", column="water", title="停水公告")
    show(asked, shown.id)
    with asked.works.write() as work:
        work.session.get_one(Piece, shown.id).title = SECRET  # Written on, and not signed.
    piece = asked.piece(column="feature", title="专题", fields={"collected": [{"section": "一", "piece": shown.id}]})
    assert [link["title"] for link in links_of(asked, piece).values()] == ["停水公告"]
    with asked.works.read() as work:
        offered = naming.offered(work.session, work.session.get_one(Piece, piece.id))
    assert (shown.id, "停水公告") in offered["collected"]
    with asked.works.write() as work:
        public.withdrawn(work, shown.id, work.now, "内容有误")
    assert links_of(asked, piece) == {}


def test_a_piece_of_another_kind_is_no_guide(asked: Office) -> None:
    notice = asked.signed_release(column="notices")
    with pytest.raises(Invalid, match="办事指南"):
        faq(asked, notice.piece_id)
    with pytest.raises(Invalid, match="政策文件"):
        asked.piece(column="explained", fields={"policy": notice.piece_id})


def test_the_own_units_unsigned_piece_may_be_named_and_is_linked_once_it_is_signed(asked: Office) -> None:
    notice = asked.piece(title="供热公告（草稿）")
    piece = asked.piece(column="feature", title="专题", fields={"collected": [{"section": "一", "piece": notice.id}]})
    assert links_of(asked, piece) == {}
    assert "尚未签发" in findings(asked, piece)[0]
    asked.save(notice.id, title="供热公告")
    asked.sign_off(asked.submit(notice.id).id)
    assert links_of(asked, piece)[f"collected.{notice.id}"]["title"] == "供热公告"
    assert findings(asked, piece) == []


@pytest.mark.parametrize("sent", ["abc", "1.5", "-3", "0", "9" * 12, "〔x〕", "²", "9999999999"])
def test_what_is_no_number_is_refused_at_its_field(asked: Office, sent: str) -> None:
    with pytest.raises(Invalid) as refused:
        faq(asked, sent)
    assert refused.value.field == "fields.guide"
    with pytest.raises(Invalid) as in_rows:
        asked.piece(column="feature", fields={"collected": [{"section": "", "piece": sent}]})
    assert in_rows.value.field == "fields.collected"


def test_a_refusal_changes_nothing(asked: Office) -> None:
    hidden, piece = guide_of_the_other(asked), faq(asked, "")
    with pytest.raises(Invalid):
        asked.save(piece.id, title="改了", fields={"guide": hidden.id})
    with asked.works.read() as work:
        assert work.session.get_one(Piece, piece.id).title == "怎样办？"
