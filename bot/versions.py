"""Versions of what the classifier learned: tested by real questions, let through by the office's rules, taken back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from bot import knowledge, learning, rules
from bot.events import ModelRefused
from bot.models import BotModel, Lesson
from bot.nlu.classifier import Classifier, Example
from bot.nlu.ranking import OUT_OF_SCOPE, Decision, Guess, Ranking, decide
from bot.nlu.wire import faq_key, faq_label
from bot.project import examples_of
from bot.states import ModelState
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


def compared(session: Session, now: datetime, blobs: Blobs, number: int) -> tuple[Examined, Examined | None]:
    """What a kept model and the one in service make of today's questions."""
    row = session.get(BotModel, number)
    if row is None:
        raise Invalid(field="number", why="没有这个模型。")
    cases, examples = cases_of(session, now), examples_of(knowledge.project_of(session, now))
    titles = knowledge.titles_of(session, now)

    def asked(one: BotModel) -> Examined:
        _must_be_kept(one, blobs)
        classifier = Classifier.load(blobs.path(one.artefact))
        return examine(title_first(classifier, titles, decide), cases, examples)

    serving = current(session)
    return asked(row), asked(serving) if serving is not None and serving.id != row.id else None


# --- rows ----------------------------------------------------------------------------------------------------------


def current(session: Session) -> BotModel | None:
    """The model in service."""
    return session.scalars(select(BotModel).where(BotModel.state == ModelState.CURRENT)).one_or_none()


def known(session: Session, fingerprint: str) -> bool:
    """Whether a model was made of just these wordings before, whatever became of it."""
    return session.scalar(select(BotModel.id).where(BotModel.fingerprint == fingerprint)) is not None


def listed(session: Session, limit: int = KEPT) -> Sequence[BotModel]:
    """The newest models."""
    return session.scalars(select(BotModel).order_by(BotModel.id.desc()).limit(limit)).all()


def record(
    work: Work,
    fingerprint: str,
    artefact: str,
    examples: Sequence[Example],
    taught: Sequence[tuple[int, int]],
    found: Examined,
    before: Examined | None,
    faults: Sequence[str],
) -> None:
    """Keeps a new model, and takes it into service where the rules say so; made by two at once, it is kept once."""
    serving = current(work.session)
    inserted = insert_once(
        work.session,
        BotModel,
        fingerprint=fingerprint,
        artefact=artefact,
        examples=len(examples),
        taught=[list(one) for one in taught],
        figures=dict(found.figures),
        before=dict(before.figures) if before else {},
        faults=list(faults),
        made_at=work.now,
        state=ModelState.CANDIDATE,
        how="",
        reason="",
    )
    if not inserted:
        return
    row = work.session.scalars(select(BotModel).where(BotModel.fingerprint == fingerprint)).one()
    if serving is None:
        _serve(work, row, AUTO)
    elif faults:
        row.state, row.decided_at = ModelState.REFUSED, work.now
        work.audit("model.refused", row, faults=list(faults))
        work.emit(ModelRefused(row.id, "".join(faults)))
    # Who went back did not want the newest; until a person takes one into service, none goes there by itself.
    elif serving.how != ROLLBACK and value_of(work.session, rules.AUTO_PROMOTE, root_unit(work.session), work.now):
        _serve(work, row, AUTO)


def promote(work: Work, number: int, blobs: Blobs, reason: str = "") -> BotModel:
    """A person takes a model into service; one with faults only with a reason."""
    row = work.session.get(BotModel, number, with_for_update=True)
    if row is None:
        raise Invalid(field="number", why="没有这个模型。")
    if row.state == ModelState.CURRENT:
        raise WrongState(state="使用中", act="再次上线")
    if (row.faults or row.state == ModelState.REFUSED) and not reason.strip():
        raise Invalid(field="reason", why="未通过检验或已回退的模型，上线须填写理由。")
    _must_be_kept(row, blobs)
    row.reason = reason.strip()[:500]
    _serve(work, row, FORCED if row.faults else MANUAL)
    return row


