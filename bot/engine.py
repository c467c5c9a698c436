"""What understands a citizen's sentence: a protocol, and the embedded engine that needs no service of its own."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import structlog

from bot import knowledge, versions
from bot.dialogue.step import Asked, step
from bot.dialogue.turned import Turned
from bot.nlu.classifier import FORMAT, Classifier, Example
from bot.nlu.errors import UnreadableModel
from bot.nlu.ranking import THRESHOLDS, Decision, Ranking, Thresholds, decide
from bot.nlu.text import default_lexicon, normalise
from bot.nlu.wire import faq_label
from bot.project import Project, examples_of
from kernel.blobs import Blobs
from kernel.work import Works

log = structlog.get_logger(__name__)


class Engine(Protocol):
    """Language only: the words of an answer come from the CMS, the state of a conversation is the hub's.

    Anything that `understand` raises counts as "the bot is down".
    """

    def understand(self, text: str, session: str) -> Decision:
        """What to do with a citizen's text; keys are `faq/<piece id>` or a turn's own."""

    def turn(self, asked: Asked, session: str) -> Turned:
        """The next turn of a dialogue; where it stands is the hub's to keep, not the engine's."""

    def at_once(self) -> bool:
        """Whether it understands within milliseconds now: nothing to learn first, and no network on the way."""

    def soon(self) -> bool:
        """Whether it answers in a moment over the network, so that a citizen's request can wait for it."""

    def refresh(self) -> None:
        """What is published has changed; returns at once."""

    def keep_up(self) -> None:
        """Takes up what is published and in service by now, and leaves learning to the process that publishes."""

    def close(self) -> None:
        """Lets go of threads and connections."""


@dataclass(frozen=True)
class _Model:
    fingerprint: str
    classifier: Classifier
    titles: dict[str, int]
    number: int = 0


