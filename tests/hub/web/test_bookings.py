"""发布中心 through the web: what may be chosen, what is told, what is kept when it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from content.models import Piece
from content.snapshot import Window
from content.states import PieceState
from hub.web.booking_form import PHRASES
from hub.web.bundles import stepped
from hub.web.comment_choice import note_of
from kernel.clock import StillClock
from scheduler.states import PlacementState
from tests.factories import target_of
from tests.hub.web.going_out import Desk, open_desk
from tests.templates.markup import elements


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def boxes(html: str, name: str) -> dict[str, bool]:
    """The check boxes or radio buttons of that name: value -> ticked."""
    return {
        attributes["value"]: "checked" in attributes
        for tag, attributes in elements(html)
        if tag == "input" and attributes.get("name") == name
    }


def value_of(html: str, name: str) -> str:
    """What stands in the field of that name."""
    return next(attributes.get("value", "") for tag, attributes in elements(html) if attributes.get("name") == name)


def form_of(html: str) -> str:
    """Where the page's own form goes to."""
    actions = [attributes.get("action", "") for tag, attributes in elements(html) if tag == "form"]
    return next(unescape(action) for action in actions if action.startswith("/console/bookings/"))


@pytest.mark.parametrize("form", [{"when": "at", "at": ""}, {"when": "now", "accounts": []}])
def test_a_booking_that_was_refused_stands_at_an_address_that_can_be_opened_again(
    desk: Desk, form: dict[str, Any]
) -> None:
    release = desk.release()
    officer = desk.browser()

    def opened_again(page: str) -> None:
        address = form_of(officer.get(f"/console/bookings/{page}").text)
        refused = officer.send_form(address, piece=release.piece_id, act="withdraw", **form)
        assert (refused.status_code, form_of(refused.text)) == (422, address)
        assert officer.get(address).status_code == 200

    opened_again(f"new?piece={release.piece_id}")
    desk.booked(release)
    desk.run()
    opened_again(f"act?piece={release.piece_id}&act=withdraw")


# --- one piece -------------------------------------------------------------------------------------------------


def test_a_signed_piece_goes_to_the_chosen_accounts_each_as_its_own_delivery(desk: Desk) -> None:
    release = desk.release("a", "b")
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    assert boxes(page, "accounts") == {str(desk.account("a").id): True, str(desk.account("b").id): True}
    answer = desk.book(release, "a", "b")
    assert answer.headers["location"] == f"/console/deliveries?piece={release.piece_id}"
    made = desk.deliveries()
    assert [delivery.account_id for delivery in made] == [desk.account("a").id, desk.account("b").id]
    desk.run()
    assert [desk.now(delivery).state for delivery in made] == ["done", "done"]
    assert len(desk.platform("a").arrived) == len(desk.platform("b").arrived) == 1


def test_what_waits_to_be_booked_is_listed_until_it_is(desk: Desk) -> None:
    signed, waiting = desk.release(title="已签的通知"), desk.release(title="待签的通知", signed=False)
    page = desk.browser().get("/console/bookings").text
    assert "已签的通知" in page
    assert "待签的通知" in page
    assert "待签的通知" not in desk.browser().get("/console/bookings?state=signed").text
    desk.booked(signed)
    after = desk.browser().get("/console/bookings").text
    assert "已签的通知" not in after
    assert f"piece={waiting.piece_id}" in after


def test_a_time_is_read_in_the_offices_zone_inside_the_signed_window(desk: Desk, clock: StillClock) -> None:
    release = desk.release(window=Window(clock.now() + timedelta(hours=1), clock.now() + timedelta(hours=3)))
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    assert "2026-03-02 10:00 至 2026-03-02 12:00" in page
    assert boxes(page, "when") == {"now": False, "at": True}
    assert value_of(page, "at") == "2026-03-02T10:00"
    delivery = desk.booked(release, when="at", at="2026-03-02T10:30")
    assert delivery.scheduled_at == clock.now() + timedelta(minutes=90)


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"when": "at", "at": "2026-03-02T20:00"}, "at", "时间窗"),
        ({"when": "at", "at": "tomorrow"}, "at", "年-月-日"),
        ({"when": "at", "at": ""}, "at", "请填写发布时间"),
        ({"missed_act": "hold", "missed_after": "soon"}, "missed_after", "多少分钟"),
    ],
)
def test_a_fault_stands_beside_its_field_and_nothing_typed_is_lost(
    desk: Desk, clock: StillClock, form: dict[str, str], field: str, words: str
) -> None:
    release = desk.release("a", "b", window=Window(None, clock.now() + timedelta(hours=3)))
    typed = {"when": "at", "at": "2026-03-02T10:00", "unsigned": "drop", "missed_act": "send", **form}
    answer = desk.book(release, "b", **typed)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert words in answer.text
    assert boxes(answer.text, "accounts") == {str(desk.account("a").id): False, str(desk.account("b").id): True}
    assert value_of(answer.text, "at") == typed["at"]
    assert boxes(answer.text, "unsigned") == {"hold": False, "drop": True}
    assert desk.deliveries() == []