def roll_back(work: Work, blobs: Blobs, reason: str) -> BotModel:
    """Puts the model that served before back into service; the one it replaces counts as refused."""
    serving = current(work.session)
    query = select(BotModel).where(BotModel.state == ModelState.PREVIOUS).order_by(BotModel.decided_at.desc())
    row = work.session.scalars(query.order_by(BotModel.id.desc()).limit(1).with_for_update()).one_or_none()
    if serving is None or row is None:
        raise WrongState(state="没有更早的模型", act="回退")
    if not reason.strip():
        raise Invalid(field="reason", why="回退须填写理由。")
    _must_be_kept(row, blobs)
    _serve(work, row, ROLLBACK)
    serving.state, serving.reason = ModelState.REFUSED, reason.strip()[:500]
    return row


def retested(work: Work, number: int, found: Examined, before: Examined | None) -> None:
    """Notes what a model made of today's questions; a candidate's faults, and so its state, follow."""
    row = work.session.get_one(BotModel, number, with_for_update=True)
    row.figures, row.before = dict(found.figures), dict(before.figures) if before else {}
    if row.state in (ModelState.CANDIDATE, ModelState.REFUSED):
        row.faults = faults_of(work.session, work.now, found, before)
        row.state = ModelState.REFUSED if row.faults or row.reason else ModelState.CANDIDATE
    work.audit("model.tested", row, model=row.id, figures=row.figures)


def forget(work: Work, blobs: Blobs) -> None:
    """Lets go of the files of models that are too old to go back to; their rows stay."""
    recent = [row.id for row in listed(work.session)]
    query = select(BotModel).where(
        BotModel.id.not_in(recent), BotModel.artefact != "", BotModel.state != ModelState.CURRENT
    )
    for row in work.session.scalars(query):
        path = blobs.path(row.artefact)
        row.artefact = ""
        work.after_commit(partial(path.unlink, missing_ok=True))


def root_unit(session: Session) -> int:
    """The unit above all: one bot answers for the whole installation, so its rules are those of the root."""
    return session.scalar(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)) or 0


def _serve(work: Work, row: BotModel, how: str) -> None:
    work.session.execute(
        update(BotModel)
        .where(BotModel.state == ModelState.CURRENT, BotModel.id != row.id)
        .values(state=ModelState.PREVIOUS, decided_at=work.now)
    )
    row.state, row.how = ModelState.CURRENT, how
    row.decided_at, row.decided_by = work.now, work.actor.person_id
    work.session.flush()
    if how == ROLLBACK:
        work.audit("model.rolled_back", row, model=row.id)
    else:
        work.audit("model.promoted", row, model=row.id, how=how, reason=row.reason)


def _must_be_kept(row: BotModel, blobs: Blobs) -> None:
    if not row.artefact or not blobs.path(row.artefact).exists():
        raise WrongState(state="文件已不在", act="上线（请重新训练）")


def taught_of(session: Session, pieces: Collection[int], now: datetime) -> list[tuple[int, int]]:
    """The revisions that are public now, of the pieces learned."""
    query = select(PublicPiece.piece_id, PublicPiece.revision_id).where(
        public.visible(now), PublicPiece.kind.in_(("faq", "guide"))
    )
    return sorted((piece, revision) for piece, revision in session.execute(query) if piece in pieces)


def title_first(
    classifier: Classifier, titles: Mapping[str, int], deciding: Callable[[Ranking], Decision]
) -> Understand:
    """How an engine understands: a title word for word is that piece, everything else the classifier's."""

    def understand(text: str) -> tuple[Ranking, Decision]:
        ranking = classifier.predict(text)
        exact = titles.get(learning.plain_of(text))
        if exact is not None:
            return ranking, Decision("answer", (faq_label(str(exact)),), 1.0)
        return ranking, deciding(ranking)

    return understand
