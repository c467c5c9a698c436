"""知识库: the office's questions with what is wrong with them, and what citizens asked that the bot did not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response

from bot import learning
from bot.learning import Clash, Cluster, Entry
from bot.project import ENOUGH_WORDINGS
from bot.publishing import mask
from content import compose
from content.compose import Draft
from content.models import Column, Piece, Revision
from content.states import PIECE_LABELS, PieceState
from hub import editorial
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import PAGE_SIZE, listing
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import draft_of
from kernel.errors import Invalid, NotFound, WrongState, XuandaError
from kernel.people import Permission
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _
from templates.views import ListState, NavItem

router = APIRouter(prefix="/console/knowledge")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Trainer = Annotated[Asker, Depends(may(P.KNOWLEDGE_TRAIN))]
Text = Annotated[str, Form()]

COLUMNS = ((_("问题"), ""), (_("相似问"), ""), (_("状态"), ""), (_("待改进"), ""))
THIN, CLASHING = "thin", "clash"
SHOWS = {THIN: _("相似问不足"), CLASHING: _("问法重复或冲突")}
MOST_CLUSTERS = 20
MOST_TEXTS = 5


@dataclass(frozen=True)
class Offered:
    """A cluster in masked words, with the question that it most likely is."""

    key: str
    asked: int
    texts: Sequence[str]
    last_at: Any
    clean: bool
    near: Entry | None


@router.get("")
def knowledge(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every question with its faults, and the unanswered ones above them."""
    return _page(request, hub, asker)


@router.post("/wording")
def add_wording(request: Request, hub: HubDep, asker: Writer, question: Text = "", piece: Text = "") -> Response:
    """A real question becomes a wording of one of ours, in a draft that is checked and signed as any other."""
    try:
        with hub.works.write(asker.actor) as work:
            chosen = teach_wording(work, asker, question, piece)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, question=question, piece=piece)
        return _page(request, hub, asker, form, status=error.status)
    return see_other(f"/console/pieces/{chosen.id}", say(hub, asker, _("已加入相似问，送审签发后生效。")))


@router.post("/draft")
def draft(request: Request, hub: HubDep, asker: Writer, question: Text = "", column: Text = "") -> Response:
    """A real question becomes a draft, whose answer a person writes."""
    try:
        with hub.works.write(asker.actor) as work:
            made = draft_of_question(work, asker, question, column)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, question=question, column=column)
        return _page(request, hub, asker, form, status=error.status)
    return see_other(f"/console/pieces/{made.id}", say(hub, asker, _("已建问答草稿，请补充答案和其他问法。")))


@router.post("/confirm")
def confirm(request: Request, hub: HubDep, asker: Trainer, question: Text = "", piece: Text = "") -> Response:
    """Says which question it is without teaching it: models are tested by it."""
    try:
        with hub.works.write(asker.actor) as work:
            confirm_question(work, asker, question, piece)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, question=question, piece=piece)
        return _page(request, hub, asker, form, status=error.status)
    return see_other("/console/knowledge", say(hub, asker, _("已记为检验题，以后每个模型都用它检验。")))


@router.post("/foreign")
def foreign(request: Request, hub: HubDep, asker: Trainer, question: Text = "") -> Response:
    """不该由机器人答: an example of what to refuse."""
    try:
        with hub.works.write(asker.actor) as work:
            mark_foreign(work, asker, question)
    except XuandaError as error:
        return _page(request, hub, asker, refused(asker, error, question=question), status=error.status)
    return see_other("/console/knowledge", say(hub, asker, _("已记为不该由机器人答；机器人不答时不再列出。")))


# --- what is done, for the page and the API ------------------------------------------------------------------------


def teach_wording(work: Work, asker: Asker, question: str, piece: str) -> Piece:
    """A real question, named by its key, becomes a wording of one of ours, named by its number or title."""
    known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
    found = _cluster(work, asker, P.PIECE_WRITE, known, question)
    chosen = piece_for(work.session, asker.viewer, _named(known, piece), P.PIECE_WRITE)
    words = learning.wording_of(found)
    _write_wording(work, asker, chosen, words)
    learning.learn(work, found, learning.WORDING, chosen.id)
    work.audit("knowledge.wording_added", chosen, wording=words)
    return chosen


def draft_of_question(work: Work, asker: Asker, question: str, column: str) -> Piece:
    """A real question becomes a draft in a column, named by its number or short name."""
    known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
    found = _cluster(work, asker, P.PIECE_WRITE, known, question)
    chosen = next((one for one in _sections(work, asker) if column in (str(one.id), one.slug)), None)
    if chosen is None:
        raise Invalid(field="column", why="请选择常见问题栏目。")
    words = learning.wording_of(found)
    made = compose.create(work, asker.viewer, chosen, draft=Draft(title=words, fields={"wordings": [words]}))
    learning.learn(work, found, learning.DRAFT, made.id)
    work.audit("knowledge.drafted", made, question=words)
    return made


def confirm_question(work: Work, asker: Asker, question: str, piece: str) -> Piece:
    """Says which question it is: models are tested by it."""
    known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
    found = _cluster(work, asker, P.KNOWLEDGE_TRAIN, known, question)
    chosen = piece_for(work.session, asker.viewer, _named(known, piece), P.PIECE_READ)
    learning.learn(work, found, learning.CONFIRMED, chosen.id)
    work.audit("knowledge.confirmed", chosen, question=mask(found.texts[0]))
    return chosen


