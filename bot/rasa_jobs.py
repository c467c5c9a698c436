"""Training of Rasa, and its models examined anew, that somebody asked for at the console: a row, done where Rasa is.

What is done is what `xuanda bot train` and `xuanda bot examine` do (`bot.rasa_models`), in a thread of a process on
Rasa's machine; chats are answered by the model in service meanwhile. One at a time; of a process that died somebody is
told, and may ask again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Event, Thread

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.models import RasaTraining
from bot.rasa_models import RasaModels
from kernel.errors import WrongState, XuandaError
from kernel.people import Person
from kernel.work import SYSTEM, Actor, Work, Works

log = structlog.get_logger(__name__)

BEAT_SECONDS = 20.0
# Several beats missed: the process that trained is gone.
GONE = timedelta(minutes=2)
# Longer than it takes where a process with Rasa is running.
UNHEARD = timedelta(minutes=1)
INTERRUPTED = "训练的程序中断了，没有训练完。请重新训练。"
NOT_EXAMINED = "检验的程序中断了，没有检验完。请重新检验。"


def want(work: Work, examines: int | None = None) -> RasaTraining:
    """Asks for a training, or for a model to be examined; raises WrongState while there is another to be done."""
    row = latest(work.session)
    if row is not None and row.done_at is None and not _is_gone(row, work.now):
        state = f"正在检验模型 {row.examines}" if row.examines else "正在训练"
        raise WrongState(state=state, act="检验" if examines else "训练")
    if row is not None and row.done_at is None:
        row.done_at, row.failed = work.now, _interrupted(row)
    wanted = RasaTraining(wanted_by=work.actor.person_id, wanted_at=work.now, examines=examines)
    work.session.add(wanted)
    work.session.flush()
    if examines is None:
        work.audit("model.wanted")
    return wanted


def latest(session: Session) -> RasaTraining | None:
    """The training that was asked for last."""
    return session.scalars(select(RasaTraining).order_by(RasaTraining.id.desc()).limit(1)).one_or_none()


@dataclass(frozen=True)
class RasaJobs:
    """Does what was asked for, with the models of this machine."""

    works: Works
    models: Callable[[], RasaModels]
    beat: float = BEAT_SECONDS

    def run_due(self) -> bool:
        """Does the training that waits, or notes that the one under way died; says whether there was one to do."""
        with self.works.read() as work:
            row = latest(work.session)
        if row is None or row.done_at is not None:
            return False
        if row.seen_at is not None:
            if _is_gone(row, self.works.clock.now()):
                self._end(row.id, failed=_interrupted(row))
            return False
        if not self._begin(row.id):
            return False
        with self._living(row.id):
            self._do(row, self._actor(row))
        return True

    def _do(self, row: RasaTraining, actor: Actor) -> None:
        job_id = row.id
        models = replace(self.models(), at=lambda step: self._note(job_id, step=step))
        try:
            if row.examines is not None:
                number = models.examine(row.examines, _tell, actor).number
            else:
                number = models.learn(_tell, actor).number
                models.settle(number, actor)
        except XuandaError as error:
            self._end(job_id, failed=error.message()[:1000])
        except Exception as failure:  # The edge of a thread: whoever waits for it is told that it failed.
            log.exception("rasa training failed")
            self._end(job_id, failed=f"{type(failure).__name__}: {failure}"[:1000])
        else:
            self._end(job_id, number=number)

    def _begin(self, job_id: int) -> bool:
        with self.works.write() as work:
            mine = update(RasaTraining).where(RasaTraining.id == job_id, RasaTraining.seen_at.is_(None))
            begun = mine.values(begun_at=work.now, seen_at=work.now).returning(RasaTraining.id)
            return work.session.scalar(begun) is not None

    def _end(self, job_id: int, **values: object) -> None:
        with self.works.write() as work:
            open_ = update(RasaTraining).where(RasaTraining.id == job_id, RasaTraining.done_at.is_(None))
            work.session.execute(open_.values(done_at=work.now, **values))

    def _note(self, job_id: int, **values: object) -> None:
        with self.works.write() as work:
            this = update(RasaTraining).where(RasaTraining.id == job_id)
            work.session.execute(this.values(seen_at=work.now, **values))

    def _actor(self, row: RasaTraining) -> Actor:
        if row.wanted_by is None:
            return SYSTEM
        with self.works.read() as work:
            person = work.session.get_one(Person, row.wanted_by)
            return Actor(person.name, person.id, person.unit_id)

    @contextmanager
    def _living(self, job_id: int) -> Iterator[None]:
        """Shows that this process lives, for as long as the block lasts."""
        ended = Event()

        def show() -> None:
            while not ended.wait(self.beat):
                try:
                    self._note(job_id)
                except Exception:  # The edge of a thread: the next beat tries again.
                    log.exception("rasa training beat failed")

        thread = Thread(target=show, name="rasa-training", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _tell(line: str) -> None:
    log.info("rasa training", step=line)


def _interrupted(row: RasaTraining) -> str:
    return NOT_EXAMINED if row.examines else INTERRUPTED


def _is_gone(row: RasaTraining, now: datetime) -> bool:
    return row.seen_at is not None and now - row.seen_at > GONE


def is_unheard(row: RasaTraining, now: datetime) -> bool:
    """Whether no process on Rasa's machine has taken it up for long."""
    return row.begun_at is None and now - row.wanted_at > UNHEARD
