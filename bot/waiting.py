"""Citizens who wait for a person: into the queue, told again while nobody comes, and never forgotten."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, or_, select
from sqlalchemy.orm import Session

from bot import asking, expecting, patience, reply, rules, silence, store, tickets, windows
from bot.dialogue import place
from bot.dialogue.phrases import is_over
from bot.events import ConversationChanged, DangerHeard, PersonWanted, WaitOver, WindowEnds
from bot.handoff import REASON_LABELS, only_asks_for_person, waits_no_more
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import INSIDE, ConversationState, TicketState
from bot.team import drafts, merging, topics
from bot.urgent import Danger
from bot.words import Words
from kernel.office_rules import value_of
from kernel.people import Unit
from kernel.work import Work, Works

S = ConversationState
LONGEST_WORD = 40
# A conversation's state, its lines, and how many wait before it.
Mark = tuple[str, int, int]


def queue(work: Work, conversation: Conversation, reason: str, topic: str | None = None) -> int:
    """Puts a conversation into the queue and tells the desk; returns how many wait before it.

    Danger stays the reason for as long as the session goes on, whoever gives it back. `topic` where it is known of.
    """
    with work.session.no_autoflush:  # Nothing that is asked on the way rests on what changes here.
        return _queue(work, conversation, reason, topic)


def _queue(work: Work, conversation: Conversation, reason: str, topic: str | None) -> int:
    ahead = ahead_of(work, conversation)
    if conversation.agent_id is not None:  # Who had it was called to it alone.
        work.emit(WaitOver(conversation.id, conversation.unit_id))
    if conversation.urgent_at is not None and conversation.state != S.CLOSED:
        reason = "danger"
    conversation.state, conversation.agent_id, conversation.closed_at = S.WAITING, None, None
    conversation.waiting_since = conversation.reminded_at = work.now
    conversation.waiting_reason = reason
    conversation.idle_warned_at = None
    if topic is None:
        topic = topics.asked_about(work, conversation) or conversation.topic
    conversation.topic = topic
    conversation.handed_off_at = conversation.handed_off_at or work.now
    conversation.handoff_reason = conversation.handoff_reason or reason
    conversation.pending, conversation.choices, conversation.failures = "", [], 0
    conversation.dialogue, conversation.dialogue_until = {}, None
    merging.follow(work, conversation)
    work.audit("conversation.waiting", conversation, reason=reason)
    work.emit(_wanted(work, conversation, 1))
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))
    return ahead


def ahead_of(work: Work, conversation: Conversation) -> int:
    """How many citizens of the same desk have waited longer."""
    query = select(func.count(Conversation.id)).where(
        Conversation.unit_id == conversation.unit_id,
        Conversation.state == S.WAITING,
        Conversation.id != conversation.id,
        Conversation.waiting_since < (conversation.waiting_since or work.now),
    )
    return work.session.scalar(query) or 0


def marks(session: Session, conversations: Collection[int]) -> Mapping[int, Mark]:
    """Where each of these conversations stands: what its citizen sees has changed when this has."""
    found = session.execute(_STAND, {"ids": list(conversations)}).all()
    waits = {row.id: row.unit_id for row in found if row.state == S.WAITING}
    ahead: dict[int, int] = {}
    if waits:
        asked = {"ids": list(waits), "units": list(set(waits.values()))}
        ahead = {row.id: row.ahead for row in session.execute(_AHEAD, asked)}
    return {row.id: (row.state, row.lines, ahead.get(row.id, 0)) for row in found}


def may_reopen(work: Work, conversation: Conversation) -> bool:
    """Whether no newer session of the same person goes on."""
    query = select(Conversation.id).where(
        Conversation.account_id == conversation.account_id,
        Conversation.sender == conversation.sender,
        Conversation.state != S.CLOSED,
        Conversation.id != conversation.id,
    )
    return work.session.scalar(query.limit(1)) is None


def close(work: Work, conversation: Conversation, summary: str = "", words: str = "") -> None:
    """Ends a session; `words` are the last the citizen reads."""
    if conversation.state not in (S.BOT, S.CLOSED):  # The bot calls nobody.
        work.emit(WaitOver(conversation.id, conversation.unit_id))
    conversation.state, conversation.closed_at = S.CLOSED, work.now
    conversation.waiting_since = conversation.snoozed_until = None
    conversation.pending, conversation.choices = "", []
    conversation.dialogue, conversation.dialogue_until = {}, None
    conversation.summary = summary.strip()[:500] or conversation.summary
    drafts.drop_all(work, [conversation.id])
    if words:
        reply.book(work, conversation, "event", Said(words))
    for one in merging.of(work.session, conversation.id):
        close(work, one, summary, words)
    work.audit("conversation.closed", conversation, summary=conversation.summary)
    work.emit(ConversationChanged(conversation.id, conversation.unit_id))


def let_go(work: Work, conversation: Conversation, words: Words, zone: ZoneInfo) -> bool:
    """The citizen ends the session while he waits and has not said that he wants no answer: his question is kept.

    It becomes a ticket whose number he is told. False where there is no question to keep: he only wanted a person, or
    whoever rated low is called back anyway. Danger alarms on by itself.
    """
    keeps = conversation.state == S.WAITING and conversation.waiting_reason not in ("danger", "low_rating")
    if not keeps or not _matter(work, conversation):
        return False
    reply.book(work, conversation, "bot", Said(ticket_for(work, conversation, words, zone)))
    close(work, conversation, "市民不再等待，已转工单")
    return True


def ticket_for(work: Work, conversation: Conversation, words: Words, zone: ZoneInfo, kind: str = "咨询") -> str:
    """Makes one ticket a session of what the citizen wrote; returns the sentence with its number and deadline."""
    if conversation.handed_off_at is None:  # People have it, though nobody was there to wait for.
        conversation.handoff_reason = conversation.handoff_reason or "out_of_hours"
    made = _again(work, conversation, kind) or tickets.make(
        work,
        unit_id=conversation.unit_id,
        kind=kind,
        text="\n".join(_matter(work, conversation)) or "市民请求人工服务。",
        zone=zone,
        conversation_id=conversation.id,
    )
    unit = work.session.get_one(Unit, made.unit_id)
    return words.ticket(made.number, made.kind, unit.name, made.due_at)


def _again(work: Work, conversation: Conversation, kind: str) -> Ticket | None:
    """The ticket that this session has already and nobody has answered, with what was said since added to it."""
    query = select(Ticket).where(
        Ticket.conversation_id == conversation.id, Ticket.state == TicketState.OPEN, Ticket.kind.not_in(INSIDE)
    )
    known = work.session.scalars(query.order_by(Ticket.id.desc()).limit(1).with_for_update()).one_or_none()
    if known is None or kind in INSIDE:
        return None
    reported = known.kind != kind
    since = known.created_at if reported else None
    more = [line for line in _matter(work, conversation, since) if line not in known.text]
    if more and reported:  # A report of his is one matter, what he asks after it another.
        return None
    if more:
        tickets.add(work, known, "\n".join(more))
    return known


def _matter(work: Work, conversation: Conversation, since: datetime | None = None) -> list[str]:
    """What the citizen wrote of his matter, without the lines that only want a person or break off."""
    said = store.said_by_citizen(work.session, conversation.id, since).splitlines()
    return [line for line in said if not (only_asks_for_person(line) or waits_no_more(line) or is_over(line))]


@dataclass
class Watch:
    """The desk's recurring duties; each round is a work of its own."""

    works: Works
    words: Words
    zone: ZoneInfo

    def round(self) -> None:
        """One look at everything that waits."""
        for step in (
            self.alarm_again,
            self.remind,
            self.tell_again,
            self.send_home,
            self.wake_snoozed,
            self.warn_windows,
            self.end_windows,
            self.end_dialogues,
            self.warn_idle,
            self.end_idle,
        ):
            with self.works.write() as work:
                step(work)

    def alarm_again(self, work: Work) -> None:
        """Danger that nobody has taken up is told again and again."""
        query = select(Conversation).where(Conversation.urgent_at.is_not(None), Conversation.acknowledged_at.is_(None))
        for conversation in store.locked(work.session, query):
            again = timedelta(minutes=float(value_of(work.session, rules.URGENT_AGAIN, conversation.unit_id, work.now)))
            if conversation.urgent_told_at is None or conversation.urgent_told_at <= work.now - again:
                alarm(work, conversation)

    def remind(self, work: Work) -> None:
        """Tells the desk again of somebody who still waits."""
        query = select(Conversation).where(Conversation.state == S.WAITING)
        for conversation in store.locked(work.session, query):
            pause = timedelta(minutes=float(value_of(work.session, rules.REMIND, conversation.unit_id, work.now)))
            since = conversation.waiting_since or work.now
            if (conversation.reminded_at or since) <= work.now - pause:
                conversation.reminded_at = work.now
                work.emit(_wanted(work, conversation, 1 + int((work.now - since) / pause)))

    def tell_again(self, work: Work) -> None:
        """Whoever waits long on a platform is told his place, where two messages stay for whoever answers.

        Where they do not, he is looked at again: when he writes, the platform lets more through.
        """
        for conversation in patience.run_out(work):
            ahead = ahead_of(work, conversation)
            expected = expecting.minutes(work.session, conversation.unit_id, ahead, work.now)
            hotline = str(value_of(work.session, rules.HOTLINE, conversation.unit_id, work.now))
            told = self.words.waits("still_waiting", ahead, expected, hotline)
            if reply.tell(work, conversation, told, reply.LEFT_TO_ANSWER):
                conversation.wait_told_at = work.now

    def send_home(self, work: Work) -> None:
        """The office has closed while somebody waited: a ticket, and he is told. Danger waits on."""
        query = select(Conversation).where(
            Conversation.state == S.WAITING,
            Conversation.waiting_reason != "danger",
            or_(Conversation.urgent_at.is_(None), Conversation.acknowledged_at.is_not(None)),
        )
        for conversation in store.locked(work.session, query):
            hours = rules.hours_of(work.session, conversation.unit_id, self.zone, work.now)
            if not hours.open_at(work.now):
                said = self.words.say(
                    "out_of_hours",
                    hours=hours.words,
                    hotline=str(value_of(work.session, rules.HOTLINE, conversation.unit_id, work.now)),
                    ticket="",
                )
                kind = "回访" if conversation.waiting_reason == "low_rating" else "咨询"
                told = ticket_for(work, conversation, self.words, self.zone, kind)
                if kind in INSIDE:  # He is called; the number of such a ticket opens nothing to him.
                    told = self.words.say("rated", low=True)
                first = said.splitlines()[0]
                reply.book(work, conversation, "bot", Said(f"{first}\n{told}"))
                close(work, conversation, "下班时仍在等待，已转工单")

    def wake_snoozed(self, work: Work) -> None:
        """稍后处理 is over."""
        query = select(Conversation).where(Conversation.state == S.SNOOZED, Conversation.snoozed_until <= work.now)
        for conversation in store.locked(work.session, query):
            conversation.state, conversation.snoozed_until = S.OPEN, None
            work.emit(ConversationChanged(conversation.id, conversation.unit_id))

    def warn_windows(self, work: Work) -> None:
        """The platform's clock runs out soon while a person has the conversation: told once, and back in sight.

        Where the citizen was answered, he himself is told.
        """
        longest = timedelta(hours=24)
        query = select(Conversation).where(
            Conversation.state.in_((S.WAITING, S.OPEN, S.SNOOZED)),
            Conversation.window_until > work.now,
            Conversation.window_until <= work.now + longest,
            or_(Conversation.window_warned.is_(None), Conversation.window_warned != Conversation.window_until),
        )
        for conversation in store.locked(work.session, query):
            ahead = timedelta(minutes=float(value_of(work.session, rules.WINDOW, conversation.unit_id, work.now)))
            if conversation.window_until is None or conversation.window_until > work.now + ahead:
                continue
            if conversation.state != S.SNOOZED and not store.unanswered(work.session, conversation.id):
                self._tell_window_ends(work, conversation)
                continue
            conversation.window_warned = conversation.window_until
            if conversation.state == S.SNOOZED:
                conversation.state, conversation.snoozed_until = S.OPEN, None
            work.emit(
                WindowEnds(conversation.id, conversation.unit_id, conversation.agent_id, conversation.window_until)
            )
            work.emit(ConversationChanged(conversation.id, conversation.unit_id))

    def _tell_window_ends(self, work: Work, conversation: Conversation) -> None:
        """He was answered and writes no more: whatever he replies in time keeps the conversation."""
        if conversation.state != S.OPEN or conversation.merged_into_id is not None:
            return
        conversation.window_warned = conversation.window_until
        reply.tell(work, conversation, self.words.say("window_ends", until=conversation.window_until), leaves=1)

    def end_windows(self, work: Work) -> None:
        """The platform lets nothing through any more: what is unanswered becomes a ticket, the session ends."""
        query = select(Conversation).where(
            Conversation.state != S.CLOSED, Conversation.window_until <= work.now, Conversation.state != S.BOT
        )
        for conversation in store.locked(work.session, query):
            if store.unanswered(work.session, conversation.id):
                ticket_for(work, conversation, self.words, self.zone)
            why = windows.hindrance(conversation, work.now)
            close(work, conversation, f"{why}，会话自动结束", words=f"{why}，会话自动结束。")

    def end_dialogues(self, work: Work) -> None:
        """What was not finished for too long is over; whoever had not finished is told in one line."""
        query = select(Conversation).where(Conversation.dialogue_until <= work.now)
        for conversation in store.locked(work.session, query):
            form = str(conversation.dialogue.get("form", ""))
            unfinished = (
                form not in ("", place.FORM) and conversation.state == S.BOT and "filed" not in conversation.dialogue
            )
            conversation.dialogue, conversation.dialogue_until = {}, None
            if unfinished and not windows.hindrance(conversation, work.now):
                said = self.words.say(form, part="abandoned", values={}, choices=[])
                reply.book(work, conversation, "bot", Said(said))

    def warn_idle(self, work: Work) -> None:
        """Nobody's session on our own page ends by silence without a word before."""
        silence.warn(work, self.words)

    def end_idle(self, work: Work) -> None:
        """A session with the bot in which nobody writes any more; on our own page an agent's as well."""
        for conversation in silence.over(work):
            own = conversation.channel in reply.OWN_PAGES
            asks = not own and asking.may_ask(work, conversation)
            gone = self._call_who_has_gone(work, conversation) if own else ""
            close(work, conversation, gone, words=self.words.say("closed") if own else "")
            if asks:
                asking.ask(work, conversation, self.words)

    def _call_who_has_gone(self, work: Work, conversation: Conversation) -> str:
        """He waited, and has not been heard since a person took him: the answer may stand where nobody reads it.

        Whoever left a number is called, unless his matter has a ticket already. Returns how the session ended.
        """
        taken = conversation.taken_at
        if conversation.state != S.OPEN or taken is None or conversation.heard_at > taken:
            return ""
        said = "\n".join(_matter(work, conversation))
        known = select(Ticket.id).where(Ticket.conversation_id == conversation.id)
        if not tickets.phone_in(said) or work.session.scalar(known.limit(1)) is not None:
            return "市民等到人工后没有再说话"
        text = f"市民等到人工后没有再说话，可能没有看到答复，请按所留电话回访。\n{said}"
        tickets.make(
            work,
            unit_id=conversation.unit_id,
            kind="回访",
            text=text,
            zone=self.zone,
            conversation_id=conversation.id,
        )
        return "市民等到人工后没有再说话，已登记回访"


