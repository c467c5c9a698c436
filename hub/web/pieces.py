"""稿件库: the officer's desk — the list, the editor that saves by itself, findings, previews, submitting, history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.registry import limits_of
from content import checks, compose, snapshot
from content import release as releases
from content.compose import ATTACHMENTS, Draft
from content.errors import Blocked
from content.kinds import all_kinds, kind_of
from content.models import Asset, Column, Lift, Piece, Release, Revision, Signature
from content.sanitise import plain
from content.snapshot import Target, media_path
from content.states import PIECE_LABELS, PieceState, ReleaseState, may_move
from hub import editorial
from hub.editorial import Offer, piece_for
from hub.product import Hub
from hub.web import approval
from hub.web.access import LONGEST_FIELD, Asker, HubDep, may
from hub.web.edge import allow_inline_styles
from hub.web.forms import FormState
from hub.web.lists import like, listing
from hub.web.media import inside
from hub.web.pages import columns, fragment, page, say, see_other
from hub.web.piece_form import draft_of, for_console, number, read_choices, read_draft, read_window, text
from hub.web.readers import Shown, draft_content, preview_page, shown
from hub.web.sections import Section
from kernel.errors import Invalid, NotFound, Stale, XuandaError
from kernel.people import Permission, Person, scoped
from scheduler.models import Delivery, DeliveryItem
from scheduler.states import DeliveryState
from templates.catalogue import _
from templates.views import Change

router = APIRouter(prefix="/console/pieces")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Lifter = Annotated[Asker, Depends(may(P.FINDING_LIFT))]
Text = Annotated[str, Form()]


async def whole_form(request: Request) -> FormData:
    """The form as it was sent: the editor's fields depend on the kind, and a text may be long."""
    return await request.form(max_part_size=LONGEST_FIELD)


Sent = Annotated[FormData, Depends(whole_form)]

EDITABLE = (PieceState.DRAFT, PieceState.RETURNED)
LIST_COLUMNS = (
    (_("标题"), "title"),
    (_("状态"), "state"),
    (_("栏目"), "column"),
    (_("撰稿人"), ""),
    (_("更新时间"), "updated"),
)
SORTS = {"title": Piece.title, "state": Piece.state, "column": Column.name, "updated": Piece.updated_at}
SHOWN_ON_WORKBENCH = 6


# --- the list --------------------------------------------------------------------------------------------------


