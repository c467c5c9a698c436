"""归口分类: what matters were about, in several levels; kept as data, chosen when a conversation ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.team.models import MatterClass
from kernel.errors import Invalid
from kernel.people import ancestors
from kernel.typed import tidy
from kernel.work import Work

DEEPEST = 4
MOST = 500
BETWEEN = " / "


@dataclass(frozen=True)
class Named:
    """A class with its whole path; `leaf`: nothing in use is below it, so matters may be put there."""

    id: int
    unit_id: int
    path: str
    depth: int
    leaf: bool


def add(work: Work, unit_id: int, name: str, parent_id: int | None) -> MatterClass:
    """A new class of the unit, at the top or below one of those it uses."""
    name = tidy(name).strip()
    if not 1 <= len(name) <= 40 or "/" in name:
        raise Invalid(field="name", why="请填写分类名称（不超过 40 字，不含“/”）。")
    known = {one.id: one for one in in_use(work.session, unit_id)}
    parent = known.get(parent_id) if parent_id is not None else None
    if parent_id is not None and parent is None:
        raise Invalid(field="parent", why="请选择上级分类。")
    if parent is not None and parent.depth >= DEEPEST:
        raise Invalid(field="parent", why=f"最多 {DEEPEST} 级。")
    path = f"{parent.path}{BETWEEN}{name}" if parent is not None else name
    if any(one.path == path for one in known.values()):
        raise Invalid(field="name", why=f"已有“{path}”。")
    if len(known) >= MOST:
        raise Invalid(field="name", why=f"最多 {MOST} 个分类，请先停用不用的。")
    row = MatterClass(unit_id=unit_id, parent_id=parent_id, name=name)
    work.session.add(row)
    work.session.flush()
    work.audit("class.added", row, path=path)
    return row


def remove(work: Work, row: MatterClass) -> None:
    """Takes a class out of use, with everything below it; conversations keep theirs."""
    rows = work.session.scalars(select(MatterClass).where(MatterClass.removed_at.is_(None))).all()
    gone = {row.id}
    while more := {one.id for one in rows if one.parent_id in gone} - gone:
        gone |= more
    for one in rows:
        if one.id in gone:
            one.removed_at = work.now
    work.audit("class.removed", row, name=row.name, below=len(gone) - 1)


def in_use(session: Session, unit_id: int) -> list[Named]:
    """The classes a unit may use, each below its parent."""
    query = select(MatterClass).where(
        MatterClass.unit_id.in_(ancestors(session, unit_id)), MatterClass.removed_at.is_(None)
    )
    rows = session.scalars(query.order_by(MatterClass.id)).all()
    below: dict[int | None, list[MatterClass]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)
    return list(_walk(below, None, "", 1))


def chosen(session: Session, unit_id: int, class_id: int | None) -> int | None:
    """The class of a conversation that ends; a unit that uses classes always has one. Raises Invalid."""
    known = in_use(session, unit_id)
    if class_id is None and not known:
        return None
    found = next((one for one in known if one.id == class_id), None)
    if found is None:
        raise Invalid(field="class_id", why="请选择归口分类。")
    if not found.leaf:
        raise Invalid(field="class_id", why=f"“{found.path}”下面还有细类，请选到最细一级。")
    return found.id


def paths(session: Session) -> Mapping[int, Sequence[str]]:
    """Every class with the names from the top down to itself, those out of use too."""
    rows = {row.id: row for row in session.scalars(select(MatterClass))}
    return {class_id: _names(rows, class_id) for class_id in rows}


def path_of(session: Session, class_id: int | None) -> str:
    """The whole path of a class, or ''."""
    return BETWEEN.join(paths(session)[class_id]) if class_id else ""


def _names(rows: Mapping[int, MatterClass], class_id: int) -> list[str]:
    names: list[str] = []
    at: int | None = class_id
    while at is not None:
        names.insert(0, rows[at].name)
        at = rows[at].parent_id
    return names


def _walk(below: Mapping[int | None, list[MatterClass]], parent: int | None, path: str, depth: int) -> list[Named]:
    found: list[Named] = []
    for row in below.get(parent, []):
        whole = f"{path}{BETWEEN}{row.name}" if path else row.name
        found.append(Named(row.id, row.unit_id, whole, depth, row.id not in below))
        found += _walk(below, row.id, whole, depth + 1)
    return found
