"""Watches over the accounts: whether their credentials are alive, and which of their dates come near.

A network that fails says nothing about credentials: only the platform's own refusal makes an account red, and its
people hear of it once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import httpx
import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from channels.accounts import store
from channels.accounts.dates import SOON, is_near, steps
from channels.accounts.models import Account
from channels.base import AccountInfo
from channels.errors import ChannelError, Unauthorised
from channels.registry import channels as installed
from channels.transport import PrivateAddress
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, Person, holders
from kernel.work import Work
from scheduler.events import CredentialDied
from templates.catalogue import _

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=6)
AT_ONCE = 20
DATES: tuple[tuple[str, str], ...] = (
    ("expires_on", _("平台授权")),
    ("certified_until", _("账号认证")),
    ("tls_until", _("TLS 证书")),
    ("apns_until", _("APNs 证书")),
    ("filing_until", _("备案")),
)


def connect(hub: Hub) -> None:
    """Adds the two duties to the product."""
    hub.duties += [
        Duty("accounts.health", timedelta(minutes=10), lambda: check_due(hub)),
        Duty("accounts.dates", timedelta(hours=1), lambda: warn_dates(hub)),
    ]


def check_due(hub: Hub) -> int:
    """Asks the platforms about accounts that nobody has used for some hours; returns how many were asked."""
    with hub.works.write() as work:
        before = work.now - EVERY
        quiet = (
            or_(Account.checked_at.is_(None), Account.checked_at < before),
            or_(Account.last_success_at.is_(None), Account.last_success_at < before),
        )
        mine = (Account.active, Account.stands_for.is_(None), Account.rehearsal.is_(False), Account.credentials != "")
        query = select(Account.id).where(*mine, *quiet).order_by(Account.checked_at, Account.id).limit(AT_ONCE)
        ids = list(work.session.scalars(query.with_for_update(skip_locked=True)))
        work.session.execute(update(Account).where(Account.id.in_(ids)).values(checked_at=work.now))
        rows = [work.session.get_one(Account, one) for one in ids]
        accounts = [store.info(work.session, hub.seal, one) for one in rows if _has_its_secrets(hub, one)]
    for about in accounts:
        fault, dead = ask(hub, about)
        with hub.works.write() as work:
            note(work, about.id, fault, dead)
    return len(accounts)


def _has_its_secrets(hub: Hub, account: Account) -> bool:
    """Whether what its platform asks for has been entered: nothing is dead that was never given."""
    given = store.credential_names(hub.seal, account)
    adapter = installed().get(account.channel)
    needed = [one.name for one in adapter.settings if one.secret and one.required] if adapter is not None else []
    return given.issuperset(needed)


def ask(hub: Hub, about: AccountInfo) -> tuple[str | None, bool]:
    """A cheap call that proves the credentials: what is wrong, and whether it is they that are refused.

    None where nobody can be asked: nothing was proved then, neither good nor bad.
    """
    try:
        return hub.incoming.make(about).health(), False
    except Unauthorised as refused:
        return refused.reason, True
    except ChannelError as failure:
        return failure.reason, False
    except (httpx.HTTPError, PrivateAddress) as failure:
        return f"连接不上平台（{type(failure).__name__}）", False
    except Exception as failure:  # The edge: an adapter's own fault must not stop the others from being asked.
        log.exception("health check failed", account=about.id)
        return f"适配程序出错：{type(failure).__name__}", False


def note(work: Work, account_id: int, fault: str | None, dead: bool) -> None:
    """Writes what a check found; the first refusal of credentials is told to those who keep the account."""
    if fault is None:
        return
    if dead:
        if store.credential_died(work, account_id, fault):
            account = work.session.get_one(Account, account_id)
            work.emit(CredentialDied(account.id, account.unit_id, account.name, fault))
    elif fault:
        store.failed(work, account_id, fault)
    else:
        store.succeeded(work, account_id)


def keepers(work: Work, account: Account) -> set[int]:
    """Who is told of an account: those who register accounts, and its own person, who alone authorises it anew."""
    people = set(holders(work.session, Permission.ACCOUNT_WRITE, account.unit_id, work.now))
    own = work.session.get(Person, account.register.get(store.OWN_PERSON) or 0)
    return people | {own.id} if own is not None and own.active else people


def warn_dates(hub: Hub) -> int:
    """Tells of dates that come near or have passed, each step once; returns how many notices were new."""
    told = 0
    with hub.works.write() as work:
        today = work.now.astimezone(hub.settings.office_zone).date()
        for account, name, label, day in _near(work.session, today):
            left = (day - today).days
            step = min(days for days in steps(account, name) if left <= days) if left >= 0 else 0
            when = "已到期" if left < 0 else "今天到期" if left == 0 else f"还有 {left} 天到期"
            title = f"{label}{when}：{account.name}"
            told += hub.notifier.tell(
                work,
                keepers(work, account),
                "account.date",
                title,
                f"到期日 {day:%Y-%m-%d}。请及时办理，并在账号页更新日期。",
                f"/console/accounts/{account.id}",
                f"account.{account.id}.{name}.{day:%Y%m%d}.{step}",
            )
    return told


def _near(session: Session, today: date) -> Iterator[tuple[Account, str, str, date]]:
    near = or_(*(getattr(Account, name) <= today + SOON for name, _label in DATES))
    query = select(Account).where(Account.active, Account.stands_for.is_(None), near).order_by(Account.id)
    for account in session.scalars(query):
        for name, label in DATES:
            if is_near(account, name, today):
                yield account, name, label, getattr(account, name)
