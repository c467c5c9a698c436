"""The API of a piece's other acts and of signing: the console's own steps, refused with the field named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.accounts.models import Account
from content import public
from content.compose import VariantDraft
from content.models import Column, LaterSigning, Piece, Release
from content.states import ReleaseState
from hub.auth import tokens
from kernel.clock import StillClock
from tests.factories import picture_bytes
from tests.hub.web.newsroom import Newsroom, open_newsroom


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        yield room


class Program:
    """A program with a person's token."""

    def __init__(self, room: Newsroom, name: str) -> None:
        with room.hub.works.write() as work:
            _token, text = tokens.create(work, room.office.person(name), "probe")
        self.browser = room.browser()
        self.headers = {"Authorization": f"Bearer {text}"}

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        return self.browser.request(method, f"/api/v1{path}", headers=self.headers, **body)


def refusal(answer: Any) -> tuple[int, str]:
    """The status of a refusal and the field it names."""
    return answer.status_code, answer.json()["field"]


def test_a_piece_is_taken_back_opened_again_thrown_away_and_restored(room: Newsroom) -> None:
    author = Program(room, "author")
    piece = room.office.piece()
    room.office.submit(piece.id, "portal")
    address = f"/pieces/{piece.id}"
    assert author("POST", f"{address}/recall").json()["state"] == "draft"
    again = author("POST", f"{address}/recall")
    assert (again.status_code, again.json()["error"]) == (409, "WrongState")
    assert author("POST", f"{address}/trash").json()["state"] == "trash"
    assert author("POST", f"{address}/trash").status_code == 409
    assert author("POST", f"{address}/restore").json()["state"] == "draft"
    room.office.submit(piece.id, "portal")
    opened = author("POST", f"{address}/reopen").json()
    told = author("GET", f"{address}/history").json()
    assert opened["revision"] == max(one["number"] for one in told["revisions"])
    assert [one["state"] for one in told["releases"]][-1] == ReleaseState.VOID
    assert told["revisions"][0]["frozen"] is True
    assert Program(room, "reviewer")("POST", f"{address}/trash").status_code == 403


