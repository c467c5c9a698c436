"""真实预览 through the web: asked for, shown with its losses, in a signature's way, and on the signer's own phone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.rehearsal.config import RehearsalConfig
from content.models import Release
from content.snapshot import Target
from kernel.clock import SystemClock
from kernel.duties import Duty
from scheduler.previews import store
from scheduler.previews.models import Preview, PreviewState
from tests.channels.rehearsal.served import APPID, CITIZEN, SECRET, Rehearsal, serving
from tests.hub.web.newsroom import Newsroom, open_newsroom

S = PreviewState


@pytest.fixture(scope="module")
def running() -> Iterator[Rehearsal]:
    """The platforms."""
    with serving(RehearsalConfig.demo()) as rehearsal:
        yield rehearsal


@dataclass
class Desk:
    """The newsroom with a WeChat account at the rehearsal platform."""

    room: Newsroom
    account: Account
    rehearsal: Rehearsal

    def draft(self, **words: Any) -> int:
        """A piece with a cover."""
        piece = self.room.office.piece(**words)
        picture = self.room.office.picture(piece.id)
        self.room.office.save(piece.id, cover_id=picture.id, **words)
        return piece.id

    def submit(self, piece_id: int) -> Release:
        """Submitted to the account."""
        target = Target(self.account.id, self.account.name, "wechat", "layout", "mass_send")
        return self.room.office.submit(piece_id, targets=[target])

    def run(self) -> None:
        """What the engine does with the duty."""
        duty: Duty = next(duty for duty in self.room.hub.duties if duty.name == store.DUTY)
        duty.run()

    def previews(self) -> list[Preview]:
        """All, in order."""
        with self.room.hub.works.read() as work:
            return list(work.session.scalars(select(Preview).order_by(Preview.id)))

    def lose(self) -> str:
        """The newest preview lost a picture; returns the name the loss is let pass under."""
        with self.room.hub.works.write() as work:
            row = work.session.scalars(select(Preview).order_by(Preview.id.desc()).limit(1)).one()
            row.losses = [{"kind": "picture", "level": "block", "message": "图片“供热站”被去掉。"}]
            return store.finding_key(row.losses[0])


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, running: Rehearsal) -> Iterator[Desk]:
    """The desk."""
    running.control("reset")
    where = {"allowed_private": running.url.removeprefix("http://")}
    with open_newsroom(sqlite_url, tmp_path, SystemClock(), **where) as room:
        with room.hub.works.write() as work:
            account = accounts.add(
                work,
                room.hub.seal,
                unit_id=room.office.bureau.id,
                channel="wechat",
                name="云州住建号",
                code="wx",
                action="mass_send",
                base_url=f"{running.url}/wechat",
                credentials={"appid": APPID, "secret": SECRET},
            )
            for other in work.session.scalars(select(Account).where(Account.code == "bureau-wechat")):
                other.active = False
        yield Desk(room, account, running)


def test_a_submitted_release_shows_its_code_and_what_was_changed(desk: Desk) -> None:
    release = desk.submit(desk.draft())
    page = desk.room.desk_of("reviewer").get(f"/console/signing/{release.id}").text
    assert "正在生成" in page
    assert f'hx-get="/console/signing/{release.id}/platform"' in page
    desk.run()
    page = desk.room.desk_of("reviewer").get(f"/console/signing/{release.id}/platform").text
    assert "与送出的一致" in page
    assert "data:image/svg+xml" in page
    assert desk.previews()[0].url in page
    assert "hx-get" not in page
    assert desk.rehearsal.ledger("mass_send") == desk.rehearsal.ledger("publish") == []


def test_a_loss_blocks_every_signature_until_the_signer_lets_it_pass(desk: Desk) -> None:
    release = desk.submit(desk.draft())
    desk.run()
    key = desk.lose()
    base = f"/console/signing/{release.id}"
    desk.room.office.proofread(release.id)
    refused = desk.room.desk_of("reviewer").send_form(f"{base}/agree", seen=release.hash)
    assert refused.status_code == 422
    assert "供热站" in refused.text
    lifting = {"act": "lift", "account": desk.account.id, "loss": key}
    assert "findings__lift" not in desk.room.desk_of("reviewer").get(base).text
    assert desk.room.desk_of("reviewer").send_form(f"{base}/platform", **lifting, reason="可以").status_code == 403
    assert desk.room.desk_of("signer").send_form(f"{base}/platform", **lifting, reason="").status_code == 422
    assert desk.room.desk_of("signer").send_form(f"{base}/platform", **lifting, reason="以文字代替").status_code == 303
    assert "以文字代替" in desk.room.desk_of("reviewer").get(base).text
    assert desk.room.desk_of("reviewer").send_form(f"{base}/agree", seen=release.hash).status_code == 303


def test_the_editor_makes_a_preview_before_submitting_and_keeps_it(desk: Desk) -> None:
    piece_id = desk.draft()
    author = desk.room.desk_of("author")
    assert "还没有预览" in author.get(f"/console/pieces/{piece_id}").text
    wish = {"account": desk.account.id}
    assert author.send_form(f"/console/pieces/{piece_id}/platform", **wish).status_code == 303
    desk.run()
    assert "二维码" in author.get(f"/console/pieces/{piece_id}").text
    assert author.send_form(f"/console/pieces/{piece_id}/platform", account="999").status_code == 422


def test_saved_words_outdate_it(desk: Desk) -> None:
    piece_id = desk.draft()
    author = desk.room.desk_of("author")
    author.send_form(f"/console/pieces/{piece_id}/platform", account=desk.account.id)
    desk.run()
    desk.room.office.save(piece_id, title="改过的标题")
    assert "已过期" in author.get(f"/console/pieces/{piece_id}").text
    desk.run()
    assert [one.state for one in desk.previews()] == [S.OUTDATED]
    assert desk.rehearsal.wechat()("draft/batchget", offset=0, count=20)["total_count"] == 0


def test_ones_own_phone(desk: Desk) -> None:
    signer = desk.room.desk_of("signer")
    assert "在手机上收平台预览" in signer.get("/console/me").text
    form = {"channel": "wechat", "reader": CITIZEN}
    assert signer.send_form("/console/me/previews", **form).status_code == 422
    assert signer.send_form("/console/me/previews", **form, agreed="1").status_code == 303
    assert CITIZEN in signer.get("/console/me").text
    assert CITIZEN not in desk.room.desk_of("reviewer").get("/console/me").text
    release = desk.submit(desk.draft())
    desk.run()
    assert [line["data"]["openid"] for line in desk.rehearsal.ledger("preview")] == [CITIZEN]
    wish = {"act": "send", "account": desk.account.id}
    assert signer.send_form(f"/console/signing/{release.id}/platform", **wish).status_code == 303
    desk.run()
    assert len(desk.rehearsal.ledger("preview")) == 2
    reviewer = desk.room.desk_of("reviewer")
    refused = reviewer.send_form(f"/console/signing/{release.id}/platform", **wish)
    assert refused.headers["location"] == f"/console/signing/{release.id}#platform"
    assert "我的账号" in reviewer.get(f"/console/signing/{release.id}").text
    assert signer.send_form("/console/me/previews", channel="wechat", reader="").status_code == 303
    assert CITIZEN not in signer.get("/console/me").text


def test_a_release_without_such_an_account_has_no_card(desk: Desk) -> None:
    release = desk.room.office.submit(desk.draft(), "portal")
    assert 'id="platform"' not in desk.room.desk_of("reviewer").get(f"/console/signing/{release.id}").text
