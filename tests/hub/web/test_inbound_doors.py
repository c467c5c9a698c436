"""Whatever comes in at a door that citizens or platforms use: kept clean or refused in words, and never a 500.

Each door takes each text on both databases: PostgreSQL refuses characters that SQLite swallows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import gateway, tickets
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage, OutboundReply, Ticket
from channels.accounts import store as accounts
from channels.adapters.weibo.fans import signature as weibo_signature
from channels.rehearsal.wechat import crypto
from hub import limits
from hub.hotline import signature
from hub.outer.models import OuterProblem
from kernel.clock import StillClock
from kernel.people import Role
from kernel.typed import tidy
from kernel.work import Work
from tests.bot.citizens import AES_KEY, APPID, TOKEN, ToldEngine, wechat_account
from tests.hub.office import Browser, Office, open_office
from tests.hub.outer.faces import open_faces

WEIBO_SECRET = "weibo-secret"  # Of this test.
HOTLINE_SECRET = "hotline-secret"  # Of this test.
JSON = {"Content-Type": "application/json", "Accept": "application/json"}

TEXTS = {
    "restart": "/restart",
    "intent": '／human_handoff{"a":"b"}',
    "long": "长" * 34_000,
    "strange": "<script>alert(1)</script>{{7}}';--]]>]]&gt;👨‍👩‍👧🏳️‍🌈\u202e反\u2066\u200f\r\n\u2028\u0085",
    "controls": "一\x01二\x08三\x1b[31m四\x7f零\x00完",
    "only controls": "\x00\x01\x02",
    "half a pair": "半\ud83d个\ude00\ud83d反\ufffe字\uffff",
}
BODIES = {
    "deep": b"[" * 60_000,
    "deep object": b'{"text":' * 30_000,
    "overlong": b'{"text":"\xc0\xaf\xed\xa0\x80","type":"text"}',
    "deep markup": b"<xml>" + b"<a>" * 60_000,
    "closed markup": b"<xml><MsgType>" + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</MsgType></xml>",
    "entities": b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><xml><Content>&c;</Content></xml>',
    "numbers": b'{"text": 1e999, "sender_id": NaN, "key": -1, "after": 99999999999999999999}',
    "nothing": b"",
    "zeros": bytes(100_000),
}


@dataclass
class House:
    """A running hub with every door open."""

    office: Office
    clock: StillClock
    door: Browser
    talk: int = 0
    ticket: int = 0
    serial: int = 0
    plain: str = "wx-plain"
    sealed: str = "wx-sealed"

    def next(self) -> int:
        """A number that was not used before."""
        self.serial += 1
        return self.serial

    @property
    def agent(self) -> Browser:
        """Whoever answers citizens."""
        return self.office.desk_of("agent")

    def raw_doors(self) -> dict[str, Callable[[bytes], dict[str, Any]]]:
        """Doors that read a body themselves, each with the proof that goes with these bytes."""
        begun = self.door.post("/chat/start", headers=JSON).json()
        stamp = str(int(self.clock.now().timestamp()))
        plain = {"timestamp": stamp, "nonce": "9", "signature": crypto.signature(TOKEN, stamp, "9")}
        weibo = {"timestamp": stamp, "nonce": "9", "signature": weibo_signature(WEIBO_SECRET, stamp, "9")}
        chat = {"headers": {**JSON, "Authorization": f"Bearer {begun['token']}"}}
        return {
            f"/chat/{begun['id']}/messages": lambda _body: chat,
            f"/chat/{begun['id']}/rating": lambda _body: chat,
            "/api/app/v1/chat/devices": lambda _body: {},
            f"/callbacks/wechat/{self.plain}": lambda _body: {"params": plain},
            f"/callbacks/wechat/{self.sealed}": lambda _body: {"params": {**plain, "encrypt_type": "aes"}},
            "/callbacks/weibo/wb": lambda _body: {"params": weibo},
            "/hotline/tickets": lambda body: {
                "headers": {**JSON, **signature.headers(HOTLINE_SECRET, body, self.clock.now())}
            },
            "/push/subscriptions": lambda _body: {},
            "/bot/actions": lambda _body: {"params": {"token": "t"}},
        }

    def written(self) -> Iterator[str]:
        """Every text of citizens and desks that the database keeps."""
        with self.office.hub.works.read() as work:
            for row in work.session.scalars(select(InboundMessage)):
                yield from (row.text, row.key, *row.media.values())
            for talk in work.session.scalars(select(Conversation)):
                yield from (talk.sender, talk.name, talk.summary)
            for ticket in work.session.scalars(select(Ticket)):
                yield from (ticket.text, ticket.contact, ticket.name, ticket.page, ticket.hotline_number or "")
            yield from work.session.scalars(select(OutboundReply.text))


@pytest.fixture
def nobody_is_too_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit counts."""
    monkeypatch.setattr(limits.Limit, "take", lambda _limit, _key: None)