def test_comments_are_chosen_where_the_platform_lets_one_choose(desk: Desk) -> None:
    release = desk.release("a", "bureau-wechat")
    here, there = desk.account("a").id, desk.account("bureau-wechat").id
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    named = [attributes.get("name") for tag, attributes in elements(page) if tag == "select"]
    assert f"comments.{there}" in named
    assert f"comments.{here}" not in named
    refused = desk.book(release, "a", **{f"comments.{here}": "open"})
    assert (refused.status_code, "不能在安排时选择" in refused.text, desk.deliveries()) == (422, True, [])
    assert note_of("fans", "wechat") == {"comments": "fans"}
    assert note_of("", "wechat") == {}


def test_what_would_not_fit_is_told_before_and_stops_every_account(desk: Desk) -> None:
    release = desk.release("a", "b", title="很" * 101)
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    assert "超过该渠道上限 100 字" in page
    assert not any(boxes(page, "accounts").values())
    answer = desk.book(release, "a", "b")
    assert answer.status_code == 422
    for code in ("a", "b"):
        assert f'id="account-{desk.account(code).id}-error"' in answer.text
    assert desk.deliveries() == []


def test_one_refused_account_books_none(desk: Desk) -> None:
    release = desk.release("a", "b")
    first = desk.booked(release)
    answer = desk.book(release, "a", "b")
    assert answer.status_code == 422
    assert f'id="account-{desk.account("a").id}-error"' in answer.text
    assert "没有安排任何发布任务" in answer.text
    assert [delivery.id for delivery in desk.deliveries()] == [first.id]


def test_sending_again_must_be_asked_for(desk: Desk) -> None:
    release = desk.release()
    desk.booked(release)
    desk.run()
    assert desk.book(release).status_code == 422
    again = {f"again.{desk.account().id}": "1"}
    assert desk.book(release, **again).status_code == 303
    desk.run()
    assert len(desk.platform().arrived) == 2


def test_only_something_narrower_than_signed_is_offered_and_taken(desk: Desk) -> None:
    mass = desk.release(action="mass_send")
    page = desk.browser().get(f"/console/bookings/new?piece={mass.piece_id}").text
    choices = [attributes["value"] for tag, attributes in elements(page) if tag == "option"]
    assert choices[:2] == ["mass_send", "publish"]
    delivery = desk.booked(mass, **{f"action.{desk.account().id}": "publish"})
    assert delivery.action == "publish"
    quiet = desk.release(title="只发布的通知")
    answer = desk.book(quiet, **{f"action.{desk.account().id}": "mass_send"})
    assert answer.status_code == 422
    assert "超出已签发的范围" in answer.text


def test_the_audience_can_be_narrowed_but_not_emptied(desk: Desk) -> None:
    release = desk.release(action="push", audience={"tag": ["东区", "西区"]})
    field = f"audience.{desk.account().id}.tag"
    page = desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    assert boxes(page, field) == {"东区": True, "西区": True}
    empty = desk.book(release)
    assert empty.status_code == 422
    assert "推送对象至少选一项" in empty.text
    delivery = desk.booked(release, **{field: ["西区"]})
    assert delivery.audience == {"tag": ["西区"]}


def test_an_account_that_was_not_submitted_is_never_booked(desk: Desk) -> None:
    release = desk.release("a")
    answer = desk.book(release, "b")
    assert answer.status_code == 422
    assert "请至少选择一个账号" in answer.text
    assert desk.deliveries() == []


def test_what_is_not_signed_yet_waits_for_it_or_is_dropped_as_chosen(desk: Desk) -> None:
    held = desk.booked(desk.release(signed=False), unsigned="hold")
    dropped = desk.booked(desk.release(signed=False, title="另一则通知"), unsigned="drop")
    desk.run()
    assert desk.now(held).state == "held"
    assert desk.now(dropped).state == "cancelled"


