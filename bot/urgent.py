"""Words of danger: what a citizen writes that must reach a person on duty at any hour. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.nlu.text import Lexicon, normalise


@dataclass(frozen=True)
class Danger:
    """The word that was heard, and the number to call first."""

    word: str
    call: str


LIFE, FIRE, CRIME, INJURY = "12356", "119", "110", "120"

WORDS: dict[str, str] = {
    **dict.fromkeys(
        (
            "轻生", "自杀", "自残", "不想活", "活不下去", "活着没意思", "想死", "去死算了", "跳楼", "跳河", "跳江",
            "割腕", "喝农药", "上吊", "结束生命", "结束自己的生命", "遗书", "活够了", "自尽", "寻短见", "跳轨",
        ),
        LIFE,
    ),
    **dict.fromkeys(
        ("爆炸", "火灾", "着火", "起火", "失火", "煤气泄漏", "燃气泄漏", "天然气泄漏", "煤气漏", "燃气漏", "天然气漏"),
        FIRE,
    ),
    **dict.fromkeys(
        (
            "炸弹", "杀人", "砍人", "捅人", "绑架", "劫持", "持刀", "枪击", "抢劫", "家暴", "被打", "强奸", "拐卖",
            "被困", "塌了", "坍塌", "溺水", "落水", "掉河里", "报复社会", "同归于尽", "救命", "救救我", "要炸", "炸了",
            "炸死", "炸掉", "炸毁", "纵火", "放火",
        ),
        CRIME,
    ),
    **dict.fromkeys(("昏迷", "休克", "大出血", "中毒", "没有呼吸", "没呼吸", "煤气中毒", "心梗"), INJURY),
}  # fmt: skip

# Matters of an office that hold a word of danger and are none: a permit, a certificate, a drill, a subsidy.
CALM = (
    "火灾证明", "火灾认定", "火灾事故认定", "火灾保险", "火灾赔偿", "火灾隐患排查", "爆炸物品", "爆炸品", "烟花爆竹",
    "自杀干预", "自杀保险", "消防演练", "火灾演练", "中毒保险", "防溺水", "防火灾", "被打折", "被打印", "跳楼价",
    "想死你", "想死心", "救命钱", "救命药", "救命稻草", "救命恩人", "要炸鸡", "炸了锅", "反家暴", "人身安全保护令",
    "食物中毒预防", "杀人案", "抢劫案", "拐卖案", "放火罪", "纵火罪",
)  # fmt: skip

_NO_LEXICON = Lexicon(())


def danger_in(text: str, more: Iterable[str] = ()) -> Danger | None:
    """The first word of danger in a citizen's text, the longest where several begin together; `more` are the office's.

    What is left after calm phrases are taken out decides, so that "怎么开火灾证明" alarms nobody.
    """
    plain = normalise(text, _NO_LEXICON)
    for phrase in CALM:
        plain = plain.replace(phrase, "|")
    known = WORDS | {normalise(word, _NO_LEXICON): CRIME for word in more}
    found = [(plain.find(word), -len(word), word) for word in known if word and word in plain]
    if not found:
        return None
    word = min(found)[2]
    return Danger(word, known[word])
