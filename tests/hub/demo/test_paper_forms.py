"""The demo's application forms: real Word files, blank and as an example, with nobody's data in them."""

from __future__ import annotations

import io

import docx

from content import attachments
from hub.demo import corpus, paper_forms

# What a check would take for somebody's own number.
LONGEST_RUN = 7


def _forms() -> list[tuple[corpus.GuideRow, corpus.Material]]:
    return [
        (row, material) for row in corpus.load_guides() for material in row.materials if paper_forms.has_form(material)
    ]


def test_most_guides_that_ask_for_an_application_give_its_form() -> None:
    assert len({row.key for row, _material in _forms()}) >= 10


def test_the_blank_form_asks_and_the_example_answers() -> None:
    row, material = _forms()[0]
    blank = docx.Document(io.BytesIO(paper_forms.blank(row, material))).tables[0]
    sample = docx.Document(io.BytesIO(paper_forms.sample(row, material))).tables[0]
    asked = [one.cells[0].text for one in blank.rows]
    assert asked == [one.cells[0].text for one in sample.rows]
    assert [one.cells[1].text for one in blank.rows if one.cells[1].text] == [row.name]
    assert all(one.cells[1].text for one in sample.rows)


def test_the_product_reads_their_words_and_finds_no_personal_numbers() -> None:
    for row, material in _forms():
        for name, data in zip(
            paper_forms.names(material),
            (paper_forms.blank(row, material), paper_forms.sample(row, material)),
            strict=True,
        ):
            read = attachments.read(name, data)
            assert row.name in read.text
            digits = "".join(letter if letter.isdigit() else " " for letter in read.text).split()
            assert all(len(run) < LONGEST_RUN for run in digits)
