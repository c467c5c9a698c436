"""知识库 → 模型 with Rasa behind the bot: what it serves, what a button can do here, which command does the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot.errors import TrainingFailed
from bot.models import BotModel, RasaTraining
from bot.rasa_engine import RasaEngine
from bot.rasa_jobs import INTERRUPTED, NOT_EXAMINED, RasaJobs
from bot.rasa_models import Outcome, RasaModels, Step
from hub import rasa
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Role
from kernel.work import Actor
from tests.hub.web.newsroom import Newsroom, open_newsroom

PAGE = "/console/knowledge/models"
FIGURES = {"inside": 20, "outside": 4, "top1": 0.9, "top3": 0.95, "answered_right": 0.8, "answered_wrong": 0.05}
FIGURES |= {"refused_outside": 1.0, "learned": 3, "right": 16}


@dataclass
class Rasa:
    """A server of Rasa's: which file it serves, whether it answers, and whether it takes another."""

    file: str = "faq-1.tar.gz"
    answers: bool = True
    takes: bool = True

    def handle(self, request: httpx.Request) -> httpx.Response:
        """Its answer."""
        if not self.answers:
            raise httpx.ConnectError("refused")
        if request.method == "PUT":
            if not self.takes:
                return httpx.Response(400, text="Agent could not be loaded")
            self.file = Path(json.loads(request.content)["model_file"]).name
            return httpx.Response(204)
        assert request.url.path == "/status"
        return httpx.Response(200, json={"model_file": f"/models/{self.file}"})


@pytest.fixture
def served() -> Rasa:
    return Rasa()


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock, served: Rasa) -> Iterator[Newsroom]:
    """One model in service, one that was kept out, one that waits; their files are on this machine."""
    settings = {"rasa_url": "http://rasa.internal", "rasa_token": SecretStr("secret")}
    settings |= {"rasa_python": tmp_path / "rasa-python" / "python"}
    with open_newsroom(sqlite_url, tmp_path, clock, **settings) as room:
        engine = room.hub.incoming.engine
        assert isinstance(engine, RasaEngine)
        engine.http.close()
        engine.http = httpx.Client(transport=httpx.MockTransport(served.handle))
        room.office.grant("officer", Role.SUPERVISOR)
        home = rasa.home_of(room.hub.settings)
        home.models.mkdir(parents=True)
        with room.hub.works.write() as work:
            for number, state in enumerate(("current", "refused", "candidate"), start=1):
                home.path(f"faq-{number}.tar.gz").touch()
                row = BotModel(engine="rasa", fingerprint=str(number), examples=8, made_at=work.now, figures=FIGURES)
                row.artefact, row.state, row.how = f"faq-{number}.tar.gz", state, "auto" if number == 1 else ""
                row.faults = ["检验题首选正确率 60%，低于下限 70%。"] if state == "refused" else []
                row.decided_at = work.now
                work.session.add(row)
        yield room


def states(room: Newsroom) -> list[str]:
    with room.hub.works.read() as work:
        return list(work.session.scalars(select(BotModel.state).order_by(BotModel.id)))


def test_rasas_models_are_shown_with_their_figures_and_faults(room: Newsroom) -> None:
    text = room.desk_of("officer").get(PAGE).text
    for words in ("Rasa", "faq-1.tar.gz", "起使用", "首选正确 90%", "低于下限 70%", "自动上线", "20 道，不该答的 4 道"):
        assert words in text
    assert "立即训练" not in text
    assert "重新检验" not in text
    assert "xuanda bot promote" not in text


