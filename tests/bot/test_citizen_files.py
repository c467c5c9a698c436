"""Citizens' files: awaited with their message, fetched outside any work, checked, kept, or said to be lost and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot import gateway, store
from bot.citizen_files.checking import NotWhatItSays, check, check_upload
from bot.citizen_files.dropping import drop_forgotten
from bot.citizen_files.fetching import Fetcher
from bot.citizen_files.models import CitizenFile
from bot.citizen_files.states import FileState
from bot.gateway import Arrival, Received
from bot.personal import forgetting
from channels.abilities.citizens_files import HandsOutFiles, NoLongerThere, TooLarge
from channels.accounts.models import Account
from channels.base import AccountInfo
from channels.errors import ChannelError, Retryable, Throttled, Unauthorised
from content.models import Asset, Piece
from kernel.clock import StillClock
from kernel.seal import Seal
from tests.bot.conftest import Desk
from tests.factories import picture_bytes

AMR = b"#!AMR\n" + bytes(32)
FILM = b"\x00\x00\x00\x18ftypmp42" + bytes(32)
ATTACHED = {"name": "a.mp4", "media_type": "video/mp4", "size": 1, "created_by": 1, "created_at": StillClock().now()}


@dataclass
class Handing(HandsOutFiles):
    """Stands for an account's adapter that hands out one file, or fails as told."""

    desk: Desk
    gives: bytes | ChannelError | Exception = b""
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, account: AccountInfo) -> Any:
        return self

    def hand_out(self, handle: str, most: int) -> bytes:
        self.asked.append((handle, most))
        # Another may write meanwhile: on SQLite this waits for ever where a work is still open.
        with self.desk.works.write():
            pass
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


@pytest.fixture
def handing(desk: Desk) -> Handing:
    return Handing(desk)


def fetcher(desk: Desk, handing: Any) -> Fetcher:
    return Fetcher(desk.works, Seal(b"x" * 43 + b"="), handing, desk.office.blobs)


def sends(desk: Desk, kind: str = "image", handle: str = "m-1", key: str = "k1") -> Received:
    """A citizen sends a file, of which the platform pushes the number."""
    media = {"media_id": handle} if handle else {}
    arrival = Arrival(gateway.origin_of(desk.account.id), key, "citizen", kind, "", desk.clock.now(), media)
    with desk.works.write() as work:
        return gateway.receive(work, work.session.get_one(Account, desk.account.id), arrival)


def files(desk: Desk) -> list[CitizenFile]:
    with desk.works.read() as work:
        return list(work.session.scalars(select(CitizenFile).order_by(CitizenFile.id)))


@pytest.fixture(autouse=True)
def open_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the account's credentials are is not asked here."""
    monkeypatch.setattr("channels.accounts.store.info", lambda *_all: AccountInfo(1, "账号", "wechat", "", {}, {}))


def test_a_picture_is_fetched_drawn_anew_kept_and_shown_beside_its_line(desk: Desk, handing: Handing) -> None:
    received = sends(desk)
    assert sends(desk).fresh is False  # The platform pushes it again.
    assert [one.state for one in files(desk)] == [FileState.WAITING]
    handing.gives = picture_bytes(kind="BMP")
    assert fetcher(desk, handing).fetch_due() == 1
    (file,) = files(desk)
    assert handing.asked == [("m-1", 20_000_000)]
    assert (file.state, file.media_type, file.inbound_id) == (FileState.KEPT, "image/jpeg", received.inbound_id)
    assert desk.office.blobs.get(file.sha256).startswith(b"\xff\xd8\xff")
    with desk.works.read() as work:
        (line,) = store.lines_of(work.session, received.conversation_id)
    assert line.file is not None
    assert line.file.id == file.id
    assert fetcher(desk, handing).fetch_due() == 0


@pytest.mark.parametrize(
    ("kind", "data", "state"),
    [
        ("voice", AMR, FileState.KEPT),
        ("shortvideo", FILM, FileState.KEPT),
        ("image", b"<html><script>alert(1)</script></html>", FileState.REFUSED),
        ("image", b"", FileState.REFUSED),
        ("voice", picture_bytes(), FileState.REFUSED),
        ("video", b"<svg onload=alert(1)>", FileState.REFUSED),
    ],
)
def test_what_is_not_of_its_kind_is_not_kept(
    desk: Desk, handing: Handing, kind: str, data: bytes, state: FileState
) -> None:
    sends(desk, kind)
    handing.gives = data
    fetcher(desk, handing).fetch_due()
    (file,) = files(desk)
    assert (file.state, bool(file.sha256), bool(file.reason)) == (state, state == "kept", state != "kept")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (NoLongerThere("微信只保留 3 天"), FileState.GONE),
        (TooLarge("超过 20 MB"), FileState.REFUSED),
    ],
)
def test_a_no_of_the_platform_ends_it_with_its_reason(
    desk: Desk, handing: Handing, answer: ChannelError, state: FileState
) -> None:
    sends(desk)
    handing.gives = answer
    fetcher(desk, handing).fetch_due()
    (file,) = files(desk)
    assert (file.state, file.reason, file.next_at) == (state, answer.reason, None)


