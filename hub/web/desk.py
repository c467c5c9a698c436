"""在线接待: who waits, what was said, and what a person may do; live within a second, without a reload."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from bot import desk, expecting, gateway, knowledge, reply, rules, services, store, waiting, windows
from bot.handoff import REASON_LABELS
from bot.knowledge import Answer
from bot.lists import Lists, Looker, lists_for, looker, marks, titled
from bot.models import Conversation, InboundMessage, Rating
from bot.nlu.wire import faq_key
from bot.states import CITIZEN_KINDS, CONVERSATION_LABELS, RATINGS, REPLY_LABELS, ConversationState, ReplyState
from bot.store import Line
from bot.team import classes, drafts, merging, quick, variables
from bot.team.quick import Ready
from channels.accounts.models import Account
from hub.product import Hub
from hub.telling import phone_of, ticket_of
from hub.web import pools
from hub.web.access import Asker, HubDep, may
from hub.web.desk_stream import changes, mark_of
from hub.web.follower_tags import tagged_there
from hub.web.pages import fragment, page, say, see_other
from hub.web.piece_form import moment
from hub.web.shifts import presence_of
from kernel.errors import Invalid, NotFound
from kernel.office_rules import value_of
from kernel.people import Permission, Person, scoped
from kernel.typed import number_in, row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/desk")
log = structlog.get_logger(__name__)

S = ConversationState
Reader = Annotated[Asker, Depends(may(Permission.CONVERSATION_READ))]
Agent = Annotated[Asker, Depends(may(Permission.CONVERSATION_ANSWER))]
Text = Annotated[str, Form()]

TEMPLATE = "pages/desk/desk.html"
GONE = "pages/desk/gone.html"
SUGGESTED = 3
SOON = timedelta(hours=6)
"""A platform's clock that runs out within is shown in the lists."""
CHANNEL_LABELS = {
    "portal": _("门户网站"),
    "wechat": _("微信公众号"),
    "weibo": _("微博"),
    "phone": _("来电"),
    "visit": _("来访"),
}


@dataclass(frozen=True)
class Suggested:
    """Words of the CMS that may answer the citizen, ready to be put into the answer."""

    title: str
    text: str
    href: str


# --- looking ----------------------------------------------------------------------------------------


@router.get("")
def the_desk(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The lists, and a place for a conversation."""
    with hub.works.read() as work:
        since = mark_of(marks(work.session, asker.viewer))  # Before all else: what changes meanwhile is told.
        lists = _lists(work, asker)
        there = presence_of(work, asker)
    there |= {"lists": lists, "at": work.now, "soon": SOON, "since": since}
    return page(request, asker, TEMPLATE, opened=0, shown=None, **there)


@router.get("/lists")
async def lists(request: Request, hub: HubDep, asker: Reader, opened: int = 0) -> HTMLResponse:
    """The lists as they are now, read together with those of everybody who looks at this moment."""

    def read(lookers: Collection[Looker]) -> Mapping[Looker, tuple[Lists, datetime]]:
        with hub.works.read() as work:
            return {one: (seen, work.now) for one, seen in lists_for(work.session, lookers, work.now).items()}

    found, at = await hub.incoming.desks.of(looker(asker.viewer), lambda lookers: pools.looks.run(read, lookers))
    shown = partial(fragment, request, asker, TEMPLATE, "lists", lists=found, opened=opened, at=at, soon=SOON)
    return await run_in_threadpool(shown)


@router.get("/events")
async def events(hub: HubDep, asker: Reader, opened: int = 0, since: str = "") -> Response:
    """A stream that says "desk" when the lists have changed and "talk" when the open conversation has."""
    seen = await run_in_threadpool(_in_reach, hub, asker, opened) if opened else []
    stream = changes(hub, asker, seen, since)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)


@router.get("/{conversation_id}")
def conversation(request: Request, hub: HubDep, asker: Reader, conversation_id: int) -> HTMLResponse:
    """One conversation with its whole history, the channel's rules and what may be done."""
    with hub.works.read() as work:
        since = mark_of(marks(work.session, asker.viewer))
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_READ)
        context = _shown(work, asker, found, hub.settings.office_zone)
        context["lists"] = _lists(work, asker)
        context |= presence_of(work, asker)
        context["since"] = since
    context["suggested"] = _suggested(hub, found, "")
    return page(request, asker, TEMPLATE, opened=conversation_id, **context)


