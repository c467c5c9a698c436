"""Makes the web application: which desks stand behind which face, and what surrounds every answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from hub.product import Hub
from hub.web import (
    account_authorising,
    account_figures,
    account_filings,
    account_menu,
    account_notices,
    account_secrets,
    account_tags,
    accounts,
    answers,
    api_account_settings,
    api_accounts,
    api_classes,
    api_comments,
    api_deliveries,
    api_desk,
    api_insights,
    api_knowledge,
    api_office,
    api_opinion,
    api_people,
    api_piece_acts,
    api_pieces,
    api_quick_replies,
    api_reposts,
    api_series,
    api_shifts,
    api_signing,
    api_slots,
    api_stops,
    api_ticket_acts,
    api_tickets,
    api_watch,
    app_api,
    audit_log,
    auto_replies,
    beacon,
    board,
    bookings,
    bundle_order,
    bundles,
    by_hand,
    callbacks,
    chat,
    citizen_files,
    citizens,
    columns,
    comments,
    conversations,
    deliveries,
    desk,
    desk_onward,
    edge,
    emergency,
    errors,
    faces,
    feedback,
    figures,
    follower_tags,
    freezes,
    grants,
    hand_phone,
    heads,
    health,
    home,
    hotline,
    imports,
    insights,
    knowledge,
    knowledge_models,
    links,
    login,
    matter_classes,
    media,
    metrics,
    mine,
    mine_data,
    openapi,
    opinion,
    opinion_case,
    opinion_figures,
    outside,
    patterns,
    people,
    piece_column,
    pieces,
    planning,
    platform_previews,
    public_ratings,
    punctuality,
    push,
    quick_replies,
    rasa_actions,
    rehearsal,
    repost_feeds,
    repost_figures,
    reposts,
    response,
    response_parts,
    retention,
    retractions,
    rules,
    search,
    series,
    service_ratings,
    shifts,
    sign_link,
    signing,
    site,
    site_state,
    slots,
    spoken,
    system,
    takeover,
    ticket_acts,
    ticket_figures,
    tickets,
    timetable,
    tokens,
    turns,
    units,
    validity,
    words,
)
from hub.web.access import LONGEST_FIELD, MOST_FIELDS
from hub.web.sent import fitting_address
from hub.web.site import SiteFiles
from kernel.errors import XuandaError
from templates.engine import FOLDER

Face = Literal["all", "console", "public"]

EVERYWHERE: tuple[APIRouter, ...] = (health.router, metrics.router, site.router, rasa_actions.router)
CONSOLE: tuple[APIRouter, ...] = (
    spoken.router,
    desk.router,
    desk_onward.router,
    follower_tags.router,
    login.router,
    home.router,
    pieces.router,
    piece_column.router,
    validity.router,
    signing.router,
    platform_previews.router,
    links.router,
    outside.router,
    repost_feeds.router,
    repost_figures.router,
    reposts.router,
    columns.router,
    words.router,
    imports.router,
    imports.api,
    media.router,
    citizen_files.router,
    citizen_files.api,
    bookings.router,
    bundle_order.router,
    bundles.router,
    freezes.router,
    emergency.router,
    retractions.router,
    timetable.router,
    slots.router,
    api_slots.router,
    series.router,
    api_series.router,
    deliveries.router,
    by_hand.router,
    account_authorising.router,
    account_filings.router,
    account_figures.router,
    accounts.router,
    rehearsal.router,
    account_menu.router,
    account_notices.router,
    account_tags.router,
    takeover.router,
    auto_replies.router,
    account_secrets.router,
    figures.router,
    insights.router,
    response.router,
    response_parts.router,
    service_ratings.router,
    ticket_figures.router,
    punctuality.router,
    planning.router,
    api_pieces.router,
    api_piece_acts.router,
    api_signing.router,
    api_deliveries.router,
    api_desk.router,
    api_tickets.router,
    api_classes.router,
    api_knowledge.router,
    api_ticket_acts.router,
    api_accounts.router,
    api_account_settings.router,
    api_comments.router,
    api_office.router,
    api_people.router,
    api_stops.router,
    api_watch.router,
    api_reposts.router,
    api_opinion.router,
    openapi.router,
    api_insights.router,
    conversations.router,
    quick_replies.router,
    api_quick_replies.router,
    shifts.router,
    api_shifts.router,
    matter_classes.router,
    board.router,
    comments.router,
    hotline.router,
    citizens.router,
    tickets.router,
    ticket_acts.router,
    opinion_figures.router,
    opinion.router,
    opinion_case.router,
    answers.router,
    knowledge.router,
    knowledge_models.router,
    people.router,
    units.router,
    grants.router,
    tokens.router,
    rules.router,
    retention.router,
    system.router,
    faces.router,
    site_state.router,
    audit_log.router,
    patterns.router,
)
PUBLIC: tuple[APIRouter, ...] = (
    chat.conversations,
    callbacks.router,
    beacon.router,
    chat.router,
    sign_link.router,
    hand_phone.router,
    app_api.router,
    feedback.router,
    mine.router,
    mine_data.router,
    hotline.public,
    answers.public,
    public_ratings.router,
    search.router,
    push.router,
)

A_YEAR = 365 * 24 * 3600


class HashedStatic(StaticFiles):
    """Static files; an address with a content hash may be kept for ever, any other must be asked again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file with its caching rule."""
        response = await super().get_response(path, scope)
        hashed = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable" if hashed else "no-cache"
        return response


def create_app(hub: Hub, face: Face = "all") -> FastAPI:
    """The application with one face: `console` inside, `public` outside, `all` on one machine."""
    app = FastAPI(
        title="Xuanda",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        form_limits={"max_fields": MOST_FIELDS, "max_part_size": LONGEST_FIELD},
        redirect_slashes=False,
    )
    app.state.hub = hub
    app.state.face = face
    app.router.routes.extend(_routes(face))
    app.mount("/static", HashedStatic(directory=FOLDER / "static"), name="static")
    if face != "console":
        app.mount("/", SiteFiles(hub.settings.site_folder), name="site")
    app.add_exception_handler(XuandaError, errors.on_xuanda_error)
    app.add_exception_handler(HTTPException, errors.on_http_error)
    app.add_exception_handler(SQLAlchemyError, errors.on_database_error)
    app.add_exception_handler(RequestValidationError, errors.on_invalid_request)
    app.add_middleware(turns.Turns)
    app.add_middleware(
        edge.Edge,
        body_limit=hub.settings.upload_limit + edge.FORM_OVERHEAD,
        https=hub.settings.secure_cookies,
        failed=errors.on_failure,
        too_large=errors.on_too_large,
    )
    app.add_middleware(heads.Heads)
    return app


@cache
def _routes(face: Face) -> Sequence[BaseRoute]:
    """A face's routes; what each needs is worked out once per process, however many applications it makes."""
    shared = APIRouter(dependencies=[Depends(fitting_address)])
    for router in routers(face):
        shared.include_router(router)
    return shared.routes


def routers(face: Face) -> tuple[APIRouter, ...]:
    """The desks behind a face; the bare address leads to the console only where no portal stands there.

    Addresses are compared one after another, so what many ask for comes first.
    """
    console = CONSOLE if face in ("all", "console") else ()
    public = PUBLIC if face in ("all", "public") else ()
    front = (login.front,) if face == "console" else ()
    return (*public, *EVERYWHERE, *console, *front)
