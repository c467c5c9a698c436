"""Versions of what the classifier learned: tested by real questions, let through by the office's rules, taken back.

Both engines' are rows of one table and pass one gate. The embedded engine's serve by their row alone; Rasa's are put
on a server between two works (`bot.rasa_models`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bot import knowledge, learning, rules
from bot.events import ModelRefused
from bot.models import BotModel, Lesson
from bot.nlu.classifier import Classifier, Example
from bot.nlu.ranking import OUT_OF_SCOPE, Decision, Guess, Ranking, decide
from bot.nlu.wire import faq_key, faq_label
from bot.project import examples_of
from bot.states import ModelEngine, ModelState
from bot.trial import Tried, figures
from content import public
from content.models import PublicPiece
from kernel.blobs import Blobs
from kernel.errors import Invalid, WrongState
from kernel.office_rules import Values, value_of
from kernel.once import insert_once
from kernel.people import Unit
from kernel.work import Work

KEPT = 20
"""So many models can be gone back to; of older ones only the row stays."""

MOST_CASES = 5_000
AUTO, MANUAL, FORCED, ROLLBACK = "auto", "manual", "forced", "rollback"

Understand = Callable[[str], tuple[Ranking, Decision]]


@dataclass(frozen=True)
class Case:
    """A citizen's real question and the piece that answers it; 0 where it must not be answered."""

    text: str
    piece: int


class Shelf(Protocol):
    """Where the files of an engine's models are: the kept files, or the folder of Rasa's models."""

    def path(self, name: str, /) -> Path:
        """Where the file of this name is or would be."""


@dataclass(frozen=True)
class Learned:
    """What was learned: of which wordings (`fingerprint`) and revisions, by which engine, and the file of it."""

    fingerprint: str
    artefact: str
    examples: int
    taught: Sequence[tuple[int, int]]
    engine: ModelEngine = ModelEngine.EMBEDDED


@dataclass(frozen=True)
class Paper:
    """What models are examined by at one moment: the cases, what is learned word for word, and the titles."""

    cases: Sequence[Case]
    examples: Sequence[Example]
    titles: Mapping[str, int]

    def mark(self, predict: Callable[[str], Ranking], deciding: Callable[[Ranking], Decision] = decide) -> Examined:
        """Asks a model each case as its engine would, a title word for word first."""
        return examine(title_first(predict, self.titles, deciding), self.cases, self.examples)


@dataclass(frozen=True)
class Examined:
    """What a model made of the cases: its figures, which ones it answered rightly, which wrongly though it must not."""

    figures: Mapping[str, float]
    right: frozenset[str]
    spoken: frozenset[str]


# --- testing -------------------------------------------------------------------------------------------------------


def cases_of(session: Session, now: datetime) -> list[Case]:
    """The questions to test by: each that a person dealt with, as far as its answer is public now."""
    shown = select(PublicPiece.piece_id).where(public.visible(now))
    query = (
        select(Lesson.text, Lesson.piece_id, Lesson.act)
        .where(or_(Lesson.act == learning.FOREIGN, Lesson.piece_id.in_(shown)))
        .order_by(Lesson.made_at.desc(), Lesson.id.desc())
        .limit(MOST_CASES)
    )
    return [
        Case(text, 0 if act == learning.FOREIGN else piece or 0) for text, piece, act in session.execute(query).all()
    ]


def examine(understand: Understand, cases: Sequence[Case], examples: Sequence[Example]) -> Examined:
    """Asks a model each case. Shares count what it did not learn word for word; `learned` counts the rest."""
    learned = {learning.plain_of(one.text) for one in examples if one.key != OUT_OF_SCOPE}
    tried: list[Tried] = []
    right, spoken = set(), set()
    known = 0
    for case in cases:
        ranking, decision = understand(case.text)
        answered = decision.kind == "answer" and faq_key(decision.keys[0])
        if not case.piece and answered:
            spoken.add(case.text)
        if case.piece and answered == str(case.piece):
            right.add(case.text)
        if case.piece and learning.plain_of(case.text) in learned:
            known += 1
            continue
        tried.append(_tried(case, ranking, decision))
    counted = {key: round(value, 4) for key, value in asdict(figures(tried)).items()}
    return Examined({**counted, "learned": known, "right": len(right)}, frozenset(right), frozenset(spoken))


