"""The API of 在线接待: who waits, what was said, and what a person does with a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select
from typing_extensions import TypedDict

from bot import desk, records, store, tickets, waiting, windows
from bot.citizen_files.models import CitizenFile
from bot.citizen_files.states import FileState
from bot.lists import MOST_READ, Listed, going_on, looker, rows_of
from bot.models import Conversation
from bot.publishing import mask
from bot.records import Wanted
from bot.store import Line
from bot.team import merging, onward, spoken
from bot.team.spoken import Spoken
from channels.accounts.models import Account
from hub.telling import ticket_of
from hub.web.access import Asker, HubDep, api_may
from hub.web.api_shapes import At, Page, PageNumber, moment, one_page, told
from hub.web.api_tickets import TicketTold, ticket_told
from hub.web.sent import Body, Moment
from kernel.errors import NotFound
from kernel.people import Permission, scoped
from kernel.typed import LARGEST
from kernel.work import Work

router = APIRouter(prefix="/api/v1/conversations")

P = Permission
Number = Annotated[int, Query(ge=1, le=LARGEST)]
Reader = Annotated[Asker, Depends(api_may(P.CONVERSATION_READ))]
Agent = Annotated[Asker, Depends(api_may(P.CONVERSATION_ANSWER))]


class Sentence(Body):
    """What is said or noted."""

    text: str = Field(max_length=desk.LONGEST)


class Answer(Sentence):
    """What the citizen is answered; one sent again with the `key` it had is said once."""

    key: str = Field(default="", max_length=desk.LONGEST_KEY)


class Transfer(Body):
    """To which colleague (null: back to the queue), and why."""

    to: int | None
    reason: str = Field("", max_length=300)


class Forward(Body):
    """To which unit's desk, and what its people have to know."""

    to: int = Field(ge=1, le=LARGEST)
    note: str = Field(max_length=300)


class Snooze(Body):
    """For how many minutes it is put off, or `until` an hour; with `word` until the citizen writes."""

    minutes: int = Field(30, ge=1, le=24 * 60)
    until: Moment | None = None
    word: bool = False


class Merge(Body):
    """The conversation that is put into this one, and how it is known that it is the same person."""

    other: int
    reason: str = Field(max_length=300)


class Recorded(Body):
    """A call or a visit; `key` is the program's own, so that a repetition is told. Without `unit` it is one's own."""

    channel: Literal["phone", "visit"]
    said: str = Field(max_length=spoken.LONGEST)
    told: str = Field("", max_length=spoken.LONGEST)
    name: str = Field("", max_length=40)
    phone: str = Field("", max_length=20)
    unit: int | None = None
    key: str = Field("", max_length=60)


class Closing(Body):
    """What became of it, in one sentence, and its class where the unit uses classes.

    `service` is the title or a code of the published guide that it was about: then the rating is 好差评 of that item.
    """

    summary: str = Field(max_length=500)
    class_id: int | None = Field(None, ge=1, le=LARGEST)
    service: str = Field("", max_length=300)


class AsTicket(Body):
    """Of which kind the matter is; without `text` it is what the citizen said."""

    kind: str = Field(max_length=20)
    text: str = Field("", max_length=tickets.LONGEST)


class LostReply(Body):
    """The reply that did not arrive, or of which nobody knows."""

    reply: int


class ConversationBrief(TypedDict):
    """A conversation in a list; `urgent` while nobody sees to the danger."""

    id: int
    unit: int
    account: int | None
    channel: str
    name: str
    state: str
    agent: int | None
    urgent: bool
    waiting_since: At | None
    waiting_reason: str
    topic: str
    snoozed_until: At | None
    opened_at: At
    heard_at: At
    closed_at: At | None
    last_words: str
    lines: int


class Desk(TypedDict):
    """Danger first, then who waits longest; mine; and what colleagues have."""

    waiting: list[ConversationBrief]
    mine: list[ConversationBrief]
    team: list[ConversationBrief]


class Conversations(Page):
    """One page of conversations."""

    conversations: list[ConversationBrief]


