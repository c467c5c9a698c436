"""舆情: the clocks that a clue and its judgement set, what stops them, and who may see a case."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from analytics import opinion
from content import public, rebuttals
from content.models import Piece
from content.rebuttals import Rumour
from kernel.errors import Invalid, WrongState
from kernel.events import Listeners
from kernel.office_rules import set_rule
from kernel.people import Permission
from scheduler.events import WentLive
from scheduler.opinion import cases
from scheduler.opinion.cases import Clue, Judgement
from scheduler.opinion.models import OpinionCase, OpinionNote
from tests.scheduler.conftest import Timetable

HOUR = timedelta(hours=1)


class Desk:
    """The register of the bureau, over the timetable."""

    def __init__(self, table: Timetable, listeners: Listeners) -> None:
        self.table = table
        listeners.in_work_together(WentLive, cases.went_live)

    def report(self, found_at: datetime | None = None, **words: Any) -> OpinionCase:
        """A clue by an officer."""
        clue = Clue(**{"title": "网传停水三天", "source": "本地论坛", "words": "听说要停水三天", **words},
                    found_at=found_at or self.table.clock.now())  # fmt: skip
        with self.table.office.working("officer") as (work, who):
            return cases.report(work, who, self.table.office.bureau.id, clue)

    def act(self, step: Any, case: OpinionCase, *args: Any, by: str = "signer", **more: Any) -> OpinionCase:
        """A person's act on a case; the case as it stands after it."""
        with self.table.office.working(by) as (work, who):
            step(work, who, work.session.get_one(OpinionCase, case.id), *args, **more)
        return self.now(case)

    def judge(self, case: OpinionCase, grade: str, *, responds: bool = True, reason: str = "") -> OpinionCase:
        """研判 by the signer."""
        return self.act(cases.judge, case, Judgement(grade, responds, reason))

    def now(self, case: OpinionCase) -> OpinionCase:
        """The case as it stands."""
        with self.table.works.read() as work:
            return work.session.get_one(OpinionCase, case.id)

    def clocks(self, case: OpinionCase) -> dict[str, tuple[timedelta, bool]]:
        """Each clock's hours from the clue on, and whether it is late now."""
        row, now = self.now(case), self.table.clock.now()
        return {clock.name: (clock.due - row.found_at, clock.late(now)) for clock in cases.clocks_of(row)}


@pytest.fixture
def desk(timetable: Timetable, listeners: Listeners) -> Desk:
    """The register once on each kind of database."""
    return Desk(timetable, listeners)


def test_the_grade_decides_which_clocks_run_from_the_clue_on(desk: Desk) -> None:
    found = desk.table.clock.now()
    desk.table.at(hours=1)
    case = desk.report(found)
    assert desk.clocks(case) == {"first": (5 * HOUR, False), "reply": (48 * HOUR, False)}
    desk.judge(case, "II")
    assert desk.clocks(case) == {"first": (5 * HOUR, False), "press": (24 * HOUR, False)}
    desk.table.at(hours=5)
    assert desk.clocks(case)["first"] == (5 * HOUR, True)
    desk.judge(case, "IV")
    assert desk.clocks(case) == {"reply": (48 * HOUR, False)}
    with desk.table.works.write() as work:
        set_rule(work, "opinion.reply_hours", desk.table.office.bureau.id, 24)
    desk.judge(case, "III")
    assert desk.clocks(case) == {"reply": (24 * HOUR, False)}
    assert desk.judge(case, "IV", responds=False, reason="与事实无关").state == "declined"
    assert desk.clocks(case) == {}


