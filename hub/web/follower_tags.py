"""粉丝标签 of the citizen whom an agent talks to: the platform's own, read from it, put on and taken off there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select

from bot.models import Conversation
from channels.abilities.tags import Tag, Tags
from channels.accounts import store, tags
from channels.accounts.models import Account
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.forms import FormState, refused
from hub.web.pages import fragment, page, say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, scoped
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/desk/{conversation_id}/tags")

P = Permission
Agent = Annotated[Asker, Depends(may(P.CONVERSATION_ANSWER))]
Text = Annotated[str, Form()]

TEMPLATE = "pages/desk/tags.html"
REFUSED = 422


@dataclass(frozen=True)
class Follower:
    """Whom the conversation is with, at his platform. `pretended`: the account rehearses, and he is real."""

    openid: str
    account_id: int
    channel: Tags
    pretended: bool


@dataclass(frozen=True)
class Worn:
    """The account's tags, and which of them the follower has."""

    known: Sequence[Tag]
    his: Sequence[Tag]

    @property
    def others(self) -> list[tuple[str, str]]:
        """Those he could be given, for a list to choose from."""
        return [(str(tag.id), tag.name) for tag in self.known if tag not in self.his]


def tagged_there(account: Account | None) -> bool:
    """Whether the people of an account can be tagged on its platform."""
    return account is not None and issubclass(adapter_of(account), Tags)


@router.get("")
def his_tags(request: Request, hub: HubDep, asker: Agent, conversation_id: int) -> HTMLResponse:
    """What he is tagged with now, and what he could be tagged with."""
    return _answered(request, hub, asker, conversation_id, _follower(hub, asker, conversation_id), FormState())


@router.post("")
def put_on(request: Request, hub: HubDep, asker: Agent, conversation_id: int, tag: Text = "") -> Response:
    """Gives him one of the account's tags."""
    return _act(request, hub, asker, conversation_id, tag, taking=False)


@router.post("/remove")
def take_off(request: Request, hub: HubDep, asker: Agent, conversation_id: int, tag: Text = "") -> Response:
    """Takes a tag away from him; others keep it."""
    return _act(request, hub, asker, conversation_id, tag, taking=True)


def _act(request: Request, hub: Hub, asker: Asker, conversation_id: int, tag: str, *, taking: bool) -> Response:
    """One call to the platform with no transaction open, then its line in the audit log."""
    follower = _follower(hub, asker, conversation_id)
    try:
        chosen = _chosen(hub, follower, tag)
        if taking:
            follower.channel.untag_people(chosen.id, [follower.openid])
        else:
            follower.channel.tag_people(chosen.id, [follower.openid])
    except XuandaError as error:
        if error.field is None and not _by_htmx(request):
            return see_other(_desk(conversation_id), error.message(asker.language), "bad")
        return _answered(request, hub, asker, conversation_id, follower, refused(asker, error, tag=tag), REFUSED)
    with hub.works.write(asker.actor) as work:
        found = _conversation(work, asker, conversation_id)
        work.audit("conversation.untagged" if taking else "conversation.tagged", found, tag=chosen.name)
    if _by_htmx(request):
        return _answered(request, hub, asker, conversation_id, follower, FormState())
    told = _("已取消标签“%(name)s”。") if taking else _("已打上标签“%(name)s”。")
    return see_other(_desk(conversation_id), say(hub, asker, told, name=chosen.name))


def _chosen(hub: Hub, follower: Follower, typed: str) -> Tag:
    """One of the account's tags as last read; raises Invalid for none of them, and where the follower is real."""
    if follower.pretended:
        raise Invalid(field="tag", why="账号正在演练，标签属于真实的关注者，结束演练后再改。")
    number = row_in(typed)
    with hub.works.read() as work:
        rows = tags.of_account(work.session, follower.account_id)
    found = next((Tag(row.remote_id, row.name) for row in rows if row.remote_id == number), None)
    if found is None:
        raise Invalid(field="tag", why="请从列表中选择标签。")
    return found


def _answered(
    request: Request,
    hub: Hub,
    asker: Asker,
    conversation_id: int,
    follower: Follower,
    form: FormState,
    status: int = 200,
) -> HTMLResponse:
    """His tags as the platform has them now, as a page or the part of one; what it will not tell is said instead."""
    try:
        worn = _worn(hub, follower)
    except XuandaError as error:
        worn, form = None, form if form.fault else refused(asker, error)
    context: dict[str, Any] = {
        "conversation_id": conversation_id,
        "worn": worn,
        "form": form,
        "most": follower.channel.tag_limits.his,
    }
    if _by_htmx(request):  # Which puts no refusal in place: what was refused stands beside the field.
        return fragment(request, asker, TEMPLATE, "tags", **context)
    return page(request, asker, TEMPLATE, status=status, **context)


def _worn(hub: Hub, follower: Follower) -> Worn:
    """Asks the platform, and keeps what it told of the account's tags."""
    known = follower.channel.tags()
    his = set(follower.channel.tags_of(follower.openid))
    with hub.works.write() as work:
        tags.remember(work, work.session.get_one(Account, follower.account_id), known)
    return Worn(known, [tag for tag in known if tag.id in his])


def _follower(hub: Hub, asker: Asker, conversation_id: int) -> Follower:
    """Raises NotFound where his platform has no tags, or nobody knows any more who he was."""
    with hub.works.read() as work:
        found = _conversation(work, asker, conversation_id)
        account = work.session.get(Account, found.account_id) if found.account_id else None
        if account is None or not tagged_there(account) or found.forgotten_at is not None:
            raise NotFound
        channel = hub.incoming.make(store.info(work.session, hub.seal, account))
    if not isinstance(channel, Tags):
        raise NotFound
    return Follower(found.sender, account.id, channel, account.rehearsal)


def _conversation(work: Work, asker: Asker, conversation_id: int) -> Conversation:
    query = select(Conversation).where(Conversation.id == conversation_id)
    mine = scoped(query, Conversation.unit_id, asker.viewer, P.CONVERSATION_ANSWER)
    found = work.session.scalars(mine).one_or_none()
    if found is None:
        raise NotFound
    return found


def _desk(conversation_id: int) -> str:
    return f"/console/desk/{conversation_id}"


def _by_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"
