"""我的 over HTTP: number and telephone, a code, a short session; nobody learns which part was wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot import gateway, tickets
from bot.gateway import Arrival
from bot.models import PhoneCode, Ticket
from bot.phone_codes import Codes
from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom

PHONE, OTHER = "13812345678", "13900001111"


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """The running hub with a gateway for text messages and two citizens' tickets."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        room.hub.incoming.answering.codes = Codes(room.hub.seal)
        make(room, "路灯坏了三天，我家在幸福街道和平路3号。", PHONE)
        make(room, "别人的事", OTHER)
        yield room


def make(room: Newsroom, text: str, contact: str) -> Ticket:
    with room.hub.works.write() as work:
        unit, zone = room.office.city.id, room.hub.settings.office_zone
        talk = gateway.begin(work, unit_id=unit, account_id=None, channel="portal", sender=gateway.visitor())
        gateway.store(work, talk, Arrival("chat", f"k-{talk.id}", talk.sender, "text", f"{text}（问）", work.now))
        return tickets.make(
            work, unit_id=unit, kind="投诉", text=text, contact=contact, zone=zone, conversation_id=talk.id
        )


def number_of(room: Newsroom, contact: str = PHONE) -> str:
    with room.hub.works.read() as work:
        return work.session.scalars(select(Ticket.number).where(Ticket.contact == contact)).one()


def code_of(room: Newsroom) -> str:
    with room.hub.works.read() as work:
        row = work.session.scalars(select(PhoneCode).order_by(PhoneCode.id.desc()).limit(1)).one()
        return Codes(room.hub.seal).address(row)[0]


def test_the_code_opens_his_own_matters_and_nobody_elses(room: Newsroom) -> None:
    browser = room.browser()
    both = {"number": number_of(room), "phone": "138 1234 5678"}
    assert "如果编号和手机号码与登记的一致" in browser.post("/mine/code", data=both).text
    opened = browser.post("/mine/open", data={**both, "code": code_of(room)}, follow_redirects=False)
    assert (opened.status_code, opened.headers["location"]) == (303, "/mine")
    kept = opened.headers["set-cookie"].lower()
    assert "httponly" in kept
    assert "samesite=strict" in kept
    assert "max-age=900" in kept
    page = browser.get("/mine")
    assert page.headers["cache-control"] == "no-store"
    assert "路灯坏了三天" in page.text
    assert "路灯坏了三天，我家在幸福街道。（问）" in page.text
    assert "和平路3号" not in page.text
    assert "138****5678" in page.text
    assert PHONE not in page.text
    assert "别人的事" not in page.text


def test_the_session_ends_by_itself_and_by_leaving(room: Newsroom, clock: StillClock) -> None:
    for end in ("time", "leave"):
        browser = room.browser()
        both = {"number": number_of(room), "phone": PHONE}
        browser.post("/mine/code", data=both)
        browser.post("/mine/open", data={**both, "code": code_of(room)})
        held = dict(browser.cookies)
        assert "路灯坏了" in browser.get("/mine").text
        if end == "time":
            clock.step(minutes=16)
        else:
            browser.post("/mine/leave")
            browser.cookies.update(held)  # A copy of the cookie is of no use either.
        again = browser.get("/mine").text
        assert "已自动退出" in again
        assert "路灯坏了" not in again


@pytest.mark.parametrize("change", [{"number": "20260302-ZZZ999"}, {"phone": OTHER}])
def test_what_does_not_belong_together_looks_just_the_same(room: Newsroom, change: dict[str, str]) -> None:
    right = {"number": number_of(room), "phone": PHONE}
    pages = []
    for given in (right, {**right, **change}):
        browser = room.browser()
        sent = browser.post("/mine/code", data=given)
        refused = browser.post("/mine/open", data={**given, "code": "000000"})
        pages.append(
            [
                (page.status_code, page.text.replace(given["number"], "N").replace(given["phone"], "P"))
                for page in (sent, refused)
            ]
        )
    assert pages[0] == pages[1]


def test_bad_input_is_named_at_its_field_and_kept(room: Newsroom) -> None:
    browser = room.browser()
    answer = browser.post("/mine/code", data={"number": "12", "phone": PHONE})
    assert answer.status_code == 422
    assert 'id="number-error"' in answer.text
    assert f'value="{PHONE}"' in answer.text
    assert 'id="phone-error"' in browser.post("/mine/code", data={"number": number_of(room), "phone": "1"}).text


def test_asking_and_guessing_are_limited(room: Newsroom) -> None:
    browser = room.browser()
    both = {"number": number_of(room), "phone": PHONE}
    asked = [browser.post("/mine/code", data=both).status_code for _time in range(12)]
    assert asked == [200] * 3 + [422] * 7 + [429] * 2
    code = code_of(room)
    wrong = f"{(int(code) + 1) % 10**6:06}"
    tried = [browser.post("/mine/open", data={**both, "code": wrong}).status_code for _time in range(21)]
    assert tried == [422] * 20 + [429]


def test_another_site_cannot_ask_in_his_name(room: Newsroom) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    for path in ("/mine/code", "/mine/open", "/mine/leave"):
        assert room.browser().post(path, data={}, headers=headers).status_code == 403


def test_where_no_code_can_be_sent_the_page_says_so(room: Newsroom) -> None:
    room.hub.incoming.answering.codes = None
    browser = room.browser()
    assert "暂时不能用短信验证码" in browser.get("/mine").text
    assert browser.post("/mine/code", data={}).status_code == 404


@pytest.mark.parametrize("token", ["", "wrong"])
def test_nobody_but_rasa_is_answered_for_its_forms(room: Newsroom, token: str) -> None:
    assert room.browser().post("/bot/actions", params={"token": token}, json={}).status_code == 404
    room.hub.settings.rasa_url, room.hub.settings.rasa_token = "http://127.0.0.1:5005", SecretStr("right")
    assert room.browser().post("/bot/actions", params={"token": token}, json={}).status_code == 404
    answer = room.browser().post("/bot/actions", params={"token": "right"}, json={"next_action": "x"})
    assert answer.status_code == 422
