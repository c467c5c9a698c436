"""For the machine's supervisor: does the process live, and is it ready to serve."""

from __future__ import annotations

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from hub.lookout import engine_silent_since, last_beat
from hub.product import Hub
from hub.schema import is_current
from hub.web.access import HubDep

router = APIRouter()
log = structlog.get_logger(__name__)


@router.get("/healthz")
def healthz() -> JSONResponse:
    """The process answers."""
    return JSONResponse({"alive": True})


@router.get("/readyz")
def readyz(hub: HubDep) -> JSONResponse:
    """Database reachable, schema current, the engine's last tick less than a minute ago; else 503 with the reason."""
    checks = readiness(hub)
    ready = all(value is True for value in checks.values())
    return JSONResponse({"ready": ready, **checks}, status_code=200 if ready else 503)


def readiness(hub: Hub) -> dict[str, bool]:
    """What must hold before this process may be sent requests."""
    try:
        with hub.works.read() as work:
            beating = last_beat(work) is not None and engine_silent_since(hub, work) is None
        return {"database": True, "schema": is_current(hub.engine), "engine": beating}
    except SQLAlchemyError:
        log.exception("database not reachable")
        return {"database": False, "schema": False, "engine": False}