def test_while_choosing_the_person_is_told_what_will_happen(desk: Desk) -> None:
    release = desk.release("a", "b", action="mass_send")
    ids = [str(desk.account(code).id) for code in ("a", "b")]
    answer = desk.browser().send_form("/console/bookings/check", piece=release.piece_id, accounts=ids)
    assert "将安排 2 个发布任务：住建发布（演示渠道）、住建快讯（演示渠道）。" in answer.text
    assert "住建发布（演示渠道）、住建快讯（演示渠道） 的全部关注者" in answer.text
    assert "<html" not in answer.text
    nothing = desk.browser().send_form("/console/bookings/check", piece=release.piece_id)
    assert "还没有选择账号" in nothing.text


@pytest.mark.parametrize("path", ["/console/bookings/new?piece={}", "/console/bookings/act?piece={}"])
def test_another_units_piece_does_not_exist(desk: Desk, path: str) -> None:
    release = desk.release()
    browser = desk.browser("stranger")
    assert browser.get(path.format(release.piece_id)).status_code == 404
    form: dict[str, Any] = {"piece": release.piece_id, "accounts": [desk.account().id], "act": "withdraw"}
    for address in ("/console/bookings/new", "/console/bookings/check", "/console/bookings/act"):
        assert browser.send_form(address, **form, phrase=PHRASES[0]).status_code == 404, address
    bundle = browser.send_form("/console/bookings/bundle", account=desk.account().id, pieces=release.piece_id)
    assert bundle.status_code == 404
    assert release.content["title"] not in browser.get("/console/bookings").text


def test_a_draft_cannot_be_booked(desk: Desk) -> None:
    piece = desk.city.piece()
    answer = desk.browser().get(f"/console/bookings/new?piece={piece.id}")
    assert answer.status_code == 422
    assert "请先送审" in answer.text


# --- bundles ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("add:9", [1, 2, 3, 9]),
        ("add:2", [1, 2, 3]),
        ("remove:2", [1, 3]),
        ("up:2", [2, 1, 3]),
        ("up:1", [1, 2, 3]),
        ("down:2", [1, 3, 2]),
        ("down:3", [1, 2, 3]),
        ("set:3,1,2", [3, 1, 2]),
        ("set:3,3,x", [3]),
        ("up:7", [1, 2, 3]),
        ("nonsense", [1, 2, 3]),
    ],
)
def test_steps_of_a_bundle(step: str, expected: list[int]) -> None:
    assert stepped([1, 2, 3], step) == expected


def test_a_bundle_is_put_together_ordered_and_sent_as_one(desk: Desk) -> None:
    one, two, three = (desk.release(title=f"第{name}则通知") for name in "甲乙丙")
    browser, account = desk.browser(), desk.account()
    assert "可选 3 篇" in browser.get("/console/bookings/bundle").text
    page = browser.get(f"/console/bookings/bundle?account={account.id}").text
    assert all(f"第{name}则通知" in page for name in "甲乙丙")
    chosen = [one.piece_id, two.piece_id]
    answer = browser.send_form("/console/bookings/bundle", account=account.id, pieces=chosen, step=f"up:{two.piece_id}")
    assert answer.text.index("第乙则通知") < answer.text.index("第甲则通知")
    assert boxes(answer.text, "pieces") == {str(two.piece_id): False, str(one.piece_id): False}
    booked = browser.send_form("/console/bookings/bundle", account=account.id, pieces=[two.piece_id, one.piece_id])
    assert booked.status_code == 303
    desk.run()
    assert [item.title for item in desk.platform().arrived[0].items] == ["第乙则通知", "第甲则通知"]
    rest = browser.get(f"/console/bookings/bundle?account={account.id}").text
    assert "第丙则通知" in rest
    assert "第甲则通知" not in rest
    assert desk.placements(three.piece_id) == []


