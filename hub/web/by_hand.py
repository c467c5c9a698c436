"""人工发布: a task with everything ready to copy, to be done at the platform and closed with a link or a screenshot."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import segno
from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response

from channels.accounts.models import Account
from channels.base import ACTION_LABELS
from content.errors import NotAPicture
from content.pictures import normalise
from hub.auth import links
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.deliveries import channel_label, delivery_for
from hub.web.forms import FormState, refused
from hub.web.hand_package import package
from hub.web.hand_ready import ready_items
from hub.web.media import blob
from hub.web.pages import page, say, see_other
from hub.web.readers import preview_page
from kernel.errors import NotFound, WrongState, XuandaError
from kernel.people import Permission
from scheduler import by_hand
from scheduler.errors import TakenMeanwhile
from scheduler.posts import item_sent, items_of
from scheduler.states import DELIVERY_LABELS, DeliveryState
from templates.catalogue import _

router = APIRouter(prefix="/console/deliveries")

P = Permission
Reader = Annotated[Asker, Depends(may(P.DELIVERY_READ))]
Actor = Annotated[Asker, Depends(may(P.DELIVERY_ACT))]
Text = Annotated[str, Form()]

PNG = b"\x89PNG"
HAND_LINK = "delivery.by_hand"
# As long as it takes to publish something by hand, and no longer: there is no log-in behind it.
PHONE_LASTS = timedelta(hours=2)


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
        sha256 = keep_screenshot(hub, screenshot)
        with hub.works.write(asker.actor) as work:
            delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
            by_hand.close(work, asker.viewer, delivery, url, sha256)
    except (NotFound, TakenMeanwhile):
        raise
    except XuandaError as error:
        return _page(request, hub, asker, delivery_id, refused(asker, error, url=url), status=error.status)
    return see_other(f"/console/deliveries/{delivery_id}", say(hub, asker, _("人工发布已登记。")))


@router.post("/{delivery_id}/by-hand/phone")
def on_a_phone(request: Request, hub: HubDep, asker: Actor, delivery_id: int) -> HTMLResponse:
    """A link for a phone, shown once as a QR code; the one before stops working."""
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id, P.DELIVERY_ACT)
        if delivery.state != DeliveryState.MANUAL:
            raise WrongState(state=DELIVERY_LABELS[DeliveryState(delivery.state)], act="在手机上打开任务")
        made = links.issue(work, HAND_LINK, asker.viewer.person_id, PHONE_LASTS, target=delivery)
    return _page(request, hub, asker, delivery_id, FormState(), phone=f"{hub.settings.address}/h/{made.token}")


@router.get("/{delivery_id}/by-hand/package.zip")
def package_of(hub: HubDep, asker: Reader, delivery_id: int) -> Response:
    """Everything of the task in one file."""
    with hub.works.write(asker.actor) as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        work.audit("delivery.packaged", delivery, phone=False)
        account = work.session.get_one(Account, delivery.account_id).name
        items = ready_items(work.session, delivery, hub.settings.address)
    return package(hub, delivery, account, items)


@router.get("/{delivery_id}/items/{position}")
def as_readers_see_it(request: Request, hub: HubDep, asker: Reader, delivery_id: int, position: int) -> HTMLResponse:
    """One item as this channel's readers see it, for a frame."""
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        found = next((row for row in items_of(work.session, delivery.id) if row[0].position == position), None)
        if found is None or delivery.channel not in found[1].content["variants"]:
            raise NotFound
        item = item_sent(work.session, delivery, found[1], found[2], hub.settings.address)
    variants = item.content["variants"]
    own = {**variants[delivery.channel], "html": item.html}
    content = {**item.content, "variants": {**variants, delivery.channel: own}}
    return preview_page(request, hub, content, delivery.channel)


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


def keep_screenshot(hub: Hub, file: UploadFile | None) -> str:
    """Keeps a picture of the screen; '' without one. Raises NotAPicture."""
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
    request: Request,
    hub: Hub,
    asker: Asker,
    delivery_id: int,
    form: FormState,
    *,
    phone: str = "",
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        delivery = delivery_for(work.session, asker, delivery_id)
        account = work.session.get_one(Account, delivery.account_id)
        items = ready_items(work.session, delivery, hub.settings.address)
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
        needs_link=by_hand.needs_link(delivery),
        phone=phone,
        qr=segno.make(phone).svg_data_uri(scale=4, border=2) if phone else "",
        hours=PHONE_LASTS // timedelta(hours=1),
        open=delivery.state == DeliveryState.MANUAL and asker.may(P.DELIVERY_ACT, delivery.unit_id),
    )
