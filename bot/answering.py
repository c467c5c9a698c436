"""Decides what a citizen is told: look (read), decide (no transaction), record (write); once per message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot import (
    expecting,
    guides,
    handoff,
    knowledge,
    lookups,
    parts,
    prepared,
    ratings,
    reply,
    rules,
    sensitive,
    store,
    tickets,
    waiting,
)
from bot.dialogue import place, progress, report
from bot.dialogue.phrases import is_over, number_in
from bot.dialogue.step import Asked
from bot.dialogue.turned import Report
from bot.engine import Engine
from bot.gateway import FOLLOW, LEASE, SCAN, for_engine
from bot.handoff import Handoff, Situation
from bot.hearing import CLICK, FLOOD, TEXTS, Heard, Told, going, hear
from bot.knowledge import Answer, Shelf, Source
from bot.models import Conversation, InboundMessage
from bot.nlu.ranking import Decision
from bot.nlu.text import default_lexicon, normalise, officially
from bot.nlu.wire import faq_key
from bot.phone_codes import Codes
from bot.prepared import Prepared
from bot.project import HANDOFF, PROGRESS, REPORT
from bot.reply import Said
from bot.states import LOW_RATING, ConversationState
from bot.team import topics
from bot.turns import DISSATISFIED, GREET, IDENTITY
from bot.urgent import Danger, danger_in
from bot.words import Words
from channels.accounts.models import Account
from content.search import Searcher
from kernel.claim import claim, free, new_claimant
from kernel.office_rules import value_of
from kernel.people import Unit
from kernel.work import Work, Works

log = structlog.get_logger(__name__)
S = ConversationState

LEAVE, CHOICE = "leave", "choice"
# Among suggestions, what is no piece: a report may be taken down.
A_REPORT = 0
PICTURES = frozenset({"image"})
TRIES = 5


class Moved(Exception):
    """A dialogue went on in another process between look and record."""


@dataclass
class Verdict:
    """What to do with it; `outcome` is kept with the message: answer, suggest, refuse, turn, handoff, …

    `dialogue` is where a dialogue of several turns stands then (None: as before); `filed` is a report that is complete,
    `wanted` a code that is to be sent or looked at.
    """

    outcome: str
    said: Said | None = None
    failures: int = 0
    pending: str = ""
    choices: list[int] = field(default_factory=list)
    handoff: Handoff | None = None
    danger: Danger | None = None
    rating: int = 0
    leaves_word: bool = False
    more: Sequence[Said] = ()
    dialogue: Mapping[str, Any] | None = None
    filed: Report | None = None
    wanted: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Answering:
    """The bot on one installation; `engine` understands, the rest is the same for every engine.

    Without `codes` no telephone can be reached from here, and nobody is told by the bot how a ticket stands.
    """

    works: Works
    engine: Engine
    words: Words
    zone: ZoneInfo
    shelf: Shelf = field(default_factory=Shelf)
    codes: Codes | None = None
    # Whether a text message can tell of an answer: only then is it promised, and agreed to.
    texts: bool = False
    documents: Searcher = field(default_factory=lambda: Searcher(officially=officially))

    def handle(self, inbound_id: int) -> None:
        """Deals with one stored message; a second call finds it handled and does nothing."""
        for tried in range(TRIES):
            with self.works.read() as work:
                heard = self._look(work, inbound_id)
            if heard is None:
                return
            verdict = self.decide(heard)
            try:
                self.works.together(partial(self.record, heard=heard, verdict=verdict))
            except Moved:
                log.info("a dialogue moved meanwhile", message=inbound_id, tried=tried)
                continue
            return

    def handled(self, inbound_id: int) -> bool:
        """Whether a stored message has been dealt with, by this process or another."""
        with self.works.read() as work:
            query = select(InboundMessage.handled_at).where(InboundMessage.id == inbound_id)
            return work.session.scalar(query) is not None

    def left_over(self) -> list[tuple[int, int]]:
        """Messages whose process died before they were handled: (message, conversation), claimed anew."""
        with self.works.write() as work:
            rows = claim(
                work.session,
                InboundMessage,
                [InboundMessage.handled_at.is_(None), free(InboundMessage, work.now, LEASE)],
                [InboundMessage.id],
                limit=50,
                claimant=new_claimant(),
                now=work.now,
                lease=LEASE,
            )
            return [(row.id, row.conversation_id) for row in rows]

    def greeting(self, session: Session, conversation: Conversation, now: datetime) -> str:
        """That this is a bot, and how to reach a person."""
        hotline = str(value_of(session, rules.HOTLINE, conversation.unit_id, now))
        account = session.get(Account, conversation.account_id) if conversation.account_id else None
        office = account.name if account is not None else session.get_one(Unit, conversation.unit_id).name
        return self.words.say("greeting", office=office, hotline=hotline)

    # --- look -----------------------------------------------------------------------------------------

    def _look(self, work: Work, inbound_id: int) -> Heard | None:
        inbound = work.session.get_one(InboundMessage, inbound_id)
        if inbound.handled_at is not None:
            return None
        conversation = work.session.get_one(Conversation, inbound.conversation_id)
        told = Told(inbound.id, inbound.number, inbound.kind, inbound.text)
        return hear(work, told, going(conversation), self.zone, self.works.read)

    # --- decide ---------------------------------------------------------------------------------------

    def decide(self, heard: Heard) -> Verdict:
        """What to do with a message, in as many messages as its platform needs.

        `reading` is all that it asks of the database.
        """
        verdict = self._decided(heard)
        if verdict.danger is None:  # Nothing stands before the numbers that save a life.
            verdict.said = self._echoed(heard, verdict.said)
        if verdict.said is None or heard.own_page:
            return verdict
        page = next((address for _title, address in self.words.links(verdict.said.sources)), "")
        verdict.said, *rest = parts.spread(verdict.said, heard.conversation.channel, page)
        verdict.more = [*rest, *verdict.more]
        return verdict

    def _decided(self, heard: Heard) -> Verdict:
        danger = danger_in(heard.text, heard.urgent_words)
        if danger is not None:
            return self._danger(heard, danger)
        if heard.state == S.CLOSED:
            return self._rating(heard)
        if heard.state != S.BOT:
            return self._owned(heard)
        if heard.flood and not handoff.asks_for_person(heard.text):
            return self._flooded(heard)
        if heard.kind in (FOLLOW, SCAN, CLICK) and heard.prepared:
            return self._prepared(heard, heard.prepared)
        if heard.kind in (FOLLOW, SCAN):
            return Verdict("turn", Said(self.words.say("greeting", office=heard.office, hotline=heard.hotline)))
        if heard.kind in PICTURES and heard.dialogue:
            return self._several(heard, str(heard.dialogue["form"])) or self._not_words(heard)
        if heard.kind not in TEXTS or not heard.text:
            return self._not_words(heard)
        if heard.kind == CLICK and heard.text.isascii():
            return Verdict("turn", self._text(heard, self.words.say("menu_gone")), failures=heard.conversation.failures)
        if handoff.asks_for_person(heard.text):
            return self._person(heard, Verdict("handoff"), asked=True)
        # A report that is being taken down is answered by nobody but people anyway.
        form = str(heard.dialogue.get("form", ""))
        if form not in (report.FORM, progress.FORM) and sensitive.speaks_of(heard.text, heard.sensitive_words):
            return self._person(heard, Verdict("sensitive"), sensitive=True)
        return self._worded(heard)

    def _worded(self, heard: Heard) -> Verdict:
        """What to do with a sentence that is the bot's to answer."""
        if heard.conversation.pending == LEAVE and is_over(heard.text):
            return Verdict("turn", self._text(heard, self.words.say("left_nothing")))
        if heard.conversation.pending == LEAVE:
            return Verdict("ticket", leaves_word=True)
        if heard.dialogue:
            turned = self._aside(heard) or self._several(heard, str(heard.dialogue["form"]))
            if turned is not None:
                return turned
            if heard.dialogue["form"] == place.FORM:
                over = self._worded(replace(heard, conversation=replace(heard.conversation, dialogue={})))
                return over if over.dialogue is not None else replace(over, dialogue={})
        if number_in(heard.text):
            return self._progress(heard)
        chosen = _chosen(heard)
        if chosen == A_REPORT:
            return self._several(self._as_before(heard), report.FORM) or self._refuse(heard)
        if chosen is not None:
            return self._answer(heard, chosen)
        if heard.prepared:
            return self._prepared(heard, heard.prepared)
        found = self._rebutted(heard) or self._gone_on(heard)
        return self._understood(heard) if found is None else self._answer(heard, found)

    def _rebutted(self, heard: Heard) -> int | None:
        """The piece that rebuts the rumour he asks about: what the office said of it comes before all it says else."""
        with heard.reading() as work:
            return knowledge.rebuttal_to(work.session, heard.text, work.now)

    def _gone_on(self, heard: Heard) -> int | None:
        """The guide he was told of last, when he asks for one of its elements and names nothing else: 那多少钱呢."""
        if not guides.nothing_else(heard.text):
            return None
        with heard.reading() as work:
            last = heard.last_source
            if last is None:
                last = store.last_source(work.session, heard.conversation.id, heard.told.number)
            return last if last and self.shelf.is_guide(work.session, last, work.now) else None

    def _prepared(self, heard: Heard, found: Prepared) -> Verdict:
        """What people prepared for just this: the bot is not asked, and what it waited for is over."""
        if found.act == prepared.PERSON:
            return self._person(heard, Verdict("handoff"), asked=True)
        outcome = {FOLLOW: "follow", SCAN: "scan", CLICK: "menu"}.get(heard.kind, "keyword")
        if found.act == prepared.LIST:
            placed = self._placed_now(heard, found.sources)
            listed = self.words.say("listing", heading=found.heading, found=self.words.links(placed))
            return Verdict(outcome, Said(listed, placed, rule=found.rule))
        first, *more = (Said(text, rule=found.rule) for text in found.texts)
        return Verdict(outcome, first, more=more)

    def _danger(self, heard: Heard, danger: Danger) -> Verdict:
        # What is said is the same each time; a person who has it already reads it himself.
        silent = heard.danger_known and heard.state in (S.OPEN, S.SNOOZED)
        verdict = Verdict("danger", None if silent else Said(self.words.say("urgent")), danger=danger)
        if heard.state in (S.BOT, S.CLOSED):
            verdict.handoff = handoff.decide(Situation(danger=True, open_now=heard.open_now))
        return verdict

    def _rating(self, heard: Heard) -> Verdict:
        score = int(heard.text) if heard.text in {"1", "2", "3", "4", "5"} else 0
        if not score:
            return Verdict("late")
        return Verdict("rating", Said(self.words.say("rated", low=score >= LOW_RATING)), rating=score)

    def _owned(self, heard: Heard) -> Verdict:
        """A person has the conversation, or will: the bot is silent unless he asks how long, or waits no more."""
        if heard.state == S.WAITING and handoff.waits_no_more(heard.text) and not heard.danger_known:
            return Verdict("ticket", leaves_word=True)
        if heard.state == S.WAITING and handoff.asks_for_person(heard.text):
            return Verdict("waits", handoff=Handoff("asked", "waiting"))
        return Verdict("person")

    def _flooded(self, heard: Heard) -> Verdict:
        """Neither answered nor lost: the words are kept, and what the bot waits for it goes on waiting for."""
        told = None if heard.flood == "told" else Said(self.words.say("flood", hotline=heard.hotline))
        of = heard.conversation
        return Verdict(FLOOD, told, of.failures, of.pending, list(of.choices))

    def _not_words(self, heard: Heard) -> Verdict:
        if heard.kind == "leave":
            return Verdict("silent")
        return Verdict("turn", self._text(heard, self.words.say("not_words")), heard.conversation.failures)

    def _understood(self, heard: Heard) -> Verdict:
        text = for_engine(heard.text)
        try:
            decision = self.engine.understand(text, heard.conversation.engine_session)
        except Exception:  # The edge of the engine: whatever is wrong with it, people get the conversation at once.
            log.exception("bot is down", message=heard.told.inbound_id)
            return self._person(heard, Verdict("bot_down"), bot_down=True)
        verdict = self._act(heard, decision)
        if verdict.said is not None:
            verdict.said = replace(verdict.said, basis=decision.basis)
        return verdict

    def _act(self, heard: Heard, decision: Decision) -> Verdict:
        if decision.kind == "answer":
            key = faq_key(decision.keys[0])
            return self._turn(heard, decision.keys[0]) if key is None else self._answer(heard, int(key))
        if decision.kind == "suggest":
            offered = [A_REPORT if label == REPORT else int(faq_key(label) or -1) for label in decision.keys]
            return self._suggest(heard, [one for one in offered if one >= A_REPORT])
        return self._refuse(heard)

    def _turn(self, heard: Heard, key: str) -> Verdict:
        if key == HANDOFF:
            return self._person(heard, Verdict("handoff"), asked=True)
        if key == PROGRESS:
            return self._progress(heard)
        if key == REPORT and report.asks_how(heard.text):
            return self._suggest(heard, [A_REPORT])
        if key == REPORT:
            return self._several(heard, report.FORM) or self._refuse(heard)
        if key == DISSATISFIED:
            verdict = Verdict("dissatisfied", Said(self.words.say("turn", turn=key)), heard.conversation.failures + 1)
            return self._person(heard, verdict)
        if key in (GREET, IDENTITY):
            return Verdict("turn", Said(self.words.say("greeting", office=heard.office, hotline=heard.hotline)))
        return Verdict("turn", Said(self.words.say("turn", turn=key)))

    def _several(self, heard: Heard, form: str, begins: Mapping[str, Any] | None = None) -> Verdict | None:
        """The next turn of a dialogue; None where the message was not for it, which ends it.

        `begins` is what one that the bot begins rests on.
        """
        kept = heard.dialogue if begins is None else begins
        asked = Asked(form, kept, heard.text, heard.kind in PICTURES, self._districts(heard, kept))
        try:
            turned = self.engine.turn(asked, heard.conversation.engine_session)
        except Exception:  # The edge of the engine, as for a question: people get the conversation at once.
            log.exception("bot is down", message=heard.told.inbound_id)
            return self._person(heard, Verdict("bot_down"), bot_down=True)
        if turned.left:
            return None
        if form == place.FORM and turned.wanted:
            return self._placed(heard, turned.wanted)
        choices = [self.words.say("word", word=choice) for choice in turned.choices]
        listed = [] if heard.own_page else choices  # On our own page they are buttons below the words.
        values = {**turned.values, "own_page": heard.own_page, "sms": self.texts}
        said = self.words.say(form, part=turned.part, values=values, choices=listed)
        kept = {**turned.kept, "until": self._until(heard)} if turned.kept else {}
        text = self._text(heard, said, choices=choices)
        return Verdict(form, text, dialogue=kept, filed=turned.filed, wanted=turned.wanted)

    def _districts(self, heard: Heard, kept: Mapping[str, Any]) -> Sequence[str]:
        """What may be named: the desk's districts, or those of the guide whose place is asked for."""
        if kept.get("form") != place.FORM:
            return heard.districts
        with heard.reading() as work:
            return self.shelf.districts_of(work.session, int(kept["piece"]), work.now)

    def _placed(self, heard: Heard, wanted: Mapping[str, str]) -> Verdict:
        """Where one goes in that district, as the guide says it now."""
        with heard.reading() as work:
            found = self.shelf.place_of(work.session, int(wanted["piece"]), wanted["district"], work.now)
        return self._refuse(heard) if found is None else replace(self._told(heard, found), dialogue={})

    def _aside(self, heard: Heard) -> Verdict | None:
        """The answer to a question in the middle of a report, and what was asked before it once more; or a person.

        None where it is none, or none whose answer is sure: then the words are taken for what was asked.
        """
        kept = heard.dialogue
        if kept["form"] != report.FORM or "filed" in kept:
            return None
        wants, asks = handoff.may_mean_person(heard.text), report.asks_aside(kept, heard.text, heard.districts)
        if not (wants or asks):
            return None
        try:
            decision = self.engine.understand(for_engine(heard.text), heard.conversation.engine_session)
        except Exception:  # The edge of the engine: the report goes on by what needs none.
            log.exception("bot is down", message=heard.told.inbound_id)
            return None
        if wants and decision.kind == "answer" and decision.keys[0] == HANDOFF:
            return self._person(heard, Verdict("handoff"), asked=True)
        key = faq_key(decision.keys[0]) if asks and decision.kind == "answer" else None
        verdict = self._answer(heard, int(key)) if key is not None else None
        if verdict is None or verdict.said is None or verdict.outcome != "answer":
            return None
        turned = report.again(kept, heard.districts)
        choices = [self.words.say("word", word=choice) for choice in turned.choices]
        listed = [] if heard.own_page else choices
        values = {**turned.values, "own_page": heard.own_page, "sms": self.texts}
        asked = self.words.say(report.FORM, part=turned.part, values=values, choices=listed)
        back = f"\n\n{self.words.say('back_to_report')}\n{asked}"
        short = verdict.said.short and verdict.said.short + back
        said = replace(verdict.said, text=verdict.said.text + back, short=short, choices=choices, basis=decision.basis)
        return Verdict("answer", said, dialogue={**turned.kept, "until": self._until(heard)})

    def _progress(self, heard: Heard) -> Verdict:
        """How a ticket stands; where no code can be sent from here, where it can be asked with the number."""
        if self.codes is None:
            about = {"address": f"{self.words.portal}/feedback/progress", "hotline": heard.hotline}
            said = self.words.say(progress.FORM, part="elsewhere", values=about, choices=[])
            return Verdict(progress.FORM, self._text(heard, said))
        return self._several(heard, progress.FORM) or self._refuse(heard)

    def _offer(self) -> str:
        return self.words.say("word", word=report.OFFER)

    def _as_before(self, heard: Heard) -> Heard:
        """The same citizen with what he said before he chose."""
        with heard.reading() as work:
            texts = store.texts_before(work.session, heard.conversation.id, heard.told.number)
        said = next((text for text in reversed(texts) if text and not text.isdecimal()), "")
        return replace(heard, told=replace(heard.told, text=said))

    def _until(self, heard: Heard) -> str:
        return (heard.at + timedelta(minutes=float(heard.values[rules.DIALOGUE]))).isoformat()

    def _answer(self, heard: Heard, piece_id: int) -> Verdict:
        with heard.reading() as work:
            found, guide = self.shelf.answer_to(work.session, piece_id, heard.text, work.now)
        if found is None:  # It has expired or was withdrawn since the classifier learned of it.
            return self._refuse(heard)
        if guide and heard.dialogue.get("form") != report.FORM:
            return self._several(heard, place.FORM, place.of(guide)) or self._told(heard, found)
        return self._told(heard, found)

    def _told(self, heard: Heard, found: Answer) -> Verdict:
        placed = self._placed_now(heard, found.sources)
        if heard.own_page:
            return Verdict("answer", self._text(heard, found.text, placed))
        said = self._text(heard, self.words.answer(found.text, placed), placed)
        short = self._text(heard, self.words.answer(found.short, placed)).text if found.short else ""
        return Verdict("answer", replace(said, short=short))

    def _suggest(self, heard: Heard, pieces: Sequence[int]) -> Verdict:
        with heard.reading() as work:
            titles = {A_REPORT: self._offer(), **knowledge.shown_titles(work.session, pieces, work.now)}
        known = {piece: titles[piece] for piece in pieces if piece in titles}
        if not known:
            return self._refuse(heard)
        # Suggesting a second time without a choice in between is no better than not knowing.
        failures = heard.conversation.failures + (heard.conversation.pending == CHOICE)
        # On our own page the choices are buttons below the words.
        listed = [] if heard.own_page else list(known.values())
        said = self._text(heard, self.words.say("unsure", choices=listed), choices=list(known.values()))
        return self._person(heard, Verdict("suggest", said, failures, CHOICE, list(known)))

    def _refuse(self, heard: Heard) -> Verdict:
        with heard.reading() as work:
            found = knowledge.search(work.session, self.documents, heard.text, work.now)
            placed = self.words.placed(work.session, [one.source for one in found])
        said = self._text(heard, self.words.no_answer(found, placed, linked=heard.own_page), placed)
        return self._person(heard, Verdict("refuse", said, heard.conversation.failures + 1))

    def _person(
        self, heard: Heard, verdict: Verdict, *, asked: bool = False, sensitive: bool = False, bot_down: bool = False
    ) -> Verdict:
        """The same verdict, or a person instead of the bot when that is due."""
        verdict.handoff = handoff.decide(
            Situation(
                asked=asked,
                sensitive=sensitive,
                bot_down=bot_down,
                failures=verdict.failures,
                allowed_failures=heard.allowed_failures,
                open_now=heard.open_now,
            )
        )
        return verdict

    def _text(self, heard: Heard, text: str, sources: Sequence[Source] = (), choices: Sequence[str] = ()) -> Said:
        """The bot says once in every session that it is one."""
        if heard.first and not heard.own_page:
            text = f"{text}\n{self.words.say('bot_note')}"
        return Said(text, sources, choices)

    def _echoed(self, heard: Heard, said: Said | None) -> Said | None:
        """What it made of a voice message stands before whatever is said to it."""
        if said is None or heard.kind != "voice" or not heard.text:
            return said
        echo = self.words.say("heard", text=heard.text)
        return replace(said, text=f"{echo}\n{said.text}", short=f"{echo}\n{said.short}" if said.short else "")

    def _placed_now(self, heard: Heard, sources: Sequence[Source]) -> list[Source]:
        with heard.reading() as work:
            return self.words.placed(work.session, sources)

    # --- record ---------------------------------------------------------------------------------------

    def adopt(self, work: Work, inbound_id: int, verdict: Verdict, state: str, said: str) -> None:
        """Records what was decided on another host, where the conversation stood at `state` and `said` was read.

        What that leaves to be said (a ticket's number, how many wait before) is said from here.
        """
        inbound = work.session.get_one(InboundMessage, inbound_id)
        conversation = work.session.get_one(Conversation, inbound.conversation_id)
        told = Told(inbound.id, inbound.number, inbound.kind, inbound.text)
        heard = hear(work, told, replace(going(conversation), state=state), self.zone, lambda: nullcontext(work))
        self.record(work, heard, verdict, said, adopted=True)

    def record(self, work: Work, heard: Heard, verdict: Verdict, read: str = "", *, adopted: bool = False) -> None:
        """Does what was decided about a stored message, once; `read` was said already.

        Raises Moved where a dialogue went on since it was heard, unless it was `adopted` from another host.
        """
        inbound = _mark_handled(work, heard.told.inbound_id, verdict.outcome)
        if inbound is None:
            return
        query = select(Conversation).where(Conversation.id == inbound.conversation_id).with_for_update()
        conversation = work.session.scalars(query.execution_options(populate_existing=True)).one()
        if verdict.danger is not None:
            waiting.note_danger(work, conversation, verdict.danger)
        elif conversation.state != heard.state:
            inbound.outcome = "person"  # Somebody took it over while the bot was thinking.
            return
        if verdict.rating and ratings.asked(conversation, inbound.at):
            ratings.rate(work, conversation, verdict.rating, self.zone, inbound.at)
        if verdict.handoff is not None:  # While it is still known what was last suggested.
            conversation.topic = topics.asked_about(work, conversation, verdict.choices) or conversation.topic
        if conversation.state == S.BOT:
            _go_on(conversation, heard, verdict, adopted)
            conversation.failures = verdict.failures
            conversation.pending, conversation.choices = verdict.pending, verdict.choices
        said = self._final(work, heard, verdict, conversation)
        if heard.prepared and heard.prepared.tapped:
            inbound.media = {**inbound.media, "tapped": heard.prepared.tapped}
        # What goes on from words that were not said after all is not said either.
        more = verdict.more if said is verdict.said else ()
        for one in (said, *more) if said is not None else ():
            if one.text != read:
                reply.book(work, conversation, "bot", one, inbound)

    def _final(self, work: Work, heard: Heard, verdict: Verdict, conversation: Conversation) -> Said | None:
        said = self._made(work, heard, verdict, conversation)
        # What was decided before says it already.
        return said if said is verdict.said else self._echoed(heard, said)

    def _made(self, work: Work, heard: Heard, verdict: Verdict, conversation: Conversation) -> Said | None:
        if verdict.filed is not None:
            return self._filed(work, heard, verdict.filed, conversation)
        if verdict.wanted and self.codes is not None and conversation.state == S.BOT:
            told = lookups.answer(work, self.codes, self.words, verdict.wanted, conversation)
            return verdict.said if told is None else self._text(heard, told)
        if verdict.leaves_word:
            told = waiting.ticket_for(work, conversation, self.words, self.zone)
            if conversation.state == S.WAITING:
                waiting.close(work, conversation, "市民不再等待，改为留言，已转工单")
            return Said(told)
        way = verdict.handoff
        if way is None:
            return verdict.said
        if way.way == "ticket":
            return self._ticket(work, heard, verdict, conversation)
        if verdict.outcome == "waits":
            ahead = waiting.ahead_of(work, conversation)
        elif conversation.state == S.CLOSED and not waiting.may_reopen(work, conversation):
            return verdict.said
        else:
            ahead = waiting.queue(work, conversation, way.reason, conversation.topic)
        if way.reason == "danger":
            return verdict.said
        name = "bot_down" if way.reason == "bot_down" else "handoff"
        expected = expecting.minutes(work.session, conversation.unit_id, ahead, work.now)
        return Said(self.words.waits(name, ahead, expected, heard.hotline))

    def _filed(self, work: Work, heard: Heard, filed: Report, conversation: Conversation) -> Said:
        """The report becomes one ticket; its number is kept, so that a repeated 提交 gets the same."""
        made = tickets.make(
            work,
            unit_id=conversation.unit_id,
            kind=filed.kind,
            text=filed.text,
            contact=filed.contact,
            zone=self.zone,
            conversation_id=conversation.id,
            agrees_to_sms=filed.agrees_to_sms and self.texts,
        )
        conversation.dialogue = {**report.filed(made.number), "until": conversation.dialogue["until"]}
        unit = work.session.get_one(Unit, conversation.unit_id)
        return self._text(heard, self.words.ticket(made.number, filed.kind, unit.name, made.due_at))

    def _ticket(self, work: Work, heard: Heard, verdict: Verdict, conversation: Conversation) -> Said:
        """Nobody is there: what he asked is written down with a number, or he is asked to leave it."""
        told = self.words.say("out_of_hours", hours=heard.desk.words, hotline=heard.hotline, ticket="")
        conversation.failures = 0
        if verdict.outcome not in ("refuse", "suggest", "sensitive", "bot_down") and not _asked_before(
            work.session, heard
        ):
            conversation.pending = LEAVE
            return Said(told)
        made = waiting.ticket_for(work, conversation, self.words, self.zone)
        conversation.pending, conversation.choices = "", []
        first, *_middle, last = told.splitlines()
        return Said(f"{first}\n{made}\n{last}")


