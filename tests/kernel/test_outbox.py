"""An outbox: one call per booked row, none inside a transaction, and nothing recorded by who lost the claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import ColumnElement, MetaData, String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from kernel.claim import Claimable
from kernel.clock import StillClock
from kernel.model import Base
from kernel.outbox import Outbox
from kernel.work import Work, Works


class Apart(DeclarativeBase):
    """A base of its own: the product's schema does not know the table of this test."""

    metadata = MetaData()
    type_annotation_map = Base.type_annotation_map


class Parcel(Claimable, Apart):
    """Something that is to leave."""

    __tablename__ = "parcel"

    id: Mapped[int] = mapped_column(primary_key=True)
    to: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="booked")
    next_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)


@dataclass
class Post(Outbox[Parcel, str, bool]):  # type: ignore[type-var]  # Its table is not the product's.
    """Calls by name; `fails` are called again, `gone` are ended without a call."""

    works: Works
    lease: timedelta = timedelta(seconds=45)
    fails: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    table = Parcel
    booked = "booked"
    sending = "sending"
    batch = 3

    def due(self, work: Work) -> list[ColumnElement[bool]]:
        return [Parcel.to != "held"]

    def prepare(self, work: Work, row: Parcel) -> str | None:
        if row.to in self.gone:
            row.state = "failed"
            return None
        return row.to

    def call(self, job: str) -> bool:
        # SQLite has one writer: inside a transaction this would wait for itself until it is given up.
        with self.works.write():
            self.calls.append(job)
        return job not in self.fails

    def record(self, work: Work, row: Parcel, job: str, answer: bool) -> None:
        row.state, row.next_at = ("done", None) if answer else ("booked", work.now + timedelta(minutes=1))

    def lost(self, work: Work, row: Parcel) -> None:
        row.state = "unknown"


@pytest.fixture
def post(works: Works) -> Post:
    """An outbox with an empty table on each kind of database."""
    with works.write() as work:
        Apart.metadata.create_all(work.session.connection())
    return Post(works)


def book(post: Post, *names: str) -> None:
    with post.works.write() as work:
        for place, name in enumerate(names):
            work.session.add(Parcel(to=name, next_at=work.now - timedelta(seconds=len(names) - place)))


def states(post: Post) -> dict[str, str]:
    with post.works.read() as work:
        return {row.to: row.state for row in work.session.scalars(select(Parcel))}


def test_what_is_due_leaves_the_oldest_first_and_so_many_a_run(post: Post) -> None:
    book(post, "a", "held", "b", "c", "d")
    assert (post.send_due(), post.calls) == (3, ["a", "b", "c"])
    assert (post.send_due(), post.send_due()) == (1, 0)
    assert states(post) == {"a": "done", "held": "booked", "b": "done", "c": "done", "d": "done"}


def test_what_failed_waits_and_what_is_gone_needs_no_call(post: Post, clock: StillClock) -> None:
    post.fails, post.gone = {"a"}, {"b"}
    book(post, "a", "b", "c")
    assert (post.send_due(), post.calls) == (2, ["a", "c"])
    assert states(post) == {"a": "booked", "b": "failed", "c": "done"}
    post.fails.clear()
    clock.step(minutes=1)
    post.send_due()
    with post.works.read() as work:
        rows = work.session.scalars(select(Parcel).order_by(Parcel.id)).all()
        assert [(row.attempts, row.claimed_by, row.claimed_until) for row in rows] == [
            (2, None, None),
            (1, None, None),
            (1, None, None),
        ]


def test_whoever_is_woken_for_nothing_does_not_write(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    book(post, "held")
    turns: list[str] = []
    write = post.works.write
    monkeypatch.setattr(post.works, "write", lambda: turns.append("taken") or write())
    assert (post.send_due(), turns) == (0, [])
    book(post, "a")
    turns.clear()
    post.fails = {"a"}
    assert post.send_due() == 1
    assert len(turns) > 1


@pytest.mark.parametrize("moved", [{"seconds": 46}, {"hours": -2}], ids=["later", "set back"])
def test_who_died_is_found_and_who_was_slow_records_nothing(
    post: Post, clock: StillClock, moved: dict[str, int]
) -> None:
    book(post, "a")
    taken = post.take("slow")
    assert taken is not None
    assert (post.find_lost(), post.send_due()) == (0, 0)
    clock.step(**moved)
    assert (post.find_lost(), states(post)) == (1, {"a": "unknown"})
    post.keep(taken[0], "slow", taken[1], True)
    assert (states(post), post.send_due()) == ({"a": "unknown"}, 0)
