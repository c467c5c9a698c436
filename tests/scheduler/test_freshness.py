"""Freshness: what reaches readers counts, what nobody is told of counts by the office's own rule only."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.accounts.models import Account
from kernel import office_rules
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.work import Works
from scheduler import freshness
from scheduler.models import Delivery
from scheduler.outside.models import OutsidePiece
from templates.engine import Engine
from tests.factories import Office, make_office


@pytest.fixture
def office(works: Works, clock: StillClock, tmp_path: Path) -> Office:
    del clock
    return make_office(works, Blobs(tmp_path / "files"), Engine())


def _sent(office: Office, name: str, action: str, days_ago: int, **changes: Any) -> datetime:
    account = office.accounts[name]
    if changes.pop("rehearsed", False):
        changes["rehearses"] = account.id
    with office.works.write() as work:
        at = work.now - timedelta(days=days_ago)
        mark = f"{name}{action}{days_ago}{sorted(changes)}"[:40]
        row: dict[str, Any] = {
            "unit_id": account.unit_id, "account_id": account.id, "channel": account.channel, "action": action,
            "identity": mark, "key": mark, "state": "done", "scheduled_at": at, "next_at": None, "created_at": at,
            "done_at": at,
        }  # fmt: skip
        work.session.add(Delivery(**row | changes))
    return at


def _outside(office: Office, days_ago: int, *, notified: bool | None, state: str = "open") -> datetime:
    account = office.accounts["wechat"]
    with office.works.write() as work:
        at = work.now - timedelta(days=days_ago)
        work.session.add(
            OutsidePiece(
                unit_id=account.unit_id, account_id=account.id, number=f"{days_ago}{notified}", title="题", url="u",
                notified=notified, published_at=at, found_at=work.now, due_at=work.now, state=state,
            )
        )  # fmt: skip
    return at


def _last(office: Office, name: str = "wechat") -> datetime | None:
    with office.works.read() as work:
        account = work.session.get_one(Account, office.accounts[name].id)
        return freshness.last_updates(work.session, [account], work.now).get(account.id)


def _let_count(office: Office) -> None:
    with office.works.write() as work:
        office_rules.set_rule(work, freshness.QUIET_COUNTS.name, office.bureau.id, 1)


def test_what_no_follower_is_told_of_counts_by_the_offices_rule_only(office: Office) -> None:
    told = _sent(office, "wechat", "mass_send", 20)
    quiet = _sent(office, "wechat", "publish", 3)
    assert _last(office) == told
    _let_count(office)
    assert _last(office) == quiet


@pytest.mark.parametrize(
    "changes", [{"state": "failed", "done_at": None}, {"rehearsed": True}, {"action": "correct"}], ids=str
)
def test_what_failed_was_rehearsed_or_only_corrected_updates_nothing(office: Office, changes: dict[str, Any]) -> None:
    _sent(office, "weibo", **{"action": "publish", **changes}, days_ago=2)
    assert _last(office, "weibo") is None


def test_on_a_channel_without_a_quiet_way_publishing_counts(office: Office) -> None:
    at = _sent(office, "weibo", "publish", 2)
    assert _last(office, "weibo") == at


def test_what_was_published_outside_counts_unless_it_was_quiet_or_dismissed(office: Office) -> None:
    told = _outside(office, 9, notified=True)
    _outside(office, 4, notified=False)
    _outside(office, 3, notified=True, state="dismissed")
    assert _last(office) == told
    unsure = _outside(office, 5, notified=None)
    assert _last(office) == unsure


def test_sites_are_looked_at_by_column_and_pushes_are_no_updates() -> None:
    def asked(channel: str, **more: Any) -> bool:
        return freshness.expected_to_update(Account(channel=channel, active=True, **more))

    assert asked("wechat")
    assert asked("manual")
    assert not any(asked(one) for one in ("portal", "site_push", "site_sftp", "site_manual", "jpush", "web_push"))
    assert not freshness.expected_to_update(Account(channel="wechat", active=False))
    assert not asked("wechat", stands_for=1)
    assert freshness.updates_by("jpush", quiet=True) == frozenset()
