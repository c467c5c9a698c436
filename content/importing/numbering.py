"""Word's automatic numbers written out: “一、”, “（二）” and “第三条” are words of a document, not decoration.

The converter turns every numbered paragraph into an HTML list, which would count 1, 2, 3 in each of them and start
anew after every ordinary paragraph. Only a plain list that stands together and begins with 1 is left to it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from content.importing.mend import W, local
from content.importing.package import Package
from kernel.typed import number_in

_DIGITS = "〇一二三四五六七八九"
_UNITS = ("", "十", "百", "千")
_ZODIAC = "子丑寅卯辰巳午未申酉戌亥"
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_SIMPLE = re.compile(r"^%1[.．、)）]?$")
_ROMAN = (
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


@dataclass(frozen=True)
class Level:
    """How one level of a numbering counts: where it starts, in which figures, in which words around them."""

    start: int = 1
    format: str = "decimal"
    text: str = "%1."
    restart: bool = True


@dataclass
class Numbered:
    """A paragraph that Word numbers: which list and level, and the words in front of it."""

    paragraph: ET.Element
    list_id: str
    level: int
    label: str = ""
    first: bool = False
    neighbour: int = -1


@dataclass
class _Lists:
    """The lists a document defines, by their number, and which of them a style or another list stands for."""

    levels: dict[str, dict[int, Level]] = field(default_factory=dict)
    abstract: dict[str, str] = field(default_factory=dict)
    of_style: dict[str, tuple[str, int]] = field(default_factory=dict)


def write_out(package: Package) -> None:
    """Writes the numbers of a document into its paragraphs, and leaves plain lists to the converter."""
    definitions = package.tree(package.beside("numbering.xml"))
    text = package.tree(package.main)
    if definitions is None or text is None:
        return
    lists = _lists(definitions, package.tree(package.beside("styles.xml")))
    numbered = _numbered(text, lists)
    _label(numbered, lists)
    plain = _plain(numbered, lists)
    for one in numbered:
        if one.list_id not in plain and one.label:
            _write(one)
    package.parts[package.main] = ET.tostring(text, "utf-8", xml_declaration=True)


def figure(number: int, style: str) -> str:
    """A number in one of Word's styles of figures; decimal where the style is none we know."""
    known = _FIGURES.get(style)
    return known(number) if known and number > 0 else str(number)


def chinese(number: int) -> str:
    """A number from 1 to 9999 in Chinese, as it is counted: 十, 十一, 二十, 一百零一."""
    if not 0 < number < 10_000:
        return str(number)
    text = ""
    for place, digit in enumerate(reversed(str(number))):
        if digit != "0":
            text = _DIGITS[int(digit)] + _UNITS[place] + text
        elif text and not text.startswith("零"):
            text = "零" + text
    return text[1:] if text.startswith("一十") else text


def _letters(number: int) -> str:
    # Word repeats the letter after z: aa, bb, cc.
    return chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1) if number <= 780 else str(number)


def _roman(number: int) -> str:
    text = ""
    for value, sign in _ROMAN:
        while number >= value and len(text) < 20:
            text, number = text + sign, number - value
    return text


def _circled(number: int) -> str:
    return chr(0x2460 + number - 1) if number <= 20 else str(number)


def _plain_digits(number: int) -> str:
    return "".join(_DIGITS[int(digit)] for digit in str(number))


_FIGURES: dict[str, Callable[[int], str]] = {
    "chineseCounting": chinese,
    "chineseCountingThousand": chinese,
    "chineseLegalSimplified": lambda number: chinese(number).translate(
        str.maketrans("一二三四五六七八九十百千", "壹贰叁肆伍陆柒捌玖拾佰仟")
    ),
    "japaneseCounting": chinese,
    "taiwaneseCounting": chinese,
    "taiwaneseCountingThousand": chinese,
    "ideographDigital": _plain_digits,
    "japaneseDigitalTenThousand": _plain_digits,
    "ideographTraditional": lambda number: _STEMS[(number - 1) % 10],
    "ideographZodiac": lambda number: _ZODIAC[(number - 1) % 12],
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalZero": lambda number: f"{number:02d}",
    "decimalFullWidth": lambda number: "".join(chr(ord(digit) + 0xFEE0) for digit in str(number)),
    "lowerLetter": _letters,
    "upperLetter": lambda number: _letters(number).upper(),
    "lowerRoman": lambda number: _roman(number).lower(),
    "upperRoman": _roman,
    "none": lambda _number: "",
}


