"""A Rasa server behind the engine's protocol: honest answers are decided upon, everything else is "the bot is down"."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from bot.dialogue import place, rasa_form
from bot.dialogue.step import Asked, step
from bot.errors import BotDown
from bot.nlu.ranking import Guess, Ranking
from bot.nlu.text import MAX_CHARS, default_lexicon, normalise
from bot.nlu.wire import to_parse
from bot.rasa_engine import RasaEngine, harmless
from kernel.work import Works

SURE = Ranking((Guess("faq/7", 0.9), Guess("faq/8", 0.1)), foreign=False)


def _engine(works: Works, answer: Any) -> tuple[RasaEngine, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    client = httpx.Client(transport=httpx.MockTransport(handle))
    return RasaEngine(works, client, "http://127.0.0.1:5005/", "secret"), asked


def test_a_ranking_is_decided_upon_here(sqlite_works: Works) -> None:
    engine, asked = _engine(sqlite_works, to_parse(SURE))
    decision = engine.understand("身份证丢了怎么办", "session-1")
    assert decision.keys[0] == "faq/7"
    assert asked[0].url.path == "/model/parse"
    assert asked[0].url.params["token"] == "secret"


def test_a_model_without_the_form_of_districts_costs_nobody_his_address(sqlite_works: Works) -> None:
    engine, asked = _engine(sqlite_works, httpx.Response(200, json=[]))
    wanted = Asked(place.FORM, place.of(7), "去哪办", districts=("海州区", "青山县"))
    assert engine.turn(wanted, "s") == step(wanted)
    assert asked
    with pytest.raises(BotDown):
        engine.turn(Asked("report", {}, "我要投诉"), "s")


def test_a_title_word_for_word_is_as_sure_as_with_the_other_engine(sqlite_works: Works) -> None:
    engine, asked = _engine(sqlite_works, to_parse(SURE))
    engine._titles = {normalise("身份证丢了怎么补办", default_lexicon()): 7}
    decision = engine.understand("身份证丢了怎么补办", "s")
    assert (decision.keys, decision.confidence) == (("faq/7",), 1.0)
    assert asked == []


def test_an_answer_is_traced_to_the_file_that_rasa_serves_now(
    sqlite_works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = ["/models/faq-1.tar.gz"]

    def handle(request: httpx.Request) -> httpx.Response:
        told = {"model_file": served[0]} if request.url.path == "/status" else to_parse(SURE)
        return httpx.Response(200, json=told)

    engine = RasaEngine(sqlite_works, httpx.Client(transport=httpx.MockTransport(handle)), "http://r", "secret")
    assert engine.understand("身份证丢了怎么办", "s").basis == {"model": 0, "confidence": 0.9, "file": "faq-1.tar.gz"}
    served[0] = "/models/faq-0.tar.gz"
    assert engine.understand("身份证丢了怎么办", "s").file == "faq-1.tar.gz"
    monkeypatch.setattr("bot.rasa_engine.time.monotonic", lambda: 1e12)
    assert engine.understand("身份证丢了怎么办", "s").file == "faq-0.tar.gz"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={}),
        httpx.Response(500, text="error"),
        httpx.Response(200, text="not json"),
        httpx.Response(200, json=[]),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
    ],
)
def test_anything_but_an_honest_answer_is_the_bot_being_down(sqlite_works: Works, answer: Any) -> None:
    engine, _asked = _engine(sqlite_works, answer)
    with pytest.raises(BotDown):
        engine.understand("身份证丢了怎么办", "session-1")


@pytest.mark.parametrize("text", ["/restart", "//human_handoff", "／restart", '  /greet{"a":'])
def test_no_citizen_gives_rasa_a_command(sqlite_works: Works, text: str) -> None:
    engine, asked = _engine(sqlite_works, to_parse(SURE))
    engine.understand(text, "session-1")
    assert not json.loads(asked[0].content)["text"].startswith(("/", "／"))


def test_long_text_is_cut_and_nothing_but_slashes_becomes_a_question_mark() -> None:
    assert len(harmless("问" * 100_000)) == MAX_CHARS
    assert harmless("///") == "？"
    assert harmless("/ /restart") == "restart"


def _rasa(told: list[httpx.Request]) -> httpx.MockTransport:
    """Rasa's form, as far as the engine sees of it: our action answers for it."""

    def handle(request: httpx.Request) -> httpx.Response:
        told.append(request)
        if request.method == "PUT":
            return httpx.Response(200, json={})
        said = json.loads(request.content)
        tracker = {"latest_message": {"metadata": said["metadata"]}, "slots": {}}
        events = rasa_form.answer({"next_action": "validate_report_form", "tracker": tracker})["events"]
        slots = {event["name"]: event["value"] for event in events}
        told_by = rasa_form.answer({"next_action": "action_ask_report_what", "tracker": {**tracker, "slots": slots}})
        return httpx.Response(200, json=told_by["responses"])

    return httpx.MockTransport(handle)


def test_a_turn_is_rasas_own_put_where_the_hub_stands_under_a_name_used_once(sqlite_works: Works) -> None:
    told: list[httpx.Request] = []
    engine = RasaEngine(sqlite_works, httpx.Client(transport=_rasa(told)), "http://127.0.0.1:5005", "secret")
    begun = engine.turn(Asked("report", {}, "我要投诉"), "s")
    assert begun.kept == step(Asked("report", {}, "我要投诉")).kept
    engine.turn(Asked("report", begun.kept, "/restart"), "s")
    placed, said = (one for one in told[3:] if json.loads(one.content))
    assert {"event": "active_loop", "name": "report_form"} in json.loads(placed.content)
    message = json.loads(said.content)
    assert json.loads(told[1].content)["message"] == "/report"
    assert message["message"] == "restart"
    assert len({json.loads(one.content)["sender"] for one in told[1::3]}) == 2


def test_nothing_of_a_turn_stays_in_rasas_tracker(sqlite_works: Works) -> None:
    told: list[httpx.Request] = []
    inner = _rasa(told)
    down = [True]

    def handle(request: httpx.Request) -> httpx.Response:
        emptied = request.method == "PUT" and json.loads(request.content) == []
        return httpx.Response(503) if emptied and down.pop() else inner.handle_request(request)

    engine = RasaEngine(sqlite_works, httpx.Client(transport=httpx.MockTransport(handle)), "http://r", "secret")
    begun = engine.turn(Asked("report", {}, "我要投诉"), "s")
    down.extend([False] * 5)
    engine.turn(Asked("report", begun.kept, "13812345678"), "s")
    used = [json.loads(one.content)["sender"] for one in told if one.method == "POST"]
    emptied = [one.url.path.split("/")[2] for one in told if one.method == "PUT" and json.loads(one.content) == []]
    assert emptied == used
    assert len(used) == 2


@pytest.mark.parametrize("answer", [httpx.Response(200, json=[]), httpx.Response(500), httpx.ReadTimeout("slow")])
def test_no_turn_from_rasa_is_the_bot_being_down(sqlite_works: Works, answer: Any) -> None:
    engine, _asked = _engine(sqlite_works, answer)
    with pytest.raises(BotDown):
        engine.turn(Asked("report", {}, "我要投诉"), "s")
