"""我的: a citizen sees his questions, tickets and subscriptions by a ticket's number and a code to its telephone.

No account: the code opens a session of a quarter of an hour, bound to the telephone that left those tickets.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy.orm import Session

from bot import phone_codes, publishing, store
from bot.dialogue.phrases import mobile_in, number_in
from bot.models import Conversation, Ticket
from bot.personal import requests
from bot.personal.models import DataRequest
from bot.personal.requests import requests_of
from bot.personal.states import KIND_LABELS, STATE_LABELS, RequestKind, RequestState
from bot.phone_codes import Codes
from bot.states import TICKET_LABELS, shown_outside
from hub.product import Hub
from hub.settings import Settings
from hub.web.access import HubDep, address_of, check_origin
from hub.web.forms import FormState
from hub.web.portal import portal_page
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Unit
from kernel.work import Actor, Work
from templates.filters import mask_phone

router = APIRouter(prefix="/mine")

CITIZEN = Actor("citizen")
# So many in so many seconds, of one address.
ASKS, OPENS, LOOKS = (10, 600), (20, 600), (60, 60)
SHOWN_CHARS = 300

Text = Annotated[str, Form()]


@router.get("")
def page(request: Request, hub: HubDep) -> HTMLResponse:
    """What is his while the session lasts; else the form that asks for a number and its telephone."""
    codes = hub.incoming.answering.codes
    if codes is None:
        return portal_page(request, "pages/public/mine_away.html")
    token = request.cookies.get(cookie_of(hub.settings), "")
    if not token:
        return _form(request, FormState({}))
    hub.incoming.limit("mine.look", *LOOKS).take(address_of(request, hub.settings))
    with hub.works.read() as work:
        phone = codes.opened(work, token)
        if not phone:
            return _form(request, FormState({}), over=True)
        tickets = phone_codes.of_phone(work.session, phone)
        shown = [_ticket(work.session, ticket) for ticket in tickets]
        asked = _questions(work.session, tickets)
        data = [_request(work, one) for one in requests_of(work, hub.seal, phone)]
    return portal_page(
        request, "pages/public/mine.html", phone=mask_phone(phone), tickets=shown, questions=asked, requests=data
    )


@router.post("/code")
def send(request: Request, hub: HubDep, number: Text = "", phone: Text = "") -> HTMLResponse:
    """Sends a code if the two belong together, and says the same if they do not."""
    check_origin(request, hub.settings)
    codes = _codes(hub)
    values = {"number": number[:40], "phone": phone[:40]}
    try:
        hub.incoming.limit("mine.code", *ASKS).take(address_of(request, hub.settings))
        wanted, mobile = _given(number, phone)
        with hub.works.write(CITIZEN) as work:
            sent = codes.ask(work, wanted, mobile)
        if not sent:
            raise Invalid(field="phone", why="这个手机号码要验证码的次数太多了，请过一段时间再试。")
    except XuandaError as error:
        return _form(request, FormState(values, error.field, error.message()), status=error.status)
    return portal_page(request, "pages/public/mine_code.html", form=FormState({"number": wanted, "phone": mobile}))


@router.post("/open")
def enter(request: Request, hub: HubDep, number: Text = "", phone: Text = "", code: Text = "") -> Response:
    """The right code opens the session, once."""
    check_origin(request, hub.settings)
    codes = _codes(hub)
    values = {"number": number[:40], "phone": phone[:40], "code": ""}
    try:
        hub.incoming.limit("mine.open", *OPENS).take(address_of(request, hub.settings))
        wanted, mobile = _given(number, phone)
        token = secrets.token_urlsafe(32)
        with hub.works.write(CITIZEN) as work:
            right = codes.enter(work, wanted, mobile, code.strip()[:12], token)
        if not right:
            raise Invalid(field="code", why="验证码不对或已失效，请核对；仍不行请重新获取。")
    except XuandaError as error:
        state = FormState(values, error.field, error.message())
        return portal_page(request, "pages/public/mine_code.html", status=error.status, form=state)
    answer = RedirectResponse("/mine", status_code=303)
    name, secure = cookie_of(hub.settings), hub.settings.secure_cookies
    answer.set_cookie(
        name, token, max_age=int(phone_codes.OPEN_FOR.total_seconds()), httponly=True, samesite="strict", secure=secure
    )
    return answer


@router.post("/leave")
def leave(request: Request, hub: HubDep) -> Response:
    """Ends the session at once, wherever its cookie still is."""
    check_origin(request, hub.settings)
    name = cookie_of(hub.settings)
    codes = hub.incoming.answering.codes
    if codes is not None and (token := request.cookies.get(name, "")):
        with hub.works.write(CITIZEN) as work:
            codes.leave(work, token)
    answer = RedirectResponse("/mine", status_code=303)
    answer.delete_cookie(name, secure=hub.settings.secure_cookies, httponly=True, samesite="strict")
    return answer


def cookie_of(settings: Settings) -> str:
    """The cookie of a citizen's session; over HTTPS the prefix binds it to this host."""
    return "__Host-xuanda-mine" if settings.secure_cookies else "xuanda-mine"


