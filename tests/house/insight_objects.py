"""Advice and published pieces of a unit, for every route of the figure pages with an object in its address."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from analytics.models import Suggestion
from kernel.people import Unit
from kernel.work import Work
from tests.house.editorial_objects import column_of, write
from tests.house.target import Target


def a_piece_read(work: Work, unit: Unit) -> Target:
    """A piece that was published."""
    _author, piece = write(work, unit)
    piece.first_published_at = work.now
    work.session.flush()
    return Target({"piece_id": piece.id})


def advice(work: Work, unit: Unit) -> Target:
    """Open advice to write something in a column of the unit."""
    row = Suggestion(
        unit_id=unit.id,
        kind="silent_column",
        key=secrets.token_hex(8),
        title="“公告”还没有内容",
        reason="该栏目最长 14 天须更新一次。",
        facts={"days": None, "limit": 14},
        draft={"title": ""},
        column_id=column_of(work, unit).id,
        made_at=work.now,
        seen_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return Target({"suggestion_id": row.id}, form={"reason": "暂不需要"}, json={"reason": "暂不需要"})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/reach/{piece_id}": a_piece_read,
    "/console/plan/{suggestion_id}/accept": advice,
    "/console/plan/{suggestion_id}/dismiss": advice,
    "/api/v1/reach/{piece_id}": a_piece_read,
    "/api/v1/plan/{suggestion_id}/accept": advice,
    "/api/v1/plan/{suggestion_id}/dismiss": advice,
}
