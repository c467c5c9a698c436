"""A standby server answers only who started it, and never outlives him."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from bot import tied
from bot.errors import NotSwapped, TrainingFailed
from bot.nlu.classifier import Classifier, Example
from bot.rasa_server import RasaServer
from bot.standby import standby
from bot.training import RasaHome
from tests.bot.rasa_stand_in import python_in

EXAMPLES = [Example("居住证怎么办", "faq/1"), Example("公积金怎么提取", "faq/2"), Example("股票涨了吗", "out_of_scope")]


@pytest.fixture
def home(tmp_path: Path) -> RasaHome:
    """A home with one model."""
    home = RasaHome(python_in(tmp_path), tmp_path / "rasa")
    home.project.mkdir(parents=True)
    home.models.mkdir()
    home.path("faq-1.tar.gz").write_bytes(Classifier.fit(EXAMPLES).to_bytes())
    return home


def test_it_answers_swaps_and_is_gone_afterwards(home: RasaHome, tmp_path: Path) -> None:
    with standby(home, home.path("faq-1.tar.gz")) as server:
        assert server.serves() == "faq-1.tar.gz"
        assert server.parse("居住证怎么办", "", 10)["intent"]["name"] == "faq"
        stranger = RasaServer(server.http, server.url, "another")
        with pytest.raises(httpx.HTTPStatusError):
            stranger.serves()
        (tmp_path / "no.tar.gz").write_bytes(b"no model")
        with pytest.raises(NotSwapped, match="400"):
            server.swap(tmp_path / "no.tar.gz")
        assert server.serves() == "faq-1.tar.gz"
    assert nobody_at(server)


@pytest.mark.parametrize("what", [KeyboardInterrupt, ValueError])
def test_it_is_gone_after_whatever_went_wrong(home: RasaHome, what: type[BaseException]) -> None:
    seen: list[RasaServer] = []

    def examined() -> None:
        with standby(home, home.path("faq-1.tar.gz")) as server:
            seen.append(server)
            raise what

    with pytest.raises(what):
        examined()
    assert nobody_at(seen[0])


def test_one_that_does_not_begin_is_a_failed_training_and_gone(home: RasaHome) -> None:
    home.python.write_text("#!/bin/sh\nexec sleep 600\n")
    begun = time.monotonic()
    with pytest.raises(TrainingFailed, match="did not begin to answer"), standby(home, home.path("a.tar.gz"), ready=1):
        raise AssertionError("it answers nobody")
    assert time.monotonic() - begun < 60


STARTING = """
import sys, time
from pathlib import Path
from bot.standby import standby
from bot.training import RasaHome

home = RasaHome(Path(sys.argv[1]), Path(sys.argv[2]))
with standby(home, home.path("faq-1.tar.gz")) as server:
    print(server.url, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
def test_it_ends_with_whoever_is_killed_in_the_middle(home: RasaHome) -> None:
    command = [sys.executable, "-c", STARTING, str(home.python), str(home.folder)]
    with subprocess.Popen(command, cwd=tied.ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        parent.kill()
    with httpx.Client(trust_env=False) as http:
        assert until(lambda: nobody_at(RasaServer(http, url, "")))


def nobody_at(server: RasaServer) -> bool:
    """Whether nothing listens there."""
    try:
        httpx.get(server.url, timeout=5, trust_env=False)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        return False  # It is just going.
    return False


def until(seen: Callable[[], bool]) -> bool:
    """Whether it comes to be so within ten seconds."""
    end = time.monotonic() + 10
    while not (now := seen()) and time.monotonic() < end:
        time.sleep(0.05)
    return now
