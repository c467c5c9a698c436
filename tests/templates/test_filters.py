"""Values as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from templates import filters
from templates.catalogue import Translator
from templates.lines import text_lines

OFFICE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 16, 2, 30, tzinfo=UTC)
ZH = Translator("zh")


def test_a_time_is_shown_in_the_offices_zone() -> None:
    assert filters.local_time(datetime(2026, 3, 15, 16, 5, tzinfo=UTC), OFFICE) == "2026-03-16 00:05"
    assert filters.local_time(None, OFFICE) == ""
    with pytest.raises(ValueError, match="zone"):
        filters.local_time(datetime(2026, 3, 15, 16, 5), OFFICE)  # noqa: DTZ001  # A naive time is the point.


def test_a_date_is_the_offices_date() -> None:
    assert filters.local_date(datetime(2026, 3, 15, 16, 5, tzinfo=UTC), OFFICE) == "2026-03-16"
    assert filters.local_date(date(2026, 3, 12), OFFICE) == "2026-03-12"
    assert filters.local_date(None, OFFICE) == ""


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=59), "刚刚"),
        (timedelta(seconds=60), "1 分钟前"),
        (timedelta(minutes=59, seconds=59), "59 分钟前"),
        (timedelta(hours=1), "1 小时前"),
        (timedelta(hours=23, minutes=59), "23 小时前"),
        (timedelta(days=1), "1 天前"),
        (timedelta(days=30), "30 天前"),
        (timedelta(days=31), "2026-02-13"),
        (timedelta(seconds=-5), "马上"),
        (timedelta(minutes=-5), "5 分钟后"),
        (timedelta(hours=-5), "5 小时后"),
        (timedelta(days=-5), "5 天后"),
        (timedelta(days=-31), "2026-04-16"),
    ],
)
def test_how_long_ago_or_ahead(distance: timedelta, words: str) -> None:
    assert filters.ago(NOW - distance, NOW, OFFICE, ZH) == words


def test_how_long_ago_in_english_and_for_nothing() -> None:
    assert filters.ago(NOW - timedelta(minutes=5), NOW, OFFICE, Translator("en")) == "5 min ago"
    assert filters.ago(None, NOW, OFFICE, ZH) == ""


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KB"),
        (48_230, "47.1 KB"),
        (10_485_760, "10 MB"),
        (3 * 1024**5, "3072 TB"),
    ],
)
def test_sizes(count: int, words: str) -> None:
    assert filters.size(count) == words


@pytest.mark.parametrize(("text", "count"), [("", 0), ("ab", 1), ("abc", 2), ("云州", 2), ("云a", 2), ("😀", 1)])
def test_length_in_chinese_characters(text: str, count: int) -> None:
    assert filters.width(text) == count


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("云州市供热", 5, "云州市供热"),
        ("云州市供热", 4, "云州市…"),
        ("云 州\n市", 9, "云 州 市"),
        ("abcdefgh", 3, "abcd…"),
        ("云州", 0, ""),
        ("云州", -4, ""),
    ],
)
def test_a_text_is_shortened(text: str, limit: int, short: str) -> None:
    assert filters.shorten(text, limit) == short


def test_figures() -> None:
    assert filters.number(128460) == "128,460"
    assert filters.number(0) == "0"
    assert filters.number(None) == "—"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("13812341234", "138****1234"),
        ("电话13812341234、13987654321。", "电话138****1234、139****4321。"),
        ("0530-8811001", "0530-8811001"),
        ("350102199001010123", "350102199001010123"),
    ],
)
def test_mobile_numbers_are_masked(text: str, masked: str) -> None:
    assert filters.mask_phone(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("350102199001010123", "35*************123"),
        ("35010219900101012X。", "35*************12X。"),
        ("350102900101123", "35**********123"),
        ("订单3501021990010101234", "订单3501021990010101234"),
        ("13812341234", "13812341234"),
    ],
)
def test_identity_numbers_are_masked(text: str, masked: str) -> None:
    assert filters.mask_id(text) == masked


def test_a_static_address_changes_with_its_content(tmp_path: Path) -> None:
    address = filters.static_address(tmp_path, "/static")
    (tmp_path / "a.js").write_text("one")
    first = address("a.js")
    (tmp_path / "a.js").write_text("three")
    assert first.startswith("/static/a.js?v=")
    assert len(first) == len("/static/a.js?v=") + 8
    assert address("a.js") != first
    assert address("lost.js") == "/static/lost.js"


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<h2>一</h2><h3>二</h3>", "<h2>一</h2><h3>二</h3>"),
        ("<h3>一</h3><h4>二</h4>", "<h2>一</h2><h3>二</h3>"),
        ("<p>无</p>", "<p>无</p>"),
    ],
)
def test_no_level_of_headings_is_skipped(html: str, shown: str) -> None:
    assert filters.headings(html) == shown


def test_text_without_a_layout_keeps_its_lines_and_its_cells_apart() -> None:
    html = "<h2>一、时间</h2><p>花开&nbsp;满城，<strong>欢迎</strong>。<br>请来</p>"
    html += "<table><tr><td>江北</td><td>8 时</td></tr></table><p> </p>"
    assert text_lines(html) == ["一、时间", "花开 满城，欢迎。", "请来", "江北 8 时"]
