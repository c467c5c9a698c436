"""同意订阅: whom a subscribe message may be sent to, as the platform told of it.

A follower agrees in WeChat's own window, in an article or on a page that opens inside WeChat; nobody else can agree for
him, and nothing tells of those who agreed before our address was the callback. Each agreement to a form that is
subscribed to once is good for one message; one to a form that is subscribed to for long holds until he refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Update, delete, exists, func, select, update
from sqlalchemy.orm import Session

from bot.models import NoticeConsent, TicketNotice
from bot.states import ReplyState
from channels.base import Consent
from kernel.once import insert_once
from kernel.work import Work

ONCE, LASTING = "subscribe", "lasting"
# How a form is sent that needs the follower's own consent.
BY_CONSENT = (ONCE, LASTING)


def heard(work: Work, account_id: int, consent: Consent) -> None:
    """He agreed once more, or refused: that ends what he had agreed to. The same told again changes nothing."""
    whom = {"account_id": account_id, "sender": consent.sender[:120], "template_id": consent.template_id[:100]}
    first = 1 if consent.agreed else 0
    if insert_once(work.session, NoticeConsent, **whom, left=first, heard_at=consent.at):
        return
    newer = update(NoticeConsent).filter_by(**whom).where(NoticeConsent.heard_at < consent.at)
    more = NoticeConsent.left + 1 if consent.agreed else 0
    work.session.execute(newer.values(left=more, heard_at=consent.at))


def take(work: Work, account_id: int, sender: str, template_id: str, way: str) -> bool:
    """Uses an agreement for one message, where there is one; one that holds for long is not used up."""
    his = _his(account_id, sender, template_id).where(NoticeConsent.left > 0)
    one = NoticeConsent.left - (1 if way == ONCE else 0)
    statement = his.values(left=one).returning(NoticeConsent.id)
    return work.session.scalar(statement) is not None


def give_back(work: Work, account_id: int, sender: str, template_id: str, way: str) -> None:
    """The message that it was taken for surely never left."""
    if way == ONCE:
        work.session.execute(_his(account_id, sender, template_id).values(left=NoticeConsent.left + 1))


def void(work: Work, account_id: int, sender: str, template_id: str) -> None:
    """The platform says that he does not agree, whatever was heard."""
    work.session.execute(_his(account_id, sender, template_id).values(left=0))


def number_of(session: Session, account_id: int, template_id: str) -> int:
    """How many followers may be sent a message of this form now."""
    query = select(func.count(NoticeConsent.id)).where(
        NoticeConsent.account_id == account_id, NoticeConsent.template_id == template_id, NoticeConsent.left > 0
    )
    return session.scalar(query) or 0


def forget(session: Session, account_id: int, sender: str) -> None:
    """Nobody knows any more that he agreed: nothing is sent to him."""
    session.execute(delete(NoticeConsent).where(NoticeConsent.account_id == account_id, NoticeConsent.sender == sender))


def is_over() -> ColumnElement[bool]:
    """One by which no message can be sent any more; not while one is on its way that it may be given back for."""
    way = exists().where(
        TicketNotice.account_id == NoticeConsent.account_id,
        TicketNotice.sender == NoticeConsent.sender,
        TicketNotice.template_id == NoticeConsent.template_id,
        TicketNotice.state.in_((ReplyState.BOOKED, ReplyState.SENDING)),
    )
    return (NoticeConsent.left <= 0) & ~way


def drop(work: Work, ids: Sequence[int]) -> None:
    """Forgets these."""
    work.session.execute(delete(NoticeConsent).where(NoticeConsent.id.in_(ids)))


def _his(account_id: int, sender: str, template_id: str) -> Update:
    return update(NoticeConsent).where(
        NoticeConsent.account_id == account_id,
        NoticeConsent.sender == sender,
        NoticeConsent.template_id == template_id,
    )
