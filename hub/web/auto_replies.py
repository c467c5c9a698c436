"""自动回复: what a new follower is told and answers to certain words; written by one, approved by another."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import prepared
from bot.models import AutoReply
from bot.prepared import Wording
from channels.abilities.takeover import CONTAINS, EXACT, TakingOver
from channels.accounts.models import Account
from hub import editorial
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import text
from kernel.errors import NotFound, XuandaError
from kernel.people import Permission, Person
from kernel.typed import row_in
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts/{account_id}/replies")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Signer = Annotated[Asker, Depends(may(P.PIECE_SIGN))]

COLUMNS = ((_("规则"), ""), (_("触发"), ""), (_("回复"), ""), (_("状态"), ""), (_("操作"), ""))
TRIGGERS = (("keyword", _("收到关键词")), ("follow", _("被关注时")))
ACTS = (("say", _("回复文字")), ("list", _("列出栏目最新内容")), ("person", _("转人工")))
SEVERAL = (("all", _("全部发送（最多三条）")), ("one", _("随机发一条")))
FIELDS = ("trigger", "name", "exact", "contains", "act", "answer.1", "answer.2", "answer.3", "several", "column")


@router.get("")
def the_replies(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """Every reply of the account, and a form for a new one."""
    return _list(request, hub, asker, account_id, FormState({"trigger": "keyword", "act": "say", "several": "all"}))


@router.post("")
def add_reply(request: Request, hub: HubDep, asker: Writer, account_id: int, sent: Sent) -> Response:
    """A new reply, to be approved."""
    try:
        with hub.works.write(asker.actor) as work:
            account = reply_account(work.session, asker, account_id, P.PIECE_WRITE)
            prepared.write(work, account, read_wording(sent))
    except NotFound:
        raise
    except XuandaError as error:
        return _list(request, hub, asker, account_id, _typed(asker, error, sent), status=error.status)
    return see_other(_address(account_id), say(hub, asker, _("已保存，须由有签发权限的人核准后生效。")))


@router.get("/{reply_id}")
def one_reply(request: Request, hub: HubDep, asker: Reader, account_id: int, reply_id: int) -> HTMLResponse:
    """One reply, to be changed or read."""
    return _one(request, hub, asker, account_id, reply_id)


@router.post("/{reply_id}")
def change_reply(request: Request, hub: HubDep, asker: Writer, account_id: int, reply_id: int, sent: Sent) -> Response:
    """Changes a reply, which takes it out of force until it is approved again."""
    try:
        with hub.works.write(asker.actor) as work:
            account, row = _reply(work.session, asker, account_id, reply_id, P.PIECE_WRITE)
            prepared.write(work, account, read_wording(sent), row)
    except NotFound:
        raise
    except XuandaError as error:
        return _one(request, hub, asker, account_id, reply_id, _typed(asker, error, sent), status=error.status)
    return see_other(_address(account_id), say(hub, asker, _("已保存，须由有签发权限的人核准后生效。")))


@router.post("/{reply_id}/approve")
def approve_reply(hub: HubDep, asker: Signer, account_id: int, reply_id: int) -> Response:
    """Puts a reply in force."""
    try:
        with hub.works.write(asker.actor) as work:
            account, row = _reply(work.session, asker, account_id, reply_id, P.PIECE_SIGN)
            prepared.approve(work, asker.viewer, account, row)
    except NotFound:
        raise
    except XuandaError as error:
        return see_other(_address(account_id), error.message(asker.language), "bad")
    return see_other(_address(account_id), say(hub, asker, _("已核准，立即生效。")))


@router.post("/{reply_id}/stop")
def stop_reply(hub: HubDep, asker: Writer, account_id: int, reply_id: int) -> Response:
    """Takes a reply out of force."""
    with hub.works.write(asker.actor) as work:
        account, row = _reply(work.session, asker, account_id, reply_id, P.PIECE_WRITE)
        prepared.stop(work, account, row)
    return see_other(_address(account_id), say(hub, asker, _("已停用，由机器人回答。")))


@router.post("/{reply_id}/remove")
def remove_reply(hub: HubDep, asker: Writer, account_id: int, reply_id: int) -> Response:
    """Takes a reply away."""
    with hub.works.write(asker.actor) as work:
        account, row = _reply(work.session, asker, account_id, reply_id, P.PIECE_WRITE)
        prepared.stop(work, account, row, remove=True)
    return see_other(_address(account_id), say(hub, asker, _("已删除。")))


def reply_account(session: Session, asker: Asker, account_id: int, permission: Permission) -> Account:
    """The account; raises NotFound where its channel takes no prepared replies."""
    account = account_for(session, asker, account_id, permission)
    if not issubclass(adapter_of(account), TakingOver):
        raise NotFound
    return account


def _reply(
    session: Session, asker: Asker, account_id: int, reply_id: int, permission: Permission
) -> tuple[Account, AutoReply]:
    account = reply_account(session, asker, account_id, permission)
    row = session.get(AutoReply, reply_id)
    if row is None or row.account_id != account.id or row.removed_at is not None:
        raise NotFound
    return account, row


def read_wording(sent: FormData) -> Wording:
    """What the form says."""
    words = [(word.strip(), match) for match in (EXACT, CONTAINS) for word in text(sent, match).splitlines()]
    answers = [one for place in (1, 2, 3) if (one := text(sent, f"answer.{place}").strip())]
    column = text(sent, "column")
    act = text(sent, "act")
    return Wording(
        trigger=text(sent, "trigger"),
        name=text(sent, "name"),
        words=[pair for pair in words if pair[0]] if text(sent, "trigger") == prepared.KEYWORD else [],
        act=act,
        answers=answers if act == prepared.SAY else [],
        several="one" if text(sent, "several") == "one" else "all",
        column_id=row_in(column) if act == prepared.LIST else None,
    )


def _values(row: AutoReply) -> dict[str, str]:
    values = {"trigger": row.trigger, "name": row.name, "act": row.act, "several": row.several}
    for match in (EXACT, CONTAINS):
        values[match] = "\n".join(str(word) for word, how in row.words if how == match)
    values |= {f"answer.{place}": str(one) for place, one in enumerate(row.answers, start=1)}
    return values | {"column": str(row.column_id or "")}


def _typed(asker: Asker, error: XuandaError, sent: FormData) -> FormState:
    typed = {name: text(sent, name) for name in FIELDS}
    fault = {"words": "exact", "answers": "answer.1"}.get(error.field or "", error.field)
    return FormState(typed, fault, refused(asker, error).fault)


def _address(account_id: int) -> str:
    return f"/console/accounts/{account_id}/replies"


def _offers(session: Session, asker: Asker) -> list[tuple[str, str]]:
    return [(str(one.id), one.name) for one in editorial.columns_for(session, asker.viewer, P.PIECE_WRITE)]


def _shell(asker: Asker, account: Account) -> dict[str, Any]:
    return {
        "account": account,
        "triggers": TRIGGERS,
        "acts": ACTS,
        "several": SEVERAL,
        "writes": asker.may(P.PIECE_WRITE, account.unit_id),
        "signs": asker.may(P.PIECE_SIGN, account.unit_id),
    }


def _list(
    request: Request, hub: Hub, asker: Asker, account_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        account = reply_account(work.session, asker, account_id, P.ACCOUNT_READ)
        rows = [(row, _people(work.session, row)) for row in prepared.of_account(work.session, account_id)]
        offered = _offers(work.session, asker)
    return page(
        request,
        asker,
        "pages/accounts/replies.html",
        status=status,
        rows=rows,
        form=form,
        columns_offered=offered,
        columns=columns(hub, asker, *COLUMNS),
        **_shell(asker, account),
    )


def _one(
    request: Request,
    hub: Hub,
    asker: Asker,
    account_id: int,
    reply_id: int,
    form: FormState | None = None,
    *,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        account, row = _reply(work.session, asker, account_id, reply_id, P.ACCOUNT_READ)
        offered = _offers(work.session, asker)
        people = _people(work.session, row)
    return page(
        request,
        asker,
        "pages/accounts/reply.html",
        status=status,
        row=row,
        people=people,
        form=form or FormState(_values(row)),
        columns_offered=offered,
        **_shell(asker, account),
    )


def _people(session: Session, row: AutoReply) -> tuple[str, str]:
    names = [session.get(Person, one) if one else None for one in (row.made_by, row.approved_by)]
    made, approved = (person.name if person else "" for person in names)
    return made, approved
