"""Rasa's models pass the same gate: examined on a standby, swapped between two works, taken back, none lost on the way.

Rasa's Python is one that stands in; tests/journeys/test_rasa.py holds the same against the real one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bot import knowledge, rules, standby, tied, training, versions
from bot.errors import NotSwapped, TrainingFailed
from bot.events import ModelRefused
from bot.models import BotModel
from bot.rasa_engine import RasaEngine
from bot.rasa_models import LEASE, Outcome, RasaModels
from bot.rasa_server import RasaServer
from bot.states import ModelEngine
from bot.training import RasaHome
from kernel.audit import AuditLine
from kernel.blobs import Blobs
from kernel.errors import Invalid, WrongState
from kernel.people import Person
from kernel.work import Actor, Works
from tests.bot.citizens import published
from tests.bot.conftest import Desk
from tests.bot.rasa_stand_in import python_in
from tests.bot.test_engine import LOST, STAY
from tests.bot.test_versions import engine_of, lesson, rule

OPERATOR = Actor("command line")
CLASH = ["我的身份证掉了呀", "我身份证掉了", "我的身份证掉"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RasaHome:
    """Where a Python that stands in learns as fast as the rest: nobody waits for an answer here."""
    monkeypatch.setattr(tied, "command", list)
    return RasaHome(python_in(tmp_path), tmp_path / "rasa")


@pytest.fixture
def models(desk: Desk, home: RasaHome, tmp_path: Path) -> RasaModels:
    """Of an office with one published question, and no server yet."""
    published(desk.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
    return RasaModels(desk.works, home, Blobs(tmp_path / "files"))


@pytest.fixture
def served(models: RasaModels) -> Iterator[RasaModels]:
    """The first model of it in service on a server."""
    learn(models)
    file, _row = models.to_serve()
    assert file is not None
    with standby.standby(models.home, file) as server:
        yield replace(models, server=server)


def learn(models: RasaModels, reason: str = "") -> Outcome:
    return models.settle(models.learn(lambda _line: None, OPERATOR).number, OPERATOR, reason)


def rows(models: RasaModels) -> list[BotModel]:
    with models.works.read() as work:
        query = select(BotModel).where(BotModel.engine == ModelEngine.RASA).order_by(BotModel.id)
        return list(work.session.scalars(query))


def states(models: RasaModels) -> list[tuple[str, str]]:
    return [(row.state, row.how) for row in rows(models)]


def serves(models: RasaModels) -> str:
    assert models.server is not None
    return models.server.serves()


def acts(models: RasaModels) -> list[str]:
    with models.works.read() as work:
        return list(
            work.session.scalars(select(AuditLine.act).where(AuditLine.act.like("model.%")).order_by(AuditLine.seq))
        )


def stay(desk: Desk) -> int:
    return published(desk.office, "faq", "居住证怎么办理", "到社区。", wordings=list(STAY))


def clash(desk: Desk, models: RasaModels) -> None:
    """What citizens asked and were rightly answered, and a new question that takes the answer away."""
    with desk.works.read() as work:
        piece = versions.current(work.session, ModelEngine.RASA)
        assert piece is not None
        lost = piece.taught[0][0]
    lesson(desk, "我的身份证掉了", "confirmed", lost)
    published(desk.office, "faq", "证件掉了找谁", "找客服。", wordings=CLASH)


def test_the_first_model_is_what_a_server_starts_with(desk: Desk, models: RasaModels) -> None:
    outcome = learn(models)
    (row,) = rows(models)
    assert (row.state, row.how, row.decided_by) == ("current", "auto", None)
    assert (outcome.number, outcome.state, outcome.faults) == (row.id, "current", [])
    assert models.to_serve()[0] == models.home.path(row.artefact)
    assert len(row.taught) == 1
    assert acts(models) == ["model.tested", "model.promoted"]


def test_what_passes_is_swapped_on_the_server_in_service(desk: Desk, served: RasaModels) -> None:
    piece = stay(desk)
    lesson(desk, "外地人办居住证", "confirmed", piece)
    learn(served)
    first, second = rows(served)
    assert states(served) == [("previous", "auto"), ("current", "auto")]
    assert serves(served) == second.artefact != first.artefact
    assert (second.figures["inside"] + second.figures["learned"], second.before["right"]) == (1, 0)
    assert served.server is not None
    engine = RasaEngine(served.works, served.server.http, served.server.url, served.server.token, timeout=30)
    decision = engine.understand("外地人想办居住证", "s")
    assert (decision.keys, decision.model, decision.file) == ((f"faq/{piece}",), second.id, second.artefact)


def test_what_loses_an_answer_is_kept_out_until_somebody_says_why(desk: Desk, served: RasaModels) -> None:
    clash(desk, served)
    before = serves(served)
    outcome = learn(served)
    assert (outcome.state, outcome.faults) == ("refused", ["原来答对的检验题有 1 道不再答对：“我的身份证掉了”。"])
    assert (outcome.figures["right"], outcome.before["right"]) == (0, 1)
    assert serves(served) == before
    assert len(desk.of(ModelRefused)) == 1
    files = sorted(served.home.models.iterdir())
    assert served.to_serve()[0] == served.home.path(before)
    with pytest.raises(Invalid):
        served.promote(outcome.number, OPERATOR)
    assert learn(served, "新口径").state == "current"
    assert sorted(served.home.models.iterdir()) == files, "what was learned before is not trained again"
    assert states(served) == [("previous", "auto"), ("current", "forced")]
    assert serves(served) == rows(served)[1].artefact


def test_going_back_holds_until_somebody_promotes(desk: Desk, served: RasaModels) -> None:
    stay(desk)
    learn(served)
    first, second = rows(served)
    with pytest.raises(Invalid):
        served.roll_back(OPERATOR, " ")
    assert served.roll_back(OPERATOR, "答得不好") == first.id
    assert serves(served) == first.artefact
    assert states(served) == [("current", "rollback"), ("refused", "auto")]
    assert rows(served)[1].reason == "答得不好"
    published(desk.office, "faq", "老年证怎么办", "到社区。", wordings=["办老年证"])
    assert learn(served).state == "candidate"
    assert serves(served) == first.artefact
    served.promote(rows(served)[2].id, desk.office.actor("manager"))
    assert states(served)[2] == ("current", "manual")
    assert rows(served)[2].decided_by == desk.office.person("manager").id
    assert "model.rolled_back" in acts(served)
    assert second.artefact


def test_what_a_rule_leaves_to_people_waits(desk: Desk, served: RasaModels) -> None:
    rule(desk, rules.AUTO_PROMOTE.name, False)
    stay(desk)
    assert learn(served).state == "candidate"
    assert serves(served) == rows(served)[0].artefact


def test_a_kept_model_is_examined_anew_and_nothing_else_changes(desk: Desk, served: RasaModels) -> None:
    piece = stay(desk)
    rule(desk, rules.AUTO_PROMOTE.name, False)
    learn(served)
    first, second = rows(served)
    serving, states_before = serves(served), states(served)
    lesson(desk, "外地人办居住证", "confirmed", piece)
    found = served.examine(second.id, lambda _line: None, OPERATOR)
    assert (found.figures["right"], found.before["right"], found.faults) == (1, 0, [])
    itself = served.examine(first.id, lambda _line: None, OPERATOR)
    assert (itself.figures["right"], itself.before, itself.faults) == (0, {}, [])
    assert acts(served)[-2:] == ["model.tested", "model.tested"]
    assert (serves(served), states(served)) == (serving, states_before)
    with pytest.raises(Invalid):
        served.examine(99, lambda _line: None, OPERATOR)
    served.home.path(second.artefact).unlink()
    with pytest.raises(WrongState, match="检验"):
        served.examine(second.id, lambda _line: None, OPERATOR)


def test_a_waiting_model_that_loses_an_answer_is_kept_out(desk: Desk, served: RasaModels) -> None:
    rule(desk, rules.AUTO_PROMOTE.name, False)
    published(desk.office, "faq", "证件掉了找谁", "找客服。", wordings=CLASH)
    assert learn(served).state == "candidate"
    lesson(desk, "我的身份证掉了", "confirmed", rows(served)[0].taught[0][0])
    found = served.examine(rows(served)[1].id, lambda _line: None, OPERATOR)
    assert (found.state, found.faults) == ("refused", ["原来答对的检验题有 1 道不再答对：“我的身份证掉了”。"])


def test_a_server_that_was_started_with_another_model_gets_its_own_back(desk: Desk, served: RasaModels) -> None:
    stay(desk)
    learn(served)
    first, second = rows(served)
    assert served.server is not None
    served.server.swap(served.home.path(first.artefact))
    assert learn(served).number == second.id
    assert serves(served) == second.artefact
    assert len(rows(served)) == 2
    assert acts(served)[-1] == "model.restored"


def test_the_first_one_is_compared_with_what_answers_now(desk: Desk, models: RasaModels, tmp_path: Path) -> None:
    embedded = engine_of(desk, tmp_path)
    with desk.works.read() as work:
        lost = knowledge.project_of(work.session, work.now).questions[0].key
    lesson(desk, "我的身份证掉了", "confirmed", int(lost))
    embedded.prepare()
    embedded.close()
    published(desk.office, "faq", "证件掉了找谁", "找客服。", wordings=CLASH)
    outcome = learn(models)
    assert (outcome.state, outcome.before["right"]) == ("refused", 1)
    with desk.works.read() as work:
        serving = versions.current(work.session)
        assert serving is not None
        assert serving.state == "current"
    with pytest.raises(Invalid):
        models.promote(serving.id, OPERATOR, "x")


def test_what_cannot_be_compared_is_kept_out(desk: Desk, models: RasaModels) -> None:
    first = learn(models)
    models.home.path(rows(models)[0].artefact).unlink()
    stay(desk)
    outcome = learn(models)
    assert outcome.state == "refused"
    assert outcome.faults == [f"使用中的模型 {first.number} 的文件已不在，无法与它相比。"]
    assert models.to_serve()[0] is None, "what was kept out serves nobody"


def test_a_lost_file_is_learned_again_under_its_number(desk: Desk, served: RasaModels) -> None:
    lost = served.home.path(rows(served)[0].artefact)
    lost.unlink()
    desk.clock.step(minutes=1)
    assert learn(served).number == rows(served)[0].id
    assert len(rows(served)) == 1
    assert serves(served) == rows(served)[0].artefact != lost.name


def test_training_that_fails_leaves_everything_as_it_was(desk: Desk, served: RasaModels) -> None:
    before = serves(served)
    published(desk.office, "faq", "训练失败怎么办", "再来。", wordings=["失败了"])
    with pytest.raises(TrainingFailed, match="nothing was trained"):
        learn(served)
    assert serves(served) == before
    assert len(rows(served)) == 1


def test_a_standby_that_does_not_answer_leaves_no_model(
    desk: Desk, models: RasaModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(home: RasaHome, fingerprint: str, now: object) -> Path:
        home.models.mkdir(parents=True, exist_ok=True)
        model = home.path("faq-spoiled.tar.gz")
        model.write_bytes(b"no model")
        return model

    monkeypatch.setattr(training, "train", spoiled)
    with pytest.raises(TrainingFailed, match=r"did not begin to answer.*UnreadableModel"):
        learn(models)
    assert list(models.home.models.iterdir()) == []
    assert rows(models) == []


def test_one_training_at_a_time(models: RasaModels) -> None:
    with models._alone(), pytest.raises(TrainingFailed, match="under way"):
        learn(models)


def test_files_too_old_to_go_back_to_are_let_go(
    desk: Desk, models: RasaModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions.listed, "__defaults__", (ModelEngine.EMBEDDED, 1))
    learn(models)
    stay(desk)
    learn(models)
    assert [bool(row.artefact) for row in rows(models)] == [False, True]
    assert [path.name for path in models.home.models.iterdir()] == [rows(models)[1].artefact]


# --- the swap itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def two(desk: Desk, models: RasaModels) -> RasaModels:
    """One model in service and one that waits, whose files are empty."""
    return with_two(models)


def with_two(models: RasaModels) -> RasaModels:
    models.home.models.mkdir(parents=True)
    with models.works.write() as work:
        for number, state in enumerate(("current", "candidate")):
            name = f"faq-{number}.tar.gz"
            models.home.path(name).touch()
            row = BotModel(engine="rasa", fingerprint=str(number), artefact=name, examples=1, made_at=work.now)
            row.state, row.how, row.decided_at = state, "auto" if state == "current" else "", work.now
            work.session.add(row)
    return models


def at(models: RasaModels, put: Callable[[str], httpx.Response], status: str = "faq-0.tar.gz") -> RasaModels:
    """The same in front of a server that answers like this."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT":
            return put(json.loads(request.content)["model_file"])
        return httpx.Response(200, json={"model_file": f"/models/{status}"})

    client = httpx.Client(transport=httpx.MockTransport(handle))
    return replace(models, server=RasaServer(client, "http://rasa", "secret"))


