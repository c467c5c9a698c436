"""The command line: first people, tokens, checks, backups, and errors of one line."""

from __future__ import annotations

import gc
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from channels.rehearsal.config import RehearsalConfig
from hub import cli, schema
from hub.auth import tokens
from hub.auth.sessions import Origin
from hub.commands.serving import COLLECTED_AFTER, STANDS_BACK, SWITCH_SECONDS
from hub.db import open_database
from hub.demo.corpus import load_office
from hub.demo.platforms import credentials_of
from hub.settings import Settings
from hub.wiring import build
from kernel.audit import AuditLine
from kernel.people import Grant, Permission, Person

PASSWORD = re.compile(r"must then change it: (\S+)")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Serving changes how this very process runs: the tests that follow have it as it was."""
    interval, collected_after = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(interval)
    # Most tests do not serve, and looking through all that was imported takes a second.
    if gc.get_threshold() != collected_after:
        gc.set_threshold(*collected_after)
        gc.unfreeze()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of an installation that was just migrated, from which each test's own is copied."""
    data = tmp_path_factory.mktemp("migrated") / "data"
    engine = open_database(Settings(data=data).database)
    schema.migrate(engine)
    engine.dispose()
    return data


@pytest.fixture
def home(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data folder of an installation that was just migrated."""
    data = tmp_path / "data"
    monkeypatch.setenv("XUANDA_DATA", str(data))
    shutil.copytree(migrated, data)
    # It would be this very process that stands back.
    monkeypatch.setattr("hub.commands.serving.stand_back", lambda _by: None)
    return data


def xuanda(*arguments: str) -> Any:
    """Runs the command line; the result has exit_code, output and exception."""
    return CliRunner().invoke(cli.app, list(arguments))


def add(login: str, *more: str) -> str:
    """Adds a person and returns the password."""
    result = xuanda("person", "add", "--login", login, "--name", "某人", *more)
    assert result.exit_code == 0, result.output
    found = PASSWORD.search(result.output)
    assert found
    return found[1]


def test_the_first_people_of_an_empty_installation(home: Path) -> None:
    password = add("admin", "--root", "宣州市", "--role", "system_admin")
    add("guard", "--role", "security_admin")
    hub = build(Settings())
    token = hub.sessions.log_in("admin", password, Origin())
    known = hub.sessions.recognise(token)
    assert known is not None
    assert known.must_change
    with hub.works.read() as work:
        assert work.session.scalars(select(Grant.role).order_by(Grant.id)).all() == ["system_admin", "security_admin"]
        text = "".join(work.session.scalars(select(AuditLine.details)))
    assert password not in text
    hub.close()


def test_what_cannot_be_done_is_one_clear_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [
        (["person", "add", "--login", "a.b", "--name", "x"], "name the root with --root"),
        (["person", "password", "nobody"], "nobody with the login name 'nobody'"),
        (["token", "create", "--login", "nobody", "--name", "x"], "nobody with the login name"),
        (["restore", "missing.tar.gz"], "no file missing.tar.gz"),
        (["audit", "verify", "--expect", "soon"], "SEQ:HASH"),
    ]
    for arguments, words in cases:
        result = xuanda(*arguments)
        assert result.exit_code == 1
        assert words in str(result.exception), arguments


def test_the_door_prints_the_line_and_ends_with_1(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["xuanda", "restore", "missing.tar.gz"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.strip() == "xuanda: There is no file missing.tar.gz."


def test_roles_that_exclude_one_another_add_nobody(home: Path) -> None:
    result = xuanda(
        "person", "add", "--login", "both", "--name", "x", "--root", "市", "--role", "officer", "--role", "auditor"
    )
    assert result.exit_code == 1
    assert "cannot be given" in str(result.exception)
    hub = build(Settings())
    with hub.works.read() as work:
        assert work.session.scalars(select(Person)).all() == []
    hub.close()


def test_a_lost_password_is_replaced_and_the_account_opened(home: Path) -> None:
    old = add("admin", "--root", "宣州市", "--role", "system_admin")
    result = xuanda("person", "password", "admin")
    found = PASSWORD.search(result.output)
    assert found
    hub = build(Settings())
    assert hub.sessions.log_in("admin", found[1], Origin())
    with pytest.raises(Exception, match="wrong"):
        hub.sessions.log_in("admin", old, Origin())
    hub.close()


def test_a_token_is_printed_once_and_works(home: Path) -> None:
    add("officer", "--root", "宣州市", "--role", "officer")
    result = xuanda("token", "create", "--login", "officer", "--name", "大屏", "--permission", "piece.read")
    text = result.output.strip()
    hub = build(Settings())
    bearer = tokens.recognise(hub.works, text)
    assert bearer is not None
    assert bearer.viewer.may(Permission.PIECE_READ)
    assert not bearer.viewer.may(Permission.PIECE_WRITE)
    assert bearer.token.expires_at is not None
    hub.close()
    assert xuanda("token", "create", "--login", "officer", "--name", "x", "--permission", "fly").exit_code == 1


def test_the_audit_log_is_checked(home: Path) -> None:
    add("admin", "--root", "宣州市", "--role", "system_admin")
    result = xuanda("audit", "verify")
    assert result.exit_code == 0
    found = re.search(r"Note down: (\d+:[0-9a-f]{64})", result.output)
    assert found
    assert xuanda("audit", "verify", "--expect", found[1]).exit_code == 0
    assert xuanda("audit", "verify", "--expect", f"1:{'0' * 64}").exit_code == 1
    engine = open_database(Settings().database)
    with engine.begin() as connection:
        connection.execute(update(AuditLine).where(AuditLine.seq == 2).values(actor_name="nobody"))
    engine.dispose()
    result = xuanda("audit", "verify")
    assert result.exit_code == 1
    assert "line 2 was changed" in result.output


def test_backup_check_and_restore(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add("admin", "--root", "宣州市", "--role", "system_admin")
    file = str(tmp_path / "b.tar.gz")
    result = xuanda("backup", file, "--with-key")
    assert result.exit_code == 0
    assert "rows" in result.output
    assert xuanda("restore", file, "--verify").output.strip().endswith("Everything holds.")
    assert xuanda("restore", file).exit_code == 1
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path / "other"))
    assert xuanda("restore", file).exit_code == 0
    assert xuanda("audit", "verify").exit_code == 0
    assert (tmp_path / "other" / "secret.key").read_bytes() == (home / "secret.key").read_bytes()


def test_a_backup_without_the_key_says_so(home: Path, tmp_path: Path) -> None:
    add("admin", "--root", "宣州市")
    result = xuanda("backup", str(tmp_path / "b.tar.gz"))
    assert "The key is not in it" in result.output


def test_settings_are_printed_without_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUANDA_NOTICE_GATEWAY_TOKEN", "very-secret")
    result = xuanda("settings")
    assert f"XUANDA_DATA={home}" in result.output
    assert "XUANDA_NOTICE_GATEWAY_TOKEN=(hidden)" in result.output
    assert "very-secret" not in result.output


def test_serving_waits_for_the_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path / "empty"))
    result = xuanda("serve")
    assert result.exit_code == 1
    assert "xuanda migrate" in str(result.exception)
    assert xuanda("migrate").exit_code == 0
    assert xuanda("migrate").exit_code == 0


def test_serving_starts_the_engine_and_stops_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    class Started:
        def __init__(self, hub: Any) -> None:
            hub.start_engine = self.start

        def start(self) -> Any:
            told.append("start")
            return lambda: told.append("stop")

    def built(settings: Settings) -> Any:
        hub = build(settings)
        Started(hub)
        return hub

    def run(_app: object, **options: object) -> None:
        told.append(f"serve {options['host']}:{options['port']} {options['access_log']} {options['http']}")
        assert cast(int, options["timeout_keep_alive"]) > 60, "nginx keeps a line that lies idle for a minute"
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        assert gc.get_threshold() == COLLECTED_AFTER
        assert gc.get_freeze_count() > 100_000  # What has been loaded is not looked through again and again.

    monkeypatch.setattr("hub.commands.serving.build", built)
    monkeypatch.setattr("hub.commands.serving.uvicorn.run", run)
    assert xuanda("serve", "--face", "console", "--port", "9001").exit_code == 0
    assert told == ["start", "serve 127.0.0.1:9001 False h11", "stop"]


@pytest.mark.parametrize(("face", "looks"), [("all", True), ("console", True), ("public", False)])
def test_who_serves_the_console_looks_whether_anything_that_sends_lives(
    face: str, looks: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = Event()
    told: list[bool] = []
    back: list[int] = []

    def run(_app: object, **_options: object) -> None:
        told.append(looked.wait(5 if looks else 0.2))

    monkeypatch.setattr("hub.commands.serving.EVERY_SECONDS", 0.01)
    monkeypatch.setattr("hub.commands.serving.look", lambda _hub: looked.set())
    monkeypatch.setattr("hub.commands.serving.uvicorn.run", run)
    monkeypatch.setattr("hub.commands.serving.stand_back", back.append)
    assert xuanda("serve", "--face", face, "--port", "9001").exit_code == 0
    assert told == [looks]
    # Pages that people look at stand back behind citizens and platforms.
    assert back == ([STANDS_BACK] if face == "console" else [])


def test_a_worker_stands_back_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []

    def built(settings: Settings) -> Any:
        hub = build(settings)
        hub.make_worker = lambda _portal: SimpleNamespace(run=lambda: told.append("works"))
        return hub

    monkeypatch.setattr("hub.commands.serving.stand_back", told.append)
    monkeypatch.setattr("hub.commands.serving.build", built)
    assert xuanda("worker").exit_code == 0
    assert told == [STANDS_BACK, "works"]


def test_other_stand_ins_are_told_the_accounts_of_the_drill(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    result = xuanda("drill", "--accounts", str(path))
    assert result.exit_code == 0, result.output
    told = RehearsalConfig.load(path)
    known = {row.channel: credentials_of(row, "")[2] for row in load_office().accounts}
    assert {account.secret for account in told.wechat} >= {known["wechat"]["secret"]}
    assert [account.access_token for account in told.weibo] == [known["weibo"]["access_token"]]
    assert [app.master_secret for app in told.jpush] == [known["jpush"]["master_secret"]]
    assert [account.callback for account in told.wechat] == [None] * len(told.wechat)
