"""What the API tells of the way out: accounts with their health, deliveries with every attempt, placements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from typing_extensions import TypedDict

from channels.accounts.models import Account
from channels.base import Problem
from hub.web.accounts import health_of, quotas_of
from hub.web.api_shapes import At, Page, moment, told
from kernel.work import Work
from scheduler.figures import is_late
from scheduler.models import Attempt, Delivery, Placement
from scheduler.posts import items_of


class QuotaTold(TypedDict):
    """What is left of one limited call in its period."""

    name: str
    period: str
    left: int
    limit: int


class AccountTold(TypedDict):
    """An account with its health; its secrets are never told."""

    id: int
    name: str
    code: str
    channel: str
    unit: int
    action: str
    active: bool
    rehearsal: bool
    healthy: bool
    last_success_at: At | None
    last_failure_at: At | None
    last_failure: str
    credential_dead_at: At | None
    quotas: list[QuotaTold]


class Accounts(TypedDict):
    """The accounts in reach."""

    accounts: list[AccountTold]


class ProblemTold(TypedDict):
    """What would not fit; one that does not block is only to be known."""

    field: str
    message: str
    blocking: bool


class SlotFree(TypedDict):
    """The slot that would be taken."""

    id: int
    name: str
    at: At


class Preflight(TypedDict):
    """Whether it may be booked as it is; `slot` is the one it would take where one was asked for."""

    fits: bool
    problems: list[ProblemTold]
    slot: SlotFree | None


class DeliveryBrief(TypedDict):
    """A delivery in a list."""

    id: int
    unit: int
    account: int
    rehearses: int | None
    channel: str
    action: str
    occurrence: int
    state: str
    late: bool
    scheduled_at: At
    next_at: At | None
    first_attempt_at: At | None
    handed_on_at: At | None
    accepted_until: At | None
    done_at: At | None
    attempts: int
    reason: str
    code: str
    remark: str


class Deliveries(Page):
    """One page of deliveries."""

    deliveries: list[DeliveryBrief]


class ItemTold(TypedDict):
    """One piece of a delivery under its release; `dropped` is why it did not go along."""

    piece: int
    release: int
    hash: str
    title: str
    position: int
    dropped: str


class AttemptTold(TypedDict):
    """One attempt, kept whatever happened."""

    number: int
    act: str
    started_at: At
    ended_at: At | None
    outcome: str
    code: str
    reason: str


class DeliveryWhole(DeliveryBrief):
    """A delivery with its items and every attempt."""

    audience: dict[str, Any]
    unsigned: str
    missed_after: int | None
    missed_act: str
    phrase: str
    emergency: bool
    items: list[ItemTold]
    history: list[AttemptTold]


class Moved(DeliveryWhole):
    """A delivery at its new time, with what a person should know of that time."""

    told: list[str]


class PlacementTold(TypedDict):
    """What one account shows of a piece."""

    account: int
    state: str
    release: int
    revision: int
    remote_id: str
    url: str
    correction: str
    live_at: At
    changed_at: At
    withdrawn_at: At | None
    delivery: int | None


class Placements(TypedDict):
    """Everywhere that a piece shows."""

    placements: list[PlacementTold]


def accounts_told(work: Work, found: Sequence[Account]) -> list[AccountTold]:
    """Accounts with their health and what is left of their quotas."""
    quotas = quotas_of(work.session, found, work.now)
    return [
        {
            "id": row.id,
            "name": row.name,
            "code": row.code,
            "channel": row.channel,
            "unit": row.unit_id,
            "action": row.action,
            "active": row.active,
            "rehearsal": row.rehearsal,
            "healthy": health_of(row).tone != "bad",
            "last_success_at": moment(row.last_success_at),
            "last_failure_at": moment(row.last_failure_at),
            "last_failure": row.last_failure,
            "credential_dead_at": moment(row.credential_dead_at),
            "quotas": [
                {"name": one.name, "period": one.period, "left": one.left, "limit": one.limit}
                for one in quotas.get(row.id, [])
            ],
        }
        for row in found
    ]


def problem_told(one: Problem) -> ProblemTold:
    """Something that will not fit."""
    return {"field": one.field, "message": one.message, "blocking": one.blocking}


def delivery_brief(row: Delivery, now: datetime) -> DeliveryBrief:
    """A delivery as a list shows it."""
    return {
        "id": row.id,
        "unit": row.unit_id,
        "account": row.account_id,
        "rehearses": row.rehearses,
        "channel": row.channel,
        "action": row.action,
        "occurrence": row.occurrence,
        "state": row.state,
        "late": is_late(row, now),
        "scheduled_at": told(row.scheduled_at),
        "next_at": moment(row.next_at),
        "first_attempt_at": moment(row.first_attempt_at),
        "handed_on_at": moment(row.handed_on_at),
        "accepted_until": moment(row.accepted_until),
        "done_at": moment(row.done_at),
        "attempts": row.attempts,
        "reason": row.reason,
        "code": row.code,
        "remark": row.remark,
    }


def delivery_whole(work: Work, row: Delivery) -> DeliveryWhole:
    """A delivery with its items and every attempt."""
    attempts = work.session.scalars(select(Attempt).where(Attempt.delivery_id == row.id).order_by(Attempt.id))
    return {
        **delivery_brief(row, work.now),
        "audience": row.audience,
        "unsigned": row.unsigned,
        "missed_after": row.missed_after,
        "missed_act": row.missed_act,
        "phrase": row.phrase,
        "emergency": row.emergency,
        "items": [
            {
                "piece": item.piece_id,
                "release": release.id,
                "hash": release.hash,
                "title": release.content["title"],
                "position": item.position,
                "dropped": item.dropped,
            }
            for item, release, _piece in items_of(work.session, row.id)
        ],
        "history": [
            {
                "number": one.number,
                "act": one.act,
                "started_at": told(one.started_at),
                "ended_at": moment(one.ended_at),
                "outcome": one.outcome,
                "code": one.code,
                "reason": one.reason,
            }
            for one in attempts
        ],
    }


def placement_told(row: Placement) -> PlacementTold:
    """What one account shows of a piece."""
    return {
        "account": row.account_id,
        "state": row.state,
        "release": row.release_id,
        "revision": row.revision_id,
        "remote_id": row.remote_id,
        "url": row.url,
        "correction": row.correction,
        "live_at": told(row.live_at),
        "changed_at": told(row.changed_at),
        "withdrawn_at": moment(row.withdrawn_at),
        "delivery": row.delivery_id,
    }
