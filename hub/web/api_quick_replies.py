"""The API of 快捷回复: ready words of one's own and of the unit, written, approved and taken away as on the page."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import Field
from typing_extensions import TypedDict

from bot.team import presence, quick
from bot.team.models import QuickReply
from bot.team.quick import Wording
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import DONE, At, Done, Page, PageNumber, one_page, told
from hub.web.sent import Body
from kernel.people import Permission

router = APIRouter(prefix="/api/v1/quick-replies")

P = Permission
Agent = Annotated[Asker, Depends(api_may(P.CONVERSATION_ANSWER))]
Supervisor = Annotated[Asker, Depends(api_may(P.QUEUE_SUPERVISE))]


class Words(Body):
    """The title in the list, the letters behind the /, and the words, with variables such as {部门}."""

    title: str = Field(max_length=200)
    code: str = Field(max_length=40)
    text: str = Field(max_length=4000)

    def wording(self) -> Wording:
        """The same as the desk keeps it."""
        return Wording(self.title, self.code, self.text)


class NewReply(Words):
    """A reply of one's own (`unit` null), or of a unit, where another person approves it first."""

    unit: int | None = None


class QuickReplyTold(TypedDict):
    """A reply; `approved` says whether agents may use it."""

    id: int
    unit: int
    own: bool
    title: str
    code: str
    text: str
    made_at: At
    approved: bool


class QuickReplies(Page):
    """One page of the replies."""

    replies: list[QuickReplyTold]


@router.get("")
def list_replies(
    hub: HubDep, asker: Agent, show: Literal["all", "own", "unit", "waiting"] = "all", page: PageNumber = 1
) -> QuickReplies:
    """One's own and those of the units in reach, by their letters; `waiting` are the units' that nobody approved."""
    with hub.works.read() as work:
        query = quick.in_reach(asker.viewer, "" if show == "all" else show)
        where, rows = one_page(work.session, query, page, QuickReply.code, QuickReply.id)
        return {**where, "replies": [_whole(row) for row in rows]}


@router.post("", status_code=201)
def add_reply(hub: HubDep, asker: Agent, sent: NewReply) -> QuickReplyTold:
    """A new reply; a unit's waits for its approval."""
    unit = presence.seat_of(asker.viewer) if sent.unit is None else sent.unit
    with hub.works.write(asker.actor) as work:
        return _whole(quick.write(work, asker.viewer, unit, sent.wording(), own=sent.unit is None))


@router.get("/{quick_id}")
def get_reply(hub: HubDep, asker: Agent, quick_id: int) -> QuickReplyTold:
    """One reply."""
    with hub.works.read() as work:
        return _whole(quick.one(work.session, asker.viewer, quick_id))


@router.put("/{quick_id}")
def change_reply(hub: HubDep, asker: Agent, quick_id: int, sent: Words) -> QuickReplyTold:
    """Changes a reply; a unit's is out of force until it is approved again."""
    with hub.works.write(asker.actor) as work:
        row = quick.one(work.session, asker.viewer, quick_id)
        quick.change(work, asker.viewer, row, sent.wording())
        return _whole(row)


@router.post("/{quick_id}/approve")
def approve_reply(hub: HubDep, asker: Supervisor, quick_id: int) -> QuickReplyTold:
    """Puts a reply of a unit in force; its writer may not, as long as somebody else can."""
    with hub.works.write(asker.actor) as work:
        row = quick.one(work.session, asker.viewer, quick_id)
        quick.approve(work, asker.viewer, row)
        return _whole(row)


@router.post("/{quick_id}/remove")
def remove_reply(hub: HubDep, asker: Agent, quick_id: int) -> Done:
    """Takes a reply away; what was answered with it stays."""
    with hub.works.write(asker.actor) as work:
        quick.remove(work, asker.viewer, quick.one(work.session, asker.viewer, quick_id))
    return DONE


def _whole(row: QuickReply) -> QuickReplyTold:
    return {
        "id": row.id,
        "unit": row.unit_id,
        "own": row.person_id is not None,
        "title": row.title,
        "code": row.code,
        "text": row.text,
        "made_at": told(row.made_at),
        "approved": row.approved_at is not None,
    }
