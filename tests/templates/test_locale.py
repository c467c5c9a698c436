"""Every sentence people read has an English translation, and the translation keeps its places."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.states import FOLLOW_UPS, RATINGS
from templates import catalogue
from templates.catalogue import FOLDER, Translator, load, missing, python_msgids, template_msgids

PACKAGES = ("kernel", "templates", "content", "channels", "scheduler", "bot", "analytics", "hub")
PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_sentence_is_translated(package: str) -> None:
    lacking = missing("en", (FOLDER.parent / package,))
    assert lacking == {}, "run python -m templates.catalogue and add the entries to templates/locale/en.<desk>.po"


def test_a_translation_keeps_the_places_of_its_sentence() -> None:
    wrong = [
        source
        for source, words in load("en").items()
        if sorted(PLACES.findall(source)) != sorted(PLACES.findall(words))
    ]
    assert wrong == []


def test_sentences_are_found_in_templates_and_python(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("{{ _('退回') }}{% if _(\"有 %(n)s 条\", n=3) %}{% endif %}{{ _(label) }}")
    (tmp_path / "b.txt").write_text("{{ _('您好') }}")
    (tmp_path / "c.py").write_text("LABEL = _('待发')\nother(_(name), f('x'))\n")
    assert list(template_msgids(tmp_path)) == [("a.html", "退回"), ("a.html", "有 %(n)s 条"), ("b.txt", "您好")]
    assert list(python_msgids(tmp_path)) == [("c.py", "待发")]


def test_several_catalogues_are_one_and_a_fuzzy_entry_does_not_count(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n'
    (tmp_path / "en.po").write_text(head + 'msgid "退回"\nmsgstr "Return"\n\n#, fuzzy\nmsgid "待发"\nmsgstr "Wait"\n')
    (tmp_path / "en.bot.po").write_text(head + 'msgid "人工"\nmsgstr "A person"\n\nmsgid "空"\nmsgstr ""\n')
    assert load("en", tmp_path) == {"退回": "Return", "人工": "A person"}
    assert load("zh", tmp_path) == {}


@pytest.mark.parametrize(
    ("message", "values", "text"),
    [("共 %(n)s 条", {"n": 3}, "3 in all"), ("增长 12%", {}, "增长 12%"), ("未收录 %(n)s", {"n": 1}, "未收录 1")],
)
def test_a_sentence_is_filled(message: str, values: dict[str, object], text: str) -> None:
    assert Translator("en", {"共 %(n)s 条": "%(n)s in all"})(message, **values) == text


@pytest.mark.parametrize("words", [RATINGS, tuple(FOLLOW_UPS.values())], ids=["ratings", "follow-ups"])
def test_words_that_stand_in_one_list_are_written_alike(words: tuple[str, ...]) -> None:
    english = load("en")
    assert [english[word] for word in words if not english[word][0].isupper()] == []


def test_marking_changes_nothing() -> None:
    assert catalogue._("待发") == "待发"