def mark_foreign(work: Work, asker: Asker, question: str) -> None:
    """The bot must not answer it."""
    known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
    found = _cluster(work, asker, P.KNOWLEDGE_TRAIN, known, question)
    learning.learn(work, found, learning.FOREIGN)
    work.audit("knowledge.foreign", question=mask(found.texts[0]))


def unanswered(work: Work, asker: Asker, known: Sequence[Entry]) -> list[Cluster]:
    """What was asked in vain in the units whose citizens' questions one may read."""
    return learning.unanswered(work.session, _heard(asker), work.now, known)


def wanted(known: Sequence[Entry], clashing: dict[int, list[Clash]], show: str, words: str) -> list[Entry]:
    """The questions that a filter lets through."""
    return [one for one in known if _fits(one, clashing, show, words)]


def _cluster(work: Work, asker: Asker, permission: Permission, known: Sequence[Entry], key: str) -> Cluster:
    units = asker.viewer.units(permission)
    return learning.cluster_for(learning.unanswered(work.session, units, work.now, known), key)


def _named(known: Sequence[Entry], text: str) -> int:
    """The question named by its number or its title."""
    number = row_in(text)
    for one in known:
        if one.piece_id == number or (text.strip() and one.title == text.strip()):
            return one.piece_id
    raise Invalid(field="piece", why="请从列表中选择一个常见问题。")


def _write_wording(work: Work, asker: Asker, piece: Piece, words: str) -> None:
    if piece.state in (PieceState.REVIEW, PieceState.SIGNED):
        # Saving would take back what others are signing; that is for a person to do knowingly, in the editor.
        raise WrongState(state=PIECE_LABELS[PieceState(piece.state)], act="加入相似问（请在发布后再加）")
    revision = work.session.get_one(Revision, piece.revision_id)
    fields = learning.with_wording(revision.fields, words)
    if fields is None:
        raise Invalid(field="piece", why="这个问题已有这种问法。")
    compose.save(work, asker.viewer, piece, replace(draft_of(work.session, revision), fields=fields), piece.version)


def _sections(work: Work, asker: Asker) -> list[Column]:
    return [one for one in editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE) if one.kind == "faq"]


def _heard(asker: Asker) -> frozenset[int]:
    """The units whose citizens' questions a person may read."""
    held = (P.CONVERSATION_READ, P.PIECE_WRITE, P.KNOWLEDGE_TRAIN)
    return frozenset().union(*(asker.viewer.units(one) for one in held))


def _page(
    request: Request, hub: Hub, asker: Asker, form: FormState | None = None, *, status: int = 200
) -> HTMLResponse:
    asked = replace(listing(request, "show", "q"), path="/console/knowledge")
    with hub.works.read() as work:
        known = learning.entries(work.session, asker.viewer.units(P.PIECE_READ))
        clusters = unanswered(work, asker, known)
        sections = _sections(work, asker) if asker.may(P.PIECE_WRITE) else []
    clashing = learning.clashes(known)
    fitting = wanted(known, clashing, asked.value("show"), asked.value("q"))
    number = min(asked.page, max(1, -(-len(fitting) // PAGE_SIZE)))
    shown = fitting[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return page(
        request,
        asker,
        "pages/knowledge/list.html",
        status=status,
        form=form or FormState(),
        rows=[(one, clashing.get(one.piece_id, [])) for one in shown],
        state=ListState("/console/knowledge", asked.values, "", number, PAGE_SIZE, len(fitting)),
        counts=(len(known), sum(one.thin for one in known), len(clashing)),
        clusters=offered(clusters[:MOST_CLUSTERS], known),
        waiting=len(clusters),
        titles={one.piece_id: one.title for one in known},
        sections=[(one.id, one.name) for one in sections],
        columns=columns(hub, asker, *COLUMNS),
        tabs=[
            NavItem(say(hub, asker, _("问题与问法")), "/console/knowledge", 0, True),
            NavItem(say(hub, asker, _("模型")), "/console/knowledge/models", 0, False),
        ]
        if asker.may(P.KNOWLEDGE_TRAIN)
        else [],
        shows=[(name, say(hub, asker, label)) for name, label in SHOWS.items()],
        labels=PIECE_LABELS,
        enough=ENOUGH_WORDINGS,
    )


def _fits(entry: Entry, clashing: dict[int, list[Clash]], show: str, words: str) -> bool:
    shown = {THIN: entry.thin, CLASHING: entry.piece_id in clashing}.get(show, True)
    return shown and (not words or any(words in one for one in entry.wordings))


def offered(clusters: Sequence[Cluster], known: Sequence[Entry]) -> list[Offered]:
    """Clusters in masked words, each with the question it most likely is."""
    near = learning.nearest([one.texts[0] for one in clusters], known)
    return [
        Offered(
            one.key,
            len(one.asked),
            [mask(text) for text in one.texts[:MOST_TEXTS]],
            one.last_at,
            bool(one.clean),
            entry,
        )
        for one, entry in zip(clusters, near, strict=True)
    ]
