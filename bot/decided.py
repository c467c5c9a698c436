"""A message of which more follows than an answer, decided before it is stored and recorded with it, in one commit.

What `bot.exchange` stores is said by the bot alone; here a person is wanted, somebody is in danger, a report is ready.
Stored first and dealt with afterwards, a push would wait for its turn to write three times: for itself, for what
follows, and for what answers it.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import cast

from sqlalchemy import Table, bindparam, exists, select

from bot.answering import Answering, Verdict
from bot.gateway import Received
from bot.hearing import Heard
from bot.models import Conversation, InboundMessage
from kernel.work import Work


@dataclass(frozen=True)
class Decided:
    """What was heard and what is to be done, before the message has its row."""

    heard: Heard
    verdict: Verdict

    def record(self, answering: Answering, work: Work, stored: Received) -> bool:
        """Does it with the message that was just stored in the same work.

        False, with nothing done, where the conversation does not stand as it was read: then it is to be decided anew.
        """
        conversation = work.session.get_one(Conversation, stored.conversation_id)
        if not self._stands(work, conversation, stored):
            return False
        told = replace(self.heard.told, inbound_id=stored.inbound_id)
        of = replace(self.heard.conversation, id=conversation.id)
        heard = replace(self.heard, told=told, conversation=of, reading=lambda: nullcontext(work))
        answering.record(work, heard, self.verdict)
        return True

    def _stands(self, work: Work, conversation: Conversation, stored: Received) -> bool:
        """Whether it is the next thing said, to whoever had the conversation, and nothing before it is undone."""
        read = self.heard.conversation
        if (
            conversation.lines != self.heard.told.number
            or conversation.state != read.state
            or conversation.dialogue != read.dialogue
            # What is answered in another conversation wakes that one.
            or conversation.merged_into_id is not None
        ):
            return False
        asked = {"conversation": conversation.id, "this": stored.inbound_id}
        undone: bool = work.session.connection().execute(_UNDONE, asked).scalar_one()
        return not undone


# Made once: building a statement costs more than running it.
_M = cast(Table, InboundMessage.__table__).c
_UNDONE = select(
    exists().where(_M.conversation_id == bindparam("conversation"), _M.handled_at.is_(None), _M.id != bindparam("this"))
)
