"""接口令牌: which programs hold keys, and the way to take one away.

Keys are made on the server's command line: whoever makes one sees it, and could act in the person's name.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from hub.auth import tokens as keys
from hub.auth.models import ApiToken
from hub.web.access import Asker, HubDep, may
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import NotFound
from kernel.people import Permission, Person, scoped
from templates.catalogue import _

router = APIRouter(prefix="/console/tokens")

Keeper = Annotated[Asker, Depends(may(Permission.TOKEN_WRITE))]
COLUMNS = (
    (_("名称"), "name"),
    (_("代表"), "person"),
    (_("权限"), ""),
    (_("到期"), "expires"),
    (_("最近使用"), "used"),
    (_("操作"), ""),
)


@router.get("")
def tokens(request: Request, hub: HubDep, asker: Keeper) -> HTMLResponse:
    """The tokens of people in reach."""
    asked = listing(request, "state", sort="name")
    query = scoped(select(ApiToken, Person), Person.unit_id, asker.viewer, Permission.TOKEN_WRITE)
    query = query.join(Person, Person.id == ApiToken.person_id)
    if asked.value("state") == "revoked":
        query = query.where(ApiToken.revoked_at.is_not(None))
    elif asked.value("state") == "active":
        query = query.where(ApiToken.revoked_at.is_(None))
    sorts = {
        "name": ApiToken.name,
        "person": Person.name,
        "expires": ApiToken.expires_at,
        "used": ApiToken.used_at,
    }
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, sorts, ApiToken.id)
        now = work.now
    return page(
        request,
        asker,
        "pages/people/tokens.html",
        tokens=[(row[0], row[1]) for row in rows],
        state=state,
        at=now,
        columns=columns(hub, asker, *COLUMNS),
    )


@router.post("/{token_id}/revoke")
def revoke(hub: HubDep, asker: Keeper, token_id: int) -> Response:
    """Takes a key away at once."""
    with hub.works.write(asker.actor) as work:
        query = select(ApiToken).join(Person, Person.id == ApiToken.person_id).where(ApiToken.id == token_id)
        token = work.session.scalars(scoped(query, Person.unit_id, asker.viewer, Permission.TOKEN_WRITE)).one_or_none()
        if token is None:
            raise NotFound
        keys.revoke(work, token)
    return see_other("/console/tokens", say(hub, asker, _("令牌已吊销，使用它的程序立即无法访问。")))
