"""What tests of the bot may ask for: an office that publishes, and a desk on which citizens are answered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from bot import gateway
from bot.answering import Answering
from bot.gateway import Arrival, Received
from bot.models import Conversation, InboundMessage, OutboundReply
from bot.reply import Replier
from bot.words import Words
from channels.accounts.models import Account
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.events import Event
from kernel.people import Role, Viewer
from kernel.seal import Seal
from kernel.work import Works
from tests.bot.citizens import Outbox, ToldEngine, wechat_account
from tests.factories import Office, make_office

ZONE = ZoneInfo("Asia/Shanghai")

Fact = TypeVar("Fact", bound=Event)


@dataclass
class Desk:
    """One WeChat account of the bureau, its bot, its agents, and what came of what citizens wrote."""

    office: Office
    clock: StillClock
    account: Account
    engine: ToldEngine
    answering: Answering
    outbox: Outbox
    replier: Replier
    told: list[Event]
    serial: int = 0

    @property
    def works(self) -> Works:
        """Pieces of work on the office's database."""
        return self.office.works

    def receive(self, text: str, *, kind: str = "text", sender: str = "citizen", key: str = "") -> Received:
        """Stores a message without dealing with it; a key of its own unless one is given."""
        self.serial += 1
        arrival = Arrival(
            gateway.origin_of(self.account.id), key or f"m{self.serial}", sender, kind, text, self.clock.now()
        )
        with self.works.write() as work:
            return gateway.receive(work, work.session.get_one(Account, self.account.id), arrival)

    def says(self, text: str, *, kind: str = "text", sender: str = "citizen") -> str:
        """A citizen writes; returns what was said back ('' for silence)."""
        received = self.receive(text, kind=kind, sender=sender)
        self.answering.handle(received.inbound_id)
        with self.works.read() as work:
            query = select(OutboundReply.text).where(OutboundReply.inbound_id == received.inbound_id)
            return work.session.scalar(query) or ""

    def conversation(self, sender: str = "citizen") -> Conversation:
        """The citizen's newest session."""
        with self.works.read() as work:
            query = select(Conversation).where(Conversation.sender == sender).order_by(Conversation.id.desc())
            return work.session.scalars(query.limit(1)).one()

    def replies(self, side: str = "") -> list[OutboundReply]:
        """Every reply, of one side or of all, in order."""
        with self.works.read() as work:
            rows = work.session.scalars(select(OutboundReply).order_by(OutboundReply.id)).all()
        return [row for row in rows if side in ("", row.side)]

    def inbound(self, inbound_id: int) -> InboundMessage:
        """A stored message."""
        with self.works.read() as work:
            return work.session.get_one(InboundMessage, inbound_id)

    def agent(self, name: str = "officer") -> Viewer:
        """Somebody who answers citizens."""
        return self.office.who(name)

    def of(self, kind: type[Fact]) -> list[Fact]:
        """The facts of one kind that were told."""
        return [fact for fact in self.told if isinstance(fact, kind)]

    def send(self) -> int:
        """Lets the replier look, once the platform's five seconds are over."""
        self.clock.step(seconds=6)
        return self.replier.send_due()


@pytest.fixture
def office(sqlite_works: Works, tmp_path: object) -> Office:
    """An office on SQLite with agents."""
    made = make_office(sqlite_works, Blobs(tmp_path))  # type: ignore[arg-type]  # pytest's Path.
    for name in ("officer", "author"):
        made.grant(name, Role.AGENT)
    made.grant("manager", Role.SUPERVISOR)
    return made


@pytest.fixture
def desk(office: Office, clock: StillClock) -> Iterator[Desk]:
    """The desk at nine o'clock on a Monday."""
    return _desk(office, clock)


def _desk(office: Office, clock: StillClock) -> Desk:
    seal = Seal(Fernet.generate_key())
    with office.works.write() as work:
        account = wechat_account(work, seal, office.bureau.id)
    engine, outbox = ToldEngine(), Outbox()
    words = Words(office.engine, "https://www.yunzhou.example")
    answering = Answering(office.works, engine, words, ZONE)
    replier = Replier(office.works, seal, outbox, timedelta(seconds=45))
    told: list[Event] = []
    desk = Desk(office, clock, account, engine, answering, outbox, replier, told)
    _listen(office.works, told)
    return desk


def _listen(works: Works, told: list[Event]) -> None:
    from bot import events  # noqa: PLC0415  # Only its classes are wanted, all of them.

    for kind in vars(events).values():
        if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event:
            works.listeners.after(kind, told.append)


@pytest.fixture
def desk_both(works: Works, tmp_path: object, clock: StillClock) -> Desk:
    """The same on each kind of database."""
    made = make_office(works, Blobs(tmp_path))  # type: ignore[arg-type]  # pytest's Path.
    for name in ("officer", "author"):
        made.grant(name, Role.AGENT)
    return _desk(made, clock)
