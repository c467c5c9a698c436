"""Topics on which no bot speaks in a government's name: phrases by group, each group with its reason. Pure.

Each phrase says that the matter is one of dispute. A question about the service beside it is left to the bot:
信访局在哪里, 讨薪找谁, 征地补偿标准 and 举报违章建筑 are asked every day and answered from the office's own words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from bot.nlu.text import Lexicon, normalise


@dataclass(frozen=True)
class Topic:
    """A group of phrases, and why a person is to answer whoever uses one."""

    name: str
    why: str
    phrases: tuple[str, ...]


TOPICS: tuple[Topic, ...] = (
    Topic(
        "聚集与越级上访",
        "The matter may turn into a crowd; a ready-made sentence reads as the government's stand.",
        (
            "集体上访", "越级上访", "进京上访", "赴京上访", "去北京上访", "到北京上访", "赴省上访", "去省里上访",
            "上访被", "截访", "被拦访", "打击报复", "集体维权", "聚众闹事", "聚众抗议", "聚集抗议", "集体抗议",
            "抗议政府", "静坐抗议", "游行示威", "示威游行", "上街游行", "拉横幅抗议", "拉横幅讨", "拉横幅维权",
            "集体罢工", "工人罢工", "司机罢工", "集体罢课", "罢运", "集体请愿", "联名请愿", "请愿书",
            "堵政府", "堵路抗议", "讨说法", "讨个说法", "群体性事件",
        ),
    ),
    Topic(
        "反映公职人员问题",
        "An accusation of a person: its words are evidence, the accuser needs protection, another body has to act.",
        (
            "贪污", "受贿", "索贿", "贪官", "贪腐", "官员腐败", "干部腐败", "领导腐败", "村官腐败", "干部违纪",
            "党员违纪", "违纪违法", "以权谋私", "滥用职权", "徇私舞弊", "权钱交易", "官商勾结", "官官相护", "保护伞",
            "吃拿卡要", "收黑钱", "挪用公款", "侵吞集体", "侵占集体", "举报干部", "举报村干部", "举报村支书",
            "举报书记", "举报领导", "举报局长", "举报镇长", "举报乡长", "举报公务员", "举报官员", "举报警察",
            "举报民警",
        ),
    ),
    Topic(
        "执法争议",
        "Force or a wrong done by officials is alleged; what is said first is quoted later.",
        (
            "警察打人", "民警打人", "辅警打人", "城管打人", "协管打人", "干部打人", "执法打人", "暴力执法",
            "野蛮执法", "钓鱼执法", "刑讯逼供", "屈打成招", "冤假错案", "冤案",
        ),
    ),
    Topic(
        "征地拆迁纠纷",
        "Whether land was taken rightly is decided case by case; the published standard is no answer to a dispute.",
        (
            "被强拆", "遭强拆", "来强拆", "要强拆", "强拆我", "强拆队", "违法强拆", "非法强拆", "暴力强拆",
            "强制拆迁", "暴力拆迁", "野蛮拆迁", "非法拆迁", "违法拆迁", "逼迁", "拆迁纠纷", "征地纠纷", "强行征地",
            "强行征收", "强征土地", "强征耕地", "违法征地", "非法征地", "征地补偿款被", "征地款被", "拆迁补偿款被",
            "拆迁款被", "克扣补偿", "克扣征地", "克扣拆迁", "征地款没给", "拆迁款没给", "征地补偿不公", "拆迁补偿不公",
            "征地补偿太低", "拆迁补偿太低", "不签字就拆", "不签就拆", "钉子户",
        ),
    ),
    Topic(
        "群体欠薪与政府欠款",
        "Many families at once, or the government itself is the debtor; one worker's question stays with the bot.",
        (
            "集体讨薪", "集体欠薪", "集体要工资", "堵工地", "爬塔吊", "几十个人的工资", "几十号人的工资",
            "几十个工人的工资", "几十个农民工的工资", "上百人的工资", "上百号人的工资", "政府拖欠", "政府欠工程款",
            "政府欠钱", "政府工程拖欠", "政府项目拖欠",
        ),
    ),
    Topic(
        "有责任争议的死伤",
        "Somebody has died and it is asked who is to blame; next of kin are spoken to by people.",
        (
            "出人命", "出了人命", "工地死人", "工地死了人", "工地上死了人", "矿上死了人", "厂里死了人", "学校死了人",
            "死在工地", "死在派出所", "死在看守所", "死在拘留所", "死在学校", "死得不明不白", "死因不明", "医死人",
            "被治死", "治死了", "治死人", "草菅人命", "瞒报事故", "事故瞒报", "瞒报死亡", "瞒报伤亡", "隐瞒死亡",
            "矿难", "谁来偿命",
        ),
    ),
    Topic(
        "烂尾与涉众投资",
        "Thousands may have lost the same money; a promise to one of them is a promise to all.",
        (
            "烂尾楼", "楼盘烂尾", "房子烂尾", "楼烂尾", "集体停贷", "集体断供", "爆雷", "平台暴雷", "暴雷了",
            "血本无归",
        ),
    ),
    Topic(
        "民族、宗教与涉外",
        "Laid down at levels above the office, and read abroad; the bot has no words of its own here.",
        (
            "民族矛盾", "民族冲突", "民族歧视", "歧视少数民族", "宗教冲突", "非法传教", "地下教会", "法轮功", "全能神",
            "台独分子", "港独分子", "藏独分子", "疆独分子", "分裂国家", "外国记者", "境外媒体", "外媒采访", "外媒记者",
            "找外媒", "外国人闹事", "外国人打人", "涉外纠纷",
        ),
    ),
)  # fmt: skip

DEFAULT: list[str] = [phrase for topic in TOPICS for phrase in topic.phrases]
_NO_LEXICON = Lexicon(())


def speaks_of(text: str, phrases: Iterable[str]) -> str:
    """The first of these phrases that a text holds, however it is spaced and in whatever characters; "" for none."""
    plain = normalise(text, _NO_LEXICON)
    return next((phrase for phrase in _plain(tuple(phrases)) if phrase in plain), "")


@lru_cache(maxsize=64)
def _plain(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """The same list for message after message: made plain once."""
    return tuple(plain for phrase in phrases if (plain := normalise(phrase, _NO_LEXICON)))
