"""What understands a citizen's sentence: a protocol, and the embedded engine that needs no service of its own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import structlog

from bot import knowledge
from bot.nlu.classifier import FORMAT, Classifier, Example
from bot.nlu.errors import UnreadableModel
from bot.nlu.ranking import THRESHOLDS, Decision, Thresholds, decide
from bot.nlu.text import default_lexicon, normalise
from bot.nlu.wire import faq_label
from bot.project import examples_of
from kernel.work import Works

log = structlog.get_logger(__name__)


class Engine(Protocol):
    """Language only: the words of an answer come from the CMS, the state of a conversation is the hub's.

    Anything that `understand` raises counts as "the bot is down".
    """

    def understand(self, text: str, session: str) -> Decision:
        """What to do with a citizen's text; keys are `faq/<piece id>` or a turn's own."""

    def at_once(self) -> bool:
        """Whether it understands within milliseconds now: nothing to learn first, and no network on the way."""

    def refresh(self) -> None:
        """What is published has changed; returns at once."""

    def close(self) -> None:
        """Lets go of threads and connections."""


@dataclass(frozen=True)
class _Model:
    fingerprint: str
    classifier: Classifier
    titles: dict[str, int]


@dataclass
class EmbeddedEngine:
    """The classifier in this process, fitted in the background whenever the wordings have changed.

    `folder` keeps the fitted model, so that a start does not wait for fitting. `pause` (seconds) is waited before
    fitting, so that many pieces going live together are learned at once.
    """

    works: Works
    folder: Path
    thresholds: Thresholds = THRESHOLDS
    fit: Callable[[list[Example]], Classifier] = Classifier.fit
    pause: float = 2.0
    _model: _Model | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="fit"))
    _asked: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def understand(self, text: str, session: str) -> Decision:
        """Answers what is a title word for word; everything else is the classifier's."""
        model = self._model or self.prepare()
        exact = model.titles.get(normalise(text, default_lexicon()))
        if exact is not None:
            return Decision("answer", (faq_label(str(exact)),))
        return decide(model.classifier.predict(text), self.thresholds)

    def at_once(self) -> bool:
        """As soon as there is a model; before that the first question waits for fitting."""
        return self._model is not None

    def refresh(self) -> None:
        """Fits in the background; asked again before it began, it fits once."""
        if self._asked.is_set():
            return
        self._asked.set()
        try:
            self._pool.submit(self._refit)
        except RuntimeError:  # The process is stopping; the next start reads what is published then.
            self._asked.clear()

    def prepare(self) -> _Model:
        """Reads what is published now and fits if its wordings are others; the old model answers meanwhile."""
        with self._lock:
            with self.works.read() as work:
                examples = examples_of(knowledge.project_of(work.session, work.now))
                titles = knowledge.titles_of(work.session, work.now)
            fingerprint = _fingerprint(examples)
            old = self._model
            same = old is not None and old.fingerprint == fingerprint
            classifier = old.classifier if old and same else self._learned(fingerprint, examples)
            self._model = _Model(fingerprint, classifier, titles)
            return self._model

    def close(self) -> None:
        """Stops fitting."""
        self._ended.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _refit(self) -> None:
        if self._ended.wait(self.pause if self._model else 0):
            return
        self._asked.clear()
        try:
            self.prepare()
        except Exception:  # The edge of a thread: the old model goes on answering, the next change tries again.
            log.exception("fitting failed")

    def _learned(self, fingerprint: str, examples: list[Example]) -> Classifier:
        path = self.folder / f"{fingerprint}.npz"
        try:
            return Classifier.load(path)
        except (FileNotFoundError, UnreadableModel):
            classifier = self.fit(examples)
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.npz"):
            old.unlink(missing_ok=True)
        fresh = path.with_suffix(".new")
        classifier.save(fresh)
        fresh.replace(path)
        log.info("bot fitted", examples=len(examples))
        return classifier


def _fingerprint(examples: list[Example]) -> str:
    told = "\n".join(f"{example.key}\t{example.text}" for example in examples)
    return hashlib.sha256(f"{FORMAT}\n{told}".encode()).hexdigest()
