"""`xuanda bot train`, `models`, `promote`, `roll-back` and `serve` on the terminal; Rasa's Python stands in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import select
from typer.testing import CliRunner

from bot import knowledge, learning, standby
from bot.engine import EmbeddedEngine
from bot.models import BotModel, Lesson
from hub import cli, rasa, schema
from hub.errors import CannotRun
from hub.settings import Settings
from hub.wiring import build
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from tests.bot.citizens import published
from tests.bot.rasa_stand_in import python_in
from tests.bot.test_engine import LOST, STAY
from tests.bot.test_rasa_models import CLASH
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Newsroom]:
    """An installation with one published question, and a Rasa of its own."""
    monkeypatch.setenv("XUANDA_DATA", str(tmp_path))
    monkeypatch.setenv("XUANDA_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("XUANDA_RASA_PYTHON", str(python_in(tmp_path)))
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        with room.hub.engine.begin() as connection:  # The tests' databases are copies of one that was never migrated.
            config = schema.configuration()
            config.attributes["connection"] = connection
            command.stamp(config, "head")
        yield room


def xuanda(*arguments: str) -> Any:
    return CliRunner().invoke(cli.app, ["bot", *arguments])


def asked(room: Newsroom, text: str) -> None:
    """A citizen asked this, and a person said that the first question answers it."""
    with room.hub.works.write() as work:
        (question,) = knowledge.project_of(work.session, work.now).questions
        digest = learning.digest_of(learning.plain_of(text))
        made = Lesson(unit_id=room.office.bureau.id, digest=digest, text=text, act="confirmed")
        made.piece_id, made.made_at = int(question.key), work.now
        work.session.add(made)


def rows(room: Newsroom) -> list[tuple[str, str]]:
    with room.hub.works.read() as work:
        query = select(BotModel.state, BotModel.how).where(BotModel.engine == "rasa").order_by(BotModel.id)
        return [(state, how) for state, how in work.session.execute(query)]


def test_the_whole_life_of_models_on_a_running_server(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    published(room.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
    asked(room, "我的身份证掉了")
    first = xuanda("train")
    assert first.exit_code == 0, first.output
    assert "No Rasa server runs at XUANDA_RASA_URL (not set)" in first.output
    assert "Model 1: 1 questions, top-1 1.000, top-3 1.000, answered right" in first.output
    assert first.output.endswith("In service.\n")
    home = rasa.home_of(Settings())
    (file,) = home.models.iterdir()
    with standby.standby(home, file) as server:
        monkeypatch.setenv("XUANDA_RASA_URL", server.url)
        monkeypatch.setenv("XUANDA_RASA_TOKEN", server.token)
        published(room.office, "faq", "证件掉了找谁", "找客服。", wordings=CLASH)
        refused = xuanda("train")
        assert refused.exit_code == 1
        assert "  before: 1 questions, top-1 1.000" in refused.output
        assert "  FAULT: 原来答对的检验题有 1 道不再答对：“我的身份证掉了”。\n" in refused.output
        assert "Kept out; the model in service stays." in refused.output
        assert server.serves() == file.name
        again = xuanda("examine", "2")
        assert again.exit_code == 0, again.output
        assert "Model 2: 1 questions, top-1 0.000" in again.output
        assert "  FAULT: 原来答对的检验题有 1 道不再答对" in again.output
        assert (server.serves(), rows(room)) == (file.name, [("current", "auto"), ("refused", "")])
        assert isinstance(xuanda("examine", "9").exception, Invalid)
        assert isinstance(xuanda("promote", "2").exception, Invalid)
        assert isinstance(xuanda("train", "--force").exception, CannotRun)
        forced = xuanda("train", "--force", "--reason", "新口径")
        assert (forced.exit_code, rows(room)) == (0, [("previous", "auto"), ("current", "forced")])
        assert server.serves() != file.name
        listed = xuanda("models").output.splitlines()
        assert listed[0].split()[:3] == ["2", "rasa", "current"]
        assert "FAULT" not in listed[0]
        assert listed[2].endswith(file.name)
        assert isinstance(xuanda("roll-back").exception, Invalid)
        back = xuanda("roll-back", "--reason", "答错了")
        assert (back.exit_code, back.output) == (0, "Model 1 is in service again.\n")
        assert server.serves() == file.name
        assert rows(room) == [("current", "rollback"), ("refused", "forced")]
    with room.hub.works.read() as work:
        told = work.session.execute(
            select(AuditLine.act, AuditLine.actor_name).where(AuditLine.act.like("model.%")).order_by(AuditLine.seq)
        ).all()
    assert ("model.refused", "command line") in told
    assert told[-1] == ("model.rolled_back", "command line")


def test_serving_starts_what_the_rows_say(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    become: list[list[str]] = []

    def execve(_program: str, arguments: list[str], _surroundings: dict[str, str]) -> None:
        become.append(arguments)

    monkeypatch.setattr(os, "execve", execve)
    assert isinstance(xuanda("serve").exception, CannotRun)
    home = rasa.home_of(Settings())
    home.models.mkdir(parents=True)
    for number, state in ((1, "current"), (2, "refused"), (3, "")):
        home.path(f"faq-{number}.tar.gz").touch()
        if state:
            with room.hub.works.write() as work:
                row = BotModel(engine="rasa", fingerprint=str(number), examples=1, made_at=work.now, state=state)
                row.artefact = f"faq-{number}.tar.gz"
                work.session.add(row)

    def started() -> tuple[str, str]:
        result = xuanda("serve")
        assert result.exit_code == 0, result.output
        arguments = become.pop()
        return Path(arguments[arguments.index("--model") + 1]).name, result.stderr

    assert started() == ("faq-1.tar.gz", "")
    home.path("faq-1.tar.gz").unlink()
    file, told = started()
    assert file == "faq-3.tar.gz"
    assert "The file of model 1, which is in service, is not in" in told
    home.path("faq-3.tar.gz").unlink()
    assert isinstance(xuanda("serve").exception, CannotRun), "what was kept out serves nobody"


def test_the_embedded_engines_models_go_the_same_way(room: Newsroom) -> None:
    assert xuanda("models").output == "There is no model yet.\n"
    published(room.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
    hub = build(Settings(), room.hub.clock)
    hub.incoming.engine.understand("我的身份证掉了", "s")
    published(room.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine = hub.incoming.engine
    assert isinstance(engine, EmbeddedEngine)
    engine.prepare()
    hub.close()
    assert xuanda("roll-back", "--engine", "embedded", "--reason", "x").output == "Model 1 is in service again.\n"
    assert xuanda("promote", "2", "--engine", "embedded", "--reason", "y").exit_code == 0
    examined = xuanda("examine", "1", "--engine", "embedded")
    assert (examined.exit_code, examined.output) == (0, "Model 1: 0 questions\n")
    assert isinstance(xuanda("examine", "1").exception, CannotRun | Invalid), "it is none of Rasa's"
    assert isinstance(xuanda("roll-back", "--reason", "x").exception, WrongState), "Rasa has none"


def test_a_server_that_is_not_there_yet_starts_with_the_model(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    published(room.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
    monkeypatch.setenv("XUANDA_RASA_URL", "http://127.0.0.1:9")
    told = xuanda("train")
    assert told.exit_code == 0, told.output
    assert "No Rasa server runs at http://127.0.0.1:9" in told.output
    assert rows(room) == [("current", "auto")]