def faults_of(session: Session, now: datetime, found: Examined, before: Examined | None) -> list[str]:
    """Why the office's rules do not let a model through; empty when they do."""
    gate = Values(session, (rules.GATE_TOP1, rules.GATE_CASES, rules.GATE_LOST), root_unit(session), now)
    faults = []
    top1, least = found.figures["top1"], float(gate[rules.GATE_TOP1])
    if found.figures["inside"] >= int(gate[rules.GATE_CASES]) and top1 < least:
        faults.append(f"检验题首选正确率 {top1:.0%}，低于下限 {least:.0%}。")
    lost = sorted(before.right - found.right) if before else []
    if len(lost) > int(gate[rules.GATE_LOST]):
        faults.append(f"原来答对的检验题有 {len(lost)} 道不再答对：{_some(lost)}。")
    spoken = sorted(found.spoken - before.spoken if before else found.spoken)
    if spoken:
        faults.append(f"不该答的问题有 {len(spoken)} 道被作答：{_some(spoken)}。")
    return faults


def _tried(case: Case, ranking: Ranking, decision: Decision) -> Tried:
    keys = [(key, guess.confidence) for guess in ranking.guesses if (key := faq_key(guess.key))]
    if decision.kind == "answer" and (first := faq_key(decision.keys[0])) and (not keys or keys[0][0] != first):
        keys = [(first, 1.0), *(one for one in keys if one[0] != first)]
    spoken = any(faq_key(key) for key in decision.keys)
    guesses = tuple(Guess(key, confidence) for key, confidence in keys)
    return Tried(case.text, str(case.piece or ""), guesses, decision.kind if spoken else "refuse")


def _some(texts: Sequence[str]) -> str:
    shown = "、".join(f"“{text}”" for text in texts[:3])
    return f"{shown}等" if len(texts) > 3 else shown


def paper_of(session: Session, now: datetime) -> Paper:
    """What models are examined by now."""
    examples = examples_of(knowledge.project_of(session, now))
    return Paper(cases_of(session, now), examples, knowledge.titles_of(session, now))


def compared(session: Session, now: datetime, blobs: Blobs, number: int) -> tuple[Examined, Examined | None]:
    """What a kept model of the embedded engine and the one in service make of today's questions."""
    row = numbered(session, number, ModelEngine.EMBEDDED)
    paper, serving = paper_of(session, now), current(session)
    others = serving is not None and serving.id != row.id
    return marked(row, blobs, paper), marked(serving, blobs, paper) if serving and others else None


def marked(row: BotModel, blobs: Blobs, paper: Paper) -> Examined:
    """What a kept model of the embedded engine makes of a paper; raises WrongState where its file is lost."""
    must_be_kept(row, blobs, "检验")
    return paper.mark(Classifier.load(blobs.path(row.artefact)).predict)


# --- rows ----------------------------------------------------------------------------------------------------------


def current(session: Session, engine: ModelEngine = ModelEngine.EMBEDDED) -> BotModel | None:
    """The model that an engine has in service."""
    query = select(BotModel).where(BotModel.state == ModelState.CURRENT, BotModel.engine == engine)
    return session.scalars(query).one_or_none()


def numbered(session: Session, number: int, engine: ModelEngine) -> BotModel:
    """The model of this number; raises Invalid where it is none of this engine's."""
    row = session.get(BotModel, number)
    if row is None or row.engine != engine:
        raise Invalid(field="number", why="没有这个模型。")
    return row


def known(session: Session, fingerprint: str, engine: ModelEngine = ModelEngine.EMBEDDED) -> BotModel | None:
    """The model that an engine made of just these wordings before, whatever became of it."""
    query = select(BotModel).where(BotModel.fingerprint == fingerprint, BotModel.engine == engine)
    return session.scalars(query).one_or_none()


def of_file(session: Session, name: str, engine: ModelEngine) -> BotModel | None:
    """The newest model of an engine whose file has this name."""
    query = select(BotModel).where(BotModel.engine == engine, BotModel.artefact == name, BotModel.artefact != "")
    return session.scalars(query.order_by(BotModel.id.desc()).limit(1)).one_or_none()


