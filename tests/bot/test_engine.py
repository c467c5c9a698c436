"""The embedded engine: learns what is published, keeps what it learned, and never answers what it may not."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot.engine import EmbeddedEngine
from bot.knowledge import project_of, search
from bot.nlu.classifier import Classifier
from bot.nlu.ranking import Decision
from bot.queues import Full, Queues
from content.models import PublicPiece
from content.search import Searcher
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import Desk

LOST = (
    "身份证丢了怎么办",
    "身份证掉了",
    "身份证遗失补办",
    "身份证不见了",
    "补办身份证",
    "挂失身份证",
    "身份证被偷了",
    "丢身份证",
)
STAY = (
    "居住证怎么办",
    "办居住证要什么",
    "居住证在哪办",
    "外地人办居住证",
    "居住证申请",
    "申领居住证",
    "居住证材料",
    "居住证条件",
)


@pytest.fixture
def pieces(desk: Desk) -> dict[str, int]:
    """Two questions and a guide."""
    return {
        "lost": published(desk.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST)),
        "stay": published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY)),
        "guide": published(desk.office, "guide", "居民身份证补领", **GUIDE),
    }


@pytest.fixture
def engine(desk: Desk, tmp_path: Path) -> Any:
    made = EmbeddedEngine(desk.works, tmp_path / "bot", pause=0.0)
    yield made
    made.close()


def test_it_understands_what_is_published(engine: EmbeddedEngine, pieces: dict[str, int]) -> None:
    assert engine.understand("我的身份证掉了", "s") == Decision("answer", (f"faq/{pieces['lost']}",))
    assert engine.understand("居住证怎么办", "s") == Decision("answer", (f"faq/{pieces['stay']}",))
    assert engine.understand("居民身份证补领", "s") == Decision("answer", (f"faq/{pieces['guide']}",))
    assert engine.understand("你好", "s") == Decision("answer", ("greet",))
    assert engine.understand("今天晚上吃什么好呢", "s").kind == "refuse"


def test_it_works_before_anything_is_published(engine: EmbeddedEngine, desk: Desk) -> None:
    assert engine.understand("谢谢", "s") == Decision("answer", ("thanks",))
    assert engine.understand("公积金怎么提取", "s").kind != "answer"


def test_it_fits_once_for_the_same_wordings_and_keeps_what_it_learned(
    desk: Desk, pieces: dict[str, int], tmp_path: Path
) -> None:
    fitted: list[int] = []

    def fit(examples: Any) -> Classifier:
        fitted.append(len(examples))
        return Classifier.fit(examples)

    folder = tmp_path / "bot"
    for _ in range(2):
        engine = EmbeddedEngine(desk.works, folder, fit=fit)
        engine.prepare()
        engine.prepare()
        engine.close()
    assert len(fitted) == 1
    published(desk.office, "faq", "老年证怎么办", "到社区。", wordings=["办老年证"])
    engine = EmbeddedEngine(desk.works, folder, fit=fit)
    engine.prepare()
    engine.close()
    assert len(fitted) == 2
    assert len(list(folder.glob("*.npz"))) == 1


def test_a_damaged_model_is_learned_anew(desk: Desk, pieces: dict[str, int], tmp_path: Path) -> None:
    engine = EmbeddedEngine(desk.works, tmp_path)
    engine.prepare()
    next(tmp_path.glob("*.npz")).write_bytes(b"no model")
    again = EmbeddedEngine(desk.works, tmp_path)
    assert again.understand("我的身份证掉了", "s").kind == "answer"
    engine.close()
    again.close()


def test_what_goes_live_is_learned_in_the_background(engine: EmbeddedEngine, desk: Desk) -> None:
    engine.prepare()
    lost = published(desk.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
    engine.refresh()
    engine.refresh()
    for _ in range(200):
        if engine.understand("身份证不见了呢", "s") == Decision("answer", (f"faq/{lost}",)):
            return
        threading.Event().wait(0.05)
    raise AssertionError("it was not learned")


def test_fitting_that_fails_leaves_the_old_model(engine: EmbeddedEngine, desk: Desk, pieces: dict[str, int]) -> None:
    engine.prepare()

    def broken(_examples: Any) -> Classifier:
        raise ValueError("no memory")

    engine.fit = broken
    published(desk.office, "faq", "老年证怎么办", "到社区。", wordings=["办老年证"])
    engine._refit()
    assert engine.understand("我的身份证掉了", "s").kind == "answer"


def test_only_what_is_public_now_is_learned(desk: Desk, pieces: dict[str, int]) -> None:
    with desk.works.write() as work:
        work.session.get_one(PublicPiece, pieces["stay"]).until_at = work.now + timedelta(hours=1)
    desk.clock.step(hours=2)
    with desk.works.read() as work:
        keys = {question.key for question in project_of(work.session, work.now).questions}
    assert keys == {str(pieces["lost"]), str(pieces["guide"])}


def test_answers_of_questions_and_guides_are_learned(desk: Desk, pieces: dict[str, int]) -> None:
    with desk.works.read() as work:
        answers = {question.key: question.answer for question in project_of(work.session, work.now).questions}
    assert all(answers.values())
    assert "受理条件" in answers[str(pieces["guide"])]


def test_search_finds_the_passages_that_come_nearest(desk: Desk, pieces: dict[str, int]) -> None:
    documents = Searcher()
    with desk.works.read() as work:
        found = search(work.session, documents, "身份证补领去哪", work.now)
        nothing = search(work.session, documents, "明天天气", work.now)
        rows = work.session.scalars(select(PublicPiece)).all()
    assert found[0].source.title == "居民身份证补领"
    assert 0 < len(found[0].text) < 80
    assert list(nothing) == []
    assert len(rows) == 3


def test_a_question_found_by_its_wordings_shows_its_answer(desk: Desk) -> None:
    wordings = ["老人优待卡去哪儿领", "哪里能领老人优待卡"]
    published(desk.office, "faq", "老年证怎么办", "带身份证到社区居委会当场办理。", wordings=wordings)
    with desk.works.read() as work:
        (found,) = search(work.session, Searcher(), "老人优待卡去哪儿领", work.now)
    assert found.text == "带身份证到社区居委会当场办理。"


# --- queues -----------------------------------------------------------------------------------------


def test_calls_of_one_key_run_in_order_and_of_others_beside() -> None:
    queues, done, gate = Queues(workers=2), [], threading.Event()

    def first() -> None:
        gate.wait(5)
        done.append("1a")

    futures = [queues.submit(1, first), queues.submit(1, lambda: done.append("1b"))]
    queues.submit(2, lambda: done.append("2")).result(5)
    assert done == ["2"]
    gate.set()
    for future in futures:
        future.result(5)
    assert done == ["2", "1a", "1b"]
    queues.close()


def test_a_call_that_fails_stops_no_other() -> None:
    queues = Queues()

    def fails() -> None:
        raise ValueError("once")

    failed, after = queues.submit(1, fails), queues.submit(1, lambda: None)
    with pytest.raises(ValueError, match="once"):
        failed.result(5)
    assert after.result(5) is None
    queues.close()


def test_one_who_floods_the_queue_takes_nobody_elses_place() -> None:
    queues, gate = Queues(workers=2, longest=10, each=4), threading.Event()
    futures = [queues.submit(1, lambda: bool(gate.wait(5)) and None) for _ in range(4)]
    with pytest.raises(Full):
        queues.submit(1, lambda: None)
    queues.submit(2, lambda: None).result(5)
    gate.set()
    for future in futures:
        future.result(5)
    queues.close()


def test_a_full_queue_takes_no_more() -> None:
    queues, gate = Queues(workers=1, longest=2), threading.Event()
    futures = [queues.submit(1, lambda: bool(gate.wait(5)) and None) for _ in range(2)]
    with pytest.raises(Full):
        queues.submit(2, lambda: None)
    gate.set()
    for future in futures:
        future.result(5)
    queues.submit(3, lambda: None).result(5)
    queues.close()
