"""Where readers find a public piece: on our portal, on the site of another platform, or on no site at all."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import PublicPiece
from scheduler.elsewhere import PORTAL, site_channels
from scheduler.models import Placement
from scheduler.states import PlacementState


def on_a_site() -> ColumnElement[bool]:
    """The condition that a page of the piece stands on some site; what only WeChat or Weibo shows has none."""
    query = select(Placement.id).join(Account, Account.id == Placement.account_id)
    return query.where(Placement.piece_id == PublicPiece.piece_id, _stands()).exists()


def placed_here() -> ColumnElement[bool]:
    """The same for the outer host, which knows no placements: only what the portal draws is given a place."""
    return PublicPiece.place.is_not(None)


def addresses_of(session: Session, rows: Sequence[PublicPiece]) -> dict[int, str]:
    """The address of each piece that has one: its path where our portal shows it, else the other platform's."""
    paths = {row.piece_id: row.path for row in rows}
    query = select(Placement.piece_id, Placement.url, Account.channel).join(Account, Account.id == Placement.account_id)
    query = query.where(Placement.piece_id.in_(paths), _stands()).order_by(Placement.account_id)
    found: dict[int, str] = {}
    for piece_id, url, channel in session.execute(query):
        if channel == PORTAL:
            found[piece_id] = paths[piece_id]
        else:
            found.setdefault(piece_id, url)
    return found


def _stands() -> ColumnElement[bool]:
    return and_(
        Placement.state == PlacementState.LIVE,
        Account.channel.in_(site_channels()),
        or_(Account.channel == PORTAL, Placement.url != ""),
    )
