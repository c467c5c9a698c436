"""A trial of the bot on questions from elsewhere decides as the product does, and says what each was taken for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bot.project import Question
from bot.trial import Asked, BadLine, Trial, figures, read_asked, read_questions

DOGS = ("养犬证怎么办", "养狗要办什么证", "给狗上户口在哪办", "狗证怎么申请", "新养了一条狗要登记吗", "犬只登记去哪里")
HEAT = ("什么时候供暖", "暖气哪天开始烧", "今年供热时间", "几号来暖气", "供暖到什么时候结束", "停暖是哪天")


@pytest.fixture(scope="module")
def trial() -> Trial:
    return Trial([Question("宠物/养犬", DOGS), Question("heat", HEAT)])


def test_keys_of_any_letters_come_back_with_falling_confidence(trial: Trial) -> None:
    tried = trial.ask(Asked("宠物/养犬", "我家狗要去哪儿办证"))
    assert tried.ranked[0].key == "宠物/养犬"
    confidences = [guess.confidence for guess in tried.ranked]
    assert confidences == sorted(confidences, reverse=True)
    assert set(tried.as_json()) == {"question", "expected", "ranked", "decision"}


def test_people_ask_in_the_answers_words_too() -> None:
    dogs = Question("dogs", DOGS[:2], "携带犬只免疫证明到派出所登记，领取犬牌。")
    asked = Asked("dogs", "狗狗打过免疫怎么领牌")
    without, taught = (Trial([one, Question("heat", HEAT)]).ask(asked) for one in (replace(dogs, answer=""), dogs))
    assert (taught.ranked[0].key, without.ranked[0].key) == ("dogs", "dogs")
    assert taught.ranked[0].confidence > without.ranked[0].confidence + 0.1


def test_the_question_itself_is_answered(trial: Trial) -> None:
    tried = trial.ask(Asked("heat", "什么时候供暖？"))
    assert (tried.decision, tried.ranked[0].key, tried.ranked[0].confidence) == ("answer", "heat", 1.0)


@pytest.mark.parametrize("text", ["谢谢", "转人工", "西红柿炒鸡蛋怎么做", "？？"])
def test_what_is_no_question_of_these_is_not_answered(trial: Trial, text: str) -> None:
    assert trial.ask(Asked("", text)).decision != "answer"


def test_what_it_comes_to(trial: Trial) -> None:
    asked = [Asked("heat", "什么时候供暖"), Asked("宠物/养犬", "什么时候供暖"), Asked("", "西红柿炒鸡蛋怎么做")]
    found = figures(trial.ask(one) for one in asked)
    assert (found.inside, found.outside) == (2, 1)
    assert (found.top1, found.answered_right, found.answered_wrong, found.refused_outside) == (0.5, 0.5, 0.5, 1.0)
    assert figures([]).top1 == 0.0


def test_questions_are_read_and_a_bad_line_is_named() -> None:
    good = json.dumps({"key": "a", "question": "问", "wordings": ["怎么问", " "], "answer": "答"}, ensure_ascii=False)
    assert read_questions(f"{good}\n\n", "F.jsonl") == [Question("a", ("问", "怎么问"), "答")]
    for bad in ("{", "[]", '{"key": "b"}', '{"key": "b", "question": "问", "wordings": 3}', good,
                '{"key": "b", "question": "问", "answer": 3}'):  # fmt: skip
        with pytest.raises(BadLine, match=r"F\.jsonl, line 2"):
            read_questions(f"{good}\n{bad}\n", "F.jsonl")


def test_files_of_any_machine_are_read_as_they_are_meant() -> None:
    row = {"key": 7, "question": "问\u2028一", "wordings": "怎么问\x85"}
    other = {"key": " b ", "question": "", "wordings": ["问二"], "more": 1}
    for end in ("\n", "\r\n", "\r"):
        text = end.join((json.dumps(row, ensure_ascii=False), "  ", json.dumps(other, ensure_ascii=False)))
        assert read_questions(text, "F") == [Question("7", ("问\u2028一", "怎么问\x85")), Question("b", ("问二",))]
        asked = read_asked(end.join(("7\t问\u2028一\t甲 ", "", "\t问二", "")), "Q")
        assert asked == [Asked("7", "问\u2028一\t甲 "), Asked("", "问二")]
    for bad in ('{"key": null, "question": "问"}', '{"key": "a", "question": null}', "[" * 9999,
                '{"key": "a", "question": " "}', '{"key": true, "question": "问"}'):  # fmt: skip
        with pytest.raises(BadLine, match="F, line 1"):
            read_questions(bad, "F")


def test_asked_are_read_and_a_bad_line_is_named() -> None:
    assert read_asked("a\t问一\n\t问二\n\n", "Q.tsv") == [Asked("a", "问一"), Asked("", "问二")]
    for bad in ("没有制表符", "a\t "):
        with pytest.raises(BadLine, match=r"Q\.tsv, line 1"):
            read_asked(bad, "Q.tsv")
