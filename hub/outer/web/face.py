"""Makes the outer host's web application: the site, its search and forms, chat and callbacks, and the inside's door."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from hub.outer.packets import LARGEST_PARCEL
from hub.outer.web import callbacks, chat, door, feedback, push
from hub.product import Hub
from hub.web import answers, beacon, edge, errors, heads, health, metrics, mine, public_ratings, search, site
from hub.web.access import LONGEST_FIELD
from hub.web.app import HashedStatic
from hub.web.site import SiteFiles
from kernel.errors import XuandaError
from templates.engine import FOLDER

ROUTERS: tuple[APIRouter, ...] = (
    chat.router,
    callbacks.router,
    door.router,
    beacon.router,
    feedback.router,
    mine.router,
    answers.public,
    public_ratings.router,
    search.router,
    push.router,
    health.router,
    metrics.router,
    site.router,
)


def create_outer_app(hub: Hub) -> FastAPI:
    """The application of the outer host; everything it serves is public, or proves itself by a signature or a token."""
    app = FastAPI(
        title="Xuanda",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        form_limits={"max_part_size": LONGEST_FIELD},
        redirect_slashes=False,
    )
    app.state.hub = hub
    app.state.face = "outer"
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", HashedStatic(directory=FOLDER / "static"), name="static")
    app.mount("/", SiteFiles(hub.settings.site_folder), name="site")
    app.add_exception_handler(XuandaError, errors.on_xuanda_error)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(RequestValidationError, errors.on_invalid_request)
    app.add_middleware(
        edge.Edge,
        body_limit=max(LARGEST_PARCEL, hub.settings.upload_limit) + edge.FORM_OVERHEAD,
        https=hub.settings.secure_cookies,
        failed=errors.on_failure,
        too_large=errors.on_too_large,
    )
    app.add_middleware(heads.Heads)
    return app
