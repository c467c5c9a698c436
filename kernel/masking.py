"""What tells of people in a text, and how it may be shown: 138****1234, 35*************123, a home by its street.

The one set of patterns for masking, for refusing what is made public, and for the checks of a piece. They are looked
for in the text as it is read: full-width figures count as plain ones, and invisible characters between figures as none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from unicodedata import decimal

# What people put between the groups of a number.
_GAP = r"(?: ?[-–—‑−·] ?|[ \t\u00a0])?"
_MOBILE = (
    rf"(?:(?:\+|00)?86{_GAP}|0)?(?:1[3-9]\d\.\d{{4}}\.\d{{4}}"
    rf"|1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}|1[3-9]\d\d{_GAP}\d{{3}}{_GAP}\d{{4}}"
    rf"|1[3-9]\d\d{_GAP}\d{{4}}{_GAP}\d{{3}}|1[3-9]\d{{3}}{_GAP}\d{{6}}|1[3-9]\d{_GAP}\d{{3}}{_GAP}\d{{5}})"
)
MOBILE = re.compile(rf"(?<!\d){_MOBILE}(?!\d)")
# In what machines write, a run of digits within a digest or an address of a file is no telephone.
MOBILE_ALONE = re.compile(rf"(?<![0-9A-Za-z_]){_MOBILE}(?![0-9A-Za-z_])")


def _spread(*digits: str) -> str:
    return _GAP.join(digits)


_D = r"\d"
_MONTH = f"(?:0{_GAP}[1-9]|1{_GAP}[0-2])"
_DAY = f"(?:0{_GAP}[1-9]|[12]{_GAP}{_D}|3{_GAP}[01])"
# Resident identity numbers (GB 11643): region, year, month, day, serial number, check digit.
_RESIDENT = _spread(
    "[1-9]", *[_D] * 5, f"(?:1{_GAP}[89]|2{_GAP}0)", *[_D] * 2, _MONTH, _DAY, *[_D] * 3, r"[\dXx]"
)  # fmt: skip
RESIDENT = re.compile(rf"(?<![0-9A-Za-z]){_RESIDENT}(?![0-9A-Za-z])")
# Or any 18 characters whose last may be X, or the older 15 digits, written without gaps.
IDENTITY = re.compile(
    rf"(?<![0-9A-Za-z])(?:{_RESIDENT}|(?:\d{{15}}|\d{{12}})\d{{2}}[\dXx])(?![0-9A-Za-z])"
)  # fmt: skip
_CARD = re.compile(rf"(?<![0-9A-Za-z])[3-69]\d{{3}}(?:{_GAP}\d){{12,15}}(?![0-9A-Za-z])")
_LANDLINE = re.compile(
    r"(?<![\d-])(?P<area>\+86[- ]?0?[1-9]\d{1,2}|[(]0?[1-9]\d{1,2}[)]|0[1-9]\d{1,2})"
    rf"{_GAP}[2-9]\d{{2,3}}{_GAP}(?P<last>\d{{4}})(?:(?:-|转)\d{{1,6}})?(?!\d)"
)
_LOCAL = re.compile(
    r"(?P<area>(?:电话|座机|致电|拨打|来电|联系方式|号码)[是为:： ]{0,3})[2-9]\d{2,3}[- ]?(?P<last>\d{4})(?!\d)"
)
_MAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,10}")

_N = r"(?<![第\d])(?:[A-Za-z]?\d{1,4}|[A-Za-z](?=[座栋幢])|[一二三四五六七八九十]{1,3})(?!\d)"
# A house, and whatever of rooms and floors follows it; a figure alone only where it counts nothing.
_HOUSE = (
    rf"{_N}(?:[-#~]\d{{1,4}})*(?:号楼|号院|号|栋|幢|座|单元|室|弄|#)"
    r"(?![线令文台口召]|公告|通知|公报|文件)"
    r"(?:[-、之]?(?:[A-Za-z]?\d{1,4}|[一二三四五六七八九十]{1,3})(?!\d)"
    r"(?:[-#]\d{1,4})*(?:号楼|号|栋|幢|座|单元|室|层|楼|#|(?![年月日时点个人户元次天米平名万亿届%度期条项.]|小时)))*"
)
# A group of a village, and the house in it.
_GROUP = rf"{_N}组(?:{_HOUSE})?"
_TOWN = re.compile(
    r"((?:街道|(?<!城)镇|(?<![城家老下])乡))(?!办事处|政府|人民政府)"
    rf"(?:[\u4e00-\u9fffA-Za-z0-9-](?<![年月])){{0,30}}?(?:{_HOUSE}|{_GROUP})"
)
_HOME = re.compile(
    r"(小区|花园|家园|花苑|苑|公寓|新村|新城|社区|村|公馆|华府|名邸|公房|宿舍)"
    r"(?:[的内里东南西北中]?区?|[一二三四五六七八九十0-9]{1,2}(?:期|区))?"
    rf"(?:{_HOUSE}|{_GROUP}|(?<!\d)\d{{1,3}}-\d{{1,4}}(?:-\d{{1,4}})?(?![\d-]))"
)
# A flat's number where no place is named before it.
_FLAT = re.compile(
    r"(?<![\dA-Za-z])[A-Za-z]?\d{1,4}(?:(?:号楼|号|栋|幢|座)\d{1,4})*(?:单元|栋|幢)\d{1,4}(?!\d)(?:室|(?![年月日个人户层楼]))"
)
_STREET = re.compile(rf"((?<![公铁线电网道思出0-9])路|街|巷|胡同|弄|大道)(?:[东南西北中]段|[东南西北])?{_HOUSE}")

# A number of a person has eleven figures, a house one of these signs: most of what is said has neither, and whole lists
# of it are masked at every look.
_MAY_TELL = re.compile(r"[-－#＃号栋幢座单室弄组]|\d(?:\D*+\d){10}")

_HIDDEN = re.compile("(?<=\\w)[\u00ad\u200b-\u200d\u2060\ufeff]+(?=\\w)")
Found = re.Match[str]


def mask_phone(text: str) -> str:
    """Mobile numbers in a text as ``138****1234``."""
    return _masked(text, MOBILE, _phone)


def mask_id(text: str) -> str:
    """Resident identity numbers in a text as ``35*************123``."""
    return _masked(text, IDENTITY, _identity)


def mask_line(text: str) -> str:
    """Both, in a line that a program wrote."""
    if not any(character.isdigit() for character in text):
        return text
    return _masked(_masked(text, IDENTITY, _identity), MOBILE_ALONE, _phone)


def mask_person(text: str) -> str:
    """Mobile, identity and card numbers, and where somebody lives no nearer than the street, village or estate."""
    return _all_masked(text, (*_NUMBERS, *_TOWNS, *_HOMES)) if _MAY_TELL.search(text) else _seen(text)


def mask_public(text: str) -> str:
    """The same, and landlines, mailboxes that are not the government's, and any number of a house."""
    return _all_masked(text, (*_NUMBERS, *_REACHED, *_TOWNS, *_HOMES, *_STREETS))


