"""Comments: each kept once, answered at most once, settled by what stands at the platform, late and danger told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from analytics.comments import answered_in_time
from bot.comments import acts, late
from bot.comments.answer import Answerer
from bot.comments.collect import Collector, Place, follow, leave
from bot.comments.errors import AnswerUnderWay, WordsToCheck
from bot.comments.events import AnswerLost, CommentDanger, CommentsHeard, CommentsLate
from bot.comments.models import Comment, CommentAnswer, CommentThread
from bot.comments.states import CommentState
from bot.states import ReplyState
from channels.abilities.comments import Comment as Shown
from channels.abilities.comments import CommentLimits, Heard, HearsComments, OwnAnswer
from channels.accounts.models import Account
from channels.base import AccountInfo, Placed
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, Unsupported
from content.models import ListedWord
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.errors import Invalid, WrongState
from kernel.events import Event
from kernel.seal import Seal
from kernel.work import Works
from tests.bot.citizens import wechat_account
from tests.factories import Office, make_office

ZONE = ZoneInfo("Asia/Shanghai")


class Board(HearsComments):
    """A platform's comments in memory; fails as told, after it acted or before."""

    comment_limits: ClassVar[CommentLimits] = CommentLimits(frozenset({"select"}), one_answer=True)

    def __init__(self) -> None:
        self.shown: list[Shown] = []
        self.own: list[OwnAnswer] = []
        self.failure: Exception | None = None
        self.acts_first = False
        self.asked = 0
        self.complete = True

    def __call__(self, account: AccountInfo) -> Any:
        return self

    def hear_comments(self, placed: Placed, cursor: str) -> Heard:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return Heard(list(self.shown), list(self.own), self.complete, cursor=str(len(self.shown)))

    def answer_fault(self, text: str) -> str:
        return "太长。" if len(text) > 20 else ""

    def answer_comment(self, placed: Placed, comment: Shown, text: str) -> str:
        if self.failure is None or self.acts_first:
            self.own.append(OwnAnswer("", comment.id, text, comment.at))
        if self.failure is not None:
            raise self.failure
        return ""


@dataclass
class Beneath:
    """One item on one account, with its board."""

    office: Office
    clock: StillClock
    account: Account
    piece_id: int
    board: Board
    collector: Collector
    answerer: Answerer
    told: list[Event] = field(default_factory=list)

    @property
    def works(self) -> Works:
        """Pieces of work on the office's database."""
        return self.office.works

    def place(self, **changes: Any) -> Place:
        """Where the item shows."""
        placed = Placed(self.piece_id, "1_1", "https://mp.example/s/1", {"msg_data_id": 1, "idx": 1})
        return Place(self.piece_id, self.account.id, "供热通知", replace(placed, **changes), self.clock.now())

    def says(self, text: str, number: str = "1") -> None:
        """A citizen writes."""
        self.board.shown.append(Shown(number, "o1", "", text, self.clock.now()))

    def hear(self) -> int:
        """A round, some time later."""
        self.clock.step(minutes=16)
        return self.collector.round()

    def comment(self, number: str = "1") -> Comment:
        """The comment as it is kept."""
        with self.works.read() as work:
            return work.session.scalars(select(Comment).where(Comment.remote_id == number)).one()

    def answers(self) -> list[CommentAnswer]:
        """Every answer."""
        with self.works.read() as work:
            return list(work.session.scalars(select(CommentAnswer).order_by(CommentAnswer.id)))

    def thread(self) -> CommentThread:
        """The thread."""
        with self.works.read() as work:
            return work.session.scalars(select(CommentThread)).one()

    def answer(self, text: str = "4 月 7 日停暖。", number: str = "1", **more: Any) -> CommentAnswer:
        """An agent answers."""
        with self.works.write(self.office.actor("officer")) as work:
            comment = work.session.get_one(Comment, self.comment(number).id)
            return acts.answer(work, comment, self.board, text, **more)

    def of(self, kind: type[Event]) -> list[Any]:
        """Facts of one kind."""
        return [fact for fact in self.told if isinstance(fact, kind)]


