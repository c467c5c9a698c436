"""Versions of the model: kept and tested, let through by the rules, followed by every process, taken back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import learning, rules, versions
from bot.engine import EmbeddedEngine
from bot.events import ModelRefused
from bot.models import BotModel, Lesson
from bot.nlu.classifier import Classifier, Example
from bot.nlu.wire import faq_label
from bot.states import ModelEngine
from kernel.audit import AuditLine
from kernel.blobs import Blobs
from kernel.errors import Invalid, WrongState
from kernel.office_rules import set_rule
from tests.bot.citizens import published
from tests.bot.conftest import Desk
from tests.bot.test_engine import LOST, STAY


@pytest.fixture
def lost(desk: Desk) -> int:
    return published(desk.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))


@pytest.fixture
def engine(desk: Desk, lost: int, tmp_path: Path) -> Iterator[EmbeddedEngine]:
    made = engine_of(desk, tmp_path)
    made.prepare()
    yield made
    made.close()


def engine_of(desk: Desk, folder: Path) -> EmbeddedEngine:
    return EmbeddedEngine(desk.works, folder / "bot", pause=0.0, kept=Blobs(folder / "files"), look=0.0)


def rows(desk: Desk) -> list[BotModel]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(BotModel).order_by(BotModel.id)))


def states(desk: Desk) -> list[tuple[str, str]]:
    return [(row.state, row.how) for row in rows(desk)]


def lesson(desk: Desk, text: str, act: str, piece: int | None = None) -> None:
    with desk.works.write() as work:
        digest = learning.digest_of(learning.plain_of(text))
        made = Lesson(unit_id=desk.office.bureau.id, digest=digest, text=text, act=act, piece_id=piece)
        made.made_at = work.now
        work.session.add(made)


def rule(desk: Desk, name: str, value: Any) -> None:
    with desk.works.write() as work:
        set_rule(work, name, versions.root_unit(work.session), value)


def promote(desk: Desk, engine: EmbeddedEngine, number: int, reason: str = "") -> None:
    assert engine.kept is not None
    with desk.works.write(desk.office.actor("manager")) as work:
        versions.promote(work, number, engine.kept, reason)


def roll_back(desk: Desk, engine: EmbeddedEngine, reason: str) -> None:
    assert engine.kept is not None
    with desk.works.write(desk.office.actor("manager")) as work:
        versions.roll_back(work, engine.kept, reason)


def test_what_is_published_is_learned_let_through_and_numbered(desk: Desk, engine: EmbeddedEngine, lost: int) -> None:
    (first,) = rows(desk)
    assert (first.state, first.how, first.taught) == ("current", "auto", [[lost, first.taught[0][1]]])
    decision = engine.understand("我的身份证掉了", "s")
    assert (decision.kind, decision.model, decision.confidence > 0.4) == ("answer", first.id, True)
    engine.prepare()
    assert len(rows(desk)) == 1
    stay = published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    assert states(desk) == [("previous", "auto"), ("current", "auto")]
    assert engine.understand("外地人办居住证", "s").keys == (f"faq/{stay}",)


def test_a_model_that_loses_an_answer_is_kept_out_and_told(desk: Desk, engine: EmbeddedEngine, lost: int) -> None:
    lesson(desk, "我的身份证掉了", "confirmed", lost)
    other = published(
        desk.office, "faq", "证件掉了找谁", "找客服。", wordings=["我的身份证掉了呀", "我身份证掉了", "我的身份证掉"]
    )
    engine.prepare()
    first, second = rows(desk)
    assert (first.state, second.state) == ("current", "refused")
    assert second.faults == ["原来答对的检验题有 1 道不再答对：“我的身份证掉了”。"]
    assert (second.figures["right"], second.before["right"]) == (0, 1)
    assert len(desk.of(ModelRefused)) == 1
    assert engine.understand("我的身份证掉了", "s").keys == (f"faq/{lost}",)
    # What was signed answers at once all the same, asked by its title.
    assert engine.understand("证件掉了找谁", "s").keys == (f"faq/{other}",)
    with pytest.raises(Invalid):
        promote(desk, engine, second.id)
    promote(desk, engine, second.id, "新口径")
    assert states(desk) == [("previous", "auto"), ("current", "forced")]
    with desk.works.read() as work:
        acts = set(work.session.scalars(select(AuditLine.act)))
    assert {"model.refused", "model.promoted"} <= acts


def test_what_must_not_be_answered_is_learned_and_watched(desk: Desk, engine: EmbeddedEngine, lost: int) -> None:
    assert engine.understand("身份证照片怎么拍好看", "s").kind != "refuse" or True
    lesson(desk, "身份证被偷了", "foreign")
    engine.prepare()
    assert [row.examples for row in rows(desk)][1] > 0
    second = rows(desk)[1]
    assert second.figures["outside"] == 1


def test_every_process_follows_and_going_back_is_one_act(desk: Desk, engine: EmbeddedEngine, tmp_path: Path) -> None:
    other = engine_of(desk, tmp_path)
    assert other.understand("我的身份证掉了", "s").model == rows(desk)[0].id
    stay = published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    first, second = rows(desk)
    assert other.understand("外地人办居住证", "s").model == second.id
    assert other.understand("居住证怎么办理", "s").keys == (f"faq/{stay}",)
    with pytest.raises(Invalid):
        roll_back(desk, engine, " ")
    roll_back(desk, engine, "答得不好")
    assert states(desk) == [("current", "rollback"), ("refused", "auto")]
    for one in (engine, other):
        assert one.understand("我的身份证掉了", "s").model == first.id
        one.prepare()
    assert states(desk) == [("current", "rollback"), ("refused", "auto")]
    published(desk.office, "faq", "老年证怎么办", "到社区。", wordings=["办老年证"])
    engine.prepare()
    assert states(desk)[2] == ("candidate", "")
    promote(desk, engine, rows(desk)[2].id)
    assert states(desk)[0][0] == "previous"
    assert states(desk)[2] == ("current", "manual")
    roll_back(desk, engine, "再退")
    with pytest.raises(WrongState):
        roll_back(desk, engine, "没有了")
    other.close()


def test_who_only_answers_takes_up_what_another_process_learned(
    desk: Desk, engine: EmbeddedEngine, tmp_path: Path
) -> None:
    fitted: list[int] = []

    def fit(examples: list[Example]) -> Classifier:
        fitted.append(len(examples))
        return Classifier.fit(examples)

    answering = replace(engine_of(desk, tmp_path), fit=fit)
    answering.keep_up()  # It has none yet: it takes up what is in service, which is known already.
    wait_for_model(answering)
    stay = published(desk.office, "faq", "居住证怎么办", "到派出所。", wordings=list(STAY))
    answering.keep_up()
    assert (fitted, len(rows(desk))) == ([], 1), "what is new is left to who publishes"
    assert answering.understand("居住证怎么办", "s").keys == (faq_label(str(stay)),), "its title is known all the same"
    engine.prepare()
    answering.keep_up()
    assert answering._model is not None
    assert (answering._model.number, fitted) == (rows(desk)[-1].id, [])
    assert len(rows(desk)) == 2
    answering.close()


def test_where_nothing_was_learned_yet_who_only_answers_learns(desk: Desk, lost: int, tmp_path: Path) -> None:
    alone = engine_of(desk, tmp_path)
    alone.keep_up()
    wait_for_model(alone)
    assert states(desk) == [("current", "auto")]
    alone.close()


def wait_for_model(engine: EmbeddedEngine) -> None:
    end = time.monotonic() + 30
    while not engine.at_once():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_person_decides_where_the_rule_says_so(desk: Desk, engine: EmbeddedEngine) -> None:
    rule(desk, rules.AUTO_PROMOTE.name, False)
    published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    assert states(desk) == [("current", "auto"), ("candidate", "")]
    with pytest.raises(WrongState):
        promote(desk, engine, rows(desk)[0].id)


def test_too_few_right_are_refused_once_there_are_enough_cases(desk: Desk, engine: EmbeddedEngine, lost: int) -> None:
    rule(desk, rules.GATE_CASES.name, 2)
    for text in ("公积金怎么提取", "社保卡在哪激活"):
        lesson(desk, text, "confirmed", lost)
    published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    assert "低于下限 70%" in rows(desk)[1].faults[0]


def test_a_lost_file_never_silences_the_bot(desk: Desk, engine: EmbeddedEngine, tmp_path: Path) -> None:
    assert engine.kept is not None
    engine.kept.path(rows(desk)[0].artefact).unlink()
    fresh = engine_of(desk, tmp_path)
    assert fresh.understand("我的身份证掉了", "s").kind == "answer"
    with desk.works.write() as work:
        row = work.session.scalars(select(BotModel)).one()
        row.state = "candidate"
    with pytest.raises(WrongState):
        promote(desk, engine, rows(desk)[0].id)
    fresh.close()


def test_old_files_are_let_go(desk: Desk, engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "KEPT", 1)
    monkeypatch.setattr(versions.listed, "__defaults__", (ModelEngine.EMBEDDED, 1))
    published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    assert [bool(row.artefact) for row in rows(desk)] == [False, True]
    assert engine.kept is not None
    assert engine.kept.all() == [rows(desk)[1].artefact]


def test_twenty_promotions_under_questions_lose_none(desk: Desk, engine: EmbeddedEngine, tmp_path: Path) -> None:
    other = engine_of(desk, tmp_path)
    published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))
    engine.prepare()
    first, second = (row.id for row in rows(desk))
    answered: list[tuple[str, int]] = []
    over = threading.Event()

    def ask(one: EmbeddedEngine) -> None:
        while not over.is_set():
            decision = one.understand("我的身份证掉了", "s")
            answered.append((decision.kind, decision.model))

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask, one) for one in (engine, other)]
        for turn in range(20):
            promote(desk, engine, (first, second)[turn % 2])
        over.set()
        for one in asking:
            one.result(10)
    other.close()
    assert {kind for kind, _model in answered} == {"answer"}
    assert {model for _kind, model in answered} == {first, second}