@router.get("/{conversation_id}/talk")
def talk(request: Request, hub: HubDep, asker: Reader, conversation_id: int) -> HTMLResponse:
    """What was said, and what may be done, as it is now; or that it is this person's no more."""
    try:
        return _talk(request, hub, asker, conversation_id)
    except NotFound:
        return _gone(request, asker)


@router.get("/{conversation_id}/suggestions")
def suggestions(request: Request, hub: HubDep, asker: Reader, conversation_id: int, q: str = "") -> HTMLResponse:
    """Published words that fit the citizen's last sentence, or what the agent looks for."""
    try:
        with hub.works.read() as work:
            found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_READ)
    except NotFound:
        return HTMLResponse(status_code=NotFound.status)  # The talk, asked for at the same moment, says so.
    suggested = _suggested(hub, found, q.strip()[:100])
    return fragment(
        request,
        asker,
        TEMPLATE,
        "suggestions",
        suggested=suggested,
        q=q.strip(),
        opened=conversation_id,
        may_answer=_may_answer(asker, found),
    )


# --- acting -----------------------------------------------------------------------------------------


@router.post("/{conversation_id}/take")
def take(hub: HubDep, asker: Agent, conversation_id: int) -> Response:
    """接入."""
    with hub.works.read() as work:  # Whoever comes too late hears so without a turn to write.
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.must_be_free(work, found)
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.take(work, asker.viewer, found, hub.incoming.words)
    return _back(conversation_id, say(hub, asker, _("已接入，市民已看到您在线。")))


@router.post("/{conversation_id}/answer")
def answer(
    request: Request, hub: HubDep, asker: Agent, conversation_id: int, text: Text = "", to: Text = "", key: Text = ""
) -> Response:
    """Answers the citizen, where several conversations are merged in the chosen one; the talk alone comes back.

    `key` is the page's own for this answer: sent again, it is said once.
    """
    alone = request.headers.get("hx-request") == "true"
    try:
        with hub.works.write(asker.actor) as work:
            found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
            for one in _chosen(work, found, to):
                desk.answer(work, asker.viewer, one, text, hub.incoming.words, key)
            drafts.drop(work, asker.viewer, found)
    except NotFound:
        if alone:
            return _gone(request, asker)
        raise
    if alone:
        return _talk(request, hub, asker, conversation_id)
    return _back(conversation_id)


@router.post("/{conversation_id}/draft", status_code=204)
def save_draft(hub: HubDep, asker: Agent, conversation_id: int, text: Text = "") -> None:
    """Keeps what was typed and not sent; the page asks for it by itself."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        drafts.keep(work, asker.viewer, found, text)


@router.post("/{conversation_id}/note")
def note(hub: HubDep, asker: Agent, conversation_id: int, text: Text = "") -> Response:
    """内部备注."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.note(work, asker.viewer, found, text)
    return _back(conversation_id, say(hub, asker, _("备注已保存，市民看不到。")))


@router.post("/{conversation_id}/again")
def send_again(hub: HubDep, asker: Agent, conversation_id: int, reply_id: Annotated[int, Form()] = 0) -> Response:
    """Sends once more what did not arrive; only a person decides that."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.send_again(work, asker.viewer, found, reply_id)
    return _back(conversation_id, say(hub, asker, _("已重新发送。")))


@router.post("/{conversation_id}/transfer")
def transfer(hub: HubDep, asker: Agent, conversation_id: int, to: Text = "", reason: Text = "") -> Response:
    """转给同事, or back to the queue."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        colleague = row_in(to)
        if to.strip() and colleague is None:
            raise Invalid(field="to", why="请从名单中选择同事；不选则转回队列。")
        desk.transfer(work, asker.viewer, found, colleague, reason, hub.incoming.words)
    return see_other("/console/desk", say(hub, asker, _("已转出。")))