def _beneath(office: Office, clock: StillClock) -> Beneath:
    seal, board = Seal(Fernet.generate_key()), Board()
    with office.works.write() as work:
        account = wechat_account(work, seal, office.bureau.id)
    made = Beneath(
        office, clock, account, office.piece(by="author").id, board,
        Collector(office.works, seal, board, ZONE), Answerer(office.works, seal, board),
    )  # fmt: skip
    for kind in (CommentsHeard, CommentsLate, CommentDanger, AnswerLost):
        office.works.listeners.after(kind, made.told.append)
    with office.works.write() as work:
        follow(work, [made.place()])
    return made


@pytest.fixture
def beneath(sqlite_works: Works, tmp_path: Any, clock: StillClock) -> Beneath:
    """On SQLite."""
    return _beneath(make_office(sqlite_works, Blobs(tmp_path)), clock)


@pytest.fixture
def beneath_both(works: Works, tmp_path: Any, clock: StillClock) -> Beneath:
    """On each kind of database."""
    return _beneath(make_office(works, Blobs(tmp_path)), clock)


def test_a_comment_is_kept_once_and_answered_once(beneath_both: Beneath) -> None:
    beneath = beneath_both
    beneath.says("几号停暖？")
    assert (beneath.hear(), beneath.hear()) == (1, 0)
    kept = beneath.comment()
    assert (kept.state, kept.text) == (CommentState.OPEN, "几号停暖？")
    beneath.answer()
    assert beneath.answerer.send_due() == 1
    assert beneath.answerer.send_due() == 0
    assert beneath.comment().state == CommentState.ANSWERED
    assert [own.text for own in beneath.board.own] == ["4 月 7 日停暖。"]
    beneath.hear()
    assert [row.state for row in beneath.answers()] == [ReplyState.DONE]
    with pytest.raises(AnswerUnderWay):
        beneath.answer("又一条答复。")


def test_the_deadline_is_counted_in_working_days_from_when_it_was_written(beneath: Beneath) -> None:
    beneath.says("几号停暖？")  # A Monday morning.
    beneath.clock.step(days=1)
    beneath.hear()
    due = beneath.comment().due_at.astimezone(ZONE)
    assert (due - beneath.board.shown[0].at.astimezone(ZONE)).days == 3
    assert (due.hour, due.minute) == (17, 30)


