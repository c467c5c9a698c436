"""死链巡查: links on public pages that do not answer, in which pieces they stand, and asking one again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from content.links import STATE_LABELS, Answer
from content.models import LinkCheck, LinkPlace, Piece
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import NotFound
from kernel.people import Permission, scoped
from templates.catalogue import _

router = APIRouter(prefix="/console/links")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]

COLUMNS = (
    (_("链接"), ""),
    (_("情况"), "state"),
    (_("发现时间"), "since"),
    (_("所在稿件"), ""),
    (_("操作"), ""),
)
SORTS = {"state": LinkCheck.state, "since": LinkCheck.dead_since}
MOST_PIECES = 5


@router.get("")
def links(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every address on a public page of one's units that was not found alive."""
    asked = listing(request, "state", sort="state")
    mine = scoped(select(LinkPlace.digest), LinkPlace.unit_id, asker.viewer, P.PIECE_READ)
    query = select(LinkCheck).where(LinkCheck.digest.in_(mine))
    wanted = asked.value("state")
    query = query.where(LinkCheck.state == wanted if wanted in STATE_LABELS else LinkCheck.state.in_(STATE_LABELS))
    with hub.works.read() as work:
        found, state = asked.take(work.session, query, SORTS, LinkCheck.at.desc())
        rows = [(row[0], _pieces(work.session, asker, row[0].digest)) for row in found]
    return page(
        request,
        asker,
        "pages/links/list.html",
        rows=rows,
        state=state,
        columns=columns(hub, asker, *COLUMNS),
        states=[(name, say(hub, asker, label)) for name, label in STATE_LABELS.items()],
        labels=STATE_LABELS,
        enabled=hub.patrol.enabled,
        may_ask=asker.may(P.PIECE_WRITE),
    )


@router.post("/{digest}/ask")
def ask(hub: HubDep, asker: Writer, digest: str) -> Response:
    """Asks one address again."""
    answer = ask_again(hub, asker, digest)
    if answer.state == "alive":
        return see_other("/console/links", say(hub, asker, _("链接已经可以打开。")))
    return see_other("/console/links", say(hub, asker, _("仍不能确认可以打开：%(why)s。"), why=answer.reason))


def ask_again(hub: Hub, asker: Asker, digest: str) -> Answer:
    """What an address answers now; nobody can have one asked that stands on none of his pages."""
    query = scoped(select(LinkPlace.address), LinkPlace.unit_id, asker.viewer, P.PIECE_WRITE)
    with hub.works.read() as work:
        address = work.session.scalar(query.where(LinkPlace.digest == digest).limit(1))
    if address is None:
        raise NotFound
    return hub.patrol.again(address)


def _pieces(session: Session, asker: Asker, digest: str) -> list[tuple[int, str]]:
    query = select(Piece.id, Piece.title).join(LinkPlace, LinkPlace.piece_id == Piece.id)
    query = scoped(query, LinkPlace.unit_id, asker.viewer, P.PIECE_READ).where(LinkPlace.digest == digest)
    return [(number, title) for number, title in session.execute(query.order_by(Piece.id.desc()).limit(MOST_PIECES))]
