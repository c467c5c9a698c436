"""The office's questions become a Rasa project and are read back unchanged."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.nlu.classifier import Classifier, Example
from bot.nlu.ranking import OUT_OF_SCOPE, THRESHOLDS
from bot.nlu.text import MAX_CHARS
from bot.project import (
    CONFIG,
    BadKey,
    Project,
    Question,
    Turn,
    examples_of,
    read_examples,
    thin_questions,
    write_project,
)
from hub.demo.corpus import load_faqs, load_smalltalk

SMALL = Project(
    questions=(Question("idcard_lost", ("身份证丢了怎么办", "身份证 不见了")), Question("12", ("护照怎么办",))),
    turns=(Turn("greet", ("你好",), "您好"), Turn("human_handoff", ("转人工",), "请稍候")),
    unanswered=("养猪怎么补贴",),
)


def demo_project() -> Project:
    return Project(
        questions=tuple(Question(faq.key, faq.wordings, faq.answer) for faq in load_faqs()),
        turns=tuple(Turn(talk.key, talk.wordings, talk.answer) for talk in load_smalltalk()),
    )


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_files_of_a_project(tmp_path: Path) -> None:
    written = write_project(SMALL, tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "config.yml",
        "domain.yml",
        "data/nlu.yml",
        "data/rules.yml",
    ]
    assert all(path.read_bytes().startswith(b"version") for path in written[1:])
    before = [path.read_bytes() for path in written]
    assert [path.read_bytes() for path in write_project(SMALL, tmp_path)] == before


def test_the_domain_answers_by_key_and_leaves_the_words_to_the_cms(tmp_path: Path) -> None:
    write_project(SMALL, tmp_path)
    domain = _yaml(tmp_path / "domain.yml")
    assert domain["intents"] == ["faq", "greet", "human_handoff", OUT_OF_SCOPE]
    assert domain["responses"]["utter_faq/idcard_lost"] == [{"text": "faq/idcard_lost"}]
    assert domain["responses"]["utter_faq/12"] == [{"text": "faq/12"}]
    assert domain["responses"]["utter_greet"] == [{"text": "您好"}]
    assert "utter_human_handoff" not in domain["responses"]
    assert domain["actions"] == ["action_handoff"]


def test_each_intent_has_one_rule_and_faq_only_one(tmp_path: Path) -> None:
    write_project(SMALL, tmp_path)
    rules = _yaml(tmp_path / "data" / "rules.yml")["rules"]
    steps = {rule["steps"][0]["intent"]: rule["steps"][1]["action"] for rule in rules}
    assert len(rules) == len(steps)
    assert steps == {
        "faq": "utter_faq",
        "greet": "utter_greet",
        "human_handoff": "action_handoff",
        OUT_OF_SCOPE: "utter_default",
        "nlu_fallback": "utter_default",
    }


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    for project in (SMALL, demo_project()):
        write_project(project, tmp_path)
        assert read_examples(tmp_path / "data" / "nlu.yml") == examples_of(project)


def test_labels_keep_questions_and_turns_apart() -> None:
    assert examples_of(SMALL) == [
        Example("身份证丢了怎么办", "faq/idcard_lost"),
        Example("身份证 不见了", "faq/idcard_lost"),
        Example("护照怎么办", "faq/12"),
        Example("你好", "greet"),
        Example("转人工", "human_handoff"),
        Example("养猪怎么补贴", OUT_OF_SCOPE),
    ]


def test_an_answer_is_learned_like_a_wording() -> None:
    lost = Question("lost", ("身份证丢了怎么办",), "请到户籍窗口补领。\n工本费 40 元。")
    labelled = Example("请到户籍窗口补领。 工本费 40 元。", "faq/lost")
    assert examples_of(Project((lost,), SMALL.turns, ("猫",)))[:2] == [
        Example("身份证丢了怎么办", "faq/lost"),
        labelled,
    ]
    long = replace(lost, answer="领" * 900)
    assert len(examples_of(Project((long,), ()))[1].text) == MAX_CHARS


@pytest.mark.parametrize("other", [Question("b", ("护照怎么办",), "请到窗口办。"), Question("b", ("请到窗口办。",))])
def test_an_answer_that_others_share_is_not_learned(other: Question) -> None:
    learned = examples_of(Project((Question("a", ("身份证怎么办",), "请到窗口办。"), other), (), ("猫",)))
    assert [one.text for one in learned if one.key == "faq/a"] == ["身份证怎么办"]


def test_without_unanswered_questions_remarks_stand_in() -> None:
    labels = [label for _, label in examples_of(Project(SMALL.questions, SMALL.turns))]
    assert labels.count(OUT_OF_SCOPE) > 50


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("[浦东](district)怎么走", "［浦东］(district)怎么走"),
        ("/restart", "restart"),
        ("- 带横线", "带横线"),
        ("两\n行\t字", "两 行 字"),
        ("坏\x00字\u2028符", "坏 字 符"),
        ("a{b}", "a｛b｝"),
        ("# 不是注释: 'x' \"y\"", "不是注释: 'x' \"y\""),
    ],
)
def test_markup_in_a_wording_is_neutralised(typed: str, written: str, tmp_path: Path) -> None:
    project = Project((Question("q", (typed, "另一种问法")),), ())
    write_project(project, tmp_path)
    assert read_examples(tmp_path / "data" / "nlu.yml")[0] == Example(written, "faq/q")


def test_keys_yaml_would_misread_stay_words(tmp_path: Path) -> None:
    turns = tuple(Turn(key, (f"问{key}", f"再问{key}"), "答") for key in ("no", "12", "null"))
    write_project(Project((), turns), tmp_path)
    assert {label for _, label in read_examples(tmp_path / "data" / "nlu.yml")} == {"no", "12", "null", OUT_OF_SCOPE}
    assert _yaml(tmp_path / "domain.yml")["intents"][:3] == ["no", "12", "null"]


def test_an_empty_or_repeated_wording_is_written_once_or_not() -> None:
    project = Project((Question("q", ("问", "问 ", "/", "")),), (), unanswered=("猫",))
    assert examples_of(project) == [Example("问", "faq/q"), Example("猫", OUT_OF_SCOPE)]


@pytest.mark.parametrize("key", ["a/b", "a+b", "", "问", "a b", "x\n"])
def test_a_key_rasa_would_misread_is_refused(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadKey) as caught:
        write_project(Project((Question(key, ("问",)),), ()), tmp_path)
    assert key in caught.value.message("zh")


@pytest.mark.parametrize(
    "project",
    [
        Project((Question("q", ("问",)), Question("q", ("再问",))), ()),
        Project((), (Turn("faq", ("问",), "答"),)),
        Project((), (Turn("nlu_fallback", ("问",), "答"),)),
        Project((), (Turn(OUT_OF_SCOPE, ("问",), "答"),)),
    ],
)
def test_a_key_taken_is_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(BadKey):
        write_project(project, tmp_path)


def test_a_question_and_a_turn_may_share_a_key(tmp_path: Path) -> None:
    write_project(Project((Question("greet", ("问好要办证吗",)),), (Turn("greet", ("你好",), "您好"),)), tmp_path)
    assert set(_yaml(tmp_path / "domain.yml")["responses"]) >= {"utter_faq/greet", "utter_greet"}


def test_thin_questions_are_told() -> None:
    many = tuple(f"问法{number}" for number in range(8))
    project = Project((Question("thin", (*many[:7], "问法1", "")), Question("full", many)), ())
    assert [question.key for question in thin_questions(project)] == ["thin"]
    assert thin_questions(demo_project()) == []


def test_rasa_falls_back_at_the_shared_thresholds() -> None:
    steps = {step["name"]: step for step in _yaml(CONFIG)["pipeline"]}
    fallback = steps["FallbackClassifier"]
    assert fallback["threshold"] == THRESHOLDS.hi
    assert fallback["ambiguity_threshold"] == THRESHOLDS.gap
    assert next(iter(steps)) == "govnlu.components.CharTfidfSvcClassifier"


def test_the_component_has_the_shape_rasa_wires() -> None:
    source = (CONFIG.parent / "govnlu" / "components.py").read_text(encoding="utf-8")
    assert re.search(r"def train\(self, training_data: TrainingData\)", source)
    assert not (CONFIG.parent / "__init__.py").exists()


def test_an_engine_fitted_on_the_files_answers_by_label(tmp_path: Path) -> None:
    write_project(demo_project(), tmp_path)
    classifier = Classifier.fit(read_examples(tmp_path / "data" / "nlu.yml"))
    assert classifier.predict("身份证掉了").guesses[0].key == "faq/idcard_lost"
    assert classifier.predict("人工").guesses[0].key == "human_handoff"
