"""登记外发 through the web, against the rehearsal platform: found, linked, registered, signed later, gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.adapters.wechat import WeChatChannel
from channels.rehearsal.config import RehearsalConfig
from content.models import Piece, Release
from content.snapshot import Target
from hub.notices import Notice
from scheduler import booking
from scheduler.booking import Order
from scheduler.errors import AlreadyBooked
from scheduler.models import Placement
from scheduler.outside.models import InventoryRun, MissingPlacement, OutsidePiece
from scheduler.previews.models import Preview
from tests.channels.harness import MovingClock
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal, serving
from tests.factories import picture_bytes
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture(scope="module")
def running() -> Iterator[Rehearsal]:
    """The platforms."""
    with serving(RehearsalConfig.demo()) as rehearsal:
        yield rehearsal


@dataclass
class Desk:
    """The newsroom and its account, on which somebody also publishes by hand."""

    room: Newsroom
    account: Account
    rehearsal: Rehearsal
    clock: MovingClock

    def at(self, moment: str) -> None:
        """Sets both clocks."""
        self.clock.offset = timedelta(seconds=self.rehearsal.control("clock", to=moment)["offset"])

    def outside(self, title: str = "手工发布的通知", *, mass: bool = False) -> dict[str, Any]:
        """Somebody publishes in the platform's own console."""
        caller = self.rehearsal.wechat()
        file = {"media": ("a.png", picture_bytes())}
        cover = caller.raw("cgi-bin/material/add_material", params={"type": "image"}, files=file)["media_id"]
        article = {"title": title, "content": "<p>平台上的正文</p>", "thumb_media_id": cover, "author": "值班"}
        draft = caller("draft/add", articles=[article])["media_id"]
        kind = "mass_send" if mass else "publish"
        before = len(self.rehearsal.ledger(kind))
        if mass:
            to_all = {"is_to_all": True}
            caller("message/mass/sendall", filter=to_all, msgtype="mpnews", mpnews={"media_id": draft})
        else:
            caller("freepublish/submit", media_id=draft)
        line: dict[str, Any] = self.rehearsal.wait_for(kind, before + 1)[-1]["data"]
        return line

    def compare(self) -> None:
        """The duty, once."""
        next(duty for duty in self.room.hub.duties if duty.name == "outside.compare").run()

    def rows(self, model: Any) -> list[Any]:
        """All of a table."""
        with self.room.hub.works.read() as work:
            return list(work.session.scalars(select(model)))

    def release(self) -> Release:
        """A signed piece for the account."""
        target = Target(self.account.id, self.account.name, "wechat", "layout", "publish")
        piece = self.room.office.piece()
        return self.room.office.sign_off(self.room.office.submit(piece.id, targets=[target]).id)


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, running: Rehearsal) -> Iterator[Desk]:
    """On the afternoon of a Monday."""
    running.control("reset")
    clock = MovingClock()
    clock.offset = timedelta(seconds=running.control("clock", to="2030-03-04T15:00:00+08:00")["offset"])
    where = {"allowed_private": running.url.removeprefix("http://")}
    with open_newsroom(sqlite_url, tmp_path, clock, **where) as room:
        with room.hub.works.write() as work:
            about = {"base_url": f"{running.url}/wechat", "credentials": {"appid": APPID, "secret": SECRET}}
            for other in work.session.scalars(select(Account)):
                other.active = False
            unit_id = room.office.bureau.id
            account = accounts.add(
                work, room.hub.seal, unit_id=unit_id, channel="wechat", name="云州住建号", code="wx", **about
            )
        yield Desk(room, account, running, clock)


def test_what_somebody_published_by_hand_is_found_once_and_told(desk: Desk) -> None:
    made = desk.outside()
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    assert (row.title, row.url, row.author, row.state) == (
        "手工发布的通知", made["articles"][0]["url"], "值班", "open",
    )  # fmt: skip
    assert "平台上的正文" in row.body
    assert row.due_at.astimezone(UTC) == datetime(2030, 3, 7, 9, 30, tzinfo=UTC)
    assert "手工发布的通知" in desk.room.desk_of("officer").get("/console/outside").text
    assert [one.kind for one in desk.rows(Notice)].count("outside.differs") >= 1
    desk.compare()
    assert len(desk.rows(InventoryRun)) == 1
    desk.at("2030-03-06T09:00:00+08:00")
    desk.compare()
    (again,) = desk.rows(OutsidePiece)
    assert again.data["msg_data_id"] == made["msg_data_id"], "the statistics name the same article"
    assert again.notified is False


def test_a_mass_send_of_somebody_else_is_found_in_the_statistics(desk: Desk) -> None:
    desk.outside("手工群发", mass=True)
    desk.compare()
    assert desk.rows(OutsidePiece) == []
    desk.at("2030-03-05T09:00:00+08:00")
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    assert (row.title, row.notified, row.body) == ("手工群发", True, "")
    assert "平台没有提供正文" in desk.room.desk_of("officer").get(f"/console/outside/{row.id}").text


