"""Models of Rasa: learned and examined beside the server in service, let through by the gate, swapped, taken back.

A swap is claimed in one work, asked of the server with none open, and noted in another; one that fails changes nothing.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import httpx
import structlog
from sqlalchemy import not_, select

from bot import knowledge, training, versions
from bot.errors import BotDown, NotSwapped, TrainingFailed
from bot.models import BotModel
from bot.nlu.classifier import Example
from bot.nlu.errors import UnreadableModel
from bot.project import examples_of
from bot.rasa_engine import RasaEngine
from bot.rasa_server import RasaServer
from bot.standby import standby
from bot.states import ModelEngine, ModelState
from bot.versions import Examined, Learned, Paper
from kernel.blobs import Blobs
from kernel.claim import free, new_claimant, run_out, still_mine
from kernel.errors import WrongState
from kernel.work import SYSTEM, Actor, Work, Works

log = structlog.get_logger(__name__)

RASA = ModelEngine.RASA
# Longer than a server may take to load a model.
LEASE = timedelta(minutes=3)
PARSE_SECONDS = 30.0
INTERRUPTED = "程序在换用时中断，Rasa 没有换用"
NOTED_LATER = "换用后程序中断，由系统补记"
NOT_COMPARED = "使用中的模型 {number} 的文件已不在，无法与它相比。"

Tell = Callable[[str], None]


class Step(StrEnum):
    """How far a training is."""

    READING = "reading"
    TRAINING = "training"
    EXAMINING = "examining"
    SWAPPING = "swapping"


@dataclass(frozen=True)
class Outcome:
    """What came of a training: the model, its figures and the other's, its faults, and where it stands now."""

    number: int
    figures: dict[str, float]
    before: dict[str, float]
    faults: list[str]
    state: str