class FileTold(TypedDict):
    """A picture, voice or video of a citizen; `href` gives its bytes once it is `kept`, `reason` why it is not."""

    id: int
    kind: str
    state: str
    media_type: str
    size: int
    reason: str
    href: str


class LineTold(TypedDict):
    """One thing said; `state` and `reason` say how a reply fared, `reply` is its number."""

    number: int
    side: str
    who: str
    text: str
    at: At
    choices: list[str]
    state: str
    reason: str
    reply: int
    file: FileTold | None


class Colleague(TypedDict):
    """Somebody to whom it may be given."""

    id: int
    name: str


class OtherDeskTold(TypedDict):
    """A unit with a desk: how many are at it, how many citizens wait there, and its hours while it is shut."""

    unit: int
    name: str
    there: int
    waiting: int
    shut: str


class Forwarded(TypedDict):
    """Where it went, and how many wait before it there."""

    unit: int
    name: str
    ahead: int


class ConversationWhole(ConversationBrief):
    """A conversation with its lines; `hindrance` is why no message reaches the citizen now ('' when one does)."""

    account_name: str
    summary: str
    hindrance: str
    colleagues: list[Colleague]
    said: list[LineTold]


@router.get("/desk")
def the_desk(hub: HubDep, asker: Reader) -> Desk:
    """Everything that people have or wait for in the units in reach, as on the console's desk."""
    with hub.works.read() as work:
        found = going_on(work.session, looker(asker.viewer), work.now, MOST_READ)
        return {
            "waiting": _briefs(work, found.waiting),
            "mine": _briefs(work, found.mine),
            "team": _briefs(work, found.team),
        }


@router.get("")
def list_conversations(
    hub: HubDep,
    asker: Reader,
    state: Literal["", "bot", "waiting", "open", "snoozed", "closed"] = "",
    channel: Annotated[str, Query(max_length=30, description="portal, wechat, weibo, phone, visit")] = "",
    unit: Number | None = None,
    agent: Annotated[int | None, Query(ge=0, le=LARGEST, description="0: nobody has it")] = None,
    days: Annotated[int | None, Query(ge=1, le=3660, description="begun in the last so many")] = None,
    q: Annotated[str, Query(max_length=200, description="what the citizen wrote or is called; 90 days back")] = "",
    show: Annotated[
        Literal["", "danger", "unanswered", "low"],
        Query(description="danger was heard; the bot did not know (90 days back); rated as not satisfied"),
    ] = "",
    page: PageNumber = 1,
) -> Conversations:
    """Conversations in reach, the newest first, the bot's and closed ones too; as 会话记录 finds them."""
    wanted = Wanted(state, channel, unit, agent, days, q.strip(), show)
    with hub.works.read() as work:
        query = records.asked_for(asker.viewer, wanted, work.now, hub.settings.office_zone)
        head, rows = one_page(work.session, query, page, Conversation.id.desc())
        return {**head, "conversations": _briefs(work, rows)}


@router.post("", status_code=201)
def record(hub: HubDep, asker: Agent, sent: Recorded) -> ConversationWhole:
    """登记来电来访: what was said by telephone or at the counter becomes a conversation of one's own."""
    told_of = Spoken(sent.channel, sent.said, sent.told, sent.name, sent.phone, sent.key)
    with hub.works.write(asker.actor) as work:
        made = spoken.record(work, asker.viewer, sent.unit or asker.viewer.unit_id, told_of)
        work.session.flush()
        return _whole(work, asker, made, 0)


@router.get("/{conversation_id}")
def get_conversation(
    hub: HubDep, asker: Reader, conversation_id: int, after: Annotated[int, Query(ge=0)] = 0
) -> ConversationWhole:
    """One conversation with what was said after line `after`, notes included."""
    with hub.works.read() as work:
        return _whole(work, asker, _found(work, asker, conversation_id, P.CONVERSATION_READ), after)


@router.post("/{conversation_id}/take")
def take(hub: HubDep, asker: Agent, conversation_id: int) -> ConversationWhole:
    """接入; 409 when a colleague was faster."""
    return _act(hub, asker, conversation_id, lambda work, it: desk.take(work, asker.viewer, it, hub.incoming.words))


