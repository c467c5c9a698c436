"""The units and the compose file: every command of ours in them is run as a process; whatever they name is there."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from sqlalchemy import create_engine, make_url, text

from hub.settings import Settings
from tests.deploy import nginx
from tests.postgres import free_port

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
BIN = Path(sys.executable).parent
SERVING = ("console", "public")
WORKING = ("worker", "portal")


class Unit(ConfigParser):
    """A unit file; its keys keep their case."""

    def __init__(self, path: Path) -> None:
        super().__init__(interpolation=None, strict=False)
        self.read_string(path.read_text("utf-8"))

    def optionxform(self, optionstr: str) -> str:
        """As written."""
        return optionstr


def file_of(unit: str) -> Path:
    """A unit's file; those of the faces are templates, started with the port that each process listens on."""
    return DEPLOY / "systemd" / f"xuanda-{unit}{'@' if unit in SERVING else ''}.service"


def command_of(unit: str) -> list[str]:
    """What a unit runs, as systemd would hand it over."""
    line = Unit(file_of(unit))["Service"]["ExecStart"]
    return shlex.split(line.replace("%%", "%").replace("$$", "$"))


def compose() -> dict[str, Any]:
    """The compose file."""
    return dict(yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text("utf-8")))


def plain(command: list[str]) -> list[str]:
    """A command without where it lies and where it listens."""
    words = [Path(command[0]).name, *command[1:]]
    for option in ("--host", "--port"):
        if option in words:
            place = words.index(option)
            del words[place : place + 2]
    return words


@pytest.fixture
def home(tmp_path: Path, postgres_server: str) -> Iterator[dict[str, str]]:
    """The environment of a machine of its own: folders, and an empty database."""
    name = f"deployed_{uuid.uuid4().hex}"
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    given: dict[str, str] = {}
    for line in (DEPLOY / "systemd" / "environment.example").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            given[key] = value.replace("/srv/xuanda", str(tmp_path))
    (tmp_path / "backups").mkdir()
    yield {
        **os.environ,
        **given,
        "XUANDA_DATABASE_URL": make_url(postgres_server).set(database=name).render_as_string(hide_password=False),
    }
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def on_this_machine(command: list[str], folder: Path, port: int = 0) -> list[str]:
    """A unit's command with this machine's paths and a free port."""
    words = [word.replace("/opt/xuanda/.venv/bin", str(BIN)).replace("/srv/xuanda", str(folder)) for word in command]
    if "--port" in words:
        words[words.index("--port") + 1] = str(port)
    return words


@pytest.mark.postgresql
def test_every_command_of_the_units_runs(tmp_path: Path, home: dict[str, str]) -> None:
    def once(unit: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            on_this_machine(command_of(unit), tmp_path), env=home, cwd=ROOT, capture_output=True, text=True, check=False
        )

    migrated = once("migrate")
    assert migrated.returncode == 0, migrated.stderr
    ports = {unit: free_port() for unit in SERVING}
    with running(
        {unit: on_this_machine(command_of(unit), tmp_path, ports.get(unit, 0)) for unit in (*SERVING, *WORKING)}, home
    ):
        # Ready means that the database has the schema and that a worker's heart beats.
        for port in ports.values():
            until_ready(port)
        address = "http://127.0.0.1:{}/console/login"
        assert httpx.get(address.format(ports["console"]), trust_env=False).status_code == 200
        assert httpx.get(address.format(ports["public"]), trust_env=False).status_code == 404
        saved = once("backup")
    assert saved.returncode == 0, saved.stderr
    assert "Everything holds" in saved.stdout
    assert len(list((tmp_path / "backups").glob("xuanda-*.tar.gz"))) == 1
    refused = once("rasa")
    assert refused.returncode == 1
    assert re.search(r"Run: (make rasa|xuanda bot train)", refused.stderr)


@contextmanager
def running(commands: dict[str, list[str]], environment: dict[str, str]) -> Iterator[None]:
    """Processes that end in an orderly way when they are asked to."""
    parts = {name: subprocess.Popen(command, env=environment, cwd=ROOT) for name, command in commands.items()}
    try:
        yield
        for part in parts.values():
            part.send_signal(signal.SIGTERM)
        assert {name: part.wait(60) for name, part in parts.items()} == dict.fromkeys(parts, 0)
    finally:
        for part in parts.values():
            part.kill()
            part.wait(30)


def until_ready(port: int) -> None:
    """Waits until a web process says that it may be sent requests."""
    end = time.monotonic() + 180
    while time.monotonic() < end:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5, trust_env=False).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"nothing was ready on port {port}")


