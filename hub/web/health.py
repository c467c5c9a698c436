"""For the machine's supervisor: does the process live, and is it ready to serve."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from hub.product import HEARTBEAT, Hub
from hub.schema import is_current
from hub.web.access import HubDep
from kernel.duties import DutyMark
from kernel.work import Work

router = APIRouter()
log = structlog.get_logger(__name__)

OLDEST_HEARTBEAT = timedelta(seconds=60)


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
            beating = _last_beat(work) is not None and engine_silent_since(hub, work) is None
        return {"database": True, "schema": is_current(hub.engine), "engine": beating}
    except SQLAlchemyError:
        log.exception("database not reachable")
        return {"database": False, "schema": False, "engine": False}


def engine_silent_since(hub: Hub, work: Work) -> datetime | None:
    """Since when nothing that sends what is due has been heard of; None while it beats.

    Where the machine's own process sends, it beats from its first seconds on; workers may never have been started.
    """
    last = _last_beat(work)
    if last is None:
        return work.now if hub.settings.uses_queue else None
    return last if work.now - last > OLDEST_HEARTBEAT else None


def _last_beat(work: Work) -> datetime | None:
    return work.session.scalar(select(DutyMark.done_at).where(DutyMark.name == HEARTBEAT))
