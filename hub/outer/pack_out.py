"""Inside: the knowledge pack, which is what the outer side may know: public questions and guides, rules of answering.

Rows as the tables have them, by an allow-list of tables and columns; who wrote, signed or set something stays inside.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import func, inspect, or_, select
from sqlalchemy.orm import Session

from analytics.models import ServiceFigure
from bot.models import AutoReply, PublicAnswer
from channels.abilities.listening import Listening
from channels.accounts.models import Account, MenuVersion
from channels.accounts.store import info
from channels.registry import channels
from content.models import Column, PublicFile, PublicPiece, Release, Revision
from content.rebuttals import Rebuttal, holds
from hub.outer.log import PacketLog, is_paired
from hub.outer.models import OuterRow
from kernel.audit import AuditLine
from kernel.model import Base
from kernel.office_rules import RuleVersion
from kernel.people import Unit
from kernel.workdays import CalendarDay

log = structlog.get_logger(__name__)

BATCH = 1024 * 1024
RULES = (
    "bot.failures", "bot.most_per_minute",
    "desk.opens", "desk.closes", "desk.every_day", "desk.unit", "desk.hotline", "urgent.words",
    "bot.sensitive_words",
    "callback.fresh_minutes", "ticket.days", "push.districts",
    "desk.dialogue_minutes", "chat.picture_megabytes",
)  # fmt: skip
ANSWERED = ("faq", "guide")
# Of a release only what an answer is made of.
CONTENT = ("kind", "piece", "revision_number", "title", "path", "body", "fields")
PORTAL = "portal"


@dataclass(frozen=True)
class Part:
    """Rows of one table: which, and of each which columns leave; `fixed`: a row that stands never changes."""

    table: type[Base]
    rows: Callable[[Session, datetime], Any]
    columns: tuple[str, ...]
    others: Mapping[str, Any]
    fixed: bool = False


def _public(now: datetime) -> Any:
    return (PublicPiece.from_at.is_not(None), or_(PublicPiece.until_at.is_(None), PublicPiece.until_at > now))


def _heard(session: Session, _now: datetime) -> Any:
    names = session.scalars(select(Account.channel).where(Account.active.is_(True)).distinct()).all()
    heard = [name for name in names if name == PORTAL or _hears(name)]
    return Account.active.is_(True), Account.stands_for.is_(None), Account.channel.in_(heard)


def _releases(_session: Session, now: datetime) -> Any:
    rebuts = PublicPiece.piece_id.in_(select(Rebuttal.piece_id).where(holds(now)))
    shown = select(PublicPiece.release_id).where(*_public(now), or_(PublicPiece.kind.in_(ANSWERED), rebuts))
    return (Release.id.in_(shown),)


def _revisions(_session: Session, now: datetime) -> Any:
    return (Revision.id.in_(select(PublicPiece.revision_id).where(*_public(now))),)


PARTS: Sequence[Part] = (
    Part(Unit, lambda *_: (), ("id", "parent_id", "name", "code", "path"), {}),
    Part(
        Column,
        lambda *_: (),
        ("id", "unit_id", "slug", "name", "kind", "description", "keywords", "position", "active"),
        {"places": 0},
    ),
    Part(
        Account,
        _heard,
        ("id", "unit_id", "channel", "name", "code", "action", "base_url", "settings", "active"),
        {"register": {}, "limits": {}, "rehearsal": False},
    ),
    Part(
        PublicPiece,
        lambda _session, now: _public(now),
        (
            "piece_id", "unit_id", "column_id", "place", "kind", "release_id", "revision_id", "path", "title",
            "summary", "picture", "picture_alt", "number", "standing", "standing_note", "standing_at", "from_at",
            "until_at", "first_at", "changed_at",
        ),
        {},
    ),
    Part(
        Release,
        _releases,
        ("id", "unit_id", "piece_id", "revision_id", "number", "state", "emergency", "content", "hash", "submitted_at"),
        {"levels": 0, "proofs": 0, "submitted_by": 0},
        fixed=True,
    ),
    Part(
        Revision,
        _revisions,
        ("id", "piece_id", "number", "title", "summary", "body", "fields", "keywords", "created_at", "frozen"),
        {"created_by": 0},
        fixed=True,
    ),
    Part(
        PublicFile,
        lambda _session, now: (PublicFile.piece_id.in_(select(PublicPiece.piece_id).where(*_public(now))),),
        ("id", "piece_id", "release_id", "number", "name", "href", "size", "text"),
        {},
        fixed=True,
    ),
    Part(
        Rebuttal,
        lambda _session, now: (holds(now),),
        ("id", "unit_id", "piece_id", "claim", "asks", "until_at", "made_at"),
        {"answers_url": ""},
    ),
    Part(
        AutoReply,
        lambda *_: (AutoReply.approved_at.is_not(None), AutoReply.removed_at.is_(None)),
        (
            "id", "account_id", "trigger", "name", "words", "act", "answers", "several", "column_id", "origin",
            "made_at", "approved_at",
        ),
        {},
    ),
    Part(
        MenuVersion,
        lambda *_: (MenuVersion.published_at.is_not(None),),
        ("id", "account_id", "number", "buttons", "origin", "state", "made_at", "published_at"),
        {},
    ),
    Part(
        RuleVersion,
        lambda *_: (RuleVersion.name.in_(RULES),),
        ("id", "name", "unit_id", "value", "in_force_at"),
        {},
        fixed=True,
    ),
    Part(CalendarDay, lambda *_: (), ("day", "working", "name"), {}),
    Part(
        PublicAnswer,
        lambda *_: (PublicAnswer.hidden_at.is_(None),),
        ("id", "unit_id", "kind", "question", "answer", "asked_at", "answered_at", "published_at"),
        {},
    ),
    Part(
        ServiceFigure,
        lambda *_: (),
        ("id", "period", "unit_id", "piece_id", "title", "levels", "low", "righted", "in_time", "counted_at"),
        {},
    ),
)  # fmt: skip


@dataclass
class PackSender:
    """Sends what changed of the pack, all of it to be applied at once; looks only where something was done."""

    log: PacketLog
    _seen: tuple[int, int] = (-1, -1)

    def round(self) -> int:
        """Sends one version if anything changed; returns how many rows were sent or dropped."""
        with self.log.works.read() as work:
            if not is_paired(work.session):
                return 0
            # Whatever changes what the public sees leaves a line; only what ends by its hour does not.
            done = work.session.scalar(select(func.max(AuditLine.seq))) or 0
            ended = work.session.scalar(select(func.count()).select_from(PublicPiece).where(*_public(work.now))) or 0
            if (done, ended) == self._seen:
                return 0
            wanted = dict(_wanted(work.session, work.now))
            known = dict(work.session.execute(select(OuterRow.name, OuterRow.digest)).all())
        changed = [name for name, digest in wanted.items() if known.get(name) != digest]
        gone = sorted(name for name in known.keys() - wanted.keys() if not name.startswith(("keys/", "ticket/")))
        if changed or gone:
            self._send(changed, gone, wanted)
        self._send_keys(known)
        self._seen = (done, ended)
        return len(changed) + len(gone)

    def _send(self, changed: Sequence[str], gone: Sequence[str], wanted: Mapping[str, str]) -> None:
        with self.log.works.write() as work:
            parts = 0
            for batch in _batches(_rows(work.session, changed)):
                self.log.put(work, "rows", {"part": parts}, batch)
                parts += 1
            self.log.put(work, "pack", {"parts": parts, "drop": list(gone)})
            for name in changed:
                work.session.merge(OuterRow(name=name, digest=wanted[name]))
            for name in gone:
                row = work.session.get(OuterRow, name)
                if row is not None:
                    work.session.delete(row)

    def _send_keys(self, known: Mapping[str, str]) -> None:
        """What accounts hear with: in packets of their own, so that it never stands open on the other side's disk."""
        with self.log.works.write() as work:
            for account in work.session.scalars(select(Account).where(*_heard(work.session, work.now))):
                try:
                    keys = _shown_outside(account.channel, info(work.session, self.log.seal, account).credentials)
                except Exception:  # One account's secrets that are none must not keep every other's from going out.
                    log.exception("keys not shown outside", account=account.id)
                    continue
                name, digest = f"keys/{account.id}", _digest(keys)
                if keys and known.get(name) != digest:
                    self.log.put(work, "keys", {"account": account.id, "keys": keys})
                    work.session.merge(OuterRow(name=name, digest=digest))


