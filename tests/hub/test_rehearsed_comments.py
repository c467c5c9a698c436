"""Comments while an account is in rehearsal: people act on its double's, and what real readers see stays untouched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.comments import late
from bot.comments.models import Comment, CommentThread
from bot.comments.store import waiting
from channels.accounts import doubles
from channels.accounts.models import Account
from hub.comments import follow_placements
from kernel.clock import StillClock
from kernel.people import Person, viewer
from scheduler.models import Placement, RehearsedPlacement
from tests.channels.conftest import platforms, rehearsed
from tests.channels.rehearsal.served import (
    APPID,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    SERVICE_SECRET,
    Rehearsal,
)
from tests.hub.web.going_out import open_desk
from tests.hub.web.test_comments import Voices

__all__ = ["platforms", "rehearsed"]  # The rehearsal's fixtures, used here by name.


@dataclass
class Drill:
    """The office's account in rehearsal, with an article on its double."""

    voices: Voices
    page: str

    def says(self, text: str) -> None:
        """Somebody writes beneath the rehearsed article."""
        door = f"wechat/{SERVICE_APPID}/pages/{self.page}/comments"
        self.voices.rehearsal.control(door, openid=SERVICE_CITIZENS[0], content=text)

    def comment(self, *, double: bool) -> Comment:
        """The newest comment of the double, or of the account itself."""
        with self.voices.hub.works.read() as work:
            query = select(Comment).join(Account, Account.id == Comment.account_id)
            query = query.where(Account.stands_for.is_not(None) if double else Account.stands_for.is_(None))
            return work.session.scalars(query.order_by(Comment.id.desc()).limit(1)).one()

    def leave(self) -> None:
        """The rehearsal ends."""
        with self.voices.hub.works.write() as work:
            account = work.session.scalars(select(Account).where(Account.code == "wx-voices")).one()
            doubles.leave(work, account)


@pytest.fixture
def drill(sqlite_url: str, tmp_path: Path, clock: StillClock, rehearsed: Rehearsal) -> Iterator[Drill]:
    """An account that is switched to rehearsal, and has published there."""
    host = rehearsed.url.removeprefix("http://")
    with open_desk(sqlite_url, tmp_path, clock, allowed_private=host, rehearsal_url=rehearsed.url) as desk:
        voices = Voices(desk, rehearsed)
        service = rehearsed.wechat(SERVICE_APPID, SERVICE_SECRET)
        published = service("freepublish/submit", media_id=service.draft(service.article(need_open_comment=1)))
        rehearsed.step(5)
        rehearsed.wait_for("publish", 2)
        (page,) = rehearsed.app.world.state.wechat.accounts[SERVICE_APPID].pages
        with voices.hub.works.write() as work:
            account = work.session.scalars(select(Account).where(Account.code == "wx-voices")).one()
            secrets = {"appid": SERVICE_APPID, "secret": SERVICE_SECRET}
            double = doubles.enter(work, voices.hub.seal, account, account.base_url, {"type": "service"}, secrets)
            real = work.session.scalars(select(Placement).where(Placement.account_id == account.id)).one()
            work.session.add(
                RehearsedPlacement(
                    unit_id=real.unit_id, piece_id=real.piece_id, account_id=double.id, release_id=real.release_id,
                    revision_id=real.revision_id, state="live", remote_id="2_1", url=f"{rehearsed.url}/wechat/s/{page}",
                    data={"msg_data_id": published["msg_data_id"], "idx": 1}, live_at=work.now, changed_at=work.now,
                )
            )  # fmt: skip
        follow_placements(voices.hub)
        yield Drill(voices, page)


def replies(drill: Drill) -> list[str]:
    """On which account each answer arrived."""
    return [line["account"] for line in drill.voices.rehearsal.ledger("comment_reply")]


def test_people_answer_on_the_double(drill: Drill) -> None:
    drill.says("几号停暖？")
    drill.voices.hear()
    base = f"/console/comments/{drill.comment(double=True).id}"
    assert "（演练）" in drill.voices.agent.get("/console/comments").text
    assert drill.voices.agent.send_form(f"{base}/answer", text="4 月 7 日停暖。").status_code == 303
    drill.voices.answerer.send_due()
    assert replies(drill) == [SERVICE_APPID]
    assert drill.voices.agent.send_form(f"{base}/select", chosen="1").status_code == 303
    assert drill.comment(double=True).selected


def test_real_readers_are_heard_and_nobody_acts_on_their_comments(drill: Drill) -> None:
    drill.voices.says("真实读者的话")
    drill.voices.hear()
    comment = drill.comment(double=False)
    base = f"/console/comments/{comment.id}"
    for act, form in (
        ("answer", {"text": "您好。"}),
        ("select", {"chosen": "1"}),
        ("delete", {"reason": "试"}),
    ):
        browser = drill.voices.desk.browser("manager" if act == "delete" else "officer")
        answer = browser.send_form(f"{base}/{act}", **form)
        assert (answer.status_code, "演练中" in answer.text) == (409, True), act
    assert (
        drill.voices.desk.browser("manager")
        .send_form(f"/console/comments/threads/{comment.thread_id}/close")
        .status_code
        == 409
    )
    assert replies(drill) == []
    assert not drill.comment(double=False).selected
    drill.leave()
    assert drill.voices.agent.send_form(f"{base}/answer", text="您好。").status_code == 303
    drill.voices.answerer.send_due()
    assert replies(drill) == [APPID]


def test_an_answer_that_was_booked_before_waits_for_the_end(drill: Drill) -> None:
    drill.leave()
    drill.voices.says("几号停暖？")
    drill.voices.hear()
    base = f"/console/comments/{drill.comment(double=False).id}"
    drill.voices.agent.send_form(f"{base}/answer", text="4 月 7 日停暖。")
    with drill.voices.hub.works.write() as work:
        work.session.scalars(select(Account).where(Account.code == "wx-voices")).one().rehearsal = True
    drill.voices.answerer.send_due()
    assert replies(drill) == []
    drill.leave()
    drill.voices.answerer.send_due()
    assert replies(drill) == [APPID]


def test_a_rehearsed_comment_alarms_nobody_and_is_counted_nowhere(drill: Drill, clock: StillClock) -> None:
    drill.says("我要跳楼，活不下去了")
    drill.voices.hear()
    assert drill.comment(double=True).urgent_word
    clock.step(days=30)
    assert (late.alarm_late(drill.voices.hub.works), late.alarm_danger_again(drill.voices.hub.works)) == (0, 0)
    assert [drill.voices.notices(kind) for kind in ("comment.danger", "comment.late", "comment.heard")] == [[], [], []]
    with drill.voices.hub.works.read() as work:
        agent = work.session.scalars(select(Person).where(Person.login == "officer")).one()
        counted = waiting(work.session, viewer(work.session, agent, work.now), work.now)
    assert (counted.unanswered, counted.late, counted.danger) == (0, 0, 0)


def test_nobody_hears_the_double_once_the_rehearsal_is_over(drill: Drill) -> None:
    drill.leave()
    drill.says("还在吗")
    drill.voices.hear()
    with drill.voices.hub.works.read() as work:
        assert work.session.scalars(select(Comment)).all() == []
        assert len(work.session.scalars(select(CommentThread)).all()) == 2
