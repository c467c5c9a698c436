"""Numbers, moments and words as people type them."""

from __future__ import annotations

from datetime import date

import pytest
from pydantic import ValidationError

from hub.web.api_deliveries import Move
from hub.web.api_pieces import SavedPiece, Verdict
from hub.web.api_shifts import Planned
from kernel.typed import LARGEST, day_in, fits_nowhere, moment_in, number_in, row_in, tidy


@pytest.mark.parametrize("text", ["", "²", "٣", "-1", "1_0", " 1", "1.0", str(LARGEST + 1), "9" * 20, "9" * 5000])
def test_what_is_no_number(text: str) -> None:
    assert number_in(text) is None
    assert row_in(text) is None


def test_what_is_a_number() -> None:
    assert number_in("0") == 0
    assert row_in("0") is None
    assert row_in(str(LARGEST)) == LARGEST
    assert (number_in("10", 10), number_in("11", 10)) == (10, None)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "2201-01-01T00:00Z", "soon"])
def test_a_moment_that_no_office_plans_in(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d|Invalid"):
        moment_in(text)
    with pytest.raises(ValidationError):
        Move.model_validate({"at": text})


@pytest.mark.parametrize("text", ["0001-01-01", "1969-12-31", "2201-01-01", "9999-12-31", "2026-02-30", "soon", ""])
def test_a_day_that_no_office_plans_in(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d|Invalid|day"):
        day_in(text)
    with pytest.raises(ValidationError):
        Planned.model_validate({"people": [1], "first": text, "last": "2026-03-02"})


def test_a_day_that_an_office_plans_in() -> None:
    assert day_in(" 2026-03-02 ") == date(2026, 3, 2)
    planned = Planned.model_validate({"people": [1], "first": "1970-01-01", "last": "2200-12-31"})
    assert (planned.first, planned.last) == (date(1970, 1, 1), date(2200, 12, 31))


def test_text_keeps_its_lines_and_loses_its_controls() -> None:
    assert tidy("一\x00二\r\n\t三\x1b") == "一二\n\t三"
    assert tidy("通知\u202efdp.exe\u202d") == "通知fdp.exe"
    assert Verdict.model_validate({"hash": "a", "opinion": "同\x00意"}).opinion == "同意"
    assert [fits_nowhere(text) for text in ("一\x00", "\ud83d", "一\x08😀\n", "")] == [True, True, False, False]


@pytest.mark.parametrize(
    "sent",
    [
        {"version": 10**20},
        {"version": 1, "cover_id": 10**20},
        {"version": 1, "title": "\ud800"},
        {"version": 1, "title": "\x00"},
        {"version": 1, "fields": {"rows": [{"name": "\ud800"}]}},
        {"version": 1, "fields": {"guide": 10**20}},
        {"version": 1, "fields": {"fee": float("inf")}},
        {"version": 1, "expires_at": "9999-12-31T23:59-12:00"},
    ],
)
def test_a_body_that_no_database_takes_is_refused(sent: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SavedPiece.model_validate(sent)
