"""Tells people: rows in the caller's own work, then mail and gateway messages outside any transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, Protocol, cast

import structlog
from sqlalchemy import ColumnElement, Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from hub.notices import Notice, NoticeSend, SendState
from kernel.duties import Duty
from kernel.once import insertion_for
from kernel.outbox import Outbox
from kernel.people import Person
from kernel.retry import RetryPolicy
from kernel.work import Work, Works

log = structlog.get_logger(__name__)

RETRY = RetryPolicy(attempts=6, first=timedelta(seconds=30), factor=3.0, longest=timedelta(hours=1))
# The channel by which a telephone is reached.
BY_PHONE = "gateway"


@dataclass(frozen=True)
class Message:
    """A notice ready to leave; `id` stays the same at every attempt, `link` is a whole address or empty.

    `key` tells apart what comes from different tables.
    """

    id: int
    to: str
    title: str
    text: str
    link: str
    key: str = "notice"


class NotSent(Exception):
    """Surely nothing went out; `lasting` when another attempt would be refused as well."""

    def __init__(self, reason: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(reason)


class Unanswered(Exception):
    """The answer was lost: it may have gone out."""


class Sender(Protocol):
    """One way out of the house; raises NotSent or Unanswered."""

    def address_of(self, person: Person) -> str:
        """Where this person is reached this way, or ''."""

    def send(self, message: Message) -> None:
        """Sends one message; returns only when the other side has taken it."""


@dataclass(frozen=True)
class Attempted:
    """How one message ended, and why; `again`: it surely did not leave, and another attempt is worth while."""

    end: Literal["sent", "failed", "unknown"]
    reason: str = ""
    again: bool = False


def attempt(sender: Sender, message: Message) -> Attempted:
    """Sends one message; never raises."""
    try:
        sender.send(message)
    except NotSent as refusal:
        return Attempted("failed", str(refusal), again=not refusal.lasting)
    except Unanswered as lost:
        return Attempted("unknown", str(lost))
    except Exception as failure:  # The edge of a sender: what it did not foresee may have gone out or not.
        log.exception("message sender failed", message=message.id, of=message.key)
        return Attempted("unknown", type(failure).__name__)
    return Attempted("sent")


@dataclass(frozen=True)
class _Leaving:
    channel: str
    message: Message


class Notifier(Outbox[NoticeSend, _Leaving, Attempted]):
    """Writes notices and sends what leaves the house, one claim per message; `senders` by channel name."""

    table = NoticeSend
    booked = SendState.WAITING
    sending = SendState.SENDING
    batch = 50

    def __init__(
        self, works: Works, senders: Mapping[str, Sender], address: str, lease: timedelta = timedelta(minutes=2)
    ) -> None:
        self.works = works
        self._senders = senders
        self._address = address
        self.lease = lease

    def sender(self, channel: str) -> Sender | None:
        """The way out of this name, if it is set up."""
        return self._senders.get(channel)

    def reaches(self, person: Person) -> bool:
        """Whether a message to this person leaves the house."""
        return any(sender.address_of(person) for sender in self._senders.values())

    def tell(
        self,
        work: Work,
        person_ids: Iterable[int],
        kind: str,
        title: str,
        text: str,
        link: str,
        key: str,
        before: Sequence[Person] = (),
        *,
        apart_from: str = "",
        only: str = "",
    ) -> int:
        """Tells each active person once per `key`, in the caller's work; returns to how many it was new.

        `link` is a path of the console. Nothing is sent when the work rolls back. `before` is one person as he was
        reached before: the messages go to those addresses too. Who is reached in several ways gets it only by the way
        `only`, or by every way but `apart_from`, if he has that one: two halves of a secret take two ways.
        """
        asked = {"ids": list(set(person_ids))}
        people: Mapping[int, int] = dict(work.session.connection().execute(_ACTIVE, asked).all())
        said = {
            "kind": kind[:60],
            "title": title[:200],
            "text": text[:2000],
            "link": link[:500],
            "key": key[:200],
            "created_at": work.now,
        }
        told = _insert_once(work.session, [{"person_id": one, "unit_id": unit, **said} for one, unit in people.items()])
        if not self._senders:
            return len(told)
        for person in work.session.scalars(select(Person).where(Person.id.in_(told)).order_by(Person.id)):
            notice_id = told[person.id]
            for channel, sender in self._ways(person, only, apart_from).items():
                for address in sorted({sender.address_of(one) for one in (person, *before)} - {""}):
                    work.session.add(
                        NoticeSend(
                            notice_id=notice_id,
                            channel=channel,
                            address=address[:200],
                            state=SendState.WAITING,
                            attempts=0,
                            next_at=work.now,
                        )
                    )
        work.session.flush()
        return len(told)

    def _ways(self, person: Person, only: str, apart_from: str) -> Mapping[str, Sender]:
        ways = {channel: sender for channel, sender in self._senders.items() if sender.address_of(person)}
        if len(ways) < 2:
            return self._senders
        if only in ways:
            return {only: ways[only]}
        return {channel: sender for channel, sender in ways.items() if channel != apart_from}

    def settle(self, work: Work, link: str, kinds: Collection[str] = ()) -> None:
        """Nobody is waited for at this path of the console any more: unread notices of it are read, and their codes.

        Of some `kinds` alone where they are given.
        """
        connection = work.session.connection()
        found = [row for row in connection.execute(_UNREAD_AT, {"link": link}) if not kinds or row.kind in kinds]
        ids = [row.id for row in found]
        if found and not kinds:
            asked = {"people": [row.person_id for row in found], "keys": [code_of(row.key) for row in found]}
            ids += connection.execute(_UNREAD_CODES, asked).scalars()
        if ids:
            connection.execute(_READ, {"ids": ids, "now": work.now})

    def duties(self) -> list[Duty]:
        """The duty that sends what waits."""
        return [Duty("notices.send", timedelta(seconds=5), self.send_due)] if self._senders else []

    def due(self, work: Work) -> Sequence[ColumnElement[bool]]:
        """A way that is not set up any more waits until it is."""
        return (NoticeSend.channel.in_(self._senders),)

    def prepare(self, work: Work, row: NoticeSend) -> _Leaving:
        """The notice as it is read outside the console."""
        notice = work.session.get_one(Notice, row.notice_id)
        link = f"{self._address}{notice.link}" if notice.link.startswith("/") else notice.link
        return _Leaving(row.channel, Message(row.id, row.address, notice.title, notice.text, link))

    def call(self, job: _Leaving) -> Attempted:
        """One message by its way out."""
        return attempt(self._senders[job.channel], job.message)

    def record(self, work: Work, row: NoticeSend, job: _Leaving, answer: Attempted) -> None:
        """Sent, another attempt, or why not."""
        row.error = answer.reason[:300]
        again = RETRY.next_at(row.attempts, work.now) if answer.again else None
        if again is None:
            row.state, row.done_at = SendState(answer.end), work.now
        else:
            row.state, row.next_at = SendState.WAITING, again

    def lost(self, work: Work, row: NoticeSend) -> None:
        """The message may have left, so it is not sent again by itself."""
        row.state, row.done_at = SendState.UNKNOWN, work.now
        row.error = "the sending process stopped before it could record the answer"


def code_of(key: str) -> str:
    """The key of the second message to a notice of this key, which carries the code to its link."""
    return f"{key}:code"


_P = cast(Table, Person.__table__).c
# How many notices a person has not opened. Made once, because every request asks: building a statement costs more than
# running it.
UNREAD = select(func.count()).select_from(
    select(Notice.id).where(Notice.person_id == bindparam("person"), Notice.read_at.is_(None)).limit(1000).subquery()
)


_N = cast(Table, Notice.__table__).c
_UNREAD_AT = select(_N.id, _N.person_id, _N.key, _N.kind).where(_N.link == bindparam("link"), _N.read_at.is_(None))
_UNREAD_CODES = select(_N.id).where(
    _N.person_id.in_(bindparam("people", expanding=True)),
    _N.key.in_(bindparam("keys", expanding=True)),
    _N.read_at.is_(None),
)
_READ = (
    update(cast(Table, Notice.__table__))
    .where(_N.id.in_(bindparam("ids", expanding=True)))
    .values(read_at=bindparam("now"))
)
_TELL = {name: insertion_for(name, Notice).returning(Notice.person_id, Notice.id) for name in ("sqlite", "postgresql")}
_ACTIVE = select(_P.id, _P.unit_id).where(_P.id.in_(bindparam("ids", expanding=True)), _P.active).order_by(_P.id)


def _insert_once(session: Session, rows: Sequence[dict[str, object]]) -> Mapping[int, int]:
    """The numbers of the notices that are new, by person; a desk of fifty is told by one statement."""
    if not rows:
        return {}
    return dict(session.execute(_TELL[session.get_bind().dialect.name], rows).all())
