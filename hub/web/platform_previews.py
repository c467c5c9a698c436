"""平台预览: an item as the platform itself shows it, for the editor and the signer; and who gets it on his phone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.preview import Previewing
from channels.accounts.models import Account
from channels.registry import channels
from content.models import Lift, Piece, Release
from content.states import ReleaseState
from hub import editorial
from hub.editorial import piece_for, release_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may, signed_in
from hub.web.pages import fragment, say, see_other
from hub.web.piece_checks import content_of
from hub.web.signing_guard import SigningGuard
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person
from kernel.work import Work
from scheduler.posts import item_of, item_with
from scheduler.previews import store
from scheduler.previews.models import Preview, PreviewReader, PreviewSend, PreviewState, SendState
from templates.catalogue import _

router = APIRouter(prefix="/console")

P = Permission
Reader = Annotated[Asker, Depends(may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Signer = Annotated[Asker, Depends(SigningGuard())]
Anybody = Annotated[Asker, Depends(signed_in())]
Text = Annotated[str, Form()]

SEND_WORDS = {
    SendState.WAITING: (_("等待发送"), "plain"),
    SendState.SENDING: (_("正在发送"), "plain"),
    SendState.SENT: (_("已发送"), "good"),
    SendState.FAILED: (_("没有发出"), "bad"),
    SendState.UNKNOWN: (_("结果不明，未重发"), "warn"),
}


# Where nothing can be done about a preview, as behind a link.
READ_ONLY: Mapping[str, Any] = {
    "platform_base": "",
    "platform_moving": False,
    "platform_makes": False,
    "platform_lifts": False,
    "platform_mine": False,
}


@dataclass(frozen=True)
class Line:
    """One loss with its lifting, and the name it is let pass under."""

    level: str
    message: str
    key: str
    lift: Lift | None


@dataclass(frozen=True)
class Shown:
    """One account's preview as pages show it. `state` is that of the row, or `none` where there is none yet."""

    account: Account
    label: str
    state: str
    preview: Preview | None
    qr: str
    lines: Sequence[Line]
    sends: Sequence[tuple[str, PreviewSend, str, str]]

    @property
    def blocking(self) -> int:
        """How many losses stand in a signature's way."""
        return sum(1 for line in self.lines if line.level == "block" and line.lift is None)


def of_release(hub: Hub, session: Session, release: Release) -> list[Shown]:
    """The previews of a release, account by account."""
    piece = session.get_one(Piece, release.piece_id)
    passed = store.lifted(session, release.revision_id)
    found = []
    for account in store.targets(session, release):
        seen = store.hash_of(item_of(release, piece, account.channel, hub.settings.address))
        found.append(_shown(session, piece, account, seen, passed))
    return found


def of_piece(hub: Hub, session: Session, piece: Piece) -> list[Shown]:
    """The previews of a piece's newest words, for every account that could show one."""
    accounts = [
        offer.account for offer in editorial.offers(session, piece.unit_id) if store.able(offer.account.channel)
    ]
    if not accounts or piece.revision_id is None:
        return []
    passed = store.lifted(session, piece.revision_id)
    release = session.get(Release, piece.release_id) if piece.release_id else None
    if release is not None and release.state in (ReleaseState.OPEN, ReleaseState.SIGNED):
        return of_release(hub, session, release)
    content = content_of(hub, session, piece)
    return [
        _shown(
            session, piece, one, store.hash_of(item_with(content, piece, 0, one.channel, hub.settings.address)), passed
        )
        for one in accounts
    ]


def _shown(session: Session, piece: Piece, account: Account, seen: str, passed: Mapping[str, Lift]) -> Shown:
    row = store.current(session, piece.id, account.id, seen)
    old = row or store.last(session, piece.id, account.id)
    sends = store.sends_of(session, [row.id]) if row else []
    names = {
        person.id: person.name
        for person in session.scalars(select(Person).where(Person.id.in_([one.person_id for one in sends])))
    }
    lines = [
        Line(loss["level"], loss["message"], store.finding_key(loss), passed.get(store.finding_key(loss)))
        for loss in (row.losses if row else ())
    ]
    return Shown(
        account,
        channels()[account.channel].label,
        row.state if row else "outdated" if old else "none",
        row,
        segno.make(row.url, error="m").svg_data_uri(scale=4, border=2) if row and row.url else "",
        lines,
        [(names[one.person_id], one, *SEND_WORDS[SendState(one.state)]) for one in sends],
    )


def moving(shown: Sequence[Shown]) -> bool:
    """Whether something changes by itself within moments."""
    return any(
        one.state == PreviewState.WANTED
        or any(send.state in (SendState.WAITING, SendState.SENDING) for _name, send, _words, _tone in one.sends)
        for one in shown
    )


# --- the editor's page -------------------------------------------------------------------------------------------


@router.get("/pieces/{piece_id}/platform")
def piece_platform(request: Request, hub: HubDep, asker: Reader, piece_id: int) -> HTMLResponse:
    """The previews of a piece, asked for again while one is being made."""
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id)
        context = piece_context(hub, work.session, asker, piece)
    return fragment(request, asker, "pages/platform/card.html", "platform", **context)