@contextmanager
def open_house(url: str, folder: Path, clock: StillClock) -> Iterator[House]:
    """The hub with its accounts, an agent with a conversation, and a ticket."""
    settings: dict[str, Any] = {"rasa_url": "http://127.0.0.1:9", "rasa_token": "t"}
    with open_office(url, folder, clock, hotline_secret=HOTLINE_SECRET, **settings) as office:
        hub, engine = office.hub, ToldEngine(quick=True)
        hub.incoming.engine = hub.incoming.answering.engine = engine
        office.hire("agent", "root", Role.AGENT, Role.SUPERVISOR)
        with hub.works.write() as work:
            root = office.unit("root").id
            wechat_account(work, hub.seal, root, mode="plain", code="wx-plain")
            wechat_account(work, hub.seal, root, mode="secure", code="wx-sealed")
            accounts.add(
                work, hub.seal, unit_id=root, channel="weibo", name="微博", code="wb",
                settings={"uid": "7000000001"}, credentials={"app_secret": WEIBO_SECRET},
            )  # fmt: skip
            talk = begin(work, root)
            made = tickets.make(work, unit_id=root, kind="投诉", text="路灯坏了", zone=hub.settings.office_zone)
            ids = talk.id, made.id
        yield House(office, clock, office.browser(), *ids)


def begin(work: Work, unit: int) -> Conversation:
    """A conversation on the portal."""
    talk = gateway.begin(work, unit_id=unit, account_id=None, channel="portal", sender=gateway.visitor())
    gateway.store(work, talk, Arrival("chat", f"b{talk.id}", talk.sender, "text", "人工", work.now))
    return talk


def as_json(house: House, address: str, told: Any, **headers: str) -> int:
    """JSON as a program writes it, with halves of pairs escaped."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    return int(house.door.post(address, content=body, headers={**JSON, **headers}).status_code)


# --- the doors ------------------------------------------------------------------------------------------------------


def portal_chat(house: House, text: str) -> int:
    begun = house.door.post("/chat/start", headers=JSON).json()
    proof = {"Authorization": f"Bearer {begun['token']}"}
    return as_json(house, f"/chat/{begun['id']}/messages", {"key": f"k{text[:50]}", "text": text}, **proof)


def app_chat(house: House, text: str) -> int:
    token = f"device-{house.next():040d}"
    begun = house.door.post("/api/app/v1/chat/devices", json={"device": token}, headers=JSON).json()
    proof = {"Authorization": f"Bearer {token}"}
    address = f"/api/app/v1/chat/{begun['id']}/messages"
    return as_json(house, address, {"key": "k", "text": text}, **proof)


def app_device(house: House, text: str) -> int:
    return as_json(house, "/api/app/v1/chat/devices", {"device": text})


def wechat(house: House, text: str, *, sealed: bool = False, **fields: str) -> int:
    number, stamp = str(house.next()), str(int(house.clock.now().timestamp()))
    told = {
        "ToUserName": "gh_test", "FromUserName": f"oCitizen{number}", "CreateTime": stamp, "MsgType": "text",
        "Content": text, "MsgId": f"m{number}", **fields,
    }  # fmt: skip
    body = xml(told)
    query = {"timestamp": stamp, "nonce": number, "signature": crypto.signature(TOKEN, stamp, number)}
    if sealed:
        closed = crypto.encrypt(AES_KEY, APPID, body.decode("utf-8", "surrogatepass"))
        query |= {"encrypt_type": "aes", "msg_signature": crypto.signature(TOKEN, stamp, number, closed)}
        body = xml({"ToUserName": "gh_test", "Encrypt": closed})
    code = house.sealed if sealed else house.plain
    return int(house.door.post(f"/callbacks/wechat/{code}", params=query, content=body).status_code)


def xml(fields: dict[str, str]) -> bytes:
    """The platform's XML, which knows nothing of what it carries."""
    parts = (f"<{name}><![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]></{name}>" for name, text in fields.items())
    return f"<xml>{''.join(parts)}</xml>".encode("utf-8", "surrogatepass")