def test_the_compose_file_runs_what_the_units_run() -> None:
    ours = [service for service in compose()["services"].values() if service["image"] == "xuanda"]
    known = [plain(command_of(unit)) for unit in ("migrate", *SERVING, *WORKING)]
    assert len(ours) == 4
    for service in ours:
        assert plain(service["command"]) in known


def test_the_compose_file_has_what_a_city_needs() -> None:
    services = compose()["services"]
    assert {"postgresql", "redis", "rasa", "nginx", "public", "console", "worker"} <= set(services)
    assert services["worker"]["deploy"]["replicas"] == 2
    for service in services.values():
        assert set(service.get("depends_on", ())) <= set(services)
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            own = source.startswith(".")
            assert (DEPLOY / "compose" / source).exists() if own else source in compose()["volumes"], mount


def test_nginx_sends_requests_only_to_services_that_listen_there() -> None:
    doors = nginx.upstreams(nginx.COMPOSE)
    assert set(doors) == set(SERVING)
    for face, servers in doors.items():
        for name, port in servers:
            command = compose()["services"][name]["command"]
            assert command[command.index("--port") + 1] == str(port)
            assert command[command.index("--face") + 1] == face


def test_nginx_in_compose_has_every_file_that_it_includes() -> None:
    mounts = dict(mount.split(":")[:2] for mount in compose()["services"]["nginx"]["volumes"])
    assert mounts.pop("./nginx.conf") == "/etc/nginx/conf.d/default.conf"
    assert mounts.pop("../nginx") == "/etc/nginx/xuanda"
    assert mounts == {"site": "/srv/xuanda/site"}


def test_nginx_sends_each_face_to_the_ports_that_its_units_are_started_on() -> None:
    guide = (ROOT / "docs/how-to/deploy.md").read_text("utf-8")
    doors = nginx.upstreams(nginx.XUANDA)
    assert set(doors) == set(SERVING)
    for face, servers in doors.items():
        command = command_of(face)
        assert command[command.index("--face") + 1] == face
        assert command[command.index("--port") + 1] == "%i"
        started = {int(port) for port in re.findall(rf"xuanda-{face}@(\d+)", guide)}
        assert {("127.0.0.1", port) for port in started} == set(servers)
    every = [server for servers in doors.values() for server in servers]
    assert len(every) == len(set(every)) == 4


def test_nginx_on_the_outer_host_sends_requests_to_its_unit() -> None:
    command = command_of("outer")
    port = int(command[command.index("--port") + 1])
    assert nginx.upstreams(nginx.OUTER) == {"public": [("127.0.0.1", port)]}


def test_every_setting_named_is_one() -> None:
    named = set(re.findall(r"XUANDA_[A-Z_]+", (DEPLOY / "systemd" / "environment.example").read_text("utf-8")))
    named |= {key for service in compose()["services"].values() for key in service.get("environment", ())}
    ours = {name for name in named if name.startswith("XUANDA_")}
    assert ours
    assert ours <= {f"XUANDA_{name.upper()}" for name in Settings.model_fields}


def test_the_image_is_made_from_what_is_there() -> None:
    words = (DEPLOY / "Dockerfile").read_text("utf-8")
    run = re.findall(r"^RUN python (\S+)$", words, re.MULTILINE)
    assert run == ["deploy/setup.py"]
    assert all((ROOT / file).is_file() for file in run)
    assert compose()["services"]["public"]["build"]["dockerfile"] == "deploy/Dockerfile"


def test_the_image_gives_every_volume_of_ours_to_its_own_user() -> None:
    made, _, run = (DEPLOY / "Dockerfile").read_text("utf-8").partition("\nUSER xuanda\n")
    assert run
    folders = re.findall(r"^RUN install -d -o xuanda -g xuanda (.+)$", made, re.MULTILINE)
    ours = [service for service in compose()["services"].values() if service["image"] == "xuanda"]
    mounted = {mount.split(":")[1] for service in ours for mount in service["volumes"]}
    assert len(mounted) == 3
    assert mounted <= set(" ".join(folders).split())


def test_the_outer_sides_unit_runs_what_the_drill_runs() -> None:
    assert plain(command_of("outer")) == ["xuanda", "serve", "--face", "outer"]


def test_units_begin_again_after_a_crash_and_the_backup_has_its_hour() -> None:
    for unit in (*SERVING, *WORKING, "outer"):
        service = Unit(file_of(unit))["Service"]
        assert service["Restart"] == "always"
        assert int(service["TimeoutStopSec"]) > Settings.model_fields["send_timeout"].default
    timer = Unit(DEPLOY / "systemd" / "xuanda-backup.timer")
    assert timer["Timer"]["OnCalendar"]
    assert (DEPLOY / "systemd" / "xuanda-backup.service").is_file()
