"""Previews on both databases against the rehearsal platform: made once, sent to who signs, taken away when outdated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.accounts.quotas import DatabaseQuotas
from channels.accounts.tokens import DatabaseTokens
from channels.adapters.wechat import WeChatChannel
from channels.base import AccountInfo, Channel
from channels.rehearsal.config import RehearsalConfig
from content import review
from content.compose import VariantDraft
from content.errors import NoRight
from content.models import Lift, Piece, Release, Revision
from content.snapshot import Target
from kernel.blobs import Blobs
from kernel.clock import SystemClock
from kernel.errors import Invalid
from kernel.events import Event, Listeners
from kernel.office_rules import set_rule
from kernel.seal import Seal
from kernel.work import Works
from scheduler.previews import store
from scheduler.previews.errors import LosesContent, NotPreviewed
from scheduler.previews.events import PreviewLost
from scheduler.previews.making import Maker, _record
from scheduler.previews.models import Preview, PreviewSend, PreviewState, SendState
from templates.engine import Engine
from tests.channels.harness import MovingClock, host_of, make_tools
from tests.channels.rehearsal.served import APPID, CITIZEN, SECRET, Rehearsal, serving
from tests.factories import Office, make_office

S = PreviewState
URL = "https://www.yunzhou.example"


@pytest.fixture(scope="module")
def running() -> Iterator[Rehearsal]:
    """The platforms."""
    with serving(RehearsalConfig.demo()) as rehearsal:
        yield rehearsal


@dataclass
class Room:
    """An office with one WeChat account at the rehearsal platform."""

    office: Office
    works: Works
    maker: Maker
    rehearsal: Rehearsal
    account: Account
    told: list[Event]

    def release(self, body: str = "<p>供热结束时间延长。</p>", **words: Any) -> Release:
        """A piece with a cover, submitted to the account."""
        piece = self.office.piece(body=body, **words)
        picture = self.office.picture(piece.id)
        self.office.save(piece.id, body=body, cover_id=picture.id, **words)
        return self.submit(piece.id)

    def submit(self, piece_id: int) -> Release:
        """Submits it and wants its preview, as the hub does."""
        target = Target(self.account.id, self.account.name, "wechat", "layout", "mass_send")
        release = self.office.submit(piece_id, targets=[target])
        with self.works.write() as work:
            store.want_for_release(work, work.session.get_one(Release, release.id), URL)
        return release

    def run(self) -> None:
        """The duty, once."""
        self.maker.run()

    def previews(self) -> list[Preview]:
        """All, in order."""
        with self.works.read() as work:
            return list(work.session.scalars(select(Preview).order_by(Preview.id)))

    def sends(self) -> list[tuple[int, str]]:
        """To whom, and what became of it."""
        with self.works.read() as work:
            return [(one.person_id, one.state) for one in work.session.scalars(select(PreviewSend))]

    def check(self, release: Release) -> None:
        """What a signature does."""
        with self.works.write() as work:
            store.check_before_signing(work, work.session.get_one(Release, release.id), URL)

    def lift(self, release: Release, made: Preview, name: str, key: str, reason: str) -> None:
        """A person lets a loss pass."""
        with self.office.working(name) as (work, who):
            row = work.session.get_one(Release, release.id)
            store.lift(work, who, row, work.session.get_one(Preview, made.id), key, reason)

    def reader(self, name: str, reader: str = CITIZEN, *, agreed: bool = True) -> None:
        """A person enters his own address."""
        with self.office.working(name) as (work, who):
            store.set_reader(work, who.person_id, "wechat", reader, agreed=agreed)

    def drafts(self) -> int:
        """How many lie at the platform."""
        return int(self.rehearsal.wechat()("draft/batchget", offset=0, count=20)["total_count"])


@pytest.fixture
def room(works: Works, listeners: Listeners, running: Rehearsal, tmp_path: Path) -> Iterator[Room]:
    """The room once on each kind of database."""
    running.control("reset")
    works.clock = SystemClock()
    blobs, seal = Blobs(tmp_path / "files"), Seal(Fernet.generate_key())
    office = make_office(works, blobs, Engine())
    with works.write() as work:
        account = accounts.add(
            work,
            seal,
            unit_id=office.bureau.id,
            channel="wechat",
            name="云州住建号",
            code="wx",
            action="mass_send",
            base_url=f"{running.url}/wechat",
            credentials={"appid": APPID, "secret": SECRET},
        )
    tools = replace(
        make_tools(host_of(running), clock=MovingClock(), timeout=5.0),
        files=blobs,
        tokens=DatabaseTokens(works, seal),
        quotas=DatabaseQuotas(works),
    )

    def make(about: AccountInfo) -> Channel:
        return WeChatChannel(about, tools)

    told: list[Event] = []
    listeners.after(PreviewLost, told.append)
    yield Room(office, works, Maker(works, seal, make), running, account, told)
    tools.http.close()


def test_a_submitted_release_is_shown_at_the_platform_and_stands_in_nobodys_way(room: Room) -> None:
    release = room.release()
    room.run()
    (made,) = room.previews()
    assert (made.state, made.losses, made.release_id) == (S.READY, [], release.id)
    assert room.rehearsal.http.get(made.url).status_code == 200
    assert (made.done, made.of) == (1, 1)
    assert room.drafts() == 1
    room.check(release)
    room.run()
    assert len(room.rehearsal.ledger("draft")) == 1


def test_the_same_words_are_made_once_and_others_outdate_them(room: Room) -> None:
    release = room.release()
    room.run()
    with room.works.write() as work:
        store.want_for_release(work, work.session.get_one(Release, release.id), URL)
    assert len(room.previews()) == 1
    room.office.save(release.piece_id, body="<p>改过的话。</p>", cover_id=_cover(room, release))
    room.run()
    assert [one.state for one in room.previews()] == [S.OUTDATED]
    assert room.drafts() == 0
    room.submit(release.piece_id)
    room.run()
    assert [one.state for one in room.previews()] == [S.OUTDATED, S.READY]
    assert room.drafts() == 1


def _cover(room: Room, release: Release) -> int | None:
    with room.works.read() as work:
        return work.session.get_one(Revision, release.revision_id).cover_id


def test_what_the_platform_takes_blocks_until_a_signer_lets_it_pass(room: Room) -> None:
    body = "<p>要闻</p>"
    layout = '<p>要闻</p><table><tr><td>甲</td></tr></table><iframe src="https://maps.example/"></iframe>'
    release = room.release(body, variants={"wechat": VariantDraft(body=layout, layout=True)})
    with room.works.write() as work:
        # The editor cleans such things away; a release of an older version may still have them.
        row = work.session.get_one(Release, release.id)
        content = {**row.content, "variants": {**row.content["variants"]}}
        content["variants"]["wechat"] = {**content["variants"]["wechat"], "html": layout}
        row.content = content
        store.want_for_release(work, row, URL)
    room.run()
    made = room.previews()[-1]
    assert [loss["level"] for loss in made.losses] == ["block"]
    assert [fact.count for fact in room.told if isinstance(fact, PreviewLost)] == [1]
    with pytest.raises(LosesContent):
        room.check(release)
    key = store.finding_key(made.losses[0])
    for name, reason, refused in (("author", "可以", NoRight), ("signer", " ", Invalid)):
        with pytest.raises(refused):
            room.lift(release, made, name, key, reason)
    room.lift(release, made, "signer", key, "地图以文字代替")
    room.check(release)
    with room.works.read() as work:
        assert work.session.scalars(select(Lift)).one().reason == "地图以文字代替"


def test_a_platform_that_is_away_stops_no_signature_unless_the_office_says_so(room: Room) -> None:
    release = room.release()
    room.rehearsal.control("faults", kind="http_5xx", platform="wechat", path="cgi-bin/draft/add")
    room.run()
    (made,) = room.previews()
    assert (made.state, made.attempts) == (S.WANTED, 1)
    assert made.next_at is not None
    assert made.reason
    room.check(release)
    with room.works.write() as work:
        set_rule(work, "preview.needed", room.office.bureau.id, 1)
    with pytest.raises(NotPreviewed):
        room.check(release)


def test_a_lost_answer_is_repeated_and_leaves_one_draft(room: Room) -> None:
    room.release()
    room.rehearsal.control("faults", kind="cut_after", platform="wechat", path="cgi-bin/draft/add")
    room.run()
    assert room.drafts() == 1
    with room.works.write() as work:
        work.session.scalars(select(Preview)).one().next_at = work.now
    room.run()
    assert room.previews()[0].state == S.READY
    assert room.drafts() == 1


def test_a_process_that_died_while_making_leaves_nothing_at_the_platform_for_ever(room: Room) -> None:
    release = room.release()
    task = room.maker._claim(Preview.state == S.WANTED, attempt=True)
    assert task is not None
    room.maker._adapter(task.about).preview(task.post, lambda _done, _of: None)  # …and the process is gone.
    assert room.drafts() == 1
    with room.works.write() as work:
        work.session.get_one(Piece, release.piece_id)
        row = work.session.scalars(select(Preview)).one()
        row.claimed_until = work.now - timedelta(seconds=1)
        store.outdate(work, Preview.id == row.id)
    room.run()
    assert room.drafts() == 0
    assert room.previews()[0].clean_at is None


def test_words_that_change_while_the_draft_is_made_leave_no_draft(room: Room) -> None:
    room.release()
    task = room.maker._claim(Preview.state == S.WANTED, attempt=True)
    assert task is not None
    with room.works.write() as work:
        store.outdate(work, Preview.state == S.WANTED)
    assert room.maker._clean_one() is False, "a draft under way must not be cleaned before it is there"
    answer = room.maker._adapter(task.about).preview(task.post, lambda _done, _of: None)
    with room.works.write() as work:
        row = work.session.get_one(Preview, task.row_id)
        row.claimed_by = row.claimed_until = None
        _record(work, row, answer)
    room.run()
    assert room.drafts() == 0
    assert room.previews()[0].state == S.OUTDATED


def test_cleaning_that_fails_is_tried_again_until_it_is_done(room: Room) -> None:
    room.release()
    room.run()
    with room.works.write() as work:
        store.outdate(work, Preview.state == S.READY)
    room.rehearsal.control("faults", kind="http_5xx", platform="wechat", path="cgi-bin/draft/delete")
    room.run()
    assert room.drafts() == 1
    assert room.previews()[0].clean_at is not None
    with room.works.write() as work:
        work.session.scalars(select(Preview)).one().clean_at = work.now
    room.run()
    assert room.drafts() == 0


def test_all_who_sign_and_agreed_get_it_once_and_the_author_never(room: Room) -> None:
    for name in ("reviewer", "signer", "author", "stranger"):
        room.reader(name)
    release = room.release()
    room.run()
    room.run()
    people = room.office.people
    assert sorted(room.sends()) == sorted(
        [(people["reviewer"].id, SendState.SENT), (people["signer"].id, SendState.SENT)]
    )
    assert len(room.rehearsal.ledger("preview")) == 2
    room.office.proofread(release.id)
    with room.office.working("reviewer") as (work, who):
        row = work.session.get_one(Release, release.id)
        review.sign(work, who, row, row.hash)
    room.run()
    assert len(room.rehearsal.ledger("preview")) == 2


def test_a_lost_answer_of_a_send_is_not_repeated_but_its_reader_may_ask(room: Room) -> None:
    room.reader("signer")
    room.release()
    room.rehearsal.control("faults", kind="cut_after", platform="wechat", path="cgi-bin/message/mass/preview")
    room.run()
    room.run()
    assert [state for _person, state in room.sends()] == [SendState.UNKNOWN]
    assert len(room.rehearsal.ledger("preview")) == 1
    with room.office.working("signer") as (work, who):
        store.send_to(work, work.session.scalars(select(Preview)).one(), who.person_id)
    room.run()
    assert [state for _person, state in room.sends()] == [SendState.SENT]
    assert len(room.rehearsal.ledger("preview")) == 2


def test_nobody_is_sent_anything_without_his_consent(room: Room) -> None:
    with pytest.raises(Invalid):
        room.reader("signer", agreed=False)
    with pytest.raises(Invalid):
        room.reader("signer", "不是微信号")
    room.reader("signer")
    room.reader("signer", "")
    room.release()
    room.run()
    assert room.sends() == []
