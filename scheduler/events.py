"""What the scheduler tells those above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kernel.events import Event


@dataclass(frozen=True)
class WentLive(Event):
    """A piece's release now shows on an account."""

    delivery_id: int
    account_id: int
    channel: str
    piece_id: int
    release_id: int
    url: str
    at: datetime


@dataclass(frozen=True)
class WasWithdrawn(Event):
    """An account no longer shows a piece."""

    delivery_id: int
    account_id: int
    channel: str
    piece_id: int
    at: datetime
    phrase: str


@dataclass(frozen=True)
class NeedsPerson(Event):
    """A delivery cannot go on by itself: it failed, is held, unknown, or is now a task by hand."""

    delivery_id: int
    unit_id: int
    account_id: int
    state: str
    title: str
    reason: str


@dataclass(frozen=True)
class RanLate(Event):
    """A delivery is past its time and not out."""

    delivery_id: int
    unit_id: int
    account_id: int
    title: str
    minutes: int
    reason: str


@dataclass(frozen=True)
class StillUnsigned(Event):
    """A release waits for a signature and is due in at most `minutes` (30 or 10) on the first of its `places`.

    `at` is the first hour that was booked for it in this clock hour, `places` are the accounts with their times.
    """

    release_id: int
    unit_ids: frozenset[int]
    title: str
    minutes: int
    at: datetime
    places: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True)
class CredentialDied(Event):
    """An account's credentials were refused for the first time since they last worked."""

    account_id: int
    unit_id: int
    name: str
    reason: str


@dataclass(frozen=True)
class Booked(Event):
    """Something is due at a time; the engine should look at that lane then."""

    account_id: int
    at: datetime


@dataclass(frozen=True)
class FreezeBegan(Event):
    """Everything that waited on an account, or in a unit when `account` is empty, was stopped; `held` is how many.

    `by_unit` are the units whose items these are, with the number of each.
    """

    freeze_id: int
    unit_id: int
    account: str
    reason: str
    held: int
    by_unit: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class FreezeEnded(Event):
    """A stop was ended, and a person decided on each of its `items`."""

    freeze_id: int
    unit_id: int
    reason: str
    items: int
    by_unit: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class EmergencyBooked(Event):
    """An emergency release has its last signature and is on its way; `left` names accounts that need a person."""

    emergency_id: int
    piece_id: int
    unit_id: int
    title: str
    accounts: int
    left: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BundleComposed(Event):
    """Several items were booked as one message; its order waits for a signer's word."""

    delivery_id: int
    unit_id: int
    title: str
    count: int