def test_a_piece_moves_only_to_a_column_of_its_kind(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        column = Column(unit_id=room.office.bureau.id, slug="more", name="更多公告", kind="notice")
        work.session.add(column)
        work.session.flush()
    author, piece = Program(room, "author"), room.office.piece()
    guides = room.office.columns["guides"].id
    assert refusal(author("POST", f"/pieces/{piece.id}/column", json={"column": guides})) == (422, "column")
    assert author("POST", f"/pieces/{piece.id}/column", json={"column": column.id}).json()["column"] == column.id


def test_a_signer_lets_a_block_pass_with_a_reason(room: Newsroom) -> None:
    piece = room.office.piece(variants={"wechat": VariantDraft(title="电话13800138000")})
    signer, address = Program(room, "signer"), f"/pieces/{piece.id}"
    (found,) = signer("GET", f"{address}/findings").json()["findings"]
    lift = {"finding": found["key"], "reason": "公开值班电话"}
    assert Program(room, "author")("POST", f"{address}/lift", json=lift).status_code == 403
    assert refusal(signer("POST", f"{address}/lift", json={**lift, "reason": " "})) == (422, "reason")
    assert refusal(signer("POST", f"{address}/lift", json={**lift, "finding": "0" * 64})) == (422, "finding")
    assert signer("POST", f"{address}/lift", json=lift).status_code == 201
    assert signer("GET", f"{address}/findings").json()["findings"][0]["lifted"] == "公开值班电话"


def test_a_picture_is_described_and_taken_off(room: Newsroom) -> None:
    author, piece, other = Program(room, "author"), room.office.piece(), room.office.piece()
    address = f"/pieces/{piece.id}"
    kept = author("POST", f"{address}/pictures", files={"file": ("图.png", picture_bytes())}).json()
    told = author("PUT", f"{address}/assets/{kept['id']}", json={"alt": "检修现场"}).json()
    assert (told["alt"], told["src"]) == ("检修现场", kept["src"])
    assert author("PUT", f"/pieces/{other.id}/assets/{kept['id']}", json={"alt": "x"}).status_code == 404
    version = author("GET", address).json()["version"]
    cover = {"version": version, "cover_id": kept["id"], "cover_x": 30, "cover_y": 101}
    assert refusal(author("PUT", address, json=cover)) == (422, "cover_y")
    author("PUT", address, json={**cover, "cover_y": None})
    saved = author("GET", address).json()
    assert (saved["cover_x"], saved["cover_y"]) == (30, 50)
    assert author("GET", f"{address}/assets").json()["cover"] == kept["id"]
    assert author("DELETE", f"{address}/assets/{kept['id']}").json() == {"done": True}
    assert author("GET", f"{address}/assets").json() == {"cover": None, "assets": []}


def test_what_is_public_is_marked_by_a_signer(room: Newsroom) -> None:
    release = room.office.signed_release("portal")
    with room.hub.works.write() as work:
        public.went_live(work, release.id, work.now)
    signer, address = Program(room, "signer"), f"/pieces/{release.piece_id}/standing"
    assert refusal(signer("POST", address, json={"standing": "repealed"})) == (422, "note")
    assert refusal(signer("POST", address, json={"standing": "gone", "note": "x"})) == (422, "standing")
    assert signer("POST", address, json={"standing": "repealed", "note": "由新办法废止"}).status_code == 200
    assert Program(room, "author")("POST", address, json={"standing": ""}).status_code == 403


def test_an_act_reaches_all_accounts_or_none(room: Newsroom) -> None:
    release = room.office.signed_release("portal")
    officer, address = Program(room, "officer"), f"/pieces/{release.piece_id}/retractions"
    with room.hub.works.read() as work:
        account = work.session.query(Account).filter_by(channel="portal").first()
    assert account
    order = {"act": "withdraw", "accounts": [account.id]}
    assert refusal(officer("POST", address, json=order)) == (422, "phrase")
    assert refusal(officer("POST", address, json={**order, "act": "correct", "at": "2026-03-05T09:00:00+08:00"})) == (
        422, "at",
    )  # fmt: skip
    nowhere = officer("POST", address, json={**order, "act": "refresh"})
    assert refusal(nowhere) == (422, "accounts.0")
    assert refusal(officer("POST", address, json={**order, "accounts": []})) == (422, "accounts")


# --- signing -----------------------------------------------------------------------------------------------------


def test_what_waits_is_listed_handed_on_and_signed_on_paper(room: Newsroom) -> None:
    release = room.office.submit(room.office.piece().id, "portal")
    reviewer, officer = Program(room, "reviewer"), Program(room, "officer")
    (waiting,) = reviewer("GET", "/signing").json()["waiting"]
    assert (waiting["id"], waiting["level"], waiting["on_behalf_of"]) == (release.id, 1, None)
    address = f"/releases/{release.id}"
    author, second = room.office.person("author").id, room.office.person("second_reviewer").id
    assert refusal(reviewer("POST", f"{address}/delegate", json={"to": author})) == (422, "to")
    assert reviewer("POST", f"{address}/delegate", json={"to": second}).json()["next_level"] == 1
    form = {"person": str(second), "check": release.hash[:8]}
    scan = {"file": ("签字页.png", picture_bytes())}
    assert refusal(officer("POST", f"{address}/paper", data={**form, "check": "00000000"}, files=scan)) == (
        422,
        "check",
    )
    assert refusal(officer("POST", f"{address}/paper", data=form, files={"file": ("a.txt", b"x")})) == (422, "file")
    assert Program(room, "author")("POST", f"{address}/paper", data=form, files=scan).status_code == 403
    (filed,) = officer("POST", f"{address}/paper", data=form, files=scan).json()["signatures"]
    assert (filed["person"], filed["method"], filed["scan"]) == (second, "paper", True)
    assert Program(room, "stranger")("GET", f"{address}/signatures").status_code == 404


def test_an_emergency_is_signed_later_or_objected_to(room: Newsroom) -> None:
    release = room.office.submit(room.office.piece().id, "portal")
    reviewer, address = Program(room, "reviewer"), f"/releases/{release.id}/later"
    assert reviewer("POST", f"{address}/sign", json={"hash": release.hash}).status_code == 404
    with room.hub.works.write() as work:
        opened = work.session.get_one(Release, release.id)
        opened.state, opened.levels, opened.emergency = ReleaseState.SIGNED, 2, True
        times = {"opened_at": work.now, "due_at": work.now + timedelta(days=1)}
        owed = LaterSigning(unit_id=opened.unit_id, release_id=opened.id, levels=3, proofs=0, verdict="", **times)
        work.session.add(owed)
        piece = work.session.get_one(Piece, opened.piece_id)
        assert piece.release_id == opened.id
    assert [one["release"] for one in reviewer("GET", "/signing").json()["owed"]] == [release.id]
    assert reviewer("POST", f"{address}/sign", json={"hash": "0" * 64}).status_code == 409
    assert refusal(reviewer("POST", f"{address}/object", json={"opinion": " "})) == (422, "opinion")
    told = reviewer("POST", f"{address}/object", json={"opinion": "数字有误"}).json()
    assert (told["verdict"], told["level"]) == ("objected", None)
    assert reviewer("GET", "/signing").json()["owed"] == []