def test_a_model_goes_into_service_and_back_by_a_button(room: Newsroom, served: Rasa) -> None:
    officer = room.desk_of("officer")
    assert officer.send_form(f"{PAGE}/promote", number="2").status_code == 422
    assert served.file == "faq-1.tar.gz"
    assert officer.send_form(f"{PAGE}/promote", number="2", reason="新口径").status_code == 303
    assert (served.file, states(room)) == ("faq-2.tar.gz", ["previous", "current", "candidate"])
    text = officer.get(PAGE).text
    assert f"人工上线（未通过检验） · {room.office.person('officer').name}" in text
    assert officer.send_form(f"{PAGE}/rollback", reason="").status_code == 422
    assert officer.send_form(f"{PAGE}/rollback", reason="答错了").status_code == 303
    assert (served.file, states(room)) == ("faq-1.tar.gz", ["current", "refused", "candidate"])
    assert "已回退到模型 1" in officer.get(PAGE).text
    with room.hub.works.read() as work:
        told = work.session.execute(
            select(AuditLine.act, AuditLine.actor_id).where(AuditLine.act.like("model.%")).order_by(AuditLine.seq)
        ).all()
    me = room.office.person("officer").id
    assert told == [("model.promoted", me), ("model.rolled_back", me)]


def test_a_swap_that_fails_says_why_and_changes_nothing(room: Newsroom, served: Rasa) -> None:
    served.takes = False
    answer = room.desk_of("officer").send_form(f"{PAGE}/promote", number="3")
    assert answer.status_code == 502
    assert "Rasa 没有换用模型（400 Agent could not be loaded）" in answer.text
    assert states(room) == ["current", "refused", "candidate"]


def test_where_no_button_reaches_the_command_is_said(room: Newsroom, served: Rasa) -> None:
    officer = room.desk_of("officer")
    rasa.home_of(room.hub.settings).path("faq-3.tar.gz").unlink()
    assert "<code>xuanda bot promote 3</code>" in officer.get(PAGE).text
    assert officer.send_form(f"{PAGE}/promote", number="3").status_code == 409
    served.answers = False
    text = officer.get(PAGE).text
    assert "Rasa 现在没有应答" in text
    assert "<code>xuanda bot promote 2 --reason …</code>" in text
    assert f'action="{PAGE}/promote"' not in text


def test_a_server_that_was_given_another_model_is_told_of_and_put_right(room: Newsroom, served: Rasa) -> None:
    officer = room.desk_of("officer")
    served.file = "faq-2.tar.gz"
    text = officer.get(PAGE).text
    assert "Rasa 使用的不是模型 1" in text
    assert "它使用的是模型 2（faq-2.tar.gz）。" in text
    served.file = "elsewhere.tar.gz"
    assert "它使用的是 elsewhere.tar.gz，没有经过检验。" in officer.get(PAGE).text
    assert officer.send_form(f"{PAGE}/promote", number="1").status_code == 303
    assert served.file == "faq-1.tar.gz"
    assert "Rasa 使用的不是模型" not in officer.get(PAGE).text
    with room.hub.works.write() as work:
        work.session.get_one(BotModel, 1).state = "previous"
    assert "Rasa 使用的模型没有登记" in officer.get(PAGE).text


def test_others_do_not_come_in(room: Newsroom, served: Rasa) -> None:
    for login in ("author", "stranger"):
        assert room.desk_of(login).send_form(f"{PAGE}/promote", number="3").status_code == 403
        assert room.desk_of(login).send_form(f"{PAGE}/rollback", reason="x").status_code == 403
        assert room.desk_of(login).send_form(f"{PAGE}/test", number="3").status_code == 403
    assert served.file == "faq-1.tar.gz"


def test_where_the_embedded_engine_understands_rasas_models_take_no_part(
    sqlite_url: str, tmp_path: Path, clock: StillClock
) -> None:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        room.office.grant("officer", Role.SUPERVISOR)
        officer = room.desk_of("officer")
        assert "Rasa" not in officer.get(PAGE).text
        with room.hub.works.write() as work:
            row = BotModel(engine="rasa", fingerprint="1", examples=8, made_at=work.now, figures=FIGURES)
            row.artefact = "faq-1.tar.gz"
            work.session.add(row)
        assert "faq-1.tar.gz" in officer.get(PAGE).text
        for act in ("promote", "test"):
            answer = officer.send_form(f"{PAGE}/{act}", number="1")
            assert answer.status_code == 422
            assert "没有连接 Rasa" in answer.text


