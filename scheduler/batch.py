"""The rows around some deliveries, loaded in a few statements however many deliveries there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import func, insert, select, tuple_
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import Piece, Release
from kernel.lazy import lazy
from kernel.model import Base
from scheduler.models import Attempt, Delivery, DeliveryItem, Freeze, Place, Placement, RehearsedPlacement
from scheduler.states import ON_ITS_WAY, DeliveryState
from scheduler.windows import goes_on, in_force

Row = TypeVar("Row", bound=Base)
ItemRow = tuple[DeliveryItem, Release, Piece]


_PLACED = [column.key for column in Placement.__table__.columns if column.key != "id"]
_KINDS: tuple[type[Place], ...] = (Placement, RehearsedPlacement)
_PLACE = {
    kind: insert(kind.__table__).returning(  # type: ignore[arg-type]  # The table: rows go in without the session.
        kind.__table__.c.id, kind.__table__.c.piece_id, kind.__table__.c.account_id
    )
    for kind in _KINDS
}


# A withdrawal that has been carried out, or has begun to be.
TAKEN_BACK = (
    DeliveryState.SENDING,
    DeliveryState.ACCEPTED,
    DeliveryState.UNKNOWN,
    DeliveryState.MANUAL,
    DeliveryState.DONE,
)

# One that will take it back, or is just doing so.
TAKING_BACK = (DeliveryState.BOOKED, DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)


# What changes where it shows: its words, or how its page is drawn.
CHANGES = ("correct", "refresh")


class Batch:
    """Accounts, items, releases, pieces and placements of some deliveries.

    A release is read once, however many deliveries carry it: its content is large, and reading it is most of the work.
    """

    def __init__(self, session: Session, deliveries: Collection[Delivery]) -> None:
        self._session = session
        self._deliveries = deliveries
        self._new: list[Place] = []
        ids = [delivery.id for delivery in deliveries]
        query = select(DeliveryItem).where(DeliveryItem.delivery_id.in_(ids)).order_by(DeliveryItem.position)
        items = session.scalars(query).all()
        releases = load(session, Release, {item.release_id for item in items})
        pieces = load(session, Piece, {item.piece_id for item in items})
        self._items: dict[int, list[ItemRow]] = defaultdict(list)
        for item in items:
            self._items[item.delivery_id].append((item, releases[item.release_id], pieces[item.piece_id]))
        wanted = {row.account_id for row in deliveries} | {row.signed_account for row in deliveries}
        self._accounts = load(session, Account, wanted)
        self._placements = _placements(session, deliveries, self._items)
        self._last_sent = _last_sent(session, [row.id for row in deliveries if row.state == DeliveryState.UNKNOWN])
        begun = (DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)
        self._doubtful = doubtful(
            session, [row.id for row in deliveries if row.state in begun and goes_on(row.channel)]
        )

    @property
    def session(self) -> Session:
        """What the batch was read with."""
        return self._session

    @lazy
    def freezes(self) -> Sequence[Freeze]:
        """The stops in force."""
        return in_force(self._session)

    def items(self, delivery: Delivery) -> Sequence[ItemRow]:
        """The delivery's items in order, with the release and piece of each."""
        return self._items[delivery.id]

    def going(self, delivery: Delivery) -> Sequence[ItemRow]:
        """Its items that were not dropped."""
        return [row for row in self._items[delivery.id] if not row[0].dropped]

    def piece_ids(self) -> set[int]:
        """Every piece in the batch."""
        return {piece.id for rows in self._items.values() for _, _, piece in rows}

    def account(self, account_id: int) -> Account:
        """The account of a delivery of the batch, or the one it stands for."""
        return self._accounts[account_id]

    def placement(self, piece_id: int, account_id: int) -> Place | None:
        """Where a piece of the batch shows on an account, if it ever did."""
        return self._placements.get((piece_id, account_id))

    def add(self, placement: Place) -> None:
        """A placement that did not exist; a later delivery of the batch finds it, and `save` writes it."""
        self._placements[placement.piece_id, placement.account_id] = placement
        self._new.append(placement)

    def save(self) -> None:
        """Writes the new placements in one statement of each kind; they have their ids from then on."""
        for kind, statement in _PLACE.items():
            rows = [{name: getattr(row, name) for name in _PLACED} for row in self._new if isinstance(row, kind)]
            for place_id, piece_id, account_id in self._session.execute(statement, rows) if rows else ():
                self._placements[piece_id, account_id].id = place_id
        self._new.clear()

    @lazy
    def taken_back(self) -> Mapping[int, datetime]:
        """When somebody last decided, of each piece of the batch, to take it back from an account that shows it."""
        query = (
            select(DeliveryItem.piece_id, func.max(Delivery.created_at))
            .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
            .where(
                DeliveryItem.piece_id.in_(self.piece_ids()),
                DeliveryItem.action == "withdraw",
                Delivery.state.in_(TAKEN_BACK),
                Delivery.rehearses.is_(None),
            )
            .group_by(DeliveryItem.piece_id)
        )
        return dict(self._session.execute(query).all())

    @lazy
    def withdrawals(self) -> Mapping[tuple[int, int], Sequence[tuple[datetime, datetime]]]:
        """The withdrawals that wait or are on their way, by piece of the batch and account: for when, and when they
        were asked for."""
        query = (
            select(DeliveryItem.piece_id, Delivery.account_id, Delivery.scheduled_at, Delivery.created_at)
            .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
            .where(
                DeliveryItem.piece_id.in_(self.piece_ids()),
                DeliveryItem.action == "withdraw",
                Delivery.state.in_(TAKING_BACK),
            )
        )
        found: dict[tuple[int, int], list[tuple[datetime, datetime]]] = defaultdict(list)
        for piece_id, account_id, at, asked in self._session.execute(query):
            found[piece_id, account_id].append((at, asked))
        return found

    @lazy
    def changing(self) -> set[tuple[int, int]]:
        """What is just being corrected or drawn again, by piece and account; whoever lets one leave adds its own.

        Asked for by what is about to change something: who comes with another change of it at the same moment waits
        here until this work is over, and then sees it under way. What shows is read anew.
        """
        mine = [row for row in self._deliveries if row.action in CHANGES]
        places = {(row.piece_id, row.account_id) for row in self._placements.values() if row.id is not None}
        for kind in _KINDS:
            wanted = {
                (piece.id, row.account_id)
                for row in mine
                if place_kind(row) is kind
                for _item, _release, piece in self._items[row.id]
            } & places
            if wanted:
                held = select(kind).where(tuple_(kind.piece_id, kind.account_id).in_(wanted)).order_by(kind.id)
                self._session.scalars(held.with_for_update().execution_options(populate_existing=True)).all()
        query = (
            select(DeliveryItem.piece_id, Delivery.account_id)
            .join(Delivery, Delivery.id == DeliveryItem.delivery_id)
            .where(
                DeliveryItem.piece_id.in_({piece.id for row in mine for _item, _release, piece in self._items[row.id]}),
                Delivery.action.in_(CHANGES),
                Delivery.state.in_(ON_ITS_WAY),
            )
        )
        return {(piece, account) for piece, account in self._session.execute(query)}

    def draws(self, delivery: Delivery, item: DeliveryItem, release: Release) -> None:
        """Gives an item of a delivery another release of its piece."""
        item.release_id = release.id
        rows = self._items[delivery.id]
        rows[:] = [(one, release if one is item else was, piece) for one, was, piece in rows]

    def last_sent(self, delivery: Delivery) -> datetime | None:
        """When the attempt began whose answer was lost; only for an unknown delivery."""
        return self._last_sent.get(delivery.id)

    def is_doubtful(self, delivery: Delivery) -> bool:
        """Whether a poll or question since it was last sent may have gone on with it unheard."""
        return delivery.id in self._doubtful


