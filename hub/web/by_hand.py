"""人工发布: a task with everything ready to copy, to be done at the platform and closed with a link or a screenshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import segno
from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Item
from content.errors import NotAPicture
from content.models import Release
from content.pictures import normalise
from content.sanitise import plain
from hub.product import Hub
from hub.web import approval
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import channel_label, delivery_for
from hub.web.forms import FormState, refused
from hub.web.media import blob
from hub.web.pages import page, say, see_other
from hub.web.readers import preview_page
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission
from scheduler import by_hand
from scheduler.errors import TakenMeanwhile
from scheduler.models import Delivery
from scheduler.placements import place_of
from scheduler.posts import item_of, items_of
from scheduler.states import DeliveryState
from templates.catalogue import _
from templates.views import Change

router = APIRouter(prefix="/console/deliveries")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
Text = Annotated[str, Form()]

PNG = b"\x89PNG"


@dataclass(frozen=True)
class Ready:
    """One item ready to copy: its words for this channel, its pictures as (file name, description), what changed."""

    item: Item
    words: str
    pictures: Sequence[tuple[str, str]]
    changes: Sequence[Change]


@router.get("/{delivery_id}/by-hand")
def task(request: Request, hub: HubDep, asker: Reader, delivery_id: int) -> HTMLResponse:
    """The task: what to publish where, and the form that closes it."""
    return _page(request, hub, asker, delivery_id, FormState())


@router.post("/{delivery_id}/by-hand")
def close(
    request: Request,
    hub: HubDep,
    asker: Actor,
    delivery_id: int,
    url: Text = "",
    screenshot: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Closes the task with a link or a picture of the screen."""
    try:
        with hub.works.read() as work:
            delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        sha256 = _keep(hub, screenshot)
        with hub.works.write(asker.actor) as work:
            delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
            by_hand.close(work, asker.viewer, delivery, url, sha256)
    except (NotFound, TakenMeanwhile):
        raise
    except XuandaError as error:
        return _page(request, hub, asker, delivery_id, refused(asker, error, url=url), status=error.status)
    return see_other(f"/console/deliveries/{delivery_id}", say(hub, asker, _("人工发布已登记。")))


@router.get("/{delivery_id}/items/{position}")
def as_readers_see_it(request: Request, hub: HubDep, asker: Reader, delivery_id: int, position: int) -> HTMLResponse:
    """One item as this channel's readers see it, for a frame."""
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        release = next((row[1] for row in items_of(work.session, delivery.id) if row[0].position == position), None)
    if release is None or delivery.channel not in release.content["variants"]:
        raise NotFound
    return preview_page(request, hub, release.content, delivery.channel)


@router.get("/{delivery_id}/screenshot")
def screenshot(hub: HubDep, asker: Reader, delivery_id: int) -> Response:
    """The picture with which a task was closed."""
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
    sha256 = delivery.note.get("screenshot")
    if not sha256:
        raise NotFound
    is_png = hub.blobs.get(sha256).startswith(PNG)
    return blob(hub, sha256, "image/png" if is_png else "image/jpeg")


def _keep(hub: Hub, file: UploadFile | None) -> str:
    data = file.file.read() if file is not None else b""
    if file is None or not data:
        return ""
    try:
        picture = normalise(data, file.filename or "screenshot")
    except NotAPicture as error:
        error.field = "screenshot"
        raise
    return hub.blobs.put(picture.data).sha256


def _page(
    request: Request, hub: Hub, asker: Asker, delivery_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        account = work.session.get_one(Account, delivery.account_id)
        items = _ready(work.session, delivery, hub.settings.address)
    return page(
        request,
        asker,
        "pages/deliveries/by_hand.html",
        status=status,
        delivery=delivery,
        account=account,
        channel=channel_label(delivery.channel),
        action=ACTION_LABELS.get(delivery.action, delivery.action),
        items=items,
        form=form,
        qr=segno.make(f"{hub.settings.console_address}/console/deliveries/{delivery.id}/by-hand").svg_data_uri(
            scale=4, border=2
        ),
        open=delivery.state == DeliveryState.MANUAL and asker.may(P.DELIVERY_ACT, delivery.unit_id),
    )


def _ready(session: Session, delivery: Delivery, address: str) -> list[Ready]:
    found = []
    for row, release, piece in items_of(session, delivery.id):
        if row.dropped:
            continue
        item = item_of(release, piece, delivery.channel, address)
        words = item.text or plain(item.html)
        found.append(Ready(item, words, _pictures(release), _changes(session, delivery, release)))
    return found


def _pictures(release: Release) -> list[tuple[str, str]]:
    about: dict[str, Any] = release.content["pictures"]
    return [
        (f"{sha256}.{'png' if one['media_type'] == 'image/png' else 'jpg'}", str(one["alt"]))
        for sha256, one in about.items()
    ]


def _changes(session: Session, delivery: Delivery, release: Release) -> list[Change]:
    """The words that show now against those to show, for a correction by hand."""
    placement = place_of(session, release.piece_id, delivery) if delivery.action == "correct" else None
    if placement is None or placement.release_id == release.id:
        return []
    before = session.get_one(Release, placement.release_id)
    return approval.changes(_words(before, delivery.channel), _words(release, delivery.channel))


def _words(release: Release, channel: str) -> str:
    content: dict[str, Any] = release.content
    variant = content["variants"].get(channel) or {"title": content["title"], "html": content["body"], "text": ""}
    return f"{variant['title']}\n{variant['text'] or plain(variant['html'])}"