def test_the_signer_sees_a_bundle_beside_what_he_signs_and_orders_it(desk: Desk) -> None:
    one, two = desk.release(title="第甲则通知"), desk.release(title="第乙则通知", signed=False)
    account = desk.account()
    pieces = [one.piece_id, two.piece_id]
    booked = desk.browser().send_form(
        "/console/bookings/bundle", account=account.id, pieces=pieces, when="at", at="2026-03-09T09:00"
    )
    address = booked.headers["location"]
    assert "待签发人确定" in desk.browser().get(address).text
    assert "up:" not in desk.browser().get(address).text
    signer = desk.browser("signer")
    assert "组稿待定头条" in signer.get("/console/notices").text
    page = signer.get(f"/console/signing/{two.id}").text
    assert f'value="up:{two.piece_id}"' in page
    form = {"pieces": pieces, "step": f"up:{two.piece_id}", "release": two.id}
    assert desk.browser().send_form(f"{address}/order", **form).status_code == 403
    answer = signer.send_form(f"{address}/order", **form)
    assert answer.headers["location"].startswith(f"/console/signing/{two.id}")
    shown = signer.get(address).text
    assert "已确定" in shown
    assert shown.index("第乙则通知", shown.index("组稿顺序")) < shown.index("第甲则通知", shown.index("组稿顺序"))
    assert signer.send_form(f"{address}/order", **form).status_code == 409


def test_an_order_that_nobody_decides_any_more_waits_for_nobody(desk: Desk) -> None:
    pieces = [desk.release(title="第甲则通知").piece_id, desk.release(title="第乙则通知").piece_id]
    form = {"account": desk.account().id, "pieces": pieces, "when": "at", "at": "2026-03-09T09:00"}
    address = desk.browser().send_form("/console/bookings/bundle", **form).headers["location"]
    assert desk.browser().send_form(f"{address}/cancel", reason="不发了").status_code == 303
    page = desk.browser().get(address).text
    assert "组稿顺序" in page
    assert "待签发人确定" not in page


def test_htmx_gets_only_the_order(desk: Desk) -> None:
    release = desk.release()
    answer = desk.browser().post(
        "/console/bookings/bundle",
        data={"account": desk.account().id, "step": f"add:{release.piece_id}"},
        headers={"HX-Request": "true", "X-CSRF-Token": desk.browser().csrf},
    )
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert boxes(answer.text, "pieces") == {str(release.piece_id): False}


def test_a_bundle_cannot_be_empty_and_keeps_its_pieces_when_refused(desk: Desk) -> None:
    release = desk.release()
    browser, account = desk.browser(), desk.account()
    answer = browser.send_form("/console/bookings/bundle", account=account.id)
    assert answer.status_code == 422
    assert "请先选入至少一篇稿件" in answer.text
    late = browser.send_form(
        "/console/bookings/bundle", account=account.id, pieces=release.piece_id, when="at", at="never"
    )
    assert late.status_code == 422
    assert boxes(late.text, "pieces") == {str(release.piece_id): False}
    assert 'id="at-error"' in late.text


# --- 更正, 撤稿, 刷新 ------------------------------------------------------------------------------------------


def act(desk: Desk, piece_id: int, name: str, *codes: str, **form: Any) -> Any:
    ids = [str(desk.account(code).id) for code in codes]
    return desk.browser().send_form("/console/bookings/act", piece=piece_id, act=name, accounts=ids, **form)


def live(desk: Desk) -> int:
    """A piece that shows on both accounts."""
    release = desk.release("a", "b")
    desk.book(release, "a", "b")
    desk.run()
    return release.piece_id


def test_withdrawing_takes_it_off_every_channel_with_the_public_phrase(desk: Desk) -> None:
    piece = live(desk)
    page = desk.browser().get(f"/console/bookings/act?piece={piece}&act=withdraw").text
    assert boxes(page, "accounts") == {str(desk.account(code).id): True for code in ("a", "b")}
    assert "共 2 个渠道在显示" in page
    refused = act(desk, piece, "withdraw", "a", "b", phrase="领导不满意")
    assert refused.status_code == 422
    assert 'id="phrase-error"' in refused.text
    assert act(desk, piece, "withdraw", "a", "b", phrase=PHRASES[1]).status_code == 303
    desk.run()
    assert [place.state for place in desk.placements(piece)] == [PlacementState.WITHDRAWN] * 2
    assert desk.deliveries()[-1].phrase == PHRASES[1]
    with desk.hub.works.read() as work:
        assert work.session.get_one(Piece, piece).state == PieceState.WITHDRAWN
    after = desk.browser().get(f"/console/bookings/act?piece={piece}&act=withdraw").text
    assert "没有渠道在显示这篇稿件" in after