def _hears(name: str) -> bool:
    adapter = channels().get(name)
    return adapter is not None and issubclass(adapter, Listening)


def _shown_outside(name: str, credentials: Mapping[str, str]) -> dict[str, str]:
    adapter = channels().get(name)
    return adapter.shown_outside(credentials) if adapter is not None and issubclass(adapter, Listening) else {}


def _wanted(session: Session, now: datetime) -> Iterator[tuple[str, str]]:
    """Every row of the pack by name, with the digest of what would be sent of it."""
    for part in PARTS:
        key = _key(part)
        query = select(key if part.fixed else part.table).where(*part.rows(session, now))
        for found in session.scalars(query):
            if part.fixed:
                yield f"{part.table.__tablename__}/{found}", "fixed"
            else:
                values = _values(part, found)
                yield f"{part.table.__tablename__}/{values[key.name]}", _digest(values)


def _rows(session: Session, names: Sequence[str]) -> Iterator[bytes]:
    by_table = {part.table.__tablename__: part for part in PARTS}
    for name in names:
        table, _slash, key = name.partition("/")
        part = by_table[table]
        found = session.get(part.table, date.fromisoformat(key) if "-" in key else int(key))
        if found is not None:
            yield json.dumps([table, _values(part, found)], ensure_ascii=False).encode()


def _batches(lines: Iterator[bytes]) -> Iterator[bytes]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        if batch and size + len(line) > BATCH:
            yield b"\n".join(batch)
            batch, size = [], 0
        batch.append(line)
        size += len(line)
    if batch:
        yield b"\n".join(batch)


def _values(part: Part, row: Any) -> dict[str, Any]:
    values = {name: _told(getattr(row, name)) for name in part.columns}
    if part.table is Release:
        values["content"] = {name: row.content[name] for name in CONTENT if name in row.content}
    if part.table is PublicAnswer:
        values["ticket_id"] = row.id  # Which ticket it was stays inside; the column only wants a number of its own.
    return {**values, **part.others}


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _key(part: Part) -> Any:
    (key,) = inspect(part.table).primary_key
    return key


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
