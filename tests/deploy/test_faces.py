"""The two faces behind nginx as it is handed out: what citizens open is answered by the product, in its own words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from hub.web.app import create_app
from kernel.clock import SystemClock
from tests.deploy import nginx
from tests.deploy.nginx import NGINX
from tests.hub.office import open_office
from tests.hub.serving import served
from tests.postgres import free_port

WWW, INSIDE = {"Host": nginx.PUBLIC}, {"Host": nginx.INSIDE}

pytestmark = pytest.mark.skipif(not Path(NGINX).exists(), reason="nginx is not installed (apt install nginx-light)")


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[httpx.Client]:
    """nginx before a public face and a console on one office."""
    folder = tmp_path_factory.mktemp("faces")
    folder.chmod(0o755)
    (folder / "nginx").mkdir()
    site, port = folder / "site", free_port()
    shutil.copyfile(sqlite_template, folder / "office.db")
    with ExitStack() as stack:
        office = stack.enter_context(open_office(f"sqlite:///{folder}/office.db", folder, SystemClock(), site=site))
        public = stack.enter_context(served(create_app(office.hub, "public")))
        console = stack.enter_context(served(create_app(office.hub, "console")))
        (site / "404.html").write_text("nginx has no such file")
        hubs = {"public": [public], "console": [console]}
        stack.enter_context(nginx.running(folder / "nginx", site, port, hubs))
        yield stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/mine", 200),
        ("GET", "/h/x", 410),
        ("GET", "/s/x", 410),
        ("POST", "/hotline/tickets", 403),
        ("GET", "/push-worker.js", 200),
        ("GET", "/search?q=x", 200),
        ("GET", "/feedback", 200),
        ("GET", "/static/portal.css", 200),
        ("GET", "/api/app/v1/columns", 200),
    ],
)
def test_the_public_face_answers_what_citizens_and_platforms_ask(
    door: httpx.Client, method: str, path: str, status: int
) -> None:
    answer = door.request(method, path, headers=WWW)
    assert answer.status_code == status, answer.text
    # The number that the product gives every answer; nginx gives none.
    assert answer.headers["x-request-id"]
    assert "nginx" not in answer.text


def test_the_console_is_under_its_own_name_only(door: httpx.Client) -> None:
    assert door.get("/console/login", headers=INSIDE).status_code == 200
    assert door.get("/mine", headers=INSIDE).status_code == 404
    for path in ("/console/login", "/api/v1/pieces", "/healthz", "/metrics"):
        answer = door.get(path, headers=WWW)
        assert (answer.status_code, answer.text) == (404, "nginx has no such file"), path