@router.post("/{conversation_id}/answer", status_code=201)
def answer(hub: HubDep, asker: Agent, conversation_id: int, sent: Answer) -> ConversationWhole:
    """Answers the citizen; what nobody has yet is taken with the first answer."""
    return _act(
        hub,
        asker,
        conversation_id,
        lambda work, it: desk.answer(work, asker.viewer, it, sent.text, hub.incoming.words, sent.key),
    )


@router.post("/{conversation_id}/note", status_code=201)
def note(hub: HubDep, asker: Agent, conversation_id: int, sent: Sentence) -> ConversationWhole:
    """内部备注; the citizen never reads it."""
    return _act(hub, asker, conversation_id, lambda work, it: desk.note(work, asker.viewer, it, sent.text))


@router.post("/{conversation_id}/again", status_code=201)
def send_again(hub: HubDep, asker: Agent, conversation_id: int, sent: LostReply) -> ConversationWhole:
    """Sends once more what did not arrive."""
    return _act(hub, asker, conversation_id, lambda work, it: desk.send_again(work, asker.viewer, it, sent.reply))


@router.post("/{conversation_id}/transfer")
def transfer(hub: HubDep, asker: Agent, conversation_id: int, sent: Transfer) -> ConversationWhole:
    """转给同事, or back to the queue; 422 at `to` when that person may not answer here."""
    words = hub.incoming.words
    return _act(
        hub, asker, conversation_id, lambda work, it: desk.transfer(work, asker.viewer, it, sent.to, sent.reason, words)
    )


@router.get("/{conversation_id}/desks")
def other_desks(hub: HubDep, asker: Agent, conversation_id: int) -> list[OtherDeskTold]:
    """The desks of other units to which it may go."""
    with hub.works.read() as work:
        found = _found(work, asker, conversation_id, P.CONVERSATION_ANSWER)
        return [
            {"unit": one.unit_id, "name": one.name, "there": one.there, "waiting": one.waits, "shut": one.shut}
            for one in onward.desks(work, found, hub.settings.office_zone)
        ]


@router.post("/{conversation_id}/forward")
def forward(hub: HubDep, asker: Agent, conversation_id: int, sent: Forward) -> Forwarded:
    """转其他单位: into another unit's queue; 422 at `to` while that desk is shut or nobody is there."""
    words, zone = hub.incoming.words, hub.settings.office_zone
    with hub.works.write(asker.actor) as work:
        found = _found(work, asker, conversation_id, P.CONVERSATION_ANSWER)
        unit = onward.hand(work, asker.viewer, found, sent.to, sent.note, words, zone)
        return {"unit": unit.id, "name": unit.name, "ahead": waiting.ahead_of(work, found)}


@router.post("/{conversation_id}/snooze")
def snooze(hub: HubDep, asker: Agent, conversation_id: int, sent: Snooze) -> ConversationWhole:
    """稍后处理; it comes back at once when the citizen writes. What nobody has is taken with it."""

    def step(work: Work, it: Conversation) -> None:
        if it.state in desk.FREE:
            desk.take(work, asker.viewer, it, hub.incoming.words)
        if sent.word or sent.until is not None:
            desk.put_off(work, asker.viewer, it, None if sent.word else sent.until)
        else:
            desk.snooze(work, asker.viewer, it, sent.minutes)

    return _act(hub, asker, conversation_id, step)


@router.post("/{conversation_id}/merge")
def merge(hub: HubDep, asker: Agent, conversation_id: int, sent: Merge) -> ConversationWhole:
    """合并: another conversation of the same person is answered here too."""

    def step(work: Work, it: Conversation) -> None:
        merging.join(work, asker.viewer, it, _found(work, asker, sent.other, P.CONVERSATION_ANSWER), sent.reason)

    return _act(hub, asker, conversation_id, step)


@router.post("/{conversation_id}/separate")
def separate(hub: HubDep, asker: Agent, conversation_id: int) -> ConversationWhole:
    """拆分: it is answered by itself again."""
    return _act(hub, asker, conversation_id, lambda work, it: merging.separate(work, asker.viewer, it))