def test_what_is_just_going_out_can_be_asked_back(desk: Desk) -> None:
    desk.platform().script += ["accepted"]
    release = desk.release("a")
    delivery = desk.booked(release)
    desk.run()
    address, task = f"/console/bookings/act?piece={release.piece_id}&act=withdraw", f"/console/deliveries/{delivery.id}"
    assert address.replace("&", "&amp;") in desk.browser().get(task).text
    assert "正在发布：有了结果立即撤下" in desk.browser().get(address).text
    assert act(desk, release.piece_id, "withdraw", "a", phrase=PHRASES[0]).status_code == 303
    assert "已要求撤稿" in desk.browser().get(task).text
    assert "没有渠道在显示" in desk.browser().get(address.replace("withdraw", "correct")).text


def test_one_channel_alone_can_be_withdrawn(desk: Desk) -> None:
    piece = live(desk)
    act(desk, piece, "withdraw", "b", phrase=PHRASES[0])
    desk.run()
    assert [place.state for place in desk.placements(piece)] == [PlacementState.LIVE, PlacementState.WITHDRAWN]


def test_a_correction_needs_a_signed_text_and_reaches_every_channel_with_proof(desk: Desk) -> None:
    piece = live(desk)
    desk.city.save(piece, title="更正后的标题")
    page = desk.browser().get(f"/console/bookings/act?piece={piece}&act=correct").text
    assert "各渠道显示的已是最新签发的版本" in page
    assert act(desk, piece, "correct", "a", "b").status_code == 422
    targets = [target_of(desk.account(code)) for code in ("a", "b")]
    waiting = desk.city.submit(piece, targets=targets)
    assert "更正稿还没有签发" in desk.browser().get(f"/console/bookings/act?piece={piece}&act=correct").text
    early = act(desk, piece, "correct", "a", "b")
    assert early.status_code == 422
    assert early.text.count("更正稿尚未签发") == 2
    desk.city.sign_off(waiting.id)
    assert act(desk, piece, "correct", "a", "b").status_code == 303
    desk.run()
    assert [place.correction for place in desk.placements(piece)] == ["corrected", "corrected"]
    proof = desk.browser().get(f"/console/placements?piece={piece}").text
    assert proof.count("已更正") >= 2


def test_a_page_is_drawn_again_without_a_new_signature(desk: Desk) -> None:
    piece = live(desk)
    assert act(desk, piece, "refresh", "a", "b").status_code == 303
    desk.run()
    assert desk.platform("a").corrected == [piece]
    assert [place.correction for place in desk.placements(piece)] == ["", ""]


def test_no_channel_chosen_is_a_fault_and_another_act_does_not_exist(desk: Desk) -> None:
    piece = live(desk)
    answer = act(desk, piece, "refresh")
    assert answer.status_code == 422
    assert "请至少选择一个渠道" in answer.text
    assert act(desk, piece, "publish", "a").status_code == 404


# --- the timetable ---------------------------------------------------------------------------------------------


def test_the_calendar_shows_each_day_with_its_tasks(desk: Desk, clock: StillClock) -> None:
    release = desk.release(window=Window(None, clock.now() + timedelta(days=20)))
    desk.booked(release, when="at", at="2026-03-04T23:30")
    page = desk.browser().get("/console/calendar?view=list").text
    assert "今天 · 2026-03-02 周一" in page
    day = page[page.index("2026-03-04 周三") : page.index("2026-03-05 周四")]
    assert "23:30" in day
    assert release.content["title"] in day
    later = desk.browser().get("/console/calendar?view=list&from=2026-03-09").text
    assert release.content["title"] not in later
    assert desk.browser().get("/console/calendar?from=gestern").status_code == 200
    assert release.content["title"] not in desk.browser("stranger").get("/console/calendar?view=list").text
    elsewhere = desk.browser().get(f"/console/calendar?view=list&account={desk.account('b').id}").text
    assert release.content["title"] not in elsewhere


def test_a_push_for_the_night_is_told_while_choosing_and_on_its_page(desk: Desk, clock: StillClock) -> None:
    release = desk.release(action="push")
    asked = {"piece": release.piece_id, "accounts": [str(desk.account().id)], "when": "at", "at": "2026-03-02T22:30"}
    told = "将于 03-03 07:00 自动发出"
    page = desk.browser().send_form("/console/bookings/new", **{**asked, "missed_act": "hold", "missed_after": ""})
    assert told in page.text
    made = desk.booked(release, when="at", at="2026-03-02T22:30")
    assert told in desk.browser().get(f"/console/deliveries/{made.id}").text
    clock.step(hours=13, minutes=31)
    desk.run()
    row = desk.now(made)
    assert (row.state, row.reason) == ("held", "免打扰时段（22:00–07:00）不推送，03-03 07:00 自动发出")
