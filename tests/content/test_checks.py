"""Every rule looks at every place, and a block is lifted only by a signer, for these words only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from content import checks, links, release
from content.checks import Document, Finding, Part, Word, html_part
from content.compose import VariantDraft
from content.errors import Blocked, NoRight
from content.kinds import all_kinds, kind_of
from content.models import Lift, ListedWord, Piece, Revision
from kernel.audit import AuditLine
from kernel.errors import Invalid
from kernel.people import Role
from tests.factories import OWN_HOSTS, Office

IDENTITY = "110101199003074514"


def document(**given_fields: object) -> Document:
    parts = [Part("title", "标题", "标题"), html_part("body", "正文", "<p>正文</p>")]
    return replace(Document(kind_of("news"), "标题", parts), **given_fields)  # type: ignore[arg-type]  # checked by use


def with_text(text: str, place: str = "body") -> Document:
    parts = [Part("title", "标题", "标题"), html_part("body", "正文", "<p>正文</p>")]
    return document(parts=[part for part in parts if part.place != place] + [Part(place, place, text)])


def rules(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.level) for finding in found]


def findings(office: Office, piece: Piece) -> dict[str, list[str]]:
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        found: dict[str, list[str]] = {}
        for finding, _lift in release.check(work.session, fresh, revision, own_hosts=OWN_HOSTS):
            found.setdefault(finding.rule, []).append(finding.place)
        return found


def test_a_clean_text_has_no_findings() -> None:
    assert checks.run(document()) == []


@pytest.mark.parametrize(
    ("text", "rule", "level", "excerpt"),
    [
        ("经中华人民共合国批准", "misstatement", "block", "中华人民共合国"),
        ("中华\u200b人民共\ufeff合国", "misstatement", "block", "中华人民共合国"),
        (f"身份证 {IDENTITY}。", "identity", "block", "11*************514"),
        (f"身份证 {IDENTITY[:-1]}x", "identity", None, ""),
        ("流水号 110101199003074515", "identity", None, ""),
        ("电话13800138000", "mobile", "block", "138****8000"),
        (f"身份证 {IDENTITY[:6]} {IDENTITY[6:14]} {IDENTITY[14:]}。", "identity", "block", "11*************514"),
        ("电话1380 013 8000", "mobile", "block", "138****8000"),
        ("电话138 0013-8000", "mobile", "block", "138****8000"),
        ("电话+86 13800138000", "mobile", "block", "138****8000"),
        ("电话１３８００１３８０００", "mobile", "block", "138****8000"),
        ("单号A13800138000B", "mobile", None, ""),
        ("订单 2138001380001", "mobile", None, ""),
        ("热线 0571-12345", "mobile", None, ""),
        ("密级：机密★10年", "secrecy", "block", "机密★"),
        ("秘密 5年", "secrecy", "block", "秘密 5年"),
        ("此件不公开", "secrecy", "block", "此件不公开"),
        ("仅供参考", "secrecy", "warn", "仅供参考"),
        ("保守商业秘密", "secrecy", None, ""),
    ],
)
@pytest.mark.parametrize("place", ["title", "body", "wechat.title", "weibo.body", "attachment.7"])
def test_each_rule_in_each_place(place: str, text: str, rule: str, level: str | None, excerpt: str) -> None:
    found = [finding for finding in checks.run(with_text(text, place)) if finding.rule == rule]
    if level is None:
        assert found == []
    else:
        assert {(finding.level, finding.place) for finding in found} == {(level, place)}
        assert excerpt in {finding.excerpt for finding in found}


def test_an_identity_number_is_shown_masked() -> None:
    (finding,) = checks.run(with_text(IDENTITY))
    assert IDENTITY not in finding.message + finding.excerpt
    assert "11*************514" in finding.message


def test_the_check_digit_tells_identity_numbers_apart() -> None:
    body = "11010519491231002"  # The example of GB 11643, whose check digit is X.
    assert [digit for digit in "0123456789Xx" if checks.run(with_text(body + digit))] == ["X", "x"]


@pytest.mark.parametrize(("level", "message"), [("block", "建议改为“云州”"), ("warn", "（旧称）")])
def test_a_listed_word_says_what_to_write_instead(level: checks.Level, message: str) -> None:
    listed = replace(with_text("运州市"), words=[Word("运州", level, "云州", "旧称")])
    (finding,) = checks.run(listed)
    assert (finding.rule, finding.level) == ("word", level)
    assert message in finding.message


def test_blocks_come_first_and_nothing_twice() -> None:
    found = checks.run(with_text("仅供参考 仅供参考 13800138000 13800138000"))
    assert rules(found) == [("mobile", "block"), ("secrecy", "warn")]


def test_required_fields_and_the_kinds_own_rules() -> None:
    empty = Document(kind_of("policy"), " ", [html_part("body", "正文", "<p> </p>")], {"validity": "repealed"})
    places = {finding.place for finding in checks.run(empty) if finding.rule == "required"}
    assert {"title", "body", "fields.document_number", "fields.issuer"} <= places
    assert ("consistency", "warn") in rules(checks.run(empty))


def test_a_picture_alone_is_a_body() -> None:
    parts = [html_part("body", "正文", f'<p>供热站检修现场的情况如下图所示<img src="/media/{"a" * 64}.jpg"></p>')]
    assert checks.run(document(parts=parts)) == []


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://www.gov.cn/a", []),
        ("https://zjj.yunzhou.gov.cn/a", []),
        ("https://www.yunzhou.example/a", []),
        ("/notices/1.html", []),
        ("#top", []),
        ("https://notgov.cn/a", [("foreign_link", "warn")]),
        ("https://gov.cn.evil.example/a", [("foreign_link", "warn")]),
        ("http://[broken/a", [("foreign_link", "warn")]),
        ("https://www.gov.cn/dead", [("dead_link", "block")]),
        ("https://www.gov.cn/dead#part", [("dead_link", "block")]),
        ("https://www.gov.cn/slow", [("unsure_link", "warn")]),
    ],
)
def test_links(link: str, expected: list[tuple[str, str]]) -> None:
    part = html_part("body", "正文", f'<p>见<a href="{link}">此处</a></p>')
    looked_at = document(
        parts=[part],
        own_hosts=OWN_HOSTS,
        dead_links={"https://www.gov.cn/dead": "404"},
        unsure_links={"https://www.gov.cn/slow": "连接超时"},
    )
    assert rules(checks.run(looked_at)) == expected


@pytest.mark.parametrize(
    ("html", "rule"),
    [
        ('<img data-unread="1" alt="">', "unread_picture"),
        ('<p class="unread-picture">图</p>', "unread_picture"),
        ("<img>", "unread_picture"),
        ('<img src="https://mmbiz.example/a.jpg">', "foreign_picture"),
    ],
)
def test_a_picture_that_is_not_kept_here_blocks(html: str, rule: str) -> None:
    found = checks.run(document(parts=[html_part("body", "正文", f"<p>字</p>{html}")]))
    assert rules(found) == [(rule, "block")]


def test_pictures_need_a_description_or_the_word_decorative() -> None:
    shown = [("a.jpg", "", False), ("b.jpg", " ", True), ("c.jpg", "供热站", False)]
    (finding,) = checks.run(document(pictures=shown))
    assert finding.rule == "picture_text"
    assert "a.jpg" in finding.message


def test_the_key_ties_a_finding_to_its_words_and_place() -> None:
    here, there = checks.run(with_text("13800138000")), checks.run(with_text("13800138000", "title"))
    other = checks.run(with_text("13900139000"))
    assert len({found[0].key for found in (here, there, other)}) == 3
    assert here[0].key == checks.run(with_text("前后文不同 13800138000"))[0].key


@given(st.text(max_size=200))
def test_no_text_breaks_the_checks(text: str) -> None:
    for finding in checks.run(document(parts=[html_part("body", "正文", text), Part("title", "标题", text)])):
        assert finding.message


def test_every_built_in_misstatement_is_found_and_mended_by_its_own_advice() -> None:
    assert len(checks.misstatements()) > 20
    for wrong, right, _why in checks.misstatements():
        assert any(finding.rule == "misstatement" for finding in checks.run(with_text(wrong))), wrong
        assert not any(finding.excerpt == wrong for finding in checks.run(with_text(right))), right


def test_every_kind_can_be_checked_empty() -> None:
    for kind in all_kinds().values():
        assert any(finding.level == "block" for finding in checks.run(Document(kind, "", [])))


# --- in the office: fields, variants, attachments, lifting -----------------------------------------------------


def test_variants_and_attachments_are_looked_into(office: Office) -> None:
    variants = {"wechat": VariantDraft(title="拨13800138000"), "weibo": VariantDraft(body="电话<p 13900139000")}
    piece = office.piece(variants=variants)
    attachment = office.attachment(piece.id, name="名单.txt", data=f"张三 {IDENTITY}".encode())
    found = findings(office, piece)
    assert found["mobile"] == ["wechat.title", "weibo.body"]
    assert found["identity"] == [f"attachment.{attachment.id}"]


def test_a_file_that_cannot_be_read_asks_for_a_person(office: Office) -> None:
    piece = office.piece()
    office.attachment(piece.id, name="扫描件.pdf", data=b"%PDF-1.7")
    office.attachment(piece.id, name="说明.txt", data="说明".encode())
    assert findings(office, piece) == {"unread_file": ["attachments"]}


def test_a_film_is_submitted_with_its_captions_whose_words_are_checked(office: Office) -> None:
    piece = office.piece(kind="video", fields={"transcript": "供热站今日检修。"})
    office.attachment(piece.id, name="片.mp4", data=b"film")
    assert findings(office, piece)["consistency"] == ["fields.captions"]
    kept = office.attachment(
        piece.id, name="片.srt", data="1\n00:00:01,000 --> 00:00:02,000\n请拨13800138000\n".encode()
    )
    found = findings(office, piece)
    assert "consistency" not in found
    assert found["mobile"] == [f"attachment.{kept.id}"]


def test_words_of_the_unit_and_of_those_above_count(office: Office) -> None:
    with office.works.write() as work:
        for unit, word in ((office.city, "供暖"), (office.bureau, "暖气"), (office.other, "供热")):
            work.session.add(ListedWord(unit_id=unit.id, word=word, level="warn"))
    assert len(findings(office, office.piece(body="<p>供暖、暖气、供热</p>"))["word"]) == 2


def test_the_same_title_again_is_pointed_out(office: Office) -> None:
    office.piece(title="停水通知")
    assert findings(office, office.piece(title="停水通知"))["duplicate"] == ["title"]


def test_a_picture_of_another_unit_is_not_ours_to_show(office: Office) -> None:
    theirs = office.piece(by="stranger", column="water")
    picture = office.picture(theirs.id, by="stranger", color="red")
    piece = office.piece(body=f'<p>供热站检修现场的情况如下图所示<img src="/media/{picture.sha256}.png"></p>')
    assert findings(office, piece)["lost_picture"] == ["pictures"]


def test_a_picture_borrowed_from_our_own_piece_needs_its_description(office: Office) -> None:
    picture = office.picture(office.piece().id, alt="")
    piece = office.piece(
        title="另一篇", body=f'<p>供热站检修现场的情况如下图所示<img src="/media/{picture.sha256}.png"></p>'
    )
    assert findings(office, piece)["picture_text"] == ["pictures"]


def lift(office: Office, by: str, piece: Piece, reason: str = "经核实为公开值班电话") -> Lift:
    with office.working(by) as (work, who):
        fresh = work.session.get_one(Piece, piece.id)
        revision = work.session.get_one(Revision, fresh.revision_id)
        key = release.check(work.session, fresh, revision)[0][0].key
        return release.lift(work, who, fresh, key, reason)


def test_the_signer_lifts_with_a_reason_and_leaves_a_trace(office: Office) -> None:
    piece = office.piece(body="<p>值班手机 13800138000</p>")
    lift(office, "signer", piece)
    lift(office, "signer", piece)
    office.submit(piece.id)
    with office.works.read() as work:
        assert len(work.session.scalars(select(Lift)).all()) == 1
        assert work.session.scalars(select(AuditLine.act).where(AuditLine.act == "finding.lifted")).all() == [
            "finding.lifted"
        ]


def test_a_lifting_ends_with_the_words_it_was_given_for(office: Office) -> None:
    piece = office.piece(body="<p>值班手机 13800138000</p>")
    lift(office, "signer", piece)
    office.save(piece.id, body="<p>值班手机 13900139000</p>")
    with office.works.read() as work:
        fresh = work.session.get_one(Piece, piece.id)
        pairs = release.check(work.session, fresh, work.session.get_one(Revision, fresh.revision_id))
    assert [(finding.rule, found_lift) for finding, found_lift in pairs] == [("mobile", None)]


@pytest.mark.parametrize("by", ["author", "reviewer", "stranger", "foreign_signer"])
def test_nobody_else_lifts(office: Office, by: str) -> None:
    piece = office.piece(body="<p>手机 13800138000</p>")
    with pytest.raises(NoRight):
        lift(office, by, piece)


def test_a_signer_does_not_lift_on_a_text_he_wrote_himself(office: Office) -> None:
    office.grant("officer", Role.SIGNER)
    piece = office.piece()
    office.submit(piece.id)
    office.save(piece.id, by="officer", body="<p>手机 13800138000</p>")
    with pytest.raises(NoRight):
        lift(office, "officer", piece)


def test_lifting_needs_a_reason_and_something_to_lift(office: Office) -> None:
    piece = office.piece(body="<p>手机 13800138000</p>")
    with pytest.raises(Invalid, match="放行须填写理由") as refusal:
        lift(office, "signer", piece, " ")
    assert refusal.value.field == "reason"
    with office.working("signer") as (work, who), pytest.raises(Invalid, match="已不存在"):
        release.lift(work, who, work.session.get_one(Piece, piece.id), "0" * 64, "理由")


def test_an_empty_field_is_filled_in_not_lifted(office: Office) -> None:
    with pytest.raises(Invalid, match="不能放行"):
        lift(office, "signer", office.piece(title=" "))


def test_a_dead_link_blocks_until_a_signer_lifts_it(office: Office) -> None:
    piece = office.piece(body='<p>详见<a href="https://www.gov.cn/dead">旧文</a>，并请留意后续通知。</p>')
    with office.works.write() as work:
        links.record(work, [links.Answer("https://www.gov.cn/dead", "dead", "对方返回 404，页面不存在")])
    with pytest.raises(Blocked, match="404"):
        office.submit(piece.id)
    with office.working("signer") as (work, who):
        fresh = work.session.get_one(Piece, piece.id)
        found = release.check(work.session, fresh, work.session.get_one(Revision, fresh.revision_id))
        key = next(finding.key for finding, _lift in found if finding.rule == "dead_link")
        release.lift(work, who, fresh, key, "对方正在迁移")
    office.submit(piece.id)


def test_a_dead_address_in_a_field_is_found_too() -> None:
    parts = [*document().parts, checks.Part("fields", "办事指南", "在线办理：https://zwfw.example/dead")]
    looked_at = document(parts=parts, dead_links={"https://zwfw.example/dead": "404", "https://other.example/": "404"})
    assert rules(checks.run(looked_at)) == [("dead_link", "block")]
