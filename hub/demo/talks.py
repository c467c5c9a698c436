"""What came to the demo's service centre, lived through the product: what citizens asked, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial

from sqlalchemy import select

from bot import desk, gateway, publishing, ratings, reply, tickets
from bot.casework import assigning, signing
from bot.gateway import Arrival
from bot.models import Conversation, Ticket
from bot.reply import Said
from bot.states import RATINGS, SET_RIGHT, ConversationState
from bot.team import classes
from hub.demo.corpus import Attended, Matter, Talk, load_matters, load_talks
from hub.incoming import begin_on_portal
from hub.product import Hub
from kernel.clock import StillClock
from kernel.people import Viewer
from kernel.work import Actor, Work

By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

CITIZEN = Actor("citizen")
TYPING, READING, CLOSING = 25, 70, 40
MORNING = "10:30"
RIGHTED_AFTER = 2


@dataclass
class Diary:
    """What happened at the centre, in its order; the clock is moved on to each moment."""

    hub: Hub
    clock: StillClock
    by: By
    agent: str
    head: str
    righter: str
    unit_id: int
    _ahead: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)

    def open(self, now: datetime) -> None:
        """Writes down everything until the day of `now`; the bot learns what is published by then."""
        self.hub.incoming.engine.refresh()
        for talk in load_talks():
            self._ahead.append((self._at(now, talk.days_ago, talk.at), partial(self._talk, talk, now)))
        for matter in load_matters():
            self._ahead.append((self._at(now, matter.days_ago, MORNING), partial(self._matter, matter, now)))
        self._ahead.sort(key=lambda entry: entry[0])

    def until(self, at: datetime) -> None:
        """Lives what happened before a moment."""
        while self._ahead and self._ahead[0][0] < at:
            begins, act = self._ahead.pop(0)
            self.clock.step(seconds=max(0.0, (begins - self.clock.now()).total_seconds()))
            act()

    def _plan(self, at: datetime, act: Callable[[], None]) -> None:
        self._ahead.append((at, act))
        self._ahead.sort(key=lambda entry: entry[0])

    def _at(self, now: datetime, days_ago: int, hour: str) -> datetime:
        zone = self.hub.settings.office_zone
        return datetime.combine((now - timedelta(days=days_ago)).astimezone(zone), time.fromisoformat(hour), zone)

    # --- conversations --------------------------------------------------------------------------------

    def _talk(self, talk: Talk, now: datetime) -> None:
        with self.hub.works.write(CITIZEN) as work:
            conversation = begin_on_portal(work, self.unit_id)
            greeting = self.hub.incoming.answering.greeting(work.session, conversation, work.now)
            reply.book(work, conversation, "bot", Said(greeting))
            number = conversation.id
        for sentence in talk.says:
            self._says(number, sentence)
        if talk.person is not None:
            self._attend(number, talk.person)
        else:
            self._leave(number)
        self._rate(number, talk.rating)
        if talk.righted:
            self._plan(self._at(now, talk.days_ago - RIGHTED_AFTER, MORNING), partial(self._set_right, talk, number))

    def _says(self, number: int, sentence: str) -> None:
        self.clock.step(seconds=TYPING)
        with self.hub.works.write(CITIZEN) as work:
            conversation = work.session.get_one(Conversation, number)
            key = f"{number}-{conversation.lines}"
            arrival = Arrival(gateway.CHAT, key, conversation.sender, "text", sentence, work.now)
            received = gateway.store(work, conversation, arrival)
        self.hub.incoming.answering.handle(received.inbound_id)

    def _attend(self, number: int, person: Attended) -> None:
        words = self.hub.incoming.words
        self.clock.step(seconds=person.waits)
        with self.by(person.agent) as (work, who):
            desk.take(work, who, work.session.get_one(Conversation, number), words)
        for place, text in enumerate(person.answers):
            self.clock.step(seconds=READING)
            with self.by(person.agent) as (work, who):
                desk.answer(work, who, work.session.get_one(Conversation, number), text, words)
            if place < len(person.replies):
                self._says(number, person.replies[place])
        self.clock.step(seconds=CLOSING)
        with self.by(person.agent) as (work, who):
            conversation = work.session.get_one(Conversation, number)
            named = {one.path: one.id for one in classes.in_use(work.session, conversation.unit_id)}
            desk.close(work, who, conversation, person.summary, words, person.item, named[person.filed])

    def _leave(self, number: int) -> None:
        self.clock.step(seconds=READING)
        with self.hub.works.write(CITIZEN) as work:
            conversation = work.session.get_one(Conversation, number)
            if conversation.state != ConversationState.CLOSED:
                asks = Said(self.hub.incoming.words.say("rating", service=""), ask="rating")
                ratings.end(work, conversation, self.hub.settings.office_zone, asks)

    def _rate(self, number: int, rating: str) -> None:
        if rating:
            self.clock.step(seconds=TYPING)
            with self.hub.works.write(CITIZEN) as work:
                conversation = work.session.get_one(Conversation, number)
                ratings.rate(work, conversation, RATINGS.index(rating) + 1, self.hub.settings.office_zone)

    def _set_right(self, talk: Talk, number: int) -> None:
        """The head of the item's unit calls, sets it right, writes down what was done and closes it."""
        with self.by(self.righter) as (work, _who):
            query = select(Ticket).where(Ticket.conversation_id == number, Ticket.kind == SET_RIGHT)
            ticket = work.session.scalars(query).one()
            signing.submit(work, ticket, talk.righted)
            tickets.close(work, ticket)

    # --- tickets --------------------------------------------------------------------------------------

    def _matter(self, matter: Matter, now: datetime) -> None:
        with self.hub.works.write(CITIZEN) as work:
            made = tickets.make(
                work,
                unit_id=self.unit_id,
                kind=matter.kind,
                text=matter.text,
                zone=self.hub.settings.office_zone,
                contact=matter.contact,
                name=matter.name,
            )
            number = made.id
        with self.by(self.agent) as (work, who):
            assigning.assign(work, work.session.get_one(Ticket, number), who.person_id)
        if matter.answer:
            self._plan(self._at(now, matter.days_ago - matter.after, MORNING), partial(self._answer, matter, number))

    def _answer(self, matter: Matter, number: int) -> None:
        with self.by(self.agent) as (work, _who):
            signing.submit(work, work.session.get_one(Ticket, number), matter.answer)
        if not matter.signed:
            return
        self.clock.step(minutes=50)
        with self.by(self.head) as (work, _who):
            signing.sign(work, work.session.get_one(Ticket, number))
        if matter.public:
            with self.by(self.agent) as (work, _who):
                ticket = work.session.get_one(Ticket, number)
                publishing.publish(work, ticket, matter.public, matter.answer)
                tickets.close(work, ticket)
