"""One piece of work is one transaction; nobody else commits.

A writing work ends in a fixed order: in-work listeners, flush, audit lines chained as the last
statement, commit, then what only wakes or notifies.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar, cast

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from kernel import audit
from kernel.clock import Clock
from kernel.events import Event, Listeners
from kernel.model import Base

log = structlog.get_logger(__name__)
# The name under which an engine's options hold another that only looks, where there is one.
LOOKING = "xuanda_looking"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Actor:
    """Who does it: a person, or a part of the system when `person_id` is None."""

    name: str
    person_id: int | None = None
    unit_id: int | None = None
    address: str = ""


SYSTEM = Actor("system")


class Work:
    """What a step is handed: a session, the moment, the actor, and doors for audit and events."""

    def __init__(self, session: Session, now: datetime, actor: Actor) -> None:
        self.session = session
        self.now = now
        self.actor = actor
        self.events: list[Event] = []
        self.lines: list[audit.Draft] = []
        self.effects: list[Callable[[], None]] = []
        self._kept: list[object] = []

    def audit(self, act: str, target: Base | None = None, **details: object) -> None:
        """Puts one line in the audit log when this work commits; `act` is `<object>.<past tense>`.

        The target's own unit is recorded where it has one, otherwise the actor's.
        """
        self.lines.append(audit.Draft(act, target, details))

    def emit(self, event: Event) -> None:
        """Tells a fact to those above; in-work listeners run before the commit."""
        self.events.append(event)

    def keep(self, rows: object) -> None:
        """Holds rows until the work ends, so that listeners find them without asking the database again.

        The session by itself forgets a row that nobody holds.
        """
        self._kept.append(rows)

    def after_commit(self, effect: Callable[[], None]) -> None:
        """Runs `effect` once the work is committed; it may be lost if the process dies."""
        self.effects.append(effect)


class Works:
    """Opens pieces of work on one database: `engine` writes, `looking` reads; on SQLite both are one."""

    def __init__(self, engine: Engine, clock: Clock, listeners: Listeners | None = None) -> None:
        self.engine = engine
        self.clock = clock
        self.listeners = listeners or Listeners()
        self._writing = engine.execution_options(immediate=True)
        self.looking = engine.get_execution_options().get(LOOKING, engine)
        self._turn = _Turn() if engine.dialect.name == "sqlite" else nullcontext()
        self._waiting: list[_Share[Any]] = []
        self._joining = threading.Lock()
        self._led = False

    @contextmanager
    def write(self, actor: Actor = SYSTEM) -> Iterator[Work]:
        """A writing transaction; leaving the block commits it, an exception rolls it back whole."""
        with self._turn, self._transaction() as session:
            work = Work(session, self.clock.now(), actor)
            yield work
            effects = self._finish(work)
            session.commit()
        _run(effects)

    def together(self, act: Callable[[Work], Result], actor: Actor = SYSTEM) -> Result:
        """What `act` returns, once a writing work is committed that it may share with others of this moment.

        SQLite has one writer at a time, and each commit waits for the disk: whoever's turn it is does what everybody
        waits for, and all pay once. PostgreSQL gathers commits by itself. `act` must bear to be called again, in a
        work of its own: another's failure rolls back what it shared.
        """
        if not isinstance(self._turn, _Turn):
            with self.write(actor) as work:
                return act(work)
        self._turn.must_not_be_mine()
        mine = _Share(act, actor)
        with self._joining:
            self._waiting.append(mine)
            leads, self._led = not self._led, True
        # Of all that wait one alone waits for the turn: were each to, those that are done would keep others from it.
        if not leads:
            mine.called.wait()
        if not mine.done:
            self._lead(self._turn, mine)
        return mine.outcome()

    @contextmanager
    def read(self, actor: Actor = SYSTEM) -> Iterator[Work]:
        """Only looks: it never commits, and a flush inside it is a fault.

        On SQLite all of it sees one moment, on PostgreSQL each question its own.
        """
        with Session(self.looking, autoflush=False) as session:
            work = Work(session, self.clock.now(), actor)
            yield work
            if session.new or session.dirty or session.deleted or work.lines or work.events:
                raise RuntimeError("a reading work must not change anything")

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        with Session(self._writing, expire_on_commit=False) as session:
            session.connection()  # The lock is taken before anything is read that a decision rests on.
            yield session

    def _lead(self, turn: _Turn, mine: _Share[Any]) -> None:
        """Does all that waits by the time it is this thread's turn, and lets one that came meanwhile lead next."""
        shares: list[_Share[Any]] = []
        effects: list[Callable[[], None]] = []
        try:
            with turn.first():
                with self._joining:
                    shares, self._waiting = self._waiting, []
                effects = self._do(shares)
        finally:
            with self._joining:
                if mine in self._waiting:  # It was broken off before its turn, and leads no more.
                    self._waiting.remove(mine)
                self._led = bool(self._waiting)
                if self._led:
                    self._waiting[0].called.set()
            for one in shares:
                one.over()
        _run(effects)

    def _do(self, shares: Sequence[_Share[Any]]) -> list[Callable[[], None]]:
        """Does all of it in one transaction; where that fails, each in its own."""
        try:
            return self._share(shares)
        except Exception as failure:  # noqa: BLE001  # One's failure is not the others'; its own caller gets it.
            # Where the database itself is away, each alone would wait for it as long again.
            if len(shares) == 1 or isinstance(failure, OperationalError):
                for one in shares:
                    one.failed(failure)
                return []
            return [effect for one in shares for effect in self._do([one])]

    def _share(self, shares: Sequence[_Share[Any]]) -> list[Callable[[], None]]:
        effects: list[Callable[[], None]] = []
        with self._transaction() as session:
            results = []
            for one in shares:
                work = Work(session, self.clock.now(), one.actor)
                results.append(one.act(work))
                effects += self._finish(work)
            session.commit()
        for one, result in zip(shares, results, strict=True):
            one.succeeded(result)
        return effects

    def _finish(self, work: Work) -> list[Callable[[], None]]:
        effects: list[Callable[[], None]] = []
        while work.events:
            events = list(work.events)
            work.events.clear()
            for event in events:
                self.listeners.tell_in_work(work, event)
                effects += self.listeners.after_commit(event)
            self.listeners.tell_together(work, events)
        work.session.flush()
        audit.chain(work)
        return effects + work.effects


