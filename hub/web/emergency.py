"""应急发布: one short form from a title to every channel, and what such releases still owe."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Annotated

from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.registry import channels as installed
from channels.registry import limits_of
from content import compose, covers, later
from content.compose import Draft
from content.errors import NotAPicture
from content.kinds import kind_of
from content.models import Column, LaterSigning, Piece, Release
from content.pictures import Picture, normalise
from content.snapshot import Urgency, Window
from hub import editorial, site_state
from hub.editorial import Choice, Offer, offers
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import moment, number, numbers, text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.seal import UnreadableSecret
from kernel.work import Work
from scheduler import emergency, windows
from scheduler.errors import SomeDoNotFit
from scheduler.models import Emergency
from templates.catalogue import _

router = APIRouter(prefix="/console/emergency")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Actor = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]

MOST = 50
KEY = re.compile(r"[0-9a-f]{32}")
# What is sealed in the form is the name of a cover and of nothing else.
COVER = "cover "
UNKEPT = ("csrf", "accounts")
OWED_COLUMNS = ((_("应急发布"), ""), (_("补签时限"), ""), (_("还差"), ""))
COLUMNS = ((_("标题"), ""), (_("级别"), ""), (_("进展"), ""), (_("门户横幅"), ""))


@dataclass(frozen=True)
class Row:
    """One emergency with how far it is."""

    emergency: Emergency
    piece: Piece
    release: Release | None
    level: str
    banner: bool


@dataclass(frozen=True)
class Owed:
    """One later sign-off that is still owed."""

    row: LaterSigning
    release: Release
    level: str
    late: bool


@router.get("")
def emergencies(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The form, what is under way, and the later sign-offs that are owed."""
    return _page(request, hub, asker, None)


