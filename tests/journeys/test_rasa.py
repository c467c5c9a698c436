"""Real Rasa, trained in the run on all questions of the demo, gives the same verdicts as the embedded engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import select

from bot import gateway, knowledge
from bot.answering import Answering
from bot.dialogue import place
from bot.dialogue.step import Asked, plain_of, step, turned_of
from bot.engine import EmbeddedEngine, Engine
from bot.errors import BotDown, TrainingFailed
from bot.gateway import Arrival
from bot.models import Conversation, OutboundReply, Ticket
from bot.phone_codes import Codes
from bot.rasa_engine import RasaEngine
from bot.training import RasaHome, environment, server_command, swap, train
from hub.drill.stage import free_port
from hub.product import Hub
from hub.settings import Settings
from hub.web import rasa_actions
from hub.web.app import create_app
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
    hub = build(Settings(data=data, rasa_url=f"http://127.0.0.1:{free_port()}", rasa_token=SecretStr(TOKEN)))
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def actions(demo: Hub) -> Iterator[str]:
    """The demo's own public face, which answers for Rasa's forms."""
    port = free_port()
    served = uvicorn.Server(uvicorn.Config(create_app(demo, "public"), port=port, log_config=None))
    thread = threading.Thread(target=served.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}{rasa_actions.PATH}"
    served.should_exit = True
    thread.join(10)


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
def server(demo: Hub, home: RasaHome, model: Path, actions: str) -> Iterator[str]:
    """A Rasa server on loopback with that model."""
    url = demo.settings.rasa_url
    process = subprocess.Popen(
        server_command(home, model, int(url.rpartition(":")[2]), TOKEN, actions),
        env=environment(TOKEN),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
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


TALKS = (
    ("我要上报一个问题", "路灯坏了三天没人修", "海州区", "嗯", "改一下事情：路灯全坏了", "幸福路12号", "昨晚",
     "人工智能小区", "13812345678", "改一下地址", "和平路3号", "2", "4", "前天", "提交", "提交"),
    ("有个问题要反映给你们", "有人往河里倒垃圾", "算了"),
    ("查询工单进度", "20260302-ABC234", "13812345678", "000000", "算了"),
)  # fmt: skip


def _replies(demo: Hub, engine: Engine, talk: tuple[str, ...]) -> list[str]:
    """What one engine makes of a talk on our own page, and the ticket that comes of it, without its number."""
    answering = Answering(demo.works, engine, demo.incoming.words, demo.settings.office_zone, codes=Codes(demo.seal))
    with demo.works.write() as work:
        begun = gateway.begin(work, unit_id=1, account_id=None, channel="portal", sender=gateway.visitor())
    for number, text in enumerate(talk):
        with demo.works.write() as work:
            conversation = work.session.get_one(Conversation, begun.id)
            arrival = Arrival("chat", f"{begun.id}-{number}", begun.sender, "text", text, work.now)
            stored = gateway.store(work, conversation, arrival)
        answering.handle(stored.inbound_id)
    with demo.works.read() as work:
        said = (
            select(OutboundReply.text).where(OutboundReply.conversation_id == begun.id).order_by(OutboundReply.number)
        )
        texts = list(work.session.scalars(said))
        made = work.session.scalars(select(Ticket).where(Ticket.conversation_id == begun.id)).all()
    texts += [f"{ticket.kind}\n{ticket.text}\n{ticket.contact}" for ticket in made]
    numbers = [ticket.number for ticket in made]
    return [text.replace(numbers[0], "N") if numbers else text for text in texts]


@pytest.mark.parametrize("talk", TALKS)
def test_rasas_forms_take_the_same_turns_as_the_embedded_engine(
    demo: Hub, rasa: RasaEngine, talk: tuple[str, ...]
) -> None:
    embedded = EmbeddedEngine(demo.works, demo.settings.data / "bot")
    try:
        told = _replies(demo, rasa, talk)
        assert told == _replies(demo, embedded, talk)
    finally:
        embedded.close()
    assert len(told) == len(talk) + (talk[-1] == "提交")


def test_a_district_is_asked_for_by_rasas_own_form(demo: Hub, server: str) -> None:
    answers: list[str] = []

    def heard(response: httpx.Response) -> None:
        if response.request.url.path.endswith("/webhook"):  # Its tracker names its slots as well.
            answers.append(response.read().decode())

    with httpx.Client(trust_env=False, event_hooks={"response": [heard]}) as client:
        engine = RasaEngine(demo.works, client, server, TOKEN)
        kept: Mapping[str, Any] = place.of(1)
        for text in ("食品许可证去哪办", "火星", "2"):
            asked = Asked(place.FORM, kept, text, districts=("海州区", "青山县"))
            turned = engine.turn(asked, "s")
            assert turned == turned_of(json.loads(json.dumps(plain_of(step(asked)))))
            assert sum("turned" in answer for answer in answers) == 1, "Rasa's form took it, not the rules here"
            answers.clear()
            kept = turned.kept
    assert turned.wanted == {"piece": "1", "district": "青山县"}


def test_nothing_of_a_turn_stays_in_rasas_tracker(demo: Hub, server: str) -> None:
    asked: list[httpx.Request] = []
    with httpx.Client(trust_env=False, event_hooks={"request": [asked.append]}) as client:
        engine = RasaEngine(demo.works, client, server, TOKEN)
        begun = engine.turn(Asked("report", {}, "我要投诉"), "s")
        engine.turn(Asked("report", begun.kept, "13812345678"), "s")
        trackers = {str(one.url).partition("/tracker")[0] for one in asked if one.method == "PUT"}
        left = [client.get(f"{one}/tracker", params={"token": TOKEN}).json()["events"] for one in trackers]
    assert len(left) == 2
    assert [
        event for events in left for event in events if "13812345678" in str(event) or event["event"] == "user"
    ] == []


def test_without_rasa_there_is_no_turn_that_it_did_not_take(demo: Hub, rasa: RasaEngine) -> None:
    away = RasaEngine(demo.works, rasa.http, "http://127.0.0.1:9", TOKEN)
    with pytest.raises(BotDown):
        away.turn(Asked("report", {}, "我要投诉"), "s")
    assert rasa.turn(Asked("report", {}, "我要投诉"), "s").kept == step(Asked("report", {}, "我要投诉")).kept