def _asked_before(session: Session, heard: Heard) -> bool:
    """Whether the citizen had asked something before he wanted a person, or did in the same breath."""
    texts = store.texts_before(session, heard.conversation.id, heard.told.number)
    if handoff.asks_for_person(heard.text) and not heard.prepared:
        texts.append(heard.text)
    return any(text and not (handoff.only_asks_for_person(text) or is_over(text)) for text in texts)


def _mark_handled(work: Work, inbound_id: int, outcome: str) -> InboundMessage | None:
    statement = (
        update(InboundMessage)
        .where(InboundMessage.id == inbound_id, InboundMessage.handled_at.is_(None))
        .values(handled_at=work.now, outcome=outcome, claimed_by=None, claimed_until=None)
        .returning(InboundMessage)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return work.session.scalars(statement).one_or_none()


def _go_on(conversation: Conversation, heard: Heard, verdict: Verdict, adopted: bool) -> None:
    """Keeps where a dialogue stands; raises Moved where it went on since it was looked at."""
    kept = {} if verdict.handoff is not None else verdict.dialogue
    concerned = verdict.dialogue is not None or heard.conversation.dialogue
    if concerned and not adopted and conversation.dialogue != heard.conversation.dialogue:
        raise Moved
    if kept is not None:
        conversation.dialogue = dict(kept)
        conversation.dialogue_until = datetime.fromisoformat(kept["until"]) if kept else None


def _chosen(heard: Heard) -> int | None:
    plain = normalise(heard.text, default_lexicon())
    if heard.conversation.pending != CHOICE or not (plain.isdecimal() and len(plain) == 1):
        return None
    place = int(plain)
    return heard.conversation.choices[place - 1] if 1 <= place <= len(heard.conversation.choices) else None
