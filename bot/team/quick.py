"""快捷回复: kept per unit and per person; the unit's are standing words of the office and approved by another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from bot.casework.own import not_own
from bot.models import Conversation
from bot.team import variables
from bot.team.models import QuickReply
from bot.team.variables import Known
from content import loose
from kernel.errors import Invalid, NotFound, WrongState
from kernel.people import Permission, Viewer, ancestors
from kernel.typed import tidy
from kernel.work import Work

P = Permission
LONGEST = 1000
MOST_OWN = 100
OWN, OF_UNIT, WAITING = "own", "unit", "waiting"
_CODE = re.compile(r"[a-z0-9]{1,12}")


@dataclass(frozen=True)
class Wording:
    """What was typed: the title in the list, the letters behind the /, the words."""

    title: str
    code: str
    text: str


@dataclass(frozen=True)
class Ready:
    """A reply as an agent may put it into his answer now; `missing` are variables nothing is known for."""

    title: str
    code: str
    text: str
    missing: tuple[str, ...]
    own: bool


def write(work: Work, who: Viewer, unit_id: int, wording: Wording, *, own: bool) -> QuickReply:
    """A new reply of one's own, which serves at once, or of the unit, to be approved."""
    if not who.may(P.CONVERSATION_ANSWER, unit_id):
        raise NotFound(field="unit")
    wording = _checked(work.session, unit_id, wording)
    if own and len(_own(work.session, who.person_id)) >= MOST_OWN:
        raise Invalid(field="title", why=f"个人快捷回复最多 {MOST_OWN} 条，请先删除不用的。")
    row = QuickReply(
        unit_id=unit_id,
        person_id=who.person_id if own else None,
        title=wording.title,
        code=wording.code,
        text=wording.text,
        made_by=who.person_id,
        made_at=work.now,
        approved_at=work.now if own else None,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("quick_reply.written", row, title=row.title, own=own)
    return row


def change(work: Work, who: Viewer, row: QuickReply, wording: Wording) -> None:
    """Changes a reply; the unit's is out of force until it is approved again."""
    _must_hold(who, row)
    wording = _checked(work.session, row.unit_id, wording)
    row.title, row.code, row.text = wording.title, wording.code, wording.text
    row.made_by, row.made_at = who.person_id, work.now
    row.approved_by, row.approved_at = None, work.now if row.person_id is not None else None
    work.audit("quick_reply.changed", row, title=row.title)


def approve(work: Work, who: Viewer, row: QuickReply) -> None:
    """Puts a reply of the unit in force; its words are looked at once more, because the lists may have grown."""
    if row.person_id is not None or not who.may(P.QUEUE_SUPERVISE, row.unit_id):
        raise NotFound
    if row.approved_at is not None:
        raise WrongState(state="生效", act="核准")
    not_own(work, P.QUEUE_SUPERVISE, row.unit_id, row.made_by)
    _checked(work.session, row.unit_id, Wording(row.title, row.code, row.text))
    row.approved_by, row.approved_at = who.person_id, work.now
    work.audit("quick_reply.approved", row, title=row.title)


def remove(work: Work, who: Viewer, row: QuickReply) -> None:
    """Takes a reply away (its row stays)."""
    _must_hold(who, row)
    row.removed_at = work.now
    work.audit("quick_reply.removed", row, title=row.title)


def one(session: Session, who: Viewer, quick_id: int) -> QuickReply:
    """A reply of one's own or of a unit one answers for; raises NotFound."""
    row = session.scalars(in_reach(who).where(QuickReply.id == quick_id)).one_or_none()
    if row is None:
        raise NotFound
    return row


def in_reach(who: Viewer, show: str = "") -> Select[QuickReply]:
    """One's `own` replies and those of the `unit`s one answers for, or of these only what is `waiting`."""
    mine = QuickReply.person_id == who.person_id
    of_units = QuickReply.person_id.is_(None) & QuickReply.unit_id.in_(who.units(P.CONVERSATION_ANSWER))
    shown = {OWN: mine, OF_UNIT: of_units, WAITING: of_units & QuickReply.approved_at.is_(None)}
    query = select(QuickReply).where(QuickReply.removed_at.is_(None))
    return query.where(shown.get(show, or_(mine, of_units)))


def ready(known: Known, who: Viewer, conversation: Conversation) -> list[Ready]:
    """What this agent may use in a conversation, his own first, with everything known put in."""
    units = ancestors(known.session, conversation.unit_id)
    query = select(QuickReply).where(
        QuickReply.removed_at.is_(None),
        QuickReply.approved_at.is_not(None),
        or_(
            QuickReply.person_id == who.person_id,
            QuickReply.person_id.is_(None) & QuickReply.unit_id.in_(units),
        ),
    )
    rows = known.session.scalars(query.order_by(QuickReply.person_id.is_(None), QuickReply.code, QuickReply.id))
    return [_ready(row, known) for row in rows]


def standing(known: Known, texts: Sequence[str]) -> list[Ready]:
    """Words of the office's rules in the same shape, for a desk that has kept no replies yet."""
    filled = [variables.fill(text, known) for text in texts]
    return [Ready(one.text[:20], str(place), one.text, one.missing, False) for place, one in enumerate(filled, start=1)]


def _ready(row: QuickReply, known: Known) -> Ready:
    filled = variables.fill(row.text, known)
    return Ready(row.title, row.code, filled.text, filled.missing, row.person_id is not None)


def _own(session: Session, person_id: int) -> Sequence[int]:
    query = select(QuickReply.id).where(QuickReply.person_id == person_id, QuickReply.removed_at.is_(None))
    return session.scalars(query).all()


def _must_hold(who: Viewer, row: QuickReply) -> None:
    mine = row.person_id == who.person_id
    units = row.person_id is None and who.may(P.CONVERSATION_ANSWER, row.unit_id)
    if row.removed_at is not None or not (mine or units):
        raise NotFound


def _checked(session: Session, unit_id: int, wording: Wording) -> Wording:
    title, code = tidy(wording.title).strip(), wording.code.strip().lstrip("/").lower()
    text = tidy(wording.text).strip()
    if not 1 <= len(title) <= 40:
        raise Invalid(field="title", why="请填写名称（不超过 40 字）。")
    if not _CODE.fullmatch(code):
        raise Invalid(field="code", why="快捷码为 1 至 12 个小写字母或数字，例如 gdh。")
    if not 1 <= len(text) <= LONGEST:
        raise Invalid(field="text", why=f"请填写 1 至 {LONGEST} 字的内容。")
    variables.check(text, "text")
    loose.must_pass(session, unit_id, text, "快捷回复", "text")
    return Wording(title, code, text)