def test_no_work_is_open_while_rasa_loads(two: RasaModels) -> None:
    seen: list[tuple[str, list[tuple[str, str]]]] = []

    def put(file: str) -> httpx.Response:
        with two.works.write():  # On SQLite nobody else could write while a work is open.
            seen.append((Path(file).name, states(two)))
        return httpx.Response(204)

    at(two, put).promote(rows(two)[1].id, OPERATOR)
    assert seen == [("faq-1.tar.gz", [("current", "auto"), ("candidate", "")])]
    assert states(two) == [("previous", "auto"), ("current", "manual")]
    assert {row.claimed_by for row in rows(two)} == {None}


@pytest.mark.parametrize("act", ["promote", "roll_back"])
def test_a_swap_that_fails_leaves_the_row_as_it_was_and_says_why(two: RasaModels, act: str) -> None:
    with two.works.write() as work:
        work.session.get_one(BotModel, rows(two)[1].id).state = "candidate" if act == "promote" else "previous"
    before = states(two)
    refusing = at(two, lambda _file: httpx.Response(400, text="Agent could not be loaded"))
    acting = partial(refusing.promote, rows(two)[1].id) if act == "promote" else refusing.roll_back
    with pytest.raises(NotSwapped, match="400 Agent could not be loaded"):
        acting(OPERATOR, "理由")
    assert states(two) == before
    assert [(row.reason, row.claimed_by) for row in rows(two)] == [("", None)] * 2
    assert acts(two) == ["model.not_swapped"]