@pytest.mark.parametrize("failure", [Retryable("连接平台超时"), Unauthorised("令牌失效"), RuntimeError("bug")])
def test_a_failure_is_tried_again_until_the_platform_has_let_go_of_it(
    desk: Desk, handing: Handing, failure: Exception
) -> None:
    sends(desk)
    handing.gives = failure
    fetcher(desk, handing).fetch_due()
    assert fetcher(desk, handing).fetch_due() == 0  # Not at once.
    (file,) = files(desk)
    assert (file.state, bool(file.reason)) == (FileState.WAITING, True)
    desk.clock.step(days=2)
    handing.gives = picture_bytes()
    fetcher(desk, handing).fetch_due()
    assert files(desk)[0].state == FileState.KEPT


def test_after_three_days_it_is_said_to_be_lost_without_a_call(desk: Desk, handing: Handing) -> None:
    sends(desk)
    handing.gives = Throttled("今天的接口调用次数已用完", desk.clock.now() + timedelta(days=5))
    fetcher(desk, handing).fetch_due()
    desk.clock.step(days=5)
    assert fetcher(desk, handing).fetch_due() == 0
    (file,) = files(desk)
    assert file.state == FileState.GONE
    assert file.reason == "平台只保留 3 天，到期前没有取到：今天的接口调用次数已用完"


def test_a_process_that_died_while_fetching_leaves_it_to_the_next(desk: Desk, handing: Handing) -> None:
    sends(desk)
    assert fetcher(desk, handing)._claim() is not None
    handing.gives = picture_bytes()
    assert fetcher(desk, handing).fetch_due() == 0
    desk.clock.step(minutes=4)
    assert fetcher(desk, handing).fetch_due() == 1
    assert files(desk)[0].state == FileState.KEPT


def test_what_is_forgotten_is_off_the_disk_unless_somebody_else_keeps_the_same(desk: Desk, handing: Handing) -> None:
    ids = []
    for kind, gives in (("image", picture_bytes()), ("image", picture_bytes()), ("video", FILM)):
        ids.append(sends(desk, kind, key=f"k{len(ids)}").inbound_id)
        handing.gives = gives
        fetcher(desk, handing).fetch_due()
    first, second, film = (one.sha256 for one in files(desk))
    assert first != second  # The same picture of two citizens: each is forgotten by itself.
    piece_id = desk.office.piece().id
    with desk.works.write() as work:
        piece = work.session.get_one(Piece, piece_id)
        work.session.add(Asset(piece_id=piece.id, unit_id=piece.unit_id, sha256=film, **ATTACHED))
    with desk.works.write() as work:
        forgetting.media(work, [ids[0], ids[2]])
    assert drop_forgotten(desk.works, desk.office.blobs) == 2
    assert desk.office.blobs.all() == sorted([second, film])
    assert [(one.state, bool(one.sha256)) for one in files(desk)] == [
        (FileState.FORGOTTEN, False), (FileState.KEPT, True), (FileState.FORGOTTEN, False),
    ]  # fmt: skip
    assert drop_forgotten(desk.works, desk.office.blobs) == 0


def test_what_an_adapter_cannot_fetch_is_said(desk: Desk) -> None:
    sends(desk)
    fetcher(desk, desk.outbox).fetch_due()
    assert (files(desk)[0].state, files(desk)[0].reason) == (FileState.REFUSED, "该渠道不能取回市民发来的文件")


def test_words_and_places_have_no_file(desk: Desk) -> None:
    sends(desk, "image", "", "k1")
    sends(desk, "location", "m-2", "k2")
    assert files(desk) == []


def test_an_upload_is_a_jpeg_png_or_webp_within_the_limit() -> None:
    assert check_upload(picture_bytes(kind="WEBP"), 5).media_type == "image/jpeg"
    assert check_upload(picture_bytes(kind="PNG", size=(8, 8)), 5).media_type in ("image/png", "image/jpeg")
    for data, most, words in [
        (b"", 5.0, "没有收到图片"),
        (b"\x89PNG\r\n\x1a\n" + bytes(2_000_000), 1.0, "超过 1 MB"),
        (picture_bytes(kind="GIF"), 5.0, "只能发送"),
        (b"\x89PNG\r\n\x1a\n<script>", 5.0, "不是可以显示的图片"),
    ]:
        with pytest.raises(NotWhatItSays) as refused:
            check_upload(data, most)
        assert (words in refused.value.message("zh"), refused.value.field) == (True, "file")


def test_a_kept_picture_carries_nothing_but_its_picture() -> None:
    kept = check("image", picture_bytes(kind="JPEG", comment=b"<script>alert(1)</script>"))
    assert b"script" not in kept.data