def sealed_wechat(house: House, text: str) -> int:
    return wechat(house, text.encode("utf-8", "replace").decode(), sealed=True)


def wechat_voice(house: House, text: str) -> int:
    return wechat(house, "", MsgType="voice", Recognition=text, MediaId=text, Format="amr")


def wechat_sender(house: House, text: str) -> int:
    return wechat(house, "您好", FromUserName=text)


def wechat_key(house: House, text: str) -> int:
    return wechat(house, "", MsgType="event", Event="CLICK", EventKey=text)


def weibo(house: House, text: str, **fields: Any) -> int:
    number, now = str(house.next()), house.clock.now()
    stamp = str(int(now.timestamp() * 1000) + house.serial)
    query = {"signature": weibo_signature(WEIBO_SECRET, stamp, number), "timestamp": stamp, "nonce": number}
    told = {
        "type": "text", "receiver_id": 7000000001, "sender_id": 9000000000 + house.serial,
        "created_at": f"{now.astimezone():%a %b %d %H:%M:%S %z %Y}", "data": {"tovfid": text}, "text": text, **fields,
    }  # fmt: skip
    return int(house.door.post("/callbacks/weibo/wb", params=query, content=json.dumps(told).encode()).status_code)


def feedback(house: House, text: str) -> int:
    told = {"kind": "建议", "text": f"建议{text}", "contact": text, "name": text, "page": text, "sms": text}
    return int(house.door.post("/feedback", data=formed(told), follow_redirects=False).status_code)


def formed(told: dict[str, str]) -> dict[str, str]:
    """A form as a browser writes it: a half of a pair becomes the replacement sign."""
    return {name: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for name, text in told.items()}


def mine(house: House, text: str) -> int:
    told = formed({"number": text, "phone": text, "code": text, "kind": text})
    found = [house.door.post(f"/mine/{act}", data=told).status_code for act in ("code", "open", "requests", "leave")]
    return int(max(found))


def hotline(house: House, text: str) -> int:
    case = {"number": f"DH{house.next()}{text[:40]}", "kind": "投诉", "text": f"路灯坏了{text}", "name": text}
    body = json.dumps({**case, "contact": text}).encode()
    return as_json(house, "/hotline/tickets", body, **signature.headers(HOTLINE_SECRET, body, house.clock.now()))


def hotline_file(house: House, text: str) -> int:
    rows = f'12345编号,类别,事由,称呼,联系方式\nDH{house.next()},求助,"{text.replace(chr(34), "")}",a,b\n'
    sent = {"csrf": house.agent.csrf, "unit": str(house.office.unit("root").id)}
    data = rows.encode("utf-8", "surrogatepass")
    return int(house.agent.post("/console/tickets/import", data=sent, files={"file": ("a.csv", data)}).status_code)


def the_desk(house: House, text: str) -> int:
    with house.office.hub.works.write() as work:
        talk = begin(work, house.office.unit("root").id).id
    acts = (
        ("answer", {"text": text}), ("note", {"text": text}), ("ticket", {"text": text}),
        ("close", {"summary": text, "service": text, "class_id": text}),
    )  # fmt: skip
    return max(posted(house, f"/console/desk/{talk}/{act}", told) for act, told in acts)


def posted(house: House, address: str, told: dict[str, str]) -> int:
    """The status of a form of the console."""
    return int(house.agent.send_form(address, **formed(told)).status_code)


def the_tickets(house: House, text: str) -> int:
    told = dict.fromkeys(("text", "main", "merge_reason", "urge_reason"), text)
    acts = ("merge", "urge", "answer")
    return max(posted(house, f"/console/tickets/{house.ticket}/{act}", told) for act in acts)


def push(house: House, text: str) -> int:
    keys = {"p256dh": text, "auth": text}
    wish = {"endpoint": f"https://push.example/{text}", "keys": keys, "consent": text, "topics": {"column": text}}
    address = "/push/subscriptions"
    return max(as_json(house, address, wish), as_json(house, "/push/farewells", {"endpoint": text}))