def note_danger(work: Work, conversation: Conversation, danger: Danger) -> None:
    """Danger was heard in a conversation: the people on duty are told, once more where somebody had seen to it."""
    known = conversation.urgent_at is not None and conversation.acknowledged_at is None
    conversation.urgent_at = conversation.urgent_at if known else work.now
    conversation.urgent_word = danger.word[:LONGEST_WORD]
    if conversation.state == S.WAITING:
        conversation.waiting_reason = "danger"
    if not known:
        conversation.acknowledged_at = conversation.acknowledged_by = None
        conversation.urgent_told = 0
        alarm(work, conversation)


def alarm(work: Work, conversation: Conversation) -> None:
    """Tells the people on duty of danger, once more."""
    conversation.urgent_told += 1
    conversation.urgent_told_at = work.now
    last = store.last_words(work.session, conversation.id)
    work.audit("conversation.alarmed", conversation, word=conversation.urgent_word, round=conversation.urgent_told)
    work.emit(
        DangerHeard(conversation.id, conversation.unit_id, conversation.urgent_word, last, conversation.urgent_told)
    )


def _wanted(work: Work, conversation: Conversation, round_: int) -> PersonWanted:
    reason = REASON_LABELS.get(conversation.waiting_reason, "")
    words = store.last_words(work.session, conversation.id)
    return PersonWanted(conversation.id, conversation.unit_id, reason, words, round_)


# Made once: building a statement costs more than running it.
_STAND = select(Conversation.id, Conversation.state, Conversation.lines, Conversation.unit_id).where(
    Conversation.id.in_(bindparam("ids", expanding=True))
)
# Counted where they are: the moments of all who wait would be read for each who asks.
_places = (
    select(
        Conversation.id,
        (func.rank().over(partition_by=Conversation.unit_id, order_by=Conversation.waiting_since) - 1).label("ahead"),
    )
    .where(Conversation.state == S.WAITING, Conversation.unit_id.in_(bindparam("units", expanding=True)))
    .subquery()
)
_AHEAD = select(_places.c.id, _places.c.ahead).where(_places.c.id.in_(bindparam("ids", expanding=True)))
