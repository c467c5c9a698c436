"""The demo's slots are there to queue for, on the accounts that there are; its desk has classes and ready words."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot.team import classes
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
        centre = filling.units["service_centre"].id
        reception.furnish(lambda login: fill._by(filling, login), "wujiayi", "sunlihua", centre)
        with filling.hub.works.read() as work:
            assert len([one for one in classes.in_use(work.session, centre) if one.leaf]) == 14
            assert None not in work.session.scalars(select(QuickReply.approved_at)).all()
    finally:
        filling.hub.close()
