"""The demo's slots are there to queue for, on the accounts that there are."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from channels.accounts.models import Account
from hub import schema
from hub.db import open_database
from hub.demo import fill
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
    finally:
        filling.hub.close()
