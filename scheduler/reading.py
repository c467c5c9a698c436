"""Where readers find a public piece: on our portal, on the site of another platform, or on no site at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import BindParameter, ColumnElement, Table, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.models import PublicPiece
from content.public import Shelved
from scheduler.elsewhere import PORTAL, site_channels
from scheduler.models import Placement
from scheduler.states import PlacementState


def on_a_site() -> ColumnElement[bool]:
    """The condition that a page of the piece stands on some site; what only WeChat or Weibo shows has none."""
    query = select(Placement.id).join(Account, Account.id == Placement.account_id)
    return query.where(Placement.piece_id == PublicPiece.piece_id, _stands(site_channels())).exists()


def placed_here() -> ColumnElement[bool]:
    """The same for the outer host, which knows no placements: only what the portal draws is given a place."""
    return PublicPiece.place.is_not(None)


def addresses_of(session: Session, rows: Sequence[PublicPiece | Shelved]) -> dict[int, str]:
    """The address of each piece that has one: its path where our portal shows it, else the other platform's."""
    paths = {row.piece_id: row.path for row in rows}
    found: dict[int, str] = {}
    asked = {"pieces": list(paths), "sites": site_channels()}
    for piece_id, url, channel in session.connection().execute(_ADDRESSES, asked) if paths else ():
        if channel == PORTAL:
            found[piece_id] = paths[piece_id]
        else:
            found.setdefault(piece_id, url)
    return found


def _stands(sites: Sequence[str] | BindParameter[Sequence[str]]) -> ColumnElement[bool]:
    return and_(
        Placement.state == PlacementState.LIVE,
        Account.channel.in_(sites),
        or_(Account.channel == PORTAL, Placement.url != ""),
    )


# Asked for every answer of the bot's: building a statement costs more than running it.
_P, _A = cast(Table, Placement.__table__), cast(Table, Account.__table__)
_ADDRESSES = (
    select(_P.c.piece_id, _P.c.url, _A.c.channel)
    .join(_A, _A.c.id == _P.c.account_id)
    .where(_P.c.piece_id.in_(bindparam("pieces", expanding=True)), _stands(bindparam("sites", expanding=True)))
    .order_by(_P.c.account_id)
)
