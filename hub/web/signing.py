"""审核中心: the signer's queue, the page on which a release is read and signed, paper, and the link for a phone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import release as releases
from content import review, rules
from content.errors import NoRight
from content.models import Piece, Release, Revision
from content.pictures import normalise
from content.review import Paper
from content.states import ReleaseState
from hub import editorial
from hub.auth import links
from hub.auth.errors import LinkRefused
from hub.auth.models import OneTimeLink
from hub.editorial import SIGN_LINK, Waiting, release_for
from hub.product import Hub
from hub.web import approval
from hub.web.access import Asker, HubDep, address_of, check_origin, language_of
from hub.web.forms import FormState
from hub.web.media import NAME, PICTURES, blob
from hub.web.pages import page, plain_page, say, see_other
from hub.web.readers import preview_page, shown
from hub.web.signing_guard import SigningGuard
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person, Viewer, viewer
from kernel.work import Actor, Work
from templates.catalogue import _
from templates.views import Change

router = APIRouter(prefix="/console/signing")
public = APIRouter(prefix="/s")

P = Permission
Signer = Annotated[Asker, Depends(SigningGuard())]
Text = Annotated[str, Form()]

PROVED = "release.sign.proved"  # The code was right: the same person on the same device may read and sign for a while.
PROVED_LASTS = timedelta(minutes=30)
SCANS = (".pdf", ".jpg", ".jpeg", ".png", ".heic")
MOST_DONE = 20


# --- the queue -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A waiting release in the queue with what changed since its last signed version."""

    waiting: Waiting
    level: str
    author: str
    before: Release | None
    changes: list[Change]


@router.get("")
def queue(request: Request, hub: HubDep, asker: Signer) -> HTMLResponse:
    """待审: what waits for this person, with the differences to what was signed before."""
    with hub.works.read() as work:
        waiting = editorial.waiting_for(work.session, asker.viewer, work.now)
        lines = [_line(work.session, one) for one in waiting]
        done = work.session.scalars(
            select(Release)
            .where(
                Release.unit_id.in_(editorial.readable_units(work.session, asker.viewer, work.now)),
                Release.state != ReleaseState.OPEN,
            )
            .order_by(Release.id.desc())
            .limit(MOST_DONE)
        ).all()
    return page(request, asker, "pages/signing/queue.html", lines=lines, done=done)


def _line(session: Session, waiting: Waiting) -> Line:
    release = waiting.release
    before = approval.last_signed(session, release)
    changed = approval.changes(approval.as_text(before.content), approval.as_text(release.content)) if before else []
    piece = session.get_one(Piece, release.piece_id)
    return Line(
        waiting,
        rules.level_name(waiting.level, release.levels),
        session.get_one(Person, piece.author_id).name,
        before,
        [change for change in changed if change.op != "same"][:6],
    )


# --- one release -----------------------------------------------------------------------------------------------


