"""Freshness as inspections see it: when an account last reached its readers, and what reached nobody.

A push that points at a page is no update of anything. 只发布 on WeChat notifies no follower: whether it counts is the
office's own rule, and the harsher reading is the default.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import ScalarSelect

from channels.accounts.models import Account
from channels.registry import channels
from kernel.office_rules import Rule, declare, number_between, value_of
from scheduler.models import Delivery, Placement
from scheduler.outside.models import OutsidePiece, OutsideState
from scheduler.states import DeliveryState

QUIET_COUNTS = declare(
    Rule("freshness.quiet_counts", 0, "“只发布”（不通知粉丝）计入更新（1 计，0 不计）", number_between(0, 1))
)
ACCOUNT_DAYS = declare(Rule("freshness.account_days", 14, "新媒体账号最长多少天须更新一次", number_between(1, 3650)))
FIRST_SHOWINGS = ("publish", "mass_send", "push")


def updates_by(channel: str, *, quiet: bool) -> frozenset[str]:
    """The actions of a channel that count as an update; `quiet` takes in those of which no reader is told."""
    adapter = channels().get(channel)
    if adapter is None:
        return frozenset(FIRST_SHOWINGS)
    counted = adapter.limits.updates
    return frozenset(adapter.limits.actions if quiet and counted else counted)


def expected_to_update(account: Account) -> bool:
    """Whether inspections ask this account for updates: in use, no site of columns, and not one that only pushes."""
    adapter = channels().get(account.channel)
    by_column = adapter is not None and adapter.limits.by_column
    return (
        account.active and not account.stands_for and not by_column and bool(updates_by(account.channel, quiet=False))
    )


def last_updates(session: Session, accounts: Sequence[Account], now: datetime) -> Mapping[int, datetime]:
    """When each account last showed something new that counts, ours or published outside."""
    ids = [account.id for account in accounts]
    quiet = {one: quiet_counts(session, one, now) for one in {account.unit_id for account in accounts}}
    sent = (
        select(Delivery.account_id, Delivery.action, func.max(Delivery.done_at))
        .where(
            Delivery.account_id.in_(ids),
            Delivery.rehearses.is_(None),
            Delivery.state == DeliveryState.DONE,
            Delivery.action.in_(FIRST_SHOWINGS),
            Delivery.done_at.is_not(None),
        )
        .group_by(Delivery.account_id, Delivery.action)
    )
    outside = (
        select(OutsidePiece.account_id, OutsidePiece.notified, func.max(OutsidePiece.published_at))
        .where(OutsidePiece.account_id.in_(ids), OutsidePiece.state != OutsideState.DISMISSED)
        .group_by(OutsidePiece.account_id, OutsidePiece.notified)
    )
    by_id = {account.id: account for account in accounts}
    moments: dict[int, datetime] = {}
    for account_id, action, at in session.execute(sent):
        account = by_id[account_id]
        if at and action in updates_by(account.channel, quiet=quiet[account.unit_id]):
            moments[account_id] = max(at, moments.get(account_id, at))
    for account_id, notified, at in session.execute(outside):
        if notified is not False or quiet[by_id[account_id].unit_id]:
            moments[account_id] = max(at, moments.get(account_id, at))
    return moments


def quiet_counts(session: Session, unit_id: int, now: datetime) -> bool:
    """Whether the unit lets count what no reader is told of."""
    return bool(value_of(session, QUIET_COUNTS, unit_id, now))


def shown_quietly_only(*, quiet: bool) -> ScalarSelect[int]:
    """The pieces that show nowhere but where it does not count, for a condition."""
    counted = (
        select(Placement.piece_id)
        .outerjoin(Delivery, Delivery.id == Placement.delivery_id)
        .where(or_(Delivery.id.is_(None), ~_uncounted(channels(), quiet=quiet)))
    )
    return (
        select(Placement.piece_id)
        .join(Delivery, Delivery.id == Placement.delivery_id)
        .where(_uncounted(channels(), quiet=quiet), Placement.piece_id.not_in(counted))
        .scalar_subquery()
    )


def _uncounted(names: Collection[str], *, quiet: bool) -> ColumnElement[bool]:
    conditions = [
        and_(Delivery.channel == name, Delivery.action.in_(left))
        for name in sorted(names)
        if (left := sorted(set(FIRST_SHOWINGS) - updates_by(name, quiet=quiet)))
    ]
    return or_(false(), *conditions)
