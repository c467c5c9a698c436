"""The workbench (工作台): what this person must do now, section by section, and the notices told to him."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import func, select, update

from hub.notices import Notice
from hub.product import Hub
from hub.web import opinion, outgoing_workbench, piece_workbench, reposts, standing
from hub.web.access import Asker, HubDep, signed_in
from hub.web.nav import menu
from hub.web.pages import columns, fragment, page, say, see_other
from hub.web.sections import Provider, Section
from kernel.errors import NotFound
from templates.catalogue import _
from templates.views import ListState

router = APIRouter()

SHOWN = 8
PAGE_SIZE = 20

COLUMNS = ((_("事项"), ""), (_("时间"), ""), (_("操作"), ""))

Anybody = Annotated[Asker, Depends(signed_in())]
PageNumber = Annotated[int, Query(alias="page", ge=1)]


def notices_section(hub: Hub, asker: Asker) -> Section:
    """The newest notices that were not opened."""
    mine = (Notice.person_id == asker.viewer.person_id, Notice.read_at.is_(None))
    with hub.works.read() as work:
        rows = work.session.scalars(select(Notice).where(*mine).order_by(Notice.id.desc()).limit(SHOWN)).all()
    return Section("pages/home/notices_section.html", 10, {"notices": rows, "columns": columns(hub, asker, *COLUMNS)})


def desks_section(_hub: Hub, asker: Asker) -> Section:
    """Links to the desks this person works at."""
    desks = [item for section in menu(asker, "/console") for item in section.items if item.href != "/console"]
    return Section("pages/home/desks_section.html", 90, {"desks": desks})


# A desk that wants a place on the workbench adds its provider here.
PROVIDERS: tuple[Provider, ...] = (
    notices_section,
    opinion.workbench_section,
    reposts.workbench_section,
    outgoing_workbench.workbench_section,
    piece_workbench.workbench_section,
    standing.standing_section,
    desks_section,
)


@router.get("/console")
def workbench(request: Request, hub: HubDep, asker: Anybody) -> HTMLResponse:
    """The person's own page."""
    found = [section for provider in PROVIDERS if (section := provider(hub, asker)) is not None]
    found.sort(key=lambda section: section.order)
    return page(request, asker, "pages/home/workbench.html", sections=found)


@router.get("/console/notices")
def notices(request: Request, hub: HubDep, asker: Anybody, number: PageNumber = 1, show: str = "") -> HTMLResponse:
    """Everything that was told to this person, the newest first."""
    query = select(Notice).where(Notice.person_id == asker.viewer.person_id)
    if show == "unread":
        query = query.where(Notice.read_at.is_(None))
    with hub.works.read() as work:
        total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        state = ListState("/console/notices", {"show": show}, "", number, PAGE_SIZE, total)
        rows = work.session.scalars(
            query.order_by(Notice.id.desc()).limit(PAGE_SIZE).offset((state.page - 1) * PAGE_SIZE)
        ).all()
    return page(
        request, asker, "pages/home/notices.html", notices=rows, state=state, columns=columns(hub, asker, *COLUMNS)
    )


@router.get("/console/notices/unread")
def unread(request: Request, asker: Anybody) -> HTMLResponse:
    """The bell's figure, asked for again every half minute."""
    return fragment(request, asker, "pages/home/bell.html", "bell", unread=asker.unread)


@router.post("/console/notices/read")
def read_all(hub: HubDep, asker: Anybody) -> Response:
    """Marks every notice as read."""
    with hub.works.write(asker.actor) as work:
        work.session.execute(
            update(Notice)
            .where(Notice.person_id == asker.viewer.person_id, Notice.read_at.is_(None))
            .values(read_at=work.now)
        )
    return see_other("/console/notices", say(hub, asker, _("全部通知已标为已读。")))


@router.post("/console/notices/{notice_id}/open")
def open_notice(notice_id: int, hub: HubDep, asker: Anybody) -> Response:
    """Marks one notice as read and goes where it leads."""
    with hub.works.write(asker.actor) as work:
        notice = work.session.get(Notice, notice_id)
        if notice is None or notice.person_id != asker.viewer.person_id:
            raise NotFound
        notice.read_at = notice.read_at or work.now
        target = notice.link
    return RedirectResponse(target if target.startswith("/console") else "/console/notices", status_code=303)
