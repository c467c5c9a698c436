"""`xuanda serve`, `xuanda worker` and `xuanda migrate`."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Timer
from typing import Annotated, NoReturn, cast

import typer
import uvicorn
from fastapi import FastAPI

from bot.leaving import EVERY_SECONDS as ANSWERS_LEFT_SECONDS
from hub import schema
from hub.db import open_database
from hub.errors import CannotRun
from hub.lookout import EVERY_SECONDS, look
from hub.outer import outside
from hub.outer.web.face import create_outer_app
from hub.product import Hub
from hub.settings import Settings
from hub.warmth import get_ready
from hub.web.app import Face, create_app
from hub.wiring import build
from kernel.priority import stand_back
from scheduler.rounds import Beat

# Seconds for which a thread may go on while others wait for the interpreter, a tenth of what Python begins with. Who
# asks the database gives it away and waits that long to go on: a work of twenty questions, which keeps all other
# writers waiting, would last a hundred milliseconds longer for each thread that only reckons.
SWITCH_SECONDS = 0.0005
WARM_SECONDS = 60.0
# Python looks for what only refers to itself after seven hundred new objects. A request makes thousands, and lets go
# of nearly all: a thirtieth of the looks finds the same, and they cost a busy process a tenth of its time.
COLLECTED_AFTER = (20_000, 10, 10)
# Longer than whoever calls keeps a connection that lies idle (nginx 60 s): were both to end it at the same moment, a
# form could be sent into a line that is just being closed.
IDLE_SECONDS = 75


class FaceName(StrEnum):
    """Which doors a web process opens."""

    ALL = "all"
    CONSOLE = "console"
    PUBLIC = "public"
    OUTER = "outer"


# By so much the console's pages and a worker's duties stand back behind citizens and platforms who are answered on the
# same machine: a platform waits for five seconds, whoever looks at a page a little longer.
STANDS_BACK = 5
# Where a silent engine is told of: an outside machine may not be able to reach anybody.
WITH_CONSOLE = (FaceName.ALL, FaceName.CONSOLE)


def serve(
    face: Annotated[
        FaceName,
        typer.Option(
            help="all: one machine; console: inside; public: outside, without any console route; "
            "outer: outside without the inside's database."
        ),
    ] = FaceName.ALL,
    host: Annotated[str, typer.Option(help="Address to listen on; default XUANDA_HOST.")] = "",
    port: Annotated[int, typer.Option(help="Port to listen on; default XUANDA_PORT.")] = 0,
) -> None:
    """Serves the web pages and runs the engine that looks for due work."""
    # The web server hands the signal on once it has ended; unanswered, it would end the process before the engine has
    # given back what it had claimed.
    signal.signal(signal.SIGTERM, _leave)
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECTED_AFTER)
    if face is FaceName.CONSOLE:
        stand_back(STANDS_BACK)
    with _ready(face) as hub:
        get_ready(hub)
        stop = hub.start_engine() if hub.start_engine is not None else None
        lookout = Beat(EVERY_SECONDS, lambda: look(hub))
        leaving = Beat(ANSWERS_LEFT_SECONDS, hub.incoming.leaving.beat)
        leaving.start()
        if face in WITH_CONSOLE:
            lookout.start()
        application = _application(hub, face)
        _let_be()
        # The first model, the search and the pages' templates come with the first questions.
        warm = Timer(WARM_SECONDS, _let_be)
        warm.daemon = True
        warm.start()
        try:
            # Its own access log would write the tokens of one-time links; `hub.web.edge` logs routes instead.
            uvicorn.run(
                application,
                host=host or hub.settings.host,
                port=port or hub.settings.port,
                access_log=False,
                # The faster parser that may be installed too reads headers without an end into memory.
                http="h11",
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=IDLE_SECONDS,
                # Open streams (chat, live desk) do not end by themselves.
                timeout_graceful_shutdown=3,
                log_level="warning",
            )
        finally:
            warm.cancel()
            lookout.stop()
            leaving.stop()
            hub.incoming.leaving.close()
            if stop is not None:
                stop()


def _application(hub: Hub, face: FaceName) -> FastAPI:
    return create_outer_app(hub) if face == "outer" else create_app(hub, cast(Face, face.value))


def _let_be() -> None:
    """Takes what is there by now out of the collector's rounds: a full one would stop everybody for half a second."""
    gc.collect()
    gc.freeze()


def _leave(_signal: int, _frame: object) -> NoReturn:
    raise SystemExit(0)


def worker(
    portal: Annotated[
        bool, typer.Option(help="Draw the portal's pages: on machines that have its folder (XUANDA_SITE).")
    ] = False,
) -> None:
    """Does what is due, on any number of machines beside the web processes; needs PostgreSQL."""
    with _ready() as hub:
        if hub.make_worker is None:
            raise CannotRun(
                why="On SQLite the work is done by `xuanda serve`; workers need XUANDA_DATABASE_URL=postgresql+psycopg://…"
            )
        stand_back(STANDS_BACK)
        hub.incoming.awake = True
        hub.incoming.engine.refresh()
        hub.make_worker(portal).run()


@contextmanager
def _ready(face: FaceName = FaceName.ALL) -> Iterator[Hub]:
    hub = outside.build(Settings()) if face is FaceName.OUTER else build(Settings())
    try:
        if not schema.is_current(hub.engine):
            raise CannotRun(why="The database is not at this version's schema. Run: xuanda migrate")
        yield hub
    finally:
        hub.close()


def migrate() -> None:
    """Brings the database to the schema of this version."""
    settings = Settings()
    engine = open_database(settings.database)
    try:
        schema.migrate(engine)
    finally:
        engine.dispose()
    typer.echo("The database is at this version's schema.")