@router.get("")
def pieces(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every piece the person may read; the trash only when asked for."""
    asked = listing(request, "q", "column", "kind", "state", "mine", sort="-updated")
    query = (
        select(Piece, Column.name, Person.name)
        .join(Column, Column.id == Piece.column_id)
        .join(Person, Person.id == Piece.author_id)
    )
    query = scoped(query, Piece.unit_id, asker.viewer, P.PIECE_READ)
    state = asked.value("state")
    query = query.where(Piece.state == state) if state else query.where(Piece.state != PieceState.TRASH)
    if asked.number("column"):
        query = query.where(Piece.column_id == asked.number("column"))
    if asked.value("kind"):
        query = query.where(Piece.kind == asked.value("kind"))
    if asked.value("mine"):
        query = query.where(Piece.author_id == asker.viewer.person_id)
    if asked.value("q"):
        words = like(asked.value("q"))
        query = query.join(Revision, Revision.id == Piece.revision_id).where(
            or_(Piece.title.like(words, escape="\\"), Revision.body.like(words, escape="\\"))
        )
    with hub.works.read() as work:
        rows, list_state = asked.take(work.session, query, SORTS, Piece.id.desc())
        own = editorial.columns_for(work.session, asker.viewer, P.PIECE_READ)
        column_options = [(column.id, column.name) for column in own]
    return page(
        request,
        asker,
        "pages/pieces/list.html",
        rows=rows,
        state=list_state,
        columns=columns(hub, asker, *LIST_COLUMNS),
        column_options=column_options,
        kind_options=[(kind.name, kind.label) for kind in all_kinds().values()],
        state_options=[(name.value, label) for name, label in PIECE_LABELS.items()],
        may_write=asker.may(P.PIECE_WRITE),
    )


@router.get("/new")
def new_piece(request: Request, hub: HubDep, asker: Writer) -> HTMLResponse:
    """Which column the new piece is for."""
    return _new_page(request, hub, asker, FormState())


@router.post("")
def create_piece(request: Request, hub: HubDep, asker: Writer, column: Text = "", title: Text = "") -> Response:
    """Begins a piece in a column and opens the editor."""
    try:
        with hub.works.write(asker.actor) as work:
            offered = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
            chosen = next((one for one in offered if str(one.id) == column), None)
            if chosen is None:
                raise Invalid(field="column", why="请选择栏目。")
            editor = asker.viewer.name
            piece = compose.create(work, asker.viewer, chosen, draft=Draft(title=title, editor=editor))
    except Invalid as error:
        form = FormState({"column": column, "title": title}, error.field, error.message(asker.language))
        return _new_page(request, hub, asker, form, error.status)
    return see_other(f"/console/pieces/{piece.id}")


def _new_page(request: Request, hub: Hub, asker: Asker, form: FormState, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        found = editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
    options = [(column.id, column.name, kind_of(column.kind).label) for column in found]
    return page(request, asker, "pages/pieces/new.html", status=status, options=options, form=form)


# --- the editor ------------------------------------------------------------------------------------------------


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


@router.post("/{piece_id}/reopen")
def reopen(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """修改: a new revision of what was submitted, signed or published."""
    with hub.works.write(asker.actor) as work:
        compose.reopen(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已打开新一版。改好后须重新送审。")), "info")


@router.post("/{piece_id}/recall")
def recall(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """撤回送审."""
    with hub.works.write(asker.actor) as work:
        releases.recall(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已撤回送审。")))


@router.post("/{piece_id}/trash")
def trash(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """Into 回收站."""
    with hub.works.write(asker.actor) as work:
        compose.trash(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other("/console/pieces", say(hub, asker, _("已移入回收站，可随时恢复。")))


@router.post("/{piece_id}/restore")
def restore(hub: HubDep, asker: Writer, piece_id: int) -> Response:
    """Out of 回收站."""
    with hub.works.write(asker.actor) as work:
        compose.restore(work, asker.viewer, piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE))
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已恢复为草稿。")))


def _save(hub: Hub, asker: Asker, piece_id: int, sent: FormData) -> tuple[Draft, int]:
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        draft = read_draft(sent, kind_of(piece.kind), _channels(work.session, piece), hub.settings.office_zone)
        compose.save(work, asker.viewer, piece, draft, number(sent, "version") or 0)
        return draft, piece.version


def _submit(hub: Hub, asker: Asker, piece_id: int, sent: FormData, version: int) -> None:
    window = read_window(sent, hub.settings.office_zone)
    emergency = bool(text(sent, "emergency"))
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        chosen = read_choices(sent)
        editorial.submit(hub, work, asker.viewer, piece, chosen, window, emergency=emergency, version=version)


def _read_again(hub: Hub, asker: Asker, piece_id: int, sent: FormData) -> Draft:
    """What was typed, kept as far as it can be read, so that a refusal loses nothing."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        channels = _channels(work.session, piece)
    readable = FormData([pair for pair in sent.multi_items() if pair[0] != "expires_at"])
    return read_draft(readable, kind_of(piece.kind), channels, hub.settings.office_zone)


def _channels(session: Session, piece: Piece) -> list[str]:
    """The channels with words of their own: those of the accounts on offer, and those written for earlier."""
    offered = [offer.account.channel for offer in editorial.offers(session, piece.unit_id)]
    revision = session.get_one(Revision, piece.revision_id)
    return list(dict.fromkeys([*offered, *draft_of(session, revision).variants]))


# --- pictures and files ----------------------------------------------------------------------------------------


@router.post("/{piece_id}/pictures")
def add_picture(
    hub: HubDep,
    asker: Writer,
    piece_id: int,
    file: Annotated[UploadFile, File()],
    alt: Text = "",
) -> JSONResponse:
    """Keeps a picture that was chosen, dropped or pasted; answers with its address for the text."""
    data = file.file.read()
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_picture(work, asker.viewer, piece, hub.blobs, file.filename or "picture", data, alt)
        version = piece.version
    body = {"id": asset.id, "src": inside(f'"{media_path(asset)}"').strip('"'), "alt": asset.alt, "version": version}
    return JSONResponse(body)


@router.post("/{piece_id}/attachments")
def add_attachment(hub: HubDep, asker: Writer, piece_id: int, file: Annotated[UploadFile, File()]) -> JSONResponse:
    """Keeps a document with the piece."""
    data = file.file.read()
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_attachment(work, asker.viewer, piece, hub.blobs, file.filename or "file", data)
        version = piece.version
    return JSONResponse({"id": asset.id, "name": asset.name, "version": version})


@router.post("/{piece_id}/assets/{asset_id}")
def describe_asset(
    request: Request, hub: HubDep, asker: Writer, piece_id: int, asset_id: int, alt: Text = "", decorative: Text = ""
) -> HTMLResponse:
    """Writes what a picture shows, or that it is decoration."""
    with hub.works.write(asker.actor) as work:
        asset = _asset(work.session, asker, piece_id, asset_id)
        compose.describe_picture(work, asker.viewer, asset, alt, bool(decorative))
    return _assets(request, hub, asker, piece_id)


@router.post("/{piece_id}/assets/{asset_id}/remove")
def remove_asset(request: Request, hub: HubDep, asker: Writer, piece_id: int, asset_id: int) -> HTMLResponse:
    """Takes a picture or attachment off the piece."""
    with hub.works.write(asker.actor) as work:
        compose.remove_asset(work, asker.viewer, _asset(work.session, asker, piece_id, asset_id))
    return _assets(request, hub, asker, piece_id)


@router.get("/{piece_id}/assets")
def assets(request: Request, hub: HubDep, asker: Writer, piece_id: int) -> HTMLResponse:
    """The pictures and attachments, drawn again after an upload."""
    return _assets(request, hub, asker, piece_id)


def _assets(request: Request, hub: Hub, asker: Asker, piece_id: int) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        pictures, files = _kept(work.session, piece)
        cover = work.session.get_one(Revision, piece.revision_id).cover_id
    return fragment(
        request, asker, "pages/pieces/assets.html", "assets", piece=piece, pictures=pictures, files=files, cover=cover
    )


def _asset(session: Session, asker: Asker, piece_id: int, asset_id: int) -> Asset:
    piece = piece_for(session, asker.viewer, piece_id, P.PIECE_WRITE)
    asset = session.get(Asset, asset_id)
    if asset is None or asset.piece_id != piece.id:
        raise NotFound
    return asset


def _kept(session: Session, piece: Piece) -> tuple[list[tuple[Asset, str]], list[Asset]]:
    rows = session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id)).all()
    pictures = [(row, f"/console{media_path(row)}") for row in rows if row.media_type.startswith("image/")]
    return pictures, [row for row in rows if not row.media_type.startswith("image/")]


