"""Which browsers a delivery has been to: claimed before they are called, in the same work that writes the last ones.

Why these rows stand here and not with the scheduler's receipts: docs/why/0009.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, exists, func, literal, or_, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import PushFanOut, PushReach, PushService, PushSubscription, PushTopic
from channels.accounts.subscriptions import COLUMN, DISTRICT, forget
from channels.base import REACHED, Called, Subscription
from kernel.once import insert_once, insertion
from kernel.work import Work, Works

UNKNOWN, WAITING, GONE = "unknown", "waiting", "gone"
Stopped = Callable[[Session, str, datetime], bool]
P, R, S = PushSubscription.__table__.c, PushReach.__table__.c, PushService.__table__.c
_WANTED = (P.id, P.endpoint, P.p256dh, P.auth, P.origin)
# A service that took so many notices and did not fail since is waited for as long as any.
PROVEN = 20
MOST_TAKEN = 1_000_000_000
# How long a service that does not answer is left alone the first time, and at most.
SHORTEST_REST = timedelta(seconds=30)
LONGEST_REST = timedelta(minutes=15)


class Known(NamedTuple):
    """What is known of a push service."""

    origin: str
    taken: int
    failures: int
    rests_until: datetime | None


@dataclass(frozen=True)
class Progress:
    """How far a delivery to browsers is: `reasons` counts refusals by the push services' codes."""

    total: int
    counts: Mapping[str, int]
    reasons: Mapping[str, int]

    @property
    def reached(self) -> int:
        """How many were called or given up, those that wait left out."""
        return sum(number for state, number in self.counts.items() if state != WAITING)

    @property
    def percent(self) -> int:
        """The share of those it began with."""
        return min(100, 100 * self.reached // self.total) if self.total else 100


class DatabaseSubscriptions:
    """The list over the hub's database; each act is a work of its own, none open while a browser is called.

    `stopped` says whether the delivery with a key must not go on now; it is asked before each few are claimed.
    """

    def __init__(self, works: Works, stopped: Stopped = lambda _session, _key, _now: False) -> None:
        self.works = works
        self._stopped = stopped

    def walk(self, account_id: int, key: str, audience: Mapping[str, Sequence[str]]) -> DatabaseWalk:
        """Goes on with a delivery; the first time it is noted for whom it is and how many they are."""
        with self.works.read() as work:
            begun = work.session.get(PushFanOut, key)
            chosen = dict(begun.audience) if begun is not None else dict(audience)
            meant = _meant(account_id, chosen)
            total = work.session.scalar(select(func.count()).select_from(PushSubscription).where(*meant)) or 0
            services = _services(work.session, meant)
        if begun is None:
            with self.works.write() as work:
                values = {"account_id": account_id, "audience": chosen, "total": total, "begun_at": work.now}
                insert_once(work.session, PushFanOut, key=key, **values)
        return DatabaseWalk(self.works, key, meant, services, self._stopped)

    def counts(self, key: str) -> Mapping[str, int]:
        """How many browsers of the delivery are in each state."""
        with self.works.read() as work:
            return _counts(work.session, key)


class DatabaseWalk:
    """One round over the browsers that are left; a later round begins at the first one that was never claimed."""

    def __init__(
        self,
        works: Works,
        key: str,
        meant: Sequence[ColumnElement[bool]],
        services: Sequence[Known],
        stopped: Stopped,
    ) -> None:
        now = works.clock.now()
        self._resting = {one.origin for one in services if one.rests_until is not None and one.rests_until > now}
        self.origins = [one.origin for one in services if one.origin not in self._resting]
        self.proven = frozenset(one.origin for one in services if one.taken >= PROVEN and not one.failures)
        self.failing = frozenset(one.origin for one in services if one.failures)
        self.stopped = False
        self._ask = stopped
        self._works = works
        self._key = key
        self._meant = meant
        self._after: dict[str, int] = defaultdict(int)
        self._back = set(self.origins)
        # Built once: this is asked before each few browsers, and to build it takes longer than to ask.
        called = exists().where(R.key == key, R.subscription_id == P.id)
        self._next = (
            select(*_WANTED)
            .where(*meant, P.origin == bindparam("of"), P.id > bindparam("after"), ~called)
            .order_by(P.id)
            .limit(bindparam("most"))
        )

    def step(self, done: Mapping[int, Called], room: Mapping[str, int]) -> Sequence[Subscription]:
        """Writes, and claims the next; a service with nobody left is no longer among `origins`."""
        if not done and not room:
            return ()
        with self._works.write() as work:
            self._write(work, done)
            taken: list[Subscription] = []
            self.stopped = self.stopped or bool(room and self._ask(work.session, self._key, work.now))
            if self.stopped:
                return taken
            for origin, most in room.items():
                claimed = self._waited(work, origin, most) or self._new(work, origin, most)
                if not claimed:
                    self.origins.remove(origin)
                taken += claimed
            return taken

    def remember(self, taken: Mapping[str, int], rests: Mapping[str, datetime | None]) -> None:
        """Notes it of each; who took something has no failures left, and half its standing goes with a failure."""
        with self._works.write() as work:
            for origin in {*taken, *rests}:
                insert_once(work.session, PushService, origin=origin, taken=0, failures=0)
                one = work.session.get_one(PushService, origin, with_for_update=True)
                if number := taken.get(origin, 0):
                    one.taken, one.failures = min(one.taken + number, MOST_TAKEN), 0
                if origin in rests:
                    self._rest(one, rests[origin], work.now)

    def held_back(self) -> int:
        """How many of the resting services' browsers have no row yet."""
        if not self._resting:
            return 0
        uncalled = ~exists().where(R.key == self._key, R.subscription_id == P.id)
        query = select(func.count()).select_from(PushSubscription).where(*self._meant, uncalled)
        with self._works.read() as work:
            return work.session.scalar(query.where(P.origin.in_(self._resting))) or 0

    def _rest(self, one: PushService, until: datetime | None, now: datetime) -> None:
        if until is None:
            pause = min(SHORTEST_REST * 2 ** min(one.failures, 20), LONGEST_REST)
            one.failures, one.taken, until = one.failures + 1, one.taken // 2, now + pause
        one.rests_until = until
        self._resting.add(one.origin)
        self.origins = [origin for origin in self.origins if origin != one.origin]

    def _write(self, work: Work, done: Mapping[int, Called]) -> None:
        by_result: dict[Called, list[int]] = defaultdict(list)
        for number, called in done.items():
            by_result[called].append(number)
        for called, ids in by_result.items():
            statement = update(PushReach).where(R.key == self._key, R.subscription_id.in_(ids))
            values = {"state": called.state, "code": called.code, "until": called.until}
            work.session.execute(statement.values(values), execution_options=_PLAIN)
        forget(work, [number for number, called in done.items() if called.state == GONE])

    def _new(self, work: Work, origin: str, most: int) -> list[Subscription]:
        asked = {"of": origin, "after": self._after[origin], "most": most}
        # Not locked: whom another fan-out holds at this moment would be passed over, and nobody comes back for him.
        rows = [Subscription(*row) for row in work.session.execute(self._next, asked)]
        if not rows:
            return []
        self._after[origin] = rows[-1].id
        mine = self._claimed(work, [one.id for one in rows])
        return [one for one in rows if one.id in mine] or self._new(work, origin, most)

    def _claimed(self, work: Work, ids: Sequence[int]) -> set[int]:
        """Those of them that are ours: another process may have claimed some at this very moment."""
        told = {"key": self._key, "state": UNKNOWN, "code": ""}
        claim = insertion(work.session, PushReach).returning(R.subscription_id)
        # From their own rows by one statement: values for each of them take longer to hand over than to write.
        those = select(*(literal(value, R[name].type) for name, value in told.items()), P.id).where(P.id.in_(ids))
        return set(work.session.scalars(claim.from_select([*told, "subscription_id"], those)))

    def _waited(self, work: Work, origin: str, most: int) -> list[Subscription]:
        """Those whose hour has come; asked for once a round and service, until it has none."""
        if origin not in self._back:
            return []
        of_origin = select(P.id).where(P.origin == origin, P.id == R.subscription_id).exists()
        due = (
            select(R.id)
            .where(R.key == self._key, R.state == WAITING, R.until <= work.now, of_origin)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
        statement = update(PushReach).where(R.id.in_(due.scalar_subquery())).values(state=UNKNOWN, until=None, code="")
        ids = work.session.scalars(statement.returning(R.subscription_id), execution_options=_PLAIN).all()
        if len(ids) < most:
            self._back.discard(origin)
        query = select(*_WANTED).where(P.id.in_(ids), P.gone_at.is_(None))
        return [Subscription(*row) for row in work.session.execute(query)] if ids else []


def progress_of(session: Session, key: str) -> Progress | None:
    """How far the delivery with this key is; None where it goes to no list of browsers."""
    begun = session.get(PushFanOut, key)
    if begun is None:
        return None
    refused = select(R.code, func.count()).where(R.key == key, R.state == "refused").group_by(R.code)
    return Progress(begun.total, _counts(session, key), dict(session.execute(refused).all()))


def _services(session: Session, meant: Sequence[ColumnElement[bool]]) -> list[Known]:
    """The push services of those who are meant: first what took most, then what was known first."""
    first = select(P.origin, func.min(P.id).label("first")).where(*meant).group_by(P.origin).subquery()
    taken = func.coalesce(S.taken, 0)
    query = (
        select(first.c.origin, taken, func.coalesce(S.failures, 0), S.rests_until)
        .outerjoin_from(first, PushService.__table__, S.origin == first.c.origin)
        .order_by(taken.desc(), first.c.first)
    )
    return [Known(*row) for row in session.execute(query)]


def _counts(session: Session, key: str) -> dict[str, int]:
    query = select(R.state, func.count()).where(R.key == key).group_by(R.state)
    return {row[0]: row[1] for row in session.execute(query)}


def _meant(account_id: int, audience: Mapping[str, Sequence[str]]) -> list[ColumnElement[bool]]:
    """Who is meant: of each kind the browser chose one of the values, or none, which is all.

    What follows earlier deliveries is for those that they reached, whatever the browser has chosen since.
    """
    conditions: list[ColumnElement[bool]] = [P.account_id == account_id, P.gone_at.is_(None)]
    if keys := audience.get(REACHED):
        came = exists().where(R.key.in_(keys), R.subscription_id == P.id, R.state.in_(("sent", UNKNOWN)))
        return [*conditions, came]
    for kind, chose_some in ((COLUMN, P.columns), (DISTRICT, P.districts)):
        if values := audience.get(kind):
            named = exists().where(
                PushTopic.subscription_id == P.id, PushTopic.kind == kind, PushTopic.value.in_(values)
            )
            conditions.append(or_(chose_some.is_(False), named))
    return conditions


_PLAIN = {"synchronize_session": False}
