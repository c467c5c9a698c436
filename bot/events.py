"""What conversations tell those above them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.states import TicketAct
from kernel.events import Event


@dataclass(frozen=True)
class ConversationChanged(Event):
    """Something was said in a conversation, or who has it changed; whoever looks at it should look again."""

    conversation_id: int
    unit_id: int


@dataclass(frozen=True)
class PersonWanted(Event):
    """A citizen waits for a person; `round` counts how often this was told."""

    conversation_id: int
    unit_id: int
    reason: str
    words: str
    round: int


@dataclass(frozen=True)
class WaitOver(Event):
    """Nobody is called to this conversation any more: somebody has it and deals with it, or it has ended."""

    conversation_id: int
    unit_id: int


@dataclass(frozen=True)
class ConversationAssigned(Event):
    """Somebody who waited was given to an agent who did not take him himself, and may not know of it."""

    conversation_id: int
    unit_id: int
    agent_id: int
    reason: str
    words: str


@dataclass(frozen=True)
class DangerHeard(Event):
    """A citizen used words of danger; told again until somebody has taken it up."""

    conversation_id: int
    unit_id: int
    word: str
    words: str
    round: int


@dataclass(frozen=True)
class DangerSeen(Event):
    """Somebody sees to the danger in a conversation: nobody is alarmed any more."""

    conversation_id: int
    unit_id: int


@dataclass(frozen=True)
class ReplyBooked(Event):
    """A reply may leave by the platform's customer-service message from now on."""

    conversation_id: int


@dataclass(frozen=True)
class ReplyLost(Event):
    """A person's or the bot's reply did not arrive, or nobody knows whether it did."""

    conversation_id: int
    unit_id: int
    person_id: int | None
    reason: str


@dataclass(frozen=True)
class WindowEnds(Event):
    """The platform soon lets nothing through any more to a citizen whom a person has, or who waits for one."""

    conversation_id: int
    unit_id: int
    agent_id: int | None
    until: datetime


@dataclass(frozen=True)
class PresenceChanged(Event):
    """Somebody came to a unit's desk, left it, or went on a break."""

    unit_id: int


@dataclass(frozen=True)
class BreakTooLong(Event):
    """Somebody has not come back from a break in time."""

    unit_id: int
    person_id: int
    name: str
    reason: str
    presence_id: int


@dataclass(frozen=True)
class ShiftEnds(Event):
    """Somebody's shift ends soon, or is `over`, while he has conversations; what is over was handed to the next."""

    unit_id: int
    person_id: int
    turn_id: int
    conversations: int
    ends_at: datetime
    over: bool


@dataclass(frozen=True)
class HandedOver(Event):
    """Somebody handed over; `to_id` None: to whoever is on next."""

    handover_id: int
    unit_id: int
    from_id: int
    name: str
    to_id: int | None
    conversations: int


@dataclass(frozen=True)
class NoticeLost(Event):
    """A service notice about a ticket did not arrive, or nobody knows whether it did."""

    ticket_id: int
    unit_id: int
    number: str
    reason: str


@dataclass(frozen=True)
class TicketMade(Event):
    """A ticket with a deadline was made."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str


@dataclass(frozen=True)
class TicketDanger(Event):
    """A ticket holds words of danger; told again until somebody has seen to it, `round` counts how often."""

    ticket_id: int
    unit_id: int
    number: str
    word: str
    round: int


@dataclass(frozen=True)
class TicketForwarded(Event):
    """A ticket went on to another unit, from the unit of that name."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str
    came_from: str
    reason: str


@dataclass(frozen=True)
class TicketAssigned(Event):
    """A ticket was given to a colleague of its unit (派单, 改派)."""

    ticket_id: int
    number: str
    kind: str
    handler_id: int
    reason: str


@dataclass(frozen=True)
class TicketReturned(Event):
    """A ticket came back (退单) to the unit that had handed it over."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str
    came_from: str
    reason: str


@dataclass(frozen=True)
class TicketUrged(Event):
    """Somebody asked for a ticket to be dealt with (催办), for the `times`-th time."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str
    handler_id: int | None
    times: int
    reason: str


@dataclass(frozen=True)
class ExtensionAsked(Event):
    """A unit asked for more working days for a ticket."""

    ticket_id: int
    unit_id: int
    number: str
    asked_by: int | None
    days: int
    reason: str


@dataclass(frozen=True)
class ExtensionDecided(Event):
    """More time for a ticket was granted or refused; its deadline is now `due_at`."""

    ticket_id: int
    unit_id: int
    number: str
    asked_by: int | None
    granted: bool
    due_at: datetime
    words: str


@dataclass(frozen=True)
class TicketKindChanged(Event):
    """A ticket is of another kind now; `other_limit`: with another deadline, `later`: than its citizen was told."""

    ticket_id: int
    unit_id: int
    number: str
    was: str
    kind: str
    handler_id: int | None
    due_at: datetime
    other_limit: bool
    later: bool
    reason: str


@dataclass(frozen=True)
class AnswerSubmitted(Event):
    """An answer waits for the signature of the unit's head."""

    ticket_id: int
    unit_id: int
    number: str
    written_by: int | None


@dataclass(frozen=True)
class AnswerSentBack(Event):
    """The head sent an answer back to whoever wrote it."""

    ticket_id: int
    number: str
    written_by: int | None
    words: str


@dataclass(frozen=True)
class TicketReopened(Event):
    """The citizen was not satisfied: the ticket is handled again (二次办理), until `due_at`."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str
    due_at: datetime
    words: str


@dataclass(frozen=True)
class TicketActed(Event):
    """An act changed where a ticket stands or who has it; told before whatever else is told of the act."""

    ticket_id: int
    act: TicketAct


@dataclass(frozen=True)
class TicketDangerSeen(Event):
    """A person sees to the danger in a ticket."""

    ticket_id: int


@dataclass(frozen=True)
class TicketSoonDue(Event):
    """A ticket is not answered and its deadline is near."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str
    handler_id: int | None
    due_at: datetime


@dataclass(frozen=True)
class TicketLate(Event):
    """A ticket is past its deadline and not answered."""

    ticket_id: int
    unit_id: int
    number: str
    kind: str


@dataclass(frozen=True)
class ModelRefused(Event):
    """A new model was not let through; the one before goes on answering."""

    number: int
    faults: str


@dataclass(frozen=True)
class CitizenForgotten(Event):
    """What was said in these conversations and tickets, and by whom, is gone here; it must go elsewhere too."""

    conversations: tuple[int, ...] = ()
    tickets: tuple[int, ...] = ()
    numbers: tuple[str, ...] = ()
