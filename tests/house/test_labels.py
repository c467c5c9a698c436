"""What packages declare in Chinese and the console shows (rules, roles, kinds, channels) reads in English too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import hub.wiring  # noqa: F401  # Brings in every package that declares rules.
from channels.registry import channels
from content.kinds import all_kinds
from content.kinds.base import FieldSpec
from content.rules import level_name
from kernel.office_rules import RULES
from kernel.people import ROLE_LABELS
from templates.catalogue import LOCALE, load


def declared() -> Iterator[str]:
    """Every label, help, choice and note of what is declared."""
    for name, rule in RULES.items():
        if name != "probe.rule":
            yield from (rule.label, rule.help, *rule.groups)
    yield from ROLE_LABELS.values()
    for kind in all_kinds().values():
        yield kind.label
        for field in kind.fields:
            yield from _words(field)
    for channel in channels().values():
        yield channel.label
        yield from channel.limits.notes
        for setting in channel.settings:
            yield from (setting.label, setting.help, *(label for _value, label in setting.choices))


def _words(field: FieldSpec) -> Iterator[str]:
    yield from (field.label, field.help, *(label for _value, label in field.choices))
    for column in field.columns:
        yield from _words(column)


def test_what_is_declared_reads_in_english_too() -> None:
    known = load("en")
    chinese = {text for text in declared() if any("\u4e00" <= letter <= "\u9fff" for letter in text)}
    assert chinese - known.keys() == set(), "add them to templates/locale/en.labels.po"


def test_the_levels_of_a_signature_and_the_way_back_from_a_failure_read_in_english_too() -> None:
    shown = {level_name(level, 6) for level in range(1, 7)} | {"回到工作台"}
    assert shown - load("en").keys() == set(), "add them to templates/locale/en.po"


def test_no_page_shows_a_note_or_the_label_of_a_finding_as_it_was_declared() -> None:
    pages = {str(path): path.read_text(encoding="utf-8") for path in (LOCALE.parent / "pages").rglob("*.html")}
    raw = [
        name
        for name, text in pages.items()
        if re.search(r"\bfor note in\b.*\{\{ note \}\}|\{\{ item\.label \}\}", text)
    ]
    assert raw == []


def test_a_sentence_has_one_translation() -> None:
    """Which of two would be shown hangs on the names of the files; the same words read the same on every page."""
    texts = (path.read_text(encoding="utf-8") for path in LOCALE.glob("en*.po"))
    counted = Counter(one for text in texts for one in re.findall(r'^msgid ((?:".*"\n)+)', text, re.MULTILINE))
    assert len(counted) > 1000
    again = [one.strip() for one, times in counted.items() if times > 1 and one.strip() != '""']
    assert again == [], "keep one of them in templates/locale"
