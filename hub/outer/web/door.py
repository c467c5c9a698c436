"""The door for the inside: it brings its parcel and takes ours away; its signature is the proof."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from hub.outer.errors import BadParcel, NotPaired
from hub.outer.exchange import PATH
from hub.outer.packets import LARGEST_PARCEL
from hub.product import Hub
from hub.web.access import HubDep, address_of
from kernel.errors import XuandaError

router = APIRouter()
log = structlog.get_logger(__name__)

# Refused requests of one address in so many seconds; whoever is signed is never counted.
REFUSED = (30, 60)


@router.post(PATH)
async def exchange(request: Request, hub: HubDep) -> Response:
    """Takes the inside's parcel and answers with ours. Nobody else learns more than that it was refused."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_PARCEL:
            return _refused(BadParcel(why="超过大小上限。"))
    try:
        answer = await run_in_threadpool(_exchange, hub, body)
    except (BadParcel, NotPaired) as error:
        address = address_of(request, hub.settings)
        log.warning("parcel refused", why=error.code, address=address)
        hub.incoming.limit("outer.refused", *REFUSED).take(address)
        return _refused(error)
    return Response(answer, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})


def _exchange(hub: Hub, body: bytes) -> bytes:
    hub.outer.take(body)
    return hub.outer.parcel()[0]


def _refused(error: XuandaError) -> Response:
    return JSONResponse({"error": error.message()}, status_code=error.status)