@router.post("/pieces/{piece_id}/platform")
def preview_piece(hub: HubDep, asker: Writer, piece_id: int, account: Text = "") -> Response:
    """Makes a preview of the newest saved words on one account."""
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        chosen = next(
            (one.account for one in of_piece(hub, work.session, piece) if str(one.account.id) == account), None
        )
        if chosen is None:
            raise Invalid(field="account", why="所选账号不能生成平台预览。")
        release = work.session.get(Release, piece.release_id) if piece.release_id else None
        if release is not None and release.state in (ReleaseState.OPEN, ReleaseState.SIGNED):
            item, number = item_of(release, piece, chosen.channel, hub.settings.address), release.id
        else:
            content = content_of(hub, work.session, piece)
            item, number = item_with(content, piece, 0, chosen.channel, hub.settings.address), None
        store.want(work, piece, chosen, item, release_id=number, anew=True)
    return see_other(f"/console/pieces/{piece_id}#platform", say(hub, asker, _("正在生成平台预览，完成后自动显示。")))


def piece_context(hub: Hub, session: Session, asker: Asker, piece: Piece) -> dict[str, Any]:
    """What the card on the editor's page needs."""
    shown = of_piece(hub, session, piece)
    return {
        "platform": shown,
        "platform_base": f"/console/pieces/{piece.id}/platform",
        "platform_moving": moving(shown),
        "platform_makes": asker.may(P.PIECE_WRITE, piece.unit_id),
        "platform_lifts": False,
        "platform_mine": False,
    }


# --- the signer's page -------------------------------------------------------------------------------------------


@router.get("/signing/{release_id}/platform")
def release_platform(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """The previews of a release."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        context = release_context(hub, work.session, asker, release)
    return fragment(request, asker, "pages/platform/card.html", "platform", **context)


@router.post("/signing/{release_id}/platform")
def act_on_release(
    hub: HubDep, asker: Signer, release_id: int, act: Text = "", account: Text = "", loss: Text = "", reason: Text = ""
) -> Response:
    """重新生成, 发到我的手机, or 放行 of one loss."""
    back = f"/console/signing/{release_id}#platform"
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            told = _act(hub, work, asker, release, act, account, loss, reason)
    except Invalid as error:
        if act != "send":
            raise
        return see_other(back, error.message(asker.language), "bad")
    return see_other(back, say(hub, asker, told))


def _act(hub: Hub, work: Work, asker: Asker, release: Release, act: str, account: str, loss: str, reason: str) -> str:
    piece = work.session.get_one(Piece, release.piece_id)
    chosen = next((one for one in store.targets(work.session, release) if str(one.id) == account), None)
    if chosen is None or release.state not in (ReleaseState.OPEN, ReleaseState.SIGNED):
        raise NotFound
    item = item_of(release, piece, chosen.channel, hub.settings.address)
    if act == "make":
        store.want(work, piece, chosen, item, release_id=release.id, anew=True)
        return _("正在生成平台预览，完成后自动显示。")
    row = store.current(work.session, piece.id, chosen.id, store.hash_of(item))
    if row is None:
        raise Invalid(field="preview", why="预览还没有生成，或已过期。")
    if act == "send":
        store.send_to(work, row, asker.viewer.person_id)
        return _("正在发到您的手机。")
    if act == "lift":
        store.lift(work, asker.viewer, release, row, loss, reason)
        return _("已放行，理由已记入审核表。")
    raise NotFound


def release_context(hub: Hub, session: Session, asker: Asker, release: Release) -> dict[str, Any]:
    """What the card on the signing page needs."""
    shown = of_release(hub, session, release)
    piece = session.get_one(Piece, release.piece_id)
    own = asker.viewer.person_id in (piece.author_id, release.submitted_by)
    going_on = release.state in (ReleaseState.OPEN, ReleaseState.SIGNED)
    return {
        "platform": shown,
        "platform_base": f"/console/signing/{release.id}/platform",
        "platform_moving": moving(shown),
        "platform_makes": going_on,
        "platform_lifts": release.state == ReleaseState.OPEN and not own and asker.may(P.FINDING_LIFT, release.unit_id),
        "platform_mine": going_on,
    }


# --- one's own phone -----------------------------------------------------------------------------------------------


@router.post("/me/previews")
def own_reader(hub: HubDep, asker: Anybody, channel: Text = "", reader: Text = "", agreed: Text = "") -> Response:
    """Where this person wants previews, with his consent; an empty address forgets it."""
    with hub.works.write(asker.actor) as work:
        store.set_reader(work, asker.viewer.person_id, channel, reader, agreed=bool(agreed))
    told = _("已保存，待您审签的文章会发到您的手机预览。") if reader.strip() else _("已删除，不再向您发送预览。")
    return see_other("/console/me#previews", say(hub, asker, told))


def readers_of(session: Session, person_id: int) -> list[tuple[str, str, str, str, PreviewReader | None]]:
    """The kinds of channel that show previews: name, label, what to enter, help, and what this person entered."""
    rows = {row.channel: row for row in session.scalars(select(PreviewReader).filter_by(person_id=person_id))}
    return [
        (name, adapter.label, adapter.reader_label, adapter.reader_help, rows.get(name))
        for name, adapter in channels().items()
        if issubclass(adapter, Previewing)
    ]
