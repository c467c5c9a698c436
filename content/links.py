"""Links in what is written and what is public: which there are, what each answered last, which are to be asked again.

Nothing here calls an address; whoever does hands in the answers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from content import checks
from content.events import LinksDied
from content.kinds import kind_of
from content.models import LinkCheck, LinkPlace, Piece, PublicPiece, Revision, Variant
from content.public import visible
from kernel.once import insert_once
from kernel.work import Work

State = Literal["alive", "dead", "unsure"]

STATE_LABELS = {"dead": "打不开", "unsure": "无法核实"}
# How long an answer holds. A dead link is asked about again soon, so that a mended page stops blocking.
FRESH = timedelta(hours=24)
FRESH_DEAD = timedelta(minutes=10)
MOST_PER_PIECE = 200
LONGEST = 2000
# Names for examples, at which nobody answers (RFC 2606).
_RESERVED = frozenset({"example", "invalid", "test", "localhost"})
_WRITTEN_OUT = re.compile(r"https?://[^\s<>\"'，。；、）)】]+")


@dataclass(frozen=True)
class Answer:
    """What an address answered: `reason` says in a few words why it is not `alive`."""

    address: str
    state: State
    reason: str = ""


def outside(texts: Iterable[str], fields: str = "") -> list[str]:
    """The addresses that markup links to, and those written out in a kind's fields; http and https only."""
    found = [link for text in texts for link in checks.links(text)] + _WRITTEN_OUT.findall(fields)
    cut = (link.partition("#")[0].strip() for link in found)
    kept = [link for link in cut if link[:8].lower().startswith(("http://", "https://")) and len(link) <= LONGEST]
    return [link for link in dict.fromkeys(kept) if not _reserved(link)][:MOST_PER_PIECE]


def _reserved(link: str) -> bool:
    try:
        host = (urlsplit(link).hostname or "").rstrip(".")
    except ValueError:
        return True  # It is pointed out as what it is; there is nobody to ask.
    return host.rpartition(".")[2] in _RESERVED


def of_revision(session: Session, revision: Revision) -> list[str]:
    """The addresses outside that a revision shows, in its text, its kind's fields and its channels' own words."""
    piece = session.get_one(Piece, revision.piece_id)
    variants = session.scalars(select(Variant.body).where(Variant.revision_id == revision.id)).all()
    return outside([revision.body, *variants], kind_of(piece.kind).plain(revision.fields))


def to_ask(session: Session, addresses: Sequence[str], now: datetime) -> list[str]:
    """Those that were never asked, or whose answer no longer holds."""
    known = {row.digest: row for row in _rows(session, addresses)}
    return [address for address in addresses if not _holds(known.get(digest_of(address)), now)]


def record(work: Work, answers: Iterable[Answer]) -> None:
    """Keeps what was answered; tells of public pieces in which a link has died since."""
    died: dict[int, list[str]] = {}
    for answer in answers:
        digest = digest_of(answer.address)
        fresh = {"address": answer.address, "state": "", "reason": "", "at": work.now}
        insert_once(work.session, LinkCheck, digest=digest, **fresh)
        query = select(LinkCheck).where(LinkCheck.digest == digest).with_for_update()
        row = work.session.scalars(query.execution_options(populate_existing=True)).one()
        if answer.state == "dead" and row.state != "dead":
            for unit in work.session.scalars(select(LinkPlace.unit_id).where(LinkPlace.digest == digest).distinct()):
                died.setdefault(unit, []).append(answer.address)
        row.dead_since = (row.dead_since or work.now) if answer.state == "dead" else None
        row.state, row.reason, row.at = answer.state, answer.reason[:200], work.now
    for unit_id, addresses in sorted(died.items()):
        work.emit(LinksDied(unit_id, len(addresses), addresses[0]))


def bad(session: Session, revision: Revision, own: Iterable[str]) -> dict[str, Answer]:
    """The addresses of a revision that were not found alive; of our own pages, those that were taken down."""
    addresses = of_revision(session, revision)
    asked = {
        row.address: Answer(row.address, "dead" if row.state == "dead" else "unsure", row.reason)
        for row in _rows(session, addresses)
        if row.state != "alive"
    }
    return asked | _taken_down(session, revision, frozenset(own))


def _taken_down(session: Session, revision: Revision, own: frozenset[str]) -> dict[str, Answer]:
    paths = {link: path for link in checks.links(revision.body) if (path := _own_path(link, own))}
    if not paths:
        return {}
    gone = select(PublicPiece.path).where(
        PublicPiece.path.in_(set(paths.values())), PublicPiece.withdrawn_at.is_not(None)
    )
    taken = set(session.scalars(gone))
    return {link: Answer(link, "dead", "本站该页面已撤下") for link, path in paths.items() if path in taken}


def _own_path(link: str, own: frozenset[str]) -> str:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return parts.path if (not parts.scheme and not host) or host in own else ""


# --- what is public ------------------------------------------------------------------------------------


def place_new(work: Work, limit: int) -> int:
    """Notes the addresses of public pieces that changed since, and forgets those of withdrawn ones; how many pieces."""
    changed = or_(PublicPiece.links_of.is_(None), PublicPiece.links_of != PublicPiece.revision_id)
    query = select(PublicPiece).where(visible(work.now), changed).order_by(PublicPiece.piece_id).limit(limit)
    rows = work.session.scalars(query).all()
    for row in rows:
        work.session.execute(delete(LinkPlace).where(LinkPlace.piece_id == row.piece_id))
        for address in of_revision(work.session, work.session.get_one(Revision, row.revision_id)):
            digest = digest_of(address)
            work.session.add(LinkPlace(piece_id=row.piece_id, digest=digest, unit_id=row.unit_id, address=address))
        row.links_of = row.revision_id
    gone = select(PublicPiece.piece_id).where(PublicPiece.links_of.is_not(None), PublicPiece.until_at <= work.now)
    withdrawn = list(work.session.scalars(gone.limit(limit)))
    if withdrawn:
        work.session.execute(delete(LinkPlace).where(LinkPlace.piece_id.in_(withdrawn)))
        for row in work.session.scalars(select(PublicPiece).where(PublicPiece.piece_id.in_(withdrawn))):
            row.links_of = None
    return len(rows)


def due(session: Session, now: datetime, limit: int) -> list[str]:
    """Addresses on public pages to be asked now: first those never asked, then those asked longest ago."""
    asked = func.max(LinkCheck.at)
    query = (
        select(LinkPlace.address)
        .outerjoin(LinkCheck, LinkCheck.digest == LinkPlace.digest)
        .where(or_(LinkCheck.at.is_(None), LinkCheck.at <= now - FRESH))
        .group_by(LinkPlace.address)
        .order_by(asked.is_not(None), asked)
        .limit(limit)
    )
    return list(session.scalars(query))


def digest_of(address: str) -> str:
    """The key of an address."""
    return hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()


def _rows(session: Session, addresses: Sequence[str]) -> list[LinkCheck]:
    digests = [digest_of(address) for address in addresses]
    return list(session.scalars(select(LinkCheck).where(LinkCheck.digest.in_(digests)))) if digests else []


def _holds(row: LinkCheck | None, now: datetime) -> bool:
    return row is not None and now - row.at < (FRESH if row.state == "alive" else FRESH_DEAD)


def reasons(found: Mapping[str, Answer], state: State) -> dict[str, str]:
    """The addresses in this state, each with its reason."""
    return {address: answer.reason for address, answer in found.items() if answer.state == state}
