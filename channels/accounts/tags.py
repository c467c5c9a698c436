"""The tags of an account's followers as the platform last told, so that forms need not ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from channels.abilities.tags import Tag
from channels.accounts.models import Account, AccountTag
from kernel.work import Work


def of_account(session: Session, account_id: int) -> Sequence[AccountTag]:
    """The tags known, by name."""
    query = select(AccountTag).where(AccountTag.account_id == account_id)
    return session.scalars(query.order_by(AccountTag.name)).all()


def remember(work: Work, account: Account, tags: Sequence[Tag]) -> None:
    """What the platform just told, instead of what was known."""
    work.session.execute(delete(AccountTag).where(AccountTag.account_id == account.id))
    work.session.add_all(
        AccountTag(account_id=account.id, remote_id=tag.id, name=tag.name[:60], people=tag.people, read_at=work.now)
        for tag in tags
    )
    work.session.flush()


def audience_of(session: Session, account_id: int, chosen: str) -> Mapping[str, Any]:
    """The audience that a tag's number names, with the name a signer reads; nothing for no tag of the account's."""
    if not chosen.isdigit():
        return {}
    query = select(AccountTag).where(AccountTag.account_id == account_id, AccountTag.remote_id == int(chosen))
    tag = session.scalars(query).one_or_none()
    return {"tag_id": [{"id": tag.remote_id, "name": tag.name}]} if tag else {}
