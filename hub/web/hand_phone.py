"""人工发布 on a phone: the page behind the task's QR code, without a log-in, for a while and until the task is closed.

Whoever holds the link acts in the name of the person who made it; each opening and each package is in the audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.base import ACTION_LABELS
from hub.auth import links
from hub.auth.errors import LinkRefused
from hub.auth.models import OneTimeLink
from hub.product import Hub
from hub.web.access import HubDep, address_of, check_origin, language_of
from hub.web.by_hand import HAND_LINK, keep_screenshot
from hub.web.deliveries import channel_label
from hub.web.forms import FormState
from hub.web.hand_package import package
from hub.web.hand_ready import ready_items
from hub.web.media import blob
from hub.web.pages import plain_page
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Person, Viewer, viewer
from kernel.work import Actor
from scheduler import by_hand
from scheduler.errors import TakenMeanwhile
from scheduler.models import Delivery
from scheduler.states import DeliveryState

router = APIRouter(prefix="/h")

Text = Annotated[str, Form()]


@dataclass(frozen=True)
class Holder:
    """In whose name the link acts, and on which task."""

    viewer: Viewer
    actor: Actor
    delivery: Delivery
    ends: datetime


@router.get("/{token}")
def open_task(request: Request, hub: HubDep, token: str) -> HTMLResponse:
    """The task ready to copy; every opening is noted."""
    with hub.works.read() as work:
        actor = _holder(request, hub, work.session, token, work.now).actor
    with hub.works.write(actor) as work:
        holder = _holder(request, hub, work.session, token, work.now)
        work.audit("delivery.phone_opened", holder.delivery)
    return _page(request, hub, token, FormState())


@router.post("/{token}")
def close_task(
    request: Request,
    hub: HubDep,
    token: str,
    url: Text = "",
    screenshot: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Closes the task with a link or a picture of the screen; the link is used up by it."""
    check_origin(request, hub.settings)
    try:
        with hub.works.read() as work:
            actor = _holder(request, hub, work.session, token, work.now).actor
        sha256 = keep_screenshot(hub, screenshot)
        with hub.works.write(actor) as work:
            holder = _holder(request, hub, work.session, token, work.now)
            by_hand.close(work, holder.viewer, holder.delivery, url, sha256)
            used = links.use(work, token, HAND_LINK)
            if not isinstance(used, OneTimeLink):
                raise used
    except (LinkRefused, NotFound, TakenMeanwhile):
        raise
    except XuandaError as error:
        form = FormState({"url": url}, error.field, error.message(language_of(request)))
        return _page(request, hub, token, form, status=error.status)
    return plain_page(request, "pages/deliveries/phone_done.html")


@router.get("/{token}/package.zip")
def package_of(request: Request, hub: HubDep, token: str) -> Response:
    """Everything in one file."""
    with hub.works.read() as work:
        actor = _holder(request, hub, work.session, token, work.now).actor
    with hub.works.write(actor) as work:
        holder = _holder(request, hub, work.session, token, work.now)
        work.audit("delivery.packaged", holder.delivery, phone=True)
        account = work.session.get_one(Account, holder.delivery.account_id).name
        items = ready_items(work.session, holder.delivery, hub.settings.address)
    return package(hub, holder.delivery, account, items)


@router.get("/{token}/media/{name}")
def picture(request: Request, hub: HubDep, token: str, name: str) -> Response:
    """A picture of the task the link is for, and no other."""
    with hub.works.read() as work:
        holder = _holder(request, hub, work.session, token, work.now)
        items = ready_items(work.session, holder.delivery, hub.settings.address)
    found = next((one for ready in items for one in ready.pictures if one.name == name), None)
    if found is None:
        raise NotFound
    return blob(hub, found.sha256, "image/png" if found.extension == "png" else "image/jpeg")


def _holder(request: Request, hub: Hub, session: Session, token: str, now: datetime) -> Holder:
    link = links.find(session, token, HAND_LINK, now)
    person = session.get_one(Person, link.person_id)
    delivery = session.get(Delivery, link.object_id)
    if delivery is None or not person.active or delivery.state != DeliveryState.MANUAL:
        raise LinkRefused
    who = viewer(session, person, now)
    if not who.may(Permission.DELIVERY_ACT, delivery.unit_id):
        raise LinkRefused
    actor = Actor(person.name, person.id, person.unit_id, address_of(request, hub.settings))
    return Holder(who, actor, delivery, link.expires_at)


def _page(request: Request, hub: Hub, token: str, form: FormState, *, status: int = 200) -> HTMLResponse:
    with hub.works.read() as work:
        holder = _holder(request, hub, work.session, token, work.now)
        account = work.session.get_one(Account, holder.delivery.account_id)
        items = ready_items(work.session, holder.delivery, hub.settings.address)
    left = int((holder.ends - hub.clock.now()) / timedelta(minutes=1))
    return plain_page(
        request,
        "pages/deliveries/phone.html",
        status=status,
        token=token,
        delivery=holder.delivery,
        account=account,
        channel=channel_label(holder.delivery.channel),
        action=ACTION_LABELS.get(holder.delivery.action, holder.delivery.action),
        items=items,
        form=form,
        needs_link=by_hand.needs_link(holder.delivery),
        minutes=left,
    )
