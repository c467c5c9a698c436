"""Real Rasa, trained in the run on all questions of the demo, gives the same verdicts as the embedded engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bot import knowledge
from bot.engine import EmbeddedEngine
from bot.errors import TrainingFailed
from bot.rasa_engine import RasaEngine
from bot.training import RasaHome, environment, server_command, swap, train
from hub.drill.stage import free_port
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-rasa" / "bin" / "python"
TOKEN = "rasa-token-of-this-run"
QUESTIONS = (
    "身份证丢了怎么补办",
    "我的身份证不见了",
    "公积金怎么提取",
    "居住证怎么办理",
    "孩子上小学需要什么材料",
    "你好",
    "转人工",
    "今天股票涨了吗",
    "狗证在哪里办",
    "啊啊啊",
)

pytestmark = [
    pytest.mark.rasa,
    pytest.mark.xdist_group("rasa"),
    pytest.mark.skipif(not PYTHON.exists(), reason="Rasa is not installed here (python deploy/rasa.py)"),
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """The demo office, filled through the product."""
    data = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "hub.cli", "demo", "--once"]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "XUANDA_DATA": str(data)}, capture_output=True)
    hub = build(Settings(data=data))
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def home(demo: Hub) -> RasaHome:
    """Where this run's Rasa keeps its project and models."""
    return RasaHome(PYTHON, demo.settings.data / "rasa")


@pytest.fixture(scope="module")
def model(demo: Hub, home: RasaHome) -> Path:
    """A model trained on everything the demo has published."""
    with demo.works.read() as work:
        project = knowledge.project_of(work.session, work.now)
    assert len(project.questions) == 96
    return train(home, project, demo.clock.now())


@pytest.fixture(scope="module")
def server(home: RasaHome, model: Path) -> Iterator[str]:
    """A Rasa server on loopback with that model."""
    port = free_port()
    process = subprocess.Popen(
        server_command(home, model, port, TOKEN),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(900):
            assert process.poll() is None, "Rasa stopped while starting"
            try:
                httpx.get(url, timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def rasa(demo: Hub, server: str) -> Iterator[RasaEngine]:
    """The engine that asks it."""
    engine = RasaEngine(demo.works, httpx.Client(trust_env=False), server, TOKEN)
    yield engine
    engine.close()


def test_both_engines_give_the_same_verdicts(demo: Hub, rasa: RasaEngine) -> None:
    embedded = EmbeddedEngine(demo.works, demo.settings.data / "bot")
    try:
        for text in QUESTIONS:
            assert rasa.understand(text, "s") == embedded.understand(text, "s"), text
    finally:
        embedded.close()


def test_an_answer_comes_from_the_cms_with_its_source(demo: Hub, rasa: RasaEngine) -> None:
    decision = rasa.understand("身份证丢了怎么补办", "s")
    piece = int(decision.keys[0].removeprefix("faq/"))
    with demo.works.read() as work:
        answer = knowledge.answer_of(work.session, piece, work.now)
    assert answer is not None
    assert "身份证" in answer.text
    assert answer.sources[0].path.startswith("/")


def test_a_command_of_rasas_own_is_only_text(rasa: RasaEngine) -> None:
    assert rasa.understand("/restart", "s") == rasa.understand("restart", "s")


def test_a_model_that_cannot_be_read_leaves_the_old_one_in_service(
    rasa: RasaEngine, server: str, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"no model")
    before = rasa.understand(QUESTIONS[0], "s")
    with httpx.Client(trust_env=False) as client, pytest.raises(TrainingFailed):
        swap(client, server, TOKEN, broken)
    assert rasa.understand(QUESTIONS[0], "s") == before
