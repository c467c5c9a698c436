"""Puts the product together from its settings; the one place that chooses which engine, store or adapter is used."""

from __future__ import annotations

from datetime import timedelta

from channels.registry import outbound_folders
from hub import (
    account_watch,
    certificates,
    citizens,
    comments,
    editorial,
    emergency,
    expiry,
    incoming,
    keeping,
    links,
    log,
    opinion,
    outgoing,
    outside,
    previewing,
    reposting,
    returning,
    site_state,
    whole_portal,
)
from hub.auth.lockout import LockoutPolicy
from hub.auth.sessions import SessionPolicy, Sessions
from hub.db import open_database
from hub.hotline import duties as hotline
from hub.notifier import Notifier
from hub.outer import inner
from hub.product import HEARTBEAT, Hub
from hub.senders import senders
from hub.settings import Settings
from kernel.blobs import Blobs
from kernel.clock import Clock, SystemClock
from kernel.duties import Duty
from kernel.errors import XuandaError
from kernel.events import Listeners
from kernel.seal import Seal, load_key
from kernel.work import Works
from scheduler.events import WasWithdrawn, WentLive
from templates.engine import Engine as Pages


def build(settings: Settings, clock: Clock | None = None) -> Hub:
    """The product as the settings describe it; a clock may be handed in for tests."""
    log.configure(as_json=settings.log_json)
    XuandaError.zone = settings.office_zone
    clock = clock or SystemClock(settings.clock_offset)
    engine = open_database(settings.database)
    listeners = Listeners()
    works = Works(engine, clock, listeners)
    seal = Seal(load_key(settings.key_file))
    notifier = Notifier(works, senders(settings), settings.console_address)
    sessions = Sessions(works, seal, _session_policy(settings), _lockout_policy(settings))
    hub = Hub(
        settings=settings,
        engine=engine,
        clock=clock,
        listeners=listeners,
        works=works,
        blobs=Blobs(settings.files_folder),
        seal=seal,
        pages=Pages(zone=settings.office_zone, now=clock.now, outbound=outbound_folders()),
        sessions=sessions,
        notifier=notifier,
        duties=[
            Duty(HEARTBEAT, timedelta(seconds=10), lambda: None),
            Duty("sessions.sweep", timedelta(minutes=10), sessions.sweep),
            *notifier.duties(),
        ],
    )
    for fact in (WentLive, WasWithdrawn):
        listeners.after(fact, lambda _fact: hub.stale())
    editorial.connect(hub)
    outgoing.connect(hub)
    site_state.connect(hub)
    emergency.connect(hub)
    previewing.connect(hub)
    outside.connect(hub)
    reposting.connect(hub)
    opinion.connect(hub)
    returning.connect(hub)
    incoming.connect(hub)
    comments.connect(hub)
    account_watch.connect(hub)
    certificates.connect(hub)
    links.connect(hub)
    hotline.connect(hub)
    keeping.connect(hub)
    citizens.connect(hub)
    expiry.connect(hub)
    whole_portal.connect(hub)
    inner.connect(hub)
    return hub


def _session_policy(settings: Settings) -> SessionPolicy:
    return SessionPolicy(timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes))


def _lockout_policy(settings: Settings) -> LockoutPolicy:
    return LockoutPolicy(settings.lockout_failures, timedelta(minutes=settings.lockout_minutes))


__all__ = ["HEARTBEAT", "Hub", "build"]
