"""应急发布 through the web: one form, two signatures, every channel at once, a banner, and the signatures it owes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from content.models import LaterSigning, Piece, Release
from content.snapshot import targets_of
from hub import emergency, site_state
from hub.auth import tokens
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.people import viewer
from scheduler import freeze
from scheduler.models import Emergency
from scheduler.states import DeliveryState
from tests.factories import picture_bytes
from tests.hub.web.going_out import Desk, open_desk

S = DeliveryState
KEY = "0" * 32
TITLE = "关于天津路燃气泄漏绕行的紧急通知"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


@pytest.fixture
def both(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """The same on each kind of database."""
    with open_desk(database_url, tmp_path, clock) as desk:
        yield desk


def send(desk: Desk, *accounts: int, **form: Any) -> Any:
    """The short form as its author sends it."""
    ids = [str(one) for one in accounts or (desk.account().id, desk.account("b").id)]
    fields = {
        "key": KEY, "title": TITLE, "text": "请绕行<b>北环路</b>。\n\n抢修预计六小时。", "level": "I",
        "column": str(desk.city.columns["notices"].id), "accounts": ids, **form,
    }  # fmt: skip
    return desk.browser("author").send_form("/console/emergency", **fields)


def opened(desk: Desk, **form: Any) -> Release:
    """What was submitted."""
    answer = send(desk, **form)
    assert answer.status_code == 303, answer.text
    with desk.hub.works.read() as work:
        return work.session.scalars(select(Release).order_by(Release.id.desc()).limit(1)).one()


def sign(desk: Desk, release: Release) -> None:
    """Both signatures, in the console."""
    for by in ("reviewer", "signer"):
        answer = desk.browser(by).send_form(f"/console/signing/{release.id}/agree", seen=release.hash)
        assert answer.status_code == 303, answer.text


def states(desk: Desk) -> list[str]:
    return [one.state for one in desk.deliveries()]


def count(desk: Desk, model: type[Any]) -> int:
    with desk.hub.works.read() as work:
        return len(work.session.scalars(select(model)).all())


def test_the_last_of_two_signatures_sends_it_to_every_channel(both: Desk) -> None:
    release = opened(both)
    assert (release.levels, release.proofs) == (2, 0)
    assert release.content["body"] == "<p>请绕行&lt;b&gt;北环路&lt;/b&gt;。</p><p>抢修预计六小时。</p>"
    assert both.deliveries() == []
    sign(both, release)
    assert states(both) == [S.BOOKED, S.BOOKED]
    assert all(one.emergency for one in both.deliveries())
    both.run()
    assert states(both) == [S.DONE, S.DONE]
    assert count(both, LaterSigning) == 1


def test_a_form_sent_twice_is_one_piece(desk: Desk) -> None:
    opened(desk)
    assert send(desk).status_code == 303
    assert (count(desk, Emergency), count(desk, Piece)) == (1, 1)
    assert send(desk, key="no key").status_code == 404


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"title": " "}, "请填写标题"),
        ({"text": ""}, "请填写正文"),
        ({"level": "V"}, "请选择事件级别"),
        ({"accounts": []}, "请至少选择一个渠道"),
        ({"column": "0"}, "请选择栏目"),
        ({"banner_until": "2026-03-01T09:00"}, "横幅的结束时间须晚于现在"),
        ({"banner_until": "明天"}, "时间应写作"),
        ({"title": "急" * 200}, "标题"),
        ({"text": "联系人手机 13800138000"}, "拦截"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept_or_lost(desk: Desk, form: dict[str, Any], words: str) -> None:
    answer = send(desk, **form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "抢修预计六小时" in answer.text or "text" in form
    assert count(desk, Piece) == 0


def test_a_channel_that_needs_a_cover_gets_a_warning_sign_where_none_was_chosen(desk: Desk) -> None:
    """A title too long for it leaves it out: told beside the channel, and sent once more it goes to the others."""
    wechat, other = desk.city.accounts["wechat"].id, desk.account().id
    long = "急" * 40
    told = send(desk, wechat, other, title=long)
    assert told.status_code == 422
    assert "微信上限 32 个汉字" in told.text.split(f'id="fault-{wechat}"')[1][:400]
    boxes = re.findall(r'name="accounts" value="(\d+)"( checked)?', told.text)
    assert (dict(boxes)[str(wechat)], dict(boxes)[str(other)]) == ("", " checked")
    assert count(desk, Piece) == 0
    assert send(desk, other, title=long).status_code == 303
    release = opened(desk, key="1" * 32, accounts=[str(wechat), str(other)])
    assert set(targets_of(release.content)) == {wechat, other}
    with Image.open(io.BytesIO(desk.hub.blobs.get(release.content["cover"]))) as drawn:
        assert drawn.convert("RGB").getpixel((5, 5)) == (0xAD, 0x1F, 0x1A)
    sign(desk, release)
    assert {one.account_id for one in desk.deliveries()} == {wechat, other}


def test_a_chosen_cover_outlives_a_refusal(desk: Desk) -> None:
    browser = desk.browser("author")
    fields = {
        "csrf": browser.csrf, "key": KEY, "title": "", "text": "请绕行北环路。", "level": "II",
        "column": str(desk.city.columns["notices"].id), "accounts": [str(desk.city.accounts["wechat"].id)],
    }  # fmt: skip
    refused = browser.post("/console/emergency", data=fields, files={"cover": ("c.png", picture_bytes("teal"))})
    assert refused.status_code == 422
    assert "请填写标题" in refused.text
    kept = re.search(r'name="cover_kept" value="([^"]+)"', refused.text)
    assert kept is not None
    broken = browser.post("/console/emergency", data=fields, files={"cover": ("c.png", b"no picture")})
    assert 'id="cover-error"' in broken.text
    more = {"title": TITLE, "cover_kept": kept[1]}
    assert browser.post("/console/emergency", data={**fields, **more}, follow_redirects=False).status_code == 303
    with desk.hub.works.read() as work:
        release = work.session.scalars(select(Release)).one()
    with Image.open(io.BytesIO(desk.hub.blobs.get(release.content["cover"]))) as shown:
        assert shown.size == (64, 48)
    forged = {**fields, "title": TITLE, "key": "2" * 32, "cover_kept": desk.hub.seal.close("another secret")}
    assert browser.post("/console/emergency", data=forged, follow_redirects=False).status_code == 303


def test_a_program_is_told_what_does_not_fit_and_may_go_on_with_the_rest(desk: Desk) -> None:
    wechat, other = desk.city.accounts["wechat"].id, desk.account().id
    made = {
        "key": KEY, "title": "急" * 40, "text": "请绕行。", "column": desk.city.columns["notices"].id, "level": "II",
        "accounts": [wechat, other],
    }  # fmt: skip
    with desk.hub.works.write() as work:
        _row, token = tokens.create(work, desk.city.person("author"), "应急")
    head = {"Authorization": f"Bearer {token}"}
    client = desk.office.browser()
    told = client.post("/api/v1/emergencies", json=made, headers=head)
    assert (told.status_code, told.json()["field"]) == (422, "accounts"), told.text
    assert "微信上限" in told.json()["message"]
    gone = client.post("/api/v1/emergencies", json={**made, "skip_misfits": True}, headers=head)
    assert gone.status_code == 201, gone.text
    with desk.hub.works.read() as work:
        assert set(targets_of(work.session.scalars(select(Release)).one().content)) == {other}


def test_the_mark_for_a_stop_is_signed_and_only_where_the_rule_allows_it(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        set_rule(work, "emergency.may_pass_stop", desk.city.bureau.id, 0)
    answer = send(desk, through="1")
    assert answer.status_code == 422
    assert "同样受停发限制" in answer.text


@pytest.mark.parametrize(("through", "state"), [("1", S.DONE), ("", S.HELD)])
def test_a_stop_holds_what_is_not_marked(desk: Desk, through: str, state: str) -> None:
    officer = desk.city.person("officer")
    with desk.hub.works.write() as work:
        who = viewer(work.session, officer, work.now)
        freeze.begin(work, who, desk.city.bureau.id, "悼念活动")
    release = opened(desk, through=through)
    assert release.content["emergency"]["through"] is bool(through)
    page = desk.browser("signer").get(f"/console/signing/{release.id}").text
    assert ("停发期间照常发出" in page) is bool(through)
    sign(desk, release)
    desk.run()
    assert states(desk) == [state, state]


def test_one_account_that_does_not_fit_holds_up_no_other_and_is_told(desk: Desk) -> None:
    release = opened(desk)
    with desk.hub.works.write() as work:
        account = work.session.merge(desk.account("b"))
        account.active = False
    sign(desk, release)
    desk.run()
    assert states(desk) == [S.DONE]
    with desk.hub.works.read() as work:
        told = work.session.scalars(select(Notice).where(Notice.kind == "emergency.booked")).all()
    assert told
    assert "住建快讯" in told[0].text


def test_the_banner_comes_with_the_portal_page_and_goes_with_it(desk: Desk, clock: StillClock) -> None:
    portal = desk.city.accounts["portal"].id
    release = opened(desk, accounts=[str(portal)], banner_until="2026-03-02T12:00")
    sign(desk, release)
    file = desk.hub.settings.site_folder / "site-state.css"
    assert not file.exists() or "--alert-1" not in file.read_text("utf-8")
    desk.run()
    said = file.read_text("utf-8")
    assert release.content["path"] in said
    assert "#ad1f1a; color: #fff" in said
    answer = desk.browser("officer").send_form(
        "/console/bookings/act", piece=release.piece_id, act="withdraw", accounts=[str(portal)],
        phrase="该内容已撤下。", when="now",
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    desk.run()
    assert "--alert-1" not in file.read_text("utf-8")


def test_the_banner_ends_at_its_hour_or_before(desk: Desk, clock: StillClock) -> None:
    portal = desk.city.accounts["portal"].id
    release = opened(desk, accounts=[str(portal)], banner_until="2026-03-02T12:00")
    sign(desk, release)
    desk.run()
    file = desk.hub.settings.site_folder / "site-state.css"
    clock.step(hours=2, minutes=59)
    site_state.follow(desk.hub)
    assert "--alert-1" in file.read_text("utf-8")
    with desk.hub.works.read() as work:
        row = work.session.scalars(select(Emergency)).one()
    path = f"/console/emergency/{row.id}/banner"
    assert desk.browser("stranger").send_form(path).status_code == 404
    officer = desk.office.log_in("officer")
    assert officer.send_form(path).status_code == 303
    assert "--alert-1" not in file.read_text("utf-8")
    assert officer.send_form(path).status_code == 422


def test_the_banners_hour_takes_it_down(desk: Desk, clock: StillClock) -> None:
    portal = desk.city.accounts["portal"].id
    sign(desk, opened(desk, accounts=[str(portal)], banner_until="2026-03-02T12:00"))
    desk.run()
    clock.step(hours=3)
    site_state.follow(desk.hub)
    assert "--alert-1" not in (desk.hub.settings.site_folder / "site-state.css").read_text("utf-8")


def test_what_is_owed_is_listed_reminded_of_and_signed(desk: Desk, clock: StillClock) -> None:
    release = opened(desk)
    sign(desk, release)
    desk.run()
    assert "待补签" in desk.browser("officer").get("/console/emergency").text
    queue = desk.browser("second_reviewer").get("/console/signing").text
    assert TITLE in queue
    assert "待补签" not in desk.browser("reviewer").get("/console/signing").text
    clock.step(hours=21)
    emergency.remind(desk.hub)
    emergency.remind(desk.hub)
    clock.step(hours=4)
    emergency.remind(desk.hub)
    with desk.hub.works.read() as work:
        kinds = [one.kind for one in work.session.scalars(select(Notice).where(Notice.kind.like("later.%")))]
    assert (kinds.count("later.opened"), kinds.count("later.due")) == (1, 1)
    assert kinds.count("later.overdue") > 1
    browser = desk.office.log_in("second_reviewer")
    refused = browser.send_form(f"/console/signing/{release.id}/later/agree", seen=release.hash, opinion="属实")
    assert refused.status_code == 409
    assert "校对" in refused.text
    assert "属实" in refused.text
    for _ in range(3):
        assert browser.send_form(f"/console/signing/{release.id}/later/proof").status_code == 303
    done = browser.send_form(f"/console/signing/{release.id}/later/agree", seen=release.hash, opinion="属实")
    assert done.status_code == 303
    history = browser.get(f"/console/pieces/{release.piece_id}/history").text
    assert "补签（二审）" in history
    assert "补签完成" in history
    assert "待补签" not in desk.office.log_in("officer").get("/console/emergency").text


def test_another_units_emergency_cannot_be_signed_later(desk: Desk) -> None:
    release = opened(desk)
    sign(desk, release)
    desk.run()
    path = f"/console/signing/{release.id}/later/agree"
    assert desk.browser("foreign_signer").send_form(path, seen=release.hash).status_code == 404


def test_an_emergency_returned_and_submitted_from_the_editor_is_still_one(desk: Desk) -> None:
    release = opened(desk)
    answer = desk.browser("reviewer").send_form(f"/console/signing/{release.id}/return", opinion="路名有误")
    assert answer.status_code == 303
    author = desk.browser("author")
    with desk.hub.works.read() as work:
        piece = work.session.get_one(Piece, release.piece_id)
    sent = author.send_form(
        f"/console/pieces/{piece.id}", version=piece.version, title=TITLE, body="<p>请绕行南环路。</p>", act="submit",
        targets=[str(desk.account().id)], emergency="1",
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    with desk.hub.works.read() as work:
        again = work.session.scalars(select(Release).order_by(Release.id.desc()).limit(1)).one()
    assert again.content["emergency"]["level"] == "I"
    sign(desk, again)
    desk.run()
    assert [one.state for one in desk.deliveries()] == [S.DONE]


def test_phones_ring_in_quiet_hours_for_an_emergency(desk: Desk, clock: StillClock) -> None:
    clock.step(hours=14)  # 23:00
    with desk.hub.works.write() as work:
        account = work.session.merge(desk.account())
        account.action = "push"
    release = opened(desk, accounts=[str(desk.account().id)])
    sign(desk, release)
    desk.run()
    (delivery,) = desk.deliveries()
    assert (delivery.action, delivery.state) == ("push", S.DONE)
