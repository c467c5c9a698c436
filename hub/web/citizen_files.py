"""What citizens sent besides words, shown to whoever may read the conversation or the ticket it came to."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response

from bot.citizen_files import store
from bot.citizen_files.checking import ENDINGS, PICTURE
from bot.citizen_files.models import CitizenFile
from hub.product import Hub
from hub.web.access import Asker, HubDep, api_may, may
from hub.web.media import blob
from hub.web.ticket_page import find
from kernel.errors import NotFound
from kernel.people import Permission

router = APIRouter(prefix="/console")
api = APIRouter(prefix="/api/v1")

BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {name: {"schema": {"type": "string", "format": "binary"}} for name in ENDINGS}}
}
P = Permission
Reader = Annotated[Asker, Depends(may(P.CONVERSATION_READ))]
TicketReader = Annotated[Asker, Depends(may(P.TICKET_READ))]
ApiReader = Annotated[Asker, Depends(api_may(P.CONVERSATION_READ))]


@router.get("/citizen-files/{file_id}")
def of_a_conversation(hub: HubDep, asker: Reader, file_id: int) -> Response:
    """A file of a conversation in reach."""
    return _readable(hub, asker, file_id)


@router.get("/tickets/{ticket_id}/files/{file_id}")
def of_a_ticket(hub: HubDep, asker: TicketReader, ticket_id: int, file_id: int) -> Response:
    """A file of the conversation that a ticket came of; the ticket may be another unit's by now."""
    with hub.works.read() as work:
        ticket = find(work, asker, ticket_id, P.TICKET_READ)
        found = store.in_conversation(work.session, ticket.conversation_id, file_id)
    return _shown(hub, found)


@api.get("/citizen-files/{file_id}", response_class=FileResponse, responses=BYTES)
def get_citizen_file(hub: HubDep, asker: ApiReader, file_id: int) -> Response:
    """The bytes of a file that stands beside a line of a conversation."""
    return _readable(hub, asker, file_id)


def _readable(hub: Hub, asker: Asker, file_id: int) -> Response:
    with hub.works.read() as work:
        found = store.readable(work.session, asker.viewer, file_id)
    return _shown(hub, found)


def _shown(hub: Hub, found: CitizenFile | None) -> Response:
    """The bytes, under a policy that runs nothing; what is no picture is named, for whoever saves it."""
    if found is None:
        raise NotFound
    response = blob(hub, found.sha256, found.media_type)
    response.headers["Cache-Control"] = "private, max-age=600"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    kind = "inline" if found.kind == PICTURE else "attachment"
    response.headers["Content-Disposition"] = f'{kind}; filename="{found.kind}-{found.id}.{ENDINGS[found.media_type]}"'
    return response
