"""A report: one question at a time, nothing asked twice, corrected, broken off, and complete only when confirmed."""

from __future__ import annotations

import pytest

from bot.dialogue import report
from bot.dialogue.step import Asked, asked_of, plain_of, step, turned_of
from bot.dialogue.turned import Turned

DISTRICTS = ("海州区", "青山县", "云州新区")
ANSWERS = ("路灯坏了三天没人修", "2", "幸福路12号门口", "昨晚八点", "13812345678")


def _said(*texts: str, districts: tuple[str, ...] = DISTRICTS) -> Turned:
    turned = Turned({})
    for text in texts:
        # As it travels and is kept: plain values only.
        turned = turned_of(plain_of(step(asked_of(plain_of(Asked("report", turned.kept, text, districts=districts))))))
    return turned


def test_each_turn_asks_one_thing_and_the_district_comes_before_the_address() -> None:
    asked = [_said("我要反映一个问题", *ANSWERS[:said]).part for said in range(len(ANSWERS) + 1)]
    assert asked == ["what", "district", "place", "when", "contact", "confirm"]


def test_the_notice_comes_with_the_first_question_and_only_with_it() -> None:
    assert _said("我要投诉").values["first"]
    assert not _said("我要投诉", "路灯坏了三天没人修").values["first"]


def test_what_was_said_already_is_not_asked_again() -> None:
    turned = _said("我要投诉，海州区中山路的工地半夜施工，电话13812345678")
    assert turned.part == "place"
    assert turned.kept["slots"] == {
        "what": "海州区中山路的工地半夜施工，电话13812345678", "district": "海州区", "contact": "13812345678",
    }  # fmt: skip
    assert turned.kept["kind"] == "投诉"


@pytest.mark.parametrize("text", ["2", "２", "青山县", "青山", "在青山县呢"])
def test_a_district_is_chosen_by_number_or_name(text: str) -> None:
    assert _said("我要反映", ANSWERS[0], text).kept["slots"]["district"] == "青山县"


@pytest.mark.parametrize("text", ["9", "0", "火星区", "海州区或青山县"])
def test_what_is_no_district_is_asked_again(text: str) -> None:
    turned = _said("我要反映", ANSWERS[0], text)
    assert (turned.part, turned.values["miss"]) == ("district", True)


def test_after_two_misses_the_ways_out_are_named() -> None:
    assert not _said("我要反映", "嗯").values["lost"]
    assert _said("我要反映", "嗯", "哦").values["lost"]


def test_an_office_without_districts_asks_for_one_in_words() -> None:
    assert _said("我要反映", ANSWERS[0], "海州", districts=()).kept["slots"]["district"] == "海州"


@pytest.mark.parametrize(
    ("text", "slot", "value"),
    [
        ("改一下地址：和平路3号", "place", "和平路3号"),
        ("地址不对，应该是和平路3号", "place", "和平路3号"),
        ("把电话改成13900001111", "contact", "13900001111"),
        ("改一下时间，改成前天下午", "when", "前天下午"),
        ("区县改为海州区", "district", "海州区"),
    ],
)
def test_a_correction_with_its_value_is_taken_at_once(text: str, slot: str, value: str) -> None:
    turned = _said("我要反映", *ANSWERS, text)
    assert turned.part == "confirm"
    assert turned.kept["slots"][slot] == value


@pytest.mark.parametrize("text", ["改一下地址", "地址错了", "我要改一下地址", "地址写错了"])
def test_a_correction_without_a_value_asks_for_it_and_comes_back(text: str) -> None:
    asked = _said("我要反映", *ANSWERS, text)
    assert (asked.part, asked.values["again"]) == ("place", True)
    assert _said("我要反映", *ANSWERS, text, "和平路3号").part == "confirm"


def test_a_correction_in_the_middle_comes_back_to_what_is_missing() -> None:
    turned = _said("我要反映", *ANSWERS[:3], "改一下区县", "1")
    assert turned.part == "when"
    assert turned.kept["slots"]["district"] == "海州区"


def test_what_to_change_is_chosen_by_number() -> None:
    assert _said("我要反映", *ANSWERS, "2").part == "edit"
    assert _said("我要反映", *ANSWERS, "2", "3").part == "place"
    assert _said("我要反映", *ANSWERS, "修改", "联系方式").part == "contact"
    assert _said("我要反映", *ANSWERS, "2", "9").values["miss"]