def told_of_people(text: str, *, reached: bool) -> list[str]:
    """What of a person still stands in a text, as people call it; `reached`: landlines and mailboxes too.

    The number of a house at a street or in a town is masked but not told: offices have one as well.
    """
    return list(dict.fromkeys(_told(text, (*_NUMBERS, *_HOMES, *(_REACHED if reached else ())))))


def digits_of(number: str) -> str:
    """A number without its gaps, the last letter of an identity number kept."""
    return re.sub(r"[^0-9Xx]", "", number)


def phone_of(found: str) -> str:
    """The eleven digits of a mobile number, however it was written."""
    return digits_of(found)[-11:]


def _phone(found: Found) -> str:
    number = phone_of(found[0])
    return f"{number[:3]}****{number[-4:]}"


def _identity(found: Found) -> str:
    number = digits_of(found[0])
    return number[:2] + "*" * (len(number) - 5) + number[-3:]


def _card(found: Found) -> str:
    number = digits_of(found[0])
    if not 16 <= len(number) <= 19 or not (number.startswith("62") or _luhn(number)):
        return found[0]
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def _luhn(number: str) -> bool:
    """Whether the check digit of a card is right, which tells it from a serial number."""
    twice = [sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2]]
    return (sum(twice) + sum(int(digit) for digit in number[::-2])) % 10 == 0


def _landline(found: Found) -> str:
    return f"{'-' if found['area'][-1] in '0123456789)' else ''}****{found['last']}"


def _mail(found: Found) -> str:
    name, _, domain = found[0].partition("@")
    if domain.lower().endswith(".gov.cn"):
        return found[0]
    return f"{name[: min(2, len(name) - 1)]}***@{domain}"


def _nothing(_found: Found) -> str:
    return ""


Rule = tuple[str, re.Pattern[str], Callable[[Found], str]]
# Identity and card numbers first: a telephone may stand within them.
_NUMBERS: tuple[Rule, ...] = (
    ("公民身份号码", IDENTITY, _identity),
    ("银行卡号", _CARD, _card),
    ("手机号码", MOBILE, _phone),
)
_HOMES: tuple[Rule, ...] = (("住址门牌", _HOME, _nothing), ("住址门牌", _FLAT, _nothing))
_REACHED: tuple[Rule, ...] = (
    ("固定电话", _LANDLINE, _landline),
    ("固定电话", _LOCAL, _landline),
    ("电子邮箱", _MAIL, _mail),
)
_TOWNS: tuple[Rule, ...] = (("住址门牌", _TOWN, _nothing),)
_STREETS: tuple[Rule, ...] = (("住址门牌", _STREET, _nothing),)


def _all_masked(text: str, rules: tuple[Rule, ...]) -> str:
    for _label, pattern, shown in rules:
        text = _masked(text, pattern, shown)
    return text


def _told(text: str, rules: tuple[Rule, ...]) -> Iterator[str]:
    for label, pattern, shown in rules:
        less = _masked(text, pattern, shown)
        if less != _seen(text):
            yield label
        text = less


def _masked(text: str, pattern: re.Pattern[str], shown: Callable[[Found], str]) -> str:
    """The text with what was found written as `shown`; everything else stays as it was typed."""
    text = _seen(text)
    made, done = [], 0
    # Nothing of the table is ASCII, and a line of the log often is.
    for found in pattern.finditer(text if text.isascii() else text.translate(_plain())):
        less = shown(found)
        if less != found[0]:
            # What leads up to it, where the pattern has that as its group, is kept.
            made += [text[done : found.end(1) if pattern.groups else found.start()], less]
            done = found.end()
    return "".join([*made, text[done:]])


def _seen(text: str) -> str:
    return text if text.isascii() else _HIDDEN.sub("", text)


@cache
def _plain() -> dict[int, str]:
    """Figures of every script, and full-width letters and signs, one for one.

    Not the whole of NFKC: it would make the mark of a list's first entry, ①, a figure of the number behind it.
    """
    table = {code: str(value) for code in range(0x80, 0x10000) if (value := decimal(chr(code), None)) is not None}
    table |= {0x1D7CE + number: str(number % 10) for number in range(50)}
    return table | {0xFF00 + code - 0x20: chr(code) for code in range(0x21, 0x7F)} | {0x3000: " "}