class _Share(Generic[Result]):
    """One part of a shared work, and what became of it."""

    def __init__(self, act: Callable[[Work], Result], actor: Actor) -> None:
        self.act = act
        self.actor = actor
        self.done = False
        # It is done, or it is to lead.
        self.called = threading.Event()
        self._failure: Exception | None = None
        self._result: Result | None = None

    def succeeded(self, result: Result) -> None:
        """It is committed."""
        self._result, self.done = result, True

    def failed(self, failure: Exception) -> None:
        """It was rolled back."""
        self._failure, self.done = failure, True

    def over(self) -> None:
        """Nothing more will be done for it: where whoever did it was broken off, it has failed."""
        if not self.done:
            self.failed(RuntimeError("a shared work was broken off"))
        self.called.set()

    def outcome(self) -> Result:
        """What it returned; raises what it raised, and RuntimeError where whoever did it was broken off."""
        if self._failure is not None:
            raise self._failure
        return cast(Result, self._result)


class _Turn:
    """One writer at a time in this process, for SQLite.

    SQLite lets waiting writers sleep and try again, so that among many threads some starve until "database is
    locked"; queueing here costs nothing and starves nobody. Other processes still wait in SQLite.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._holder: int | None = None
        self._queue: deque[threading.Event] = deque()

    def __enter__(self) -> None:
        self._take(first=False)

    def __exit__(self, *_failure: object) -> None:
        self._pass_on()

    @contextmanager
    def first(self) -> Iterator[None]:
        """A turn before all that wait already: whoever writes for forty keeps forty waiting."""
        self._take(first=True)
        try:
            yield
        finally:
            self._pass_on()

    def must_not_be_mine(self) -> None:
        """Raises RuntimeError where this thread has its turn already."""
        if self._holder == threading.get_ident():
            raise RuntimeError("a writing work must not be opened inside another")

    def _take(self, *, first: bool) -> None:
        self.must_not_be_mine()
        called: threading.Event | None = None
        with self._guard:
            if self._taken:
                called = threading.Event()
                (self._queue.appendleft if first else self._queue.append)(called)
            self._taken = True
        if called is not None:
            self._wait(called)
        self._holder = threading.get_ident()

    def _wait(self, called: threading.Event) -> None:
        try:
            called.wait()
        except BaseException:  # Broken off while it waited: whoever comes after it must not wait for ever.
            with self._guard:
                still = called in self._queue
                if still:
                    self._queue.remove(called)
            if not still:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        """Hands the turn to whoever is next: were it only let go, the thread that runs just now would take it again."""
        with self._guard:
            self._holder = None
            if self._queue:
                self._queue.popleft().set()
            else:
                self._taken = False


def _run(effects: Sequence[Callable[[], None]]) -> None:
    for effect in effects:
        try:
            effect()
        except Exception:  # The work is committed; a lost wake-up or notice must not look like a failed act.
            log.exception("effect after commit failed")
