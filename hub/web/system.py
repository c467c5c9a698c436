"""系统状态: is everything running, what failed, and which messages did not leave the house."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from hub.notices import Notice, NoticeSend, SendState
from hub.outer.log import is_paired
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.faces import standing_of
from hub.web.health import readiness
from hub.web.lists import listing
from hub.web.pages import columns, page, say, see_other
from kernel.duties import DutyMark
from kernel.errors import NotFound, WrongState
from kernel.people import Permission, Person, scoped
from templates.catalogue import _

router = APIRouter(prefix="/console/system")

Reader = Annotated[Asker, Depends(may(Permission.SYSTEM_READ))]
Keeper = Annotated[Asker, Depends(may(Permission.PERSON_WRITE))]

CHECKS = {"database": _("数据库"), "schema": _("表结构"), "engine": _("定时引擎")}
STATES = {
    SendState.WAITING: _("待发送"),
    SendState.SENDING: _("发送中"),
    SendState.SENT: _("已发出"),
    SendState.FAILED: _("发送失败"),
    SendState.UNKNOWN: _("结果待核实"),
}
NEEDS_A_PERSON = (SendState.FAILED, SendState.UNKNOWN)
DUTY_COLUMNS = ((_("任务"), ""), (_("上次完成"), ""), (_("下次"), ""), (_("上次结果"), ""))
SEND_COLUMNS = (
    (_("通知"), ""),
    (_("收件人"), ""),
    (_("方式"), ""),
    (_("状态"), ""),
    (_("时间"), "next"),
    (_("操作"), ""),
)


@router.get("")
def system(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """What is checked, what recurs, and the messages by mail and gateway."""
    asked = listing(request, "state", sort="-next")
    query = scoped(select(NoticeSend, Notice, Person.name), Notice.unit_id, asker.viewer, Permission.SYSTEM_READ)
    query = query.join(Notice, Notice.id == NoticeSend.notice_id).join(Person, Person.id == Notice.person_id)
    query = (
        query.where(NoticeSend.state == asked.value("state"))
        if asked.value("state")
        else query.where(NoticeSend.state.in_(NEEDS_A_PERSON))
    )
    with hub.works.read() as work:
        duties = work.session.scalars(select(DutyMark).order_by(DutyMark.name)).all()
        rows, state = asked.take(work.session, query, {"next": NoticeSend.next_at}, NoticeSend.id.desc())
        now = work.now
        face = standing_of(hub, work.session, now) if is_paired(work.session) else None
    return page(
        request,
        asker,
        "pages/system/status.html",
        checks=[(say(hub, asker, CHECKS[name]), holds) for name, holds in readiness(hub).items()],
        duties=[(duty, _is_late(hub, duty, now)) for duty in duties],
        duty_columns=columns(hub, asker, *DUTY_COLUMNS),
        sends=[(row[0], row[1], row[2], say(hub, asker, STATES[SendState(row[0].state)])) for row in rows],
        send_columns=columns(hub, asker, *SEND_COLUMNS),
        states=[(value.value, say(hub, asker, label)) for value, label in STATES.items()],
        state=state,
        needs_a_person=NEEDS_A_PERSON,
        face=face,
        keeps=asker.may(Permission.PERSON_WRITE),
    )


@router.post("/sends/{send_id}/again")
def send_again(hub: HubDep, asker: Keeper, send_id: int) -> Response:
    """Sends a message once more because a person decided so; an unknown one may then arrive twice."""
    with hub.works.write(asker.actor) as work:
        query = select(NoticeSend, Notice).join(Notice, Notice.id == NoticeSend.notice_id)
        query = scoped(query.where(NoticeSend.id == send_id), Notice.unit_id, asker.viewer, Permission.PERSON_WRITE)
        row = work.session.execute(query.with_for_update()).one_or_none()
        if row is None:
            raise NotFound
        send, notice = row
        if send.state not in NEEDS_A_PERSON:
            label = say(hub, asker, STATES[SendState(send.state)])
            raise WrongState(state=label, act=say(hub, asker, _("再次发送")))
        before, send.state = send.state, SendState.WAITING
        send.attempts, send.next_at, send.done_at = 0, work.now, None
        work.audit("notice.sent_again", notice, channel=send.channel, before=before)
    return see_other("/console/system", say(hub, asker, _("已重新排队，几秒内发出。")))


def _is_late(hub: Hub, duty: DutyMark, now: datetime) -> bool:
    period = next((one.period for one in hub.duties if one.name == duty.name), None)
    return period is not None and now - duty.due_at > 2 * period
