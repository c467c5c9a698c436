"""班次 and 排班: who is on at a unit's desk and when, planned over the days that are really worked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.team.errors import OnAlready
from bot.team.models import Shift, Turn
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, Viewer, holders
from kernel.typed import tidy
from kernel.work import Work
from kernel.workdays import Workdays, declared_days

MOST_DAYS = 62
MOST_SHIFTS = 12
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True)
class Plan:
    """What is to be planned: a shift, the people, the first and the last day, and whether free days are left out."""

    shift_id: int
    people: Sequence[int]
    first: date
    last: date
    workdays_only: bool = True


def add(work: Work, unit_id: int, name: str, begins: str, ends: str) -> Shift:
    """A new shift of the unit."""
    name = tidy(name).strip()
    if not 1 <= len(name) <= 20:
        raise Invalid(field="name", why="请填写班次名称（不超过 20 字）。")
    for field, value in (("begins", begins), ("ends", ends)):
        if not _CLOCK.fullmatch(value.strip()):
            raise Invalid(field=field, why="请填写时间，例如 08:30。")
    if begins.strip() == ends.strip():
        raise Invalid(field="ends", why="结束时间不能与开始时间相同；全天请排成两个班次。")
    if len(of_unit(work.session, unit_id)) >= MOST_SHIFTS:
        raise Invalid(field="name", why=f"一个单位最多 {MOST_SHIFTS} 个班次，请先停用不用的。")
    row = Shift(unit_id=unit_id, name=name, begins=begins.strip(), ends=ends.strip())
    work.session.add(row)
    work.session.flush()
    work.audit("shift.added", row, name=name)
    return row


def remove(work: Work, shift: Shift) -> None:
    """Takes a shift out of use, and what is planned of it and has not begun out of the plan."""
    shift.removed_at = work.now
    query = select(Turn).where(Turn.shift_id == shift.id, Turn.starts_at > work.now)
    for turn in work.session.scalars(query):
        work.session.delete(turn)
    work.audit("shift.removed", shift, name=shift.name)


def of_unit(session: Session, unit_id: int) -> Sequence[Shift]:
    """The shifts in use, in the order of the day."""
    query = select(Shift).where(Shift.unit_id == unit_id, Shift.removed_at.is_(None))
    return session.scalars(query.order_by(Shift.begins, Shift.id)).all()


def plan(work: Work, unit_id: int, wanted: Plan, zone: ZoneInfo) -> int:
    """Puts people on a shift for every day of a span; who is on it already stays. Returns how many turns are new."""
    shift = work.session.get(Shift, wanted.shift_id)
    if shift is None or shift.unit_id != unit_id or shift.removed_at is not None:
        raise Invalid(field="shift", why="请选择班次。")
    days = _days(work.session, wanted, zone)
    may_answer = set(holders(work.session, Permission.CONVERSATION_ANSWER, unit_id, work.now))
    if not wanted.people or not set(wanted.people) <= may_answer:
        raise Invalid(field="people", why="请至少选择一名本单位的坐席。")
    made = 0
    for day in days:
        starts, ends = moments(shift, day, zone)
        if ends <= work.now:
            raise Invalid(field="first", why="已经过去的班不能再排，请选择今天或以后的日期。")
        for person_id in dict.fromkeys(wanted.people):
            made += _put(work, shift, Turn(person_id=person_id, day=day, starts_at=starts, ends_at=ends))
    work.audit(
        "shift.planned", shift, people=sorted(wanted.people), first=days[0].isoformat(), last=days[-1].isoformat()
    )
    return made


def unplan(work: Work, turn: Turn) -> None:
    """Takes one person off one shift of one day; what is over stays as it was."""
    if turn.ends_at <= work.now:
        raise Invalid(field="turn", why="这个班已经结束，不能再改。")
    work.audit("shift.unplanned", turn, person=turn.person_id, day=turn.day.isoformat())
    work.session.delete(turn)


def moments(shift: Shift, day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When a shift of a day begins and ends."""
    begins, ends = time.fromisoformat(shift.begins), time.fromisoformat(shift.ends)
    last = day if begins < ends else day + timedelta(days=1)
    return datetime.combine(day, begins, zone), datetime.combine(last, ends, zone)


def between(session: Session, unit_id: int, first: date, last: date) -> Sequence[tuple[Turn, str]]:
    """What is planned in a span, with the people's names."""
    query = (
        select(Turn, Person.name)
        .join(Person, Person.id == Turn.person_id)
        .where(Turn.unit_id == unit_id, Turn.day >= first, Turn.day <= last)
    )
    return [(turn, name) for turn, name in session.execute(query.order_by(Turn.day, Turn.starts_at, Person.name))]


def on_now(session: Session, unit_id: int, now: datetime) -> list[int]:
    """The people whose shift it is."""
    query = select(Turn.person_id).where(Turn.unit_id == unit_id, Turn.starts_at <= now, Turn.ends_at > now)
    return sorted(set(session.scalars(query)))


def goes_on(session: Session, person_id: int, unit_id: int, now: datetime, pause: timedelta) -> bool:
    """Whether he is on now, or again within the pause."""
    query = select(Turn.id).where(
        Turn.person_id == person_id, Turn.unit_id == unit_id, Turn.starts_at <= now + pause, Turn.ends_at > now
    )
    return session.scalar(query.limit(1)) is not None


def _days(session: Session, wanted: Plan, zone: ZoneInfo) -> list[date]:
    if wanted.last < wanted.first:
        raise Invalid(field="last", why="结束日期不能早于开始日期。")
    if (wanted.last - wanted.first).days >= MOST_DAYS:
        raise Invalid(field="last", why=f"一次最多排 {MOST_DAYS} 天。")
    span = [wanted.first + timedelta(days=ahead) for ahead in range((wanted.last - wanted.first).days + 1)]
    calendar = Workdays(zone, declared_days(session))
    days = [day for day in span if not wanted.workdays_only or calendar.is_workday(day)]
    if not days:
        raise Invalid(field="first", why="这段时间没有工作日。需要节假日值班时，请取消“只排工作日”。")
    return days


def _put(work: Work, shift: Shift, turn: Turn) -> int:
    query = select(Turn).where(
        Turn.person_id == turn.person_id, Turn.starts_at < turn.ends_at, Turn.ends_at > turn.starts_at
    )
    for other in work.session.scalars(query):
        if other.shift_id == shift.id and other.day == turn.day:
            return 0
        person = work.session.get_one(Person, turn.person_id)
        named = work.session.get_one(Shift, other.shift_id)
        raise OnAlready(field="people", name=person.name, day=turn.day.isoformat(), shift=named.name)
    turn.unit_id, turn.shift_id = shift.unit_id, shift.id
    work.session.add(turn)
    work.session.flush()
    return 1


def one(session: Session, who: Viewer, shift_id: int) -> Shift:
    """A shift in use of a unit whose plan is his to make; raises NotFound."""
    shift = session.get(Shift, shift_id)
    if shift is None or shift.removed_at is not None or not who.may(Permission.QUEUE_SUPERVISE, shift.unit_id):
        raise NotFound
    return shift


def turn_for(session: Session, who: Viewer, turn_id: int) -> Turn:
    """A planned turn of a unit whose plan is his to make; raises NotFound."""
    turn = session.get(Turn, turn_id)
    if turn is None or not who.may(Permission.QUEUE_SUPERVISE, turn.unit_id):
        raise NotFound
    return turn
