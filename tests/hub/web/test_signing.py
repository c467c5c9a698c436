"""The signers' desk over HTTP: who is told, who may sign what he saw, paper, and the link that works once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from content import release as releases
from content.models import Piece, ProofPass, Release, Signature
from content.states import ReleaseState
from hub.auth.links import MOST_TRIES
from hub.auth.models import OneTimeLink
from hub.notices import Notice
from hub.web import approval
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Person, Role, Unit
from tests.factories import picture_bytes
from tests.hub.office import Browser
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub of an office whose messages leave the house."""
    with open_newsroom(sqlite_url, tmp_path, clock, notice_gateway_url="http://127.0.0.1:9/notices") as room:
        yield room


@pytest.fixture
def release(room: Newsroom) -> Release:
    """A release that waits for its first signature."""
    return room.office.submit(room.office.piece().id, "portal", "wechat")


def stored(room: Newsroom, release: Release) -> Release:
    with room.hub.works.read() as work:
        return work.session.get_one(Release, release.id)


def signatures(room: Newsroom) -> list[tuple[str, str, str]]:
    names = {person.id: login for login, person in room.office.people.items()}
    with room.hub.works.read() as work:
        rows = work.session.scalars(select(Signature).order_by(Signature.id)).all()
        return [(names[row.person_id], row.verdict, row.method) for row in rows]


def told(room: Newsroom, name: str) -> dict[str, Notice]:
    with room.hub.works.read() as work:
        mine = select(Notice).where(Notice.person_id == room.office.person(name).id)
        return {row.kind: row for row in work.session.scalars(mine.order_by(Notice.id))}


def agree(room: Newsroom, release: Release, by: str, **fields: Any) -> Any:
    form = {"seen": release.hash, **fields}
    return room.desk_of(by).send_form(f"/console/signing/{release.id}/agree", **form)


# --- who is told -----------------------------------------------------------------------------------------------


def test_those_who_may_sign_this_level_are_told_and_no_others(room: Newsroom, release: Release) -> None:
    for name in ("reviewer", "second_reviewer"):
        assert told(room, name)["signing.waiting"].link == f"/console/signing/{release.id}"
    for name in ("signer", "author", "officer", "stranger", "foreign_signer", "manager", "deputy"):
        assert told(room, name) == {}


def test_a_deputy_is_told_too(room: Newsroom) -> None:
    room.office.depute("reviewer", "deputy")
    room.office.submit(room.office.piece().id)
    assert "signing.waiting" in told(room, "deputy")


def test_the_next_level_is_told_and_who_signed_is_not_asked_again(room: Newsroom, release: Release) -> None:
    agree(room, release, "reviewer")
    with room.hub.works.read() as work:
        keys = work.session.scalars(select(Notice.key).where(Notice.key == f"signing:{release.id}:2")).all()
    assert len(keys) == 1
    room.office.sign(release.id, "second_reviewer")
    with room.hub.works.read() as work:
        asked = select(Notice.person_id).where(Notice.key == f"signing:{release.id}:3")
        assert work.session.scalars(asked).all() == [room.office.person("signer").id]


