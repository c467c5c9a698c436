"""The demo's WeChat accounts: what the demo says on them passes the product's own checks and answers at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from bot import notices, prepared
from channels.abilities.menus import problems
from channels.accounts import menus
from channels.accounts.models import Account
from channels.adapters.wechat import WeChatChannel
from hub import schema
from hub.db import open_database
from hub.demo import fill
from hub.demo.life import live_in
from hub.settings import Settings


def test_replies_answer_and_a_menu_waits_for_its_signer(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    engine = open_database(settings.database)
    schema.migrate(engine)
    engine.dispose()
    filling = fill._begin(settings)
    try:
        fill._found(filling, "http://127.0.0.1:8001")
        columns = {slug: column.id for slug, column in filling.columns.items()}
        live_in(
            lambda login: fill._by(filling, login),
            fill.AUTHOR,
            fill.SIGNERS[-1],
            columns,
            "https://www.yunjiang.example",
        )
        with filling.hub.works.read() as work:
            found = work.session.scalars(select(Account).where(Account.channel == "wechat")).all()
            assert len(found) == 2
            for account in found:
                welcome = prepared.on_follow(work.session, account.id, work.now)
                hotline = prepared.on_words(work.session, account.id, "热线是多少", work.now)
                assert welcome is not None
                assert hotline is not None
                assert "12345" in hotline.texts[0]
                draft = menus.draft_of(work.session, account.id)
                assert draft is not None
                assert problems(WeChatChannel.menu_limits, menus.buttons_of(draft)) == []
            forms = [notices.form_for(work.session, account.id) for account in found]
            assert [form is not None for form in forms].count(True) == 1
    finally:
        filling.hub.close()
