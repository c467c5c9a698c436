"""保存期限: what people left with the office, how long each kind is kept, and what was deleted when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from hub.keeping import DUTY, KINDS
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.pages import columns, page
from kernel.duties import DutyMark
from kernel.people import Permission
from kernel.retention import Forgotten, Kind, Standing, by_days, last_runs, standing
from kernel.work import Work
from templates.catalogue import _
from templates.views import Column

router = APIRouter(prefix="/console/retention")

Reader = Annotated[Asker, Depends(may(Permission.PRIVACY_READ))]
COLUMNS = (
    (_("内容"), ""),
    (_("保存天数"), ""),
    (_("最早的一条"), ""),
    (_("下次删除"), ""),
    (_("已删除"), ""),
)


@dataclass(frozen=True)
class Shown:
    """One kind as the page shows it; several `days` where units keep it differently."""

    kind: Kind
    days: list[int]
    standing: Standing
    runs: list[Forgotten]


@router.get("")
def retention(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every kind with its rule, its oldest row, when that goes, and the last deletions."""
    with hub.works.read() as work:
        kinds = [_shown(work, kind) for kind in KINDS]
        mark = work.session.scalars(select(DutyMark).where(DutyMark.name == DUTY)).one_or_none()
    return page(
        request, asker, "pages/system/retention.html", kinds=kinds, columns=_heads(hub, asker), mark=mark,
        may_set=asker.may(Permission.RULE_WRITE),
    )  # fmt: skip


def _shown(work: Work, kind: Kind) -> Shown:
    days = sorted(by_days(work, kind, KINDS))
    return Shown(kind, days, standing(work, kind, KINDS), list(last_runs(work.session, kind)))


def _heads(hub: Hub, asker: Asker) -> list[Column]:
    return columns(hub, asker, *COLUMNS)
