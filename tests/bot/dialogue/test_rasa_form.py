"""Rasa's forms: what its project says of them, and that its actions answer with the embedded engine's own step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.dialogue import progress, rasa_form, report
from bot.dialogue.step import Asked, plain_of, step
from bot.project import REPORT, Project, Question, examples_of, write_project
from bot.turns import TURNS

WAITING = {"form": "report", "kind": "投诉", "slots": {"what": "路灯坏了"}, "asked": "district", "misses": 0}


def _call(action: str, asked: Asked, slots: dict[str, Any] | None = None) -> dict[str, Any]:
    tracker = {"latest_message": {"metadata": {"dialogue": plain_of(asked)}}, "slots": slots or {}}
    return json.loads(json.dumps({"next_action": action, "tracker": tracker}))  # type: ignore[no-any-return]  # As it comes over the wire.


@pytest.mark.parametrize("text", ["2", "火星", "算了", "改一下事情"])
def test_validating_a_slot_is_the_step_and_asks_for_what_it_asks(text: str) -> None:
    asked = Asked("report", WAITING, text, districts=("海州区", "青山县"))
    turned = step(asked)
    events = {
        event["name"]: event["value"] for event in rasa_form.answer(_call("validate_report_form", asked))["events"]
    }
    assert events["dialogue_turned"] == plain_of(turned)
    assert events["report_district"] == turned.kept.get("slots", {}).get("district")
    asked_for = turned.kept.get("asked")
    assert events["requested_slot"] == (f"report_{asked_for}" if asked_for else None)
    told = rasa_form.answer(_call("action_ask_report_place", asked, {"dialogue_turned": events["dialogue_turned"]}))
    assert plain_of(rasa_form.read(json.loads(json.dumps(told["responses"])))) == json.loads(
        json.dumps(plain_of(turned))
    )


def test_another_action_says_nothing() -> None:
    assert rasa_form.answer(_call("action_handoff", Asked("report", {}, ""))) == {"events": [], "responses": []}


def test_rasa_is_put_where_the_dialogue_stands() -> None:
    events = rasa_form.place(Asked("report", WAITING, "2"))
    assert {"event": "active_loop", "name": "report_form"} in events
    assert {"event": "slot", "name": "requested_slot", "value": "report_district"} in events
    assert events[-1] == {"event": "action", "name": "action_listen"}
    assert not any(event["event"] == "active_loop" for event in rasa_form.place(Asked("report", {}, "我要投诉")))


def test_every_slot_of_a_dialogue_is_one_of_the_form_and_asked_for(tmp_path: Any) -> None:
    write_project(Project((Question("1", ("身份证丢了",)),), TURNS), tmp_path)
    domain = (tmp_path / "domain.yml").read_text("utf-8")
    rules = (tmp_path / "data" / "rules.yml").read_text("utf-8")
    for form, slots in ((report.FORM, (*report.SLOTS, report.CONFIRM, report.EDIT)), (progress.FORM, progress.SLOTS)):
        assert f"validate_{form}_form" in domain
        assert f"active_loop: {form}_form" in rules
        for slot in slots:
            assert f"action_ask_{form}_{slot}" in domain
        assert f"utter_{form}" not in domain


def test_a_wording_that_begins_a_dialogue_is_no_questions_as_well() -> None:
    learned = examples_of(Project((Question("1", ("我要投诉", "投诉电话是多少")), Question("2", ("我要举报",))), TURNS))
    assert [one.key for one in learned if one.text == "我要投诉"] == [REPORT]
    assert [one.text for one in learned if one.key == "faq/1"] == ["投诉电话是多少"]
    assert [one.text for one in learned if one.key == "faq/2"] == ["我要举报"]  # Else it would have none.
