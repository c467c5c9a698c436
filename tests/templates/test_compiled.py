"""Compiling templates: once for all threads, kept for the next process, made anew when the words change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from jinja2 import Environment

from templates.compiled import CompiledOnce, OneAtATime
from templates.engine import Engine


class Counting(Environment):
    """Counts how often it compiles."""

    compiled = 0

    def compile(self, *arguments: Any, **named: Any) -> CodeType:
        """As Jinja does."""
        self.compiled += 1
        return super().compile(*arguments, **named)  # type: ignore[no-any-return]  # Jinja's overloads.


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "page.html").write_text("{{ word }}" + "{% if word %}x{% endif %}" * 50)
    return folder


def environment(pages: Path, kept: Path | None) -> Counting:
    """As a process that has just begun has it."""
    return Counting(loader=OneAtATime(pages), bytecode_cache=CompiledOnce(kept))


def test_many_who_want_a_page_at_once_wait_for_one_compiling(pages: Path) -> None:
    made = environment(pages, None)
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda _: made.get_template("page.html").render(word="a"), range(16)))
    assert set(texts) == {"a" + "x" * 50}
    assert made.compiled == 1


def test_the_next_process_compiles_only_what_has_changed(pages: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    kept = tmp_path / "kept"
    environment(pages, kept).get_template("page.html")
    second = environment(pages, kept)
    assert (second.get_template("page.html").render(word="b")[0], second.compiled) == ("b", 0)
    (pages / "page.html").write_text("{{ word }}!")
    third = environment(pages, kept)
    assert (third.get_template("page.html").render(word="c"), third.compiled) == ("c!", 1)
    (only,) = kept.iterdir()
    only.write_bytes(b"torn")
    fourth = environment(pages, kept)
    assert (fourth.get_template("page.html").render(word="d"), fourth.compiled) == ("d!", 1)


def test_a_folder_that_takes_nothing_stops_nobody(pages: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    (tmp_path / "kept").write_text("a file where the folder should be")
    assert environment(pages, tmp_path / "kept").get_template("page.html").render(word="") == ""


def test_what_a_filter_makes_of_a_constant_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "page.html").write_text("{{ 'a.css' | static }}")
    seen = set()
    for sheet in ("a", "b"):
        (tmp_path / "static" / "a.css").write_text(sheet)
        seen.add(Engine(folder=tmp_path).render("page.html"))
    assert len(seen) == 2


def test_an_engine_that_is_ready_reads_no_template_any_more(tmp_path: Path) -> None:
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "not_a_page.html").write_text("{% this is none %}")
    (tmp_path / "page.html").write_text("here")
    engine = Engine(folder=tmp_path)
    engine.get_ready()
    (tmp_path / "page.html").unlink()
    assert [engine.render("page.html", language) for language in engine.languages] == ["here", "here"]
