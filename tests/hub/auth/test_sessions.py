"""Log-ins: how they begin, how long they last, and how an account is locked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from hub.auth import passwords
from hub.auth.errors import CodeNeeded, WeakPassword, WrongLogin
from hub.auth.models import Credential, LoginSession
from hub.auth.secret import fingerprint
from kernel.errors import Invalid
from kernel.people import Person
from kernel.work import Actor
from tests.hub.auth.conftest import HERE, SEAL, Entrance
from tests.hub.office import PASSWORD

NEW = "Rivers and lakes 8"


def test_a_right_password_opens_a_session(entrance: Entrance) -> None:
    token = entrance.log_in()
    known = entrance.sessions.recognise(token)
    assert known is not None
    assert known.person.login == "wang"
    assert (known.session.address, known.session.agent) == ("192.0.2.7", "Browser 1.0")
    assert entrance.acts() == ["login.succeeded"]


def test_only_the_hash_of_the_token_is_stored(entrance: Entrance) -> None:
    token = entrance.log_in()
    with entrance.works.read() as work:
        row = work.session.scalars(select(LoginSession)).one()
    assert row.token_hash == fingerprint(token)
    assert token not in (row.token_hash, row.csrf)
    assert entrance.sessions.recognise(row.token_hash) is None


def test_the_login_name_may_be_typed_in_capitals_and_with_blanks(entrance: Entrance) -> None:
    assert entrance.sessions.recognise(entrance.log_in(" WANG ")) is not None


@pytest.mark.parametrize(
    ("login", "password"), [("wang", "wrong"), ("nobody", PASSWORD), ("", ""), ("wang", ""), ("wang", "x" * 10_000)]
)
def test_every_refusal_reads_the_same(entrance: Entrance, login: str, password: str) -> None:
    with pytest.raises(WrongLogin) as refusal:
        entrance.log_in(login, password)
    with pytest.raises(WrongLogin) as other:
        entrance.log_in("nobody", "wrong")
    assert refusal.value.message() == other.value.message()


def test_no_secret_reaches_the_audit_log(entrance: Entrance) -> None:
    for login, password in (("wang", "wrong-password"), ("typed-my-password-here", "wrong-password")):
        with pytest.raises(WrongLogin):
            entrance.log_in(login, password)
    token = entrance.log_in()
    entrance.sessions.change_password(token, PASSWORD, NEW, HERE)
    text = entrance.log_text()
    for secret in ("wrong-password", "typed-my-password-here", PASSWORD, NEW, token):
        assert secret not in text


def test_an_account_is_locked_after_so_many_failures_and_opens_by_itself(entrance: Entrance) -> None:
    for _ in range(3):
        with pytest.raises(WrongLogin):
            entrance.log_in(password="wrong")
    assert entrance.acts() == ["login.failed", "login.failed", "login.failed", "login.locked"]
    with pytest.raises(WrongLogin):
        entrance.log_in()
    entrance.clock.step(minutes=15)
    assert entrance.log_in()
    assert entrance.credential().failures == 0


def test_after_a_lock_the_count_begins_anew(entrance: Entrance) -> None:
    for _ in range(3):
        with pytest.raises(WrongLogin):
            entrance.log_in(password="wrong")
    entrance.clock.step(minutes=16)
    with pytest.raises(WrongLogin):
        entrance.log_in(password="wrong")
    assert entrance.credential().failures == 1
    assert entrance.log_in()


def test_guesses_at_the_same_moment_are_all_counted(entrance: Entrance) -> None:
    def guess(number: int) -> bool:
        try:
            entrance.log_in(password="wrong" if number else PASSWORD)
        except WrongLogin:
            return False
        return True

    for _ in range(2):
        with pytest.raises(WrongLogin):
            entrance.log_in(password="wrong")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(guess, [1, 1, 1, 1]))
    assert entrance.credential().failures >= 3
    with pytest.raises(WrongLogin):
        entrance.log_in()


def test_whoever_was_switched_off_cannot_log_in_and_is_out_at_once(entrance: Entrance) -> None:
    token = entrance.log_in()
    with entrance.works.write() as work:
        work.session.get_one(Person, entrance.person.id).active = False
    assert entrance.sessions.recognise(token) is None
    with pytest.raises(WrongLogin):
        entrance.log_in()


def test_a_session_ends_when_it_rests_too_long(entrance: Entrance) -> None:
    token = entrance.log_in()
    for _ in range(3):
        entrance.clock.step(minutes=50)
        assert entrance.sessions.recognise(token) is not None
    entrance.clock.step(minutes=60)
    assert entrance.sessions.recognise(token) is None


def test_a_session_ends_after_its_time_however_busy(entrance: Entrance) -> None:
    token = entrance.log_in()
    for _ in range(19):
        entrance.clock.step(minutes=30)
        assert entrance.sessions.recognise(token) is not None
    entrance.clock.step(minutes=30)
    assert entrance.sessions.recognise(token) is None


def test_use_is_noted_at_most_once_a_minute(entrance: Entrance) -> None:
    token = entrance.log_in()
    began = entrance.clock.now()
    entrance.clock.step(seconds=30)
    entrance.sessions.recognise(token)
    assert _seen(entrance) == began
    entrance.clock.step(seconds=31)
    entrance.sessions.recognise(token)
    assert _seen(entrance) == began + timedelta(seconds=61)


def test_a_new_log_in_ends_the_browsers_earlier_one(entrance: Entrance) -> None:
    first = entrance.log_in()
    second = entrance.log_in(previous=first)
    assert first != second
    assert entrance.sessions.recognise(first) is None
    assert entrance.sessions.recognise(second) is not None


def test_log_out_ends_only_this_one(entrance: Entrance) -> None:
    here, there = entrance.log_in(), entrance.log_in()
    entrance.sessions.log_out(here, Actor("王五", entrance.person.id))
    entrance.sessions.log_out(here, Actor("王五", entrance.person.id))
    assert entrance.sessions.recognise(here) is None
    assert entrance.sessions.recognise(there) is not None
    assert entrance.acts().count("login.ended") == 1


def test_the_others_can_be_ended(entrance: Entrance) -> None:
    here, there = entrance.log_in(), entrance.log_in()
    assert entrance.sessions.end_others(here, Actor("王五", entrance.person.id)) == 1
    assert entrance.sessions.recognise(here) is not None
    assert entrance.sessions.recognise(there) is None


def test_a_new_password_ends_every_log_in(entrance: Entrance) -> None:
    here, there = entrance.log_in(), entrance.log_in()
    fresh = entrance.sessions.change_password(here, PASSWORD, NEW, HERE)
    assert entrance.sessions.recognise(here) is None
    assert entrance.sessions.recognise(there) is None
    assert entrance.sessions.recognise(fresh) is not None
    with pytest.raises(WrongLogin):
        entrance.log_in()
    assert entrance.log_in(password=NEW)
    assert "password.changed" in entrance.acts()


def test_a_wrong_current_password_counts_like_a_wrong_log_in(entrance: Entrance) -> None:
    token = entrance.log_in()
    for _ in range(3):
        with pytest.raises(Invalid) as refusal:
            entrance.sessions.change_password(token, "guess", NEW, HERE)
        assert refusal.value.field == "current"
    with pytest.raises(Invalid):
        entrance.sessions.change_password(token, PASSWORD, NEW, HERE)
    assert "login.locked" in entrance.acts()


def test_a_weak_or_the_same_password_is_refused(entrance: Entrance) -> None:
    token = entrance.log_in()
    with pytest.raises(WeakPassword):
        entrance.sessions.change_password(token, PASSWORD, "short", HERE)
    with pytest.raises(Invalid):
        entrance.sessions.change_password(token, PASSWORD, PASSWORD, HERE)
    assert entrance.log_in()


def test_a_hash_of_older_parameters_is_renewed_at_log_in(entrance: Entrance, monkeypatch: pytest.MonkeyPatch) -> None:
    before = entrance.credential().hash
    monkeypatch.setattr("hub.auth.sessions.outdated", lambda _kept: True)
    entrance.log_in()
    after = entrance.credential().hash
    assert after != before
    assert passwords.matches(PASSWORD, after)


def test_sweeping_removes_what_has_ended(entrance: Entrance) -> None:
    entrance.log_in()
    entrance.clock.step(minutes=59)
    fresh = entrance.log_in()
    entrance.clock.step(minutes=2)
    entrance.sessions.sweep()
    with entrance.works.read() as work:
        left = work.session.scalars(select(LoginSession.token_hash)).all()
    assert left == [fingerprint(fresh)]


def test_the_second_factor_is_asked_for_and_its_code_works_once(entrance: Entrance) -> None:
    secret = pyotp.random_base32()
    with entrance.works.write() as work:
        work.session.get_one(Credential, entrance.person.id).totp = SEAL.close(secret)
    code = pyotp.TOTP(secret).at(entrance.clock.now())
    with pytest.raises(CodeNeeded):
        entrance.log_in()
    assert entrance.credential().failures == 0
    with pytest.raises(WrongLogin):
        entrance.log_in(password="wrong", code=code)
    assert entrance.log_in(code=code)
    with pytest.raises(CodeNeeded):
        entrance.log_in(code=code)
    entrance.clock.step(seconds=30)
    assert entrance.log_in(code=pyotp.TOTP(secret).at(entrance.clock.now()))


def test_wrong_codes_lock_the_account_too(entrance: Entrance) -> None:
    with entrance.works.write() as work:
        work.session.get_one(Credential, entrance.person.id).totp = SEAL.close(pyotp.random_base32())
    for _ in range(3):
        with pytest.raises(CodeNeeded):
            entrance.log_in(code="000000")
    with pytest.raises(WrongLogin):
        entrance.log_in(code="000000")


def _seen(entrance: Entrance) -> object:
    with entrance.works.read() as work:
        return work.session.scalars(select(LoginSession.seen_at)).one()