def test_before_three_nothing_is_compared_and_a_platform_that_is_away_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.at("2030-03-05T02:00:00+08:00")
    desk.outside()
    desk.compare()
    assert desk.rows(InventoryRun) == []
    desk.at("2030-03-05T03:30:00+08:00")
    desk.rehearsal.control("faults", kind="http_5xx", platform="wechat", path="cgi-bin/freepublish/batchget")
    desk.compare()
    assert desk.rows(InventoryRun)[0].fault
    assert "会自动再试" in desk.room.desk_of("officer").get("/console/outside").text
    with monkeypatch.context() as broken:
        broken.setattr(WeChatChannel, "inventory", lambda *_: {}["content"])
        desk.compare()
    assert "KeyError" in desk.rows(InventoryRun)[0].fault
    desk.compare()
    assert len(desk.rows(OutsidePiece)) == 1
    assert desk.rows(InventoryRun)[0].fault == ""


def test_it_is_registered_with_the_platforms_time_and_signed_later(desk: Desk) -> None:
    desk.outside()
    desk.at("2030-03-04T16:30:00+08:00")
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    author = desk.room.desk_of("author")
    wrong = author.send_form(f"/console/outside/{row.id}/register", column="")
    assert wrong.status_code == 422
    column = desk.room.office.columns["notices"].id
    assert author.send_form(f"/console/outside/{row.id}/register", column=column).status_code == 303
    (piece,) = desk.rows(Piece)
    (place,) = desk.rows(Placement)
    assert (piece.origin, piece.state, piece.title) == ("outside", "review", "手工发布的通知")
    assert piece.first_published_at == row.published_at == place.live_at
    assert place.url == row.url
    assert desk.rows(Preview) == []
    assert author.send_form(f"/console/outside/{row.id}/register", column=column).status_code == 409
    assert "补签进度" in author.get(f"/console/outside/{row.id}").text
    desk.room.office.works = desk.room.hub.works
    desk.room.office.sign_off(piece.release_id)
    (piece,) = desk.rows(Piece)
    assert piece.state == "live"
    assert desk.rows(OutsidePiece)[0].signed_at is not None
    desk.at("2030-03-05T09:00:00+08:00")
    desk.compare()
    assert len(desk.rows(OutsidePiece)) == 1, "what is registered is ours from then on"
    with pytest.raises(AlreadyBooked), desk.room.office.working("officer") as (work, who):
        booking.book(work, who, Order((piece.id,), desk.account.id, "publish"), "https://x.example")


def test_it_is_linked_to_a_signed_piece_and_not_to_an_unsigned_one(desk: Desk) -> None:
    release = desk.release()
    draft = desk.room.office.piece(title="草稿")
    desk.outside()
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    officer = desk.room.desk_of("officer")
    refused = officer.send_form(f"/console/outside/{row.id}/link", piece=draft.id)
    assert refused.status_code == 422
    assert "已签发" in refused.text
    assert officer.send_form(f"/console/outside/{row.id}/link", piece=release.piece_id).status_code == 303
    (place,) = desk.rows(Placement)
    assert (place.piece_id, place.release_id, place.url) == (release.piece_id, release.id, row.url)
    assert place.data["article_id"]


def test_what_is_set_aside_needs_a_reason_and_a_deadline_that_passed_is_told(desk: Desk) -> None:
    desk.outside("甲")
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    desk.at("2030-03-08T09:00:00+08:00")
    desk.compare()
    assert "outside.due" in [one.kind for one in desk.rows(Notice)]
    officer = desk.room.desk_of("officer")
    assert "已超时" in officer.get("/console/outside?state=late").text
    assert officer.send_form(f"/console/outside/{row.id}/dismiss", reason=" ").status_code == 422
    assert officer.send_form(f"/console/outside/{row.id}/dismiss", reason="测试稿，已删除").status_code == 303
    assert "甲" not in officer.get("/console/outside?state=late").text


def test_what_we_believe_live_but_is_gone_is_shown_to_a_person(desk: Desk) -> None:
    release = desk.release()
    made = desk.outside()
    desk.compare()
    (row,) = desk.rows(OutsidePiece)
    officer = desk.room.desk_of("officer")
    officer.send_form(f"/console/outside/{row.id}/link", piece=release.piece_id)
    take_down = f"wechat/{APPID}/publications/{made['publish_id']}"
    desk.rehearsal.control(take_down, status=5)
    desk.at("2030-03-05T09:00:00+08:00")
    desk.compare()
    (missing,) = desk.rows(MissingPlacement)
    officer = desk.room.log_in("officer")
    assert "平台上已看不到" in officer.get("/console/outside").text
    assert desk.rows(Placement)[0].state == "live", "a person says so, not a number"
    address = f"/console/outside/missing/{missing.id}"
    assert officer.send_form(address, act="gone", reason="").status_code == 422
    assert officer.send_form(address, act="gone", reason="后台已删除").status_code == 303
    assert desk.rows(Placement)[0].state == "withdrawn"
    assert officer.send_form(address, act="there", reason="再看").status_code == 409
