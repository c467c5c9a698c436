"""What a supervisor and a load balancer ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import schema
from hub.db import open_database
from hub.product import HEARTBEAT
from kernel.clock import StillClock
from kernel.duties import run_due
from kernel.people import Role
from tests.hub.office import Office, open_office


def beat(office: Office) -> None:
    """One round of the engine."""
    assert HEARTBEAT in run_due(office.hub.works, [duty for duty in office.hub.duties if duty.name == HEARTBEAT])


def test_the_process_lives_even_without_a_database(office: Office, tmp_path: Path) -> None:
    assert office.browser().get("/healthz").json() == {"alive": True}


@pytest.fixture
def migrated(tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    """An office on a database made by the migrations, as an installation's is."""
    url = f"sqlite:///{tmp_path / 'migrated.db'}"
    engine = open_database(url)
    schema.migrate(engine)
    engine.dispose()
    with open_office(url, tmp_path, clock) as office:
        yield office


def test_ready_only_while_the_engine_beats(migrated: Office, clock: StillClock) -> None:
    office, browser = migrated, migrated.browser()
    answer = browser.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {"ready": False, "database": True, "schema": True, "engine": False}
    beat(office)
    assert browser.get("/readyz").json()["ready"] is True
    clock.step(seconds=60)
    assert browser.get("/readyz").status_code == 200
    clock.step(seconds=1)
    assert browser.get("/readyz").json()["engine"] is False
    beat(office)
    assert browser.get("/readyz").status_code == 200


def test_not_ready_when_the_database_is_gone(office: Office, tmp_path: Path) -> None:
    beat(office)
    office.hub.engine.dispose()
    for file in tmp_path.glob("xuanda.db*"):
        file.unlink()
    (tmp_path / "xuanda.db").write_bytes(b"no database at all, only some bytes" * 40)
    answer = office.browser().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["database"] is False


def test_not_ready_before_the_migrations(office: Office) -> None:
    beat(office)
    assert office.browser().get("/readyz").json()["schema"] is (schema.newest() == ())


def test_metrics_are_read_with_the_supervisors_token_only(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock, metrics_token="watcher") as office:
        beat(office)
        clock.step(seconds=7)
        browser = office.browser()
        assert browser.get("/metrics").status_code == 404
        assert browser.get("/metrics", headers={"Authorization": "Bearer guess"}).status_code == 404
        answer = browser.get("/metrics", headers={"Authorization": "Bearer watcher"})
        assert answer.headers["content-type"].startswith("text/plain")
        assert "xuanda_heartbeat_age_seconds 7.0" in answer.text
        assert "xuanda_conversations_waiting 0.0" in answer.text


def test_without_a_token_there_are_no_metrics(office: Office) -> None:
    assert office.browser().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_every_page_says_when_nothing_is_being_sent(office: Office, clock: StillClock) -> None:
    office.hire("boss", "north", Role.SIGNER)
    office.hire("guard", "north", Role.SECURITY_ADMIN)
    page = office.desk_of("boss")
    assert "自动发布没有运行" not in page.get("/console").text
    beat(office)
    clock.step(seconds=61)
    assert "自动发布没有运行" in page.get("/console").text
    assert "自动发布没有运行" not in office.desk_of("guard").get("/console").text
    beat(office)
    assert "自动发布没有运行" not in page.get("/console").text
