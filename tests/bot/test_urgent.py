"""Words of danger alarm; matters of an office that hold such a word do not."""

from __future__ import annotations

import pytest

from bot.urgent import WORDS, danger_in


@pytest.mark.parametrize(
    ("text", "word", "call"),
    [
        ("我不想活了", "不想活", "12356"),
        ("想轻生", "轻生", "12356"),
        ("我要自 杀", "自杀", "12356"),
        ("我要自殺", "自杀", "12356"),
        ("楼下着火了快来", "着火", "119"),
        ("化工厂爆炸了", "爆炸", "119"),
        ("小区燃气泄漏", "燃气泄漏", "119"),
        ("有人持刀砍人", "持刀", "110"),
        ("我爸昏迷了", "昏迷", "120"),
        ("救命", "救命", "110"),
        ("我要炸了政府", "要炸", "110"),
        ("活够了", "活够了", "12356"),
        ("开了火灾证明回来，楼里又着火了", "着火", "119"),
    ],
)
def test_danger_is_heard(text: str, word: str, call: str) -> None:
    danger = danger_in(text)
    assert danger is not None
    assert (danger.word, danger.call) == (word, call)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "身份证丢了怎么办",
        "怎么开火灾证明",
        "大病救命钱怎么申请",
        "我要炸鸡店的营业执照",
        "烟花爆竹经营许可",
        "民用爆炸物品购买许可",
        "反家暴政策",
        "防溺水宣传",
        "商场打跳楼价",
        "自杀干预热线是多少",
    ],
)
def test_an_ordinary_matter_alarms_nobody(text: str) -> None:
    assert danger_in(text) is None


def test_the_office_adds_words_of_its_own() -> None:
    assert danger_in("大坝要垮了") is None
    danger = danger_in("大坝要垮了", ["大坝要垮"])
    assert danger is not None
    assert danger.word == "大坝要垮"


def test_every_word_alarms_by_itself() -> None:
    assert [word for word in WORDS if danger_in(word) is None] == []