def test_where_nobody_else_can_who_signs_last_is_asked_for_the_levels_before(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        for name in ("reviewer", "second_reviewer"):
            work.session.get_one(Person, room.office.person(name).id).active = False
    room.office.submit(room.office.piece().id)
    assert "signing.waiting" in told(room, "signer")


def unread(room: Newsroom, name: str) -> set[str]:
    return {kind for kind, notice in told(room, name).items() if notice.read_at is None}


def test_what_was_signed_returned_or_taken_back_asks_nobody_any_more(room: Newsroom, release: Release) -> None:
    both = {"signing.waiting", "signing.code"}
    assert unread(room, "second_reviewer") == both
    room.office.sign(release.id, "reviewer")
    assert unread(room, "reviewer") == set()
    assert unread(room, "second_reviewer") == both
    room.desk_of("second_reviewer").send_form(f"/console/signing/{release.id}/return", opinion="日期有误")
    assert unread(room, "second_reviewer") == set()
    again = room.office.submit(release.piece_id)
    assert unread(room, "reviewer") == both
    with room.office.working("author") as (work, who):
        releases.recall(work, who, work.session.get_one(Piece, again.piece_id))
    assert unread(room, "reviewer") == set()


def test_the_author_hears_of_return_and_of_the_last_signature(room: Newsroom, release: Release) -> None:
    room.desk_of("reviewer").send_form(f"/console/signing/{release.id}/return", opinion="日期有误")
    notice = told(room, "author")["piece.returned"]
    assert "日期有误" in notice.text
    assert notice.link == f"/console/pieces/{release.piece_id}"
    room.office.sign_off(room.office.submit(release.piece_id).id)
    assert "piece.signed" in told(room, "author")


def test_where_no_message_leaves_no_link_is_made(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        room.office.submit(room.office.piece().id)
        assert "/s/" not in told(room, "reviewer")["signing.waiting"].text
        with room.hub.works.read() as work:
            assert work.session.scalars(select(OneTimeLink)).all() == []


# --- the desk --------------------------------------------------------------------------------------------------


def test_the_queue_holds_what_waits_for_this_person(room: Newsroom, release: Release) -> None:
    href = f'href="/console/signing/{release.id}"'
    assert href in room.desk_of("reviewer").get("/console/signing").text
    assert href not in room.desk_of("author").get("/console/signing").text
    assert href not in room.desk_of("foreign_signer").get("/console/signing").text
    agree(room, release, "reviewer")
    assert href not in room.desk_of("reviewer").get("/console/signing").text


def test_emergencies_come_first(room: Newsroom, release: Release) -> None:
    urgent = room.office.submit(room.office.piece(title="暴雨红色预警").id, emergency=True)
    page = room.desk_of("reviewer").get("/console/signing").text
    assert page.index(f"/console/signing/{urgent.id}") < page.index(f"/console/signing/{release.id}")


def test_the_page_shows_all_that_is_signed(room: Newsroom) -> None:
    piece = room.office.piece(body="<p>值班手机 13800138000</p><p>仅供参考</p>")
    desk = room.desk_of("signer")
    key = re.search(r'name="finding" value="([0-9a-f]{64})"', desk.get(f"/console/pieces/{piece.id}").text)
    assert key
    desk.send_form(f"/console/pieces/{piece.id}/lift", finding=key[1], reason="公开值班电话")
    room.office.attachment(piece.id, name="附件一.txt", data="附件".encode())
    release = room.office.submit(piece.id, "portal", "wechat")
    page = room.desk_of("reviewer").get(f"/console/signing/{release.id}").text
    for word in (
        "门户网站",
        "微信公众号",
        "公开值班电话",
        "仅供参考",
        "附件一.txt",
        "签发后即可",
        "全部读者",
        release.hash,
    ):
        assert word in page
    for channel in ("portal", "wechat"):
        assert room.desk_of("reviewer").get(f"/console/signing/{release.id}/preview/{channel}").status_code == 200


def test_what_is_shown_is_the_release_not_the_newest_text(room: Newsroom, release: Release) -> None:
    room.office.save(release.piece_id, title="改过的标题")
    page = room.desk_of("reviewer").get(f"/console/signing/{release.id}").text
    assert "此发布件已作废" in page
    assert "改过的标题" not in page
    assert 'name="seen"' not in page


def test_signing_posts_what_was_seen(room: Newsroom, release: Release) -> None:
    page = room.desk_of("reviewer").get(f"/console/signing/{release.id}").text
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', page)
    assert seen
    assert seen[1] == release.hash
    answer = agree(room, release, "reviewer", seen="0" * 64, opinion="同意发布")
    assert answer.status_code == 409
    assert "未签字" in answer.text
    assert 'value="同意发布"' in answer.text
    assert signatures(room) == []
    assert agree(room, release, "reviewer", opinion="同意发布").status_code == 303
    assert signatures(room) == [("reviewer", "agree", "console")]


@pytest.mark.parametrize(("by", "status"), [("author", 403), ("officer", 403), ("manager", 403), ("stranger", 404)])
def test_others_do_not_sign(room: Newsroom, release: Release, by: str, status: int) -> None:
    assert agree(room, release, by).status_code == status
    assert signatures(room) == []


def test_an_author_who_is_a_signer_reads_but_does_not_sign(room: Newsroom, release: Release) -> None:
    room.office.grant("author", Role.SIGNER)
    page = room.desk_of("author").get(f"/console/signing/{release.id}").text
    assert 'name="seen"' not in page
    assert agree(room, release, "author").status_code == 403


def test_a_return_needs_a_reason(room: Newsroom, release: Release) -> None:
    path = f"/console/signing/{release.id}/return"
    answer = room.desk_of("reviewer").send_form(path)
    assert answer.status_code == 422
    assert "退回须填写原因" in answer.text
    assert room.desk_of("reviewer").send_form(path, opinion="日期有误").status_code == 303
    assert stored(room, release).state == ReleaseState.RETURNED


def test_proofs_are_recorded_by_name(room: Newsroom, release: Release) -> None:
    desk = room.desk_of("reviewer")
    path = f"/console/signing/{release.id}/proof"
    offered = re.search(
        r'<select[^>]* name="person".*?</select>', desk.get(f"/console/signing/{release.id}").text, re.S
    )
    assert offered is not None
    assert room.office.person("officer").name in offered[0]
    assert room.office.person("author").name not in offered[0], "nobody proofreads his own text"
    assert desk.send_form(path, person=str(room.office.person("officer").id)).status_code == 303
    assert desk.send_form(path, person=str(room.office.person("author").id)).status_code == 403
    assert desk.send_form(path, person="99999").status_code == 422
    with room.hub.works.read() as work:
        assert work.session.scalars(select(ProofPass.person_id)).all() == [room.office.person("officer").id]


@pytest.mark.parametrize("named", ["99999999999999999999", "-1", "张三", "1234567890"])
@pytest.mark.parametrize("field", ["person", "on_behalf_of"])
def test_a_wrong_person_is_refused_and_nothing_is_put_down_to_oneself(
    room: Newsroom, release: Release, field: str, named: str
) -> None:
    act = "proof" if field == "person" else "agree"
    form = {"seen": release.hash, field: named}
    answer = room.desk_of("reviewer").send_form(f"/console/signing/{release.id}/{act}", **form)
    assert answer.status_code == 422
    assert "没有这个人" in answer.text
    assert ('id="person-error"' in answer.text) is (field == "person")
    with room.hub.works.read() as work:
        assert work.session.scalars(select(ProofPass)).all() == []
    assert signatures(room) == []


def test_a_proofreader_of_another_house_is_refused(room: Newsroom, release: Release) -> None:
    with room.hub.works.write() as work:
        elsewhere = Unit(name="外单位", code="elsewhere", path="/900/")
        work.session.add(elsewhere)
        work.session.flush()
        stranger = Person(unit_id=elsewhere.id, name="外人", login="other-house")
        work.session.add(stranger)
    answer = room.desk_of("reviewer").send_form(f"/console/signing/{release.id}/proof", person=str(stranger.id))
    assert answer.status_code == 422
    assert "本单位没有这位校对人" in answer.text


def test_handing_on_tells_the_other_and_leaves_a_trace(room: Newsroom, release: Release) -> None:
    path = f"/console/signing/{release.id}/delegate"
    to = str(room.office.person("second_reviewer").id)
    assert room.desk_of("reviewer").send_form(path, to=to).status_code == 303
    assert "李审请您审签" in told(room, "second_reviewer")["signing.waiting"].text
    assert room.desk_of("reviewer").send_form(path, to=str(room.office.person("author").id)).status_code == 422
    with room.hub.works.read() as work:
        line = work.session.scalars(select(AuditLine).where(AuditLine.act == "release.delegated")).one()
        assert "周核" in line.details


def test_a_picture_of_the_release_is_shown_and_no_other(room: Newsroom) -> None:
    piece = room.office.piece()
    shown, other = room.office.picture(piece.id), room.office.picture(piece.id, color="red")
    room.office.save(piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{shown.sha256}.jpg">')
    release = room.office.submit(piece.id)
    desk = room.desk_of("reviewer")
    assert desk.get(f"/console/signing/{release.id}/media/{shown.sha256}.jpg").status_code == 200
    assert desk.get(f"/console/signing/{release.id}/media/{other.sha256}.jpg").status_code == 404
    page = desk.get(f"/console/signing/{release.id}/preview/portal").text
    assert re.search(r'<img src="([^"]+)"', page)[1] == f"/console/signing/{release.id}/media/{shown.sha256}.jpg"


def test_what_is_attached_to_the_release_is_opened_where_it_is_signed_and_nothing_else(room: Newsroom) -> None:
    piece, other = room.office.piece(), room.office.piece(title="另一篇")
    paper = room.office.attachment(piece.id, name="名单.txt", data="名单".encode())
    theirs = room.office.attachment(other.id, name="别的.txt", data="别的".encode())
    release = room.office.submit(piece.id)
    desk, here = room.desk_of("reviewer"), f"/console/signing/{release.id}"
    for page in (here, f"{here}/preview/portal"):
        assert f'"{here}/files/{paper.sha256}/名单.txt"' in desk.get(page).text
    answer = desk.get(f"{here}/files/{paper.sha256}/名单.txt")
    assert (answer.content, answer.headers["content-type"]) == ("名单".encode(), "text/plain; charset=utf-8")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert desk.get(f"{here}/files/{theirs.sha256}/别的.txt").status_code == 404


# --- paper -----------------------------------------------------------------------------------------------------


def file_paper(room: Newsroom, release: Release, by: str = "officer", **fields: Any) -> Any:
    desk = room.desk_of(by)
    person = str(room.office.person("reviewer").id)
    form = {"csrf": desk.csrf, "person": person, "check": release.hash[:8], **fields}
    scan = form.pop("scan", ("签字页.png", picture_bytes()))
    path = f"/console/signing/{release.id}/paper"
    return desk.post(path, data=form, files={"file": scan}, follow_redirects=False)


def test_a_paper_is_filed_by_somebody_else(room: Newsroom, release: Release) -> None:
    number = re.search(r"编号：([\d-]+)", room.desk_of("officer").get(f"/console/signing/{release.id}/form").text)
    assert number
    assert number[1] in room.desk_of("officer").get(f"/console/signing/{release.id}/paper").text
    assert file_paper(room, release).status_code == 303
    with room.hub.works.read() as work:
        row = work.session.scalars(select(Signature)).one()
        assert (row.method, row.filed_by) == ("paper", room.office.person("officer").id)
        assert row.scan
        assert room.hub.blobs.get(row.scan)
    assert "线下签" in room.desk_of("author").get(f"/console/pieces/{release.piece_id}").text


@pytest.mark.parametrize(
    ("by", "fields", "status"),
    [
        ("author", {}, 403),
        ("manager", {}, 403),
        ("officer", {"check": "00000000"}, 422),
        ("officer", {"check": ""}, 422),
        ("officer", {"person": ""}, 422),
        ("officer", {"scan": ("签字页.exe", b"MZ")}, 422),
        ("officer", {"scan": ("签字页.png", b"no picture")}, 422),
        ("officer", {"scan": ("签字页.pdf", b"no pdf")}, 422),
    ],
)
def test_a_wrong_paper_signs_nothing(
    room: Newsroom, release: Release, by: str, fields: dict[str, Any], status: int
) -> None:
    assert file_paper(room, release, by, **fields).status_code == status
    assert signatures(room) == []


def test_a_paper_cannot_be_filed_for_somebody_without_the_right(room: Newsroom, release: Release) -> None:
    for name in ("officer", "author", "stranger"):
        assert file_paper(room, release, person=str(room.office.person(name).id)).status_code == 422
    assert signatures(room) == []


def test_a_filed_paper_can_be_opened_again_by_who_reads_the_release_and_by_no_other(
    room: Newsroom, release: Release
) -> None:
    assert file_paper(room, release).status_code == 303
    with room.hub.works.read() as work:
        row = work.session.scalars(select(Signature)).one()
    path = f"/console/signing/{release.id}/scan/{row.id}"
    for page in (f"/console/signing/{release.id}", f"/console/pieces/{release.piece_id}/history"):
        text = room.desk_of("author").get(page).text
        assert f"登记人：{room.office.person('officer').name}" in text
        assert f'href="{path}"' in text
    scan = room.desk_of("author").get(path)
    assert scan.status_code == 200
    assert scan.content == room.hub.blobs.get(row.scan or "")
    assert scan.headers["content-type"] == "image/jpeg"
    assert scan.headers["content-disposition"].startswith("inline; filename*=UTF-8''")
    assert scan.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in scan.headers["content-security-policy"]
    for name in ("stranger", "foreign_signer"):
        assert room.desk_of(name).get(path).status_code == 404
    other = room.office.submit(room.office.piece(title="另一篇").id)
    assert room.desk_of("author").get(f"/console/signing/{other.id}/scan/{row.id}").status_code == 404
    assert room.desk_of("author").get(f"/console/signing/{release.id}/scan/999999").status_code == 404


def test_a_filed_pdf_is_a_download_and_what_was_signed_on_screen_has_no_scan(room: Newsroom, release: Release) -> None:
    assert file_paper(room, release, scan=("签字页.pdf", b"%PDF-1.7 <script>")).status_code == 303
    agree(room, release, "second_reviewer")
    with room.hub.works.read() as work:
        paper, screen = work.session.scalars(select(Signature).order_by(Signature.id)).all()
    scan = room.desk_of("officer").get(f"/console/signing/{release.id}/scan/{paper.id}")
    assert scan.headers["content-type"] == "application/pdf"
    assert scan.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert room.desk_of("officer").get(f"/console/signing/{release.id}/scan/{screen.id}").status_code == 404


def test_behind_a_link_the_filer_is_named_and_the_scan_is_not_offered(room: Newsroom, release: Release) -> None:
    assert file_paper(room, release).status_code == 303
    with room.hub.works.read() as work:
        kept = work.session.get_one(Release, release.id)
        steps = approval.chain(work.session, kept, scans=False)
    assert [(step.filed_by, step.scan) for step in steps if step.paper] == [(room.office.person("officer").name, "")]


# --- the link --------------------------------------------------------------------------------------------------


def link_of(room: Newsroom, name: str = "reviewer") -> tuple[str, str]:
    """The address and the code that were sent to a person."""
    notices = told(room, name)
    address = re.search(r"/s/\S+", notices["signing.waiting"].text)
    code = re.search(r"\d{6}", notices["signing.code"].text)
    assert address
    assert code
    return address[0], code[0]


def proved(room: Newsroom, name: str = "reviewer") -> tuple[Browser, str]:
    """A phone whose code was right, and the address of the signing page."""
    phone = room.browser()
    address, code = link_of(room, name)
    answer = phone.post(address, data={"act": "code", "code": code}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return phone, answer.headers["location"]


def test_the_link_alone_shows_nothing(room: Newsroom, release: Release) -> None:
    address, _code = link_of(room)
    answer = room.browser().get(address)
    assert answer.status_code == 200
    assert "验证码" in answer.text
    assert release.content["title"] not in answer.text
    assert room.browser().get(f"{address}/preview/portal").status_code == 410
    refused = room.browser().post(address, data={"act": "agree", "seen": release.hash})
    assert refused.status_code == 410
    assert signatures(room) == []


def test_with_its_code_it_signs_once(room: Newsroom, release: Release) -> None:
    phone, address = proved(room)
    page = phone.get(address).text
    assert release.content["title"] in page
    assert phone.get(f"{address}/preview/portal").status_code == 200
    assert phone.post(address, data={"act": "agree", "seen": release.hash}).status_code == 200
    assert signatures(room) == [("reviewer", "agree", "link")]
    assert phone.get(address).status_code == 410
    assert phone.get(link_of(room)[0]).status_code == 410


def test_behind_a_link_the_attachments_of_its_release_are_opened_and_no_others(room: Newsroom) -> None:
    piece, other = room.office.piece(), room.office.piece(title="另一篇")
    paper = room.office.attachment(piece.id, name="名单.txt", data="名单".encode())
    theirs = room.office.attachment(other.id, name="别的.txt", data="别的".encode())
    room.office.submit(piece.id)
    phone, address = proved(room)
    assert f"{address}/files/{paper.sha256}/名单.txt" in phone.get(address).text
    assert f"{address}/files/{paper.sha256}/名单.txt" in phone.get(f"{address}/preview/portal").text
    answer = phone.get(f"{address}/files/{paper.sha256}/名单.txt")
    assert (answer.content, answer.headers["content-type"]) == ("名单".encode(), "text/plain; charset=utf-8")
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert phone.get(f"{address}/files/{theirs.sha256}/别的.txt").status_code == 404
    assert room.browser().get(f"{link_of(room)[0]}/files/{paper.sha256}/名单.txt").status_code == 410


def test_a_link_returns_and_hands_on_too(room: Newsroom, release: Release) -> None:
    phone, address = proved(room)
    assert phone.post(address, data={"act": "return"}).status_code == 422
    to = str(room.office.person("second_reviewer").id)
    assert phone.post(address, data={"act": "delegate", "to": to}).status_code == 200
    phone, address = proved(room, "second_reviewer")
    assert phone.post(address, data={"act": "return", "opinion": "日期有误"}).status_code == 200
    assert signatures(room) == [("second_reviewer", "return", "link")]


def test_a_code_guessed_too_often_closes_the_link(room: Newsroom, release: Release) -> None:
    address, code = link_of(room)
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    for _ in range(MOST_TRIES - 1):
        assert room.browser().post(address, data={"act": "code", "code": wrong}).status_code == 401
    assert room.browser().post(address, data={"act": "code", "code": wrong}).status_code == 410
    assert room.browser().post(address, data={"act": "code", "code": code}).status_code == 410


def test_a_link_ends_with_its_time(room: Newsroom, release: Release, clock: StillClock) -> None:
    phone, address = proved(room)
    clock.step(minutes=31)
    assert phone.get(address).status_code == 410
    clock.step(hours=24)
    assert phone.get(link_of(room)[0]).status_code == 410


def test_a_link_signs_only_what_was_seen(room: Newsroom, release: Release) -> None:
    phone, address = proved(room)
    assert phone.post(address, data={"act": "agree", "seen": "0" * 64}).status_code == 409
    room.office.save(release.piece_id, title="改")
    assert phone.post(address, data={"act": "agree", "seen": release.hash}).status_code == 409
    assert signatures(room) == []


def test_another_site_cannot_sign_with_the_link(room: Newsroom, release: Release) -> None:
    phone, address = proved(room)
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = phone.post(address, data={"act": "agree", "seen": release.hash}, headers=headers)
    assert answer.status_code == 403
    assert signatures(room) == []


def test_a_link_shows_pictures_of_its_release_only(room: Newsroom) -> None:
    piece = room.office.piece()
    shown, other = room.office.picture(piece.id), room.office.picture(piece.id, color="red")
    room.office.save(piece.id, body=f'<p>供热站检修现场的情况如下图所示</p><img src="/media/{shown.sha256}.jpg">')
    room.office.submit(piece.id)
    phone, address = proved(room)
    assert f"{address}/media/{shown.sha256}.jpg" in phone.get(f"{address}/preview/portal").text
    assert phone.get(f"{address}/media/{shown.sha256}.jpg").status_code == 200
    assert phone.get(f"{address}/media/{other.sha256}.jpg").status_code == 404


def test_somebody_who_left_signs_no_more(room: Newsroom, release: Release) -> None:
    phone, address = proved(room)
    with room.hub.works.write() as work:
        person = work.session.merge(room.office.person("reviewer"))
        person.active = False
    assert phone.post(address, data={"act": "agree", "seen": release.hash}).status_code == 410
    assert signatures(room) == []
