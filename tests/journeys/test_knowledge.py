"""知识库 in a browser: from a citizen's question to a wording, wide and on a phone, accessible."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from bot import gateway, learning
from bot.engine import EmbeddedEngine
from bot.gateway import Arrival
from bot.models import InboundMessage, Lesson
from kernel.clock import StillClock
from kernel.people import Role
from tests.bot.citizens import published, wechat_account
from tests.journeys.editorial import House, axe, running

ASKED = ("居住证办理要带什么材料", "居住证办理带什么材料", "养犬证怎么办理", "请帮13812345678查居住证进度")


def fill(house: House) -> None:
    """Two questions of the office whose wordings clash, and what citizens asked in vain."""
    office, hub = house.newsroom.office, house.newsroom.hub
    office.grant("author", Role.SUPERVISOR)
    first = published(office, "faq", "居住证怎么办理", "到社区。", wordings=["办居住证要什么", "居住证办理带什么"])
    published(office, "faq", "外地户籍人员办理居住证的条件", "到社区。", wordings=["办居住证要什么"])
    with hub.works.write() as work:
        for text, act in (("居住证在哪里办", "confirmed"), ("彩票怎么中奖", "foreign")):
            digest, piece = learning.digest_of(learning.plain_of(text)), first if act == "confirmed" else None
            lesson = Lesson(unit_id=office.bureau.id, digest=digest, text=text, act=act, piece_id=piece)
            lesson.made_at = work.now
            work.session.add(lesson)
        account = wechat_account(work, hub.seal, office.bureau.id)
        for serial, text in enumerate(ASKED):
            arrival = Arrival(gateway.origin_of(account.id), f"m{serial}", "citizen", "text", text, work.now)
            received = gateway.receive(work, account, arrival)
            work.session.get_one(InboundMessage, received.inbound_id).outcome = "refuse"


@pytest.mark.parametrize("width", [1280, 375])
def test_a_question_becomes_a_wording(
    browser: Browser, sqlite_url: str, tmp_path: Path, clock: StillClock, width: int
) -> None:
    with running(browser, sqlite_url, tmp_path, clock) as house:
        fill(house)
        page = house.desk_of("author", width=width)
        page.goto(f"{house.address}/console/knowledge")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.screenshot(path=tmp_path / f"knowledge-{width}.png", full_page=True)
        engine = house.newsroom.hub.incoming.engine
        assert isinstance(engine, EmbeddedEngine)
        engine.prepare()
        for _again in range(2):
            published(house.newsroom.office, "faq", f"老年证怎么办{_again}", "到社区。", wordings=["办老年证"])
            engine.prepare()
        page.goto(f"{house.address}/console/knowledge/models")
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        page.screenshot(path=tmp_path / f"models-{width}.png", full_page=True)
        page.goto(f"{house.address}/console/knowledge")
        page.click("text=加为“居住证怎么办理”的相似问")
        page.wait_for_url("**/console/pieces/*")
        assert "居住证办理" in page.locator("textarea[name='fields.wordings']").input_value()
        assert house.complaints == []
