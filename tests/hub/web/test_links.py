"""死链巡查 in the console: a dead link stops the submission, dies on a public page, and comes alive again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from content import links, public
from content.models import LinkCheck
from hub.notices import Notice
from kernel.clock import StillClock
from tests.hub.web.newsroom import Newsroom, open_newsroom

DEAD = "https://old.yunzhou.gov.cn/gone"
BODY = f'<p>请见<a href="{DEAD}">这里</a>，以及后续的补充说明。</p>'


@dataclass
class Watched:
    """A newsroom, and what addresses outside answer."""

    room: Newsroom
    answers: dict[str, int]


@pytest.fixture
def watched(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Watched]:
    """Every address answers 200 until told otherwise."""
    given: dict[str, int] = {}
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        transport = httpx.MockTransport(lambda request: httpx.Response(given.get(str(request.url), 200)))
        room.hub.patrol.http = httpx.Client(transport=transport)
        room.hub.patrol.enabled = True
        yield Watched(room, given)


def test_a_dead_link_stops_the_submission_until_it_answers(watched: Watched) -> None:
    room = watched.room
    watched.answers[DEAD] = 404
    piece = room.office.piece()
    words = {"title": "供热通知", "body": BODY, "targets": str(room.office.accounts["portal"].id), "act": "submit"}
    answer = room.desk_of("author").send_form(f"/console/pieces/{piece.id}", version=str(piece.version), **words)
    assert answer.status_code == 422
    assert "链接打不开（对方返回 404，页面不存在）" in answer.text
    watched.answers[DEAD] = 200
    assert room.hub.patrol.again(DEAD).state == "alive"
    with room.hub.works.read() as work:
        version = work.session.get_one(type(piece), piece.id).version
    answer = room.desk_of("author").send_form(f"/console/pieces/{piece.id}", version=str(version), **words)
    assert answer.status_code == 303


def test_a_link_that_dies_once_public_is_told_listed_and_asked_again(watched: Watched, clock: StillClock) -> None:
    room = watched.room
    release = room.office.signed_release(title="供热通知", body=BODY)
    with room.hub.works.write() as work:
        public.reserve_place(work, release.id)
        public.went_live(work, release.id, work.now)
    assert room.hub.patrol.round() == 1
    assert "没有发现打不开的链接" in room.desk_of("author").get("/console/links").text
    watched.answers[DEAD] = 410
    clock.step(hours=25)
    assert room.hub.patrol.round() == 1
    with room.hub.works.read() as work:
        told = set(work.session.scalars(select(Notice.kind).where(Notice.person_id == room.office.people["author"].id)))
    assert "links.died" in told
    author, stranger = room.log_in("author"), room.log_in("stranger")
    page = author.get("/console/links").text
    assert DEAD in page
    assert "供热通知" in page
    assert DEAD not in stranger.get("/console/links").text
    watched.answers[DEAD] = 200
    address = f"/console/links/{links.digest_of(DEAD)}/ask"
    assert stranger.send_form(address).status_code == 404
    assert author.send_form(address).status_code == 303
    assert DEAD not in author.get("/console/links").text


def test_a_save_asks_in_the_background(watched: Watched) -> None:
    watched.answers[DEAD] = 404
    room = watched.room
    piece = room.office.piece(body=BODY)
    room.hub.patrol.soon(piece.id)
    room.hub.patrol.pool.shutdown(wait=True)
    with room.hub.works.read() as work:
        assert work.session.scalars(select(LinkCheck.state)).all() == ["dead"]
