"""The way in of one process: stored messages are dealt with in order, replies leave in the background."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog

from bot.answering import Answering
from bot.engine import Engine
from bot.leaving import Leaving
from bot.lists import Lists, Looker
from bot.queues import Full, Queues
from bot.reply import Replier
from bot.waiting import Watch
from bot.words import Words
from channels.base import AccountInfo, Channel
from hub.limits import Limit
from hub.live import Live
from hub.relays import Relay
from hub.sights import Gathered, Sights
from hub.ticket_sms import TicketTexts

log = structlog.get_logger(__name__)

# A citizen's page has what was said within a second; a tenth of it lets many pages look together.
LOOK_PAUSE = 0.1


@dataclass
class Incoming:
    """The way in of one process; `make` builds the adapter of an account."""

    engine: Engine
    words: Words
    answering: Answering
    queues: Queues
    replier: Replier
    watch: Watch
    live: Live
    relay: Relay
    make: Callable[[AccountInfo], Channel]
    senders: ThreadPoolExecutor
    leaving: Leaving
    running: dict[int, Future[None]] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    sights: Sights = field(default_factory=Sights)
    # What citizens' pages show, each a conversation and the last line it has.
    looks: Gathered[tuple[int, int], dict[str, Any]] = field(default_factory=lambda: Gathered(LOOK_PAUSE))
    # What the lists of the desk show, each for one person.
    desks: Gathered[Looker, tuple[Lists, datetime]] = field(default_factory=lambda: Gathered(LOOK_PAUSE))
    # The citizens' streams that are open in this process, by conversation.
    streams: Counter[int] = field(default_factory=Counter)
    # Whether this process answers citizens; one that only fills or checks need not learn.
    awake: bool = False
    # Text messages that tickets were answered; None where the office has no gateway for them.
    texts: TicketTexts | None = None

    def run(self, inbound_id: int, conversation_id: int) -> Future[None]:
        """Lets the bot deal with a stored message, in order; the future ends when it has. Raises `queues.Full`."""
        future = self.queues.submit(conversation_id, lambda: self.answering.handle(inbound_id))
        self.running[inbound_id] = future
        future.add_done_callback(lambda _done: self.running.pop(inbound_id, None))
        return future

    def waiting(self, inbound_id: int) -> Future[None] | None:
        """The run of a message that is being dealt with in this process, for a push that repeats it."""
        return self.running.get(inbound_id)

    def limit(self, name: str, number: int, seconds: float) -> Limit:
        """The counter of this name in this process; made when it is first asked for."""
        return self.limits.setdefault(name, Limit(number, seconds))

    def run_left_over(self) -> None:
        """Deals with what a dead process or a full queue left behind."""
        for inbound_id, conversation_id in self.answering.left_over():
            try:
                self.run(inbound_id, conversation_id)
            except Full:
                return

    def send_soon(self) -> None:
        """Looks for replies to send, in the background."""
        try:
            self.senders.submit(self._send)
        except RuntimeError:  # The process is stopping; the rows stay and the next start sends them.
            log.info("replies wait for the next start")

    def close(self) -> None:
        """Ends threads; what waits stays in rows."""
        self.relay.close()
        self.queues.close()
        self.senders.shutdown(wait=True, cancel_futures=True)
        self.engine.close()

    def _send(self) -> None:
        try:
            self.replier.send_waiting()  # What a dead process held is looked for by the duty.
        except Exception:  # The edge of a thread: the duty looks again within a second.
            log.exception("sending replies failed")