@router.post("/{conversation_id}/snooze")
def snooze(hub: HubDep, asker: Agent, conversation_id: int, minutes: Text = "30", until: Text = "") -> Response:
    """暂挂 for some minutes, until an hour (`at`), or until the citizen writes (`word`)."""
    hour = moment({"until": until}, "until", hub.settings.office_zone) if minutes == "at" else None
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        if found.state in desk.FREE:
            desk.take(work, asker.viewer, found, hub.incoming.words)
        if minutes == "at" and hour is None:
            raise Invalid(field="until", why="请填写时间。")
        if minutes in ("at", "word"):
            desk.put_off(work, asker.viewer, found, hour)
        else:
            desk.snooze(work, asker.viewer, found, number_in(minutes) or 0)
    return see_other("/console/desk", say(hub, asker, _("已放到稍后处理；市民来信时会立即回来。")))


@router.post("/{conversation_id}/acknowledge")
def acknowledge(hub: HubDep, asker: Agent, conversation_id: int) -> Response:
    """Somebody sees to the danger: the alarm stops."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.acknowledge(work, asker.viewer, found)
    return _back(conversation_id, say(hub, asker, _("已确认处置，停止告警。")))


@router.post("/{conversation_id}/ticket")
def make_ticket(hub: HubDep, asker: Agent, conversation_id: int, kind: Text = "咨询", text: Text = "") -> Response:
    """转工单: the matter goes on with a number and a deadline; the citizen is told where a message reaches him."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        made = ticket_of(hub, work, found, kind, text)
    return _back(conversation_id, say(hub, asker, _("已转工单 %(number)s。"), number=made.number))


@router.post("/{conversation_id}/close")
def close(
    hub: HubDep, asker: Agent, conversation_id: int, summary: Text = "", service: Text = "", class_id: Text = ""
) -> Response:
    """结束会话 with a summary, a class, and the service item if there was one; the citizen is asked for a rating."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        desk.close(work, asker.viewer, found, summary, hub.incoming.words, service, row_in(class_id))
    return see_other("/console/desk", say(hub, asker, _("会话已结束，已请市民评价。")))


@router.post("/{conversation_id}/merge")
def merge(hub: HubDep, asker: Agent, conversation_id: int, other: Text = "", merge_reason: Text = "") -> Response:
    """合并: another conversation of the same person is answered here too."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        if not row_in(other):
            raise Invalid(field="other", why="请选择要并入的会话。")
        second = in_reach(work, asker, row_in(other) or 0, Permission.CONVERSATION_ANSWER)
        merging.join(work, asker.viewer, found, second, merge_reason)
    return _back(conversation_id, say(hub, asker, _("已合并，两边的历史都在这里。")))


@router.post("/{conversation_id}/separate")
def separate(hub: HubDep, asker: Agent, conversation_id: int) -> Response:
    """拆分: this conversation is answered by itself again."""
    with hub.works.write(asker.actor) as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_ANSWER)
        merging.separate(work, asker.viewer, found)
    return _back(conversation_id, say(hub, asker, _("已拆分。")))


# --- parts ------------------------------------------------------------------------------------------


def in_reach(work: Work, asker: Asker, conversation_id: int, permission: Permission) -> Conversation:
    """The conversation; raises NotFound where it is none of this person's units."""
    query = select(Conversation).where(Conversation.id == conversation_id)
    found = work.session.scalars(scoped(query, Conversation.unit_id, asker.viewer, permission)).one_or_none()
    if found is None:
        raise NotFound
    return found


def _chosen(work: Work, found: Conversation, to: str) -> list[Conversation]:
    """To whom an answer goes: this conversation, one of those merged into it, or all of them."""
    all_of_them = [found, *merging.of(work.session, found.id)]
    if to == "all":
        return all_of_them
    wanted = row_in(to) or found.id
    chosen = [one for one in all_of_them if one.id == wanted]
    if not chosen:
        raise Invalid(field="to", why="请选择发往哪个会话。")
    return chosen


