"""The product as one value: everything that a door (web, command line, worker) needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from analytics.collect import ReadCounter
from bot.found_answers import Answers
from bot.nlu.text import officially
from channels.accounts.menus import Publisher
from channels.base import AccountInfo, Channel
from content.models import PublicPiece
from content.public import Shelved
from content.search import Searcher
from content.search_files import Files
from content.search_misses import record_miss
from hub.auth.sessions import Sessions
from hub.notifier import Notifier
from hub.outer.log import PacketLog
from hub.patrol import Patrol
from hub.reception import Incoming
from hub.settings import Settings
from kernel.blobs import Blobs
from kernel.clock import Clock
from kernel.duties import Duty
from kernel.events import Listeners
from kernel.kept import Kept
from kernel.seal import Seal
from kernel.work import Work, Works
from scheduler.queue import Queue
from scheduler.reading import addresses_of
from templates.engine import Engine as Pages

HEARTBEAT = "engine.heartbeat"


@dataclass
class Hub:
    """Everything a door (web, command line, worker) needs, made once by `hub.wiring.build`."""

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
    # Makes the adapter of an account, over the connections of this process; set by `hub.outgoing.connect`.
    make_adapter: Callable[[AccountInfo], Channel] = field(init=False)
    # The way in; set by `hub.incoming.connect`.
    incoming: Incoming = field(init=False)
    # Puts versions of accounts' menus on show; set by `hub.incoming.connect`.
    menus: Publisher = field(init=False)
    # Asks whether links answer; set by `hub.links.connect`.
    patrol: Patrol = field(init=False)
    # What passes between an inside and an outer side, where there are two.
    outer: PacketLog = field(init=False)
    # Counts what is read on the portal; written together every few seconds.
    reads: ReadCounter = field(init=False)
    # Finds what the public may see; kept in this process's memory. `beside` are documents and published answers.
    search: Searcher = field(init=False)
    beside: Sequence[Searcher] = field(init=False)
    # Keeps what was looked for on the site and not found.
    missed: Callable[[Work, str], None] = record_miss
    # Where the pages of pieces stand now; the outer side, which knows no placements, has its own answer.
    where: Callable[[Session, Sequence[PublicPiece | Shelved]], Mapping[int, str]] = addresses_of
    # What else has to let go when the product ends: connections to platforms.
    closing: list[Callable[[], None]] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)
    # Starts what looks for due work and returns what stops it; None in a process that only answers.
    start_engine: Callable[[], Callable[[], None]] | None = None
    # Makes the engine of a worker process, told whether it has the portal's folder; None where `serve` does the work.
    make_worker: Callable[[bool], Queue] | None = None

    def __post_init__(self) -> None:
        self.outer = PacketLog(self.works, self.seal)
        self.reads = ReadCounter(self.works)
        self.search = Searcher(officially=officially)
        self.beside = [Searcher(officially=officially, source=source) for source in (Files(), Answers())]

    def stale(self) -> None:
        """What the public may see has changed: every search looks first."""
        for searcher in (self.search, *self.beside):
            searcher.stale()

    def close(self) -> None:
        """Ends the bot's threads, writes what was counted, and lets go of the database."""
        self.incoming.close()
        for close in self.closing:
            close()
        try:
            self.reads.flush()
        finally:
            self.engine.dispose()
