"""The kernel's small parts: moments, clocks, errors, events and sealed secrets."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from kernel.clock import StillClock, SystemClock
from kernel.duties import DutyMark
from kernel.errors import Forbidden, Invalid, NotFound, Stale, WrongState, XuandaError
from kernel.events import Event, Listeners
from kernel.people import Permission
from kernel.seal import Seal, UnreadableSecret, load_key
from kernel.work import SYSTEM, Work, Works


@dataclass(frozen=True)
class Fact(Event):
    """Something that happened."""


@dataclass(frozen=True)
class OtherFact(Fact):
    """Something more particular."""


def test_a_moment_comes_back_in_utc_whatever_zone_it_was_given_in(works: Works) -> None:
    moment = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=timezone(timedelta(hours=8)))
    with works.write() as work:
        work.session.add(DutyMark(name="probe", due_at=moment))
    with works.read() as work:
        kept = work.session.scalars(select(DutyMark.due_at).where(DutyMark.due_at <= moment)).one()
    assert kept == moment
    assert kept.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused(works: Works) -> None:
    def write() -> None:
        with works.write() as work:
            work.session.add(DutyMark(name="probe", due_at=datetime(2026, 3, 2, 9, 0)))  # noqa: DTZ001  # The fault itself.

    with pytest.raises(StatementError, match="needs a time zone"):
        write()


def test_the_systems_clock_tells_utc_and_can_be_moved() -> None:
    now, later = SystemClock().now(), SystemClock(3600).now()
    assert now.tzinfo is UTC
    assert timedelta(minutes=59) < later - now < timedelta(minutes=61)


def test_a_still_clock_moves_only_when_told() -> None:
    clock = StillClock()
    assert clock.now() == clock.now()
    assert clock.step(hours=1) == clock.now()


ERRORS: list[tuple[XuandaError, int, str]] = [
    (NotFound(), 404, "没有找到"),
    (Forbidden(what="signing"), 403, "signing"),
    (Invalid(why="标题过长。"), 422, "标题过长。"),
    (Stale(what="李四"), 409, "李四"),
    (WrongState(state="已发布", act="修改"), 409, "已发布"),
    (XuandaError(), 500, "系统"),
]


@pytest.mark.parametrize(("error", "status", "words"), ERRORS)
def test_errors_speak_both_languages(error: XuandaError, status: int, words: str) -> None:
    assert error.status == status
    assert words in error.message("zh")
    assert "{" not in error.message("zh") + error.message("en")
    assert error.message("en") == str(error)
    assert "\n" not in error.message("en")
    assert error.code == type(error).__name__


def test_a_detail_that_is_not_given_leaves_no_placeholder() -> None:
    assert Forbidden().message("zh") == "您的角色不能做这件事（）。确有需要，请联系安全管理员授权。"
    lacks = Forbidden(what=Permission.CONVERSATION_READ)
    assert "（查看会话）" in lacks.message("zh")
    assert "(conversation.read)" in lacks.message("en")
    assert all(one.zh for one in Permission)


def test_a_detail_is_text_and_never_a_pattern() -> None:
    assert "{what}" in Forbidden(what="{what} %s").message()


def test_listeners_hear_their_own_fact_in_order(sqlite_works: Works) -> None:
    listeners, heard = Listeners(), []
    listeners.in_work(Fact, lambda _work, _event: heard.append("first"))
    listeners.in_work(Fact, lambda _work, _event: heard.append("second"))
    listeners.in_work(OtherFact, lambda _work, _event: heard.append("other"))
    with sqlite_works.read() as work:
        listeners.tell_in_work(work, Fact())
    assert heard == ["first", "second"]
    assert listeners.after_commit(OtherFact()) == []


def test_each_effect_keeps_its_own_fact(sqlite_works: Works) -> None:
    listeners, heard = Listeners(), []
    listeners.after(Fact, heard.append)
    facts = [Fact(), Fact()]
    for effect in [effect for fact in facts for effect in listeners.after_commit(fact)]:
        effect()
    assert [id(fact) for fact in heard] == [id(fact) for fact in facts]
    with sqlite_works.read() as work:
        assert isinstance(work, Work)
        assert work.actor is SYSTEM


def test_a_secret_is_closed_and_opened_with_the_same_key_only() -> None:
    seal = Seal(Fernet.generate_key())
    closed = seal.close("密钥 abc")
    assert "abc" not in closed
    assert closed != seal.close("密钥 abc")
    assert seal.open(closed) == "密钥 abc"
    with pytest.raises(UnreadableSecret):
        Seal(Fernet.generate_key()).open(closed)
    with pytest.raises(UnreadableSecret):
        seal.open("garbage")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    key = load_key(path)
    assert load_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Seal(key).open(Seal(load_key(path)).close("x")) == "x"


def test_a_moment_in_a_message_is_the_offices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(XuandaError, "zone", ZoneInfo("Asia/Shanghai"))
    error = Stale(what=datetime(2026, 3, 1, 18, 30, tzinfo=UTC))
    assert "2026-03-02 02:30" in error.message("zh")