def _in_reach(hub: Hub, asker: Asker, conversation_id: int) -> list[int]:
    """The conversation and those merged into it, where this person may read it; else the stream tells of lists."""
    with hub.works.read() as work:
        query = select(Conversation.id).where(Conversation.id == conversation_id)
        found = work.session.scalar(scoped(query, Conversation.unit_id, asker.viewer, Permission.CONVERSATION_READ))
        return [found, *(one.id for one in merging.of(work.session, found))] if found else []


def _back(conversation_id: int, message: str = "") -> Response:
    return see_other(f"/console/desk/{conversation_id}", message)


def _talk(request: Request, hub: Hub, asker: Asker, conversation_id: int) -> HTMLResponse:
    with hub.works.read() as work:
        found = in_reach(work, asker, conversation_id, Permission.CONVERSATION_READ)
        context = _shown(work, asker, found, hub.settings.office_zone)
    return fragment(request, asker, TEMPLATE, "talk", opened=conversation_id, **context)


def _gone(request: Request, asker: Asker) -> HTMLResponse:
    """In the place of a talk: another unit's, deleted, or never there — which of them is not said to a stranger."""
    answer = fragment(request, asker, GONE, "gone", status=NotFound.status)
    # The place itself goes: it would ask again every minute.
    answer.headers["HX-Reswap"] = "outerHTML"
    return answer


def _lists(work: Work, asker: Asker) -> Lists:
    who = looker(asker.viewer)
    return lists_for(work.session, [who], work.now)[who]


def _title(session: Session, one: Conversation) -> str:
    account = session.get(Account, one.account_id) if one.account_id else None
    return titled(one, account.name if account else "")


def _in_danger(one: Conversation) -> bool:
    return one.urgent_at is not None and one.acknowledged_at is None


def _is_his(asker: Asker, found: Conversation) -> bool:
    return found.agent_id == asker.viewer.person_id and found.state in desk.MINE


def _may_answer(asker: Asker, found: Conversation) -> bool:
    """Whether words of his reach the citizen from here: what was said on a telephone or at a counter is over."""
    reaches = found.channel not in windows.SPOKEN and (_is_his(asker, found) or found.state in desk.FREE)
    return reaches and asker.may(Permission.CONVERSATION_ANSWER, found.unit_id)


def _shown(work: Work, asker: Asker, found: Conversation, zone: ZoneInfo) -> dict[str, Any]:
    session = work.session
    account = session.get(Account, found.account_id) if found.account_id else None
    agent = session.get(Person, found.agent_id) if found.agent_id else None
    may_act = asker.may(Permission.CONVERSATION_ANSWER, found.unit_id)
    ahead = waiting.ahead_of(work, found) if found.state == S.WAITING else 0
    rating = session.scalars(select(Rating).where(Rating.conversation_id == found.id)).one_or_none()
    return {
        "shown": found,
        "title": titled(found, account.name if account else ""),
        "account": account.name if account else "",
        "channel": CHANNEL_LABELS.get(found.channel, found.channel),
        "own_page": found.channel in reply.OWN_PAGES,
        "lines": _interleaved(session, found),
        **_merged(work, asker, found),
        "classes": [(one.id, one.path) for one in classes.in_use(session, found.unit_id) if one.leaf],
        "class_path": classes.path_of(session, found.class_id),
        "phone": phone_of(session, found),
        "earlier": [(one, store.lines_of(session, one.id)) for one in store.earlier(session, found)],
        "agent": agent.name if agent else "",
        "mine": _is_his(asker, found),
        "may_answer": _may_answer(asker, found),
        "may_take": may_act and found.state in desk.FREE,
        "may_act": may_act,
        "may_pass": desk.may_pass(asker.viewer, found),
        "danger": _in_danger(found),
        "hindrance": windows.hindrance(found, work.now),
        "label": CONVERSATION_LABELS[S(found.state)],
        "reason": REASON_LABELS.get(found.waiting_reason, ""),
        "ahead": ahead,
        "expected": expecting.minutes(session, found.unit_id, ahead, work.now) if found.state == S.WAITING else 0,
        "longest": expecting.LONGEST,
        "reply_labels": REPLY_LABELS,
        "lost": (ReplyState.FAILED, ReplyState.UNKNOWN),
        "rating": RATINGS[rating.score - 1] if rating else "",
        "colleagues": desk.colleagues(work, found, asker.viewer),
        "kinds": [(kind, kind) for kind in CITIZEN_KINDS],
        "tagged_there": tagged_there(account) and found.forgotten_at is None,
        "services": services.cited(session, found.id, work.now),
        "service": services.title_of(session, found.service_id),
        "quick": _quick(work, asker, found, zone),
        "draft": drafts.of(session, asker.viewer, found),
        "key": secrets.token_hex(8),
        "variables": list(variables.VARIABLES),
        "at": work.now,
        "soon": SOON,
        "suggested": [],
        "q": "",
    }


