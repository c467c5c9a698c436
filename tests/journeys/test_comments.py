"""Comments in a browser: the list and one comment, wide and on a phone, accessible, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bot.comments.models import Comment, CommentAnswer, CommentThread
from channels.accounts import store as accounts
from kernel.clock import StillClock
from kernel.people import Role
from tests.journeys.editorial import House, axe, running

WORDS = ("请问今年停暖是几号？家里有老人，想提前准备。", "谢谢，很及时！", "再不解决我就跳楼")


def fill(house: House) -> int:
    """An item with three comments; the first one's number."""
    office, hub = house.newsroom.office, house.newsroom.hub
    office.grant("officer", Role.SUPERVISOR)
    piece = office.piece(by="author")
    with hub.works.write() as work:
        account = accounts.add(
            work, hub.seal, unit_id=office.bureau.id, channel="wechat", name="云州住建", code="wx-j", base_url=""
        )
        thread = CommentThread(
            unit_id=office.bureau.id, account_id=account.id, piece_id=piece.id, title=piece.title,
            url="https://mp.example/s/1", data={"msg_data_id": 1, "idx": 1}, live_at=work.now, heard_at=work.now,
            next_at=None,
        )  # fmt: skip
        work.session.add(thread)
        work.session.flush()
        rows = [
            Comment(
                unit_id=office.bureau.id, thread_id=thread.id, account_id=account.id, remote_id=str(number), text=text,
                at=work.now, heard_at=work.now, due_at=work.now, urgent_told=0,
                urgent_at=work.now if "跳楼" in text else None, urgent_word="跳楼" if "跳楼" in text else "",
            )
            for number, text in enumerate(WORDS)
        ]  # fmt: skip
        work.session.add_all(rows)
        work.session.flush()
        work.session.add(
            CommentAnswer(
                comment_id=rows[0].id, text="4 月 7 日停暖。", state="unknown", reason="连接平台超时", at=work.now
            )
        )
        return rows[0].id


@pytest.mark.parametrize("width", [1280, 375])
def test_the_pages_are_accessible_and_fit(
    browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock, width: int
) -> None:
    with running(browser, sqlite_url, tmp_path, clock) as house:
        first = fill(house)
        page = house.desk_of("officer", width=width)
        for path in ("", f"/{first}", f"/{first + 2}", "?thread=1"):
            page.goto(f"{house.address}/console/comments{path}")
            assert axe(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
            page.screenshot(
                path=tmp_path / f"comments-{width}{path.replace('/', '-').replace('?', '-')}.png", full_page=True
            )
        assert house.complaints == []
