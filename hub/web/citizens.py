"""个人信息申请: a citizen's own data found by one identity, handed to him as one file, or deleted, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from bot.models import Conversation, Ticket
from bot.personal import requests
from bot.personal.erasing import Eraser
from bot.personal.models import DataRequest
from bot.personal.states import KIND_LABELS, STATE_LABELS, RequestKind, RequestState
from bot.personal.subject import (
    Belonging,
    Identity,
    Subject,
    conversations_of,
    of_conversation,
    offered,
    opened,
    tickets_of,
)
from bot.states import TICKET_LABELS, TicketState
from channels.accounts.models import Account
from hub.auth import links
from hub.auth.errors import LinkRefused
from hub.copies import copy_of
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.forms import FormState, refused
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Unit, scoped
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _
from templates.filters import mask_phone

router = APIRouter(prefix="/console/citizens")

P = Permission
Handler = Annotated[Asker, Depends(may(P.PRIVACY_ACT))]
Text = Annotated[str, Form()]
COPY_LINK = "citizen.copy"
LINK_LASTS = timedelta(hours=1)
COLUMNS = (
    (_("编号"), ""),
    (_("申请"), ""),
    (_("状态"), "state"),
    (_("单位"), ""),
    (_("提出时间"), "made"),
    (_("办理期限"), "due"),
)


@router.get("")
def the_requests(request: Request, hub: HubDep, asker: Handler) -> HTMLResponse:
    """The requests in reach, the most pressing first, and the form that begins one."""
    return _list(request, hub, asker, FormState())


@router.post("")
def begin(
    request: Request,
    hub: HubDep,
    asker: Handler,
    kind: Text = "",
    conversation: Text = "",
    account: Text = "",
    sender: Text = "",
    reason: Text = "",
) -> Response:
    """Writes down what a citizen asked for at the desk, for one identity on one account."""
    typed = {"kind": kind, "conversation": conversation, "account": account, "sender": sender, "reason": reason}
    try:
        with hub.works.write(asker.actor) as work:
            if kind not in set(RequestKind):
                raise Invalid(field="kind", why="请选择申请的种类。")
            found = _found(work, asker, conversation, account, sender.strip())
            subject = Subject(identities=[of_conversation(found)])
            zone = hub.settings.office_zone
            made = requests.ask(work, hub.seal, RequestKind(kind), subject, found.unit_id, zone, reason)
    except Invalid as error:
        return _list(request, hub, asker, refused(asker, error, **typed), status=error.status)
    return see_other(f"/console/citizens/{made.id}", say(hub, asker, _("已登记，请核实后办理。")))


@router.get("/copy/{token}")
def fetch(hub: HubDep, asker: Handler, token: str) -> Response:
    """The file, for whoever asked for the link, while it lasts; each time is written down."""
    with hub.works.write(asker.actor) as work:
        link = links.find(work.session, token, COPY_LINK, work.now)
        found = work.session.get(DataRequest, link.object_id or 0)
        if link.person_id != asker.viewer.person_id or found is None or not requests.may_be_fetched(work, found):
            raise LinkRefused
        asker.must(P.PRIVACY_ACT, found.unit_id)
        file = copy_of(hub, work, opened(hub.seal, found.sealed))
        work.audit("data_request.fetched", found, number=found.number, size=len(file))
    return zipped(found.number, file)


@router.get("/{request_id}")
def one_request(request: Request, hub: HubDep, asker: Handler, request_id: int) -> HTMLResponse:
    """One request: what was found that may be the citizen's, and what can be done."""
    return _page(request, hub, asker, request_id, FormState())


@router.post("/{request_id}/grant")
def grant(
    request: Request,
    hub: HubDep,
    asker: Handler,
    request_id: int,
    belongs: Annotated[list[str] | None, Form()] = None,
    reason: Text = "",
) -> Response:
    """Agrees: makes the copy ready, or deletes at once what can go."""
    try:
        with hub.works.write(asker.actor) as work:
            found = find(work, asker, request_id)
            subject = _chosen(hub, work, found, belongs or [])
            requests.grant(work, hub.seal, found, subject, reason)
    except Invalid as error:
        return _page(request, hub, asker, request_id, refused(asker, error, reason=reason), status=error.status)
    if found.kind == RequestKind.ERASE:
        done = Eraser(hub.works, hub.seal).erase(request_id)
        words = _("已删除。") if done else _("能删除的已删除，其余办结后自动删除。")
        return see_other(f"/console/citizens/{request_id}", say(hub, asker, words))
    return see_other(f"/console/citizens/{request_id}", say(hub, asker, _("副本已备好。")))


@router.post("/{request_id}/decline")
def decline(request: Request, hub: HubDep, asker: Handler, request_id: int, words: Text = "") -> Response:
    """Says no, with the reason that the citizen reads."""
    try:
        with hub.works.write(asker.actor) as work:
            requests.decline(work, find(work, asker, request_id), words)
    except Invalid as error:
        return _page(request, hub, asker, request_id, refused(asker, error, words=words), status=error.status)
    return see_other(f"/console/citizens/{request_id}", say(hub, asker, _("已写明理由，申请人可以看到。")))


