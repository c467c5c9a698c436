"""Wires 应急发布: booked with the last signature, on the banner at once, and signed later by a deadline."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from content import later
from content.events import LaterSigningObjected, LaterSigningOpened, ReleaseSigned
from content.models import LaterSigning, Release
from content.review import principals
from hub import site_state
from hub.product import Hub
from kernel.duties import Duty, hasten
from kernel.people import Deputy, Permission, Person, holders, viewer
from kernel.work import Work
from scheduler import emergency
from scheduler.events import EmergencyBooked, WasWithdrawn, WentLive
from templates.filters import local_time

EVERY = timedelta(minutes=5)
# How long before the deadline it is said again.
SOON = timedelta(hours=4)


def connect(hub: Hub) -> None:
    """Adds listeners and the duty that reminds."""
    hub.duties.append(Duty("later.remind", EVERY, lambda: remind(hub)))
    hub.listeners.in_work(ReleaseSigned, lambda work, fact: emergency.signed(work, fact.release_id, _address(hub)))
    hub.listeners.in_work_together(WentLive, lambda work, facts: _shown(hub, work, facts))
    hub.listeners.in_work(WasWithdrawn, lambda work, fact: _banner(hub, work, [fact.piece_id]))
    hub.listeners.in_work(EmergencyBooked, lambda work, fact: _tell_booked(hub, work, fact))
    hub.listeners.in_work(LaterSigningOpened, lambda work, fact: _tell_opened(hub, work, fact))
    hub.listeners.in_work(LaterSigningObjected, lambda work, fact: _tell_objected(hub, work, fact))


def remind(hub: Hub) -> None:
    """Says of each duty once that its deadline is near, and every day that it has passed."""
    with hub.works.write() as work:
        query = select(LaterSigning).where(LaterSigning.verdict == "", LaterSigning.due_at <= work.now + SOON)
        for row in work.session.scalars(query.order_by(LaterSigning.due_at)).all():
            late = row.due_at <= work.now
            title = work.session.get_one(Release, row.release_id).content["title"]
            people = _signers(work.session, row, work) | (_responsible(work, row.unit_id) if late else set())
            day = work.now.astimezone(hub.settings.office_zone).date()
            hub.notifier.tell(
                work,
                people,
                "later.overdue" if late else "later.due",
                f"{'补签已超时限' if late else '补签时限将到'}：{title}",
                f"应急发布须在 {local_time(row.due_at, hub.settings.office_zone)} 前补签，请尽快审阅签字。",
                f"/console/signing/{row.release_id}",
                f"later.{row.id}.{f'overdue.{day}' if late else 'soon'}",
            )


def _address(hub: Hub) -> str:
    return hub.settings.address


def _shown(hub: Hub, work: Work, facts: Sequence[WentLive]) -> None:
    for fact in facts:
        later.owe(work, fact.release_id, fact.at)
    _banner(hub, work, {fact.piece_id for fact in facts})


def _banner(hub: Hub, work: Work, pieces: Collection[int]) -> None:
    if not emergency.on_banner(work.session, pieces, work.now):
        return
    hasten(work.session, site_state.STATE, work.now)
    work.after_commit(lambda: site_state.follow(hub))


def _signers(session: Session, row: LaterSigning, work: Work) -> set[int]:
    able = set(holders(session, Permission.PIECE_REVIEW, row.unit_id, work.now))
    standing = select(Deputy.deputy_id).where(
        Deputy.person_id.in_(able), Deputy.starts_at <= work.now, Deputy.ends_at > work.now
    )
    return {one.id for one in _people(session, able | set(session.scalars(standing))) if _able(session, one, row, work)}


def _able(session: Session, person: Person, row: LaterSigning, work: Work) -> bool:
    who = viewer(session, person, work.now)
    instead: Iterable[int | None] = (None, *(one.id for one in principals(session, person.id, work.now)))
    return any(later.may_sign(session, who, row, work.now, one) for one in instead)


def _people(session: Session, ids: set[int]) -> list[Person]:
    return list(session.scalars(select(Person).where(Person.id.in_(ids), Person.active)))


def _responsible(work: Work, unit_id: int) -> set[int]:
    rights = (Permission.DELIVERY_ACT, Permission.PIECE_SIGN)
    return {one for right in rights for one in holders(work.session, right, unit_id, work.now)}


def _tell_booked(hub: Hub, work: Work, fact: EmergencyBooked) -> None:
    left = "；".join(f"{name}：{why}" for name, why in fact.left)
    hub.notifier.tell(
        work,
        _responsible(work, fact.unit_id),
        "emergency.booked",
        f"应急发布已签发：{fact.title}",
        f"已向 {fact.accounts} 个账号发出。{f'需人处理：{left}' if left else ''}",
        f"/console/deliveries?piece={fact.piece_id}",
        f"emergency.{fact.emergency_id}.booked.{work.now:%Y%m%d%H%M%S}",
    )


def _tell_opened(hub: Hub, work: Work, fact: LaterSigningOpened) -> None:
    row = work.session.get_one(LaterSigning, fact.later_id)
    title = work.session.get_one(Release, fact.release_id).content["title"]
    hub.notifier.tell(
        work,
        _signers(work.session, row, work),
        "later.opened",
        f"请补签：{title}",
        f"应急发布已按简化程序发出，须在 {local_time(fact.due_at, hub.settings.office_zone)} 前补齐审签和校对。",
        f"/console/signing/{fact.release_id}",
        f"later.{fact.later_id}.opened",
    )


def _tell_objected(hub: Hub, work: Work, fact: LaterSigningObjected) -> None:
    release = work.session.get_one(Release, fact.release_id)
    hub.notifier.tell(
        work,
        {*_responsible(work, fact.unit_id), release.submitted_by},
        "later.objected",
        f"补签不同意：{release.content['title']}",
        f"原因：{fact.reason}。内容仍在公开，请更正或撤稿。",
        f"/console/pieces/{release.piece_id}",
        f"later.{fact.later_id}.objected",
    )
