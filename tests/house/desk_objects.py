"""What people at the live desk keep among themselves, for the routes that have it in their address."""

from __future__ import annotations

from collections.abc import Callable

from bot.team.models import QuickReply
from kernel.people import Unit
from kernel.work import Work
from tests.house.target import Target


def a_quick_reply(work: Work, unit: Unit) -> Target:
    """Ready words of the unit that wait for their approval."""
    row = QuickReply(unit_id=unit.id, title="问候", code="wh", text="您好。", made_at=work.now)
    work.session.add(row)
    work.session.flush()
    return Target({"quick_id": row.id}, form={"title": "问候", "code": "wh", "text": "您好！"})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    f"/console/quick-replies/{{quick_id}}{act}": a_quick_reply for act in ("", "/approve", "/remove")
}
