"""Whether a claimed delivery may leave now; if not, it is held or dropped, and somebody is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from channels.accounts.models import Account
from content.models import Release
from kernel.work import Work
from scheduler import offline, receipts
from scheduler.batch import CHANGES, Batch
from scheduler.breaking_off import end_here, is_certain
from scheduler.due import put_to
from scheduler.figures import MISSED
from scheduler.identity import next_free
from scheduler.models import Delivery
from scheduler.posts import hindrance
from scheduler.states import DeliveryState, PlacementState
from scheduler.windows import FREEZE, QUIET, STOPPED, goes_on, quiet_hours, rings, stopping

S = DeliveryState
WITHDRAWN = "withdrawn"
CHANGED = "changed"
CHANGING = "该稿件在此账号上另有一次更正或刷新正在进行，有了结果再发"
OUTDATED = "该账号上显示的已是更新的版本，这次更正不再发出"


def kept_back(work: Work, delivery: Delivery, batch: Batch, zone: ZoneInfo) -> bool:
    """Whether it may not leave now: nothing to take back, stopped, unsigned, outside its window, missed by too much, in
    quiet hours, or rehearsal and reality have changed places since it was booked.

    One that has begun to leave is only kept back by a stop and by quiet hours, where asking goes on with sending:
    what is left of it goes on when they end.
    """
    begun = delivery.state != S.BOOKED
    held = delivery.state == S.HELD  # A moment ago, by a withdrawal of the same claim.
    kept = held or (
        not begun
        and (
            _in_the_other_world(work, delivery, batch)
            or _off_line(work, delivery, batch)
            or _taken_back(work, delivery, batch)
            or _to_be_taken_back(work, delivery, batch)
            or _overtaken(work, delivery, batch)
            or _frozen(work, delivery, batch)
            or _missed(work, delivery, batch)
            or _hindered(work, delivery, batch)
        )
    )
    in_rounds = begun and not held and goes_on(delivery.channel)
    kept = kept or (in_rounds and (_asked_back(work, delivery, batch) or _frozen(work, delivery, batch)))
    kept = kept or _quiet(work, delivery, batch, zone)
    if kept:
        delivery.claimed_by = delivery.claimed_until = None
    return kept


def spoiled(work: Work, delivery: Delivery, batch: Batch, failure: Exception) -> None:
    """Keeps a delivery whose release this version cannot read; one sent already is only no longer asked about."""
    why = f"发布内容无法读取：{type(failure).__name__}: {failure}"
    if delivery.state == S.SENDING:
        delivery.attempts -= 1
    waiting = delivery.state in (S.BOOKED, S.SENDING)
    _stop(work, delivery, batch, S.HELD if waiting else S(delivery.state), why, "content")
    delivery.claimed_by = delivery.claimed_until = None


def _off_line(work: Work, delivery: Delivery, batch: Batch) -> bool:
    why = offline.held_up(work, delivery, batch) if delivery.action == "withdraw" else ""
    if why == "nothing":
        _stop(work, delivery, batch, S.CANCELLED, offline.NOTHING, offline.OFFLINE)
    return bool(why)


def _taken_back(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """What was withdrawn since this was booked goes out nowhere by itself; what is withdrawn here is not corrected."""
    if delivery.action == "withdraw" or delivery.rehearses is not None:
        return False
    going = batch.going(delivery)
    if delivery.action in CHANGES:
        places = [batch.placement(piece.id, delivery.account_id) for _item, _release, piece in going]
        if not any(place is not None and place.state == PlacementState.WITHDRAWN for place in places):
            return _waits_for_withdrawal(work, delivery, batch)
        _stop(work, delivery, batch, S.CANCELLED, "该账号上的稿件已撤下，不再更正", WITHDRAWN)
        return True
    decided = [
        (batch.taken_back.get(piece.id), max(delivery.created_at, release.submitted_at))
        for _item, release, piece in going
    ]
    if not any(taken is not None and taken > at for taken, at in decided):
        return False
    why = "安排之后稿件已在其他账号撤稿，没有自动发出；确需在此发布的，请取消本任务后重新安排"
    _stop(work, delivery, batch, S.HELD, why, WITHDRAWN)
    return True


def _waits_for_withdrawal(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """What is just being taken back is corrected only if that comes to nothing."""
    if not any(at <= work.now for at, _asked in _withdrawals(delivery, batch)):
        return False
    delivery.next_at, delivery.reason = work.now + offline.LOOK_AGAIN, "该稿件正在此账号撤稿，撤下后不再更正"
    return True


def _overtaken(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """One change of a piece at a time on an account, and none goes back behind what shows there by now.

    A platform on which a correction is a new article must be told which one it replaces: of two that leave together
    each would replace the same, and one of the new ones would stand there beside the other for good.
    """
    if delivery.action not in CHANGES:
        return False
    going = batch.going(delivery)
    if any((piece.id, delivery.account_id) in batch.changing for _item, _release, piece in going):
        delivery.next_at, delivery.reason = work.now + offline.LOOK_AGAIN, CHANGING
        return True
    for item, release, piece in going:
        place = batch.placement(piece.id, delivery.account_id)
        if place is None or place.release_id == release.id:
            continue
        if delivery.action == "refresh":
            shown = work.session.get_one(Release, place.release_id)
            batch.draws(delivery, item, shown)
            next_free(work.session, delivery, [one.id for _item, one, _piece in batch.items(delivery)])
            work.audit("delivery.follows_release", delivery, release=shown.hash)
        elif release.id < place.release_id:
            _stop(work, delivery, batch, S.CANCELLED, OUTDATED, CHANGED)
            return True
    return False


def changes(delivery: Delivery, batch: Batch) -> None:
    """Notes what a correction or redrawing that is about to leave changes."""
    if delivery.action in CHANGES:
        batch.changing.update((piece.id, delivery.account_id) for _item, _release, piece in batch.going(delivery))


def _withdrawals(delivery: Delivery, batch: Batch) -> list[tuple[datetime, datetime]]:
    return [
        one
        for _i, _r, piece in batch.going(delivery)
        for one in batch.withdrawals.get((piece.id, delivery.account_id), ())
    ]


def _asked_back(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """What goes out in rounds ends where it stands once it is to be taken back, if it is sure whom it reached."""
    asked_back = any(at <= work.now and asked >= delivery.created_at for at, asked in _withdrawals(delivery, batch))
    if delivery.action == "withdraw" or not asked_back or not is_certain(work, delivery, batch):
        return False
    end_here(work, delivery, "撤稿时不再继续", batch)
    return True


def _to_be_taken_back(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """What has not gone out does not go out any more once its withdrawal, asked for since, is due here."""
    if delivery.action not in STOPPED:
        return False
    if not any(at <= work.now and asked >= delivery.created_at for at, asked in _withdrawals(delivery, batch)):
        return False
    _stop(work, delivery, batch, S.HELD, offline.TOO_LATE, offline.OFFLINE)
    return True


def _frozen(work: Work, delivery: Delivery, batch: Batch) -> bool:
    freeze = stopping(work.session, delivery, batch.freezes)
    if freeze is None:
        return False
    begun = delivery.state != S.BOOKED
    delivery.state = S.HELD if not begun else delivery.state
    delivery.next_at, delivery.reason, delivery.code = None, freeze.words, FREEZE
    work.audit("delivery.paused" if begun else "delivery.held", delivery, reason=freeze.words)
    return True


def _quiet(work: Work, delivery: Delivery, batch: Batch, zone: ZoneInfo) -> bool:
    if delivery.emergency or not rings(delivery.channel, delivery.action):
        return False
    hours = quiet_hours(work.session, delivery.unit_id, work.now, zone)
    until = hours.until(work.now)
    if until is None:
        return False
    hour = until.astimezone(zone)
    why = f"免打扰时段（{hours.words()}）不推送，{hour:%m-%d %H:%M} 自动发出"
    if delivery.state != S.BOOKED:
        delivery.next_at, delivery.reason, delivery.code = until, why, QUIET
        work.audit("delivery.paused", delivery, reason=why, until=until.isoformat())
    elif any(hindrance(delivery, release, until) for _item, release, _piece in batch.going(delivery)):
        why = f"免打扰时段（{hours.words()}）不推送，而签发的时间窗在 {hour:%m-%d %H:%M} 之前结束"
        _stop(work, delivery, batch, S.HELD, why, QUIET)
    else:
        # Its time moves too, so that it is neither late nor missed while it waits.
        put_to(delivery, until)
        delivery.state, delivery.reason, delivery.code = S.HELD, why, QUIET
        work.audit("delivery.held", delivery, reason=why, until=until.isoformat())
    return True


def _in_the_other_world(work: Work, delivery: Delivery, batch: Batch) -> bool:
    why = other_world(batch.account(delivery.signed_account), delivery)
    if why:
        _stop(work, delivery, batch, S.HELD, why, "rehearsal")
    return bool(why)


def other_world(account: Account, delivery: Delivery) -> str:
    """Why it must not leave while the signed account is, or is no longer, in rehearsal; '' when it may."""
    if account.rehearsal and not delivery.rehearses:
        return "账号正在演练，真实发布暂缓；退出演练后请由人恢复"
    if delivery.rehearses and not account.rehearsal:
        return "账号已退出演练，演练任务不再发送；要真实发布请重新安排"
    return ""


def _hindered(work: Work, delivery: Delivery, batch: Batch) -> bool:
    going = batch.going(delivery)
    hindered = [(item, found) for item, release, _ in going if (found := hindrance(delivery, release, work.now))]
    if not hindered:
        return False
    if delivery.unsigned == "drop" and len(going) > len(hindered):
        for item, found in hindered:
            item.dropped = found.reason
            work.audit("delivery.item_dropped", delivery, piece=item.piece_id, reason=found.reason)
        return False
    first = hindered[0][1]
    state = S.CANCELLED if delivery.unsigned == "drop" else S.HELD
    _stop(work, delivery, batch, state, first.reason, first.code)
    return True


def _missed(work: Work, delivery: Delivery, batch: Batch) -> bool:
    """Counted from the time people last decided on, however often it was tried since: what is booked is nowhere yet."""
    if delivery.missed_after is None or delivery.missed_act == "send":
        return False
    late = work.now - delivery.scheduled_at
    if late <= timedelta(minutes=delivery.missed_after):
        return False
    why = f"超过预定时间 {int(late.total_seconds() // 60)} 分钟"
    _stop(work, delivery, batch, S.HELD if delivery.missed_act == "hold" else S.CANCELLED, why, MISSED)
    return True


def _stop(work: Work, delivery: Delivery, batch: Batch, state: DeliveryState, why: str, code: str) -> None:
    delivery.state, delivery.next_at, delivery.reason, delivery.code = state, None, why, code
    if state == S.CANCELLED:
        delivery.done_at = work.now
    work.audit(f"delivery.{state.value}", delivery, reason=why)
    receipts.needs_person(work, delivery, batch)
