"""演练: an account's double, a row of its own that lends the rehearsal its credentials, token, quotas and lane.

What is rehearsed therefore never touches the real account's token or quota, and is told apart by its account alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.accounts.models import AccessToken, Account
from kernel.seal import Seal
from kernel.work import Work

NAME = "{name}（演练）"


def double_of(session: Session, account_id: int) -> Account | None:
    """The account's double, if it was ever rehearsed."""
    return session.scalars(select(Account).where(Account.stands_for == account_id)).one_or_none()


def real_of(session: Session, account: Account) -> Account:
    """The account itself, also for its double."""
    return session.get_one(Account, account.stands_for) if account.stands_for else account


def lane_of(session: Session, account: Account) -> Account:
    """Where something booked on this account goes now: to the account itself, or to its double in a rehearsal."""
    real = real_of(session, account)
    if not real.rehearsal:
        return real
    double = double_of(session, real.id)
    if double is None:
        raise RuntimeError("an account in rehearsal must have a double")
    return double


# How many accounts of the office are in rehearsal now.
IN_REHEARSAL = select(func.count()).where(Account.rehearsal, Account.stands_for.is_(None))


def enter(
    work: Work,
    seal: Seal,
    account: Account,
    base_url: str,
    settings: Mapping[str, Any],
    credentials: Mapping[str, str],
) -> Account:
    """Turns the rehearsal on; a second time only brings the double up to date."""
    double = double_of(work.session, account.id)
    if double is None:
        double = Account(
            channel=account.channel, code=f"rehearsal:{account.id}", stands_for=account.id, rehearsal=True, active=False
        )
        work.session.add(double)
    double.unit_id, double.action = account.unit_id, account.action
    double.name = NAME.format(name=account.name[:90])
    double.base_url, double.settings = base_url, dict(settings)
    key(seal, double, credentials)
    work.session.flush()
    token = work.session.get(AccessToken, double.id)
    if token is not None:
        token.sealed, token.expires_at = "", None
    if not account.rehearsal:
        account.rehearsal = True
        work.audit("account.rehearsal_on", account)
    return double


def key(seal: Seal, double: Account, credentials: Mapping[str, str]) -> None:
    """Gives the double its credentials, in place of those it had."""
    double.credentials = seal.close(json.dumps(dict(credentials)))


def leave(work: Work, account: Account) -> Account | None:
    """Turns the rehearsal off; the double stays for what it showed. None when it was off already."""
    if not account.rehearsal:
        return None
    account.rehearsal = False
    work.audit("account.rehearsal_off", account)
    return double_of(work.session, account.id)