@router.get("/{release_id}")
def one_release(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """Every variant as its reader will see it, what was found, what changed, who signed."""
    return _page(request, hub, asker, release_id)


@router.get("/{release_id}/preview/{channel}")
def preview(request: Request, hub: HubDep, asker: Signer, release_id: int, channel: str) -> HTMLResponse:
    """One variant in a page of its own."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
    if channel not in release.content["variants"]:
        raise NotFound
    return preview_page(request, hub, release.content, channel, f"/console/signing/{release_id}/media")


@router.get("/{release_id}/media/{name}")
def release_picture(hub: HubDep, asker: Signer, release_id: int, name: str) -> Response:
    """A picture of the release, for whoever may read it."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
    return _picture(hub, release, name)


@router.post("/{release_id}/agree")
def agree(
    request: Request,
    hub: HubDep,
    asker: Signer,
    release_id: int,
    seen: Text = "",
    opinion: Text = "",
    on_behalf_of: Text = "",
) -> Response:
    """同意: signs the waiting level over the hash of what was shown."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.sign(
                work, asker.viewer, release, seen, opinion, on_behalf_of=_principal(on_behalf_of), method="console"
            )
    except XuandaError as error:
        return _refused(request, hub, asker, release_id, error, opinion)
    return see_other("/console/signing", say(hub, asker, _("已签：%(title)s"), title=release.content["title"]))


@router.post("/{release_id}/return")
def send_back(
    request: Request, hub: HubDep, asker: Signer, release_id: int, opinion: Text = "", on_behalf_of: Text = ""
) -> Response:
    """退回 with a reason."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.send_back(work, asker.viewer, release, opinion, on_behalf_of=_principal(on_behalf_of))
    except XuandaError as error:
        return _refused(request, hub, asker, release_id, error, opinion)
    return see_other("/console/signing", say(hub, asker, _("已退回，撰稿人会收到通知。")))


@router.post("/{release_id}/delegate")
def delegate(request: Request, hub: HubDep, asker: Signer, release_id: int, to: Text = "") -> Response:
    """转交: asks another person who may sign this level to do it."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            chosen = _hand_on(hub, work, asker.viewer, release, to)
    except XuandaError as error:
        return _refused(request, hub, asker, release_id, error)
    return see_other("/console/signing", say(hub, asker, _("已转交%(name)s，对方会收到通知。"), name=chosen.name))


@router.post("/{release_id}/proof")
def proof(request: Request, hub: HubDep, asker: Signer, release_id: int, person: Text = "") -> Response:
    """登记校对: one proof pass by the named person."""
    try:
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            review.record_proof(work, asker.viewer, release, _principal(person))
    except XuandaError as error:
        return _refused(request, hub, asker, release_id, error)
    return see_other(f"/console/signing/{release_id}#proofs", say(hub, asker, _("已登记校对。")))


# --- on paper --------------------------------------------------------------------------------------------------


@router.get("/{release_id}/form")
def approval_form(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """信息发布审核表, to print and to sign on paper."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        form = approval.form_of(work.session, release, hub.settings.office_zone, work.now)
    back = f"/console/signing/{release_id}"
    return page(request, asker, "pages/approval_form.html", form=form, back_href=back)


@router.get("/{release_id}/paper")
def paper_page(request: Request, hub: HubDep, asker: Signer, release_id: int) -> HTMLResponse:
    """The form for filing a release that was signed on paper."""
    return _paper_page(request, hub, asker, release_id, FormState())


@router.post("/{release_id}/paper")
def file_paper(
    request: Request,
    hub: HubDep,
    asker: Signer,
    release_id: int,
    file: Annotated[UploadFile | None, File()] = None,
    person: Text = "",
    check: Text = "",
    opinion: Text = "",
) -> Response:
    """线下签: files the scan of the printed form, in the name of who signed it; never by the author."""
    try:
        scan = _scan(hub, file)
        with hub.works.write(asker.actor) as work:
            release = release_for(work.session, asker.viewer, release_id, work.now)
            signer = _paper_signer(work, asker, release, person)
            if check.strip().lower() != release.hash[: len(check.strip())] or len(check.strip()) < 8:
                raise Invalid(field="check", why="校验值与本发布件不符，请核对纸质审核表是否为最新一版。")
            method = Paper(scan, asker.viewer.person_id)
            review.sign(work, viewer(work.session, signer, work.now), release, release.hash, opinion, paper=method)
            work.audit("release.paper_filed", release, signer=signer.name, scan=scan)
    except XuandaError as error:
        form = FormState(
            {"person": person, "check": check, "opinion": opinion}, error.field, error.message(asker.language)
        )
        return _paper_page(request, hub, asker, release_id, form, error.status)
    return see_other(f"/console/signing/{release_id}", say(hub, asker, _("线下签已登记。")))


def _paper_signer(work: Work, asker: Asker, release: Release, person: str) -> Person:
    if not (asker.may(P.PIECE_WRITE, release.unit_id) or asker.may(P.PIECE_REVIEW, release.unit_id)):
        raise NoRight(what="登记线下签")
    signers = editorial.signers_of(work.session, release, work.now)
    signer = next((one for one in signers if str(one.id) == person), None)
    if signer is None:
        raise Invalid(field="person", why="请选择在纸质审核表上签字、且有权审签这一级的人。")
    return signer


def _scan(hub: Hub, file: UploadFile | None) -> str:
    name = (file.filename or "").lower() if file else ""
    if file is None or not name.endswith(SCANS):
        raise Invalid(field="file", why="请上传签字页的扫描件或照片（PDF、JPG、PNG、HEIC）。")
    data = file.file.read()
    if name.endswith(".pdf"):
        if not data.startswith(b"%PDF-"):
            raise Invalid(field="file", why="此文件不是 PDF。")
        return hub.blobs.put(data).sha256
    return hub.blobs.put(normalise(data, name).data).sha256


def _paper_page(
    request: Request, hub: Hub, asker: Asker, release_id: int, form: FormState, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        signers = editorial.signers_of(work.session, release, work.now)
        level = review.next_level(work.session, release)
    return page(
        request,
        asker,
        "pages/signing/paper.html",
        status=status,
        release=release,
        signers=[(person.id, person.name) for person in signers],
        level=rules.level_name(level, release.levels) if level <= release.levels else "",
        number=approval.form_number(release, hub.settings.office_zone),
        form=form,
    )


# --- the page --------------------------------------------------------------------------------------------------


def _page(
    request: Request, hub: Hub, asker: Asker, release_id: int, form: FormState | None = None, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        context = reading(hub, work.session, asker.viewer, release, f"/console/signing/{release_id}", work.now)
        people = _proofreaders(work.session, release)
    context["may_proof"] = asker.may(P.PIECE_REVIEW, release.unit_id) or asker.may(P.PIECE_WRITE, release.unit_id)
    return page(
        request,
        asker,
        "pages/signing/one.html",
        status=status,
        form=form or FormState(),
        proofreaders=people,
        **context,
    )


def reading(hub: Hub, session: Session, who: Viewer, release: Release, base: str, now: datetime) -> dict[str, Any]:
    """What a signer is shown of a release, in the console and by a link alike; `base` is where its pages are."""
    piece = session.get_one(Piece, release.piece_id)
    before = approval.last_signed(session, release)
    people = [None, *review.principals(session, who.person_id, now)]
    able = [one for one in people if review.may_sign(session, who, release, now, one.id if one else None)]
    level = review.next_level(session, release)
    content: Mapping[str, Any] = release.content
    return {
        "release": release,
        "piece": piece,
        "author": session.get_one(Person, piece.author_id),
        "frames": shown(content, f"{base}/preview", f"{base}/media"),
        "chain": approval.chain(session, release),
        "proofs": approval.proofs(session, release),
        "lifts": approval.lifts(session, release.revision_id),
        "warnings": _warnings(session, release),
        "before": before,
        "changes": approval.changes(approval.as_text(before.content), approval.as_text(content)) if before else [],
        "window": approval.window_words(content["window"], hub.settings.office_zone),
        "audience": approval.audience_words(content["targets"]),
        "may_sign": bool(able),
        "on_behalf_of": able[0] if able else None,
        "level": rules.level_name(level, release.levels) if level <= release.levels else "",
        "last": level == release.levels,
        "proofs_missing": sum(1 for _name, person, _at in approval.proofs(session, release) if not person),
        "others": [(person.id, person.name) for person in _others(session, release, who, now)],
        "number": approval.form_number(release, hub.settings.office_zone),
    }


def _warnings(session: Session, release: Release) -> list[Any]:
    piece = session.get_one(Piece, release.piece_id)
    revision = session.get_one(Revision, release.revision_id)
    return [finding for finding, lift in releases.check(session, piece, revision) if lift is None]


def _hand_on(hub: Hub, work: Work, who: Viewer, release: Release, to: str) -> Person:
    chosen = next((one for one in _others(work.session, release, who, work.now) if str(one.id) == to), None)
    if chosen is None:
        raise Invalid(field="to", why="请选择可以审签这一级的人。")
    words = f"{who.name}请您审签《{release.content['title']}》。"
    key = f"delegated:{release.id}:{who.person_id}:{chosen.id}:{work.now:%Y%m%d%H%M}"
    editorial.tell_signer(hub, work, release, chosen.id, words, key)
    work.audit("release.delegated", release, to=chosen.name, hash=release.hash)
    return chosen


def _others(session: Session, release: Release, who: Viewer, now: datetime) -> list[Person]:
    if release.state != ReleaseState.OPEN:
        return []
    return [person for person in editorial.signers_of(session, release, now) if person.id != who.person_id]


def _proofreaders(session: Session, release: Release) -> list[tuple[int, str]]:
    query = select(Person).where(Person.unit_id == release.unit_id, Person.active).order_by(Person.id)
    return [(person.id, person.name) for person in session.scalars(query)]


def _refused(
    request: Request, hub: Hub, asker: Asker, release_id: int, error: XuandaError, opinion: str = ""
) -> HTMLResponse:
    if isinstance(error, NotFound):
        raise error
    form = FormState({"opinion": opinion}, error.field, error.message(asker.language))
    return _page(request, hub, asker, release_id, form, error.status)


def _picture(hub: Hub, release: Release, name: str) -> Response:
    found = NAME.fullmatch(name)
    if found is None or found[1] not in release.content["pictures"]:
        raise NotFound
    return blob(hub, found[1], PICTURES[found[2]])


def _principal(text: str) -> int | None:
    return int(text) if text.isdigit() and len(text) <= 18 else None


# --- a link for a phone ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Holder:
    """Whose link it is, and the release it is for."""

    link: OneTimeLink
    viewer: Viewer
    actor: Actor
    release: Release


@public.get("/{token}")
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


@public.post("/{token}")
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


@public.get("/{token}/preview/{channel}")
def link_preview(request: Request, hub: HubDep, token: str, channel: str) -> HTMLResponse:
    """One variant, for the frame on the phone."""
    with hub.works.read() as work:
        release = _holder(request, hub, work.session, token, PROVED, work.now).release
    if channel not in release.content["variants"]:
        raise NotFound
    return preview_page(request, hub, release.content, channel, f"/s/{token}/media")


@public.get("/{token}/media/{name}")
def link_picture(request: Request, hub: HubDep, token: str, name: str) -> Response:
    """A picture of the release the link is for, and no other."""
    with hub.works.read() as work:
        release = _holder(request, hub, work.session, token, PROVED, work.now).release
    return _picture(hub, release, name)


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
            _hand_on(hub, work, holder.viewer, release, to)
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