def test_the_published_piece_stops_the_clock_and_a_grave_case_waits_for_the_press(desk: Desk) -> None:
    case = desk.judge(desk.report(), "I")
    office = desk.table.office
    release = desk.table.release(title="关于停水传言的说明")
    with office.working("author") as (work, who):
        piece = work.session.get_one(Piece, release.piece_id)
        cases.respond_by(work, who, work.session.get_one(OpinionCase, case.id), piece)
        with pytest.raises(Invalid, match="已经列为回应"):
            cases.respond_by(work, who, work.session.get_one(OpinionCase, case.id), piece)
    assert desk.now(case).first_at is None
    live = desk.table.at(hours=2)
    desk.table.book(release.piece_id)
    desk.table.run()
    after = desk.now(case)
    assert (after.first_at, after.state) == (live, "open"), "the press is still owed"
    said = {"words": "新闻发布会", "url": "https://news.example/1", "at": desk.table.at(hours=1), "press": True}
    assert desk.act(cases.respond_elsewhere, case, by="officer", **said).state == "answered"
    desk.table.at(days=3)
    assert not any(late for _due, late in desk.clocks(case).values())
    assert desk.act(cases.close, case, "已平息").state == "closed"
    with pytest.raises(WrongState, match="已办结"):
        desk.judge(case, "IV")
    with desk.table.works.read() as work:
        acts = work.session.scalars(select(OpinionNote.act).order_by(OpinionNote.id)).all()
    assert acts == ["reported", "judged", "response", "public", "response", "public", "closed"]


def test_a_piece_that_is_public_already_counts_from_its_own_hour(desk: Desk) -> None:
    release = desk.table.release()
    desk.table.book(release.piece_id)
    found = desk.table.at(hours=1)
    desk.table.run()
    live = desk.table.clock.now()
    desk.table.at(hours=6)
    case = desk.judge(desk.report(found), "IV")
    with desk.table.office.working("author") as (work, who):
        case_row = work.session.get_one(OpinionCase, case.id)
        cases.respond_by(work, who, case_row, work.session.get_one(Piece, release.piece_id))
    assert (desk.now(case).first_at, desk.now(case).state) == (live, "answered")
    later = desk.judge(desk.report(desk.table.at(minutes=1)), "IV")
    linked = desk.table.at(hours=1)
    with desk.table.office.working("author") as (work, who):
        case_row = work.session.get_one(OpinionCase, later.id)
        cases.respond_by(work, who, case_row, work.session.get_one(Piece, release.piece_id))
    assert desk.now(later).first_at == linked, "said before the matter was found"


