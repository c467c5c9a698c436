"""A guide answers just what was asked of it, whole, and adds nothing where it is silent."""

from __future__ import annotations

import pytest

from bot import guides
from bot.nlu.ranking import Decision
from tests.bot.citizens import GUIDE, published
from tests.bot.conftest import Desk

TITLE = "居民身份证补领"


@pytest.mark.parametrize(
    ("question", "labels"),
    [
        ("补身份证要带什么材料", ["申请材料"]),
        ("補身份證要帶哪些資料", ["申请材料"]),
        ("补办身份证得跑几趟", ["到现场次数"]),
        ("身份证去哪儿补", ["办理地点"]),
        ("补身份证周六上不上班", ["办理时间"]),
        ("补办身份证要多少天", ["办结时限"]),
        ("身份证多久能拿到", ["办结时限"]),
        ("补身份证几块钱", ["收费"]),
        ("补身份证要带啥，收不收费", ["申请材料", "收费"]),
        ("身份证能网上补吗", ["网上办理"]),
        ("能不能把身份证寄给我", ["邮寄"]),
        ("派出所电话多少", ["咨询电话"]),
        ("他们态度差，投诉电话是多少", ["监督投诉电话"]),
        ("身份证丢了怎么办", []),
        ("我的证件丢了", []),
        ("身份证有效期多久", []),
    ],
)
def test_what_a_question_asks_of_a_guide(question: str, labels: list[str]) -> None:
    assert [one.label for one in guides.asked(question, TITLE)] == labels


def test_the_words_of_the_title_ask_for_nothing() -> None:
    assert [one.label for one in guides.asked("住所地址变更怎么办", "企业住所地址变更登记")] == []
    assert [one.label for one in guides.asked("地址变更要多少钱", "企业住所地址变更登记")] == ["收费"]


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("那多少钱呢", True),
        ("要带什么材料？", True),
        ("在哪里办", True),
        ("还要多久", True),
        ("办居住证要多少钱", False),
        ("好的", False),
        ("", False),
    ],
)
def test_whether_a_question_goes_on_about_what_was_answered(question: str, alone: bool) -> None:
    assert guides.nothing_else(question) is alone


def test_the_whole_list_is_given_at_once_however_long() -> None:
    rows = [{"name": f"第{number}号材料", "note": "须加盖公章" * 8} for number in range(60)]
    (materials,) = guides.asked("要带什么材料")
    whole = guides.says({"materials": rows}, [materials])
    assert all(f"{number + 1}. {row['name']}（{row['note']}）" in whole for number, row in enumerate(rows))
    names = guides.says({"materials": rows}, [materials], names_only=True)
    assert all(f"{number + 1}. {row['name']}" in names for number, row in enumerate(rows))
    assert "公章" not in names


def test_a_guide_answers_what_was_asked_with_its_source(desk: Desk) -> None:
    guide = published(desk.office, "guide", TITLE, **GUIDE)
    desk.engine.answers(guide)
    said = desk.says("补身份证要带什么材料")
    assert "申请材料（共 1 项）：\n1. 申请表（原件，1 份）" in said
    assert "办理地点" not in said
    assert f"依据：《{TITLE}》" in said
    assert "办结时限：承诺 20个工作日，法定 60日" in desk.says("补身份证要多久")
    assert "收费：不收费" in desk.says("补身份证要钱吗")
    assert "办理地点：任一派出所" in desk.says("身份证丢了怎么办")


def test_where_the_guide_is_silent_the_bot_says_so(desk: Desk) -> None:
    guide = published(desk.office, "guide", TITLE, **{**GUIDE, "materials": []})
    desk.engine.answers(guide)
    assert "申请材料：指南未载明，可致电 0999-1234567 咨询。" in desk.says("补身份证要带什么材料")
    assert guides.says({}, guides.asked("能网上办吗，要钱吗")) == "收费：指南未载明。\n网上办理：指南未载明。"


def test_a_question_that_names_no_matter_goes_on_about_the_last_one(desk: Desk) -> None:
    guide = published(desk.office, "guide", TITLE, **GUIDE)
    desk.engine.answers(guide)
    desk.says("身份证丢了怎么办")
    desk.engine.decision = Decision("refuse", ())
    asked = len(desk.engine.asked)
    assert "收费：不收费" in desk.says("那多少钱呢")
    assert "任一派出所" in desk.says("在哪里办")
    assert len(desk.engine.asked) == asked


def test_without_a_matter_before_it_a_bare_question_is_the_engine_s(desk: Desk) -> None:
    published(desk.office, "guide", TITLE, **GUIDE)
    assert "不收费" not in desk.says("那多少钱呢")
    assert desk.engine.asked == ["那多少钱呢"]


def test_a_question_s_own_words_come_first_and_its_guide_fills_what_they_leave_open(desk: Desk) -> None:
    guide = published(desk.office, "guide", TITLE, **GUIDE)
    faq = published(desk.office, "faq", "身份证丢了怎么补办", "本人到派出所补领，工本费40元。", guide=guide)
    desk.engine.answers(faq)
    said = desk.says("身份证丢了补办要带什么材料")
    assert said.index("工本费40元") < said.index("1. 申请表")
    assert "收费：" not in desk.says("身份证丢了补办多少钱")
