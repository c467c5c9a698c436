"""内外网交换: when the outer side was last heard, what waits on the way there, and what was refused or set aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.outer.log import is_paired, marks_of
from hub.outer.models import OuterLink, OuterPacket, OuterProblem
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.pages import columns, page, say, see_other
from kernel.errors import NotFound
from kernel.people import Permission, Unit
from templates.catalogue import _

router = APIRouter(prefix="/console/faces")

Reader = Annotated[Asker, Depends(may(Permission.SYSTEM_READ))]
Keeper = Annotated[Asker, Depends(may(Permission.PERSON_WRITE))]
Number = Annotated[int, Form()]

KINDS = {
    "file": _("网站文件"),
    "site": _("网站更新"),
    "rows": _("知识包内容"),
    "pack": _("知识包"),
    "keys": _("账号接收密钥"),
    "told": _("给市民的答复"),
    "ticket": _("工单进度"),
}
SIDES = {"inner": _("内网端"), "outer": _("外网端")}
COLUMNS = ((_("何时"), ""), (_("在哪一端"), ""), (_("来自"), ""), (_("原因"), ""), (_("操作"), ""))
SHOWN = 100


@dataclass(frozen=True)
class Standing:
    """How the exchange stands; `silent` is whether the outer side has not been heard for too long."""

    paired: bool
    heard_at: datetime | None
    silent: bool
    trouble: str
    trouble_at: datetime | None
    waiting: int
    waiting_bytes: int
    oldest: datetime | None
    taken: int
    problems: int

    @property
    def tone(self) -> str:
        """How it is marked."""
        return "bad" if self.silent else "warn" if self.trouble or self.problems else "good"


@router.get("")
def faces(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The page."""
    with hub.works.read() as work:
        standing = standing_of(hub, work.session, work.now)
        kinds = work.session.execute(
            select(OuterPacket.kind, func.count(), func.sum(OuterPacket.size)).group_by(OuterPacket.kind)
        ).all()
        query = select(OuterProblem).where(OuterProblem.settled_at.is_(None)).order_by(OuterProblem.id.desc())
        problems = work.session.scalars(query.limit(SHOWN)).all()
    return page(
        request,
        asker,
        "pages/system/faces.html",
        standing=standing,
        set_up=hub.settings.has_outer,
        by_files=hub.settings.by_files is not None,
        kinds=[(say(hub, asker, KINDS.get(kind, kind)), count, size) for kind, count, size in kinds],
        kind_columns=columns(hub, asker, (_("内容"), ""), (_("个数"), ""), (_("大小"), "")),
        problems=[(one, say(hub, asker, SIDES.get(one.side, one.side))) for one in problems],
        problem_columns=columns(hub, asker, *COLUMNS),
        keeps=asker.may(Permission.PERSON_WRITE),
    )


@router.post("/again")
def again(hub: HubDep, asker: Keeper, problem: Number) -> Response:
    """Takes a packet once more that was set aside."""
    found = _problem(hub, asker, problem)
    if found.sealed is None or not hub.outer.again(problem):
        raise NotFound
    with hub.works.write(asker.actor) as work:
        work.audit("outer.taken_again", work.session.get_one(OuterProblem, problem), number=found.number)
    return see_other("/console/faces", say(hub, asker, _("已重新处理。")))


@router.post("/settle")
def settle(hub: HubDep, asker: Keeper, problem: Number) -> Response:
    """Takes a problem off the list, because a person has seen to it."""
    _problem(hub, asker, problem)
    with hub.works.write(asker.actor) as work:
        row = work.session.get_one(OuterProblem, problem)
        row.settled_at = row.settled_at or work.now
        work.audit("outer.settled", row, number=row.number, name=row.name)
    return see_other("/console/faces", say(hub, asker, _("已标为处理完毕。")))


def standing_of(hub: Hub, session: Session, now: datetime) -> Standing:
    """How the exchange stands now."""
    link = session.get(OuterLink, 1)
    count, size, oldest = session.execute(
        select(func.count(), func.coalesce(func.sum(OuterPacket.size), 0), func.min(OuterPacket.at))
    ).one()
    problems = session.scalar(select(func.count()).where(OuterProblem.settled_at.is_(None)).select_from(OuterProblem))
    since = link and (link.heard_at or link.paired_at)
    late = isinstance(since, datetime) and (now - since).total_seconds() > hub.settings.outer_silent_minutes * 60
    return Standing(
        paired=is_paired(session),
        heard_at=link.heard_at if link else None,
        silent=late,
        trouble=link.trouble if link else "",
        trouble_at=link.trouble_at if link else None,
        waiting=count,
        waiting_bytes=int(size),
        oldest=oldest,
        taken=marks_of(session)["applied"],
        problems=problems or 0,
    )


def _problem(hub: Hub, asker: Asker, number: int) -> OuterProblem:
    """The problem; it belongs to the whole house, so only who keeps the house's root may act on it."""
    with hub.works.read() as work:
        root = work.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id)).first()
        found = work.session.get(OuterProblem, number)
    asker.must(Permission.PERSON_WRITE, root or 0)
    if found is None:
        raise NotFound
    return found