@dataclass
class Machine:
    """What a process on Rasa's machine does, one step at a time."""

    room: Newsroom
    seen: list[str]
    fails: bool = False

    def learn(self, models: RasaModels, _tell: object, actor: Actor) -> Outcome:
        """Stands in for the training itself, which tests/bot/test_rasa_models.py holds."""
        self.seen.append(f"{actor.name} learns")
        for step in (Step.TRAINING, Step.EXAMINING):
            models.at(step)
            self.seen.append(self.shown())
        if self.fails:
            raise TrainingFailed(why="rasa data: 冲突")
        return Outcome(3, {}, {}, [], "candidate")

    def settle(self, models: RasaModels, number: int, _actor: Actor) -> Outcome:
        """Stands in for the swap."""
        models.at(Step.SWAPPING)
        return Outcome(number, {}, {}, [], "current")

    def examine(self, models: RasaModels, number: int, _tell: object, actor: Actor) -> Outcome:
        """Stands in for the examination."""
        models.at(Step.EXAMINING)
        self.seen.append(f"{actor.name} examines {number}: {self.shown()}")
        if self.fails:
            raise TrainingFailed(why="the standby server: 内存不足")
        return Outcome(number, {}, {}, [], "candidate")

    def shown(self) -> str:
        """What the page says of it, whoever looks and in whatever process."""
        text = self.room.desk_of("officer").get(f"{PAGE}/training").text
        for words in ("正在训练：", "正在检验"):
            if words in text:
                return text.split(words)[1].split("<")[0]
        return text

    def jobs(self) -> RasaJobs:
        """What the duty runs."""
        engine = self.room.hub.incoming.engine
        assert isinstance(engine, RasaEngine)
        return RasaJobs(self.room.hub.works, lambda: rasa.models_of(self.room.hub, engine.server))