@router.post("/{request_id}/copy")
def make_link(hub: HubDep, asker: Handler, request_id: int) -> Response:
    """A link to the copy, for an hour and this person."""
    with hub.works.write(asker.actor) as work:
        found = find(work, asker, request_id)
        if not requests.may_be_fetched(work, found):
            raise NotFound
        made = links.issue(work, COPY_LINK, asker.viewer.person_id, LINK_LASTS, target=found)
    return see_other(f"/console/citizens/copy/{made.token}")


def zipped(number: str, file: bytes) -> Response:
    """The file as a browser saves it."""
    name = quote(f"个人信息-{number}.zip")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return Response(file, media_type="application/zip", headers=headers)


def find(work: Work, asker: Asker, request_id: int) -> DataRequest:
    """The request, if it is in reach; raises NotFound."""
    found = work.session.get(DataRequest, request_id, with_for_update=True)
    if found is None:
        raise NotFound
    asker.must(P.PRIVACY_ACT, found.unit_id)
    return found


def _found(work: Work, asker: Asker, conversation: str, account: str, sender: str) -> Conversation:
    """A conversation in reach that names the identity; raises Invalid beside the field that found none."""
    query = select(Conversation).where(Conversation.forgotten_at.is_(None))
    query = scoped(query, Conversation.unit_id, asker.viewer, P.PRIVACY_ACT).order_by(Conversation.id.desc()).limit(1)
    if conversation.strip():
        found = work.session.scalars(query.where(Conversation.id == (row_in(conversation.strip()) or 0))).one_or_none()
        field, why = "conversation", "没有这个编号的会话，或内容已删除。会话编号是在线接待页面地址末尾的数字。"
    else:
        identity = Identity(row_in(account), sender)
        found = work.session.scalars(query.where(conversations_of([identity]))).one_or_none()
        field, why = "sender", "这个账号上没有这个身份的会话。请核对账号和身份标识（如公众号的 OpenID）。"
    if found is None:
        raise Invalid(field=field, why=why)
    return found


def _chosen(hub: Hub, work: Work, found: DataRequest, belongs: Sequence[str]) -> Subject:
    """The subject with the identities that a person says are the citizen's."""
    if found.state != RequestState.OPEN:
        return Subject()
    subject = opened(hub.seal, found.sealed)
    rows = offered(work.session, subject)
    picked = [one.identity for number, one in enumerate(rows) if str(number) in belongs]
    if not picked and not subject.phone:
        raise Invalid(field="belongs", why="请选择属于申请人的内容。")
    return Subject(subject.phone, picked)


def _list(request: Request, hub: Hub, asker: Asker, form: FormState, *, status: int = 200) -> HTMLResponse:
    asked = listing(request, "state", sort="due")
    query = scoped(select(DataRequest, Unit.name), DataRequest.unit_id, asker.viewer, P.PRIVACY_ACT)
    query = query.join(Unit, Unit.id == DataRequest.unit_id)
    if asked.value("state") in set(RequestState):
        query = query.where(DataRequest.state == asked.value("state"))
    sorts = {"state": DataRequest.state, "made": DataRequest.made_at, "due": DataRequest.due_at}
    with hub.works.read() as work:
        rows, state = asked.take(work.session, query, sorts, DataRequest.id.desc())
        accounts = work.session.execute(select(Account.id, Account.name).order_by(Account.name)).all()
        now = work.now
    return page(
        request,
        asker,
        "pages/citizens/list.html",
        status=status,
        rows=rows,
        state=state,
        at=now,
        form=form,
        accounts=[(str(number), name) for number, name in accounts],
        kinds=list(KIND_LABELS.items()),
        states=[(one.value, label) for one, label in STATE_LABELS.items()],
        kind_labels=KIND_LABELS,
        state_labels=STATE_LABELS,
        columns=columns(hub, asker, *COLUMNS),
    )


def _page(
    request: Request, hub: Hub, asker: Asker, request_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        found = work.session.get(DataRequest, request_id)
        if found is None:
            raise NotFound
        asker.must(P.PRIVACY_ACT, found.unit_id)
        subject = opened(hub.seal, found.sealed) if found.sealed else Subject()
        rows: list[Belonging] = offered(work.session, subject)
        tickets: Sequence[Ticket] = tickets_of(work.session, subject)
        unit = work.session.get_one(Unit, found.unit_id).name
        fetchable, now = requests.may_be_fetched(work, found), work.now
    return page(
        request,
        asker,
        "pages/citizens/one.html",
        status=status,
        found=found,
        unit=unit,
        phone=mask_phone(subject.phone),
        rows=rows,
        mine=set(subject.identities),
        tickets=tickets,
        ticket_labels={one.value: label for one, label in TICKET_LABELS.items()},
        closed=TicketState.CLOSED,
        form=form,
        fetchable=fetchable,
        late=found.state == RequestState.OPEN and found.due_at < now,
        kind_label=KIND_LABELS[RequestKind(found.kind)],
        state_label=STATE_LABELS[RequestState(found.state)],
    )
