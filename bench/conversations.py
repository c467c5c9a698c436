"""A year of a busy desk in PostgreSQL, copied in at once: conversations, what was said, ratings, who is on duty.

Every fourth conversation was handed to people; three hundred are going on, as many as the desk shows at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

import psycopg
from sqlalchemy import text

from bot.models import Conversation, InboundMessage, OutboundReply, Rating
from hub.auth.models import Credential, LoginSession
from hub.auth.secret import fingerprint, new_token
from kernel.model import Base
from kernel.people import Grant, Person, Role
from kernel.work import Works

LINES, GOING_ON, HANDED, RATED = 10, 300, 4, 5
QUESTIONS = ("居住证怎么办理", "公积金能提取几次", "新生儿落户要带什么材料", "医保断缴了怎么补", "噪音扰民找谁")
ANSWER = "请带身份证到政务服务大厅三楼窗口办理，工作日九点至十七点三十分受理，当场办结。"


@dataclass(frozen=True)
class Watch:
    """Somebody who is logged in: the cookie of his requests, and the token of those that change something."""

    person_id: int
    cookie: str
    csrf: str


def log_in(works: Works, unit_id: int, role: Role, count: int) -> list[Watch]:
    """So many people of one role, each with a log-in of his own."""
    made = []
    with works.write() as work:
        for number in range(count):
            login = f"{role.value}-{number}"
            person = Person(unit_id=unit_id, name=login, login=login)
            work.session.add(person)
            work.session.flush()
            token, csrf = new_token(), new_token()
            work.session.add_all([
                Grant(person_id=person.id, role=role, unit_id=unit_id),
                Credential(person_id=person.id, hash="", changed_at=work.now),
                LoginSession(
                    token_hash=fingerprint(token), person_id=person.id, created_at=work.now, seen_at=work.now,
                    expires_at=work.now + timedelta(hours=12), csrf=csrf,
                ),
            ])  # fmt: skip
            made.append(Watch(person.id, f"xuanda={token}", csrf))
    return made


def copy_year(works: Works, unit: int, account: int | None, conversations: int, agents: Sequence[Watch]) -> list[int]:
    """Copies so many conversations of ten lines each, ending now; returns the numbers of those going on."""
    now = works.clock.now()
    talks = [_Talk(number, conversations, now, agents) for number in range(1, conversations + 1)]
    with psycopg.connect(works.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as link:
        _copy(link, Conversation, (talk.row(unit, account) for talk in talks))
        _copy(link, InboundMessage, (row for talk in talks for row in talk.heard()))
        _copy(link, OutboundReply, (row for talk in talks for row in talk.said()))
        _copy(link, Rating, (talk.rating(unit) for talk in talks if talk.rated))
    with works.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as plain:
        plain.execute(text("VACUUM ANALYZE"))
    return [talk.number for talk in talks if not talk.over]


class _Talk:
    """One conversation, invented from its number."""

    def __init__(self, number: int, whole: int, now: datetime, agents: Sequence[Watch]) -> None:
        chance = Random(number)  # noqa: S311  # Invented, and the same every time.
        self.number = number
        self.over = number <= whole - min(GOING_ON, whole // 2)
        back = (
            timedelta(days=365) * ((whole - number) / whole) if self.over else timedelta(minutes=chance.random() * 30)
        )
        self.opened = now - back - timedelta(minutes=40)
        self.handed = number % HANDED == 0 or not self.over
        self.waiting = not self.over and number % 4 == 0
        self.taken = self.handed and not self.waiting
        self.handed_at = self.opened + timedelta(seconds=40 + chance.randrange(60))
        self.first = self.handed_at + timedelta(seconds=20 + chance.randrange(900))
        self.closed = self.first + timedelta(minutes=3 + chance.randrange(20))
        self.rated = self.over and number % RATED == 0
        self.score = chance.choice((1, 1, 1, 2, 2, 3, 4, 5))
        self.agent = chance.choice(agents).person_id if self.taken else None
        self.sender = f"o{chance.randrange(whole * 2 // 5)}" if self.over else f"now{number}"

    def row(self, unit: int, account: int | None) -> dict[str, object]:
        state = "closed" if self.over else "waiting" if self.waiting else "open"
        return {
            "id": self.number, "unit_id": unit, "account_id": account, "channel": "wechat", "sender": self.sender,
            "name": "", "state": state, "agent_id": self.agent, "engine_session": f"s{self.number}", "lines": LINES,
            "failures": 0, "pending": "", "choices": "[]", "dialogue": "{}", "opened_at": self.opened,
            "heard_at": self.opened + timedelta(minutes=9),
            "waiting_since": self.handed_at if self.waiting else None,
            "waiting_reason": "asked" if self.handed else "",
            "handed_off_at": self.handed_at if self.handed else None,
            "first_reply_at": self.first if self.taken else None,
            "closed_at": self.closed if self.over else None, "summary": "", "urgent_word": "", "urgent_told": 0,
        }  # fmt: skip

    def heard(self) -> Iterator[dict[str, object]]:
        for place in range(LINES // 2):
            at = self.opened + timedelta(minutes=2 * place)
            yield {
                "conversation_id": self.number, "number": 2 * place + 1, "origin": "wechat",
                "key": f"{self.number}-{place}", "kind": "text",
                "text": f"{QUESTIONS[(self.number + place) % len(QUESTIONS)]}？我是{self.number}号", "media": "{}",
                "at": at, "received_at": at, "handled_at": at, "outcome": "answer",
            }  # fmt: skip

    def said(self) -> Iterator[dict[str, object]]:
        for place in range(LINES // 2):
            at = self.opened + timedelta(minutes=2 * place, seconds=2)
            by_agent = self.taken and place > 1
            yield {
                "conversation_id": self.number, "number": 2 * place + 2, "side": "agent" if by_agent else "bot",
                "person_id": self.agent if by_agent else None, "text": ANSWER, "sources": "[]", "choices": "[]",
                "ask": "", "rule": "", "key": "", "basis": json.dumps({"model": 1, "confidence": 0.9}), "state": "done",
                "route": "service", "attempts": 1, "at": at, "done_at": at, "reason": "", "code": "",
            }  # fmt: skip

    def rating(self, unit: int) -> dict[str, object]:
        return {
            "unit_id": unit, "conversation_id": self.number, "agent_id": self.agent, "score": self.score,
            "at": self.closed,
        }  # fmt: skip


def _copy(connection: psycopg.Connection, model: type[Base], rows: Iterable[dict[str, object]]) -> None:
    """Copies rows that all have the same columns, and tells the table's own counter how far its numbers go."""
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        return
    table = model.__tablename__
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} ({', '.join(first)}) FROM STDIN") as copy:
            copy.write_row(tuple(first.values()))
            for row in rows:
                copy.write_row(tuple(row.values()))
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")  # noqa: S608  # Our own names.
    connection.commit()
