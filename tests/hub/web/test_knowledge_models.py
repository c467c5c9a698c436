"""知识库 → 模型 in the console: figures, testing again, taking into service with a reason, going back."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import learning
from bot.engine import EmbeddedEngine
from bot.models import BotModel, Lesson
from hub.incoming import LEARN
from hub.notices import Notice
from kernel import duties
from kernel.clock import StillClock
from kernel.duties import DutyMark
from kernel.people import Role
from tests.bot.citizens import published
from tests.bot.test_engine import LOST
from tests.hub.web.newsroom import Newsroom, open_newsroom

PAGE = "/console/knowledge/models"


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    """One model in service, and one that lost what the first could answer."""
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        room.office.grant("officer", Role.SUPERVISOR)
        lost = published(room.office, "faq", "身份证丢了怎么补办", "到派出所。", wordings=list(LOST))
        learn(room)
        with room.hub.works.write() as work:
            for text, act, piece in (("我的身份证掉了", "confirmed", lost), ("彩票怎么中奖", "foreign", None)):
                digest = learning.digest_of(learning.plain_of(text))
                unit = room.office.bureau.id
                made = Lesson(unit_id=unit, digest=digest, text=text, act=act, piece_id=piece, made_at=work.now)
                work.session.add(made)
        clash = ["我的身份证掉了呀", "我身份证掉了", "我的身份证掉"]
        published(room.office, "faq", "证件掉了找谁", "找客服。", wordings=clash)
        learn(room)
        yield room


def learn(room: Newsroom) -> None:
    engine = room.hub.incoming.engine
    assert isinstance(engine, EmbeddedEngine)
    engine.look = 0.0
    engine.prepare()


def states(room: Newsroom) -> list[str]:
    with room.hub.works.read() as work:
        return list(work.session.scalars(select(BotModel.state).order_by(BotModel.id)))


def test_figures_are_drawn_with_the_reasons_and_told(room: Newsroom) -> None:
    text = room.desk_of("officer").get(PAGE).text
    (drawn,) = [json.loads(html.unescape(found)) for found in re.findall(r"data-chart='([^']*)'", text)]
    assert drawn["series"][0]["values"] == [0.0]
    assert "原来答对的检验题有 1 道不再答对：“我的身份证掉了”。" in text
    assert "使用中" in text
    assert "仍要上线" in text
    with room.hub.works.read() as work:
        told = set(work.session.scalars(select(Notice.person_id).where(Notice.kind == "model.refused")))
    assert told == {room.office.person("officer").id}


def test_what_was_not_let_through_goes_in_only_with_a_reason_and_back_by_one_act(room: Newsroom) -> None:
    officer = room.desk_of("officer")
    refused = officer.send_form(f"{PAGE}/promote", number="2")
    assert refused.status_code == 422
    assert "须填写理由" in refused.text
    assert states(room) == ["current", "refused"]
    assert officer.send_form(f"{PAGE}/promote", number="2", reason="新口径").status_code == 303
    assert states(room) == ["previous", "current"]
    assert room.hub.incoming.engine.understand("我的身份证掉了", "s").model == 2
    assert officer.send_form(f"{PAGE}/rollback", reason="").status_code == 422
    assert officer.send_form(f"{PAGE}/rollback", reason="答错了").status_code == 303
    assert states(room) == ["current", "refused"]
    assert room.hub.incoming.engine.understand("我的身份证掉了", "s").model == 1
    text = officer.get(PAGE).text
    assert "已回退到模型 1" in text
    assert "理由：答错了" in text
    assert officer.send_form(f"{PAGE}/rollback", reason="再退").status_code == 409


def test_a_model_is_tested_again_by_todays_questions(room: Newsroom) -> None:
    officer = room.desk_of("officer")
    with room.hub.works.write() as work:
        work.session.execute(Lesson.__table__.delete().where(Lesson.act == "confirmed"))
    assert officer.send_form(f"{PAGE}/test", number="2").status_code == 303
    assert states(room) == ["current", "candidate"]
    assert officer.send_form(f"{PAGE}/test", number="99").status_code == 422
    assert officer.send_form(f"{PAGE}/promote", number="x").status_code == 422
    assert officer.send_form(f"{PAGE}/promote", number="2").status_code == 303


def test_training_is_a_duty_of_the_background(room: Newsroom, clock: StillClock) -> None:
    duties.due(room.hub.works, room.hub.duties)
    with room.hub.works.write() as work:
        mark = work.session.scalars(select(DutyMark).where(DutyMark.name == LEARN)).one()
        mark.due_at = work.now.replace(year=2030)
    assert room.desk_of("officer").send_form(f"{PAGE}/train").status_code == 303
    with room.hub.works.read() as work:
        assert work.session.scalars(select(DutyMark.due_at).where(DutyMark.name == LEARN)).one() == work.now


def test_others_do_not_come_in(room: Newsroom) -> None:
    for login in ("author", "stranger", "reviewer"):
        assert room.desk_of(login).get(PAGE).status_code == 403
        assert room.desk_of(login).send_form(f"{PAGE}/promote", number="2", reason="x").status_code == 403
    assert states(room) == ["current", "refused"]
