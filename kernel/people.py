"""Units, people and what they may do: roles are named sets of permissions, granted in a unit.

The three administrators are kept apart: the system administrator neither signs nor reads
conversations, the security administrator hands out roles but does no work with them, and the
auditor only reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVarTuple

from sqlalchemy import ForeignKey, Select, String, UniqueConstraint, and_, bindparam, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from kernel.model import Base


class Permission(StrEnum):
    """One thing a person may do, as `<object>.<verb>`."""

    PIECE_READ = "piece.read"
    PIECE_WRITE = "piece.write"
    PIECE_REVIEW = "piece.review"
    PIECE_SIGN = "piece.sign"
    FINDING_LIFT = "finding.lift"
    BOOKING_WRITE = "booking.write"
    DELIVERY_READ = "delivery.read"
    DELIVERY_ACT = "delivery.act"
    CONVERSATION_READ = "conversation.read"
    CONVERSATION_ANSWER = "conversation.answer"
    QUEUE_SUPERVISE = "queue.supervise"
    TICKET_READ = "ticket.read"
    TICKET_ACT = "ticket.act"
    TICKET_ASSIGN = "ticket.assign"
    TICKET_URGE = "ticket.urge"
    TICKET_EXTEND = "ticket.extend"
    TICKET_SIGN = "ticket.sign"
    TICKET_FOLLOW = "ticket.follow"
    TICKET_RELAY = "ticket.relay"
    REPORT_READ = "report.read"
    PLAN_ACT = "plan.act"
    KNOWLEDGE_TRAIN = "knowledge.train"
    COLUMN_WRITE = "column.write"
    ACCOUNT_READ = "account.read"
    ACCOUNT_WRITE = "account.write"
    RULE_WRITE = "rule.write"
    UNIT_WRITE = "unit.write"
    PERSON_READ = "person.read"
    PERSON_WRITE = "person.write"
    GRANT_WRITE = "grant.write"
    TOKEN_WRITE = "token.write"  # noqa: S105  # A permission's name.
    AUDIT_READ = "audit.read"
    SYSTEM_READ = "system.read"
    PRIVACY_READ = "privacy.read"
    PRIVACY_ACT = "privacy.act"

    @property
    def zh(self) -> str:
        """What it lets a person do, in Chinese."""
        return PERMISSION_LABELS[self]


PERMISSION_LABELS: dict[Permission, str] = {
    Permission.PIECE_READ: "查看稿件",
    Permission.PIECE_WRITE: "撰写稿件",
    Permission.PIECE_REVIEW: "审核稿件",
    Permission.PIECE_SIGN: "签发稿件",
    Permission.FINDING_LIFT: "放行检查发现的问题",
    Permission.BOOKING_WRITE: "安排发布",
    Permission.DELIVERY_READ: "查看发布任务",
    Permission.DELIVERY_ACT: "处理发布任务",
    Permission.CONVERSATION_READ: "查看会话",
    Permission.CONVERSATION_ANSWER: "答复会话",
    Permission.QUEUE_SUPERVISE: "管理坐席和排队",
    Permission.TICKET_READ: "查看工单",
    Permission.TICKET_ACT: "办理工单",
    Permission.TICKET_ASSIGN: "分派工单",
    Permission.TICKET_URGE: "督办工单",
    Permission.TICKET_EXTEND: "批准工单延期",
    Permission.TICKET_SIGN: "审签工单答复",
    Permission.TICKET_FOLLOW: "回访工单",
    Permission.TICKET_RELAY: "与热线往来工单",
    Permission.REPORT_READ: "查看统计",
    Permission.PLAN_ACT: "处理选题",
    Permission.KNOWLEDGE_TRAIN: "训练机器人",
    Permission.COLUMN_WRITE: "设置栏目",
    Permission.ACCOUNT_READ: "查看账号",
    Permission.ACCOUNT_WRITE: "设置账号",
    Permission.RULE_WRITE: "设置规则",
    Permission.UNIT_WRITE: "设置单位",
    Permission.PERSON_READ: "查看人员",
    Permission.PERSON_WRITE: "设置人员",
    Permission.GRANT_WRITE: "授予角色",
    Permission.TOKEN_WRITE: "管理接口令牌",
    Permission.AUDIT_READ: "查看审计日志",
    Permission.SYSTEM_READ: "查看系统状态",
    Permission.PRIVACY_READ: "查看个人信息请求",
    Permission.PRIVACY_ACT: "办理个人信息请求",
}


class Role(StrEnum):
    """The roles of a communications office, by their English code words (Chinese in `ROLE_LABELS`)."""

    OFFICER = "officer"
    REVIEWER = "reviewer"
    SIGNER = "signer"
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    HEAD = "head"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDITOR = "auditor"


ROLE_LABELS = {
    Role.OFFICER: "信息员",
    Role.REVIEWER: "审核人",
    Role.SIGNER: "签发人",
    Role.AGENT: "坐席",
    Role.SUPERVISOR: "班长",
    Role.MANAGER: "分管领导",
    Role.HEAD: "承办单位负责人",
    Role.SYSTEM_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
    Role.AUDITOR: "审计员",
}

P = Permission
Ts = TypeVarTuple("Ts")
_EDITORIAL = frozenset({P.PIECE_READ, P.DELIVERY_READ, P.ACCOUNT_READ})
_AGENT = frozenset(
    {P.CONVERSATION_READ, P.CONVERSATION_ANSWER, P.TICKET_READ, P.TICKET_ACT, P.TICKET_FOLLOW, P.PIECE_READ}
)

ROLES: dict[Role, frozenset[Permission]] = {
    Role.OFFICER: _EDITORIAL | {P.PIECE_WRITE, P.BOOKING_WRITE, P.DELIVERY_ACT, P.PLAN_ACT, P.REPORT_READ},
    Role.REVIEWER: _EDITORIAL | {P.PIECE_REVIEW},
    Role.SIGNER: _EDITORIAL | {P.PIECE_REVIEW, P.PIECE_SIGN, P.FINDING_LIFT, P.BOOKING_WRITE, P.DELIVERY_ACT},
    Role.AGENT: _AGENT,
    Role.SUPERVISOR: _AGENT
    | {
        P.QUEUE_SUPERVISE,
        P.REPORT_READ,
        P.KNOWLEDGE_TRAIN,
        P.TICKET_ASSIGN,
        P.TICKET_URGE,
        P.TICKET_EXTEND,
        P.TICKET_RELAY,
        P.PRIVACY_READ,
        P.PRIVACY_ACT,
    },
    Role.MANAGER: _EDITORIAL
    | {P.REPORT_READ, P.PLAN_ACT, P.TICKET_READ, P.TICKET_URGE, P.TICKET_EXTEND, P.TICKET_SIGN},
    Role.HEAD: frozenset({P.TICKET_READ, P.TICKET_ACT, P.TICKET_ASSIGN, P.TICKET_URGE, P.TICKET_SIGN, P.REPORT_READ}),
    Role.SYSTEM_ADMIN: frozenset(
        {
            P.UNIT_WRITE,
            P.PERSON_READ,
            P.PERSON_WRITE,
            P.COLUMN_WRITE,
            P.ACCOUNT_READ,
            P.ACCOUNT_WRITE,
            P.RULE_WRITE,
            P.SYSTEM_READ,
            P.PRIVACY_READ,
        }
    ),
    Role.SECURITY_ADMIN: frozenset({P.PERSON_READ, P.GRANT_WRITE, P.TOKEN_WRITE, P.SYSTEM_READ}),
    Role.AUDITOR: frozenset({P.AUDIT_READ, P.PERSON_READ, P.DELIVERY_READ, P.PRIVACY_READ}),
}

ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR)


class Unit(Base):
    """An office, district or department; `path` is `/1/7/`, the ids from the root down to itself."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(40), unique=True)
    path: Mapped[str] = mapped_column(String(400), index=True, default="")


