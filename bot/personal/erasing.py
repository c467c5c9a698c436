"""Deletes what one citizen left, in small works that may be broken off and done again; what is not closed is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select

from bot import consents
from bot.comments.models import Comment
from bot.comments.states import CommentState
from bot.models import Conversation, PhoneCode, Ticket
from bot.personal import forgetting, marks
from bot.personal.models import DataRequest
from bot.personal.states import GOING_ON, RequestKind, RequestState
from bot.personal.subject import Subject, comments_of, conversations_of, opened, tickets_of
from bot.states import TicketState
from kernel.seal import Seal
from kernel.work import Work, Works

BATCH = 50
MOST_STEPS = 200


@dataclass(frozen=True)
class Eraser:
    """Goes on with every request whose deletion was granted."""

    works: Works
    seal: Seal

    def round(self) -> int:
        """Takes each of them as far as it goes; returns how many are done."""
        with self.works.read() as work:
            query = select(DataRequest.id).where(DataRequest.state.in_(GOING_ON), DataRequest.kind == RequestKind.ERASE)
            ids = work.session.scalars(query.order_by(DataRequest.id).limit(BATCH)).all()
        return sum(self.erase(one) for one in ids)

    def erase(self, request_id: int) -> bool:
        """Whether the request is done now; it goes on later where something is not closed."""
        for _step in range(MOST_STEPS):
            with self.works.write() as work:
                request = work.session.get_one(DataRequest, request_id, with_for_update=True)
                if request.state not in GOING_ON:
                    return request.state == RequestState.DONE
                subject = opened(self.seal, request.sealed)
                if _step_of(work, request, subject):
                    continue
                return self._ended(work, request, subject)
        return False

    def _ended(self, work: Work, request: DataRequest, subject: Subject) -> bool:
        """What is left cannot go yet, or nothing is left."""
        kept = _kept(work, subject)
        if kept:
            if request.state != RequestState.KEEPING or request.kept != kept:
                request.state, request.kept = RequestState.KEEPING, kept
                work.audit("data_request.kept", request, number=request.number, kept=len(kept))
            return False
        if subject.phone:
            work.session.execute(
                delete(PhoneCode).where(PhoneCode.phone_mark == marks.of_codes(self.seal, subject.phone))
            )
        for one in subject.identities:
            if one.account_id is not None:
                consents.forget(work.session, one.account_id, one.sender)
        request.state, request.done_at, request.kept, request.sealed = RequestState.DONE, work.now, [], ""
        work.audit("data_request.done", request, number=request.number, counts=request.counts)
        return True


def _step_of(work: Work, request: DataRequest, subject: Subject) -> bool:
    """Forgets one batch; False where nothing is left that can go."""
    closed = [one.id for one in tickets_of(work.session, subject) if _may_go(one)][:BATCH]
    if closed:
        forgetting.tickets(work, closed)
        return _counted(request, "tickets", closed)
    if not subject.identities:
        return False
    mine = conversations_of(subject.identities)
    query = select(Conversation.id).where(mine, forgetting.ended()).order_by(Conversation.id).limit(BATCH)
    ended = work.session.scalars(query).all()
    if ended:
        forgetting.conversations(work, ended)
        return _counted(request, "conversations", ended)
    settled = Comment.state != CommentState.OPEN
    query = select(Comment.id).where(comments_of(subject.identities), settled).order_by(Comment.id).limit(BATCH)
    written = work.session.scalars(query).all()
    if written:
        forgetting.comments(work, written)
        return _counted(request, "comments", written)
    return False


def _may_go(ticket: Ticket) -> bool:
    return ticket.state == TicketState.CLOSED and ticket.forgotten_at is None


def _counted(request: DataRequest, what: str, ids: Sequence[int]) -> bool:
    request.counts = {**request.counts, what: int(request.counts.get(what, 0)) + len(ids)}
    return True


def _kept(work: Work, subject: Subject) -> list[str]:
    """The numbers of open tickets, and conversations and comments that still wait for their end."""
    kept = [one.number for one in tickets_of(work.session, subject) if one.state != TicketState.CLOSED]
    if subject.identities:
        mine = conversations_of(subject.identities)
        talks = work.session.scalars(select(Conversation.id).where(mine, Conversation.forgotten_at.is_(None)))
        kept += [f"会话 {number}" for number in talks]
        left = work.session.scalars(select(Comment.id).where(comments_of(subject.identities)))
        kept += [f"评论 {number}" for number in left]
    return kept
