"""The packet log: what is written here leaves once it is committed, and is taken on the other side once, in order.

Each side numbers its own packets and keeps the highest number it took from the other in the same transaction as what
the packet did. Whatever is cut, repeated or overtaken on the way, both sides go on from these numbers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from hub.outer.errors import BadParcel, NotPaired
from hub.outer.models import OuterLink, OuterMark, OuterPacket, OuterProblem
from hub.outer.packets import (
    MOST_PACKETS,
    Card,
    Keys,
    Packet,
    Parcel,
    close_packet,
    open_packet,
    read_card,
    read_parcel,
    sign_parcel,
)
from kernel.errors import XuandaError
from kernel.seal import Seal
from kernel.work import Actor, Work, Works

log = structlog.get_logger(__name__)

Handler = Callable[[Work, Packet], None]
Preparer = Callable[[Packet], Packet]

MARKS = ("written", "applied", "acked", "serial", "peer_serial")
PARCEL_BYTES = 4 * 1024 * 1024
# A packet whose taking fails so often in a row is set aside for a person, so that those behind it are not held up.
TRIES = 3
NOTED_EVERY = timedelta(seconds=10)
# A parcel that was overtaken on the way looks as if its sender had gone back in time. Who has, sends no other any more.
BEHIND_FOR = timedelta(minutes=1)
PROBLEMS_KEPT = 500
OTHER_SIDE = Actor("other side")
WENT_BACK = "对端的包号倒退：对端数据库可能被还原到较早的备份。请重新配对两端。"


@dataclass(frozen=True)
class Link:
    """The pairing as this process works with it."""

    role: str
    log: str
    keys: Keys
    peer: Card


@dataclass(frozen=True)
class Taken:
    """What became of a parcel: how many packets were taken, and whether the other side still has more."""

    packets: int
    more: bool


@dataclass
class PacketLog:
    """One side's log. `handlers` say what taking a packet of each kind means; each runs in a work of its own.

    `preparers` do before it, while nothing is open, what takes long and may be done again.
    """

    works: Works
    seal: Seal
    handlers: dict[str, Handler] = field(default_factory=dict)
    preparers: dict[str, Preparer] = field(default_factory=dict)
    _failures: Counter[int] = field(default_factory=Counter)
    _taking: threading.Lock = field(default_factory=threading.Lock)
    _behind_since: datetime | None = None

    # --- writing ----------------------------------------------------------------------------------------

    def put(self, work: Work, kind: str, values: dict[str, Any], data: bytes = b"") -> int:
        """Writes a packet in the caller's own work; it leaves if and only if that work commits. Returns its number."""
        link = self.link(work.session)
        number = _grown(work.session, "written", OuterMark.number + 1)
        sealed = close_packet(Packet(number, kind, values, data), bytes.fromhex(link.peer.box), link.log)
        work.session.add(OuterPacket(number=number, kind=kind, sealed=sealed, size=len(sealed), at=work.now))
        return number

    def waiting_bytes(self, session: Session, *kinds: str) -> int:
        """How much of these kinds has not been taken by the other side yet."""
        query = select(func.coalesce(func.sum(OuterPacket.size), 0)).where(OuterPacket.kind.in_(kinds))
        return int(session.scalar(query) or 0)

    # --- sending ----------------------------------------------------------------------------------------

    def parcel(self, after: int = 0, *, numbered: bool = False) -> tuple[bytes, int, int]:
        """A parcel of what the other side has not taken, beyond `after`; the number of its last packet (0: none), and
        its serial.

        `numbered` parcels grow in their serial, for ways on which one can be brought twice or late.
        """
        serial = self._next_serial() if numbered else 0
        with self.works.read() as work:
            link, marks = self.link(work.session), marks_of(work.session)
            numbers = self._fitting(work.session, max(after, marks["acked"]))
            query = select(OuterPacket.sealed).where(OuterPacket.number.in_(numbers)).order_by(OuterPacket.number)
            packets = work.session.scalars(query).all()
        first, last = (numbers[0], numbers[-1]) if packets else (0, 0)
        parcel = Parcel(link.log, link.peer.log, serial, marks["applied"], marks["written"], first, packets)
        return sign_parcel(parcel, link.keys.sign), last, serial

    def _fitting(self, session: Session, after: int) -> list[int]:
        query = select(OuterPacket.number, OuterPacket.size).where(OuterPacket.number > after)
        numbers: list[int] = []
        room = PARCEL_BYTES
        for number, size in session.execute(query.order_by(OuterPacket.number).limit(MOST_PACKETS)):
            if numbers and size > room:
                break
            numbers.append(number)
            room -= size
        return numbers

    def _next_serial(self) -> int:
        with self.works.write() as work:
            return _grown(work.session, "serial", OuterMark.number + 1)

    # --- taking -----------------------------------------------------------------------------------------

    def take(self, travelled: bytes, *, numbered: bool = False) -> Taken:
        """Takes what is new of a parcel, packet by packet, each with its number in one commit.

        Raises BadParcel for what is not the other side's, and in `numbered` ways for what was brought before.
        """
        with self._taking:
            with self.works.read() as work:
                link, marks = self.link(work.session), marks_of(work.session)
            parcel = read_parcel(travelled, link.peer, link.log)
            _check(parcel, marks, numbered=numbered)
            if self._is_late(parcel, marks):
                return Taken(0, more=False)
            self._note(parcel, marks["acked"])
            taken = sum(1 for _ in self._apply_all(link, parcel, marks["applied"]))
            if numbered:
                with self.works.write() as work:
                    _raised(work.session, "peer_serial", parcel.serial)
            return Taken(taken, parcel.last > marks["applied"] + taken)

    def _is_late(self, parcel: Parcel, marks: dict[str, int]) -> bool:
        """Whether it was overtaken by one that is taken already; raises BadParcel where nothing newer comes."""
        if not _is_behind(parcel, marks):
            self._behind_since = None
            return False
        now = self.works.clock.now()
        self._behind_since = self._behind_since or now
        if now - self._behind_since >= BEHIND_FOR:
            raise BadParcel(why=WENT_BACK)
        return True

    def _note(self, parcel: Parcel, acked: int) -> None:
        with self.works.read() as work:
            link = work.session.get_one(OuterLink, 1)
            fresh = link.heard_at is not None and work.now - link.heard_at < NOTED_EVERY and not link.trouble
        if fresh and parcel.ack <= acked:
            return
        with self.works.write() as work:
            if parcel.ack > acked:
                _raised(work.session, "acked", parcel.ack)
                work.session.execute(delete(OuterPacket).where(OuterPacket.number <= parcel.ack))
            link = work.session.get_one(OuterLink, 1)
            link.heard_at, link.trouble, link.trouble_at, link.silent_told_at = work.now, "", None, None

    def _apply_all(self, link: Link, parcel: Parcel, applied: int) -> Iterator[int]:
        for number, sealed in enumerate(parcel.packets, parcel.first):
            if number <= applied:
                continue
            if not self._apply(link, number, sealed):
                return
            yield number

    def _apply(self, link: Link, number: int, sealed: bytes) -> bool:
        """Whether the log stands at this number now; False leaves it and what follows for the next parcel."""
        try:
            packet = self._opened(link, number, sealed)
            with self.works.write(OTHER_SIDE) as work:
                if not self._turn_of(work.session, number):
                    return _mark(work.session, "applied") >= number
                self._do(work, packet)
                _raised(work.session, "applied", number)
        except OperationalError:  # The database is away: nobody's fault, and the packet comes again.
            raise
        except Exception as failure:  # The edge: one packet that cannot be taken must not stop those behind it.
            log.exception("a packet could not be taken", packet=number)
            self._failures[number] += 1
            return self._failures[number] >= TRIES and self._set_aside(link, number, sealed, failure)
        self._failures.pop(number, None)
        return True

    def _opened(self, link: Link, number: int, sealed: bytes) -> Packet:
        packet = open_packet(sealed, number, link.keys.box, link.peer.log)
        prepare = self.preparers.get(packet.kind)
        return packet if prepare is None else prepare(packet)

    def _do(self, work: Work, packet: Packet) -> None:
        handler = self.handlers.get(packet.kind)
        if handler is None:
            raise BadParcel(why=f"不认识的包类型 {packet.kind}，两端版本可能不同。")
        handler(work, packet)

    def _set_aside(self, link: Link, number: int, sealed: bytes, failure: Exception) -> bool:
        self._failures.pop(number, None)
        reason = failure.message() if isinstance(failure, XuandaError) else type(failure).__name__
        with self.works.write(OTHER_SIDE) as work:
            if self._turn_of(work.session, number):
                _raised(work.session, "applied", number)
                name = _kind_of(link, number, sealed)
                work.session.add(
                    OuterProblem(
                        at=work.now, side=link.role, name=name, number=number, reason=reason[:500], sealed=sealed
                    )
                )
                self.tell_inside(work, link.role, name, f"第 {number} 号包：{reason}")
        return True

    def again(self, problem_id: int) -> bool:
        """Takes a packet that was set aside, because a person decided so; False when it was settled before."""
        query = select(OuterProblem).where(OuterProblem.id == problem_id, OuterProblem.settled_at.is_(None))
        with self.works.read() as work:
            problem = work.session.scalars(query).one_or_none()
            if problem is None or problem.sealed is None:
                return False
            link, number, sealed = self.link(work.session), problem.number, problem.sealed
        packet = self._opened(link, number, sealed)
        with self.works.write(OTHER_SIDE) as work:
            problem = work.session.scalars(query.with_for_update()).one_or_none()
            if problem is None:
                return False
            self._do(work, packet)
            problem.settled_at = work.now
            return True

    def _turn_of(self, session: Session, number: int) -> bool:
        return _mark(session, "applied") == number - 1

    # --- trouble ----------------------------------------------------------------------------------------

    def refused(self, name: str, reason: str) -> None:
        """Keeps what was wrong with a parcel, for people to see; the same again is counted."""
        with self.works.write(OTHER_SIDE) as work:
            link = work.session.get_one(OuterLink, 1)
            link.trouble, link.trouble_at = reason[:300], work.now
            same = select(OuterProblem).where(
                OuterProblem.name == name[:200],
                OuterProblem.reason == reason[:500],
                OuterProblem.settled_at.is_(None),
                OuterProblem.side == link.role,
            )
            known = work.session.scalars(same.limit(1)).one_or_none()
            if known is not None:
                known.times, known.at = known.times + 1, work.now
                return
            work.session.add(OuterProblem(at=work.now, side=link.role, name=name[:200], reason=reason[:500]))
            self.tell_inside(work, link.role, name, reason)
            _forget_old(work.session)

    def unanswered(self, reason: str) -> None:
        """Notes that the other side could not be asked; shown until it is heard again."""
        with self.works.read() as work:
            same = work.session.get_one(OuterLink, 1).trouble == reason[:300]
        if not same:
            with self.works.write() as work:
                link = work.session.get_one(OuterLink, 1)
                link.trouble, link.trouble_at = reason[:300], work.now

    def tell_inside(self, work: Work, role: str, name: str, reason: str) -> None:
        """What goes wrong outside is seen inside, where people are."""
        if role == "outer":
            self.put(work, "trouble", {"name": name[:200], "reason": reason[:500]})

    def link(self, session: Session) -> Link:
        """The pairing as it stands; raises NotPaired where there is none yet."""
        row = session.get(OuterLink, 1)
        if row is None or not row.peer:
            raise NotPaired
        keys = Keys(bytes.fromhex(self.seal.open(row.sign_key)), bytes.fromhex(self.seal.open(row.box_key)))
        return Link(row.role, row.log, keys, read_card(row.peer))


