"""Who must sign what: rules of the office, and the pure function that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission


def _levels_by_column(value: Any) -> str:
    fits = isinstance(value, dict) and all(
        isinstance(slug, str) and isinstance(levels, int) and 1 <= levels <= 5 for slug, levels in value.items()
    )
    return "" if fits else "须为“栏目标识: 级数（1 至 5）”的对照。"


LEVELS = declare(Rule("signing.levels", 3, "审签级数（三审）", number_between(1, 5)))
COLUMN_LEVELS = declare(Rule[dict[str, int]]("signing.column_levels", {}, "按栏目的审签级数", _levels_by_column))
EMERGENCY_LEVELS = declare(Rule("signing.emergency_levels", 2, "应急发布审签级数", number_between(1, 2)))
PROOFS = declare(Rule("signing.proofs", 3, "校对次数（三校）", number_between(0, 5)))
DISTINCT = declare(Rule("signing.distinct", 1, "各审级须由不同的人审签（1 是，0 否）", number_between(0, 1)))

LEVEL_NAMES = ("一审", "二审", "三审", "四审", "五审")


@dataclass(frozen=True)
class Requirement:
    """What a release needs before it may go out."""

    levels: int
    proofs: int
    distinct: bool


def requirement(session: Session, unit_id: int, column_slug: str, now: datetime, *, emergency: bool) -> Requirement:
    """The requirement in force for a unit and column at a moment."""
    levels = int(value_of(session, LEVELS, unit_id, now))
    levels = int(value_of(session, COLUMN_LEVELS, unit_id, now).get(column_slug, levels))
    proofs = int(value_of(session, PROOFS, unit_id, now))
    if emergency:
        levels = min(levels, int(value_of(session, EMERGENCY_LEVELS, unit_id, now)))
        proofs = 0
    return Requirement(levels, proofs, bool(value_of(session, DISTINCT, unit_id, now)))


def permission_for(level: int, levels: int) -> Permission:
    """What a person must hold to sign at a level: the last one is the signer's (签发), the others a reviewer's."""
    return Permission.PIECE_SIGN if level == levels else Permission.PIECE_REVIEW


def level_name(level: int, levels: int) -> str:
    """一审, 二审, … and 终审 for the last."""
    return "终审签发" if level == levels else LEVEL_NAMES[level - 1]
