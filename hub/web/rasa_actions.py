"""Rasa's action server: what a form of Rasa's says next is the hub's to tell, to whoever has Rasa's token."""

from __future__ import annotations

import json
from secrets import compare_digest

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from bot.dialogue import rasa_form
from hub.web.access import HubDep
from kernel.errors import Invalid, NotFound

router = APIRouter()
log = structlog.get_logger(__name__)

PATH = "/bot/actions"


@router.post(PATH)
async def act(request: Request, hub: HubDep, token: str = "") -> JSONResponse:
    """Answers one action; nothing is read from or written to the database."""
    known = hub.settings.rasa_token.get_secret_value()
    if not hub.settings.rasa_url or not known or not compare_digest(token.encode(), known.encode()):
        raise NotFound
    try:
        return JSONResponse(rasa_form.answer(json.loads(await request.body())))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        log.warning("a call of Rasa's makes no sense", why=type(error).__name__)
        raise Invalid(field="tracker", why="不是 Rasa 的动作请求。") from error
