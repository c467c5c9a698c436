"""The demo's slots are there to queue for, on the accounts that there are; its desk has classes and ready words."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from bot.team import classes, shifts
from bot.team.models import QuickReply
from channels.accounts.models import Account
from hub import schema
from hub.db import open_database
from hub.demo import fill, reception
from hub.settings import Settings
from scheduler.recurring import slots


def test_the_office_publishes_by_habit(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    engine = open_database(settings.database)
    schema.migrate(engine)
    engine.dispose()
    filling = fill._begin(settings)
    try:
        fill._found(filling, "http://127.0.0.1:8001")
        fill._keep_slots(filling)
        with filling.hub.works.read() as work:
            weibo = work.session.scalars(select(Account).where(Account.code == "weibo")).one()
            found = slots.slots_of(work.session, weibo, filling.units["media"].id)
            assert [slot.name for slot in found] == ["早间播报", "午间提醒"]
        for desk, leaves in zip(reception.DESKS, (14, 8), strict=True):
            unit = filling.units[desk.unit].id
            reception.furnish(lambda login: fill._by(filling, login), desk, unit)
            with filling.hub.works.read() as work:
                assert len([one for one in classes.in_use(work.session, unit) if one.leaf]) == leaves
                assert None not in work.session.scalars(select(QuickReply.approved_at)).all()
        _anybody_is_there_at_any_hour(filling)
    finally:
        filling.hub.close()


def _anybody_is_there_at_any_hour(filling: fill.Filling) -> None:
    """Also of whoever tries the demo in the small hours: a conversation can go to the other desk at once."""
    zone = filling.hub.settings.office_zone
    # The demo is filled at nine in the morning here; it is half past one by then.
    filling.clock.step(hours=16, minutes=30)
    for desk in reception.DESKS:
        reception.plan_shifts(lambda login: fill._by(filling, login), desk, filling.units[desk.unit].id, zone)
    with filling.hub.works.read() as work:
        for hours in range(48):
            at = work.now + timedelta(hours=hours)
            assert all(shifts.on_now(work.session, filling.units[desk.unit].id, at) for desk in reception.DESKS), at
