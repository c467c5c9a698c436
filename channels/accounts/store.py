"""Reads accounts for adapters and keeps their health."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.dates import told_from
from channels.accounts.models import AccessToken, Account
from channels.base import AccountInfo
from kernel.people import Unit, ancestors
from kernel.seal import Seal
from kernel.work import Work

# The one secret that every channel's account may have: that of its proxy.
PROXY_PASSWORD = "proxy_password"  # noqa: S105  # The name of a field.

# In an account's register: the person who entered its secrets, and who alone may authorise it anew.
OWN_PERSON = "own_person"


def add(
    work: Work,
    seal: Seal,
    *,
    unit_id: int,
    channel: str,
    name: str,
    code: str,
    action: str = "publish",
    base_url: str = "",
    settings: Mapping[str, object] | None = None,
    credentials: Mapping[str, str] | None = None,
    register: Mapping[str, object] | None = None,
) -> Account:
    """Registers an account; its credentials are closed at once and never shown again."""
    account = Account(
        unit_id=unit_id,
        channel=channel,
        name=name,
        code=code,
        action=action,
        base_url=base_url,
        settings=dict(settings or {}),
        credentials=seal.close(json.dumps(dict(credentials or {}))),
        register=dict(register or {}),
    )
    work.session.add(account)
    work.session.flush()
    work.audit("account.added", account, channel=channel, name=name)
    return account


def info(session: Session, seal: Seal, account: Account) -> AccountInfo:
    """The account as its adapter sees it, with open credentials."""
    unit = session.get_one(Unit, account.unit_id)
    opened = json.loads(seal.open(account.credentials)) if account.credentials else {}
    # Not for the adapter: it belongs to the way there, not to the platform.
    proxy = _proxy(account.proxy, opened.pop(PROXY_PASSWORD, ""))
    return AccountInfo(
        id=account.id,
        name=account.name,
        channel=account.channel,
        base_url=account.base_url,
        settings=dict(account.settings),
        credentials=opened,
        unit_name=unit.name,
        proxy=proxy,
        rehearsal=account.stands_for is not None,
    )


def _proxy(address: str, password: str) -> str:
    """The proxy's address with the sealed password beside the name that stands in it."""
    scheme, mark, rest = address.partition("://")
    name, at, host = rest.rpartition("@")
    return f"{scheme}{mark}{name}:{quote(password, safe='')}@{host}" if at and password else address


def credential_names(seal: Seal, account: Account) -> frozenset[str]:
    """Which credentials are filled in; never what they are."""
    opened = json.loads(seal.open(account.credentials)) if account.credentials else {}
    return frozenset(name for name, value in opened.items() if value)


def set_credentials(work: Work, seal: Seal, account: Account, given: Mapping[str, str]) -> list[str]:
    """Closes new credentials over the old ones, blank ones left as they are; returns the names that changed.

    The shared token was made with the old ones and is dropped.
    """
    opened = json.loads(seal.open(account.credentials)) if account.credentials else {}
    new = {name: value.strip() for name, value in given.items() if value.strip()}
    if not new:
        return []
    account.credentials = seal.close(json.dumps({**opened, **new}))
    account.credential_dead_at = None
    token = work.session.get(AccessToken, account.id)
    if token is not None:
        token.sealed, token.expires_at = "", None
    work.audit("account.credentials_set", account, names=sorted(new))
    return sorted(new)


def authorised(
    work: Work,
    seal: Seal,
    account: Account,
    given: Mapping[str, str],
    since: date,
    until: date,
    learnt: Mapping[str, str],
) -> None:
    """Seals what the platform gave for the own person's authorisation, and notes when it ends and whose it is."""
    set_credentials(work, seal, account, given)
    account.expires_on, account.expires_told_from = until, told_from(since, until)
    if learnt:
        change(work, account, {"settings": {**account.settings, **learnt}})
    work.audit("account.authorised", account, until=until.isoformat())


def change(work: Work, account: Account, values: Mapping[str, Any]) -> list[str]:
    """Changes what is no secret; returns the names of what is different now."""
    changed = [name for name, value in values.items() if getattr(account, name) != value]
    for name in changed:
        setattr(account, name, values[name])
    if "expires_on" in changed:
        account.expires_told_from = None  # Written by hand, it says nothing of when the grant began.
    if changed:
        work.audit("account.changed", account, names=changed)
    return changed


def switch(work: Work, account: Account, active: bool) -> None:
    """Takes an account out of use, or into use again; a second time does nothing."""
    if account.active != active:
        account.active = active
        work.audit("account.switched_on" if active else "account.switched_off", account)


def usable(session: Session, unit_id: int) -> Sequence[Account]:
    """The active accounts a unit may publish on: its own and those of the units above."""
    units = ancestors(session, unit_id)
    query = select(Account).where(Account.unit_id.in_(units), Account.active.is_(True))
    return session.scalars(query.order_by(Account.channel, Account.id)).all()


def succeeded(work: Work, account_id: int) -> None:
    """Notes that the platform answered well: its credentials are alive."""
    account = work.session.get_one(Account, account_id)
    account.last_success_at = work.now
    if account.credential_dead_at is not None:
        account.credential_dead_at = None
        work.audit("account.credential_alive", account)


def credential_died(work: Work, account_id: int, reason: str) -> bool:
    """Notes that the platform refuses the credentials; True the first time, so that one notice goes out."""
    account = work.session.get_one(Account, account_id)
    account.last_failure_at, account.last_failure = work.now, reason[:500]
    if account.credential_dead_at is not None:
        return False
    account.credential_dead_at = work.now
    work.audit("account.credential_dead", account, reason=reason)
    return True


def failed(work: Work, account_id: int, reason: str) -> None:
    """Notes a failure that says nothing about the credentials (a network blip, a refused text)."""
    account = work.session.get_one(Account, account_id)
    account.last_failure_at, account.last_failure = work.now, reason[:500]