@router.post("/{conversation_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Agent, conversation_id: int) -> ConversationWhole:
    """Somebody sees to the danger: the alarm stops."""
    return _act(hub, asker, conversation_id, lambda work, it: desk.acknowledge(work, asker.viewer, it))


@router.post("/{conversation_id}/close")
def close(hub: HubDep, asker: Agent, conversation_id: int, sent: Closing) -> ConversationWhole:
    """结束会话 with a summary; the citizen is asked for a rating."""
    return _act(
        hub,
        asker,
        conversation_id,
        lambda work, it: desk.close(
            work, asker.viewer, it, sent.summary, hub.incoming.words, sent.service, sent.class_id
        ),
    )


@router.post("/{conversation_id}/ticket", status_code=201)
def make_ticket(hub: HubDep, asker: Agent, conversation_id: int, sent: AsTicket) -> TicketTold:
    """转工单: it goes on with a number and a deadline, which the citizen is told where a message reaches him."""
    with hub.works.write(asker.actor) as work:
        found = _found(work, asker, conversation_id, P.CONVERSATION_ANSWER)
        return ticket_told(ticket_of(hub, work, found, sent.kind, sent.text), work.now)


def _act(
    hub: HubDep, asker: Asker, conversation_id: int, step: Callable[[Work, Conversation], Any]
) -> ConversationWhole:
    with hub.works.write(asker.actor) as work:
        found = _found(work, asker, conversation_id, P.CONVERSATION_ANSWER)
        step(work, found)
        work.session.flush()
        return _whole(work, asker, found, 0)


def _found(work: Work, asker: Asker, conversation_id: int, permission: Permission) -> Conversation:
    query = select(Conversation).where(Conversation.id == conversation_id)
    found = work.session.scalars(scoped(query, Conversation.unit_id, asker.viewer, permission)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _urgent(one: Conversation | Listed) -> bool:
    return one.urgent_at is not None and one.acknowledged_at is None


def _briefs(work: Work, found: Sequence[Conversation | Listed]) -> list[ConversationBrief]:
    return [_brief(row.conversation, row.words) for row in rows_of(work.session, found)]


def _brief(one: Conversation | Listed, last_words: str) -> ConversationBrief:
    return {
        "id": one.id,
        "unit": one.unit_id,
        "account": one.account_id,
        "channel": one.channel,
        "name": mask(one.name),
        "state": one.state,
        "agent": one.agent_id,
        "urgent": _urgent(one),
        "waiting_since": moment(one.waiting_since),
        "waiting_reason": one.waiting_reason,
        "topic": one.topic,
        "snoozed_until": moment(one.snoozed_until),
        "opened_at": told(one.opened_at),
        "heard_at": told(one.heard_at),
        "closed_at": moment(one.closed_at),
        "last_words": last_words,
        "lines": one.lines,
    }


def _whole(work: Work, asker: Asker, one: Conversation, after: int) -> ConversationWhole:
    account = work.session.get(Account, one.account_id) if one.account_id else None
    return {
        **_brief(one, store.last_words(work.session, one.id)),
        "name": one.name,
        "account_name": account.name if account else "",
        "summary": one.summary,
        "hindrance": windows.hindrance(one, work.now),
        "colleagues": [{"id": him, "name": name} for him, name in desk.colleagues(work, one, asker.viewer)],
        "said": [_line(line) for line in store.lines_of(work.session, one.id, after)],
    }


def _line(line: Line) -> LineTold:
    return {
        "number": line.number,
        "side": line.side,
        "who": line.who,
        "text": line.text,
        "at": told(line.at),
        "choices": [str(one) for one in line.choices],
        "state": line.state,
        "reason": line.reason,
        "reply": line.reply_id,
        "file": None if line.file is None else _file(line.file),
    }


def _file(file: CitizenFile) -> FileTold:
    return {
        "id": file.id,
        "kind": file.kind,
        "state": file.state,
        "media_type": file.media_type,
        "size": file.size,
        "reason": file.reason,
        "href": f"/api/v1/citizen-files/{file.id}" if file.state == FileState.KEPT else "",
    }