@pytest.mark.parametrize("text", ["1", "提交", "确认", "是的", "没问题"])
def test_only_the_confirmed_summary_is_complete(text: str) -> None:
    assert _said("我要反映", *ANSWERS).filed is None
    filed = _said("我要反映", *ANSWERS, text).filed
    assert filed is not None
    assert (filed.kind, filed.contact) == ("求助", "13812345678")
    assert filed.text == "路灯坏了三天没人修\n区县：青山县\n地点：幸福路12号门口\n时间：昨晚八点"


@pytest.mark.parametrize("text", ["算了", "不反映了", "取消", "那算了吧", "算了，谢谢", "我不想投诉了"])
@pytest.mark.parametrize("after", [0, 2, 5])
def test_it_can_be_broken_off_at_any_question(text: str, after: int) -> None:
    turned = _said("我要反映", *ANSWERS[:after], text)
    assert (turned.part, turned.kept, turned.filed) == ("dropped", {}, None)


def test_the_third_choice_of_the_summary_breaks_off() -> None:
    assert _said("我要反映", *ANSWERS, "3").part == "dropped"


def test_a_sentence_with_such_words_in_it_does_not_break_off() -> None:
    assert _said("我要反映", "我家的低保待遇被街道取消了").part == "district"


def test_whoever_gives_no_contact_reports_all_the_same() -> None:
    filed = _said("我要举报", *ANSWERS[:4], "1", "1").filed
    assert filed is not None
    assert (filed.kind, filed.contact) == ("举报", "")


@pytest.mark.parametrize("text", ["你猜", "12345", "138123"])
def test_a_contact_must_reach_somebody(text: str) -> None:
    assert _said("我要反映", *ANSWERS[:4], text).values["miss"]


def test_pictures_are_counted_and_what_was_asked_is_asked_again() -> None:
    kept = _said("我要反映", ANSWERS[0]).kept
    turned = step(Asked("report", kept, "", picture=True, districts=DISTRICTS))
    assert (turned.part, turned.values["seen"], turned.kept["pictures"]) == ("district", True, 1)


def test_a_repeated_submission_makes_nothing_and_other_words_go_their_own_way() -> None:
    kept = report.filed("20260302-ABC234")
    again = report.go_on(kept, "提交", DISTRICTS)
    assert (again.part, again.values["number"], again.filed) == ("filed_already", "20260302-ABC234", None)
    assert report.go_on(kept, "身份证怎么办", DISTRICTS).left


def test_hostile_lengths_are_cut() -> None:
    turned = _said("我要反映", "路" * 100_000, "2", "地" * 9000, "昨天", "a" * 5000 + "@x.cn 13812345678")
    assert all(len(value) <= report.LONGEST[slot] for slot, value in turned.kept["slots"].items())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("138 1234 5678", "13812345678"),
        ("138-1234-5678", "13812345678"),
        ("+8613812345678", "13812345678"),
        ("86-138 1234 5678", "13812345678"),
        ("１３８１２３４５６７８", "13812345678"),
        ("张三 138-1234-5678，不要短信", "张三 13812345678,不要短信"),
        ("（0571）87654321", "(0571)87654321"),
        ("0571-8765 4321", "0571-8765 4321"),
        ("087112345678", "087112345678"),
        ("a@example.com", "a@example.com"),
    ],
)
def test_a_telephone_is_understood_however_it_is_written(text: str, kept: str) -> None:
    turned = _said("我要反映", *ANSWERS[:4], text)
    assert (turned.part, turned.kept["slots"]["contact"]) == ("confirm", kept)


@pytest.mark.parametrize("text", ["12345", "138 1234 567", "6222 0212 3456 7890 123", "我没有"])
def test_what_is_no_telephone_is_asked_again(text: str) -> None:
    assert _said("我要反映", *ANSWERS[:4], text).part == "contact"


def test_a_telephone_in_pieces_in_the_first_sentence_is_not_asked_again() -> None:
    assert _said("我要投诉，路灯坏了三天没人修，电话138 1234 5678").kept["slots"]["contact"] == "13812345678"
