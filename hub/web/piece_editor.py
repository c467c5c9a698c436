"""One piece: the editor that saves by itself and submits, or the piece to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.abilities.cover_cuts import CutsCovers
from channels.registry import channels as installed
from channels.registry import limits_of
from content import compose, naming, snapshot
from content.attachments import TAKEN
from content.compose import Draft
from content.errors import Blocked
from content.kinds import kind_of
from content.models import Column, Piece, Release, Revision, Signature
from content.origins import origin_of
from content.sanitise import plain
from content.states import PieceState, ReleaseState, may_move
from hub import editorial
from hub.editorial import Offer, piece_for
from hub.product import Hub
from hub.web import approval
from hub.web.access import LONGEST_FIELD, Asker, HubDep, may
from hub.web.edge import allow_inline_styles
from hub.web.forms import FormState
from hub.web.pages import page, say, see_other
from hub.web.piece_assets import kept
from hub.web.piece_checks import checked, frames_of
from hub.web.piece_form import draft_of, for_console, number, read_choices, read_draft, read_window, text
from hub.web.platform_previews import piece_context
from kernel.errors import Invalid, NotFound, Stale, XuandaError
from kernel.people import Permission, Person
from templates.catalogue import _
from templates.views import Change

router = APIRouter()

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]


async def whole_form(request: Request) -> FormData:
    """The form as it was sent: the editor's fields depend on the kind, and a text may be long."""
    return await request.form(max_part_size=LONGEST_FIELD)


Sent = Annotated[FormData, Depends(whole_form)]
EDITABLE = (PieceState.DRAFT, PieceState.RETURNED)


@dataclass(frozen=True)
class Attempt:
    """What the person tried: his words, what he chose, and why it was refused."""

    draft: Draft | None = None
    sent: Mapping[str, Any] = field(default_factory=dict)
    error: XuandaError | None = None


@router.get("/{piece_id}")
def one_piece(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """The editor where the person may write and the piece is being written, otherwise the piece to read."""
    return _page(request, hub, asker, piece_id, Attempt())


@router.post("/{piece_id}")
def save_piece(request: Request, hub: HubDep, asker: Writer, piece_id: int, sent: Sent) -> Response:
    """Saves what was sent, and submits it when that was asked for."""
    draft = None
    try:
        draft, version = _save(hub, asker, piece_id, sent)
        if text(sent, "act") != "submit":
            return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("草稿已保存。")))
        _submit(hub, asker, piece_id, sent, version)
    except NotFound:
        raise
    except XuandaError as error:
        return _page(
            request, hub, asker, piece_id, Attempt(draft or _read_again(hub, asker, piece_id, sent), sent, error)
        )
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已送审。审核人会收到通知。")))


@router.post("/{piece_id}/autosave")
def autosave(hub: HubDep, asker: Writer, piece_id: int, sent: Sent) -> JSONResponse:
    """Saves while the person is writing; answers with the new version, or with what stands in the way."""
    try:
        _draft, version = _save(hub, asker, piece_id, sent)
    except (Invalid, Stale) as error:
        body = {"error": error.code, "field": error.field, "message": error.message(asker.language)}
        return JSONResponse(body, status_code=error.status)
    return JSONResponse({"version": version})


def _save(hub: Hub, asker: Asker, piece_id: int, sent: FormData) -> tuple[Draft, int]:
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        draft = read_draft(sent, kind_of(piece.kind), _channels(work.session, piece), hub.settings.office_zone)
        compose.save(work, asker.viewer, piece, draft, number(sent, "version") or 0)
        version = piece.version
    hub.patrol.soon(piece_id)
    return draft, version


def _submit(hub: Hub, asker: Asker, piece_id: int, sent: FormData, version: int) -> None:
    window = read_window(sent, hub.settings.office_zone)
    emergency = bool(text(sent, "emergency"))
    hub.patrol.settle(piece_id)
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        chosen = read_choices(sent)
        editorial.submit(hub, work, asker.viewer, piece, chosen, window, emergency=emergency, version=version)


