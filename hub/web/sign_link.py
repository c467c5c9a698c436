"""A link for a phone: it works once, asks for a code sent apart from it, and shows one release and no other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from content import review
from content.models import Release
from hub.auth import links
from hub.auth.errors import LinkRefused
from hub.auth.models import OneTimeLink
from hub.editorial import SIGN_LINK
from hub.product import Hub
from hub.web.access import HubDep, address_of, check_origin, language_of
from hub.web.forms import FormState
from hub.web.pages import plain_page
from hub.web.readers import preview_page
from hub.web.sign_reading import attachment_of, hand_on, picture_of, reading
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Person, Viewer, viewer
from kernel.work import Actor

router = APIRouter(prefix="/s")

Text = Annotated[str, Form()]
PROVED = "release.sign.proved"  # The code was right: the same person on the same device may read and sign for a while.
PROVED_LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Holder:
    """Whose link it is, and the release it is for."""

    link: OneTimeLink
    viewer: Viewer
    actor: Actor
    release: Release


@router.get("/{token}")
def open_link(request: Request, hub: HubDep, token: str) -> HTMLResponse:
    """The signing page once the code was right; before that, the question for the code."""
    with hub.works.read() as work:
        try:
            holder = _holder(request, hub, work.session, token, PROVED, work.now)
        except LinkRefused:
            _holder(request, hub, work.session, token, SIGN_LINK, work.now)
            return _code_page(request, token)
        context = reading(hub, work.session, holder.viewer, holder.release, f"/s/{token}", work.now)
    return _link_page(request, token, FormState(), context)


@router.post("/{token}")
def use_link(
    request: Request,
    hub: HubDep,
    token: str,
    act: Text = "",
    code: Text = "",
    seen: Text = "",
    opinion: Text = "",
    to: Text = "",
) -> Response:
    """Takes the code, or the verdict; the link is used up by the verdict."""
    check_origin(request, hub.settings)
    if act == "code":
        return _prove(request, hub, token, code)
    try:
        with hub.works.read() as work:
            holder = _holder(request, hub, work.session, token, PROVED, work.now)
        title = _decide(hub, holder, token, act, seen, opinion, to)
    except (LinkRefused, NotFound):
        raise
    except XuandaError as error:
        with hub.works.read() as work:
            context = reading(hub, work.session, holder.viewer, holder.release, f"/s/{token}", work.now)
        form = FormState({"opinion": opinion}, error.field, error.message(language_of(request)))
        return _link_page(request, token, form, context, error.status)
    return plain_page(request, "pages/signing/done.html", title=title, act=act)


@router.get("/{token}/preview/{channel}")
def link_preview(request: Request, hub: HubDep, token: str, channel: str) -> HTMLResponse:
    """One variant, for the frame on the phone."""
    with hub.works.read() as work:
        release = _holder(request, hub, work.session, token, PROVED, work.now).release
    if channel not in release.content["variants"]:
        raise NotFound
    return preview_page(request, hub, release.content, channel, f"/s/{token}")


@router.get("/{token}/media/{name}")
def linkpicture_of(request: Request, hub: HubDep, token: str, name: str) -> Response:
    """A picture of the release the link is for, and no other."""
    with hub.works.read() as work:
        release = _holder(request, hub, work.session, token, PROVED, work.now).release
    return picture_of(hub, release, name)


@router.get("/{token}/files/{sha256}/{name}")
def link_attachment(request: Request, hub: HubDep, token: str, sha256: str, name: str) -> Response:
    """An attachment of the release the link is for, and no other, always as a download."""
    with hub.works.read() as work:
        release = _holder(request, hub, work.session, token, PROVED, work.now).release
    return attachment_of(hub, release, sha256, name)


def _prove(request: Request, hub: Hub, token: str, code: str) -> Response:
    with hub.works.write(Actor("link", address=address_of(request, hub.settings))) as work:
        used = links.use(work, token, SIGN_LINK, code)
        if isinstance(used, OneTimeLink):
            release = work.session.get_one(Release, used.object_id)
            proved = links.issue(work, PROVED, used.person_id, PROVED_LASTS, target=release)
    if isinstance(used, OneTimeLink):
        return RedirectResponse(f"/s/{proved.token}", status_code=303)
    if isinstance(used, LinkRefused):
        raise used
    return _code_page(request, token, used.message(language_of(request)), used.status)


def _decide(hub: Hub, holder: Holder, token: str, act: str, seen: str, opinion: str, to: str) -> str:
    with hub.works.write(holder.actor) as work:
        release = work.session.get_one(Release, holder.release.id)
        context = reading(hub, work.session, holder.viewer, release, f"/s/{token}", work.now)
        principal = context["on_behalf_of"].id if context["on_behalf_of"] else None
        if act == "agree":
            review.sign(work, holder.viewer, release, seen, opinion, on_behalf_of=principal, method="link")
        elif act == "return":
            review.send_back(work, holder.viewer, release, opinion, on_behalf_of=principal, method="link")
        elif act == "delegate":
            hand_on(hub, work, holder.viewer, release, to)
        else:
            raise Invalid(field="act", why="没有选择要做的事。")
        used = links.use(work, token, PROVED)
        if not isinstance(used, OneTimeLink):
            raise used
    return str(release.content["title"])


def _holder(request: Request, hub: Hub, session: Session, token: str, purpose: str, now: datetime) -> Holder:
    link = links.find(session, token, purpose, now)
    person = session.get_one(Person, link.person_id)
    release = session.get(Release, link.object_id)
    if release is None or not person.active:
        raise LinkRefused
    who = viewer(session, person, now)
    actor = Actor(person.name, person.id, person.unit_id, address_of(request, hub.settings))
    return Holder(link, replace(who), actor, release)


def _code_page(request: Request, token: str, fault: str = "", status: int = 200) -> HTMLResponse:
    return plain_page(request, "pages/signing/code.html", status=status, token=token, fault=fault)


def _link_page(
    request: Request, token: str, form: FormState, context: dict[str, Any], status: int = 200
) -> HTMLResponse:
    return plain_page(request, "pages/signing/link.html", status=status, token=token, form=form, **context)
