"""What people at the live desk keep among themselves, for the routes that have it in their address."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta

from bot.team.models import Handover, QuickReply, Shift, Turn
from kernel.people import Person, Unit
from kernel.work import Work
from tests.house.target import Target


def a_quick_reply(work: Work, unit: Unit) -> Target:
    """Ready words of the unit that wait for their approval."""
    row = QuickReply(unit_id=unit.id, title="问候", code="wh", text="您好。", made_at=work.now)
    work.session.add(row)
    work.session.flush()
    return Target({"quick_id": row.id}, form={"title": "问候", "code": "wh", "text": "您好！"})


def a_shift(work: Work, unit: Unit) -> Target:
    """A shift of the unit with somebody on tomorrow."""
    person = Person(unit_id=unit.id, name="坐席", login=f"on-{secrets.token_hex(4)}")
    shift = Shift(unit_id=unit.id, name="早班", begins="09:00", ends="12:00")
    work.session.add_all([person, shift])
    work.session.flush()
    starts = work.now + timedelta(days=1)
    turn = Turn(
        unit_id=unit.id, shift_id=shift.id, person_id=person.id, day=starts.date(), starts_at=starts,
        ends_at=starts + timedelta(hours=3),
    )  # fmt: skip
    work.session.add(turn)
    work.session.flush()
    return Target({"shift_id": shift.id, "turn_id": turn.id})


def a_handover(work: Work, unit: Unit) -> Target:
    """What somebody of the unit handed over and nobody has taken."""
    person = Person(unit_id=unit.id, name="坐席", login=f"off-{secrets.token_hex(4)}")
    work.session.add(person)
    work.session.flush()
    made = Handover(unit_id=unit.id, from_id=person.id, made_at=work.now)
    work.session.add(made)
    work.session.flush()
    return Target({"handover_id": made.id})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    **{f"/console/quick-replies/{{quick_id}}{act}": a_quick_reply for act in ("", "/approve", "/remove")},
    "/console/shifts/{shift_id}/remove": a_shift,
    "/console/shifts/turns/{turn_id}/remove": a_shift,
    "/console/shifts/handovers/{handover_id}": a_handover,
    "/console/shifts/handovers/{handover_id}/take": a_handover,
}