@pytest.mark.parametrize(("status", "swapped"), [("faq-1.tar.gz", True), ("faq-0.tar.gz", False)])
def test_a_lost_answer_is_settled_by_asking(two: RasaModels, status: str, swapped: bool) -> None:
    def lost(_file: str) -> httpx.Response:
        raise httpx.ReadTimeout("late")

    asked = at(two, lost, status)
    if swapped:
        asked.promote(rows(two)[1].id, OPERATOR)
    else:
        with pytest.raises(NotSwapped, match="ReadTimeout"):
            asked.promote(rows(two)[1].id, OPERATOR)
    assert (states(two)[1][0] == "current") is swapped


def test_one_swap_at_a_time(desk: Desk, two: RasaModels) -> None:
    first, second = (row.id for row in rows(two))
    inner: list[str] = []

    def put(_file: str) -> httpx.Response:
        with pytest.raises(WrongState, match="正在换用另一个模型"):
            at(two, lambda _file: httpx.Response(204)).promote(first, OPERATOR)
        inner.append("refused")
        return httpx.Response(204)

    at(two, put).promote(second, OPERATOR)
    assert inner == ["refused"]
    # Who died in the middle holds nobody up for long.
    with two.works.write() as work:
        row = work.session.get_one(BotModel, first)
        row.claimed_by, row.claimed_until = "dead", work.now + LEASE
    desk.clock.step(minutes=4)
    at(two, lambda _file: httpx.Response(204)).roll_back(OPERATOR, "理由")
    assert states(two)[0] == ("current", "rollback")


