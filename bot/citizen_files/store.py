"""Rows of citizens' files: made with the message they came in, found by whoever may read the conversation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from bot.citizen_files.checking import KINDS, PICTURE, Checked
from bot.citizen_files.models import CitizenFile
from bot.citizen_files.states import FileState
from bot.models import Conversation
from kernel.blobs import BlobRef
from kernel.people import Permission, Viewer, scoped
from kernel.work import Work

# How long platforms keep such a file, where theirs do not say; WeChat's own time.
KEPT_AT_PLATFORM = timedelta(days=3)


def awaited(work: Work, conversation: Conversation, inbound_id: int, kind: str, handle: str, at: datetime) -> None:
    """Notes that a message's file is still at the platform; the duty fetches it once this work is committed."""
    if not handle or kind not in KINDS or conversation.account_id is None:
        return
    row = CitizenFile(
        inbound_id=inbound_id,
        conversation_id=conversation.id,
        account_id=conversation.account_id,
        kind=KINDS[kind],
        handle=handle[:300],
        state=FileState.WAITING,
        until_at=at + KEPT_AT_PLATFORM,
        next_at=work.now,
    )
    work.session.add(row)


def sent_here(work: Work, conversation: Conversation, inbound_id: int, kept: BlobRef, checked: Checked) -> CitizenFile:
    """A picture that came on a page of ours, checked and kept already."""
    row = CitizenFile(
        inbound_id=inbound_id,
        conversation_id=conversation.id,
        kind=PICTURE,
        state=FileState.KEPT,
        kept_at=work.now,
        sha256=kept.sha256,
        media_type=checked.media_type,
        size=kept.size,
    )
    work.session.add(row)
    return row


def refused_here(work: Work, conversation: Conversation, inbound_id: int, why: str) -> None:
    """A picture that came on a page of ours and proved to be none when it was drawn."""
    work.session.add(
        CitizenFile(
            inbound_id=inbound_id,
            conversation_id=conversation.id,
            kind=PICTURE,
            state=FileState.REFUSED,
            reason=why[:300],
        )
    )


def forget(work: Work, which: ColumnElement[bool]) -> None:
    """Forgets these files, also what would still be fetched; their bytes are dropped by the duty."""
    gone = update(CitizenFile).where(which).values(state=FileState.FORGOTTEN, handle="", next_at=None, reason="")
    work.session.execute(gone.execution_options(synchronize_session=False))


def of_conversation(session: Session, conversation_id: int) -> Sequence[CitizenFile]:
    """Every file of a session, in the order it came."""
    query = select(CitizenFile).where(CitizenFile.conversation_id == conversation_id)
    return session.scalars(query.order_by(CitizenFile.id)).all()


def readable(session: Session, who: Viewer, file_id: int) -> CitizenFile | None:
    """A kept file of a conversation that the viewer may read."""
    query: Any = (
        select(CitizenFile)
        .join(Conversation, Conversation.id == CitizenFile.conversation_id)
        .where(CitizenFile.id == file_id, CitizenFile.state == FileState.KEPT)
    )
    return _one(session, scoped(query, Conversation.unit_id, who, Permission.CONVERSATION_READ))


def in_conversation(session: Session, conversation_id: int | None, file_id: int) -> CitizenFile | None:
    """A kept file of this conversation, for whoever may read a ticket that came of it."""
    query = select(CitizenFile).where(
        CitizenFile.id == file_id,
        CitizenFile.conversation_id == conversation_id,
        CitizenFile.state == FileState.KEPT,
    )
    return _one(session, query)


def _one(session: Session, query: Any) -> CitizenFile | None:
    found: CitizenFile | None = session.scalars(query).one_or_none()
    return found