class Person(Base):
    """Somebody who works with the console."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    login: Mapped[str] = mapped_column(String(100), unique=True)
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(200), default="")
    language: Mapped[str] = mapped_column(String(5), default="zh")
    active: Mapped[bool] = mapped_column(default=True)


class Grant(Base):
    """A role held in a unit; `below` extends it to the units beneath, `ends_at` limits it in time."""

    __tablename__ = "grant"
    __table_args__ = (UniqueConstraint("person_id", "role", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    below: Mapped[bool] = mapped_column(default=False)
    ends_at: Mapped[datetime | None]


class Deputy(Base):
    """委托审签 (AB岗): `deputy_id` may sign in place of `person_id` between two moments; shown as "B 代 A"."""

    __tablename__ = "deputy"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    deputy_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]


@dataclass(frozen=True)
class Viewer:
    """A person with what he may do where: the only thing that scoping is decided by."""

    person_id: int
    name: str
    unit_id: int
    language: str
    roles: frozenset[Role]
    reach: dict[Permission, frozenset[int]]

    def may(self, permission: Permission, unit_id: int | None = None) -> bool:
        """Whether he holds the permission in that unit, or in any unit when none is named."""
        units = self.reach.get(permission, frozenset())
        return bool(units) if unit_id is None else unit_id in units

    def units(self, permission: Permission) -> frozenset[int]:
        """The ids of all units in which he holds the permission."""
        return self.reach.get(permission, frozenset())


def viewer(session: Session, person: Person, now: datetime) -> Viewer:
    """Works out what a person may do at this moment."""
    grants = session.execute(_GRANTS, {"person": person.id, "now": now}).all()
    reach: dict[Permission, set[int]] = {}
    for role, unit_id, below in grants:
        units = units_below(session, unit_id) if below else {unit_id}
        for permission in ROLES[Role(role)]:
            reach.setdefault(permission, set()).update(units)
    return Viewer(
        person_id=person.id,
        name=person.name,
        unit_id=person.unit_id,
        language=person.language,
        roles=frozenset(Role(role) for role, _unit, _below in grants),
        reach={permission: frozenset(units) for permission, units in reach.items()},
    )


def units_below(session: Session, unit_id: int) -> set[int]:
    """The unit itself and every unit beneath it."""
    return set(session.scalars(_BELOW, {"unit": unit_id}))


# Made once, because they are asked at every request: building a statement costs more than running it.
_GRANTS = select(Grant.role, Grant.unit_id, Grant.below).where(
    Grant.person_id == bindparam("person"), or_(Grant.ends_at.is_(None), Grant.ends_at > bindparam("now"))
)
_above = aliased(Unit)
_BELOW = select(Unit.id).join(_above, Unit.path.startswith(_above.path)).where(_above.id == bindparam("unit"))


def ancestors(session: Session, unit_id: int) -> list[int]:
    """The unit's ids from itself up to the root."""
    unit = session.get_one(Unit, unit_id)
    return [int(part) for part in reversed(unit.path.strip("/").split("/"))]