@pytest.fixture
def machine(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine that has Rasa."""
    python = rasa.home_of(room.hub.settings).python
    python.parent.mkdir(parents=True, exist_ok=True)
    python.touch()
    made = Machine(room, [])

    def learn(models: RasaModels, tell: object, actor: Actor) -> Outcome:
        return made.learn(models, tell, actor)

    def settle(models: RasaModels, number: int, actor: Actor) -> Outcome:
        return made.settle(models, number, actor)

    def examine(models: RasaModels, number: int, tell: object, actor: Actor) -> Outcome:
        return made.examine(models, number, tell, actor)

    monkeypatch.setattr(RasaModels, "examine", examine)
    monkeypatch.setattr(RasaModels, "learn", learn)
    monkeypatch.setattr(RasaModels, "settle", settle)
    return made


def test_rasa_is_trained_by_a_button_and_the_page_says_how_far_it_is(room: Newsroom, machine: Machine) -> None:
    officer = room.desk_of("officer")
    assert "立即训练" in officer.get(PAGE).text
    assert officer.send_form(f"{PAGE}/train").status_code == 303
    text = officer.get(PAGE).text
    assert "正在训练：等待开始" in text
    assert "立即训练" not in text
    assert officer.send_form(f"{PAGE}/train").status_code == 409
    assert machine.jobs().run_due()
    name = room.office.person("officer").name
    assert machine.seen == [f"{name} learns", "训练（低优先级）", "在备用服务上检验"]
    assert "训练完成：模型 3" in machine.shown()
    assert officer.get(f"{PAGE}/training?seen=1").headers["hx-refresh"] == "true"
    assert not machine.jobs().run_due()
    assert "立即训练" in officer.get(PAGE).text


def test_a_training_that_fails_says_why_and_can_be_asked_for_again(room: Newsroom, machine: Machine) -> None:
    officer, machine.fails = room.desk_of("officer"), True
    officer.send_form(f"{PAGE}/train")
    machine.jobs().run_due()
    assert "rasa data: 冲突" in officer.get(PAGE).text
    assert states(room) == ["current", "refused", "candidate"]
    machine.fails = False
    officer.send_form(f"{PAGE}/train")
    machine.jobs().run_due()
    assert "训练完成" in officer.get(PAGE).text


def test_of_a_process_that_died_at_it_somebody_is_told(room: Newsroom, machine: Machine, clock: StillClock) -> None:
    officer = room.desk_of("officer")
    officer.send_form(f"{PAGE}/train")
    clock.step(seconds=90)
    assert "训练还没有开始" in officer.get(PAGE).text
    with room.hub.works.write() as work:
        row = work.session.scalars(select(RasaTraining)).one()
        row.begun_at = row.seen_at = work.now
    clock.step(seconds=100)
    assert not machine.jobs().run_due()  # It may be alive.
    assert officer.send_form(f"{PAGE}/train").status_code == 409
    clock.step(seconds=30)
    machine.jobs().run_due()
    assert INTERRUPTED in officer.get(PAGE).text
    assert machine.seen == []
    assert officer.send_form(f"{PAGE}/train").status_code == 303


def test_a_model_of_rasas_is_examined_anew_by_a_button(room: Newsroom, machine: Machine) -> None:
    officer = room.desk_of("officer")
    assert officer.get(PAGE).text.count("重新检验") == 3
    answer = officer.send_form(f"{PAGE}/test", number="1")
    assert answer.status_code == 303
    text = officer.get(PAGE).text
    assert "已开始检验模型 1" in text
    assert "正在检验模型 1" in text
    assert "重新检验" not in text
    for path in ("train", "test"):
        refused = officer.send_form(f"{PAGE}/{path}", number="2")
        assert refused.status_code == 409
        assert "正在检验模型 1" in refused.text
    assert machine.jobs().run_due()
    assert machine.seen == [f"{room.office.person('officer').name} examines 1: 模型 1"]
    assert "检验完成：模型 1" in machine.shown()
    assert states(room) == ["current", "refused", "candidate"]
    machine.fails = True
    officer.send_form(f"{PAGE}/test", number="3")
    assert machine.jobs().run_due()
    text = officer.get(PAGE).text
    assert "上次检验没有完成" in text
    assert "内存不足" in text


def test_what_cannot_be_examined_says_why(room: Newsroom, machine: Machine, clock: StillClock) -> None:
    officer = room.desk_of("officer")
    with room.hub.works.write() as work:
        work.session.get_one(BotModel, 2).artefact = ""
    assert officer.get(PAGE).text.count("重新检验") == 2
    refused = officer.send_form(f"{PAGE}/test", number="2")
    assert refused.status_code == 422
    assert "文件已删除" in refused.text
    for number in ("99", "x"):
        assert officer.send_form(f"{PAGE}/test", number=number).status_code == 422
    officer.send_form(f"{PAGE}/test", number="1")
    clock.step(seconds=90)
    text = officer.get(PAGE).text
    assert "检验还没有开始" in text
    assert "xuanda bot examine 1" in text
    with room.hub.works.write() as work:
        row = work.session.scalars(select(RasaTraining)).one()
        row.begun_at = row.seen_at = work.now
    clock.step(seconds=130)
    machine.jobs().run_due()
    assert NOT_EXAMINED in officer.get(PAGE).text


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://rasa.internal"])
def test_a_server_of_this_machine_that_does_not_run_hinders_no_first_model(room: Newsroom, url: str) -> None:
    engine = room.hub.incoming.engine
    assert isinstance(engine, RasaEngine)
    engine.url = url
    assert (rasa.server_running(room.hub) is None) is ("127.0.0.1" in url)


def test_without_rasa_anywhere_the_button_is_not_there(room: Newsroom) -> None:
    officer = room.desk_of("officer")
    assert "立即训练" not in officer.get(PAGE).text
    refused = officer.send_form(f"{PAGE}/train")
    assert refused.status_code == 422
    assert "xuanda bot train" in refused.text
    assert "重新检验" not in officer.get(PAGE).text
    refused = officer.send_form(f"{PAGE}/test", number="1")
    assert refused.status_code == 422
    assert "xuanda bot examine 1" in refused.text