def load(session: Session, model: type[Row], ids: Collection[int]) -> dict[int, Row]:
    """Rows by their key, in one statement."""
    key = model.__mapper__.primary_key[0]
    rows = session.scalars(select(model).where(key.in_(ids))).all() if ids else []
    return {getattr(row, str(key.key)): row for row in rows}


def _placements(
    session: Session, deliveries: Collection[Delivery], items: Mapping[int, Sequence[ItemRow]]
) -> dict[tuple[int, int], Place]:
    found: dict[tuple[int, int], Place] = {}
    for kind in _KINDS:
        mine = [delivery for delivery in deliveries if place_kind(delivery) is kind]
        places = {(piece.id, delivery.account_id) for delivery in mine for _, _, piece in items[delivery.id]}
        if places:
            query = select(kind).where(tuple_(kind.piece_id, kind.account_id).in_(places))
            found.update({(row.piece_id, row.account_id): row for row in session.scalars(query)})
    return found


def place_kind(delivery: Delivery) -> type[Place]:
    """In which table it stands what the delivery shows."""
    return RehearsedPlacement if delivery.rehearses else Placement


def _last_sent(session: Session, unknown: Collection[int]) -> dict[int, datetime]:
    if not unknown:
        return {}
    query = (
        select(Attempt.delivery_id, func.max(Attempt.started_at))
        .where(Attempt.delivery_id.in_(unknown), Attempt.act == "send")
        .group_by(Attempt.delivery_id)
    )
    return dict(session.execute(query).all())


# How a poll ended that surely went on with nothing: it never left, was refused, or only fetched a number.
NOTHING_SENT = ("retryable", "throttled", "refused", "unauthorised", "not_sent", "accepted", "not_there")


def doubtful(session: Session, deliveries: Collection[int]) -> set[int]:
    """Those of which a poll or question, since they were last sent, may have gone on with the act unheard."""
    if not deliveries:
        return set()
    sent = select(Attempt.delivery_id, func.max(Attempt.id)).where(Attempt.act == "send")
    last = dict(session.execute(sent.where(Attempt.delivery_id.in_(deliveries)).group_by(Attempt.delivery_id)).all())
    query = select(Attempt.delivery_id, Attempt.id).where(
        Attempt.delivery_id.in_(deliveries), Attempt.act.in_(("poll", "ask")), Attempt.outcome.not_in(NOTHING_SENT)
    )
    return {row[0] for row in session.execute(query) if row[1] > last.get(row[0], 0)}
