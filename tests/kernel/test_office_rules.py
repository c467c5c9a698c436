"""Rules of the office: the nearest unit's newest setting that is in force."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import event, select

from kernel import office_rules
from kernel.audit import AuditLine
from kernel.errors import Invalid
from kernel.office_rules import Rule, Values, clock_time, declare, hour_of, number_between, set_rule, value_of
from kernel.people import Unit, add_unit
from kernel.work import Works

LEVELS = Rule("probe.levels", 3, "审签级数", number_between(1, 5))


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    """The rule of this file."""
    declare(LEVELS)
    yield
    del office_rules.RULES[LEVELS.name]


@pytest.fixture
def units(works: Works) -> dict[str, int]:
    """A root with two districts, one with a desk."""
    with works.write() as work:
        root = add_unit(work.session, "市", "root")
        north = add_unit(work.session, "北", "north", root)
        desk = add_unit(work.session, "科", "desk", north)
        south = add_unit(work.session, "南", "south", root)
    return {unit.code: unit.id for unit in (root, north, desk, south)}


def put(works: Works, unit: int, value: object, at: datetime | None = None) -> None:
    with works.write() as work:
        set_rule(work, LEVELS.name, unit, value, at)


def found(works: Works, units: dict[str, int]) -> dict[str, int]:
    with works.read() as work:
        return {code: value_of(work.session, LEVELS, unit, work.now) for code, unit in units.items()}


def test_without_a_setting_the_default_holds(works: Works, units: dict[str, int]) -> None:
    assert set(found(works, units).values()) == {3}


def test_a_setting_holds_below_until_a_nearer_one(works: Works, units: dict[str, int]) -> None:
    put(works, units["root"], 2)
    assert found(works, units) == {"root": 2, "north": 2, "desk": 2, "south": 2}
    put(works, units["north"], 4)
    assert found(works, units) == {"root": 2, "north": 4, "desk": 4, "south": 2}
    put(works, units["root"], 5)
    assert found(works, units) == {"root": 5, "north": 4, "desk": 4, "south": 5}


def test_the_newest_wins_and_the_future_waits(works: Works, units: dict[str, int]) -> None:
    now = works.clock.now()
    put(works, units["root"], 4, now + timedelta(days=1))
    put(works, units["root"], 2)
    assert found(works, units)["root"] == 2
    works.clock.step(days=1)  # type: ignore[attr-defined]  # The still clock.
    assert found(works, units)["root"] == 4


def test_of_two_at_the_same_moment_the_later_entry_wins(works: Works, units: dict[str, int]) -> None:
    put(works, units["root"], 2)
    put(works, units["root"], 5)
    assert found(works, units)["root"] == 5


@pytest.mark.parametrize("value", [0, 6, "3", None, True, [3]])
def test_a_value_out_of_bounds_is_refused(works: Works, units: dict[str, int], value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        put(works, units["root"], value)
    assert refusal.value.field == "value"
    assert refusal.value.message().startswith("审签级数须为 1 到 5 之间的数。")


@pytest.mark.parametrize("value", ["00:00", "09:05", "23:59"])
def test_an_hour_of_the_day_is_hours_and_minutes(value: str) -> None:
    assert clock_time(value) == ""
    assert hour_of(value).isoformat("minutes") == value


@pytest.mark.parametrize(
    "value",
    [
        "22:00+08:00",
        "22:00Z",
        "22:00:30",
        "22:00:00.5",
        "2200",
        "22",
        "9:00",
        "24:00",
        "22:60",
        "２２:00",
        "22:00\n",
        22,
    ],
)
def test_no_seconds_no_zone_and_nothing_else_is_an_hour_of_the_day(value: object) -> None:
    assert clock_time(value) == "须写作 时:分，例如 09:00。"


def test_an_hour_that_was_once_set_with_a_zone_is_read_by_the_offices_clocks() -> None:
    assert hour_of("22:00+08:00") == hour_of("22:00:30.5") == time(22, 0)


def test_an_unknown_rule_is_refused(works: Works, units: dict[str, int]) -> None:
    with works.write() as work, pytest.raises(Invalid):
        set_rule(work, "probe.none", units["root"], 1)


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match=r"probe\.levels"):
        declare(LEVELS)


def test_each_setting_leaves_a_trace(works: Works, units: dict[str, int]) -> None:
    put(works, units["north"], 4)
    with works.read() as work:
        line = work.session.scalars(select(AuditLine)).one()
        assert (line.act, line.unit_id) == ("rule.set", units["north"])
        assert '"value": 4' in line.details
        assert work.session.get_one(Unit, units["north"]).name == "北"


def test_several_rules_are_read_by_one_statement(works: Works, units: dict[str, int]) -> None:
    other = Rule("probe.other", "x", "另一条")
    put(works, units["north"], 4)
    statements: list[str] = []
    event.listen(works.looking, "before_cursor_execute", lambda *told: statements.append(told[2]))
    with works.read() as work:
        values = Values(work.session, (LEVELS, other), units["desk"], work.now)
    assert (values[LEVELS], values[other]) == (4, "x")
    assert sum(statement.startswith("SELECT") for statement in statements) == 1