def listed(session: Session, engine: ModelEngine = ModelEngine.EMBEDDED, limit: int = KEPT) -> Sequence[BotModel]:
    """The newest models of an engine."""
    query = select(BotModel).where(BotModel.engine == engine)
    return session.scalars(query.order_by(BotModel.id.desc()).limit(limit)).all()


def record(work: Work, learned: Learned, found: Examined, before: Examined | None, faults: Sequence[str]) -> None:
    """Keeps a new model of the embedded engine, and takes it into service where the rules say so."""
    serving = current(work.session)
    row = keep(work, learned, found, before, faults)
    if row is None:
        return
    if serving is None:
        serve(work, row, AUTO)
    elif faults:
        refuse(work, row)
    elif goes_by_itself(work, serving):
        serve(work, row, AUTO)


def keep(
    work: Work, learned: Learned, found: Examined, before: Examined | None, faults: Sequence[str]
) -> BotModel | None:
    """Keeps a new model, which waits; made by two at once, it is kept once, and the other is told None."""
    inserted = insert_once(
        work.session,
        BotModel,
        engine=learned.engine,
        fingerprint=learned.fingerprint,
        artefact=learned.artefact,
        examples=learned.examples,
        taught=[list(one) for one in learned.taught],
        figures=dict(found.figures),
        before=dict(before.figures) if before else {},
        faults=list(faults),
        made_at=work.now,
        state=ModelState.CANDIDATE,
        how="",
        reason="",
    )
    return known(work.session, learned.fingerprint, learned.engine) if inserted else None


def refuse(work: Work, row: BotModel) -> None:
    """Keeps a model out for its faults, and has the trainers told."""
    row.state, row.decided_at = ModelState.REFUSED, work.now
    work.audit("model.refused", row, model=row.id, faults=list(row.faults))
    work.emit(ModelRefused(row.id, "".join(row.faults)))


def goes_by_itself(work: Work, serving: BotModel | None) -> bool:
    """Whether a model without faults goes into service without a person, instead of the one that serves."""
    # Who went back did not want the newest; until a person takes one into service, none goes there by itself.
    return serving is None or (
        serving.how != ROLLBACK and bool(value_of(work.session, rules.AUTO_PROMOTE, root_unit(work.session), work.now))
    )


def promote(work: Work, number: int, blobs: Blobs, reason: str = "") -> BotModel:
    """A person takes a model of the embedded engine into service; one with faults only with a reason."""
    row = to_promote(work.session, number, blobs, reason)
    row.reason = reason.strip()[:500]
    serve(work, row, FORCED if row.faults else MANUAL)
    return row


def to_promote(
    session: Session, number: int, shelf: Shelf, reason: str, engine: ModelEngine = ModelEngine.EMBEDDED
) -> BotModel:
    """The model of this number, which may go into service now; raises Invalid or WrongState otherwise."""
    row = session.get(BotModel, number, with_for_update=True)
    if row is None or row.engine != engine:
        raise Invalid(field="number", why="没有这个模型。")
    if row.state == ModelState.CURRENT:
        raise WrongState(state="使用中", act="再次上线")
    if (row.faults or row.state == ModelState.REFUSED) and not reason.strip():
        raise Invalid(field="reason", why="未通过检验或已回退的模型，上线须填写理由。")
    must_be_kept(row, shelf)
    return row


def roll_back(work: Work, blobs: Blobs, reason: str) -> BotModel:
    """Puts the embedded engine's model that served before back into service."""
    row = to_go_back_to(work.session, blobs, reason)
    went_back(work, row, reason)
    return row


def to_go_back_to(session: Session, shelf: Shelf, reason: str, engine: ModelEngine = ModelEngine.EMBEDDED) -> BotModel:
    """The model that served before; raises WrongState where there is none any more, Invalid without a reason."""
    query = select(BotModel).where(BotModel.state == ModelState.PREVIOUS, BotModel.engine == engine)
    latest = query.order_by(BotModel.decided_at.desc(), BotModel.id.desc()).limit(1)
    row = session.scalars(latest.with_for_update()).one_or_none()
    if current(session, engine) is None or row is None:
        raise WrongState(state="没有更早的模型", act="回退")
    if not reason.strip():
        raise Invalid(field="reason", why="回退须填写理由。")
    must_be_kept(row, shelf)
    return row


