"""知识库 in the console: who sees which questions, and what one click makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import gateway, learning
from bot.gateway import Arrival
from bot.models import InboundMessage, Lesson
from content.models import Piece, Revision
from hub.auth import tokens
from kernel.clock import StillClock
from kernel.people import Role
from tests.bot.citizens import published, wechat_account
from tests.hub.web.newsroom import Newsroom, open_newsroom

PAGE = "/console/knowledge"


@dataclass
class Asking:
    """A newsroom whose citizens ask what the bot does not know."""

    room: Newsroom
    account: Any
    faq: int
    serial: int = 0

    def ask(self, text: str) -> str:
        """One question that was refused; returns the name of its cluster."""
        self.serial += 1
        now = self.room.hub.clock.now()
        with self.room.hub.works.write() as work:
            arrival = Arrival(gateway.origin_of(self.account.id), f"m{self.serial}", "citizen", "text", text, now)
            received = gateway.receive(work, work.session.merge(self.account), arrival)
            work.session.get_one(InboundMessage, received.inbound_id).outcome = "refuse"
        return learning.digest_of(learning.plain_of(text))

    def fields(self, piece_id: int) -> dict[str, Any]:
        """What is written of a piece now."""
        with self.room.hub.works.read() as work:
            piece = work.session.get_one(Piece, piece_id)
            return dict(work.session.get_one(Revision, piece.revision_id).fields)


@pytest.fixture
def asking(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Asking]:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        faq = published(room.office, "faq", "居住证怎么办理", "到社区。", wordings=["办居住证要什么"])
        room.office.grant("officer", Role.SUPERVISOR)
        with room.hub.works.write() as work:
            account = wechat_account(work, room.hub.seal, room.office.bureau.id)
        yield Asking(room, account, faq)


def test_questions_are_listed_masked_and_only_to_their_unit(asking: Asking) -> None:
    asking.ask("请帮13812345678查居住证进度")
    text = asking.room.desk_of("author").get(PAGE).text
    assert "请帮138****5678查居住证进度" in text
    assert "13812345678" not in text
    assert "提问中有个人信息" in text
    assert "相似问不足" in text
    for login in ("stranger", "reviewer"):
        assert "查居住证进度" not in asking.room.desk_of(login).get(PAGE).text


def test_one_click_makes_a_wording_that_still_has_to_be_signed(asking: Asking) -> None:
    key = asking.ask("居住证怎么办理要带什么")
    author = asking.room.desk_of("author")
    assert "加为“居住证怎么办理”的相似问" in author.get(PAGE).text
    answer = author.send_form(f"{PAGE}/wording", question=key, piece=str(asking.faq))
    assert answer.status_code == 303
    assert asking.fields(asking.faq)["wordings"] == ["办居住证要什么", "居住证怎么办理要带什么"]
    with asking.room.hub.works.read() as work:
        piece = work.session.get_one(Piece, asking.faq)
        assert piece.state == "draft"
        assert work.session.scalars(select(Lesson.act)).all() == ["wording"]
    assert "没有未答的提问" in author.get(PAGE).text
    again = author.send_form(f"{PAGE}/wording", question=key, piece=str(asking.faq))
    assert again.status_code == 409
    assert "已由他人处理" in again.text


def test_what_others_are_signing_is_not_taken_back_by_a_click(asking: Asking) -> None:
    key = asking.ask("居住证怎么办理要带什么")
    office = asking.room.office
    office.save(asking.faq, title="居住证怎么办理", body="<p>到社区。</p>", fields={"wordings": ["办居住证要什么"]})
    office.submit(asking.faq)
    answer = asking.room.desk_of("author").send_form(f"{PAGE}/wording", question=key, piece="居住证怎么办理")
    assert answer.status_code == 409
    assert "请在发布后再加" in answer.text
    assert asking.fields(asking.faq)["wordings"] == ["办居住证要什么"]


def test_one_click_opens_a_draft_with_the_question(asking: Asking) -> None:
    key = asking.ask("养犬证怎么办理")
    column = asking.room.office.columns["faq"].id
    author = asking.room.desk_of("author")
    answer = author.send_form(f"{PAGE}/draft", question=key, column=str(column))
    number = int(re.findall(r"/console/pieces/(\d+)", answer.headers["location"])[0])
    assert asking.fields(number)["wordings"] == ["养犬证怎么办理"]
    assert author.get(f"/console/pieces/{number}").status_code == 200
    assert "请选择常见问题栏目" in author.send_form(f"{PAGE}/draft", question=asking.ask("车位"), column="x").text


def test_a_supervisor_says_whose_it_is_or_that_it_must_not_be_answered(asking: Asking) -> None:
    mine, never = asking.ask("居住证多久能拿到"), asking.ask("彩票怎么中奖")
    officer = asking.room.desk_of("officer")
    refused = officer.send_form(f"{PAGE}/confirm", question=mine, piece="没有的问题")
    assert refused.status_code == 422
    assert "请从列表中选择一个常见问题" in refused.text
    assert officer.send_form(f"{PAGE}/confirm", question=mine, piece="居住证怎么办理").status_code == 303
    assert officer.send_form(f"{PAGE}/foreign", question=never).status_code == 303
    with asking.room.hub.works.read() as work:
        rows = work.session.execute(select(Lesson.text, Lesson.act, Lesson.piece_id).order_by(Lesson.id)).all()
    assert [tuple(row) for row in rows] == [
        ("居住证多久能拿到", "confirmed", asking.faq),
        ("彩票怎么中奖", "foreign", None),
    ]


def test_others_may_not(asking: Asking) -> None:
    key = asking.ask("居住证怎么办理要带什么")
    assert asking.room.desk_of("author").send_form(f"{PAGE}/foreign", question=key).status_code == 403
    assert asking.room.desk_of("reviewer").send_form(f"{PAGE}/wording", question=key).status_code == 403
    stranger = asking.room.desk_of("stranger")
    assert stranger.send_form(f"{PAGE}/wording", question=key, piece=str(asking.faq)).status_code == 409
    with asking.room.hub.works.read() as work:
        assert work.session.scalars(select(Lesson)).all() == []


def test_the_list_is_narrowed(asking: Asking) -> None:
    published(asking.room.office, "faq", "老年证在哪办", "到社区。", wordings=["办居住证要什么"])
    author = asking.room.desk_of("author")
    assert "“办居住证要什么”也是《" in author.get(f"{PAGE}?show=clash").text
    assert "老年证在哪办</a>" not in author.get(f"{PAGE}?q=居住证怎么").text
    assert 'class="table__title" href' not in author.get(f"{PAGE}?q=不存在&page=9").text


def program(asking: Asking, login: str) -> Any:
    """Asks the API as that person's program."""
    with asking.room.hub.works.write() as work:
        _token, text = tokens.create(work, asking.room.office.person(login), "probe")
    browser, head = asking.room.browser(), {"Authorization": f"Bearer {text}"}

    def call(method: str, path: str, **sent: Any) -> Any:
        return browser.request(method, f"/api/v1/knowledge{path}", headers=head, json=sent or None)

    return call


