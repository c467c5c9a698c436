"""What the bot names as its sources: where their pages stand now, and nothing where there is none."""

from __future__ import annotations

from bot.knowledge import Passage, Source
from bot.words import Words
from templates.engine import Engine

GUIDE, ASKED, AWAY = (Source(n, 1, f"事项{n}", f"/guides/{n}.html") for n in (1, 2, 3))
PORTAL = "https://www.yunzhou.example"


def words(known: dict[int, str] | None) -> Words:
    return Words(
        Engine(), PORTAL, None if known is None else lambda pieces: {n: known[n] for n in pieces if n in known}
    )


def test_a_source_is_named_by_where_its_page_stands() -> None:
    said = words({1: "/guides/1.html", 3: "https://site.example/3"})
    assert said.links([GUIDE, ASKED, AWAY]) == [
        ("事项1", f"{PORTAL}/guides/1.html"), ("事项3", "https://site.example/3"),
    ]  # fmt: skip
    assert [one.path for one in said.placed([GUIDE, ASKED, AWAY])] == ["/guides/1.html", "", "https://site.example/3"]


def test_an_answer_names_the_first_source_that_has_a_page() -> None:
    assert "事项2" in words({2: "/faq/2.html"}).answer("可以。", [GUIDE, ASKED])
    alone = words({}).answer("可以。", [GUIDE, ASKED])
    assert "可以。" in alone
    assert "http" not in alone


def test_a_passage_without_a_page_is_told_without_an_address() -> None:
    told = words({}).no_answer([Passage(GUIDE, "带身份证")], linked=False)
    assert "带身份证" in told
    assert "http" not in told


def test_without_placements_every_path_is_ours() -> None:
    assert words(None).links([GUIDE]) == [("事项1", f"{PORTAL}/guides/1.html")]