def add_unit(session: Session, name: str, code: str, parent: Unit | None = None) -> Unit:
    """Adds a unit under `parent` and gives it its path."""
    unit = Unit(name=name, code=code, parent_id=parent.id if parent else None)
    session.add(unit)
    session.flush()
    unit.path = f"{parent.path if parent else '/'}{unit.id}/"
    session.flush()
    return unit


def scoped(
    query: Select[*Ts], column: Mapped[int] | Mapped[int | None], who: Viewer, permission: Permission
) -> Select[*Ts]:
    """Limits a query to the units in which the viewer holds the permission; the one place where this is decided."""
    return query.where(column.in_(who.units(permission)))


def scoped_by_units(query: Select[*Ts], column: Mapped[int] | Mapped[int | None]) -> Select[*Ts]:
    """The same for a statement that is made once; it is asked with `units`, those of `Viewer.units`."""
    return query.where(column.in_(bindparam("units", expanding=True)))


def holders(session: Session, permission: Permission, unit_id: int, now: datetime) -> list[int]:
    """The ids of active people who hold a permission in a unit at this moment, for telling them."""
    roles = [role for role, permissions in ROLES.items() if permission in permissions]
    return _bearing(session, roles, unit_id, now)


def bearers(session: Session, role: Role, unit_id: int, now: datetime) -> list[int]:
    """The ids of active people who hold a role in a unit at this moment, for giving them a task."""
    return _bearing(session, [role], unit_id, now)


def named(session: Session, people: Collection[int]) -> list[tuple[int, str]]:
    """These people's ids and names, by name; of namesakes (同名) each with the name he logs in by."""
    query = select(Person.id, Person.name, Person.login).where(Person.id.in_(people))
    rows = session.execute(query.order_by(Person.name, Person.id)).all()
    bearers_of = Counter(name for _id, name, _login in rows)
    return [(one, f"{name}（{login}）" if bearers_of[name] > 1 else name) for one, name, login in rows]


def _bearing(session: Session, roles: Sequence[Role], unit_id: int, now: datetime) -> list[int]:
    above = ancestors(session, unit_id)
    reaches = or_(Grant.unit_id == unit_id, and_(Grant.below.is_(True), Grant.unit_id.in_(above)))
    query = (
        select(Person.id)
        .join(Grant, Grant.person_id == Person.id)
        .where(Grant.role.in_(roles), reaches, Person.active, or_(Grant.ends_at.is_(None), Grant.ends_at > now))
        .distinct()
        .order_by(Person.id)
    )
    return list(session.scalars(query))
