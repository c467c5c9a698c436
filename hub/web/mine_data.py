"""我的个人信息: behind a code to his telephone a citizen asks for a copy of his data or its deletion."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bot.personal import marks, requests
from bot.personal.models import DataRequest
from bot.personal.states import RequestKind
from bot.personal.subject import Subject, opened
from hub.copies import copy_of
from hub.product import Hub
from hub.web.access import HubDep, address_of, check_origin
from hub.web.citizens import zipped
from hub.web.feedback import desk
from hub.web.mine import CITIZEN, Text, cookie_of, phone_of
from kernel.errors import NotFound
from kernel.work import Work

router = APIRouter(prefix="/mine")

# So many in so many seconds, of one address.
ASKS, FETCHES = (10, 3600), (10, 3600)


@router.post("/requests")
def ask(request: Request, hub: HubDep, kind: Text = "") -> Response:
    """Writes the request down with its deadline; asked again, it is the same one."""
    check_origin(request, hub.settings)
    if kind not in set(RequestKind):
        raise NotFound
    hub.incoming.limit("mine.request", *ASKS).take(address_of(request, hub.settings))
    with hub.works.write(CITIZEN) as work:
        phone = _proved(request, hub, work)
        subject = Subject(phone)
        requests.ask(work, hub.seal, RequestKind(kind), subject, desk(work), hub.settings.office_zone)
    return RedirectResponse("/mine#data", status_code=303)


@router.get("/copy/{request_id}")
def fetch(request: Request, hub: HubDep, request_id: int) -> Response:
    """The copy that was granted, for the telephone that asked."""
    hub.incoming.limit("mine.copy", *FETCHES).take(address_of(request, hub.settings))
    with hub.works.write(CITIZEN) as work:
        phone = _proved(request, hub, work)
        found = work.session.get(DataRequest, request_id)
        mine = found is not None and found.mark == marks.of_requests(hub.seal, phone)
        if found is None or not mine or not requests.may_be_fetched(work, found):
            raise NotFound
        file = copy_of(hub, work, opened(hub.seal, found.sealed))
        work.audit("data_request.fetched", found, number=found.number, size=len(file))
    return zipped(found.number, file)


def _proved(request: Request, hub: Hub, work: Work) -> str:
    phone = phone_of(hub, work, request.cookies.get(cookie_of(hub.settings), ""))
    if not phone:
        raise NotFound
    return phone
