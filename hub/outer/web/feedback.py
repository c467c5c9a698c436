"""咨询, 投诉, 建议, 找错 on the outer host: the same form; what was written goes inside under its number."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from bot import publishing, rules, tickets
from bot.states import INSIDE, TICKET_LABELS, TicketState
from bot.urgent import danger_in
from hub.outer import standing
from hub.outer.standing import Stands
from hub.web import feedback
from hub.web.access import HubDep, address_of, check_origin
from hub.web.feedback import CITIZEN, LOOKS, SENDS, Text
from hub.web.forms import FormState
from hub.web.portal import portal_page
from kernel.errors import Invalid, XuandaError
from kernel.office_rules import value_of
from kernel.people import Unit

router = APIRouter(prefix="/feedback")
router.add_api_route("", feedback.form, methods=["GET"], response_class=HTMLResponse)


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
    """Hands the matter on and goes to the page with its number; the form keeps what was typed when it does not fit."""
    check_origin(request, hub.settings)
    values = {"kind": kind, "text": text, "contact": contact, "name": name, "page": page, "sms": sms[:1]}
    try:
        if website:
            raise Invalid(field="text", why="提交的内容无法识别。")
        hub.incoming.limit("feedback.send", *SENDS).take(address_of(request, hub.settings))
        feedback.check(kind, text, contact)
        zone = hub.settings.office_zone
        with hub.works.write(CITIZEN) as work:
            number = tickets.draw_number(work.now, zone)
            hub.outer.put(work, "feedback", {**values, "number": number})
            unit_id = feedback.desk(work)
            days = rules.ticket_days(work.session, unit_id, kind, work.now)
            due = rules.hours_of(work.session, unit_id, zone, work.now).workdays.deadline(work.now, days)
            unit = work.session.get_one(Unit, unit_id).name
            more: list[str] = value_of(work.session, rules.URGENT_WORDS, unit_id, work.now)
            danger = danger_in(text, more)
            standing.keep(work, Stands(number, kind, TicketState.OPEN, unit, work.now.isoformat(), due.isoformat()))
    except XuandaError as error:
        return feedback.page_of(request, FormState(values, error.field, error.message()), status=error.status)
    return RedirectResponse(
        f"/feedback/progress?number={number}&made=1{'&urgent=1' if danger else ''}", status_code=303
    )


@router.get("/progress")
def progress(request: Request, hub: HubDep, number: str = "", made: str = "", urgent: str = "") -> HTMLResponse:
    """How a ticket stands, for whoever knows its number."""
    number = number.strip().upper()
    found = None
    if number:
        hub.incoming.limit("feedback.look", *LOOKS).take(address_of(request, hub.settings))
        with hub.works.read() as work:
            found = standing.find(work.session, number)
        found = None if found is not None and found.kind in INSIDE else found
    return portal_page(
        request,
        "pages/public/progress.html",
        status=200 if found or not number else 404,
        number=number[:40],
        ticket=found.shown() if found else None,
        unit=found.unit if found else "",
        label=TICKET_LABELS[TicketState(found.state)] if found else "",
        answer=publishing.mask(found.answer) if found else "",
        made=bool(made and found),
        urgent=bool(made and urgent and found),
    )
