"""Who is at the desk now: on, on a break (小休) for a reason and for so long, or away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.events import BreakTooLong, PresenceChanged
from bot.team.errors import TooManyAway
from bot.team.models import Presence
from kernel.errors import Invalid, NotFound
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, Person, Viewer
from kernel.work import Work
from templates.catalogue import _

ON, BREAK, AWAY = "on", "break", "away"
PRESENCE_LABELS = {ON: _("在岗"), BREAK: _("小休"), AWAY: _("离岗")}
# Nobody sits at a desk longer: whoever forgot to leave is away.
LONGEST = timedelta(hours=13)


def _reasons(value: object) -> str:
    fits = isinstance(value, list) and 1 <= len(value) <= 12
    fits = fits and all(isinstance(one, str) and 1 <= len(one.strip()) <= 10 for one in value)  # type: ignore[attr-defined]  # It is a list here.
    return "" if fits else "须为 1 到 12 个小休原因，每个不超过 10 字。"


REASONS: Rule[list[str]] = declare(
    Rule("desk.break_reasons", ["用餐", "休息", "会议", "培训", "设备故障"], "坐席小休原因", _reasons)
)
MINUTES = declare(Rule("desk.break_minutes", 15, "坐席一次小休最多多少分钟", number_between(1, 240)))
AT_ONCE = declare(Rule("desk.breaks_at_once", 2, "同时小休的坐席最多几人", number_between(1, 100)))


@dataclass(frozen=True)
class Standing:
    """Where somebody is: `state` with the reason and the end of a break, and since when."""

    person_id: int
    name: str
    state: str
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None


def seat_of(who: Viewer) -> int:
    """The unit at whose desk a person sits: his own, where he may answer there."""
    units = who.units(Permission.CONVERSATION_ANSWER)
    return who.unit_id if who.unit_id in units else min(units)


def change(work: Work, who: Viewer, state: str, reason: str = "") -> None:
    """上岗, 小休 or 离岗."""
    unit_id = seat_of(who)
    if state == BREAK:
        rest(work, who, unit_id, reason)
    elif state == AWAY:
        leave(work, who)
    elif state == ON:
        come(work, who, unit_id)
    else:
        raise Invalid(field="state", why="请选择上岗、小休或离岗。")


def come(work: Work, who: Viewer, unit_id: int) -> None:
    """Comes to the desk, or back from a break."""
    _begin(work, who, Presence(unit_id=unit_id, state=ON))


def rest(work: Work, who: Viewer, unit_id: int, reason: str) -> None:
    """Goes on a break; refused while too many are."""
    reasons: list[str] = value_of(work.session, REASONS, unit_id, work.now)
    if reason not in reasons:
        raise Invalid(field="reason", why="请选择小休原因。")
    most = int(value_of(work.session, AT_ONCE, unit_id, work.now))
    resting = [one for one in of_unit(work.session, unit_id) if one.state == BREAK and one.person_id != who.person_id]
    if len(resting) >= most:
        raise TooManyAway(names="、".join(one.name for one in resting), most=most)
    minutes = float(value_of(work.session, MINUTES, unit_id, work.now))
    until = work.now + timedelta(minutes=minutes)
    _begin(work, who, Presence(unit_id=unit_id, state=BREAK, reason=reason, until_at=until))


def leave(work: Work, who: Viewer) -> None:
    """Leaves the desk."""
    ended = _end(work, who.person_id)
    if ended is not None:
        work.audit("presence.left", ended)
        work.emit(PresenceChanged(ended.unit_id))


def of_unit(session: Session, unit_id: int) -> list[Standing]:
    """Everybody who is at the unit's desk or on a break, by name."""
    query = (
        select(Presence, Person.name)
        .join(Person, Person.id == Presence.person_id)
        .where(Presence.unit_id == unit_id, Presence.ended_at.is_(None))
    )
    return [_standing(row, name) for row, name in session.execute(query.order_by(Person.name))]


def of_person(session: Session, person_id: int, name: str = "") -> Standing:
    """Where one person is."""
    row = _open(session, person_id)
    return _standing(row, name) if row is not None else Standing(person_id, name, AWAY)


def present(session: Session, unit_id: int) -> list[int]:
    """The people at the unit's desk, those on a break left out."""
    return list(session.scalars(_PRESENT, {"unit": unit_id}))


def tell_long_breaks(work: Work) -> None:
    """A break that is over and from which nobody came back is told once; a forgotten spell ends."""
    query = select(Presence).where(Presence.ended_at.is_(None), Presence.began_at <= work.now - LONGEST)
    for row in work.session.scalars(query):
        row.ended_at = work.now
    query = select(Presence).where(
        Presence.ended_at.is_(None), Presence.until_at <= work.now, Presence.told_at.is_(None)
    )
    for row in work.session.scalars(query):
        row.told_at = work.now
        name = work.session.get_one(Person, row.person_id).name
        work.emit(BreakTooLong(row.unit_id, row.person_id, name, row.reason, row.id))


def end_for(work: Work, person_id: int) -> None:
    """His shift is over: he is away."""
    ended = _end(work, person_id)
    if ended is not None:
        work.emit(PresenceChanged(ended.unit_id))


def _begin(work: Work, who: Viewer, fresh: Presence) -> None:
    if not who.may(Permission.CONVERSATION_ANSWER, fresh.unit_id):
        raise NotFound
    # Two clicks at once are one after the other.
    work.session.scalars(select(Person).where(Person.id == who.person_id).with_for_update()).one()
    _end(work, who.person_id)
    fresh.person_id, fresh.began_at = who.person_id, work.now
    work.session.add(fresh)
    work.session.flush()
    work.audit("presence.changed", fresh, state=fresh.state, reason=fresh.reason)
    work.emit(PresenceChanged(fresh.unit_id))


def _end(work: Work, person_id: int) -> Presence | None:
    row = _open(work.session, person_id)
    if row is not None:
        row.ended_at = work.now
        work.session.flush()
    return row


def _open(session: Session, person_id: int) -> Presence | None:
    query = select(Presence).where(Presence.person_id == person_id, Presence.ended_at.is_(None))
    return session.scalars(query).one_or_none()


def _standing(row: Presence, name: str) -> Standing:
    return Standing(row.person_id, name, row.state, row.reason, row.began_at, row.until_at)


# Made once: asked for whenever somebody who waits is told how long.
_PRESENT = (
    select(Presence.person_id)
    .where(Presence.unit_id == bindparam("unit"), Presence.ended_at.is_(None), Presence.state == ON)
    .order_by(Presence.person_id)
)
