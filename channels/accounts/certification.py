"""账号认证: until when a platform's certification of an account holds, and where nobody has said so yet."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, and_, func, not_

from channels.accounts.models import Account
from channels.registry import channels

# What stands under 认证情况 of an account that has none, so that no date is asked for.
NONE = "未认证"
UNKNOWN = "未填写"


def is_unknown(account: Account) -> bool:
    """Whether an account in use ought to have a date until which it is certified, and has none."""
    state = str(account.register.get("certified") or "")
    asked = account.active and account.channel in _certifying() and not state.startswith(NONE)
    return asked and account.certified_until is None


def is_missing(account: Account, today: date) -> bool:
    """Whether the account surely has none: it has run out, or the register says that there is none."""
    if account.certified_until is not None:
        return account.certified_until < today
    return str(account.register.get("certified") or "").startswith(NONE)


def unknown() -> ColumnElement[bool]:
    """The same as a condition."""
    state = func.coalesce(Account.register["certified"].as_string(), "")
    asked = Account.active.is_(True), Account.channel.in_(_certifying()), not_(state.startswith(NONE))
    return and_(*asked, Account.certified_until.is_(None))


def _certifying() -> list[str]:
    return [name for name, adapter in channels().items() if adapter.limits.certified]