def _read_again(hub: Hub, asker: Asker, piece_id: int, sent: FormData) -> Draft:
    """What was typed, kept as far as it can be read, so that a refusal loses nothing."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        channels = _channels(work.session, piece)
    readable = FormData([pair for pair in sent.multi_items() if pair[0] not in ("expires_at", "cover_x", "cover_y")])
    return read_draft(readable, kind_of(piece.kind), channels, hub.settings.office_zone)


def _channels(session: Session, piece: Piece) -> list[str]:
    """The channels with words of their own: those of the accounts on offer, and those written for earlier."""
    offered = [offer.account.channel for offer in editorial.offers(session, piece.unit_id)]
    revision = session.get_one(Revision, piece.revision_id)
    return list(dict.fromkeys([*offered, *draft_of(session, revision).variants]))


def _page(request: Request, hub: Hub, asker: Asker, piece_id: int, attempt: Attempt) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        writes = asker.may(P.PIECE_WRITE, piece.unit_id)
        context = _context(hub, work.session, asker, piece) | piece_context(hub, work.session, asker, piece)
        if writes and (piece.state in EDITABLE or attempt.draft):
            context |= _editing(work.session, piece, attempt, asker)
            template = "pages/pieces/editor.html"
            allow_inline_styles(request)
        else:
            template = "pages/pieces/one.html"
    status = attempt.error.status if attempt.error else 200
    return page(request, asker, template, status=status, **context)


def _context(hub: Hub, session: Session, asker: Asker, piece: Piece) -> dict[str, Any]:
    revision = session.get_one(Revision, piece.revision_id)
    release = session.get(Release, piece.release_id) if piece.release_id else None
    pictures, files = kept(session, piece)
    writes = asker.may(P.PIECE_WRITE, piece.unit_id)
    return {
        "piece": piece,
        "revision": revision,
        "column": session.get_one(Column, piece.column_id),
        "origin": origin_of(session, piece, revision.source_name),
        "author": session.get_one(Person, piece.author_id),
        "kind": kind_of(piece.kind),
        "release": release,
        "chain": approval.chain(session, release) if release else [],
        "proofs": approval.proofs(session, release) if release else [],
        "returned": _return_of(session, release),
        "findings": checked(hub, session, asker, piece),
        "frames": frames_of(hub, session, piece),
        "pictures": pictures,
        "files": files,
        "cover": revision.cover_id,
        "acts": approval.acts(session, piece, lambda words: say(hub, asker, words))[:8],
        "may_book": asker.may(P.BOOKING_WRITE, piece.unit_id) and piece.state in (PieceState.SIGNED, PieceState.LIVE),
        "may_mark": asker.may(P.PIECE_SIGN, piece.unit_id) and piece.state == PieceState.LIVE,
        "may": {act: writes and may_move(piece.state, act) for act in ("edit", "recall", "trash", "restore")},
    }


def _editing(session: Session, piece: Piece, attempt: Attempt, asker: Asker) -> dict[str, Any]:
    saved = draft_of(session, session.get_one(Revision, piece.revision_id))
    draft = attempt.draft or saved
    stale = isinstance(attempt.error, Stale)
    offered = editorial.offers(session, piece.unit_id)
    error = attempt.error
    return {
        "draft": for_console(draft),
        "cover": draft.cover_id,
        "form": FormState({}, error.field, error.message(asker.language)) if error else FormState(),
        "blocked": isinstance(error, Blocked),
        "theirs": _theirs(saved, draft) if stale else None,
        "tabs": _tabs(offered),
        "cover_shapes": _cover_shapes(offered),
        "offers": offered,
        "chosen": _chosen(session, piece, attempt, offered),
        "sent": attempt.sent,
        "attachment_types": ",".join(TAKEN),
        "picks": _picks(session, piece, draft),
    }


@dataclass(frozen=True)
class Picks:
    """What the naming fields offer: the labels to choose from by field, and the label of each piece by number."""

    offered: Mapping[str, Sequence[str]]
    labels: Mapping[int, str]


def _picks(session: Session, piece: Piece, draft: Draft) -> Picks:
    offered = naming.offered(session, piece)
    labels = {number: naming.pick_label(title, number) for found in offered.values() for number, title in found}
    # Named before and no longer among the newest.
    for one in naming.named(session, piece, _numbers(piece, draft)):
        labels.setdefault(one.piece.id, naming.pick_label(one.title or one.piece.title, one.piece.id))
    return Picks({name: [labels[number] for number, _title in found] for name, found in offered.items()}, labels)


def _numbers(piece: Piece, draft: Draft) -> Mapping[str, Any]:
    """The fields as they would be kept; none while something in them cannot be read."""
    try:
        return compose.clean_fields(kind_of(piece.kind), draft.fields)
    except Invalid:
        return {}


def _theirs(saved: Draft, mine: Draft) -> list[Change]:
    """What another person saved meanwhile, compared with what this one typed."""

    def words(draft: Draft) -> str:
        return "\n".join((draft.title, draft.summary, plain(draft.body)))

    return approval.changes(words(saved), words(mine))


@dataclass(frozen=True)
class Tab:
    """One channel whose words can differ from the common ones."""

    channel: str
    label: str
    limits: Any


def _tabs(offered: Sequence[Offer]) -> list[Tab]:
    labels = {offer.account.channel: offer.label for offer in offered}
    return [Tab(channel, label, limits_of(channel)) for channel, label in labels.items() if channel != "portal"]


def _cover_shapes(offered: Sequence[Offer]) -> dict[str, float]:
    """The shapes to which the channels on offer cut a cover, by their labels."""
    channels = {offer.account.channel for offer in offered}
    cutting = [one for name, one in installed().items() if name in channels and issubclass(one, CutsCovers)]
    return {label: shape for one in cutting for label, shape in one.cover_shapes.items()}


def _chosen(session: Session, piece: Piece, attempt: Attempt, offered: Sequence[Offer]) -> dict[int, Mapping[str, Any]]:
    """The accounts ticked: as sent, else as in the last release, else the portal."""
    if isinstance(attempt.sent, FormData):
        return {
            choice.account_id: {"action": choice.action, "audience": choice.audience}
            for choice in read_choices(attempt.sent)
        }
    release = session.get(Release, piece.release_id) if piece.release_id else None
    if release is not None:
        return dict(snapshot.targets_of(release.content))
    return {offer.account.id: {} for offer in offered if offer.account.channel == "portal"}


def _return_of(session: Session, release: Release | None) -> tuple[Signature, str] | None:
    """Why the last release came back, and by whom."""
    if release is None or release.state != ReleaseState.RETURNED:
        return None
    query = select(Signature, Person.name).join(Person, Person.id == Signature.person_id)
    row = session.execute(query.where(Signature.release_id == release.id, Signature.verdict == "return")).first()
    return (row[0], row[1]) if row else None
