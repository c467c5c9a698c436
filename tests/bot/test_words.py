"""What the bot names as its sources: where their pages stand now, and nothing where there is none."""

from __future__ import annotations

from sqlalchemy.orm import Session

from bot.knowledge import Passage, Source
from bot.words import Words
from templates.engine import Engine

GUIDE, ASKED, AWAY = (Source(n, 1, f"事项{n}", f"/guides/{n}.html") for n in (1, 2, 3))
PORTAL = "https://www.yunzhou.example"


def words(known: dict[int, str] | None) -> Words:
    return Words(
        Engine(), PORTAL, None if known is None else lambda _db, pieces: {n: known[n] for n in pieces if n in known}
    )


def test_a_source_is_named_by_where_its_page_stands() -> None:
    said = words({1: "/guides/1.html", 3: "https://site.example/3"})
    placed = said.placed(Session(), [GUIDE, ASKED, AWAY])
    assert said.links(placed) == [
        ("事项1", f"{PORTAL}/guides/1.html"), ("事项3", "https://site.example/3"),
    ]  # fmt: skip
    assert [one.path for one in placed] == ["/guides/1.html", "", "https://site.example/3"]


def test_an_answer_names_the_first_source_that_has_a_page() -> None:
    def said(known: dict[int, str]) -> str:
        bot = words(known)
        return bot.answer("可以。", bot.placed(Session(), [GUIDE, ASKED]))

    assert "事项2" in said({2: "/faq/2.html"})
    alone = said({})
    assert "可以。" in alone
    assert "http" not in alone


def test_a_passage_without_a_page_is_told_without_an_address() -> None:
    bot = words({})
    told = bot.no_answer([Passage(GUIDE, "带身份证")], bot.placed(Session(), [GUIDE]), linked=False)
    assert "带身份证" in told
    assert "http" not in told


def test_without_placements_every_path_is_ours() -> None:
    bot = words(None)
    assert bot.links(bot.placed(Session(), [GUIDE])) == [("事项1", f"{PORTAL}/guides/1.html")]
