"""好差评公开: how service items were rated in a quarter and what became of the low ratings, for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from analytics import public_ratings
from analytics.models import ServiceFigure
from analytics.service_ratings import share_of
from bot.states import RATINGS
from content import public
from content.models import PublicPiece
from hub.web.access import HubDep
from hub.web.portal import portal_page
from hub.web.response import percent
from kernel.work import Work

router = APIRouter(prefix="/feedback")


@dataclass(frozen=True)
class Tallied:
    """One row of figures; `share` and `righted_share` are in percent, None where there was nothing to share."""

    title: str
    href: str
    levels: Sequence[int]
    low: int
    righted: int
    in_time: int

    @property
    def total(self) -> int:
        """All ratings."""
        return sum(self.levels)

    @property
    def share(self) -> float | None:
        """满意率."""
        return percent(share_of(self.levels))

    @property
    def righted_share(self) -> float | None:
        """整改率."""
        return percent(self.righted / self.low) if self.low else None


@router.get("/ratings")
def ratings(request: Request, hub: HubDep, period: Annotated[str, Query()] = "") -> HTMLResponse:
    """One quarter; the newest where the address names none that can be read."""
    with hub.works.read() as work:
        periods = public_ratings.periods(work.session)
        shown = period if period in periods else next(iter(periods), "")
        found = public_ratings.of_period(work.session, shown)
        hrefs = _hrefs(work, [row for _unit, rows in found for row in rows])
    units = [(unit, [_tallied(row, hrefs) for row in rows]) for unit, rows in found]
    every = [row for _unit, rows in units for row in rows]
    counted = max((row.counted_at for _unit, rows in found for row in rows), default=None)
    return portal_page(
        request,
        "pages/public/ratings.html",
        levels=RATINGS,
        units=units,
        whole=_summed(every),
        period=shown,
        periods=periods,
        counted_at=counted,
        least=public_ratings.LEAST,
    )


def _tallied(row: ServiceFigure, hrefs: dict[int, str]) -> Tallied:
    href = hrefs.get(row.piece_id or 0, "")
    return Tallied(row.title, href, row.levels, row.low, row.righted, row.in_time)


def _summed(rows: Sequence[Tallied]) -> Tallied:
    levels = [sum(row.levels[place] for row in rows) for place in range(len(RATINGS))]
    low, righted, in_time = (sum(getattr(row, name) for row in rows) for name in ("low", "righted", "in_time"))
    return Tallied("", "", levels, low, righted, in_time)


def _hrefs(work: Work, rows: Sequence[ServiceFigure]) -> dict[int, str]:
    """The pages of the items that can still be read."""
    wanted = [row.piece_id for row in rows if row.piece_id]
    query = select(PublicPiece.piece_id, PublicPiece.path).where(PublicPiece.piece_id.in_(wanted))
    return dict(work.session.execute(query.where(public.visible(work.now))).all())