def test_of_two_at_the_same_moment_one_swaps(works: Works, home: RasaHome, tmp_path: Path) -> None:
    models = with_two(RasaModels(works, home, Blobs(tmp_path / "files")))
    numbers = [row.id for row in rows(models)]
    begin, over = threading.Barrier(2), threading.Event()
    swapped: list[str] = []

    def put(file: str) -> httpx.Response:
        swapped.append(Path(file).name)
        assert over.wait(30), "the other one is told at once, not when Rasa has loaded"
        return httpx.Response(204)

    def act(number: int) -> str:
        begin.wait(30)
        try:
            at(models, put).promote(number, OPERATOR)
        except WrongState:
            over.set()
            return "told"
        return "swapped"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, numbers)) == ["swapped", "told"]
    with works.read() as work:
        serving = versions.current(work.session, ModelEngine.RASA)
        assert serving is not None
        assert swapped == [serving.artefact]


def answering(asked: threading.Event) -> Callable[[str], httpx.Response]:
    """A server that takes any model, and notes that it was asked to."""

    def put(_file: str) -> httpx.Response:
        asked.set()
        return httpx.Response(204)

    return put


def test_a_claim_not_yet_committed_is_waited_for(works: Works, home: RasaHome, tmp_path: Path) -> None:
    models, asked = with_two(RasaModels(works, home, Blobs(tmp_path / "files"))), threading.Event()
    first, second = rows(models)
    with ThreadPoolExecutor(1) as pool:
        with works.write() as work:
            models._claimed(work, work.session.get_one(BotModel, first.id), "another")
            work.session.flush()
            acting = pool.submit(at(models, answering(asked)).promote, second.id, OPERATOR)
            assert not asked.wait(0.5)
        with pytest.raises(WrongState):
            acting.result(30)
    assert not asked.is_set()


