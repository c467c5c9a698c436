"""Puts the product together from its settings; the one place that chooses which engine, store or adapter is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Engine

from hub import log
from hub.auth.lockout import LockoutPolicy
from hub.auth.sessions import SessionPolicy, Sessions
from hub.db import open_database
from hub.notifier import Notifier
from hub.senders import senders
from hub.settings import Settings
from kernel.blobs import Blobs
from kernel.clock import Clock, SystemClock
from kernel.duties import Duty
from kernel.events import Listeners
from kernel.seal import Seal, load_key
from kernel.work import Works
from templates.engine import Engine as Pages

HEARTBEAT = "engine.heartbeat"


@dataclass
class Hub:
    """Everything a door (web, command line, worker) needs, made once by `build`."""

    settings: Settings
    engine: Engine
    clock: Clock
    listeners: Listeners
    works: Works
    blobs: Blobs
    seal: Seal
    pages: Pages
    sessions: Sessions
    notifier: Notifier
    duties: list[Duty] = field(default_factory=list)
    # Starts what looks for due work and returns what stops it; None in a process that only answers.
    start_engine: Callable[[], Callable[[], None]] | None = None

    def close(self) -> None:
        """Lets go of the database."""
        self.engine.dispose()


def build(settings: Settings, clock: Clock | None = None) -> Hub:
    """The product as the settings describe it; a clock may be handed in for tests."""
    log.configure(as_json=settings.log_json)
    clock = clock or SystemClock(settings.clock_offset)
    engine = open_database(settings.database)
    listeners = Listeners()
    works = Works(engine, clock, listeners)
    seal = Seal(load_key(settings.key_file))
    notifier = Notifier(works, senders(settings), settings.console_address)
    sessions = Sessions(works, seal, _session_policy(settings), _lockout_policy(settings))
    return Hub(
        settings=settings,
        engine=engine,
        clock=clock,
        listeners=listeners,
        works=works,
        blobs=Blobs(settings.files_folder),
        seal=seal,
        pages=Pages(zone=settings.office_zone, now=clock.now),
        sessions=sessions,
        notifier=notifier,
        duties=[
            Duty(HEARTBEAT, timedelta(seconds=10), lambda: None),
            Duty("sessions.sweep", timedelta(minutes=10), sessions.sweep),
            *notifier.duties(),
        ],
    )


def _session_policy(settings: Settings) -> SessionPolicy:
    return SessionPolicy(timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes))


def _lockout_policy(settings: Settings) -> LockoutPolicy:
    return LockoutPolicy(settings.lockout_failures, timedelta(minutes=settings.lockout_minutes))
