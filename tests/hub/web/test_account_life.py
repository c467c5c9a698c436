"""The desks of a WeChat account that is lived in, through the web and against the rehearsal platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import prepared
from channels.accounts import menus
from channels.accounts import store as accounts
from channels.rehearsal.config import RehearsalConfig
from kernel.clock import SystemClock
from kernel.people import Role
from tests.channels.harness import host_of
from tests.channels.rehearsal.served import SERVICE_APPID, SERVICE_SECRET, Rehearsal, serving
from tests.hub.web.going_out import Desk, open_desk
from tests.templates.browser import screen

PARTS = ("menu", "replies")


@pytest.fixture
def rehearsed() -> Iterator[Rehearsal]:
    """Rehearsal platforms of this test's own."""
    with serving(RehearsalConfig.demo()) as running:
        yield running


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, rehearsed: Rehearsal) -> Iterator[Desk]:
    """The office with a WeChat service account on the rehearsal platform; the manager signs."""
    with open_desk(sqlite_url, tmp_path, SystemClock(), allowed_private=host_of(rehearsed)) as desk:
        with desk.hub.works.write() as work:
            accounts.add(
                work,
                desk.hub.seal,
                unit_id=desk.city.bureau.id,
                channel="wechat",
                name="云州政务服务",
                code="wx",
                base_url=f"{rehearsed.url}/wechat",
                settings={"type": "service"},
                credentials={"appid": SERVICE_APPID, "secret": SERVICE_SECRET},
            )
        desk.city.grant("manager", Role.SIGNER)
        yield desk


def path(desk: Desk, *parts: object) -> str:
    """An address below the account."""
    return "/".join(("/console/accounts", str(desk.account("wx").id), *map(str, parts)))


def save_menu(desk: Desk, by: str = "officer", **form: Any) -> Any:
    """Saves a menu as the editor's form does, over the draft there is."""
    with desk.hub.works.read() as work:
        draft = menus.draft_of(work.session, desk.account("wx").id)
    seen = f"{draft.id} {draft.made_at.isoformat()}" if draft else ""
    return desk.browser(by).send_form(path(desk, "menu"), **{"seen": seen, **form})


MENU = {
    "1.name": "服务",
    "1.1.name": "热线",
    "1.1.act": "say",
    "1.1.value": "请拨打 12345",
    "1.2.name": "门户",
    "1.2.act": "view",
    "1.2.value": "https://www.yunzhou.example/",
    "3.name": "人工",
    "3.act": "person",
}


def test_a_menu_is_written_by_one_and_published_by_another(desk: Desk, rehearsed: Rehearsal) -> None:
    assert save_menu(desk, **MENU).status_code == 303
    own = desk.browser("manager").send_form(path(desk, "menu/publish"))
    assert own.status_code == 303
    (line,) = rehearsed.ledger("menu")
    service, person = line["data"]["button"]
    assert [one["name"] for one in service["sub_button"]] == ["热线", "门户"]
    assert person["type"] == "click"
    page = desk.browser().get(path(desk, "menu")).text
    assert "使用中" in page
    assert 'value="https://www.yunzhou.example/"' in page or "https://www.yunzhou.example/" in page


def test_a_key_stays_the_same_when_the_answer_changes(desk: Desk, rehearsed: Rehearsal) -> None:
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    save_menu(desk, **{**MENU, "1.1.was": "1.1", "3.was": "2", "1.1.value": "请拨打 12333"})
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    keys = [line["data"]["button"][0]["sub_button"][0]["key"] for line in rehearsed.ledger("menu")]
    assert len(keys) == 2
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"1.1.name": "二" * 21}, "1.1.name"),
        ({"1.1.value": ""}, "1.1.value"),
        ({"1.1.value": "请联系 13800138000"}, "1.1.value"),
        ({"1.2.value": "javascript:alert(1)"}, "1.2.value"),
        ({"1.1.act": ""}, "1.1.act"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_nothing_typed_is_lost(
    desk: Desk, form: dict[str, str], field: str
) -> None:
    answer = save_menu(desk, **{**MENU, **form})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert "https://www.yunzhou.example/" in answer.text or "javascript" in answer.text


def test_who_saves_over_a_colleague_is_told(desk: Desk) -> None:
    save_menu(desk, **MENU)
    answer = desk.browser().send_form(path(desk, "menu"), **MENU, seen="")
    assert answer.status_code == 409
    assert "请拨打 12345" in answer.text


def test_the_platforms_refusal_is_told_and_kept(desk: Desk, rehearsed: Rehearsal) -> None:
    rehearsed.control("faults", kind="errcode", code=48001, platform="wechat", path="cgi-bin/menu/create")
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    page = desk.browser("manager").get(path(desk, "menu")).text
    assert "上次没有发布成功" in page
    assert "没有此接口的权限" in page


REPLY = {"trigger": "keyword", "name": "供热", "contains": "暖气\n供热", "act": "say", "answer.1": "到 4 月 7 日"}


def test_a_reply_is_written_approved_changed_and_stopped(desk: Desk) -> None:
    assert desk.browser().send_form(path(desk, "replies"), **REPLY).status_code == 303
    with desk.hub.works.read() as work:
        (row,) = prepared.of_account(work.session, desk.account("wx").id)
    assert row.words == [["暖气", "contains"], ["供热", "contains"]]
    one = path(desk, "replies", row.id)
    own = desk.browser().send_form(f"{one}/approve")
    assert own.status_code == 403
    assert desk.browser("manager").send_form(f"{one}/approve").status_code == 303
    assert "生效" in desk.browser().get(path(desk, "replies")).text
    assert desk.browser().send_form(one, **{**REPLY, "answer.1": "到 4 月 10 日"}).status_code == 303
    assert "待核准" in desk.browser().get(path(desk, "replies")).text
    desk.browser("manager").send_form(f"{one}/approve")
    desk.browser().send_form(f"{one}/stop")
    desk.browser().send_form(f"{one}/remove")
    assert desk.browser().get(one).status_code == 404


def test_a_refused_reply_keeps_what_was_typed(desk: Desk) -> None:
    answer = desk.browser().send_form(path(desk, "replies"), **{**REPLY, "answer.1": "请联系 13800138000"})
    assert answer.status_code == 422
    assert 'id="answer.1-error"' in answer.text
    assert "暖气" in answer.text


def test_a_channel_without_a_menu_has_no_such_desk(desk: Desk) -> None:
    for part in ("menu", "replies"):
        assert desk.browser().get(f"/console/accounts/{desk.account('a').id}/{part}").status_code == 404


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_desks_are_drawn_in_both_languages(desk: Desk, language: str) -> None:
    save_menu(desk, **MENU)
    desk.browser().send_form(path(desk, "replies"), **REPLY)
    browser = desk.browser()
    browser.send_form("/console/language", language=language)
    words = "Prepared replies" if language == "en" else "自动回复"
    for part in ("menu", "replies"):
        answer = browser.get(path(desk, part))
        assert answer.status_code == 200
        assert words in answer.text


@pytest.mark.browser
def test_the_desks_are_accessible_and_fit_a_phone(desk: Desk) -> None:
    save_menu(desk, **MENU)
    desk.browser("manager").send_form(path(desk, "menu/publish"))
    save_menu(desk, **MENU)
    desk.browser().send_form(path(desk, "replies"), **REPLY)
    with screen() as shown:
        for part in PARTS:
            html = desk.browser().get(path(desk, part)).text
            for width in (1280, 375):
                shown.show(html, width)
                assert shown.axe() == [], (part, width)
                assert shown.overflow() <= 0, (part, width)
            assert shown.complaints == []
