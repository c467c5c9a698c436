"""How citizens say that something is over, is right, or is to be changed; and a figure for what was offered. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from bot.nlu.text import Lexicon, normalise

_NO_LEXICON = Lexicon(())
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_COUNTRY = re.compile(r"(?<!\d)(?:\+|00)?86[\s-]*(?=1[3-9])")
_SPELT = re.compile(r"(?<!\d)(?:(?:\+|00)?86[\s-]*)?1[\s-]*[3-9](?:[\s-]*\d){9}(?!\d)")
_NUMBER = re.compile(r"(?<![0-9A-Z])\d{8}-[2-9A-HJ-NP-Z]{6}(?![0-9A-Z])")
_OVER = re.compile(
    r"(那|那就|还是)?(算了|取消|退出|放弃|结束|停止|作罢|"
    r"(我)?(不|不想|不要|不用|先不)(反映|举报|投诉|报|上报|报告|说|登记|填|弄|提|提交|查|问|办|搞|要|用)|不查询)(了)?(吧|啦|啊|谢谢)*"
)
_YES = frozenset(
    {
        "提交", "确认", "确认提交", "确定", "是", "是的", "对", "对的", "没错", "好", "好的", "可以", "没问题", "行",
        "嗯", "嗯嗯",

        "ok", "yes", "正确", "无误", "都对", "可以提交", "提交吧", "就这样", "1",
    }
)  # fmt: skip
_CHANGE = frozenset({"修改", "改", "改一下", "要改", "有错", "不对", "错了", "我要改", "我要修改", "更正", "不是"})


def plain(text: str) -> str:
    """A text folded for comparison: width, case, traditional characters and punctuation do not count."""
    return normalise(text, _NO_LEXICON)


def is_over(text: str) -> bool:
    """Whether the citizen breaks off: 算了, 不反映了."""
    return _OVER.fullmatch(plain(text)) is not None


def is_yes(text: str) -> bool:
    """Whether the citizen says that it is right so."""
    return plain(text) in _YES


def is_change(text: str) -> bool:
    """Whether something is wrong, without a word of what."""
    return plain(text) in _CHANGE


def chosen(text: str, choices: Sequence[str]) -> int | None:
    """The place of what was chosen by its number or in its words; None where nothing was."""
    said = plain(text)
    if said.isdecimal() and len(said) <= 2:
        number = int(said)
        return number - 1 if 1 <= number <= len(choices) else None
    folded = [plain(choice) for choice in choices]
    return folded.index(said) if said in folded else None


def tidy_line(text: str, longest: int) -> str:
    """What was typed as one line of ordinary width."""
    return " ".join(unicodedata.normalize("NFKC", text).split())[:longest]


def number_in(text: str) -> str:
    """The first ticket number in a text, as it is written; '' where there is none."""
    found = _NUMBER.search(unicodedata.normalize("NFKC", text).upper())
    return found.group() if found else ""


def mobile_in(text: str) -> str:
    """The first mobile number in a text, however it is spaced; '' where there is none."""
    plain = _COUNTRY.sub(" ", unicodedata.normalize("NFKC", text))
    found = _MOBILE.search(re.sub(r"(?<=\d)[\s-]+(?=\d)", "", plain))
    return found.group() if found else ""


def with_plain_mobile(line: str) -> str:
    """A line of ordinary width with its mobile number in one piece: +86 138 1234 5678 becomes 13812345678."""
    number = mobile_in(line)
    return _SPELT.sub(number, line, count=1) if number and not _MOBILE.search(line) else line