@pytest.mark.parametrize(
    ("field", "words"),
    [("title", {"title": ""}), ("source", {"source": ""}), ("words", {"words": ""}), ("url", {"url": "javascript:1"})],
)
def test_a_clue_that_lacks_something_names_the_field(desk: Desk, field: str, words: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused:
        desk.report(**words)
    assert refused.value.field == field


def test_what_cannot_be_is_refused(desk: Desk) -> None:
    with pytest.raises(Invalid, match="发现时间"):
        desk.report(desk.table.clock.now() + HOUR)
    case = desk.report()
    said = {"words": "口头", "url": "", "press": False}
    with pytest.raises(WrongState, match="待研判"):
        desk.act(cases.respond_elsewhere, case, at=desk.table.clock.now(), **said)
    with pytest.raises(Invalid, match="理由"):
        desk.judge(case, "IV", responds=False)
    with pytest.raises(Invalid, match="等级"):
        desk.judge(case, "V")
    desk.judge(case, "IV")
    for at in (case.found_at - HOUR, desk.table.clock.now() + HOUR):
        with pytest.raises(Invalid, match="回应时间"):
            desk.act(cases.respond_elsewhere, case, at=at, **said)
    with pytest.raises(WrongState, match="待回应"):
        desk.act(cases.close, case, "办结")


def test_the_unit_that_responds_sees_the_case_and_no_other(desk: Desk) -> None:
    case, office = desk.report(), desk.table.office
    assert not cases.may(office.who("stranger"), Permission.PIECE_READ, case)
    case = desk.act(cases.judge, case, Judgement("IV", responds=True, reason="", handler_id=office.other.id))
    stranger = office.who("stranger")
    assert cases.may(stranger, Permission.PIECE_READ, case)
    with desk.table.works.read() as work:
        query = select(OpinionCase.id).where(cases.reachable(stranger, Permission.PIECE_READ))
        assert work.session.scalars(query).all() == [case.id]


def test_it_is_counted_how_soon_the_first_word_came(desk: Desk) -> None:
    start = desk.table.clock.now()
    quick, slow, ignored, _waiting = (desk.report(title=f"舆情 {n}") for n in range(4))
    for case in (quick, slow):
        desk.judge(case, "IV")
    desk.judge(ignored, "IV", responds=False, reason="不实")
    said = {"words": "答复", "url": "", "press": False, "by": "officer"}
    desk.act(cases.respond_elsewhere, quick, at=desk.table.at(hours=4), **said)
    desk.act(cases.respond_elsewhere, slow, at=desk.table.at(hours=46), **said)
    now = desk.table.clock.now()
    with desk.table.works.read() as work:
        found = opinion.responded(work.session, {desk.table.office.bureau.id}, start, now, now)
        elsewhere = opinion.responded(work.session, {desk.table.office.other.id}, start, now, now)
    assert (found.found, found.within, found.later) == (4, {5: 1, 24: 1, 48: 1}, 1)
    assert (found.declined, found.waiting, found.overdue, found.owed, found.kept) == (1, 1, 1, 3, 1)
    assert elsewhere.found == 0
    assert elsewhere.share is None


def test_a_rebuttal_holds_while_its_piece_is_public_and_nobody_ended_it(desk: Desk) -> None:
    office, release = desk.table.office, desk.table.release(title="停水三天系谣言")

    def standing() -> list[int]:
        with desk.table.works.read() as work:
            return [row.piece_id for row, _shown in rebuttals.standing(work.session, work.now)]

    with office.working("signer") as (work, who):
        piece = work.session.get_one(Piece, release.piece_id)
        for field, rumour in (
            ("claim", Rumour("假")),
            ("asks", Rumour("网传停水三天", ["停水"])),
            ("answers_url", Rumour("网传停水三天", answers_url="x")),
            ("answers_url", Rumour("网传停水三天", answers_url="https://x.example/" + "a" * 983)),
            ("until", Rumour("网传停水三天", until_at=work.now)),
            ("answers_piece", Rumour("网传停水三天", answers_piece_id=piece.id)),
        ):
            with pytest.raises(Invalid) as refused:
                rebuttals.rebut(work, who, piece, rumour)
            assert refused.value.field == field
        asks, longest = ["真的要停水三天吗", "真的要停水三天吗"], "https://x.example/" + "a" * 982
        rebuttals.rebut(work, who, piece, Rumour("网传停水三天", asks, longest))
    assert standing() == [], "it is not public yet"
    desk.table.book(piece.id)
    desk.table.run()
    assert standing() == [piece.id]
    with office.working("signer") as (work, who):
        until = work.now + HOUR
        row = rebuttals.rebut(work, who, work.session.get_one(Piece, piece.id), Rumour("网传停水三天", until_at=until))
    desk.table.at(hours=2)
    assert standing() == []
    with office.working("signer") as (work, who):
        rebuttals.rebut(work, who, work.session.get_one(Piece, piece.id), Rumour("网传停水三天"))
    assert standing() == [piece.id]
    with office.working("signer") as (work, who):
        rebuttals.end(work, who, work.session.get_one(type(row), row.id))
    with pytest.raises(WrongState), office.working("signer") as (work, who):
        rebuttals.end(work, who, work.session.get_one(type(row), row.id))
    assert standing() == []
    with desk.table.works.write() as work:
        work.session.get_one(type(row), row.id).ended_at = None
    with desk.table.works.write() as work:
        public.withdrawn(work, piece.id, work.now, "")
    assert standing() == []
