"""补签: on the page of an emergency release that went out, its ordinary signatures and proof passes are made up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from content import later
from content.models import LaterSigning
from hub.editorial import readable_units, release_for
from hub.product import Hub
from hub.web.access import Asker, HubDep
from hub.web.pages import say, see_other
from hub.web.sign_page import named, refused_page
from hub.web.signing_guard import SigningGuard
from kernel.errors import NotFound, XuandaError
from kernel.people import Viewer
from kernel.work import Work
from templates.catalogue import _

router = APIRouter()

Signer = Annotated[Asker, Depends(SigningGuard())]
Text = Annotated[str, Form()]


@router.post("/{release_id}/later/agree")
def agree(
    request: Request,
    hub: HubDep,
    asker: Signer,
    release_id: int,
    seen: Text = "",
    opinion: Text = "",
    on_behalf_of: Text = "",
) -> Response:
    """同意 afterwards, over the hash of what was shown."""

    def act(work: Work, row: LaterSigning) -> None:
        later.sign(work, asker.viewer, row, seen, opinion, on_behalf_of=named(on_behalf_of, "on_behalf_of"))

    return _try(request, hub, asker, release_id, act, opinion) or see_other(
        f"/console/signing/{release_id}", say(hub, asker, _("已补签。"))
    )


@router.post("/{release_id}/later/object")
def object_to(
    request: Request, hub: HubDep, asker: Signer, release_id: int, opinion: Text = "", on_behalf_of: Text = ""
) -> Response:
    """不同意, with a reason; people are told to correct or withdraw it."""

    def act(work: Work, row: LaterSigning) -> None:
        later.object_to(work, asker.viewer, row, opinion, on_behalf_of=named(on_behalf_of, "on_behalf_of"))

    told = say(hub, asker, _("已记为不同意，负责人会收到通知，请更正或撤稿。"))
    return _try(request, hub, asker, release_id, act, opinion) or see_other(
        f"/console/signing/{release_id}", told, "warn"
    )


@router.post("/{release_id}/later/proof")
def proof(request: Request, hub: HubDep, asker: Signer, release_id: int, person: Text = "") -> Response:
    """登记校对 afterwards."""

    def act(work: Work, row: LaterSigning) -> None:
        later.proofread(work, asker.viewer, row, named(person, "person"))

    return _try(request, hub, asker, release_id, act) or see_other(
        f"/console/signing/{release_id}#proofs", say(hub, asker, _("已登记校对。"))
    )


def _try(
    request: Request,
    hub: Hub,
    asker: Asker,
    release_id: int,
    act: Callable[[Work, LaterSigning], None],
    opinion: str = "",
) -> Response | None:
    try:
        with hub.works.write(asker.actor) as work:
            act(work, owed_for(work.session, asker.viewer, release_id, work.now))
    except XuandaError as error:
        return refused_page(request, hub, asker, release_id, error, opinion)
    return None


def owed_for(session: Session, who: Viewer, release_id: int, now: datetime) -> LaterSigning:
    """What a release in reach still owes; raises NotFound where it owes nothing."""
    release = release_for(session, who, release_id, now)
    row = later.of_release(session, release.id)
    if row is None or row.unit_id not in readable_units(session, who, now):
        raise NotFound
    return row