def test_a_program_sees_the_same_and_teaches_the_same(asking: Asking) -> None:
    key = asking.ask("居住证怎么办理要带什么")
    asking.ask("请帮13812345678查居住证进度")
    author, trainer = program(asking, "author"), program(asking, "officer")
    listed = author("GET", "?show=thin").json()
    assert (listed["total"], listed["questions"][0]["wordings"]) == (1, ["办居住证要什么"])
    assert author("GET", "?show=clash").json()["questions"] == []
    asked = author("GET", "/unanswered").json()
    assert asked["waiting"] == 2
    assert {"请帮138****5678查居住证进度"} < {text for one in asked["questions"] for text in one["texts"]}
    offered = next(one for one in asked["questions"] if one["key"] == key)
    assert (offered["near"], offered["clean"], offered["asked"]) == (asking.faq, True, 1)
    assert author("POST", "/wordings", question=key, piece=asking.faq).json() == {"piece": asking.faq}
    assert asking.fields(asking.faq)["wordings"] == ["办居住证要什么", "居住证怎么办理要带什么"]
    assert author("POST", "/wordings", question=key, piece=asking.faq).status_code == 409
    again = asking.ask("狗证在哪里办")
    wrong = author("POST", "/drafts", question=again, column="no-such")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "column")
    assert author("POST", "/foreign", question=again).status_code == 403
    made = author("POST", "/drafts", question=again, column="faq")
    assert made.status_code == 201
    assert asking.fields(made.json()["piece"])["wordings"] == ["狗证在哪里办"]
    alien = asking.ask("今天股票涨了吗")
    assert trainer("POST", "/foreign", question=alien).json() == {"done": True}
    sure = asking.ask("居住证要怎么弄")
    assert trainer("POST", "/confirmed", question=sure, piece=asking.faq).json() == {"piece": asking.faq}
    assert trainer("POST", "/confirmed", question=sure, piece=asking.faq).status_code == 409


def test_a_program_of_another_unit_sees_nothing(asking: Asking) -> None:
    key = asking.ask("居住证怎么办理要带什么")
    stranger = program(asking, "stranger")
    assert stranger("GET", "").json().get("total", 0) == 0
    assert stranger("GET", "/unanswered").json().get("waiting", 0) == 0
    assert stranger("POST", "/wordings", question=key, piece=asking.faq).status_code in (403, 409)