def beacon(house: House, text: str) -> int:
    return as_json(house, "/beacon", {"path": text, "channel": text, "piece": text})


def rasa(house: House, text: str) -> int:
    told = {
        "next_action": text,
        "sender_id": text,
        "tracker": {"slots": {text: text}, "latest_message": {"text": text}},
    }
    return as_json(house, "/bot/actions?token=t", told)


DOORS: dict[str, Callable[[House, str], int]] = {
    one.__name__: one
    for one in (
        portal_chat, app_chat, app_device, wechat, sealed_wechat, wechat_voice, wechat_sender, wechat_key, weibo,
        feedback, mine, hotline, hotline_file, the_desk, the_tickets, push, beacon, rasa,
    )
}  # fmt: skip


# Every message that a platform signed is somebody's words, and is kept.
KEPT = ("wechat", "sealed_wechat", "wechat_voice", "wechat_key", "weibo")


@pytest.mark.usefixtures("nobody_is_too_fast")
def test_no_text_breaks_a_door(database_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_house(database_url, tmp_path, clock) as house:
        found = {(name, kind): door(house, text) for name, door in DOORS.items() for kind, text in TEXTS.items()}
        assert [told for told in found.items() if told[1] >= 500] == []
        assert [told for told in found.items() if told[0][0] in KEPT and told[1] != 200] == []
        assert [text for text in house.written() if text != tidy(text)] == []
        assert portal_chat(house, "别人照常能问") == 200


@pytest.mark.usefixtures("nobody_is_too_fast")
def test_no_body_breaks_a_door(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_house(sqlite_url, tmp_path, clock) as house:
        broken = [
            f"{address}: {kind}: {status}"
            for address, sign in house.raw_doors().items()
            for kind, body in BODIES.items()
            if (status := sent(house, address, body, sign(body))) >= 500 or status < 400
        ]
        assert broken == []
        with house.office.hub.works.read() as work:
            assert set(work.session.scalars(select(InboundMessage.text))) == {"人工"}


def sent(house: House, address: str, body: bytes, more: dict[str, Any]) -> int:
    """The status of bytes that no page sent."""
    told = {"headers": JSON, "params": {}, **more}
    return int(house.door.post(address, content=body, **told).status_code)


def test_of_too_many_messages_of_one_person_few_are_taken_and_others_are_not_kept_waiting(
    sqlite_url: str, tmp_path: Path, clock: StillClock
) -> None:
    with open_office(sqlite_url, tmp_path, clock) as office:
        engine = ToldEngine(quick=True)
        office.hub.incoming.engine = office.hub.incoming.answering.engine = engine
        house = House(office, clock, office.browser())
        begun = house.door.post("/chat/start", headers=JSON).json()
        proof = {"Authorization": f"Bearer {begun['token']}"}
        address = f"/chat/{begun['id']}/messages"
        told = [as_json(house, address, {"key": f"k{one}", "text": f"第{one}句"}, **proof) for one in range(200)]
        assert {status: told.count(status) for status in set(told)} == {200: 20, 429: 180}
        assert told[:20] == [200] * 20
        assert portal_chat(house, "别人照常能问") == 200
        assert len([text for text in house.written() if text.startswith("第")]) == 20


@pytest.mark.usefixtures("nobody_is_too_fast")
def test_what_the_outer_host_hears_comes_in_clean_and_nothing_is_set_aside(
    sqlite_template: Path, tmp_path: Path, clock: StillClock
) -> None:
    with open_faces(sqlite_template, tmp_path, clock) as faces:
        for hub in (faces.outer, faces.inner):
            hub.incoming.engine.close()
            hub.incoming.engine = hub.incoming.answering.engine = ToldEngine(quick=True)
        faces.office.hire("agent", "root", Role.AGENT)
        faces.exchange()
        house = House(faces.office, clock, faces.door, sealed="wx")
        for door in (portal_chat, sealed_wechat, feedback):
            assert [kind for kind, text in TEXTS.items() if door(house, text) >= 500] == []
        faces.exchange()
        with faces.inner.works.read() as work:
            assert work.session.scalars(select(OuterProblem)).all() == []
        heard = list(house.written())
        assert [text for text in heard if text != tidy(text)] == []
        assert sum(text == "一二三[31m四零完" for text in heard) >= 2