def test_a_lost_answer_is_unknown_until_it_is_seen(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.board.failure, beneath.board.acts_first = OutcomeUnknown("连接平台超时"), True
    beneath.answer()
    beneath.answerer.send_due()
    assert beneath.answers()[0].state == ReplyState.UNKNOWN
    assert len(beneath.of(AnswerLost)) == 1
    assert beneath.answerer.send_due() == 0
    beneath.board.failure = None
    beneath.hear()
    assert (beneath.answers()[0].state, beneath.comment().state) == (ReplyState.DONE, CommentState.ANSWERED)
    assert len(beneath.board.own) == 1


def test_a_lost_answer_that_is_not_there_is_sent_again_only_by_a_person(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.board.failure = OutcomeUnknown("连接平台超时")
    row = beneath.answer()
    beneath.answerer.send_due()
    beneath.board.failure = None
    beneath.hear()
    assert beneath.answerer.send_due() == 0
    with pytest.raises(AnswerUnderWay):
        beneath.answer("换一条。")
    with beneath.works.write(beneath.office.actor("officer")) as work:
        comment = work.session.get_one(Comment, beneath.comment().id)
        acts.send_again(work, comment, work.session.get_one(CommentAnswer, row.id))
    with pytest.raises(AnswerUnderWay), beneath.works.write() as work:
        acts.send_again(work, comment, work.session.get_one(CommentAnswer, row.id))
    beneath.answerer.send_due()
    assert beneath.comment().state == CommentState.ANSWERED


def test_a_sender_that_died_leaves_an_unknown_answer(beneath_both: Beneath) -> None:
    beneath = beneath_both
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.answer()
    assert beneath.answerer.take("dead") is not None
    assert beneath.answerer.send_due() == 0
    beneath.clock.step(seconds=91)
    beneath.answerer.send_due()
    assert beneath.answers()[0].state == ReplyState.UNKNOWN
    assert beneath.board.own == []


@pytest.mark.parametrize(
    ("failure", "state"),
    [(Retryable("连不上平台"), ReplyState.BOOKED), (Refused("已有作者答复"), ReplyState.FAILED),
     (Unsupported("没有权限"), ReplyState.FAILED), (RuntimeError("?"), ReplyState.UNKNOWN)],
)  # fmt: skip
def test_what_becomes_of_an_answer_by_the_platforms_no(beneath: Beneath, failure: Exception, state: str) -> None:
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.board.failure = failure
    beneath.answer()
    beneath.answerer.send_due()
    assert beneath.answers()[0].state == state
    assert beneath.comment().state == CommentState.OPEN


def test_an_answer_given_on_the_platform_itself_counts_and_one_taken_back_there_does_not(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.board.own.append(OwnAnswer("", "1", "在后台答的", beneath.clock.now()))
    beneath.hear()
    (row,) = beneath.answers()
    assert (row.person_id, beneath.comment().state) == (None, CommentState.ANSWERED)
    beneath.board.own.clear()
    beneath.hear()
    assert beneath.answers()[0].removed_at is not None
    assert beneath.comment().state == CommentState.OPEN
    beneath.answer()


def test_what_is_gone_from_the_platform_is_gone_only_where_all_was_heard(beneath: Beneath) -> None:
    beneath.says("几号停暖？")
    beneath.hear()
    beneath.board.shown.clear()
    beneath.board.complete = False
    beneath.hear()
    assert beneath.comment().state == CommentState.OPEN
    beneath.board.complete = True
    beneath.hear()
    assert (beneath.comment().state, beneath.comment().text) == (CommentState.GONE, "几号停暖？")
    with pytest.raises(WrongState):
        beneath.answer()
    beneath.says("几号停暖？")
    beneath.hear()
    assert beneath.comment().state == CommentState.OPEN


def test_an_answers_words_are_checked(beneath: Beneath) -> None:
    with beneath.works.write() as work:
        for word, level in (("停水", "block"), ("大概", "warn")):
            work.session.add(ListedWord(unit_id=beneath.office.bureau.id, word=word, level=level, instead="", note=""))
    beneath.says("几号停暖？")
    beneath.hear()
    for text, says in (("好", "写明"), ("热" * 21, "太长"), ("今天停水", "停水"), ("找 13812345678", "手机号码")):
        with pytest.raises(Invalid, match=says) as no:
            beneath.answer(text)
        assert no.value.field == "text"
    with pytest.raises(WordsToCheck, match="大概"):
        beneath.answer("大概四月七日")
    beneath.answer("大概四月七日", checked=True)


def test_no_right_to_comments_is_said_and_not_asked_for_every_minute(beneath: Beneath) -> None:
    beneath.board.failure = Unsupported("该公众号没有留言功能", code="88000")
    beneath.hear()
    assert beneath.thread().fault == "该公众号没有留言功能"
    beneath.hear()
    assert beneath.board.asked == 1
    beneath.clock.step(days=1)
    beneath.board.failure = None
    beneath.hear()
    assert (beneath.thread().fault, beneath.board.asked) == ("", 2)


def test_an_answer_that_cannot_be_read_stops_no_other_and_is_asked_for_later(beneath: Beneath) -> None:
    beneath.board.failure = KeyError("create_time")
    assert beneath.hear() == 0
    assert "适配程序出错" in beneath.thread().fault
    assert beneath.thread().next_at == beneath.clock.now() + timedelta(hours=1)


def test_a_spent_budget_waits_until_the_platform_says(beneath: Beneath) -> None:
    until = beneath.clock.now() + timedelta(hours=5)
    beneath.board.failure = Throttled("次数已用完", until)
    beneath.hear()
    assert beneath.thread().next_at == until


@pytest.mark.parametrize(("age", "wait"), [(0, 15), (12, 60), (72, 240), (24 * 20, 720)])
def test_threads_are_asked_less_as_they_age(beneath: Beneath, age: int, wait: int) -> None:
    beneath.clock.step(hours=age)
    beneath.hear()
    assert beneath.thread().next_at == beneath.clock.now() + timedelta(minutes=wait)


def test_an_old_thread_is_asked_no_more(beneath: Beneath) -> None:
    beneath.clock.step(days=31)
    beneath.hear()
    assert beneath.thread().next_at is None


def test_what_was_withdrawn_is_left_and_a_new_address_is_heard_anew(beneath: Beneath) -> None:
    beneath.hear()
    with beneath.works.write() as work:
        follow(work, [beneath.place(remote_id="2_1")])
    assert (beneath.thread().cursor, beneath.thread().remote_id) == ("", "2_1")
    with beneath.works.write() as work:
        leave(work, {(beneath.piece_id, beneath.account.id, 0)})
    assert beneath.thread().next_at is None
    before = beneath.board.asked
    beneath.hear()
    assert beneath.board.asked == before


def test_late_comments_are_told_once_and_together(beneath: Beneath) -> None:
    beneath.says("一", "1")
    beneath.says("二", "2")
    beneath.says("表扬", "3")
    beneath.hear()
    with beneath.works.write(beneath.office.actor("officer")) as work:
        acts.settle(work, work.session.get_one(Comment, beneath.comment("3").id), "表扬")
    assert late.alarm_late(beneath.works) == 0
    beneath.clock.step(days=6)
    assert (late.alarm_late(beneath.works), late.alarm_late(beneath.works)) == (2, 0)
    assert [fact.number for fact in beneath.of(CommentsLate)] == [2]


def test_danger_is_told_until_somebody_takes_it_up(beneath: Beneath) -> None:
    beneath.says("再不解决我就跳楼")
    beneath.hear()
    assert [(fact.word, fact.round) for fact in beneath.of(CommentDanger)] == [("跳楼", 1)]
    assert late.alarm_danger_again(beneath.works) == 0
    beneath.clock.step(minutes=3)
    assert late.alarm_danger_again(beneath.works) == 1
    with beneath.works.write(beneath.office.actor("officer")) as work:
        acts.acknowledge(work, work.session.get_one(Comment, beneath.comment().id))
    beneath.clock.step(minutes=30)
    assert late.alarm_danger_again(beneath.works) == 0


def test_the_share_answered_in_time(beneath_both: Beneath) -> None:
    beneath = beneath_both
    for number in ("1", "2", "3"):
        beneath.says(f"问题 {number}", number)
    beneath.hear()
    beneath.answer(number="1")
    beneath.answerer.send_due()
    beneath.clock.step(days=6)
    beneath.answer("迟到的答复", number="2")
    beneath.answerer.send_due()
    with beneath.works.read() as work:
        figures = answered_in_time(work.session, [beneath.office.bureau.id], work.now)
    assert (figures.due, figures.kept) == (3, 1)
    with beneath.works.read() as work:
        assert answered_in_time(work.session, [beneath.office.other.id], work.now).share is None


def test_a_further_article_has_its_own_comments_and_the_first_one_keeps_its_own(beneath: Beneath) -> None:
    """A correction by a notice: people go on writing beneath the old article; platforms number from 1 beneath each."""
    beneath.says("几号停暖？")
    beneath.hear()
    old, new = beneath.place(), replace(beneath.place(remote_id="2_1", url="https://mp.example/s/2"), article=1)
    with beneath.works.write() as work:
        follow(work, [old, new])
    beneath.says("更正了什么？", "2")
    beneath.clock.step(hours=2)
    beneath.collector.round()
    with beneath.works.read() as work:
        threads = work.session.scalars(select(CommentThread).order_by(CommentThread.article)).all()
        kept = work.session.scalars(select(Comment).order_by(Comment.id)).all()
        assert [(one.article, one.remote_id) for one in threads] == [(0, "1_1"), (1, "2_1")]
        assert all(one.state == CommentState.OPEN for one in kept)
        assert {one.thread_id for one in kept} == {one.id for one in threads}
    with beneath.works.write() as work:
        leave(work, {(beneath.piece_id, beneath.account.id, 0)})
    with beneath.works.read() as work:
        asked = work.session.scalars(select(CommentThread).where(CommentThread.next_at.is_not(None))).all()
        assert [one.article for one in asked] == [1]
