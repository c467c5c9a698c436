"""Inside: what citizens said outside becomes conversations here, with what the bot answered there; once each."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from analytics import collect
from bot import consents, gateway, ratings, reply, rules, silence, tickets, waiting
from bot.citizen_files.checking import PICTURE
from bot.events import ConversationChanged
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage
from bot.queues import Full
from bot.reply import Said
from bot.states import ConversationState, Route
from channels.accounts import store as accounts
from channels.accounts import subscriptions, takeover
from channels.accounts.models import Account
from channels.base import Consent, JobResult, Pushed
from content import search_misses
from hub.incoming import begin_on_portal, portal_account
from hub.outer import pictures
from hub.outer.errors import BadParcel
from hub.outer.models import OuterTalk
from hub.outer.packets import Packet
from hub.outer.thinking import unpack_said, unpacked
from hub.product import Hub
from hub.web import callbacks
from kernel.people import Unit
from kernel.work import Work

S = ConversationState


@dataclass(frozen=True)
class TalkTaker:
    """Takes what the outer side heard. Nothing is answered a second time that was answered there."""

    hub: Hub

    def handlers(self) -> dict[str, Callable[[Work, Packet], None]]:
        """By kind of packet."""
        return {
            "begun": self.begun,
            "said": self.said,
            pictures.PICTURE_PACKET: self.picture,
            "pushed": self.pushed,
            "greeted": self.greeted,
            "ended": self.ended,
            "stayed": self.stayed,
            "rated": self.rated,
            "feedback": self.feedback,
            "reads": self.reads,
            "missed": lambda work, packet: search_misses.record_miss(work, str(packet.values["query"])),
            "subscribed": self.subscribed,
            "replaced": self.replaced,
            "unsubscribed": self.unsubscribed,
        }

    # --- our own page -----------------------------------------------------------------------------------

    def begun(self, work: Work, packet: Packet) -> None:
        """A citizen opened the chat and was greeted."""
        conversation = self._begin(work)
        said = unpack_said(packet.values["said"])
        self._spoken(work, conversation, None, said, Route.CHAT)
        _follow(work, conversation, packet)

    def said(self, work: Work, packet: Packet) -> None:
        """A sentence, and what the bot made of it."""
        self._heard(work, packet, "text")

    def picture(self, work: Work, packet: Packet) -> None:
        """A picture that its sender agreed to send, drawn anew already."""
        conversation, stored = self._heard(work, packet, PICTURE)
        if stored.fresh:
            pictures.keep(work, self.hub.blobs, conversation, stored, packet)

    def _heard(self, work: Work, packet: Packet, kind: str) -> tuple[Conversation, gateway.Received]:
        conversation = _held(work, packet)
        if conversation is None or conversation.state == S.CLOSED:
            # It ended here before the outer side knew: as on our own page, a new one begins.
            conversation = self._begin(work)
        values = packet.values
        key, at = f"outer-{values['session']}-{values['key']}", datetime.fromisoformat(values["at"])
        media = {"agreed": "yes"} if kind == PICTURE else {}
        arrival = Arrival(gateway.CHAT, key, conversation.sender, kind, str(values["text"]), at, media)
        stored = gateway.store(work, conversation, arrival)
        if stored.fresh:
            self._answered(work, conversation, stored.inbound_id, packet, Route.CHAT)
        return conversation, stored

    def ended(self, work: Work, packet: Packet) -> None:
        """The citizen ended the session and was asked to rate it."""
        conversation = _held(work, packet)
        if conversation is None or conversation.state == S.CLOSED:
            return
        self._spoken(work, conversation, None, unpack_said(packet.values["said"]), Route.CHAT)
        _follow(work, conversation, packet)
        # What is said from here on, a ticket's number, is new to the outer side.
        words, zone = self.hub.incoming.words, self.hub.settings.office_zone
        if not packet.values.get("sure") and waiting.let_go(work, conversation, words, zone):
            conversation.rating_asked_at = work.now  # The outer side has asked already.
        else:
            ratings.end(work, conversation, zone)

    def stayed(self, work: Work, packet: Packet) -> None:
        """The citizen goes on after a warning; where the session has ended meanwhile, the outer side hears of that."""
        conversation = _held(work, packet)
        if conversation is None:
            return
        _follow(work, conversation, packet)
        if conversation.state != S.CLOSED:
            silence.stay(work, conversation, self.hub.incoming.words)
        work.emit(ConversationChanged(conversation.id, conversation.unit_id))

    def rated(self, work: Work, packet: Packet) -> None:
        """A rating, kept once."""
        conversation = _held(work, packet)
        if conversation is None:
            return
        at = datetime.fromisoformat(packet.values["at"]) if "at" in packet.values else work.now
        fits = ratings.asked(conversation, at)
        if fits and ratings.rate(work, conversation, int(packet.values["score"]), self.hub.settings.office_zone, at):
            self._spoken(work, conversation, None, unpack_said(packet.values["said"]), Route.CHAT)
        _follow(work, conversation, packet)

    # --- platforms --------------------------------------------------------------------------------------

    def pushed(self, work: Work, packet: Packet) -> None:
        """A push as it came: verified here once more, stored, and answered as it was answered there."""
        account = _account(work, packet)
        adapter = self.hub.incoming.make(accounts.info(work.session, self.hub.seal, account))
        values = packet.values
        request = Pushed("POST", values["query"], packet.data, values["headers"])
        for inbound in adapter.read_inbound(request):
            if isinstance(inbound, JobResult):
                # One that overtakes its own acceptance is found by asking, as any result that no push brings.
                callbacks.settled(self.hub, work, account.id, adapter, inbound)
                continue
            if isinstance(inbound, Consent):
                consents.heard(work, account.id, inbound)
                continue
            arrival = gateway.arrival_of(account, inbound)
            stored = gateway.receive(work, account, arrival) if arrival is not None else None
            if stored is None or not stored.fresh:
                continue
            conversation = work.session.get_one(Conversation, stored.conversation_id)
            work.session.get_one(InboundMessage, stored.inbound_id).answer = base64.b64decode(values["answer"])
            self._answered(work, conversation, stored.inbound_id, packet, Route.PASSIVE)

    def greeted(self, work: Work, packet: Packet) -> None:
        """A platform checked the address."""
        takeover.greeted(work, _account(work, packet))

    # --- what both have in common -------------------------------------------------------------------------

    def _answered(self, work: Work, conversation: Conversation, inbound_id: int, packet: Packet, route: Route) -> None:
        values = packet.values
        said, state = unpack_said(values["said"]), str(values["state"])
        inbound = work.session.get_one(InboundMessage, inbound_id)
        self._spoken(work, conversation, inbound, said, route)
        _follow(work, conversation, packet)
        # Left to people there, whom the conversation no longer has: the bot here answers, or takes the rating.
        left = said is None and conversation.state in (S.BOT, S.CLOSED) and conversation.state != state
        if values["verdict"] is None or left:
            work.after_commit(lambda: self._run(inbound_id, conversation.id))
            return
        verdict = unpacked(values["verdict"])
        self.hub.incoming.answering.adopt(work, inbound_id, verdict, state, said.text if said else "")

    def _spoken(
        self, work: Work, conversation: Conversation, inbound: InboundMessage | None, said: Said | None, route: Route
    ) -> None:
        """Writes down what the citizen has read already."""
        if said is not None:
            reply.book(work, conversation, "bot", said, inbound, read=route)

    def _run(self, inbound_id: int, conversation_id: int) -> None:
        try:
            self.hub.incoming.run(inbound_id, conversation_id)
        except Full:
            return  # It stays a row, which is looked for.

    def _begin(self, work: Work) -> Conversation:
        return begin_on_portal(work, _root(work))

    # --- the rest -----------------------------------------------------------------------------------------

    def feedback(self, work: Work, packet: Packet) -> None:
        """A form from the portal becomes a ticket under the number that the citizen was told."""
        values = packet.values
        account = portal_account(work)
        tickets.make(
            work,
            unit_id=rules.desk_of(work.session, account.unit_id if account else _root(work), work.now),
            kind=str(values["kind"]),
            text=str(values["text"]),
            contact=str(values["contact"]),
            name=str(values["name"]),
            page=str(values["page"]),
            agrees_to_sms=bool(values.get("sms")),
            zone=self.hub.settings.office_zone,
            number=str(values["number"]),
        )

    def reads(self, work: Work, packet: Packet) -> None:
        """What was read on the portal."""
        counted = {
            (int(piece), str(channel), datetime.fromisoformat(hour)): int(times)
            for piece, channel, hour, times in packet.values["counted"]
        }
        collect.keep_reads(work, counted)

    def subscribed(self, work: Work, packet: Packet) -> None:
        """A browser asked for notices."""
        values = packet.values
        keys, topics = values["keys"], values["topics"]
        subscriptions.subscribe(
            work,
            _account(work, packet).id,
            str(values["endpoint"]),
            str(keys["p256dh"]),
            str(keys["auth"]),
            subscriptions.Topics(topics["column"], topics["district"]),
            str(values["consent"]),
        )

    def replaced(self, work: Work, packet: Packet) -> None:
        """A browser has a new address; one that is no longer known by its former one has nothing to keep."""
        values, keys = packet.values, packet.values["keys"]
        addresses = str(values["former"]), str(values["endpoint"])
        subscriptions.replace(work, _account(work, packet).id, *addresses, str(keys["p256dh"]), str(keys["auth"]))

    def unsubscribed(self, work: Work, packet: Packet) -> None:
        """A browser wants to be forgotten."""
        subscriptions.unsubscribe(work, _account(work, packet).id, str(packet.values["endpoint"]))


def _held(work: Work, packet: Packet) -> Conversation | None:
    """The newest conversation of a session outside, locked."""
    query = (
        select(Conversation)
        .join(OuterTalk, OuterTalk.conversation_id == Conversation.id)
        .where(OuterTalk.session == int(packet.values["session"]))
        .order_by(Conversation.id.desc())
        .limit(1)
    )
    return work.session.scalars(query.with_for_update(of=Conversation)).one_or_none()


def _follow(work: Work, conversation: Conversation, packet: Packet) -> None:
    """The conversation belongs to a session outside, where everything that was said so far has been read."""
    talk = work.session.get(OuterTalk, conversation.id)
    if talk is None:
        talk = OuterTalk(conversation_id=conversation.id, session=int(packet.values["session"]), state="")
        work.session.add(talk)
    talk.session, talk.heard, talk.told = int(packet.values["session"]), packet.number, conversation.lines
    work.session.flush()


def _account(work: Work, packet: Packet) -> Account:
    query = select(Account).where(Account.code == str(packet.values["account"]), Account.active.is_(True))
    account = work.session.scalars(query).one_or_none()
    if account is None:
        raise BadParcel(why="收信的账号已停用或不存在。")
    return account


def _root(work: Work) -> int:
    return work.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)).one()
