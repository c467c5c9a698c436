"""The product as it stands on the outer host: a database of its own, no people, no secrets but those it hears with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from sqlite3 import Connection as SqliteConnection
from typing import Any

from sqlalchemy import event

from bot.engine import EmbeddedEngine
from hub import wiring
from hub.errors import CannotRun
from hub.incoming import forget_pushes
from hub.live import conversation_topic
from hub.outer import forgetting, sessions, standing
from hub.outer.exchange import ByFiles
from hub.outer.folders import Folders
from hub.outer.log import is_paired
from hub.outer.pack_in import PackTaker
from hub.outer.packets import Packet
from hub.outer.reads import ToldReads
from hub.outer.site_in import SiteTaker
from hub.product import HEARTBEAT, Hub
from hub.settings import Settings
from kernel.clock import Clock
from kernel.duties import Duty
from kernel.work import Work
from scheduler.rounds import Beat, Rounds

# Short, so that a process that dies in the middle keeps no other from going on; two at once do no harm.
LEASE = timedelta(seconds=15)


def build(settings: Settings, clock: Clock | None = None) -> Hub:
    """The product with everything taken off that is the inside's; what is left hears, answers and keeps."""
    if settings.uses_queue or not settings.database.startswith("sqlite"):
        raise CannotRun(why="The outer side keeps a SQLite file of its own: leave XUANDA_DATABASE_URL unset there.")
    hub = wiring.build(settings.model_copy(update={"outer_url": "", "exchange_in": None}), clock)
    # Rows of the pack refer to people and drafts that stay inside.
    event.listen(hub.engine, "connect", _unbound)
    if isinstance(hub.incoming.engine, EmbeddedEngine):
        hub.incoming.engine.kept = None  # Models are tested and let through inside, where the questions are known.
    hub.incoming.answering.codes = None  # Tickets and their telephones are inside.
    hub.engine.dispose()
    site = SiteTaker(settings.site_folder, settings.data / "incoming")
    pack = PackTaker(hub.seal, lambda: _learn(hub))
    hub.outer.handlers |= {
        "file": site.take_part,
        "site": site.put_in_place,
        "rows": pack.take_rows,
        "pack": pack.apply,
        "keys": pack.take_keys,
        "told": lambda work, packet: _told(hub, work, packet),
        "ticket": standing.take,
        "forgotten": forgetting.take,
    }
    folders = settings.by_files
    hub.reads = ToldReads(hub.outer)
    hub.missed = lambda work, query: _missed(hub, work, query)
    hub.where = lambda _session, rows: {row.piece_id: row.path for row in rows if row.place is not None}
    hub.duties = [
        Duty(HEARTBEAT, timedelta(seconds=10), lambda: None),
        Duty("outer.forget", timedelta(hours=1), lambda: _forget(hub)),
    ]
    if folders is not None:
        by_files = ByFiles(hub.outer, Folders(*folders), "outer")
        hub.duties.append(Duty("outer.exchange", timedelta(seconds=1), by_files.round, LEASE))
    hub.start_engine = lambda: _start(hub)
    return hub


def _unbound(connection: SqliteConnection, _record: Any) -> None:
    connection.execute("PRAGMA foreign_keys=OFF")


def _told(hub: Hub, work: Work, packet: Packet) -> None:
    session_id = sessions.told(work, packet)
    work.after_commit(lambda: hub.incoming.live.tell(conversation_topic(session_id)))


def _missed(hub: Hub, work: Work, query: str) -> None:
    if is_paired(work.session):
        hub.outer.put(work, "missed", {"query": query})


def _forget(hub: Hub) -> None:
    with hub.works.write() as work:
        sessions.forget(work)
    forget_pushes(hub)


def _learn(hub: Hub) -> None:
    hub.incoming.engine.refresh()
    hub.stale()


def _start(hub: Hub) -> Callable[[], None]:
    hub.incoming.awake = True
    hub.incoming.engine.refresh()
    rounds = Rounds(hub.works, lambda: hub.duties)
    beat = Beat(0.5, rounds.look)
    beat.start()

    def stop() -> None:
        beat.stop()
        rounds.stop()

    return stop