def _quick(work: Work, asker: Asker, found: Conversation, zone: ZoneInfo) -> list[Ready]:
    """Ready words with what is known put in; the office's rules have some where nobody has kept any."""
    agent = desk.agent_number(asker.viewer.person_id)
    known = variables.known_of(work.session, found, agent, zone, work.now)
    phrases: list[str] = value_of(work.session, rules.QUICK, found.unit_id, work.now)
    return quick.ready(known, asker.viewer, found) or quick.standing(known, phrases)


def _interleaved(session: Session, found: Conversation) -> list[tuple[Line, int]]:
    """What was said here and in what is merged with it, in order, each line with its conversation's number."""
    kept = [found, *merging.history(session, found.id)]
    lines = [(line, one.id) for one in kept for line in store.lines_of(session, one.id)]
    return lines if len(kept) == 1 else sorted(lines, key=lambda pair: (pair[0].at, pair[1], pair[0].number))


def _merged(work: Work, asker: Asker, found: Conversation) -> dict[str, Any]:
    session = work.session
    joined = merging.of(session, found.id)
    newest = max([found, *joined], key=lambda one: one.heard_at)
    others = merging.candidates(session, found, asker.viewer) if found.agent_id == asker.viewer.person_id else []
    return {
        "joined": [(one.id, _title(session, one)) for one in merging.history(session, found.id)],
        "goes_to": [(one.id, _title(session, one)) for one in [found, *joined]],
        "newest": newest.id,
        "others": [(one.id, f"{_title(session, one)} · {store.last_words(session, one.id)[:20]}") for one in others],
    }


def _suggested(hub: Hub, found: Conversation, wanted: str) -> list[Suggested]:
    """What the engine and the search find; an engine that is down suggests nothing."""
    with hub.works.read() as work:
        text = gateway.for_engine(wanted or _last_question(work.session, found.id))
    if not text:
        return []
    try:
        decision = hub.incoming.engine.understand(text, found.engine_session)
        keys = [int(key) for label in decision.keys if (key := faq_key(label))]
    except Exception:  # The edge of the engine: an agent can answer without it.
        log.exception("no suggestions")
        keys = []
    with hub.works.read() as work:
        session = work.session
        keys += [one.source.piece for one in knowledge.search(session, hub.search, text, work.now)]
        answers: list[Answer] = []
        for piece in dict.fromkeys(keys):
            answered = knowledge.answer_of(session, piece, work.now)
            if answered is not None and answered.text:
                answers.append(answered)
        words = hub.incoming.words
        placed = [words.placed(session, one.sources) for one in answers[:SUGGESTED]]
    pages = [next((address for _title, address in words.links(one)), "") for one in placed]
    return [Suggested(one.sources[-1].title, one.text, page) for one, page in zip(answers, pages, strict=False)]


def _last_question(session: Session, conversation_id: int) -> str:
    query = (
        select(InboundMessage.text)
        .where(
            InboundMessage.conversation_id == conversation_id,
            InboundMessage.kind.in_(("text", "voice")),
            InboundMessage.outcome.not_in(("handoff", "waits", "rating", "report")),
        )
        .order_by(InboundMessage.number.desc())
        .limit(1)
    )
    return session.scalar(query) or ""
