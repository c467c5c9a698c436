"""Topics no bot answers: disputes are heard in whatever writing, the services beside them are not mistaken for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.nlu.background import default_background
from bot.sensitive import DEFAULT, TOPICS, speaks_of
from hub.demo.corpus import load_faqs, load_guides, load_smalltalk, load_talks
from tests.bot.nlu.questions import held_out, out_of_scope

SEARCHED = Path(__file__).parents[2] / "bench" / "search_set" / "questions.tsv"


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("我们全村明天要进京上访", "进京上访"),
        ("去法院上访被关了三天", "上访被"),
        ("三十多户业主准备集体维权", "集体维权"),
        ("不解决我们就上街遊行", "上街游行"),
        ("村支书贪 污修路款", "贪污"),
        ("我要舉報局長", "举报局长"),
        ("派出所民警打人没人管", "民警打人"),
        ("我家房子昨晚被强拆了", "被强拆"),
        ("镇里征地款没给够", "征地款没给"),
        ("拖着几十个工人的工资不发", "几十个工人的工资"),
        ("政府拖欠我公司三百万", "政府拖欠"),
        ("工地死了人老板瞒报", "工地死了人"),
        ("孩子被卫生院治死了", "治死了"),
        ("盛世华庭烂尾楼什么时候复工", "烂尾楼"),
        ("我有民族歧视的事要说", "民族歧视"),
        ("我是外媒记者，想问个事", "外媒记者"),
    ],
)
def test_a_dispute_is_heard(text: str, phrase: str) -> None:
    assert phrase in DEFAULT
    assert speaks_of(text, DEFAULT) != ""
    assert speaks_of(text, [phrase]) == phrase


@pytest.mark.parametrize(
    "text",
    [
        "",
        "信访局在哪里",
        "上访要去哪个地方登记",
        "信访答复我不服怎么办",
        "我要举报一家黑心饭店",
        "举报违章建筑有奖励吗",
        "举报村里乱倒垃圾",
        "征地补偿标准是多少",
        "征地补偿款什么时候发",
        "拆迁补偿款要交税吗",
        "老板欠薪去哪里仲裁",
        "我被拖欠三个月工资",
        "农民工讨薪可以申请法律援助吗",
        "商家不退钱怎么维权",
        "市里要加强拆违吗",
        "加强征收管理的通知在哪看",
        "食品腐败变质找谁",
        "收入瞒报会被取消低保吗",
        "医疗事故鉴定怎么申请",
        "老人死在医院怎么开死亡证明",
        "整治死角垃圾",
        "小区电梯又罢工了",
        "门口拉横幅要审批吗",
        "我要申请愿望清单",
        "少数民族加分政策",
        "改民族成分怎么办",
        "宗教活动场所登记",
        "外国人打工要什么证",
        "中外媒体见面会在哪里",
        "香港独生子女能落户吗",
        "新疆独生子女补贴",
        "买一台独立空调有补贴吗",
        "公司几十个工人参保怎么办",
        "聚众赌博打哪个电话",
        "暴雷雨天气停课吗",
    ],
)
def test_a_service_beside_it_is_not(text: str) -> None:
    assert speaks_of(text, DEFAULT) == ""


def ordinary() -> Iterator[str]:
    """Whatever the demo's and the tests' citizens ask that is a bot's to answer."""
    for faq in load_faqs():
        yield from (faq.question, faq.answer, *faq.wordings)
    for turn in load_smalltalk():
        yield from turn.wordings
    yield from (guide.name for guide in load_guides())
    for talk in load_talks():
        yield from talk.says
    yield from (example.text for example in held_out())
    yield from (example.text for name in ("oos_dev.tsv", "oos_test.tsv") for example in out_of_scope(name))
    yield from (line.split("\t")[1] for line in SEARCHED.read_text(encoding="utf-8").splitlines() if "\t" in line)
    yield from (phrase for _kind, phrase in default_background())


def test_no_question_of_the_demo_the_bots_sets_or_the_searchs_is_caught() -> None:
    asked = list(ordinary())
    assert len(asked) > 3000
    assert {text: found for text in asked if (found := speaks_of(text, DEFAULT))} == {}


def test_each_group_has_a_reason_and_no_phrase_stands_twice_or_within_another() -> None:
    assert all(len(topic.why) > 40 and topic.phrases for topic in TOPICS)
    within = [(one, other) for one in DEFAULT for other in DEFAULT if one != other and one in other]
    assert within == []
    assert len(set(DEFAULT)) == len(DEFAULT)