def went_back(work: Work, row: BotModel, reason: str) -> None:
    """Notes that a model serves again; the one it replaces counts as refused."""
    replaced = current(work.session, ModelEngine(row.engine))
    serve(work, row, ROLLBACK)
    if replaced is not None:
        replaced.state, replaced.reason = ModelState.REFUSED, reason.strip()[:500]


def retested(
    work: Work, number: int, found: Examined, before: Examined | None, faults: Sequence[str] | None = None
) -> None:
    """Notes what a model made of today's questions; a candidate's faults, and so its state, follow."""
    row = work.session.get_one(BotModel, number, with_for_update=True)
    row.figures, row.before = dict(found.figures), dict(before.figures) if before else {}
    if row.state in (ModelState.CANDIDATE, ModelState.REFUSED):
        row.faults = faults_of(work.session, work.now, found, before) if faults is None else list(faults)
        row.state = ModelState.REFUSED if row.faults or row.reason else ModelState.CANDIDATE
    work.audit("model.tested", row, model=row.id, figures=row.figures)


def forget(work: Work, shelf: Shelf, engine: ModelEngine = ModelEngine.EMBEDDED) -> None:
    """Lets go of the files of an engine's models that are too old to go back to; their rows stay."""
    recent = [row.id for row in listed(work.session, engine)]
    query = select(BotModel).where(
        BotModel.engine == engine,
        BotModel.id.not_in(recent),
        BotModel.artefact != "",
        BotModel.state != ModelState.CURRENT,
    )
    for row in work.session.scalars(query):
        path = shelf.path(row.artefact)
        row.artefact = ""
        work.after_commit(partial(path.unlink, missing_ok=True))


def root_unit(session: Session) -> int:
    """The unit above all: one bot answers for the whole installation, so its rules are those of the root."""
    return session.scalar(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)) or 0


def serve(work: Work, row: BotModel, how: str) -> None:
    """Notes that a model is its engine's in service from now on, and the one before no more."""
    work.session.execute(
        update(BotModel)
        .where(BotModel.state == ModelState.CURRENT, BotModel.engine == row.engine, BotModel.id != row.id)
        .values(state=ModelState.PREVIOUS, decided_at=work.now)
    )
    row.state, row.how = ModelState.CURRENT, how
    row.decided_at, row.decided_by = work.now, work.actor.person_id
    work.session.flush()
    if how == ROLLBACK:
        work.audit("model.rolled_back", row, model=row.id)
    else:
        work.audit("model.promoted", row, model=row.id, how=how, reason=row.reason)


def is_kept(row: BotModel, shelf: Shelf) -> bool:
    """Whether the file of a model is there."""
    return bool(row.artefact) and shelf.path(row.artefact).exists()


def must_be_kept(row: BotModel, shelf: Shelf, act: str = "上线") -> None:
    """Raises WrongState where the file of a model is not there, which `act` needs."""
    if not is_kept(row, shelf):
        raise WrongState(state="文件已不在", act=f"{act}（请重新训练）")


def taught_of(session: Session, pieces: Collection[int], now: datetime) -> list[tuple[int, int]]:
    """The revisions that are public now, of the pieces learned."""
    query = select(PublicPiece.piece_id, PublicPiece.revision_id).where(
        public.visible(now), PublicPiece.kind.in_(("faq", "guide"))
    )
    return sorted((piece, revision) for piece, revision in session.execute(query) if piece in pieces)


def title_first(
    predict: Callable[[str], Ranking], titles: Mapping[str, int], deciding: Callable[[Ranking], Decision]
) -> Understand:
    """How an engine understands: a title word for word is that piece, everything else the classifier's."""

    def understand(text: str) -> tuple[Ranking, Decision]:
        ranking = predict(text)
        exact = titles.get(learning.plain_of(text))
        if exact is not None:
            return ranking, Decision("answer", (faq_label(str(exact)),), 1.0)
        return ranking, deciding(ranking)

    return understand
