"""粉丝标签: the labels of an account's followers, by which a mass message may reach some of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session

from channels.abilities.tags import Tags, name_problems
from channels.accounts import store, tags
from channels.accounts.models import Account, AccountTag
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts/{account_id}/tags")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Writer = Annotated[Asker, Depends(may(P.BOOKING_WRITE))]
Name = Annotated[str, Form()]

COLUMNS = ((_("标签"), ""), (_("人数"), ""), (_("操作"), ""))


@router.get("")
def the_tags(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """The tags as last read."""
    return _page(request, hub, asker, account_id, FormState())


@router.post("/refresh")
def refresh(request: Request, hub: HubDep, asker: Writer, account_id: int) -> Response:
    """Reads the tags from the platform."""
    return _act(request, hub, asker, account_id, lambda _channel: None, "tag.refreshed", _("已从平台读取。"))


@router.post("")
def create(request: Request, hub: HubDep, asker: Writer, account_id: int, name: Name = "") -> Response:
    """A new tag."""
    name = name.strip()
    return _act(
        request, hub, asker, account_id, lambda channel: channel.create_tag(name), "tag.created", _("已新建。"), name
    )


@router.post("/{tag_id}/rename")
def rename(request: Request, hub: HubDep, asker: Writer, account_id: int, tag_id: int, name: Name = "") -> Response:
    """Another name for a tag."""
    tag, name = _tag(hub, asker, account_id, tag_id), name.strip()
    number = tag.remote_id
    return _act(
        request,
        hub,
        asker,
        account_id,
        lambda channel: channel.rename_tag(number, name),
        "tag.renamed",
        _("已改名。"),
        name,
    )


@router.post("/{tag_id}/delete")
def remove(request: Request, hub: HubDep, asker: Writer, account_id: int, tag_id: int) -> Response:
    """Takes a tag away from everybody."""
    tag = _tag(hub, asker, account_id, tag_id)
    return _act(
        request,
        hub,
        asker,
        account_id,
        lambda channel: channel.delete_tag(tag.remote_id),
        "tag.removed",
        _("已删除。"),
    )


def _act(
    request: Request,
    hub: Hub,
    asker: Asker,
    account_id: int,
    act: Callable[[Tags], object],
    deed: str,
    words: str,
    name: str | None = None,
) -> Response:
    """One call to the platform, then the list as it is there now; no transaction is open meanwhile."""
    with hub.works.read() as work:
        account, adapter = _account(work.session, asker, account_id, P.BOOKING_WRITE)
        channel = hub.incoming.make(store.info(work.session, hub.seal, account))
    if account.rehearsal and deed != "tag.refreshed":
        told = say(hub, asker, _("账号正在演练，标签属于真实的关注者，结束演练后再改。"))
        return see_other(_address(account_id), told, "warn")
    if not isinstance(channel, Tags):
        raise NotFound
    try:
        for problem in name_problems(adapter.tag_limits, name) if name is not None else ():
            raise Invalid(field=problem.field, why=problem.message)
        act(channel)
        known = channel.tags()
    except XuandaError as error:
        if name is None or error.field is None:
            return see_other(_address(account_id), error.message(asker.language), "bad")
        form = refused(asker, error, name=name)
        return _page(request, hub, asker, account_id, form, status=error.status)
    with hub.works.write(asker.actor) as work:
        account = work.session.get_one(Account, account_id)
        tags.remember(work, account, known)
        work.audit(deed, account, name=name or "")
    return see_other(_address(account_id), say(hub, asker, words))


def _account(session: Session, asker: Asker, account_id: int, permission: Permission) -> tuple[Account, type[Tags]]:
    account = account_for(session, asker, account_id, permission)
    adapter = adapter_of(account)
    if not issubclass(adapter, Tags):
        raise NotFound
    return account, adapter


def _tag(hub: Hub, asker: Asker, account_id: int, tag_id: int) -> AccountTag:
    with hub.works.read() as work:
        account, _adapter = _account(work.session, asker, account_id, P.BOOKING_WRITE)
        tag = work.session.get(AccountTag, tag_id)
        if tag is None or tag.account_id != account.id:
            raise NotFound
        return tag


def _address(account_id: int) -> str:
    return f"/console/accounts/{account_id}/tags"


def _page(
    request: Request, hub: Hub, asker: Asker, account_id: int, form: FormState, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        account, adapter = _account(work.session, asker, account_id, P.ACCOUNT_READ)
        rows = tags.of_account(work.session, account_id)
    return page(
        request,
        asker,
        "pages/accounts/tags.html",
        status=status,
        account=account,
        rows=rows,
        form=form,
        limits=adapter.tag_limits,
        read_at=max((row.read_at for row in rows), default=None),
        columns=columns(hub, asker, *COLUMNS),
        writes=asker.may(P.BOOKING_WRITE, account.unit_id),
    )
