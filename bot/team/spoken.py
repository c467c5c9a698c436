"""来电来访: what was said by telephone or at the counter is a conversation too, so that it counts and can be found."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from sqlalchemy import select, update

from bot import gateway, reply, rules, waiting
from bot.gateway import Arrival
from bot.models import Conversation, InboundMessage
from bot.reply import Said
from bot.states import ConversationState, Route
from bot.urgent import danger_in
from bot.windows import SPOKEN
from kernel.errors import Invalid, NotFound
from kernel.office_rules import value_of
from kernel.people import Permission, Viewer
from kernel.typed import tidy
from kernel.work import Work

LONGEST = 2000
_PHONE = re.compile(r"\+?[\d\- ]{5,20}")


@dataclass(frozen=True)
class Spoken:
    """A call or a visit: who it was, what he said and what he was told; `key` is the form's own, against a repeat."""

    channel: str
    said: str
    told: str = ""
    name: str = ""
    phone: str = ""
    key: str = ""


def record(work: Work, who: Viewer, unit_id: int, spoken: Spoken) -> Conversation:
    """Writes it down as a conversation that this person has; sent twice, it is the same one."""
    if not who.may(Permission.CONVERSATION_ANSWER, unit_id):
        raise NotFound(field="unit")
    spoken = _checked(spoken)
    key = f"spoken-{who.person_id}-{spoken.key or secrets.token_hex(8)}"
    known = select(InboundMessage.conversation_id).where(
        InboundMessage.origin == gateway.CHAT, InboundMessage.key == key[:150]
    )
    if (number := work.session.scalar(known)) is not None:
        return work.session.get_one(Conversation, number)
    sender = f"{spoken.channel}-{secrets.token_hex(8)}"
    made = gateway.begin(
        work, unit_id=unit_id, account_id=None, channel=spoken.channel, sender=sender, name=spoken.name
    )
    made.state, made.agent_id = ConversationState.OPEN, who.person_id
    made.handed_off_at = made.taken_at = made.first_reply_at = work.now
    made.handoff_reason = "taken"
    said = f"{spoken.said}\n联系电话：{spoken.phone}" if spoken.phone else spoken.said
    heard = gateway.store(work, made, Arrival(gateway.CHAT, key, sender, "text", said, work.now))
    # A person heard it: the bot has nothing to say to it.
    handled = {"handled_at": work.now, "outcome": "person", "claimed_by": None, "claimed_until": None}
    work.session.execute(update(InboundMessage).where(InboundMessage.id == heard.inbound_id).values(**handled))
    more: list[str] = value_of(work.session, rules.URGENT_WORDS, unit_id, work.now)
    danger = danger_in(said, more)
    if danger is not None:
        waiting.note_danger(work, made, danger)
    if spoken.told:
        reply.book(work, made, "agent", Said(spoken.told), person_id=who.person_id, read=Route.CHAT)
    work.audit("conversation.recorded", made, channel=made.channel)
    return made


def _checked(spoken: Spoken) -> Spoken:
    if spoken.channel not in SPOKEN:
        raise Invalid(field="channel", why="请选择来电或来访。")
    said, told = tidy(spoken.said).strip(), tidy(spoken.told).strip()
    name, phone = tidy(spoken.name).strip(), tidy(spoken.phone).strip()
    if not 2 <= len(said) <= LONGEST - 40:
        raise Invalid(field="said", why=f"请写明市民说了什么，2 到 {LONGEST - 40} 字。")
    if len(told) > LONGEST:
        raise Invalid(field="told", why=f"最多 {LONGEST} 字。")
    if len(name) > 40:
        raise Invalid(field="name", why="称呼最多 40 字。")
    if phone and not _PHONE.fullmatch(phone):
        raise Invalid(field="phone", why="请填写电话号码，例如 13812345678 或 0999-1234567。")
    return Spoken(spoken.channel, said, told, name, phone, tidy(spoken.key)[:60])
