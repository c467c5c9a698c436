"""Each measure gives figures that begin with its own name and say what they stand against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import capacity, chat, pelican, portal, ticks
from bench.aims import AIMS, aim_of
from bench.figures import MEASURES, Figure, percentile
from bench.offices import bench_office

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


def test_names_are_words_with_points_and_no_measure_begins_with_another() -> None:
    for prefix in MEASURES:
        assert NAME.fullmatch(prefix), prefix
        assert [other for other in MEASURES if other.startswith(f"{prefix}.")] == [], prefix


def test_a_prefix_chooses_whole_measures() -> None:
    assert bench.chosen("") == list(MEASURES)
    assert bench.chosen("bot") == ["bot.chat"]
    assert bench.chosen("portal.publish.ratio_100k") == ["portal.publish"]
    assert bench.chosen("nothing") == []


def test_a_measure_that_fails_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Figure]:
        yield Figure("a.first", 1.0, "s", "limit 2 s")
        raise RuntimeError("the platform is away")

    def whole() -> Iterator[Figure]:
        yield Figure("b.second", 3.0, "1/s", "theirs", 1.5)

    monkeypatch.setattr(bench, "MEASURES", {"a": broken, "b": whole})
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results.json")
    monkeypatch.delenv("ONLY", raising=False)
    with pytest.raises(SystemExit, match="not measured: a"):
        bench.main()
    kept = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert kept["a.first"] == {"value": 1.0, "unit": "s", "against": "limit 2 s", "ratio": None}
    assert kept["b.second"]["ratio"] == 1.5


def test_the_aim_stands_beside_its_figure() -> None:
    missed = bench.line(Figure("portal.rebuild.vs_pelican", 1.92, "ours/theirs", "pelican 100/s", 1.92))
    assert missed.split() == ["portal.rebuild.vs_pelican", "1.92", "ours/theirs", "pelican", "100/s", ">=3", "1.92"]
    assert bench.line(Figure("portal.rebuild.pages", 7.0, "pages/s", "9 pieces")).split()[-2:] == ["-", "-"]


@pytest.mark.parametrize(
    ("name", "aim"),
    [
        ("dispatch.due1000.sqlite.lateness_p99", "<=2s"),
        ("dispatch.due1000.sqlite.lateness_p50", ""),
        ("portal.publish.ratio_100k", "<=1.2"),
        ("push.fanout.vs_pywebpush", ">=5"),
        ("push.fanout.per_second", ""),
        ("desk.list.p95", "<=300ms"),
        ("desk.list.p50", ""),
    ],
)
def test_aims_are_of_the_figures_they_were_set_for(name: str, aim: str) -> None:
    assert aim_of(name) == aim


def test_each_aim_is_of_a_figure_that_a_measure_gives_and_the_page_names() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/bench.md").read_text("utf-8")
    for pattern, aim in AIMS:
        head = pattern.partition("*")[0]
        assert bench.chosen(head) != [], pattern
        assert f"| `{pattern}` | {aim} |" in page


def test_percentiles_are_by_nearest_rank() -> None:
    values = [float(one) for one in range(1, 101)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([3.0], 0.99)) == (50.0, 99.0, 3.0)


def test_both_sides_of_the_rebuild_draw_the_same_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def theirs(_python: object, folder: Path, pieces: int) -> float:
        asked.append(len(list((folder / "content").iterdir())))
        return float(pieces)

    monkeypatch.setattr(pelican, "python_of", lambda _name: Path("python"))
    monkeypatch.setattr(pelican, "_theirs", theirs)
    figures = {figure.name: figure for figure in pelican.measured(30, 1)}
    assert asked == [30]
    assert figures["portal.rebuild.vs_pelican"].ratio == round(figures["portal.rebuild.pages"].value / 30, 2) > 0


def test_the_portals_ratio_is_large_over_small() -> None:
    figures = {figure.name: figure for figure in portal.measured(20, {"tiny": 60}, 2)}
    assert set(figures) == {"portal.publish.ms_tiny", "portal.publish.ratio_tiny"}
    assert figures["portal.publish.ratio_tiny"].ratio == figures["portal.publish.ratio_tiny"].value > 0


def test_the_chat_is_measured_through_its_door_and_against_the_bare_route() -> None:
    figures = {figure.name: figure for figure in chat.measured(clients=3, messages=2, rounds=1)}
    assert set(figures) == {"bot.chat.p95", "bot.chat.vs_inserts"}
    assert figures["bot.chat.p95"].value > 0
    ratio = figures["bot.chat.vs_inserts"].ratio
    assert ratio is not None
    assert ratio > 0


def test_a_tick_takes_out_what_is_due_among_what_is_booked() -> None:
    figures = {figure.name: figure for figure in ticks.measured(10, 40, 2)}
    assert set(figures) == {"dispatch.tick.ms_100k", "dispatch.tick.ratio_100k"}
    assert figures["dispatch.tick.ratio_100k"].ratio == figures["dispatch.tick.ratio_100k"].value > 0


def test_what_one_piece_and_one_conversation_cost() -> None:
    with bench_office() as office:
        found = {figure.name: figure for figure in capacity.of_pieces(office, 2)}
    assert list(found) == ["capacity.piece.cpu", "capacity.piece.database", "capacity.piece.site"]
    with bench_office() as office:
        found |= {figure.name: figure for figure in capacity.of_serving(office, 2, 50)}
    assert all(figure.value >= 0 and figure.ratio is None for figure in found.values())
    assert found["capacity.piece.database"].value > 1
    assert found["capacity.serve.memory"].value > 50
