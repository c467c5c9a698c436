"""The API of 知识库: the office's questions with their faults, what was asked in vain, and what a person makes of it.

A question is written, checked and signed as any other piece, under `/pieces` and `/releases`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from typing_extensions import TypedDict

from bot import learning
from bot.learning import Clash, Entry
from hub.web import knowledge
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, PAGE_SIZE, At, Done, Page, PageNumber, told
from hub.web.sent import Body
from kernel.people import Permission
from kernel.typed import LARGEST

router = APIRouter(prefix="/api/v1/knowledge")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Trainer = Annotated[Asker, Depends(api_may(P.KNOWLEDGE_TRAIN))]
Key = Annotated[str, Field(min_length=1, max_length=100)]


class OfQuestion(Body):
    """What citizens asked, by the `key` of the list."""

    question: Key


class IsPiece(OfQuestion):
    """The question of ours that it is."""

    piece: int = Field(ge=1, le=LARGEST)


class InColumn(OfQuestion):
    """The column of questions in which the draft is made, by its short name."""

    column: str = Field(max_length=100)


class ClashTold(TypedDict):
    """A wording that stands with another question too, or twice with this one."""

    wording: str
    other: int


class QuestionTold(TypedDict):
    """A question of the office as it is written now; `thin`: it has too few wordings to be found reliably."""

    piece: int
    unit: int
    title: str
    state: str
    written_at: At
    wordings: list[str]
    thin: bool
    clashes: list[ClashTold]


class Questions(Page):
    """One page of questions."""

    questions: list[QuestionTold]


class AskedTold(TypedDict):
    """Questions that ask the same, in masked words; `near` is the piece it most likely is.

    Where every wording says something of who asked (`clean` false), it becomes no wording and no draft.
    """

    key: str
    asked: int
    texts: list[str]
    last_at: At
    clean: bool
    near: int | None


class Unanswered(TypedDict):
    """What was asked in vain, the most asked first; `waiting` counts what is not listed too."""

    waiting: int
    questions: list[AskedTold]


class PieceMade(TypedDict):
    """The piece that was changed or made, a draft until it is signed."""

    piece: int


@router.get("")
def list_questions(
    hub: HubDep,
    asker: Reader,
    show: Literal["", "thin", "clash"] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    page: PageNumber = 1,
) -> Questions:
    """The questions in reach; `thin` have too few wordings, `clash` share one."""
    with hub.works.read() as work:
        known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
    clashing = learning.clashes(known)
    found = knowledge.wanted(known, clashing, show, q.strip())
    shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    questions = [_question(one, clashing.get(one.piece_id, [])) for one in shown]
    return {"page": page, "total": len(found), "questions": questions}


@router.get("/unanswered")
def list_unanswered(hub: HubDep, asker: Reader) -> Unanswered:
    """What the bot did not know in the last four weeks and nobody dealt with since."""
    with hub.works.read() as work:
        known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
        clusters = knowledge.unanswered(work, asker, known)
    shown = knowledge.offered(clusters[: knowledge.MOST_CLUSTERS], known)
    return {
        "waiting": len(clusters),
        "questions": [
            {
                "key": one.key,
                "asked": one.asked,
                "texts": list(one.texts),
                "last_at": told(one.last_at),
                "clean": one.clean,
                "near": one.near.piece_id if one.near else None,
            }
            for one in shown
        ],
    }


@router.post("/wordings")
def add_wording(hub: HubDep, asker: Writer, sent: IsPiece) -> PieceMade:
    """加为相似问: a draft of the piece until it is signed; 409 while it is reviewed, or when somebody dealt with it."""
    with hub.works.write(asker.actor) as work:
        return {"piece": knowledge.teach_wording(work, asker, sent.question, str(sent.piece)).id}


@router.post("/drafts", status_code=201)
def add_draft(hub: HubDep, asker: Writer, sent: InColumn) -> PieceMade:
    """新建常见问题 out of what was asked; a person writes the answer."""
    with hub.works.write(asker.actor) as work:
        return {"piece": knowledge.draft_of_question(work, asker, sent.question, sent.column).id}


@router.post("/confirmed")
def confirm(hub: HubDep, asker: Trainer, sent: IsPiece) -> PieceMade:
    """Says which question it is without teaching it: models are tested by it."""
    with hub.works.write(asker.actor) as work:
        return {"piece": knowledge.confirm_question(work, asker, sent.question, str(sent.piece)).id}


@router.post("/foreign")
def foreign(hub: HubDep, asker: Trainer, sent: OfQuestion) -> Done:
    """不该由机器人答."""
    with hub.works.write(asker.actor) as work:
        knowledge.mark_foreign(work, asker, sent.question)
    return DONE


def _question(one: Entry, clashes: list[Clash]) -> QuestionTold:
    return {
        "piece": one.piece_id,
        "unit": one.unit_id,
        "title": one.title,
        "state": one.state,
        "written_at": told(one.written_at),
        "wordings": list(one.wordings[1:]),
        "thin": one.thin,
        "clashes": [{"wording": clash.wording, "other": clash.other} for clash in clashes],
    }