# --- findings --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """A finding with its lifting, the field it leads to, and whether this person may lift it."""

    finding: checks.Finding
    lift: Lift | None
    anchor: str
    liftable: bool


@router.get("/{piece_id}/findings")
def findings(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """检查: what blocks and what is pointed out, for the words saved last."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        found = checked(hub, work.session, asker, piece)
    return fragment(request, asker, "pages/pieces/findings.html", "findings", piece=piece, findings=found)


@router.post("/{piece_id}/lift")
def lift(hub: HubDep, asker: Lifter, piece_id: int, finding: Text = "", reason: Text = "") -> Response:
    """放行: a signer lets a block pass with his reason."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.FINDING_LIFT)
        hosts = editorial.own_hosts(hub.settings)
        releases.lift(work, asker.viewer, piece, finding, reason, own_hosts=hosts)
    return see_other(f"/console/pieces/{piece_id}#findings", say(hub, asker, _("已放行，理由已记入审核表。")))


def checked(hub: Hub, session: Session, asker: Asker, piece: Piece) -> list[Checked]:
    """The findings of a piece's newest revision, as this person sees them."""
    revision = session.get_one(Revision, piece.revision_id)
    may_lift = asker.may(P.FINDING_LIFT, piece.unit_id) and asker.viewer.person_id not in (
        piece.author_id,
        revision.created_by,
    )
    pairs = releases.check(session, piece, revision, own_hosts=editorial.own_hosts(hub.settings))
    return [
        Checked(
            finding,
            lifted,
            _anchor(finding.place),
            may_lift and releases.can_be_lifted(finding),
        )
        for finding, lifted in pairs
    ]


def _anchor(place: str) -> str:
    head, _dot, rest = place.partition(".")
    if head in ("pictures", "attachments", "attachment"):
        return "assets"
    if head == "fields":
        return f"fields.{rest}" if rest else "kind-fields"
    return f"variants.{place}" if rest else place


# --- previews --------------------------------------------------------------------------------------------------


@router.get("/{piece_id}/preview/{channel}")
def preview(request: Request, hub: HubDep, asker: Reader, piece_id: int, channel: str) -> HTMLResponse:
    """The newest words as this channel's readers will see them."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        content = _content(hub, work.session, piece)
    if channel not in content["variants"]:
        raise NotFound
    return preview_page(request, hub, content, channel)


@router.get("/{piece_id}/previews")
def previews(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """Every channel's frame, drawn again after a save."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        frames = _frames(hub, work.session, piece)
    return fragment(request, asker, "pages/pieces/previews.html", "previews", piece=piece, frames=frames)


def _frames(hub: Hub, session: Session, piece: Piece) -> list[Shown]:
    return shown(_content(hub, session, piece), f"/console/pieces/{piece.id}/preview")


def _content(hub: Hub, session: Session, piece: Piece) -> dict[str, Any]:
    revision = session.get_one(Revision, piece.revision_id)
    targets = [_own_target(offer) for offer in editorial.offers(session, piece.unit_id)]
    return draft_content(hub, session, piece, revision, targets)


def _own_target(offer: Offer) -> Target:
    account = offer.account
    return Target(account.id, account.name, account.channel, limits_of(account.channel).style, account.action)


# --- history and paper -----------------------------------------------------------------------------------------


@router.get("/{piece_id}/history")
def history(
    request: Request, hub: HubDep, asker: Reader, piece_id: int, older: int = 0, newer: int = 0
) -> HTMLResponse:
    """Revisions compared, releases with their signatures, and every act."""
    with hub.works.read() as work:
        session = work.session
        piece = piece_for(session, asker.viewer, piece_id)
        revisions = session.scalars(select(Revision).filter_by(piece_id=piece.id).order_by(Revision.number)).all()
        numbers = [revision.number for revision in revisions]
        newer = newer if newer in numbers else numbers[-1]
        older = older if older in numbers else max([n for n in numbers if n < newer], default=newer)
        by_number = {revision.number: revision for revision in revisions}
        words = [_revision_text(session, piece, by_number[n]) for n in (older, newer)]
        rows = session.scalars(select(Release).filter_by(piece_id=piece.id).order_by(Release.number.desc())).all()
        chains = [(release, approval.chain(session, release)) for release in rows]
        done = approval.acts(session, piece, lambda words: say(hub, asker, words))
    return page(
        request,
        asker,
        "pages/pieces/history.html",
        piece=piece,
        options=[(n, say(hub, asker, _("第 %(n)s 版"), n=n)) for n in numbers],
        older=older,
        newer=newer,
        changes=approval.changes(*words),
        chains=chains,
        acts=done,
    )


@router.get("/{piece_id}/form")
def approval_form(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """信息发布审核表 of the newest release, to print."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        if piece.release_id is None:
            raise NotFound
        release = work.session.get_one(Release, piece.release_id)
        form = approval.form_of(work.session, release, hub.settings.office_zone, work.now)
    return page(request, asker, "pages/approval_form.html", form=form, back_href=f"/console/pieces/{piece_id}")


def _revision_text(session: Session, piece: Piece, revision: Revision) -> str:
    words = draft_of(session, revision)
    lines = [words.title, words.summary, plain(words.body), kind_of(piece.kind).plain(words.fields)]
    for channel, own in sorted(words.variants.items()):
        lines += [f"【{channel}】{own.title}", own.digest, plain(own.body)]
    lines.append(f"{words.source_name} {words.editor} {words.keywords}".strip())
    return "\n".join(line for line in lines if line)


# --- drawing the piece -----------------------------------------------------------------------------------------


def _page(request: Request, hub: Hub, asker: Asker, piece_id: int, attempt: Attempt) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        writes = asker.may(P.PIECE_WRITE, piece.unit_id)
        context = _context(hub, work.session, asker, piece)
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
    pictures, files = _kept(session, piece)
    writes = asker.may(P.PIECE_WRITE, piece.unit_id)
    return {
        "piece": piece,
        "revision": revision,
        "column": session.get_one(Column, piece.column_id),
        "author": session.get_one(Person, piece.author_id),
        "kind": kind_of(piece.kind),
        "release": release,
        "chain": approval.chain(session, release) if release else [],
        "proofs": approval.proofs(session, release) if release else [],
        "returned": _return_of(session, release),
        "findings": checked(hub, session, asker, piece),
        "frames": _frames(hub, session, piece),
        "pictures": pictures,
        "files": files,
        "cover": revision.cover_id,
        "acts": approval.acts(session, piece, lambda words: say(hub, asker, words))[:8],
        "may_book": asker.may(P.BOOKING_WRITE, piece.unit_id) and piece.state in (PieceState.SIGNED, PieceState.LIVE),
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
        "offers": offered,
        "chosen": _chosen(session, piece, attempt, offered),
        "sent": attempt.sent,
        "attachment_types": ",".join(ATTACHMENTS),
    }


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


# --- the workbench ---------------------------------------------------------------------------------------------


def workbench_section(hub: Hub, asker: Asker) -> Section | None:
    """What came back to this person, what waits for his signature, what he is writing."""
    if not asker.may(P.PIECE_READ):
        return None
    with hub.works.read() as work:
        mine = select(Piece, Release.state).outerjoin(Release, Release.id == Piece.release_id)
        mine = mine.where(Piece.author_id == asker.viewer.person_id, Piece.state.in_(EDITABLE))
        rows = work.session.execute(mine.order_by(Piece.updated_at.desc()).limit(100)).all()
        waiting = editorial.waiting_for(work.session, asker.viewer, work.now)
        signed = scoped(select(Piece), Piece.unit_id, asker.viewer, P.BOOKING_WRITE)
        ready = work.session.scalars(
            signed.where(Piece.state == PieceState.SIGNED).order_by(Piece.updated_at.desc()).limit(SHOWN_ON_WORKBENCH)
        ).all()
        today = _going_out(work.session, asker, _office_day(work.now, hub.settings.office_zone))
    returned = [piece for piece, state in rows if state == ReleaseState.RETURNED]
    drafts = [piece for piece, state in rows if state != ReleaseState.RETURNED]
    return Section(
        "pages/pieces/workbench.html",
        20,
        {
            "returned": returned[:SHOWN_ON_WORKBENCH],
            "drafts": drafts[:SHOWN_ON_WORKBENCH],
            "waiting": waiting[:SHOWN_ON_WORKBENCH],
            "ready": ready,
            "today": today,
            "counts": {"returned": len(returned), "drafts": len(drafts), "waiting": len(waiting)},
            "may_write": asker.may(P.PIECE_WRITE),
        },
    )


def _office_day(now: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    start = datetime.combine(now.astimezone(zone).date(), time(), zone)
    return start, start + timedelta(days=1)


def _going_out(session: Session, asker: Asker, day: tuple[datetime, datetime]) -> list[tuple[Delivery, str, str]]:
    """What goes out today, in its order: delivery, title of its first piece, account."""
    query = (
        select(Delivery, Piece.title, Account.name)
        .join(Account, Account.id == Delivery.account_id)
        .join(DeliveryItem, and_(DeliveryItem.delivery_id == Delivery.id, DeliveryItem.position == 1))
        .join(Piece, Piece.id == DeliveryItem.piece_id)
        .where(Delivery.scheduled_at >= day[0], Delivery.scheduled_at < day[1])
        .where(Delivery.state.not_in((DeliveryState.CANCELLED, DeliveryState.DONE)))
    )
    query = scoped(query, Delivery.unit_id, asker.viewer, P.DELIVERY_READ)
    found = session.execute(query.order_by(Delivery.scheduled_at, Delivery.id).limit(SHOWN_ON_WORKBENCH))
    return [(delivery, title, account) for delivery, title, account in found]
