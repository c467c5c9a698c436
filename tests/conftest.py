"""What every test may ask for: a database of each kind, a clock that stands still, an office with people."""

from __future__ import annotations

import gc
import os
import shutil
import ssl
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from httpx._transports import default as transports
from sqlalchemy import Engine, create_engine, make_url, text
from xdist.remote import Producer  # type: ignore[import-untyped]  # It comes without types.
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # It comes without types.

from bot import tied
from hub import db
from hub.auth import passwords
from hub.db import open_database
from hub.tables import metadata
from kernel import kept
from kernel.clock import StillClock
from kernel.events import Listeners
from kernel.work import Works
from scheduler.queue import create_tables
from tests import compiled, postgres

# What is imported stays: looking through it for what could be thrown away took a fifth of the tests' time.
gc.disable()


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # What it builds on comes without types.
    """Whoever is free takes the next test; the journeys of one file stay with one process.

    What they share (a demo office, a trained Rasa, a drawn site) takes up to a minute to make.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", maxsplit=1)[0]
        return file if file.startswith("tests/journeys/") else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """How the tests are shared out among the processes."""
    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """Takes what was imported out of the collector's rounds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where nothing may skip (CI), says which tests did."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped and os.environ.get("XUANDA_NO_SKIP"):
        terminalreporter.write_line(f"{len(skipped)} skipped, but nothing may skip here", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where nothing may skip (CI), a skipped test fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("XUANDA_NO_SKIP") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[PasswordHasher]:
    """Passwords are hashed with the least memory: hundreds of log-ins of people who are not what a test is about.

    Yields the hasher as it is delivered, for the tests of that one.
    """
    delivered = passwords._hasher
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield delivered


@pytest.fixture(scope="session", autouse=True)
def compiled_once() -> Iterator[None]:
    """What one test's database was asked is compiled for all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db, "create_engine", compiled.engine)
        yield


@pytest.fixture(scope="session", autouse=True)
def trusted_once() -> Iterator[None]:
    """Whom a client of the tests' own trusts is read once, as the product does: it takes longer than most calls."""
    usual = transports.create_ssl_context
    known = cache(usual)

    def context(verify: ssl.SSLContext | str | bool = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        return known(trust_env=trust_env) if verify is True and cert is None else usual(verify, cert, trust_env)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transports, "create_ssl_context", context)
        yield


@pytest.fixture(scope="session", autouse=True)
def low_priority() -> Iterator[int]:
    """What learns has the priority of the test that waits for it: with the lowest it stands still beside other tests.

    Yields the priority as it is delivered.
    """
    delivered = tied.NICE
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tied, "NICE", 0)
        yield delivered


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are worked out each time they are asked for, however slow the machine is just now."""
    monkeypatch.setattr(kept, "LONGEST", 0.0)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server started for this run."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL's programs are not installed (apt install postgresql)")
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database with every table, from which each test's own is copied."""
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE template_xuanda"))
    admin.dispose()
    engine = create_engine(make_url(postgres_server).set(database="template_xuanda"))
    metadata.create_all(engine)
    with engine.begin() as connection:
        create_tables(connection)
    engine.dispose()
    return "template_xuanda"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, from which each test's own is copied."""
    path = tmp_path_factory.mktemp("template") / "xuanda.db"
    engine = open_database(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """The address of a fresh SQLite database."""
    path = tmp_path / "xuanda.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The address of a fresh PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {postgres_template}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database, once for each kind we support."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An open database of each kind."""
    engine = open_database(database_url, pool_size=8)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> StillClock:
    """A clock that moves only when told to: Monday, 2 March 2026, 09:00 in Shanghai."""
    return StillClock()


@pytest.fixture
def listeners() -> Listeners:
    """A fresh set of listeners."""
    return Listeners()


@pytest.fixture
def works(engine: Engine, clock: StillClock, listeners: Listeners) -> Works:
    """Pieces of work on a fresh database of each kind."""
    return Works(engine, clock, listeners)


@pytest.fixture
def sqlite_works(sqlite_url: str, clock: StillClock, listeners: Listeners) -> Iterator[Works]:
    """Pieces of work on SQLite only, for tests in which the kind of database plays no part."""
    engine = open_database(sqlite_url)
    yield Works(engine, clock, listeners)
    engine.dispose()