def _lists(definitions: ET.Element, styles: ET.Element | None) -> _Lists:
    lists = _Lists()
    by_abstract: dict[str, dict[int, Level]] = {}
    for abstract in _children(definitions, "abstractNum"):
        levels = {_int(_get(level, "ilvl"), 0): _level(level) for level in _children(abstract, "lvl")}
        by_abstract[_get(abstract, "abstractNumId")] = levels
    for num in _children(definitions, "num"):
        number, abstract_id = _get(num, "numId"), _value(num, "abstractNumId")
        levels = dict(by_abstract.get(abstract_id, {}))
        overridden = False
        for override in _children(num, "lvlOverride"):
            place = _int(_get(override, "ilvl"), 0)
            own = next(iter(_children(override, "lvl")), None)
            levels[place] = _level(own) if own is not None else levels.get(place, Level())
            start = _value(override, "startOverride")
            if start:
                levels[place] = Level(_int(start, 1), levels[place].format, levels[place].text, levels[place].restart)
                overridden = True
        lists.levels[number] = levels
        # Lists of one definition count on from each other, unless one says where it starts.
        lists.abstract[number] = number if overridden else f"abstract {abstract_id}"
    for style in _children(styles, "style") if styles is not None else ():
        for properties in _children(style, "pPr"):
            for own_list in _children(properties, "numPr"):
                lists.of_style[_get(style, "styleId")] = (_value(own_list, "numId"), _int(_value(own_list, "ilvl"), 0))
    return lists


def _level(level: ET.Element) -> Level:
    return Level(
        _int(_value(level, "start"), 1),
        _value(level, "numFmt") or "decimal",
        _value(level, "lvlText"),
        _value(level, "lvlRestart") != "0",
    )


def _numbered(text: ET.Element, lists: _Lists) -> list[Numbered]:
    found = []
    for parent in text.iter():
        last = -2
        for place, child in enumerate(parent):
            if local(child) != "p":
                continue
            own = _list_of(child, lists)
            if own is None or own[0] not in lists.levels:
                continue
            found.append(Numbered(child, own[0], own[1], first=place != last + 1))
            last = place
    return found


def _list_of(paragraph: ET.Element, lists: _Lists) -> tuple[str, int] | None:
    properties = next(iter(_children(paragraph, "pPr")), None)
    if properties is None:
        return None
    of_style = lists.of_style.get(_value(properties, "pStyle"))
    own = next(iter(_children(properties, "numPr")), None)
    if own is None:
        return of_style
    number = _value(own, "numId") or (of_style[0] if of_style else "")
    level = _value(own, "ilvl")
    return (number, _int(level, 0) if level else of_style[1] if of_style else 0) if number != "0" else None


def _label(numbered: list[Numbered], lists: _Lists) -> None:
    counters: dict[str, dict[int, int]] = defaultdict(dict)
    for one in numbered:
        levels, counts = lists.levels[one.list_id], counters[lists.abstract[one.list_id]]
        level = levels.get(one.level, Level())
        counts[one.level] = counts.get(one.level, level.start - 1) + 1
        for deeper in [place for place in counts if place > one.level and levels.get(place, Level()).restart]:
            del counts[deeper]
        if level.format == "bullet":
            continue

        def put(found: re.Match[str], levels: dict[int, Level] = levels, counts: dict[int, int] = counts) -> str:
            place = int(found[1]) - 1
            given = levels.get(place, Level())
            return figure(counts.get(place, given.start), given.format)

        one.label = re.sub(r"%([1-9])", put, level.text)


def _plain(numbered: list[Numbered], lists: _Lists) -> set[str]:
    """The lists that HTML counts as Word does: one level of 1. 2. 3., standing together, beginning with 1."""
    by_list: dict[str, list[Numbered]] = defaultdict(list)
    for one in numbered:
        by_list[one.list_id].append(one)
    sharing = defaultdict(set)
    for number in by_list:
        sharing[lists.abstract[number]].add(number)
    plain = set()
    for number, items in by_list.items():
        level = lists.levels[number].get(0, Level())
        simple = level.format == "decimal" and _SIMPLE.match(level.text) and level.start == 1
        together = not any(one.first for one in items[1:])
        alone = len(sharing[lists.abstract[number]]) == 1
        headed = any(_value(pPr, "outlineLvl") for one in items for pPr in _children(one.paragraph, "pPr"))
        if simple and together and alone and not headed and all(one.level == 0 for one in items) and len(items) > 1:
            plain.add(number)
    return plain


def _write(one: Numbered) -> None:
    properties = next(iter(_children(one.paragraph, "pPr")))
    for old in list(_children(properties, "numPr")):
        properties.remove(old)
    # Word's own way of saying that a paragraph is in no list, whatever its style says.
    none = ET.SubElement(properties, f"{{{W}}}numPr")
    ET.SubElement(none, f"{{{W}}}ilvl", {f"{{{W}}}val": "0"})
    ET.SubElement(none, f"{{{W}}}numId", {f"{{{W}}}val": "0"})
    run = ET.Element(f"{{{W}}}r")
    text = ET.SubElement(run, f"{{{W}}}t")
    ends_in_latin = one.label[-1:].isascii()
    text.text = f"{one.label} " if ends_in_latin else one.label
    one.paragraph.insert(list(one.paragraph).index(properties) + 1, run)


def _children(element: ET.Element, name: str) -> list[ET.Element]:
    return [child for child in element if local(child) == name]


def _value(element: ET.Element, name: str) -> str:
    """The `val` of a child, '' when there is none."""
    return next((_get(child, "val") for child in _children(element, name)), "")


def _get(element: ET.Element, name: str) -> str:
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def _int(text: str, otherwise: int) -> int:
    return otherwise if (number := number_in(text, 9_999_999)) is None else number