@dataclass(frozen=True)
class RasaModels:
    """The models in a folder of this machine, and the server they are put on; None where there is no server yet.

    `blobs` hold the embedded engine's models, to compare with where Rasa has none in service. `at` hears of each step.
    """

    works: Works
    home: training.RasaHome
    blobs: Blobs
    server: RasaServer | None = None
    at: Callable[[Step], None] = lambda _step: None

    # --- learning -----------------------------------------------------------------------------------

    def learn(self, tell: Tell, actor: Actor = SYSTEM) -> Outcome:
        """Learns what is published and examines it on a standby; `settle` says what becomes of it.

        What was learned before is not trained again. Raises TrainingFailed.
        """
        with self._alone():
            self.at(Step.READING)
            learned, examples = self._wanted(tell)
            with self.works.read() as work:
                row = versions.known(work.session, learned.fingerprint, RASA)
            if row is None or not versions.is_kept(row, self.home):
                return self._outcome(self._trained(learned, examples, tell, actor))
            if row.state == ModelState.CURRENT:
                tell(f"Nothing has changed since model {row.id}, which is in service.")
                return self._outcome(row.id)
            tell(f"Just this was learned before, as model {row.id}.")
            return self._outcome(self._examined(replace(learned, artefact=row.artefact), examples, tell, actor))

    def settle(self, number: int, actor: Actor = SYSTEM, reason: str = "") -> Outcome:
        """Puts an examined model into service where the gate lets it; with a reason, whatever the gate says.

        Raises NotSwapped, and WrongState while another one is put into service.
        """
        with self.works.read() as work:
            row = work.session.get_one(BotModel, number)
            by_itself = versions.goes_by_itself(work, versions.current(work.session, RASA))
        self.at(Step.SWAPPING)
        if row.state == ModelState.CURRENT:
            self._put_back(row, actor)
        elif reason:
            self.promote(number, actor, reason)
        elif not row.faults and row.state != ModelState.REFUSED and by_itself:
            self.promote(number, actor, how=versions.AUTO)
        with self.works.write(actor) as work:
            versions.forget(work, self.home, RASA)
        return self._outcome(number)

    def examine(self, number: int, tell: Tell, actor: Actor = SYSTEM) -> Outcome:
        """Examines a kept model by today's questions beside the one in service; which one serves stays as it is.

        Raises Invalid for a model that is none of Rasa's, WrongState where its file is lost, and TrainingFailed.
        """
        with self._alone():
            with self.works.read() as work:
                row = versions.numbered(work.session, number, RASA)
                versions.must_be_kept(row, self.home, "检验")
                examples = examples_of(knowledge.project_of(work.session, work.now))
            found, before, lost = self._compared(row.artefact, examples, tell)
            with self.works.write(actor) as work:
                faults = [*versions.faults_of(work.session, work.now, found, before), *lost]
                versions.retested(work, number, found, before, faults)
            return self._outcome(number)

    def _wanted(self, tell: Tell) -> tuple[Learned, Sequence[Example]]:
        """What is published now, written as a project: what a model of it would be made of, and its examples."""
        with self.works.read() as work:
            project = knowledge.project_of(work.session, work.now)
            pieces = {int(question.key) for question in project.questions}
            taught = versions.taught_of(work.session, pieces, work.now)
        examples = examples_of(project)
        tell(f"{len(project.questions)} questions and guides are published.")
        return Learned(training.prepare(self.home, project), "", len(examples), taught, RASA), examples

    def _trained(self, learned: Learned, examples: Sequence[Example], tell: Tell, actor: Actor) -> int:
        self.at(Step.TRAINING)
        tell("Training, with low priority …")
        file = training.train(self.home, learned.fingerprint, self.works.clock.now())
        try:
            return self._examined(replace(learned, artefact=file.name), examples, tell, actor)
        except BaseException:
            file.unlink(missing_ok=True)  # No row tells of it.
            raise

    def _examined(self, learned: Learned, examples: Sequence[Example], tell: Tell, actor: Actor) -> int:
        """Examines a model beside the one in service and keeps what it made of it; returns its number."""
        found, before, lost = self._compared(learned.artefact, examples, tell)
        with self.works.write(actor) as work:
            faults = [*versions.faults_of(work.session, work.now, found, before), *lost]
            versions.keep(work, learned, found, before, faults)
            made = (BotModel.engine == RASA, BotModel.fingerprint == learned.fingerprint)
            row = work.session.scalars(select(BotModel).where(*made)).one()
            row.artefact = learned.artefact
            versions.retested(work, row.id, found, before, faults)
            if row.state != ModelState.CURRENT:
                row.faults = faults
            if row.state == ModelState.REFUSED and faults:
                versions.refuse(work, row)
            return row.id

    def _compared(
        self, artefact: str, examples: Sequence[Example], tell: Tell
    ) -> tuple[Examined, Examined | None, list[str]]:
        """What a model and the one in service make of today's questions, and why the latter could not be asked."""
        with self.works.read() as work:
            cases = versions.cases_of(work.session, work.now)
            paper = Paper(cases, examples, knowledge.titles_of(work.session, work.now))
            serving = versions.current(work.session, RASA)
            embedded = versions.current(work.session)
        self.at(Step.EXAMINING)
        tell(f"A standby server is asked {len(cases)} questions …")
        itself = serving is not None and serving.artefact == artefact
        try:
            with standby(self.home, self.home.path(artefact)) as server:
                found = self._mark(server, paper)
                before = None if itself else self._before(server, paper, serving, embedded)
        except (BotDown, NotSwapped) as failure:
            raise TrainingFailed(why=f"the standby server: {failure}") from failure
        lost = [] if serving is None or itself or before else [NOT_COMPARED.format(number=serving.id)]
        return found, before, lost

    def _before(
        self, at: RasaServer, paper: Paper, serving: BotModel | None, embedded: BotModel | None
    ) -> Examined | None:
        """What the model in service makes of the paper: Rasa's own, else what a server serves, else the embedded one.

        On the standby as far as its file is here, so that nobody's question waits behind it.
        """
        if serving is not None and versions.is_kept(serving, self.home):
            at.swap(self.home.path(serving.artefact))
            return self._mark(at, paper)
        if self.server is not None:
            with suppress(BotDown):
                return self._mark(self.server, paper)
        if serving is None and embedded is not None and versions.is_kept(embedded, self.blobs):
            with suppress(UnreadableModel):
                return versions.marked(embedded, self.blobs, paper)
        return None

    def _mark(self, server: RasaServer, paper: Paper) -> Examined:
        """As the engine in service would understand: titles first, the same parse, the same thresholds."""
        engine = RasaEngine(self.works, server.http, server.url, server.token, timeout=PARSE_SECONDS)
        return paper.mark(engine.rank, engine.decide)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.home.folder.mkdir(parents=True, exist_ok=True)
        with (self.home.folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as failure:
                raise TrainingFailed(why="another training is under way on this machine") from failure
            yield

    # --- service ------------------------------------------------------------------------------------

    def promote(self, number: int, actor: Actor, reason: str = "", how: str = "") -> None:
        """Takes a model into service; one with faults only with a reason. Raises Invalid, WrongState, NotSwapped."""
        claimant = _claimant(how or versions.MANUAL, actor)
        with self.works.write(actor) as work:
            _in_turn(work)
            serving = versions.current(work.session, RASA)
            if serving is not None and serving.id == number and self.server is not None:
                chosen = serving  # Whoever started the server may have given it another.
                versions.must_be_kept(chosen, self.home)
            else:
                chosen = versions.to_promote(work.session, number, self.home, reason, RASA)
            file = self._claimed(work, chosen, claimant)
        self._swap(number, file, claimant, actor)
        with self.works.write(actor) as work:
            row = _still(work, number, claimant)
            if row.state == ModelState.CURRENT:
                work.audit("model.restored", row, model=row.id)
                return
            row.reason = reason.strip()[:500] if reason else row.reason
            versions.serve(work, row, how or _by_hand(row))

    def roll_back(self, actor: Actor, reason: str) -> int:
        """Puts the model that served before back into service; returns its number. Raises as `promote`."""
        claimant = _claimant(versions.ROLLBACK, actor)
        with self.works.write(actor) as work:
            _in_turn(work)
            chosen = versions.to_go_back_to(work.session, self.home, reason, RASA)
            number = chosen.id
            file = self._claimed(work, chosen, claimant)
        self._swap(number, file, claimant, actor)
        with self.works.write(actor) as work:
            versions.went_back(work, _still(work, number, claimant), reason)
        return number

    def heal(self) -> int:
        """Ends the swaps of processes that died between the server's answer and its note; returns how many.

        The server is asked what it serves: the swap is noted where it was done, and let go of where it was not. While
        the server does not answer nothing is known, and it is asked again the next time.
        """
        if self.server is None:
            return 0
        with self.works.read() as work:
            query = select(BotModel.id, BotModel.claimed_by).where(BotModel.engine == RASA)
            held = query.where(BotModel.claimed_by.is_not(None), run_out(BotModel, work.now, LEASE))
            left = [(number, claimant or "") for number, claimant in work.session.execute(held)]
        if not left:
            return 0
        try:
            file = self.server.serves()
        except httpx.HTTPError as failure:
            log.warning("which model Rasa serves is not known", why=type(failure).__name__)
            return 0
        return sum(self._healed(number, claimant, file) for number, claimant in left)

    def _healed(self, number: int, claimant: str, file: str) -> bool:
        with self.works.write(SYSTEM) as work:
            row = still_mine(work.session, BotModel, number, claimant)
            if row is None:
                return False
            row.claimed_by = row.claimed_until = None
            if row.artefact != file:
                work.audit("model.not_swapped", row, model=number, why=INTERRUPTED)
            elif row.state == ModelState.CURRENT:
                work.audit("model.restored", row, model=number)
            else:
                _note(work, row, claimant)
            return True

    def to_serve(self) -> tuple[Path | None, BotModel | None]:
        """The file a server starts with, and the model in service: its own file, else the newest that may serve."""
        with self.works.read() as work:
            serving = versions.current(work.session, RASA)
            query = select(BotModel.artefact).where(BotModel.engine == RASA, BotModel.state == ModelState.REFUSED)
            refused = set(work.session.scalars(query))
        if serving is not None and versions.is_kept(serving, self.home):
            return self.home.path(serving.artefact), serving
        files = [path for path in sorted(self.home.models.glob(f"*{training.SUFFIX}")) if path.name not in refused]
        return files[-1] if files else None, serving

    def _put_back(self, row: BotModel, actor: Actor) -> None:
        """Whoever started the server may have given it another model than the one in service."""
        try:
            if self.server is None or self.server.serves() == row.artefact:
                return
        except httpx.HTTPError as failure:
            log.warning("which model Rasa serves is not known", why=type(failure).__name__)
        self.promote(row.id, actor)

    def _outcome(self, number: int) -> Outcome:
        with self.works.read() as work:
            return outcome_of(work.session.get_one(BotModel, number))

    def _claimed(self, work: Work, row: BotModel, claimant: str) -> Path:
        """Claims a model to be put on the server; one swap at a time, for a later one would undo an earlier."""
        mine = select(BotModel.id).where(BotModel.engine == RASA)
        if work.session.scalar(mine.where(not_(free(BotModel, work.now, LEASE))).limit(1)) is not None:
            raise WrongState(state="正在换用另一个模型", act="同时换用")
        row.claimed_by, row.claimed_until = claimant, work.now + LEASE
        return self.home.path(row.artefact)

    def _swap(self, number: int, file: Path, claimant: str, actor: Actor) -> None:
        if self.server is None:
            return
        try:
            self.server.swap(file)
        except NotSwapped as failure:
            with self.works.write(actor) as work:
                row = _still(work, number, claimant)
                work.audit("model.not_swapped", row, model=number, why=str(failure.details.get("why", "")))
            raise


def outcome_of(row: BotModel) -> Outcome:
    """What came of a model so far."""
    return Outcome(row.id, dict(row.figures), dict(row.before), [str(one) for one in row.faults], row.state)


def _in_turn(work: Work) -> None:
    """Waits for whoever swaps at the same moment, so that his claim is seen.

    It comes before any model is chosen: who has locked his own first and then waits for the rest stands in the way of
    another who does the same.
    """
    mine = select(BotModel.id).where(BotModel.engine == RASA)
    work.session.execute(mine.order_by(BotModel.id).with_for_update()).all()


def _claimant(how: str, actor: Actor) -> str:
    """A name for one swap that says what is being done and by whom, for whoever has to note it in his place."""
    return f"{how}:{actor.person_id or 0}:{new_claimant()[:16]}"


def _note(work: Work, row: BotModel, claimant: str) -> None:
    """Notes a swap in the place of the process that did it."""
    how, _colon, rest = claimant.partition(":")
    person = rest.partition(":")[0]
    if how == versions.ROLLBACK:
        versions.went_back(work, row, NOTED_LATER)
    else:
        row.reason = row.reason or (NOTED_LATER if row.faults else "")
        versions.serve(work, row, versions.AUTO if how == versions.AUTO else _by_hand(row))
    row.decided_by = int(person) if person.isdecimal() and person != "0" else None


def _by_hand(row: BotModel) -> str:
    return versions.FORCED if row.faults else versions.MANUAL


def _still(work: Work, number: int, claimant: str) -> BotModel:
    """The claimed model, let go of again; raises WrongState where the claim was lost meanwhile."""
    row = still_mine(work.session, BotModel, number, claimant)
    if row is None:
        raise WrongState(state="已由他人处理", act="记录这次换用")
    row.claimed_by = row.claimed_until = None
    return row
