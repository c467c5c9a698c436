"""One citizen's data: asked for behind his code or at the desk, handed over whole by a link that ends, or deleted."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot import consents, gateway, reply, tickets
from bot.gateway import Arrival
from bot.models import Conversation, Ticket
from bot.personal import requests
from bot.personal.erasing import Eraser
from bot.personal.models import DataRequest
from bot.personal.states import RequestState
from bot.phone_codes import Codes
from bot.reply import Said
from bot.states import ConversationState, TicketState
from channels.accounts.models import Account
from channels.base import Consent
from hub.citizens import ERASE
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.duties import run_due
from kernel.people import Role
from tests.bot.citizens import wechat_account
from tests.hub.web.newsroom import Newsroom, open_newsroom
from tests.hub.web.test_mine import code_of, number_of
from tests.scanning import places

PHONE, OTHER = "13812345678", "13900001111"
NAME = "欧阳小明"
OPENID, STRANGER = "oABC-openid-of-ouyang", "oXYZ-openid-of-another"


@pytest.fixture
def room(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """A citizen who left a ticket by telephone and wrote on WeChat, another who did too, and a supervisor."""
    with open_newsroom(database_url, tmp_path, clock) as room:
        room.hub.incoming.answering.codes = Codes(room.hub.seal)
        room.office.grant("manager", Role.SUPERVISOR, room.office.city, below=True)
        with room.hub.works.write() as work:
            account = wechat_account(work, room.hub.seal, room.office.city.id)
        writes(room, account, OPENID, NAME, PHONE)
        writes(room, account, STRANGER, "诸葛小红", OTHER)
        yield room


def writes(room: Newsroom, account: Account, sender: str, name: str, phone: str) -> None:
    with room.hub.works.write() as work:
        here = work.session.get_one(Account, account.id)
        media = {"PicUrl": f"https://pic.example/{name}"}
        arrival = Arrival(
            gateway.origin_of(here.id), f"{sender}-1", sender, "text", f"我是{name}，路灯坏了", work.now, media
        )
        talk = work.session.get_one(Conversation, gateway.receive(work, here, arrival).conversation_id)
        consents.heard(work, here.id, Consent("k", sender, "t-1", True, work.now))
        reply.book(work, talk, "agent", Said(f"{name}您好，已登记。"))
        talk.state, talk.closed_at, talk.summary = ConversationState.CLOSED, work.now, f"{name}反映路灯"
        made = tickets.make(
            work, unit_id=room.office.city.id, kind="投诉", text=f"{name}家门口路灯坏了", name=name,
            contact=phone, zone=room.hub.settings.office_zone, conversation_id=talk.id,
        )  # fmt: skip
        room.hub.notifier.tell(
            work, [room.office.person("manager").id], "probe", "新工单", f"{name}来信",
            f"/console/tickets/{made.id}", f"probe-{made.id}",
        )  # fmt: skip


def close_tickets(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        work.session.execute(
            update(Ticket).values(state=TicketState.CLOSED, closed_at=work.now, answer=Ticket.name + "您好，已修复。")
        )


def proved(room: Newsroom, number: str = "") -> Any:
    """A browser in which the citizen has shown that the telephone is his."""
    browser = room.browser()
    both = {"number": number or number_of(room), "phone": PHONE}
    browser.post("/mine/code", data=both)
    browser.post("/mine/open", data={**both, "code": code_of(room)})
    return browser


def asked(room: Newsroom) -> DataRequest:
    with room.hub.works.read() as work:
        return work.session.scalars(select(DataRequest).order_by(DataRequest.id.desc()).limit(1)).one()


def grant(room: Newsroom, *belongs: str) -> str:
    form: dict[str, Any] = {"reason": "已核验手机验证码和身份证原件", "belongs": list(belongs)}
    return str(room.desk_of("manager").send_form(f"/console/citizens/{asked(room).id}/grant", **form).text)


def test_a_copy_is_granted_and_fetched_by_him_and_by_nobody_else(room: Newsroom, clock: StillClock) -> None:
    citizen = proved(room)
    for _again in range(2):
        citizen.post("/mine/requests", data={"kind": "copy"})
    assert asked(room).id == 1  # Asked twice, it is one.
    assert asked(room).due_at.date().isoformat() == "2026-03-23"  # 15 working days.
    assert PHONE not in asked(room).sealed
    page = room.desk_of("manager").get(f"/console/citizens/{asked(room).id}").text
    assert "138****5678" in page
    assert PHONE not in page
    assert OPENID in page  # The conversation his ticket came from is offered, and nothing else.
    assert STRANGER not in page
    grant(room, "0")
    assert "下载副本" in citizen.get("/mine").text
    file = zipfile.ZipFile(io.BytesIO(citizen.get(f"/mine/copy/{asked(room).id}").content))
    data = json.loads(file.read("个人信息.json"))
    assert (data["phone"], data["tickets"][0]["contact"], data["tickets"][0]["name"]) == (PHONE, PHONE, NAME)
    assert [line["side"] for line in data["accounts"][0]["conversations"][0]["lines"]] == ["citizen", "agent"]
    assert data["accounts"][0]["conversations"][0]["lines"][0]["media"]["PicUrl"].endswith(NAME)
    (agreed,) = data["accounts"][0]["notices_agreed_to"]
    assert (agreed["form"], agreed["agreed"]) == ("t-1", True)
    assert f"我是{NAME}，路灯坏了" in file.read("个人信息.html").decode()
    assert "诸葛小红" not in file.read("个人信息.json").decode()
    assert room.browser().get(f"/mine/copy/{asked(room).id}").status_code == 404
    clerk = room.desk_of("manager")
    link = clerk.send_form(f"/console/citizens/{asked(room).id}/copy").headers["location"]
    assert clerk.get(link).headers["content-type"] == "application/zip"
    assert room.log_in("officer").get(link).status_code in (403, 404)
    clock.step(minutes=61)
    assert room.log_in("manager").get(link).status_code >= 400
    clock.step(days=16)
    requests.round_up(room.hub.works)
    assert asked(room).sealed == ""


def test_deletion_keeps_what_is_open_says_so_and_ends_by_itself(room: Newsroom, clock: StillClock) -> None:
    number = number_of(room)
    proved(room).post("/mine/requests", data={"kind": "erase"})
    grant(room, "0")
    assert (asked(room).state, asked(room).kept) == (RequestState.KEEPING, [number, "会话 1"])
    assert number in proved(room).get("/mine").text
    assert places(room.hub.engine, NAME)
    close_tickets(room)
    clock.step(minutes=2)
    assert run_due(room.hub.works, [duty for duty in room.hub.duties if duty.name == ERASE]) == [ERASE]
    assert asked(room).state == RequestState.DONE
    assert places(room.hub.engine, NAME, PHONE, OPENID) == set()
    assert places(room.hub.engine, OTHER, STRANGER)  # Nobody else lost anything.
    with room.hub.works.read() as work:
        mine = work.session.scalars(select(Ticket).where(Ticket.number == number)).one()
        assert (mine.kind, mine.state, mine.contact, mine.text, mine.answer) == ("投诉", "closed", "", "", "")
        told = work.session.scalars(select(Notice.text).where(Notice.link == f"/console/tickets/{mine.id}"))
        assert set(told) == {""}
    assert "已办结" in proved(room, asked(room).number).get("/mine").text  # By the request's own number.


def test_a_deletion_broken_off_is_taken_up_again(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    close_tickets(room)
    proved(room).post("/mine/requests", data={"kind": "erase"})
    eraser = Eraser(room.hub.works, room.hub.seal)
    monkeypatch.setattr("bot.personal.erasing.MOST_STEPS", 1)
    grant(room, "0")
    assert asked(room).state == RequestState.ERASING
    assert asked(room).counts == {"tickets": 1}
    monkeypatch.undo()
    assert eraser.round() == 1
    assert eraser.round() == 0
    assert asked(room).counts == {"tickets": 1, "conversations": 1}
    assert places(room.hub.engine, PHONE, OPENID) == set()


def test_the_desk_finds_one_identity_on_one_account_and_gives_its_reason(room: Newsroom) -> None:
    clerk = room.desk_of("manager")
    with room.hub.works.read() as work:
        account = work.session.scalars(select(Conversation.account_id).where(Conversation.sender == OPENID)).one()
    form = {"kind": "erase", "account": str(account), "sender": "nobody", "reason": f"来电 {PHONE}"}
    assert "没有这个身份的会话" in clerk.send_form("/console/citizens", **form).text
    clerk.send_form("/console/citizens", **{**form, "sender": OPENID})
    assert asked(room).reason == "来电 138****5678"
    assert "请选择属于申请人的内容" in grant(room)
    page = clerk.send_form(f"/console/citizens/{asked(room).id}/grant", belongs=["0"], reason="").text
    assert "请写明依据" in page
    clerk.send_form(f"/console/citizens/{asked(room).id}/decline", words="无法核实为本人")
    assert (asked(room).state, asked(room).sealed) == (RequestState.DECLINED, "")
    assert clerk.send_form(f"/console/citizens/{asked(room).id}/grant", reason="再来").status_code == 409
    assert room.log_in("officer").get("/console/citizens").status_code == 403


def test_what_was_merged_with_his_is_offered_as_his_and_goes_with_it(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        first, second = work.session.scalars(select(Conversation).order_by(Conversation.id)).all()
        reply.book(work, first, "note", Said(f"并入了会话 {second.id}。两次都自称{NAME}"))
        second.merged_into_id = first.id
    close_tickets(room)
    proved(room).post("/mine/requests", data={"kind": "erase"})
    assert STRANGER in room.desk_of("manager").get(f"/console/citizens/{asked(room).id}").text
    grant(room, "0", "1")
    assert asked(room).state == RequestState.DONE
    assert places(room.hub.engine, NAME, OPENID, STRANGER, "诸葛小红") == set()


def test_a_late_request_is_told_once(room: Newsroom, clock: StillClock) -> None:
    proved(room).post("/mine/requests", data={"kind": "copy"})
    clock.step(seconds=timedelta(days=30).total_seconds())
    assert requests.round_up(room.hub.works) == 1
    assert requests.round_up(room.hub.works) == 0
    with room.hub.works.read() as work:
        kinds = work.session.scalars(select(Notice.kind).where(Notice.kind.startswith("data_request"))).all()
        assert sorted(kinds) == ["data_request.late", "data_request.made"]
