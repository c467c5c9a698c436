"""咨询, 投诉, 建议, 找错 from the portal: a form that makes a ticket, and a page that tells how a ticket stands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import select

from bot import publishing, rules, tickets
from bot.models import Ticket
from bot.states import CITIZEN_KINDS, INSIDE, TICKET_LABELS, shown_outside
from hub.incoming import portal_account
from hub.web.access import HubDep, address_of, check_origin, the_hub
from hub.web.forms import FormState
from hub.web.portal import portal_page
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Unit
from kernel.work import Actor, Work

router = APIRouter(prefix="/feedback")

CITIZEN = Actor("citizen")
# So many in so many seconds.
SENDS, LOOKS = (10, 600), (20, 60)
LONGEST_PAGE = 500

Text = Annotated[str, Form()]


@router.get("")
def form(request: Request, kind: str = "", page: str = "") -> HTMLResponse:
    """The form, with a kind chosen and the page named where the address says so."""
    values = {"kind": kind if kind in CITIZEN_KINDS else "", "page": page[:LONGEST_PAGE] or _came_from(request)}
    return page_of(request, FormState(values))


@router.post("")
def send(
    request: Request,
    hub: HubDep,
    kind: Text = "",
    text: Text = "",
    contact: Text = "",
    name: Text = "",
    page: Text = "",
    sms: Text = "",
    website: Text = "",
) -> Response:
    """Makes the ticket and goes to the page with its number; the form keeps what was typed when something is wrong.

    `website` stands out of sight: only a program fills it in.
    """
    check_origin(request, hub.settings)
    values = {"kind": kind, "text": text, "contact": contact, "name": name, "page": page, "sms": sms[:1]}
    try:
        if website:
            raise Invalid(field="text", why="提交的内容无法识别。")
        hub.incoming.limit("feedback.send", *SENDS).take(address_of(request, hub.settings))
        check(kind, text, contact)
        with hub.works.write(CITIZEN) as work:
            made = tickets.make(
                work,
                unit_id=desk(work),
                kind=kind,
                text=text,
                contact=contact,
                name=name,
                page=page,
                agrees_to_sms=bool(sms),
                zone=hub.settings.office_zone,
            )
            urgent = "&urgent=1" if made.urgent_at else ""
    except XuandaError as error:
        return page_of(request, FormState(values, error.field, error.message()), status=error.status)
    return RedirectResponse(f"/feedback/progress?number={made.number}&made=1{urgent}", status_code=303)


@router.get("/progress")
def progress(request: Request, hub: HubDep, number: str = "", made: str = "", urgent: str = "") -> HTMLResponse:
    """How a ticket stands: kind, deadline and answer. What the citizen wrote and who he is are not shown."""
    number = number.strip().upper()
    ticket = None
    if number:
        hub.incoming.limit("feedback.look", *LOOKS).take(address_of(request, hub.settings))
        with hub.works.read() as work:
            of_citizen = (Ticket.number == number, Ticket.kind.not_in(INSIDE))
            ticket = work.session.scalars(select(Ticket).where(*of_citizen)).one_or_none()
            unit = work.session.get_one(Unit, ticket.unit_id).name if ticket else ""
    return portal_page(
        request,
        "pages/public/progress.html",
        status=200 if ticket or not number else 404,
        number=number[:40],
        ticket=ticket,
        unit=unit if ticket else "",
        label=TICKET_LABELS[shown_outside(ticket.state)] if ticket else "",
        # A number is no proof of who asks: what the answer says of a person stays covered.
        answer=publishing.mask(ticket.answer) if ticket and ticket.answered_at else "",
        made=bool(made and ticket),
        urgent=bool(made and urgent and ticket),
    )


def check(kind: str, text: str, contact: str) -> None:
    """Raises Invalid where the form does not say enough."""
    if kind not in CITIZEN_KINDS:
        raise Invalid(field="kind", why="请选择类别。")
    if not 4 <= len(text.strip()) <= tickets.LONGEST:
        raise Invalid(field="text", why=f"请写明事由，4 到 {tickets.LONGEST} 字。")
    if kind not in ("建议", "表扬", "找错") and len(contact.strip()) < 5:
        raise Invalid(field="contact", why="请留下手机或邮箱，以便答复您。")


def desk(work: Work) -> int:
    """The unit whose people answer."""
    account = portal_account(work)
    if account is not None:
        return rules.desk_of(work.session, account.unit_id, work.now)
    root = work.session.scalar(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1))
    if root is None:
        raise NotFound
    return rules.desk_of(work.session, root, work.now)


def _came_from(request: Request) -> str:
    """The page of this site from which the form was opened, for 找错."""
    referer = request.headers.get("referer", "")
    own = f"{request.url.scheme}://{request.url.netloc}/"
    return referer[:LONGEST_PAGE] if referer.startswith(own) and "/feedback" not in referer else ""


def page_of(request: Request, state: FormState, *, status: int = 200) -> HTMLResponse:
    """The form with what was typed."""
    return portal_page(
        request,
        "pages/public/feedback.html",
        status=status,
        form=state,
        kinds=[(kind, kind) for kind in CITIZEN_KINDS],
        longest=tickets.LONGEST,
        sms=the_hub(request).incoming.texts is not None,
    )