@dataclass
class EmbeddedEngine:
    """The classifier in this process, fitted in the background whenever the wordings have changed.

    `folder` keeps the fitted model, so that a start does not wait for fitting. `pause` (seconds) is waited before
    fitting, so that many pieces going live together are learned at once; `fit` may do it in a process of its own
    (`bot.apart`). With `kept`, what is fitted is a version
    (`bot.versions`): tested, let through or not, and every process serves the one that is current, asked for every
    `look` seconds; without, what is fitted serves.
    """

    works: Works
    folder: Path
    thresholds: Thresholds = THRESHOLDS
    fit: Callable[[list[Example]], Classifier] = Classifier.fit
    pause: float = 2.0
    kept: Blobs | None = None
    look: float = 2.0
    _looked: float = 0.0
    _model: _Model | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="fit"))
    _asked: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def understand(self, text: str, session: str) -> Decision:
        """Answers what is a title word for word; everything else is the classifier's."""
        self._follow()
        model = self._model or self.prepare()
        exact = model.titles.get(normalise(text, default_lexicon()))
        if exact is not None:
            return Decision("answer", (faq_label(str(exact)),), 1.0, model.number)
        return replace(self._decide(model.classifier.predict(text)), model=model.number)

    def turn(self, asked: Asked, session: str) -> Turned:
        """The next turn, here and now."""
        return step(asked)

    def at_once(self) -> bool:
        """As soon as there is a model; before that the first question waits for fitting."""
        return self._model is not None

    def soon(self) -> bool:
        """No network is on the way."""
        return False

    def refresh(self) -> None:
        """Fits in the background; asked again before it began, it fits once."""
        if self._asked.is_set():
            return
        self._asked.set()
        try:
            self._pool.submit(self._refit)
        except RuntimeError:  # The process is stopping; the next start reads what is published then.
            self._asked.clear()

    def keep_up(self) -> None:
        """Reads the titles and the model in service; learns only where there is none yet, or none that is shared."""
        if self.kept is None or self._model is None:
            self.refresh()
            return
        with self._lock:
            with self.works.read() as work:
                titles = knowledge.titles_of(work.session, work.now)
            self._model = self._serving(self.kept, titles, None)

    def prepare(self) -> _Model:
        """Reads what is published now and fits if its wordings are others; the old model answers meanwhile."""
        with self._lock:
            with self.works.read() as work:
                project = knowledge.project_of(work.session, work.now)
                titles = knowledge.titles_of(work.session, work.now)
            examples = examples_of(project)
            fingerprint = _fingerprint(examples)
            if self.kept is not None:
                self._model = self._version(self.kept, fingerprint, examples, project, titles)
                return self._model
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

    def _decide(self, ranking: Ranking) -> Decision:
        return decide(ranking, self.thresholds)

    # --- versions -------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Takes up the model that a person or another process has put into service; an old one never stands long."""
        now = time.monotonic()
        if self.kept is None or self._model is None or now < self._looked + self.look:
            return
        if not self._lock.acquire(blocking=False):
            return  # Somebody is just reading it; nobody waits for that.
        try:
            self._looked = now
            with self.works.read() as work:
                row = versions.current(work.session)
                number = row.id if row else 0
                titles = knowledge.titles_of(work.session, work.now) if number != self._model.number else {}
            if number != self._model.number:
                self._model = self._serving(self.kept, titles, None)
        except Exception:  # The edge of a look: the model at hand goes on answering, the next look tries again.
            log.exception("the model in service could not be read")
        finally:
            self._lock.release()

    def _version(
        self, kept: Blobs, fingerprint: str, examples: list[Example], project: Project, titles: dict[str, int]
    ) -> _Model:
        """The model in service, after what is published now was learned and tested, if it was not before."""
        with self.works.read() as work:
            known = versions.known(work.session, fingerprint) is not None
        fresh = None
        if not known:
            fresh = self.fit(examples)
            self._keep(kept, fingerprint, fresh, examples, project, titles)
        return self._serving(kept, titles, None if fresh is None else _Model(fingerprint, fresh, titles))

    def _keep(
        self,
        kept: Blobs,
        fingerprint: str,
        fresh: Classifier,
        examples: list[Example],
        project: Project,
        titles: dict[str, int],
    ) -> None:
        with self.works.read() as work:
            paper = versions.Paper(versions.cases_of(work.session, work.now), examples, titles)
            pieces = {int(question.key) for question in project.questions}
            taught = versions.taught_of(work.session, pieces, work.now)
            serving = versions.current(work.session)
            artefact = serving.artefact if serving else ""
        found = paper.mark(fresh.predict, self._decide)
        older = _load(kept, artefact) if artefact else None
        before = paper.mark(older.predict, self._decide) if older is not None else None
        learned = versions.Learned(fingerprint, kept.put(fresh.to_bytes()).sha256, len(examples), taught)
        with self.works.write() as work:
            faults = versions.faults_of(work.session, work.now, found, before)
            versions.record(work, learned, found, before, faults)
            versions.forget(work, kept)
        log.info("bot fitted", examples=len(examples), faults=len(faults))

    def _serving(self, kept: Blobs, titles: dict[str, int], fresh: _Model | None) -> _Model:
        """The model in service; where its file is lost, what is at hand serves without a number."""
        with self.works.read() as work:
            row = versions.current(work.session)
            number, fingerprint, artefact = (row.id, row.fingerprint, row.artefact) if row else (0, "", "")
        old = self._model
        for one in (fresh, old):
            if one is not None and one.fingerprint == fingerprint:
                return _Model(fingerprint, one.classifier, titles, number)
        classifier = _load(kept, artefact) if artefact else None
        if classifier is not None:
            return _Model(fingerprint, classifier, titles, number)
        log.error("the file of the model in service is missing", model=number)
        if old is not None:
            return replace(old, titles=titles)
        with self.works.read() as work:
            examples = examples_of(knowledge.project_of(work.session, work.now))
        return _Model("", self.fit(examples), titles)

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


def _load(kept: Blobs, artefact: str) -> Classifier | None:
    try:
        return Classifier.load(kept.path(artefact))
    except (FileNotFoundError, UnreadableModel):
        return None


def _fingerprint(examples: list[Example]) -> str:
    told = "\n".join(f"{example.key}\t{example.text}" for example in examples)
    return hashlib.sha256(f"{FORMAT}\n{told}".encode()).hexdigest()
