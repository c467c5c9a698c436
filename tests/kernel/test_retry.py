"""When to try again: a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kernel.retry import RetryPolicy

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POLICY = RetryPolicy(attempts=8, first=timedelta(seconds=10), factor=2.0, longest=timedelta(minutes=10))

TABLE = [
    (1, 10),
    (2, 20),
    (3, 40),
    (4, 80),
    (5, 160),
    (6, 320),
    (7, 600),
    (8, None),
    (9, None),
]


@pytest.mark.parametrize(("failed", "seconds"), TABLE)
def test_waits(failed: int, seconds: int | None) -> None:
    at = POLICY.next_at(failed, NOW)
    assert at == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("platform_says", "expected"),
    [
        (NOW + timedelta(hours=3), NOW + timedelta(hours=3)),
        (NOW + timedelta(seconds=5), NOW + timedelta(seconds=10)),
        (NOW - timedelta(hours=1), NOW + timedelta(seconds=10)),
    ],
)
def test_the_platforms_word_wins_when_later(platform_says: datetime, expected: datetime) -> None:
    assert POLICY.next_at(1, NOW, platform_says) == expected


def test_the_platforms_word_gives_no_further_attempt() -> None:
    assert POLICY.next_at(8, NOW, NOW + timedelta(hours=1)) is None


def test_one_attempt_is_never_repeated() -> None:
    assert RetryPolicy(attempts=1).next_at(1, NOW) is None


def test_very_many_attempts_do_not_overflow() -> None:
    patient = RetryPolicy(attempts=5000)
    assert patient.next_at(4000, NOW) == NOW + patient.longest
