"""样式页: every component of the console in every state, for whoever builds or tests a page."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from hub.web.access import Asker, signed_in
from hub.web.pages import page
from templates.patterns import context

router = APIRouter()


@router.get("/console/patterns")
def patterns(request: Request, asker: Annotated[Asker, Depends(signed_in())]) -> HTMLResponse:
    """The living style page."""
    shown = {key: value for key, value in context().items() if key != "shell"}
    return page(request, asker, "pages/patterns.html", **shown)
