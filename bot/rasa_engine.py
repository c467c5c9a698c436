"""A Rasa server behind the same protocol as the embedded engine: it ranks, the hub decides and keeps the words.

Only `/model/parse` is asked, because the REST channel answers `200 []` for a paused, a failed and a locked
conversation alike; an honest 4xx or 5xx, or no answer, counts as "the bot is down".
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import httpx
import structlog

from bot import knowledge, versions
from bot.dialogue import rasa_form
from bot.dialogue.step import Asked, plain_of, step
from bot.dialogue.turned import Turned
from bot.errors import BotDown
from bot.gateway import for_engine
from bot.nlu.ranking import THRESHOLDS, Decision, Ranking, Thresholds, decide
from bot.nlu.text import default_lexicon, normalise
from bot.nlu.wire import faq_label, from_parse
from bot.rasa_server import RasaServer
from bot.states import ModelEngine
from kernel.work import Works

log = structlog.get_logger(__name__)

MOST_OVER = 10_000
SERVED_SECONDS = 5.0


@dataclass
class RasaEngine:
    """Asks one Rasa server on a private address; `token` is its `--auth-token`."""

    works: Works
    http: httpx.Client
    url: str
    token: str
    thresholds: Thresholds = THRESHOLDS
    timeout: float = 3.0
    # Slower than so many seconds, or broken, it is not waited for by requests for a while.
    quick: float = 0.5
    rest: float = 5.0
    most: int = 24
    _asking: int = 0
    _rests_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _titles: dict[str, int] | None = None
    _file: str = ""
    _number: int = 0
    _asked_until: float = 0.0
    _over: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_OVER))

    def understand(self, text: str, session: str) -> Decision:
        """A title word for word is that piece; else Rasa's ranking, decided upon by our own thresholds.

        Raises BotDown when there is no honest answer.
        """
        titles = self._titles if self._titles is not None else self._read_titles()
        exact = titles.get(normalise(text, default_lexicon()))
        if exact is not None:
            return Decision("answer", (faq_label(str(exact)),), 1.0, self._number, self._file)
        decision = self.decide(self.rank(text, session))
        self._look()
        return replace(decision, model=self._number, file=self._file)

    def rank(self, text: str, session: str = "") -> Ranking:
        """Rasa's own ranking of a text; raises BotDown when there is no honest answer."""
        try:
            with self._watched():
                parsed = self.server.parse(harmless(text), session, self.timeout)
            return from_parse(parsed)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as failure:
            raise BotDown(why=type(failure).__name__) from failure

    def decide(self, ranking: Ranking) -> Decision:
        """What to do with a ranking, by our own thresholds."""
        return decide(ranking, self.thresholds)

    @property
    def server(self) -> RasaServer:
        """The server that is asked."""
        return RasaServer(self.http, self.url, self.token)

    def turn(self, asked: Asked, session: str) -> Turned:
        """The next turn out of Rasa's own form, put where the hub stands first; raises BotDown for anything else.

        Without a token Rasa could not prove itself to our actions: the same rules are asked here. So is what comes
        after the end, when no form is active.
        """
        if not self.token or "filed" in asked.kept:
            return step(asked)
        # A name of its own for each turn: to one that it knows, a tracker store in SQL only ever adds.
        sender, token = f"{session}-{secrets.token_hex(4)}", {"token": self.token}
        said = harmless(asked.text) if asked.kept else f"/{asked.form}"
        metadata = {rasa_form.METADATA: plain_of(asked)}
        base = self.url.rstrip("/")
        try:
            with self._watched():
                placed = self.http.put(
                    f"{base}/conversations/{sender}/tracker/events",
                    params=token,
                    json=rasa_form.place(asked),
                    timeout=self.timeout,
                )
                placed.raise_for_status()
                answer = self.http.post(
                    f"{base}/webhooks/rest/webhook",
                    json={"sender": sender, "message": said, "metadata": metadata},
                    timeout=self.timeout,
                )
                answer.raise_for_status()
            turned = rasa_form.read(answer.json())
            self._let_go(sender)
            return turned
        except (httpx.HTTPError, ValueError, LookupError, TypeError, AttributeError, StopIteration) as failure:
            self._over.append(sender)
            if asked.form in rasa_form.UNASKED:
                # A model that was trained before there was this form must not cost the citizen his address.
                log.warning("a turn was not taken by Rasa", form=asked.form, why=type(failure).__name__)
                return step(asked)
            raise BotDown(why=type(failure).__name__) from failure

    def look_again(self) -> None:
        """The server has been given another model: the next answer is traced to that one."""
        self._asked_until = 0.0

    def _look(self) -> None:
        """Which model Rasa serves, asked every few seconds: whoever restarts it may give it another."""
        if time.monotonic() < self._asked_until:
            return
        self._asked_until = time.monotonic() + SERVED_SECONDS
        try:
            file = self.server.serves(self.timeout)
        except httpx.HTTPError as failure:
            log.warning("which model Rasa serves is not known", why=type(failure).__name__)
            self._file, self._number = "", 0
            return
        if file != self._file:
            with self.works.read() as work:
                row = versions.of_file(work.session, file, ModelEngine.RASA)
            self._file, self._number = file, row.id if row else 0

    def _let_go(self, sender: str) -> None:
        """Empties the tracker of a turn that is over: it holds what a citizen said, and no turn asks for it again.

        One that could not be emptied is tried again after a later turn. A store in SQL only adds: that one is cleared
        by its database (docs/how-to/personal-data.md).
        """
        self._over.append(sender)
        with suppress(IndexError):
            while one := self._over.popleft():
                address = f"{self.url.rstrip('/')}/conversations/{one}/tracker/events"
                try:
                    answer = self.http.put(address, params={"token": self.token}, json=[], timeout=self.timeout)
                    answer.raise_for_status()
                except httpx.HTTPError as failure:
                    log.warning("a tracker of Rasa's was not emptied", why=type(failure).__name__)
                    self._over.appendleft(one)
                    return

    def at_once(self) -> bool:
        """Never: the network is on the way."""
        return False

    def soon(self) -> bool:
        """Unless it was slow or broken a moment ago, or so many ask already that their requests fill the house."""
        return self._asking < self.most and time.monotonic() >= self._rests_until

    @contextmanager
    def _watched(self) -> Iterator[None]:
        began, well = time.monotonic(), False
        with self._lock:
            self._asking += 1
        try:
            yield
            well = time.monotonic() - began < self.quick
        finally:
            with self._lock:
                self._asking -= 1
                if not well:
                    self._rests_until = time.monotonic() + self.rest

    def refresh(self) -> None:
        """Reads the titles anew; the words come from the CMS anyway, and new wordings wait for the next training."""
        self._read_titles()

    def keep_up(self) -> None:
        """The same: whoever trains Rasa is no process of the product."""
        self._read_titles()

    def close(self) -> None:
        """Lets go of its connections."""
        self.http.close()

    def _read_titles(self) -> dict[str, int]:
        with self.works.read() as work:
            self._titles = knowledge.titles_of(work.session, work.now)
        return self._titles


def harmless(text: str) -> str:
    """The text as Rasa may see it: short, and never a command (a leading "/" is obeyed from any citizen)."""
    return for_engine(text).strip() or "？"