def phone_of(hub: Hub, work: Work, token: str) -> str:
    """The telephone whose session this cookie is; '' where it is over or was none."""
    codes = hub.incoming.answering.codes
    return codes.opened(work, token) if codes is not None and token else ""


def _codes(hub: Hub) -> Codes:
    codes = hub.incoming.answering.codes
    if codes is None:
        raise NotFound
    return codes


def _given(number: str, phone: str) -> tuple[str, str]:
    """A ticket's number and a mobile number, as they are written; raises Invalid for what cannot be one."""
    wanted, mobile = number_in(number), mobile_in(phone)
    if not wanted:
        raise Invalid(field="number", why="编号是 8 位日期、短横线和 6 位字符，例如 20260302-ABC234。")
    if not mobile:
        raise Invalid(field="phone", why="请填写登记时留下的 11 位手机号码。")
    return wanted, mobile


def _form(request: Request, form: FormState, *, status: int = 200, over: bool = False) -> HTMLResponse:
    return portal_page(request, "pages/public/mine_form.html", status=status, form=form, over=over)


def _ticket(session: Session, ticket: Ticket) -> Mapping[str, Any]:
    """A ticket as its citizen reads it: his own words and the answer, with personal data masked."""
    return {
        "number": ticket.number,
        "kind": ticket.kind,
        "unit": session.get_one(Unit, ticket.unit_id).name,
        "label": TICKET_LABELS[shown_outside(ticket.state)],
        "made": ticket.created_at,
        "due": None if ticket.answered_at else ticket.due_at,
        "text": publishing.mask(ticket.text)[:SHOWN_CHARS],
        "answer": publishing.mask(ticket.answer),
        "answered": ticket.answered_at,
    }


def _request(work: Work, one: DataRequest) -> Mapping[str, Any]:
    """What he asked about his own data, as he reads it."""
    return {
        "id": one.id,
        "number": one.number,
        "kind": KIND_LABELS[RequestKind(one.kind)],
        "label": STATE_LABELS[RequestState(one.state)],
        "made": one.made_at,
        "due": None if one.done_at else one.due_at,
        "kept": [kept for kept in one.kept if not kept.startswith("会话")],
        "words": one.words,
        "fetchable": requests.may_be_fetched(work, one),
    }


def _questions(session: Session, tickets: Sequence[Ticket]) -> list[Mapping[str, Any]]:
    """The conversations that his tickets came from; any other is nobody's by a telephone."""
    asked: list[Mapping[str, Any]] = []
    for number in dict.fromkeys(ticket.conversation_id for ticket in tickets if ticket.conversation_id):
        conversation = session.get_one(Conversation, number)
        said = [line for line in store.said_by_citizen(session, number).splitlines() if not line.strip().isdecimal()]
        text = publishing.mask("\n".join(said))[:SHOWN_CHARS]
        asked.append({"at": conversation.opened_at, "text": text, "closed": conversation.closed_at is not None})
    return asked
