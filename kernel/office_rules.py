"""Rules that the office sets for itself: deadlines, quiet hours, levels of signing.

A package declares a rule with its default and meaning; the console stores a new version per change, and
a unit without its own follows the nearest unit above. Deployment settings are not rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Generic, TypeVar

from sqlalchemy import ForeignKey, Index, String, bindparam, func, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from kernel.errors import Invalid
from kernel.model import Base, Json
from kernel.people import Unit
from kernel.work import Work

Value = TypeVar("Value")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


@dataclass(frozen=True)
class Rule(Generic[Value]):
    """A declared rule: its name, default, Chinese label, and a check that returns a fault in Chinese or ''.

    `help` stands beneath its field, where the label alone does not say what setting it does. `groups` are headings
    under which the words of a long list are read.
    """

    name: str
    default: Value
    label: str
    check: Callable[[Any], str] = lambda _value: ""
    help: str = ""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)


RULES: dict[str, Rule[Any]] = {}


class RuleVersion(Base):
    """One setting of a rule by a person; the newest that is in force wins."""

    __tablename__ = "rule_version"
    __table_args__ = (Index("ix_rule_version_name_unit_id", "name", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    value: Mapped[Any] = mapped_column(Json)
    in_force_at: Mapped[datetime]
    set_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))


def declare(rule: Rule[Value]) -> Rule[Value]:
    """Makes a rule known to the console; raises ValueError when the name is taken."""
    if rule.name in RULES:
        raise ValueError(f"rule declared twice: {rule.name}")
    RULES[rule.name] = rule
    return rule


def number_between(low: float, high: float) -> Callable[[Any], str]:
    """A check for a number within bounds, both included."""

    def check(value: object) -> str:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
        return "" if fits else f"须为 {low:g} 到 {high:g} 之间的数。"

    return check


def clock_time(value: object) -> str:
    """A check for an hour of the day as people write it: HH:MM by the office's clocks, without seconds or a zone."""
    fits = isinstance(value, str) and _CLOCK.fullmatch(value)
    return "" if fits else "须写作 时:分，例如 09:00。"


def hour_of(value: str) -> time:
    """The hour of the day that such a rule says; of one set before its check was strict, without seconds and zone."""
    return time.fromisoformat(value).replace(second=0, microsecond=0, tzinfo=None)


def value_of(session: Session, rule: Rule[Value], unit_id: int, now: datetime) -> Value:
    """The rule's value in force for a unit: its own, else the nearest unit's above, else the default."""
    return Values(session, (rule,), unit_id, now)[rule]


class Values:
    """What several rules say for one unit at one moment, read by one statement."""

    def __init__(self, session: Session, rules: Iterable[Rule[Any]], unit_id: int, now: datetime) -> None:
        asked = {"names": [rule.name for rule in rules], "unit": unit_id, "now": now}
        # From the root to the unit, the older before the newer: what comes later overrules.
        found = session.connection().execute(_IN_FORCE, asked)
        self._set: dict[str, Any] = dict(found.all())

    def __getitem__(self, rule: Rule[Value]) -> Value:
        value: Value = self._set.get(rule.name, rule.default)
        return value


_above = aliased(Unit)
_IN_FORCE = (
    select(RuleVersion.name, RuleVersion.value)
    .join(_above, _above.id == RuleVersion.unit_id)
    .join(Unit, Unit.path.startswith(_above.path))
    .where(
        Unit.id == bindparam("unit"),
        RuleVersion.name.in_(bindparam("names", expanding=True)),
        RuleVersion.in_force_at <= bindparam("now"),
    )
    .order_by(func.length(_above.path), RuleVersion.in_force_at, RuleVersion.id)
)


def set_rule(work: Work, name: str, unit_id: int, value: object, in_force_at: datetime | None = None) -> RuleVersion:
    """Sets a rule for a unit from a moment on (default: now); refuses unknown names and values out of bounds."""
    rule = RULES.get(name)
    if rule is None:
        raise Invalid(field="name", why=f"没有名为“{name}”的规则。")
    fault = rule.check(value)
    if fault:
        raise Invalid(field="value", why=f"{rule.label}{fault}")
    version = RuleVersion(
        name=name,
        unit_id=unit_id,
        value=value,
        in_force_at=in_force_at or work.now,
        set_by=work.actor.person_id,
    )
    work.session.add(version)
    work.session.flush()
    work.audit("rule.set", version, name=name, value=value)
    return version