@router.post("")
def begin(
    request: Request, hub: HubDep, asker: Writer, sent: Sent, cover: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Writes the piece and submits it to its few signers; with the last signature it goes out by itself."""
    key = text(sent, "key")
    if not KEY.fullmatch(key):
        raise NotFound
    try:
        sent = _with_cover(hub, sent, cover)
        with hub.works.write(asker.actor) as work:
            piece_id = declare(hub, work, asker, _read(hub, sent), key)
    except NotFound:
        raise
    except XuandaError as error:
        values = {name: value for name, value in sent.items() if isinstance(value, str) and name not in UNKEPT}
        misfits = error.by_account if isinstance(error, SomeDoNotFit) else {}
        return _page(request, hub, asker, refused(asker, error, **values), sent, misfits, status=error.status)
    return see_other(f"/console/pieces/{piece_id}", say(hub, asker, _("已送审。签发后立即发往所选渠道。")))


@router.post("/{emergency_id}/banner")
def end_banner(hub: HubDep, asker: Actor, emergency_id: int) -> Response:
    """Takes the portal's banner down before its hour."""
    take_down(hub, asker, emergency_id)
    return see_other("/console/emergency", say(hub, asker, _("横幅已撤下。")))


def take_down(hub: Hub, asker: Asker, emergency_id: int) -> Emergency:
    """Ends a banner; the portal's pages follow at once."""
    with hub.works.write(asker.actor) as work:
        row = work.session.get(Emergency, emergency_id)
        if row is None:
            raise NotFound
        asker.must(P.DELIVERY_ACT, row.unit_id)
        emergency.end_banner(work, asker.viewer, row)
    site_state.follow(hub)
    return row


@dataclass(frozen=True)
class Urgent:
    """An emergency release as it was written."""

    title: str
    text: str
    column: int | None
    urgency: Urgency
    accounts: Sequence[int]
    cover: Picture | None = None


def _read(hub: Hub, sent: FormData) -> Urgent:
    until = moment(sent, "banner_until", hub.settings.office_zone)
    urgency = Urgency(text(sent, "level"), until, bool(text(sent, "through")))
    words = (text(sent, "title"), text(sent, "text"), number(sent, "column"))
    kept = _kept(hub, sent)
    return Urgent(*words, urgency, numbers(sent, "accounts"), normalise(hub.blobs.get(kept), "cover") if kept else None)


def _with_cover(hub: Hub, sent: FormData, cover: UploadFile | None) -> FormData:
    """The form with the cover that was chosen kept by its name, sealed: one that is refused must not lose it."""
    rest = [(name, value) for name, value in sent.multi_items() if name not in ("cover", "cover_kept")]
    return FormData([*rest, ("cover_kept", _keep_cover(hub, sent, cover))])


def _keep_cover(hub: Hub, sent: FormData, cover: UploadFile | None) -> str:
    data = cover.file.read() if cover else b""
    if not data:
        return text(sent, "cover_kept") if _kept(hub, sent) else ""
    try:
        picture = normalise(data, (cover and cover.filename) or "cover")
    except NotAPicture as error:
        raise Invalid(field="cover", why=error.message("zh")) from error
    return hub.seal.close(f"{COVER}{hub.blobs.put(picture.data).sha256}")


def _kept(hub: Hub, sent: FormData) -> str:
    """The cover that an earlier sending of this form brought along, by its name among the files."""
    sealed = text(sent, "cover_kept")
    try:
        opened = hub.seal.open(sealed) if sealed else ""
    except UnreadableSecret:
        return ""
    return opened.removeprefix(COVER) if opened.startswith(COVER) else ""


def declare(hub: Hub, work: Work, asker: Asker, wanted: Urgent, key: str, *, skip_misfits: bool = False) -> int:
    """Writes and submits it, and returns the piece; what was declared under this key already is not declared again.

    Raises SomeDoNotFit, and keeps nothing, where a channel could not take it; `skip_misfits` goes on with the others.
    """
    earlier = work.session.scalars(select(Emergency).where(Emergency.key == key)).one_or_none()
    if earlier is not None:
        return earlier.piece_id
    title, words = wanted.title.strip(), wanted.text.strip()
    if not title:
        raise Invalid(field="title", why="请填写标题。")
    if not words:
        raise Invalid(field="text", why="请填写正文。")
    column = next((one for one in _columns(work.session, asker) if one.id == wanted.column), None)
    if column is None:
        raise Invalid(field="column", why="请选择栏目。")
    draft = Draft(title=title, body=_body(words))
    piece = compose.create(work, asker.viewer, column, draft=draft)
    emergency.declare_emergency(work, asker.viewer, piece, key, wanted.urgency)
    chosen = [Choice(account) for account in wanted.accounts]
    if not chosen:
        raise Invalid(field="accounts", why="请至少选择一个渠道。")
    _give_cover(hub, work, asker, piece, draft, wanted)
    misfits = editorial.misfits(hub, work.session, piece, chosen, wanted.urgency)
    if misfits and not skip_misfits:
        raise SomeDoNotFit(misfits)
    fitting = [choice for choice in chosen if choice.account_id not in misfits]
    if not fitting:
        raise SomeDoNotFit(misfits)
    editorial.submit(hub, work, asker.viewer, piece, fitting, Window(), emergency=True)
    return piece.id


def _give_cover(hub: Hub, work: Work, asker: Asker, piece: Piece, draft: Draft, wanted: Urgent) -> None:
    """The cover that was chosen; where an account needs one and none was, a warning sign in the level's colour."""
    cover, drawn = wanted.cover, False
    if cover is None:
        channels = work.session.scalars(select(Account.channel).where(Account.id.in_(wanted.accounts)))
        drawn = any(limits_of(one).needs_cover for one in channels if one in installed())
        cover = covers.warning(wanted.urgency.level) if drawn else None
    if cover is None:
        return
    alt = "" if drawn else draft.title
    asset = compose.add_picture(work, asker.viewer, piece, hub.blobs, "封面", cover, alt=alt, decorative=drawn)
    compose.save(work, asker.viewer, piece, replace(draft, cover_id=asset.id), piece.version)


def _body(words: str) -> str:
    parts = [part.strip() for part in re.split(r"\n\s*\n|\r?\n", words) if part.strip()]
    return "".join(f"<p>{html.escape(part)}</p>" for part in parts)


def _columns(session: Session, asker: Asker) -> list[Column]:
    """The columns for which a title and a text are enough."""
    found = editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)
    return [one for one in found if not any(spec.required for spec in kind_of(one.kind).fields)]


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    form: FormState | None,
    sent: FormData | None = None,
    misfits: Mapping[int, XuandaError] = MappingProxyType({}),
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        rows = _rows(work.session, asker, work.now)
        units = asker.viewer.units(P.PIECE_READ)
        owed = [_owed(work.session, row, work.now) for row in later.owed_in(work.session, units)]
        writes = asker.may(P.PIECE_WRITE)
        offered = offers(work.session, asker.viewer.unit_id) if writes else []
        sections = _columns(work.session, asker) if writes else []
        frozen = windows.in_force(work.session)
    chosen = sent.getlist("accounts") if sent is not None else [str(offer.account.id) for offer in offered]
    # What cannot take it is left out by itself: sent once more, it goes to the others.
    chosen = [one for one in chosen if one not in {str(account) for account in misfits}]
    faults = {account: error.details["problem"] for account, error in misfits.items()}
    return page(
        request,
        asker,
        "pages/bookings/emergency.html",
        status=status,
        rows=rows,
        columns=columns(hub, asker, *COLUMNS),
        owed=owed,
        owed_columns=columns(hub, asker, *OWED_COLUMNS),
        writes=writes,
        offers=[
            (offer, str(offer.account.id) in chosen, faults.get(offer.account.id, ""), _needs_cover(offer))
            for offer in offered
        ],
        misfits=bool(misfits),
        sections=[(one.id, one.name) for one in sections],
        levels=[(name, say(hub, asker, label)) for name, label in emergency.LEVELS.items()],
        may_act=asker.may(P.DELIVERY_ACT),
        frozen=bool(frozen),
        key=text(sent, "key") if sent is not None else secrets.token_hex(16),
        form=form or FormState(),
    )


def _needs_cover(offer: Offer) -> bool:
    return limits_of(offer.account.channel).needs_cover


def _rows(session: Session, asker: Asker, now: datetime) -> Sequence[Row]:
    query = select(Emergency, Piece, Release).join(Piece, Piece.id == Emergency.piece_id)
    query = query.outerjoin(Release, Release.id == Piece.release_id)
    query = scoped(query, Emergency.unit_id, asker.viewer, P.DELIVERY_READ)
    return [
        Row(
            row,
            piece,
            release,
            emergency.LEVELS.get(row.level, row.level),
            row.banner_until is not None and row.banner_until > now,
        )
        for row, piece, release in session.execute(query.order_by(Emergency.id.desc()).limit(MOST))
    ]


def _owed(session: Session, row: LaterSigning, now: datetime) -> Owed:
    level = later.level_of(session, row)
    words = later.level_name(level) if level else "校对登记"
    return Owed(row, session.get_one(Release, row.release_id), words, row.due_at <= now)