def test_who_waits_for_his_turn_stands_in_nobodys_way(works: Works, home: RasaHome, tmp_path: Path) -> None:
    models, asked = with_two(RasaModels(works, home, Blobs(tmp_path / "files"))), threading.Event()
    first, second = rows(models)
    with ThreadPoolExecutor(1) as pool:
        with works.write() as work:
            work.session.get_one(BotModel, first.id, with_for_update=True)
            acting = pool.submit(at(models, answering(asked)).promote, second.id, OPERATOR)
            assert not asked.wait(0.5)
            # Had the other one locked his model before he waits, each would now wait for the other.
            work.session.get_one(BotModel, second.id, with_for_update=True)
        acting.result(30)
    assert asked.is_set()


def test_who_lost_his_claim_notes_nothing(desk: Desk, two: RasaModels) -> None:
    def slow(_file: str) -> httpx.Response:
        with two.works.write() as work:
            work.session.get_one(BotModel, rows(two)[1].id).claimed_by = "another"
        return httpx.Response(204)

    with pytest.raises(WrongState):
        at(two, slow).promote(rows(two)[1].id, OPERATOR)
    assert states(two) == [("current", "auto"), ("candidate", "")]


class Died(BaseException):
    """The process is killed."""


def died_in_the_middle(two: RasaModels, act: str, reason: str = "") -> None:
    """Somebody's process swaps a model and is killed before it notes it."""

    def put(_file: str) -> httpx.Response:
        raise Died

    person = Actor("某人", 1)
    dying = at(two, put)
    with pytest.raises(Died):
        dying.roll_back(person, reason) if act == "back" else dying.promote(rows(two)[1].id, person, reason)


@pytest.mark.parametrize(
    ("act", "state", "faults", "after"),
    [
        ("promote", "candidate", [], [("previous", "auto"), ("current", "manual")]),
        ("promote", "refused", ["不行"], [("previous", "auto"), ("current", "forced")]),
        ("back", "previous", [], [("refused", "auto"), ("current", "rollback")]),
    ],
)
def test_a_swap_whose_process_died_is_noted_once_the_claim_has_run_out(
    desk: Desk, two: RasaModels, act: str, state: str, faults: list[str], after: list[tuple[str, str]]
) -> None:
    with two.works.write() as work:
        person = Person(unit_id=desk.office.bureau.id, name="某人", login="somebody")
        work.session.add(person)
        row = work.session.get_one(BotModel, rows(two)[1].id)
        row.state, row.faults = state, faults
    died_in_the_middle(two, act, "理由" if act == "back" or faults else "")
    took = at(two, lambda _file: httpx.Response(500), "faq-1.tar.gz")
    assert took.heal() == 0  # Its process may still be at it.
    desk.clock.step(minutes=4)
    assert took.heal() == 1
    assert states(two) == after
    assert {row.claimed_by for row in rows(two)} == {None}
    assert rows(two)[1].decided_by == 1
    assert acts(two)[-1] == ("model.rolled_back" if act == "back" else "model.promoted")
    assert took.heal() == 0


def test_a_swap_that_never_reached_the_server_is_let_go_of(desk: Desk, two: RasaModels) -> None:
    before = states(two)
    died_in_the_middle(two, "promote")
    desk.clock.step(minutes=4)

    def silent(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away")

    away = RasaServer(httpx.Client(transport=httpx.MockTransport(silent)), "http://rasa", "secret")
    assert replace(two, server=away).heal() == 0
    assert rows(two)[1].claimed_by is not None
    assert at(two, lambda _file: httpx.Response(500)).heal() == 1
    assert (states(two), acts(two)) == (before, ["model.not_swapped"])
    assert {row.claimed_by for row in rows(two)} == {None}


def test_without_a_server_what_serves_already_is_not_promoted(two: RasaModels) -> None:
    with pytest.raises(WrongState, match="使用中"):
        two.promote(rows(two)[0].id, OPERATOR)


def test_each_engine_has_its_own_in_service(two: RasaModels, desk: Desk, tmp_path: Path) -> None:
    embedded = engine_of(desk, tmp_path)
    embedded.prepare()
    embedded.close()
    with two.works.read() as work:
        serving = [versions.current(work.session, engine) for engine in ModelEngine]
        assert [one.engine for one in serving if one] == ["embedded", "rasa"]
    two.promote(rows(two)[1].id, OPERATOR)
    with two.works.read() as work:
        assert versions.current(work.session) is not None


@pytest.mark.parametrize("name", ["../faq.tar.gz", "faq.tar.gz/..", "faq.npz", ""])
def test_only_a_models_name_names_a_file(home: RasaHome, name: str) -> None:
    with pytest.raises(ValueError, match="not a model's name"):
        home.path(name)
