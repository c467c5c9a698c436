"""The two trials from the command line, in an empty folder: files in, figures printed, one JSON file out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app

RUN = CliRunner()


def faq(key: str, *wordings: str) -> str:
    row = {"key": key, "question": wordings[0], "wordings": wordings[1:], "answer": "答"}
    return json.dumps(row, ensure_ascii=False) + "\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_the_bot_is_tried_and_nothing_else_is_written(tmp_path: Path, elsewhere: Path) -> None:
    words = faq("dog", "养犬证怎么办", "养狗要办什么证", "犬只登记去哪里") + faq("heat", "什么时候供暖", "暖气哪天来")
    (tmp_path / "F.jsonl").write_text(words, "utf-8")
    (tmp_path / "Q.tsv").write_text("dog\t养犬证怎么办\n\t西红柿炒鸡蛋怎么做\n", "utf-8")
    done = RUN.invoke(
        app,
        ["bot", "evaluate", "--faqs", "../F.jsonl", "--questions", "../Q.tsv", "--json", "../OUT"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0, done.output
    assert "top-1 1.000" in done.output
    rows = json.loads((tmp_path / "OUT").read_text("utf-8"))
    assert [(row["expected"], row["decision"]) for row in rows] == [("dog", "answer"), ("", "refuse")]
    assert list(elsewhere.iterdir()) == []


def test_the_search_is_tried(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "dogs.txt").write_text("养犬规定\n饲养犬只应当办理登记。", "utf-8")
    (folder / "._heat.txt").write_bytes(b"\xff\xfe")
    (folder / "sub.txt").mkdir()
    (folder / "heat.txt").write_text("供热办法\n供热期为每年十一月至三月。", "utf-8")
    (tmp_path / "Q.tsv").write_text("heat\t供热期到几月\n", "utf-8")
    done = RUN.invoke(
        app, ["search", "evaluate", "--documents", "../docs", "--questions", "../Q.tsv", "--json", "../OUT"]
    )
    assert done.exit_code == 0, done.output
    assert "recall@1 1.000" in done.output
    assert json.loads((tmp_path / "OUT").read_text("utf-8"))[0]["ranked"][0]["key"] == "heat"


def test_one_question_alone_is_enough_and_an_unpaired_half_is_written(tmp_path: Path) -> None:
    (tmp_path / "F.jsonl").write_bytes(b'\xef\xbb\xbf{"key":"\\ud83d","question":"\\u95ee\\u4ec0\\u4e48"}\r\n')
    (tmp_path / "Q.tsv").write_text("x\t" + "很长" * 50_000 + "\r\n\t问什么", "utf-8")
    asked = ["bot", "evaluate", "--faqs", "../F.jsonl", "--questions", "../Q.tsv", "--json"]
    assert RUN.invoke(app, [*asked, "../OUT"], catch_exceptions=False).exit_code == 0
    rows = json.loads((tmp_path / "OUT").read_text("utf-8"))
    assert [row["expected"] for row in rows] == ["x", ""]
    assert rows[1]["ranked"][0]["key"] == "\ud83d"
    refused = RUN.invoke(app, [*asked, "../nowhere/OUT"])
    assert refused.exit_code == 1
    assert "cannot be written" in str(refused.exception)


@pytest.mark.parametrize("name", ["missing.jsonl", "latin.jsonl", "empty.jsonl"])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "latin.jsonl").write_bytes("养犬".encode("gb2312"))
    (tmp_path / "empty.jsonl").write_text("", "utf-8")
    (tmp_path / "Q.tsv").write_text("a\t问\n", "utf-8")
    done = RUN.invoke(app, ["bot", "evaluate", "--faqs", f"../{name}", "--questions", "../Q.tsv"])
    assert done.exit_code == 1
    assert name in str(done.exception)
