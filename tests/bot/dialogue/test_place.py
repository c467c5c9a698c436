"""A district before an address: asked only where a guide names several, by number or name, and soon left."""

from __future__ import annotations

from typing import Any

import pytest

from bot.dialogue import place, rasa_form
from bot.dialogue.step import Asked, plain_of, step
from bot.nlu.ranking import Decision
from bot.waiting import Watch
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import ZONE, Desk

DISTRICTS = ("海州区", "青山县", "云州新区")
PLACES = [
    {
        "district": "海州区",
        "name": "海州区政务中心",
        "address": "幸福路12号",
        "hours": "工作日",
        "phone": "0999-1000001",
    },
    {"district": "青山县", "address": "青山路3号"},
    {"district": "青山县", "name": "第二窗口", "address": "矿山路9号"},
]


def turn(text: str, kept: dict[str, Any] | None = None) -> Any:
    return step(Asked(place.FORM, kept or place.of(7), text, districts=DISTRICTS))


def test_a_district_that_was_named_is_not_asked_for() -> None:
    assert turn("海州区去哪办居住证").wanted == {"piece": "7", "district": "海州区"}
    asked = turn("居住证去哪办")
    assert (asked.part, list(asked.choices)) == ("district", [*DISTRICTS, place.ALL])


@pytest.mark.parametrize(
    ("text", "district"),
    [
        ("2", "青山县"),
        ("青山", "青山县"),
        ("雲州新區", "云州新区"),
        ("我在海州区住", "海州区"),
        ("4", ""),
        ("全部列出", ""),
    ],
)
def test_it_is_chosen_by_number_or_name(text: str, district: str) -> None:
    assert turn(text, turn("去哪办").kept).wanted == {"piece": "7", "district": district}


def test_what_is_no_district_is_asked_once_more_and_then_left() -> None:
    asked = turn("去哪办").kept
    again = turn("火星", asked)
    assert (again.part, again.values) == ("district", {"miss": True})
    assert turn("木星", again.kept).left
    for question in ("办居住证一共要多少钱啊", "要多少钱", "材料呢", "周六开门吗"):
        assert turn(question, asked).left
    assert turn("算了", asked).part == "dropped"
    assert step(Asked(place.FORM, asked, "", picture=True, districts=DISTRICTS)).left


def test_rasas_form_is_the_same_step_and_no_words_begin_it() -> None:
    asked = Asked(place.FORM, turn("去哪办").kept, "2", districts=DISTRICTS)
    events = rasa_form.place(asked)
    assert {"event": "slot", "name": "requested_slot", "value": "place_district"} in events
    first = rasa_form.place(Asked(place.FORM, place.of(7), "去哪办", districts=DISTRICTS))
    assert {"event": "active_loop", "name": "place_form"} in first
    call = {
        "next_action": "validate_place_form",
        "tracker": {"latest_message": {"metadata": {"dialogue": plain_of(asked)}}, "slots": {}},
    }
    told = {event["name"]: event["value"] for event in rasa_form.answer(call)["events"]}
    assert told["dialogue_turned"]["wanted"] == {"piece": "7", "district": "青山县"}
    assert [one["rule"] for one in rasa_form.rules([place.FORM])] == ["place ends"]


# --- as a citizen meets it ----------------------------------------------------------------------------


@pytest.fixture
def guided(desk: Desk) -> Desk:
    desk.engine.answers(published(desk.office, "guide", "居住证申领", **{**GUIDE, "places": PLACES}))
    return desk


def test_the_bot_asks_and_then_tells_the_place_of_that_district(guided: Desk) -> None:
    asked = guided.says("居住证去哪办")
    assert "1. 海州区\n2. 青山县\n3. 全部列出" in asked
    assert "幸福路" not in asked
    told = guided.says("2")
    assert "青山县：青山路3号\n青山县：第二窗口 矿山路9号" in told
    assert "幸福路" not in told
    assert "依据：《居住证申领》" in told
    assert guided.conversation().dialogue == {}


def test_a_question_with_its_district_is_answered_at_once(guided: Desk) -> None:
    assert "海州区：海州区政务中心 幸福路12号（工作日，0999-1000001）" in guided.says("海州区在哪里办居住证")


def test_another_question_ends_it(guided: Desk) -> None:
    guided.says("居住证去哪办")
    assert "收费：不收费" in guided.says("那居住证办理要不要多少钱")
    assert guided.conversation().dialogue == {}
    guided.engine.decision = Decision("refuse", ())
    assert "青山路" not in guided.says("2")


def test_a_guide_with_one_place_and_a_question_of_more_are_not_asked_about(desk: Desk) -> None:
    desk.engine.answers(published(desk.office, "guide", "居住证申领", **{**GUIDE, "places": PLACES[:1]}))
    assert "任一派出所" in desk.says("居住证去哪办")
    desk.engine.answers(published(desk.office, "guide", "身份证换领", **{**GUIDE, "places": PLACES}))
    whole = desk.says("换身份证去哪办，要带什么材料")
    assert "申请表" in whole
    assert "青山路3号" in whole


def test_a_guide_that_ended_meanwhile_is_told_of_no_more(guided: Desk) -> None:
    guided.says("居住证去哪办")
    guided.clock.step(minutes=1)
    with guided.works.write() as work:
        work.session.connection().exec_driver_sql("UPDATE public_piece SET until_at = '2026-01-01 00:00:00.000000'")
    assert "青山路" not in guided.says("2")


def test_whoever_does_not_answer_is_not_told_that_it_is_over(guided: Desk) -> None:
    guided.says("居住证去哪办")
    said = len(guided.replies())
    guided.clock.step(minutes=20)
    with guided.works.write() as work:
        Watch(guided.works, guided.answering.words, ZONE).end_dialogues(work)
    assert guided.conversation().dialogue == {}
    assert len(guided.replies()) == said