def is_paired(session: Session) -> bool:
    """Whether there is another side that was accepted."""
    return bool(session.scalar(select(OuterLink.peer).where(OuterLink.id == 1)))


def marks_of(session: Session) -> dict[str, int]:
    """All numbers of this side, 0 where none was kept."""
    found = dict(session.execute(select(OuterMark.name, OuterMark.number)).all())
    return {name: found.get(name, 0) for name in MARKS}


def _check(parcel: Parcel, marks: dict[str, int], *, numbered: bool) -> None:
    if parcel.ack > marks["written"]:
        raise BadParcel(why="对端已收到本端没有的包号：本端数据库可能被还原到较早的备份。请重新配对两端。")
    if numbered and parcel.serial <= marks["peer_serial"]:
        back = (
            "若以后的文件都是如此，对端数据库可能被还原到较早的备份，请重新配对两端。"
            if _is_behind(parcel, marks)
            else ""
        )
        raise BadParcel(why=f"重复或乱序的文件（序号 {parcel.serial}，已收到 {marks['peer_serial']}）。{back}")
    if numbered and _is_behind(parcel, marks):  # None before it has so high a serial.
        raise BadParcel(why=WENT_BACK)


def _is_behind(parcel: Parcel, marks: dict[str, int]) -> bool:
    return parcel.last < marks["applied"]


def _mark(session: Session, name: str) -> int:
    """The number, locked until the work ends."""
    query = select(OuterMark.number).where(OuterMark.name == name).with_for_update()
    return session.scalars(query).one()


def _grown(session: Session, name: str, value: Any) -> int:
    statement = update(OuterMark).where(OuterMark.name == name).values(number=value).returning(OuterMark.number)
    return int(session.execute(statement.execution_options(synchronize_session=False)).scalar_one())


def _raised(session: Session, name: str, number: int) -> None:
    statement = update(OuterMark).where(OuterMark.name == name, OuterMark.number < number).values(number=number)
    session.execute(statement.execution_options(synchronize_session=False))


def _kind_of(link: Link, number: int, sealed: bytes) -> str:
    try:
        return open_packet(sealed, number, link.keys.box, link.peer.log).kind
    except BadParcel:
        return "?"


def _forget_old(session: Session) -> None:
    """Refused parcels are kept in bounds, so that nobody fills the database with them; packets set aside all stay."""
    old = select(OuterProblem.id).where(OuterProblem.sealed.is_(None)).order_by(OuterProblem.id.desc())
    session.execute(delete(OuterProblem).where(OuterProblem.id.in_(old.offset(PROBLEMS_KEPT).limit(100))))
