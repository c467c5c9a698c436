"""一键停发: nothing new goes out, on one account or on all of a unit, until a person ends it item by item.

Withdrawals, corrections and redrawn pages are let through: what is taken back or put right must not wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from channels.registry import channels
from content.errors import NoRight
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Unit, Viewer, units_below
from kernel.work import Work
from scheduler import receipts
from scheduler.batch import Batch
from scheduler.booking import BEGUN, CHINA, REBOOK, change, must_write, unfit
from scheduler.breaking_off import end_here, is_certain
from scheduler.due import due_at
from scheduler.events import Booked, FreezeBegan, FreezeEnded
from scheduler.models import Delivery, Freeze
from scheduler.states import DeliveryState
from scheduler.windows import FREEZE, STOPPED, covering, goes_on, in_force

S = DeliveryState
Choice = Literal["now", "keep", "drop"] | datetime
UNSEEN = "停发解除时页面上还没有列出这一项，没有自动发出，请恢复或改期"


def begin(work: Work, who: Viewer, unit_id: int, reason: str, account: Account | None = None) -> Freeze:
    """Stops everything that waits, in one act, and what goes out in rounds between two of them.

    What was handed to a platform already cannot be stopped.

    Raises Invalid without a reason or when the same is stopped already.
    """
    if not who.may(Permission.DELIVERY_ACT, unit_id):
        raise NoRight(what="停发此单位的内容")
    if not reason.strip():
        raise Invalid(field="reason", why="停发须填写原因，所有人都会看到。")
    account_id = account.id if account else None
    same = [Freeze.ended_at.is_(None), Freeze.unit_id == unit_id, Freeze.account_id == account_id]
    if work.session.scalars(select(Freeze).where(*same)).first() is not None:
        raise Invalid(field="scope", why="已经停发，不必重复操作。")
    freeze = Freeze(
        unit_id=unit_id,
        account_id=account_id,
        reason=reason.strip()[:200],
        begun_at=work.now,
        begun_by=who.person_id,
    )
    work.session.add(freeze)
    work.session.flush()
    held = [*_hold(work, freeze), *_pause(work, freeze)]
    name = account.name if account else ""
    work.audit("freeze.begun", freeze, reason=freeze.reason, account=name or None, held=len(held))
    work.emit(FreezeBegan(freeze.id, unit_id, name, freeze.reason, len(held), _by_unit(held)))
    return freeze


@dataclass(frozen=True)
class Ended:
    """What became of the items of a stop that ended: how many were let go, and why others stay held."""

    let_go: int
    refused: Mapping[int, str]


def end(
    work: Work,
    who: Viewer,
    freeze: Freeze,
    choices: Mapping[int, Choice],
    zone: ZoneInfo = CHINA,
    shown: Collection[int] | None = None,
) -> Ended:
    """Ends a stop. Each item that it holds goes out now, at its own or another time, or not at all, as chosen.

    What is not named keeps its time, and goes out at once when that has passed: `keep`. Another time is checked as
    when booking; an item that would not go out then stays held with the reason, and holds up no other. What another
    stop covers waits on under that one. Where it is said which items the person was `shown`, the others stay held.
    """
    if not who.may(Permission.DELIVERY_ACT, freeze.unit_id):
        raise NoRight(what="解除此次停发")
    if freeze.ended_at is not None:
        raise Invalid(field="freeze", why="此次停发已解除。")
    waiting = held_by(work.session, freeze)
    freeze.ended_at, freeze.ended_by = work.now, who.person_id
    work.session.flush()
    refused = {}
    for delivery in waiting:
        choice = choices.get(delivery.id, "keep")
        why = _against(work, delivery, choice, zone) if shown is None or delivery.id in shown else UNSEEN
        if why:
            refused[delivery.id] = why
            _keep(work, delivery, why)
        else:
            _let_go(work, delivery, choice)
    counts = {
        name: sum(1 for one in waiting if choices.get(one.id, "keep") == name) for name in ("now", "keep", "drop")
    }
    work.audit("freeze.ended", freeze, items=len(waiting), refused=len(refused), **counts)
    _take_passes_back(work, freeze)
    work.emit(FreezeEnded(freeze.id, freeze.unit_id, freeze.reason, len(waiting), _by_unit(waiting)))
    return Ended(len(waiting) - len(refused), refused)


def let_through(work: Work, who: Viewer, delivery: Delivery) -> None:
    """Marks one item: it goes out although everything else is stopped."""
    must_write(who, delivery)
    if not who.may(Permission.DELIVERY_ACT, delivery.unit_id):
        raise NoRight(what="放行此发布任务")
    if delivery.state in BEGUN and delivery.code == FREEZE:
        change(work, delivery, BEGUN, next_at=work.now, accepted_at=work.now, reason="", code="", through=True)
        work.audit("delivery.let_through", delivery)
        work.emit(Booked(delivery.account_id, work.now))
        return
    at = max(work.now, delivery.scheduled_at)
    change(work, delivery, (S.HELD,), state=S.BOOKED, reason="", code="", through=True, **due_at(at))
    work.audit("delivery.let_through", delivery)
    work.emit(Booked(delivery.account_id, at))


def held_by(session: Session, freeze: Freeze) -> Sequence[Delivery]:
    """What waits because of this stop, by its time."""
    stopped = or_(Delivery.state == S.HELD, and_(Delivery.state.in_(BEGUN), Delivery.next_at.is_(None)))
    query = select(Delivery).where(stopped, Delivery.code == FREEZE, *_covered(session, freeze))
    return session.scalars(query.order_by(Delivery.scheduled_at, Delivery.id)).all()


def waiting_for(session: Session, freeze: Freeze) -> Sequence[Delivery]:
    """What a stop would hold now, before it has begun."""
    waits = or_(Delivery.state == S.BOOKED, _between_rounds())
    stops = (Delivery.action.in_(STOPPED), Delivery.through.is_(False))
    return session.scalars(select(Delivery).where(waits, *stops, *_covered(session, freeze))).all()


def _take_passes_back(work: Work, freeze: Freeze) -> None:
    """What was let through this stop waits again in the next one; 应急发布, and what another stop covers, keeps it."""
    left = Delivery.state.in_((S.BOOKED, S.HELD, *BEGUN))
    passed = (Delivery.through.is_(True), Delivery.emergency.is_(False), left)
    others = in_force(work.session)
    for row in work.session.scalars(select(Delivery).where(*passed, *_covered(work.session, freeze))):
        row.through = covering(work.session, row, others) is not None


def _by_unit(rows: Sequence[Delivery]) -> tuple[tuple[int, int], ...]:
    return tuple(Counter(row.unit_id for row in rows).items())


def _hold(work: Work, freeze: Freeze) -> Sequence[Delivery]:
    where = [Delivery.state == S.BOOKED, Delivery.through.is_(False), Delivery.action.in_(STOPPED)]
    statement = (
        update(Delivery)
        .where(*where, *_covered(work.session, freeze))
        .values(state=S.HELD, next_at=None, reason=freeze.words, code=FREEZE)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = work.session.scalars(statement).all()
    for row in rows:
        work.audit("delivery.held", row, reason=freeze.words)
    return rows


def _pause(work: Work, freeze: Freeze) -> Sequence[Delivery]:
    """What goes out in rounds, and is between two: one under way ends by itself, and is stopped before the next."""
    statement = (
        update(Delivery)
        .where(_between_rounds(), Delivery.through.is_(False), Delivery.action.in_(STOPPED))
        .where(Delivery.claimed_by.is_(None), *_covered(work.session, freeze))
        .values(next_at=None, reason=freeze.words, code=FREEZE)
        .returning(Delivery)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    rows = work.session.scalars(statement).all()
    for row in rows:
        work.audit("delivery.paused", row, reason=freeze.words)
    return rows


def _between_rounds() -> ColumnElement[bool]:
    in_rounds = [name for name in channels() if goes_on(name)]
    return and_(Delivery.state.in_(BEGUN), Delivery.next_at.is_not(None), Delivery.channel.in_(in_rounds))


def _covered(session: Session, freeze: Freeze) -> list[ColumnElement[bool]]:
    if freeze.account_id is not None:
        return [Delivery.account_id == freeze.account_id]
    return [Delivery.unit_id.in_(units_below(session, freeze.unit_id))]


def _against(work: Work, delivery: Delivery, choice: Choice, zone: ZoneInfo) -> str:
    """Why it cannot be done so; '' when it can."""
    if isinstance(choice, datetime):
        return unfit(work, delivery, choice, zone)
    breaks_off = choice == "drop" and delivery.state in BEGUN
    if breaks_off and not is_certain(work, delivery, Batch(work.session, [delivery])):
        return "是否已经发出还不能确定，请恢复，由系统向平台核实"
    return ""


def _let_go(work: Work, delivery: Delivery, choice: Choice) -> None:
    if delivery.state in BEGUN:
        _go_on(work, delivery, choice)
        return
    if choice == "drop":
        values = {"state": S.CANCELLED, "next_at": None, "reason": "停发解除时选择不再发布", "done_at": work.now}
        change(work, delivery, (S.HELD,), code=FREEZE, **values)
        work.audit("delivery.cancelled", delivery, reason=values["reason"])
        return
    at = work.now if choice == "now" else max(work.now, delivery.scheduled_at if choice == "keep" else choice)
    change(work, delivery, (S.HELD,), state=S.BOOKED, reason="", code="", **due_at(at))
    work.audit("delivery.resumed", delivery, at=at.isoformat())
    work.emit(Booked(delivery.account_id, at))


def _go_on(work: Work, delivery: Delivery, choice: Choice) -> None:
    """What had begun goes on where it stood, later if so chosen; or what is left of it is sent to nobody."""
    if choice == "drop":
        _break_off(work, delivery)
        return
    at = max(work.now, choice) if isinstance(choice, datetime) else work.now
    change(work, delivery, BEGUN, next_at=at, accepted_at=work.now, reason="", code="")
    work.audit("delivery.resumed", delivery, at=at.isoformat())
    work.emit(Booked(delivery.account_id, at))


def _break_off(work: Work, delivery: Delivery) -> None:
    change(work, delivery, BEGUN, next_at=None)
    end_here(work, delivery, "停发解除时选择不再继续", Batch(work.session, [delivery]))


def _keep(work: Work, delivery: Delivery, why: str) -> None:
    """It could not be put to the time that was chosen: no stop holds it any more, but a person has to go on."""
    reason = (why if why == UNSEEN else f"停发已解除，但未能改期：{why}")[:500]
    change(work, delivery, (S.HELD, *BEGUN), reason=reason, code=REBOOK)
    work.audit("delivery.held", delivery, reason=reason)
    receipts.needs_person(work, delivery, Batch(work.session, [delivery]))


def freeze_for(session: Session, who: Viewer, freeze_id: int) -> Freeze:
    """The stop, when the person may act on it; raises NotFound otherwise."""
    freeze = session.get(Freeze, freeze_id)
    if freeze is None or not who.may(Permission.DELIVERY_ACT, freeze.unit_id):
        raise NotFound
    return freeze


def seen_by(session: Session, who: Viewer) -> list[Freeze]:
    """The stops in force that touch what this person may see or book: of his units, and of those above them."""
    paths = session.scalars(select(Unit.path).where(Unit.id.in_({who.unit_id, *who.units(Permission.DELIVERY_READ)})))
    units = {int(part) for path in paths for part in path.strip("/").split("/")}
    accounts = select(Account.id).where(Account.unit_id.in_(units))
    query = select(Freeze).where(
        Freeze.ended_at.is_(None), or_(Freeze.unit_id.in_(units), Freeze.account_id.in_(accounts))
    )
    return list(session.scalars(query.order_by(Freeze.begun_at)))
