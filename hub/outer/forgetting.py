"""Inside: what was forgotten here is forgotten outside too; and outside, how."""

from __future__ import annotations

from sqlalchemy import delete, select

from bot.events import CitizenForgotten
from bot.models import Conversation
from hub.outer import standing
from hub.outer.log import is_paired
from hub.outer.models import OuterLine, OuterRow, OuterSession, OuterTalk, OuterTicket
from hub.outer.packets import Packet
from hub.product import Hub
from kernel.work import Work


def tell(hub: Hub, work: Work, fact: CitizenForgotten) -> None:
    """Sends which sessions and tickets are gone; a session with a conversation that still stands goes with that one."""
    if not is_paired(work.session):
        return
    sessions = _sessions(work, fact)
    names = {f"ticket/{one}": number for one, number in zip(fact.tickets, fact.numbers, strict=True)}
    sent = work.session.scalars(select(OuterRow.name).where(OuterRow.name.in_(names))).all()
    work.session.execute(delete(OuterRow).where(OuterRow.name.in_(sent)))
    if sessions or sent:
        hub.outer.put(work, "forgotten", {"sessions": sessions, "tickets": [names[one] for one in sent]})


def _sessions(work: Work, fact: CitizenForgotten) -> list[int]:
    mine = OuterTalk.conversation_id.in_(fact.conversations)
    sessions = set(work.session.scalars(select(OuterTalk.session).where(mine)))
    work.session.execute(delete(OuterTalk).where(mine))
    standing_on = (
        select(OuterTalk.session)
        .join(Conversation, Conversation.id == OuterTalk.conversation_id)
        .where(OuterTalk.session.in_(sessions), Conversation.forgotten_at.is_(None))
    )
    return sorted(sessions - set(work.session.scalars(standing_on)))


def take(work: Work, packet: Packet) -> None:
    """Outside: takes the sessions with their lines, and how the tickets stood, away."""
    sessions = [int(one) for one in packet.values["sessions"]]
    marks = [standing.mark_of(str(number)) for number in packet.values["tickets"]]
    work.session.execute(delete(OuterLine).where(OuterLine.session_id.in_(sessions)))
    work.session.execute(delete(OuterSession).where(OuterSession.id.in_(sessions)))
    work.session.execute(delete(OuterTicket).where(OuterTicket.mark.in_(marks)))
