"""评论 in the console, against a rehearsal: heard, read, answered, chosen, deleted, and who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.comments.answer import Answerer
from bot.comments.collect import Collector
from bot.comments.models import Comment, CommentThread
from channels.accounts import store as accounts
from channels.accounts.models import Account
from content.snapshot import Target
from hub.comments import follow_placements
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Role
from scheduler.models import Placement
from tests.channels.conftest import platforms, rehearsed
from tests.channels.rehearsal.served import APPID, CITIZEN, SECRET, Rehearsal, WeChat
from tests.hub.office import Browser
from tests.hub.web.going_out import Desk, open_desk
from tests.hub.web.test_api_deliveries import Program

__all__ = ["platforms", "rehearsed"]  # The rehearsal's fixtures, used here by name.


class Voices:
    """An office whose article stands on a rehearsed WeChat account, open for comments."""

    def __init__(self, desk: Desk, rehearsal: Rehearsal) -> None:
        self.desk, self.rehearsal, self.hub = desk, rehearsal, desk.hub
        make = desk.hub.make_adapter
        self.collector = Collector(desk.hub.works, desk.hub.seal, make, desk.hub.settings.office_zone)
        self.answerer = Answerer(desk.hub.works, desk.hub.seal, make)
        self.wechat = rehearsal.wechat()
        self.page = self._publish(self.wechat)
        desk.city.grant("officer", Role.AGENT)
        desk.city.grant("manager", Role.SUPERVISOR)
        follow_placements(self.hub)

    def _publish(self, wechat: WeChat) -> str:
        draft = wechat.draft(wechat.article(need_open_comment=1))
        published = wechat("freepublish/submit", media_id=draft)
        self.rehearsal.step(5)
        self.rehearsal.wait_for("publish")
        (page_id,) = self.rehearsal.app.world.state.wechat.accounts[APPID].pages
        url = f"/wechat/s/{page_id}"
        with self.hub.works.write() as work:
            account = accounts.add(
                work, self.hub.seal, unit_id=self.desk.city.bureau.id, channel="wechat", name="住建发布",
                code="wx-voices", base_url=f"{self.rehearsal.url}/wechat",
                credentials={"appid": APPID, "secret": SECRET},
            )  # fmt: skip
        piece = self.desk.city.piece(by="author")
        target = Target(account.id, account.name, "wechat", "layout", "publish", {})
        release = self.desk.city.sign_off(self.desk.city.submit(piece.id, targets=[target]).id)
        with self.hub.works.write() as work:
            work.session.add(
                Placement(
                    unit_id=self.desk.city.bureau.id, piece_id=piece.id, account_id=account.id, release_id=release.id,
                    revision_id=release.revision_id, state="live", remote_id="1_1", url=f"{self.rehearsal.url}{url}",
                    data={"msg_data_id": published["msg_data_id"], "idx": 1}, live_at=work.now, changed_at=work.now,
                )
            )  # fmt: skip
        return url.rsplit("/", 1)[1]

    def says(self, text: str) -> None:
        """A reader writes."""
        self.rehearsal.control(f"wechat/{APPID}/pages/{self.page}/comments", openid=CITIZEN, content=text)

    def hear(self) -> None:
        """A round of collecting."""
        with self.hub.works.write() as work:
            for thread in work.session.scalars(select(CommentThread)):
                thread.next_at = work.now
        self.collector.round()

    def comment(self) -> Comment:
        """The newest comment."""
        with self.hub.works.read() as work:
            return work.session.scalars(select(Comment).order_by(Comment.id.desc()).limit(1)).one()

    def notices(self, kind: str) -> list[Notice]:
        """What was told."""
        with self.hub.works.read() as work:
            return list(work.session.scalars(select(Notice).where(Notice.kind == kind)))

    @property
    def agent(self) -> Browser:
        """Somebody who answers citizens."""
        return self.desk.browser("officer")


@pytest.fixture
def voices(sqlite_url: str, tmp_path: Path, clock: StillClock, rehearsed: Rehearsal) -> Iterator[Voices]:
    """The office."""
    host = rehearsed.url.removeprefix("http://")
    with open_desk(sqlite_url, tmp_path, clock, allowed_private=host) as desk:
        yield Voices(desk, rehearsed)


def test_a_comment_is_heard_told_and_listed_with_its_deadline(voices: Voices) -> None:
    voices.says("几号停暖？")
    voices.hear()
    html = voices.agent.get("/console/comments").text
    assert "几号停暖？" in html
    assert "住建发布" in html
    assert voices.notices("comment.heard")
    assert "没有符合条件" in voices.agent.get("/console/comments?q=不存在的词").text
    assert "几号停暖？" in voices.agent.get("/console/comments?q=停暖&state=open").text


def test_it_is_answered_chosen_and_the_answer_taken_back(voices: Voices) -> None:
    voices.says("几号停暖？")
    voices.hear()
    base = f"/console/comments/{voices.comment().id}"
    assert "所有看到这条评论的读者" in voices.agent.get(base).text
    assert voices.agent.send_form(f"{base}/answer", text="4 月 7 日停暖。").status_code == 303
    voices.answerer.send_due()
    assert voices.rehearsal.ledger("comment_reply")[-1]["data"]["content"] == "4 月 7 日停暖。"
    assert voices.agent.send_form(f"{base}/select", chosen="1").status_code == 303
    voices.hear()
    assert voices.comment().selected
    html = voices.agent.get(base).text
    answer_id = re.search(r'name="answer_id" value="(\d+)"', html)
    assert answer_id
    voices.agent.send_form(f"{base}/withdraw", answer_id=answer_id[1])
    assert voices.comment().state == "open"


def test_a_program_answers_chooses_and_takes_back_with_its_persons_right(voices: Voices) -> None:
    program = Program(voices.desk)
    voices.says("几号停暖？")
    voices.hear()
    (one,) = program.get("/comments", state="open", account=voices.comment().account_id).json()["comments"]
    base = f"/comments/{one['id']}"
    assert (one["text"], one["title"] != "", program.get("/comments", state="gone").json()["total"]) == (
        "几号停暖？", True, 0,
    )  # fmt: skip
    assert program.post(f"{base}/answer", text=" ").json()["field"] == "text"
    booked = program.post(f"{base}/answer", text="4 月 7 日停暖。").json()
    assert (booked["answers"][0]["state"], booked["answers"][0]["text"]) == ("booked", "4 月 7 日停暖。")
    voices.answerer.send_due()
    assert program.post(f"{base}/select", chosen=True).json()["selected"] is True
    (answer,) = program.get(base).json()["answers"]
    assert program.post(f"{base}/withdraw", answer=answer["id"]).json()["state"] == "open"
    assert program.post(f"{base}/withdraw", answer=answer["id"] + 9).status_code == 404
    assert program.post(f"{base}/settle", reason="").json()["field"] == "reason"
    assert program.post(f"{base}/settle", reason="表扬").json()["state"] == "settled"
    assert program.post(f"{base}/reopen").json()["state"] == "open"
    assert program.post(f"{base}/delete", reason="广告").status_code == 403


def test_the_manager_sees_on_the_workbench_how_many_were_answered_in_time(voices: Voices) -> None:
    assert "评论按期答复率" not in voices.desk.browser("manager").get("/console").text
    voices.says("几号停暖？")
    voices.hear()
    base = f"/console/comments/{voices.comment().id}"
    voices.agent.send_form(f"{base}/answer", text="4 月 7 日停暖。")
    voices.answerer.send_due()
    html = voices.desk.browser("manager").get("/console").text
    shown = re.search(r"评论按期答复率</span>\s*<span class=\"stat__value\">(.*?)</span>\n", html, re.DOTALL)
    assert shown
    assert re.sub(r"<[^>]+>", "", shown[1]) == "100.0%"


def test_what_is_refused_stands_beside_its_field_and_nothing_is_lost(voices: Voices) -> None:
    voices.says("几号停暖？")
    voices.hear()
    base = f"/console/comments/{voices.comment().id}"
    answer = voices.agent.send_form(f"{base}/answer", text="请打 13812345678")
    assert answer.status_code == 422
    assert "手机号码" in answer.text
    assert "请打 13812345678" in answer.text
    assert voices.agent.send_form(f"{base}/settle", why="").status_code == 422
    assert voices.agent.send_form("/console/comments/settle", reason="表扬").status_code == 422
    done = voices.agent.send_form("/console/comments/settle", chosen=str(voices.comment().id), reason="表扬")
    assert (done.status_code, voices.comment().state) == (303, "settled")


def test_only_a_supervisor_deletes_with_a_reason_and_the_words_stay(voices: Voices) -> None:
    voices.says("广告")
    voices.hear()
    base = f"/console/comments/{voices.comment().id}"
    assert voices.agent.send_form(f"{base}/delete", reason="广告").status_code == 403
    chief = voices.desk.browser("manager")
    assert chief.send_form(f"{base}/delete", reason=" ").status_code == 422
    assert chief.send_form(f"{base}/delete", reason="广告").status_code == 303
    kept = voices.comment()
    assert (kept.state, kept.text, kept.reason) == ("gone", "广告", "广告")
    voices.hear()
    assert voices.comment().state == "gone"


def test_comments_are_closed_and_opened_from_the_list(voices: Voices) -> None:
    voices.says("几号停暖？")
    voices.hear()
    chief = voices.desk.browser("manager")
    thread = voices.comment().thread_id
    assert "关闭评论" in chief.get(f"/console/comments?thread={thread}").text
    chief.send_form(f"/console/comments/threads/{thread}/close")
    door = f"/control/wechat/{APPID}/pages/{voices.page}/comments"
    assert voices.rehearsal.http.post(door, json={"openid": CITIZEN, "content": "?"}).status_code == 409
    chief.send_form(f"/console/comments/threads/{thread}/open")
    voices.says("又能留言了")


def test_danger_in_a_comment_reaches_the_people_on_duty(voices: Voices) -> None:
    voices.says("再不解决我就跳楼")
    voices.hear()
    assert voices.notices("comment.danger")
    base = f"/console/comments/{voices.comment().id}"
    assert "跳楼" in voices.agent.get("/console/comments?state=danger").text
    voices.agent.send_form(f"{base}/acknowledge")
    assert voices.comment().acknowledged_at is not None


def test_an_account_without_comments_says_so(voices: Voices) -> None:
    voices.rehearsal.control(f"wechat/{APPID}/settings", comment_privilege=False)
    voices.hear()
    with voices.hub.works.read() as work:
        thread = work.session.scalars(select(CommentThread)).one()
        account = work.session.get_one(Account, thread.account_id)
    assert "没有留言功能" in voices.agent.get(f"/console/comments?thread={thread.id}").text
    assert account.credential_dead_at is None


def test_what_was_withdrawn_is_followed_no_more(voices: Voices) -> None:
    with voices.hub.works.write() as work:
        placement = work.session.scalars(select(Placement).where(Placement.url.like("%/wechat/s/%"))).one()
        placement.state = "withdrawn"
    follow_placements(voices.hub)
    with voices.hub.works.read() as work:
        assert work.session.scalars(select(CommentThread)).one().next_at is None
