"""Log-ins: begun with a password, carried by a cookie, ended by time, by log-out or by a new password."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, select
from sqlalchemy.orm import Session

from hub.auth import lockout, totp
from hub.auth.errors import CodeNeeded, WrongLogin
from hub.auth.lockout import LockoutPolicy
from hub.auth.models import Credential, LoginSession
from hub.auth.passwords import check_strength, hash_password, matches, outdated, set_password
from hub.auth.secret import fingerprint, new_token
from kernel.errors import Invalid
from kernel.people import Person, Unit
from kernel.seal import Seal
from kernel.work import Actor, Work, Works

SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class SessionPolicy:
    """How long a log-in lasts altogether, and how long it may rest."""

    lasts: timedelta
    idle: timedelta


@dataclass(frozen=True)
class Origin:
    """Where a request comes from: network address and what the browser calls itself."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Known:
    """What a valid cookie stands for; `unit` is the name of the person's."""

    session: LoginSession
    person: Person
    unit: str
    must_change: bool


class Sessions:
    """Begins and ends log-ins on one database."""

    def __init__(self, works: Works, seal: Seal, policy: SessionPolicy, lockout_policy: LockoutPolicy) -> None:
        self._works = works
        self._seal = seal
        self._policy = policy
        self._lockout = lockout_policy

    def log_in(self, login: str, password: str, origin: Origin, *, code: str = "", previous: str = "") -> str:
        """Checks name and password and returns the new cookie's token; the `previous` token stops working.

        Raises WrongLogin, the same for an unknown name, a wrong password and a locked account, and CodeNeeded
        when the password is right but the authenticator's code is missing or wrong.
        """
        with self._works.read() as work:
            person, kept = _find(work.session, login)
        # Outside any work: the check takes longer than a lock may be held, and as long for an unknown name.
        right = matches(password, kept)
        better = hash_password(password) if right and kept and outdated(kept) else None
        token = ""
        code_missing = False
        actor = _actor(person if right else None, origin)
        with self._works.write(actor) as work:
            credential = _lock(work.session, person)
            if person is None or credential is None:
                work.audit("login.failed", reason="unknown")
            elif not person.active or lockout.locked(credential, work.now):
                work.audit("login.failed", person, reason="locked" if person.active else "inactive")
            elif not right or credential.hash != kept:
                self._failed(work, person, credential)
            elif not self._second_factor(credential, code, work.now):
                code_missing = True
                if code:
                    self._failed(work, person, credential)
            else:
                lockout.forget_failures(credential)
                credential.hash = better or credential.hash
                token = self._begin(work, person, origin, previous)
                work.audit("login.succeeded", person)
        if code_missing:
            raise CodeNeeded(field="code")
        if not token:
            raise WrongLogin(
                field="login", failures=self._lockout.failures, minutes=int(self._lockout.lasts.total_seconds() // 60)
            )
        return token

    def recognise(self, token: str) -> Known | None:
        """Whom a cookie's token stands for, or None; notes at most once a minute that it was used."""
        with self._works.read() as work:
            known = self.known(work, token)
        if known is not None:
            self.note_use(known)
        return known

    def known(self, work: Work, token: str) -> Known | None:
        """Whom a cookie's token stands for, or None; that it was used is noted by `note_use`, after this work."""
        return self._valid(work.session, token, work.now) if token else None

    def note_use(self, known: Known) -> None:
        """Notes at most once a minute that a log-in was used."""
        if known.session.seen_at > self._works.clock.now() - SEEN_EVERY:
            return
        with self._works.write() as work:
            session = work.session.get(LoginSession, known.session.id)
            if session is not None:
                session.seen_at = work.now

    def log_out(self, token: str, actor: Actor) -> None:
        """Ends one log-in; does nothing when it has ended already."""
        with self._works.write(actor) as work:
            session = work.session.scalars(select(LoginSession).where(_token_is(token))).one_or_none()
            if session is not None:
                person = work.session.get_one(Person, session.person_id)
                work.session.delete(session)
                work.audit("login.ended", person)

    def change_password(self, token: str, current: str, new: str, origin: Origin) -> str:
        """Changes the own password, ends every log-in of the person and returns a token for a fresh one.

        Raises Invalid when the current password is wrong, which counts like a wrong log-in, and WeakPassword.
        """
        with self._works.read() as work:
            known = self._valid(work.session, token, work.now)
            if known is None:
                raise WrongLogin
            person = known.person
            kept = work.session.get_one(Credential, person.id).hash
        check_strength(new, person.login)
        if new == current:
            raise Invalid(field="password", why="新密码不能与原密码相同。")
        right = matches(current, kept)
        hashed = hash_password(new) if right else ""
        fresh = ""
        with self._works.write(_actor(person, origin)) as work:
            credential = _lock(work.session, person)
            locked = credential is None or lockout.locked(credential, work.now)
            if credential is not None and not locked and right and credential.hash == kept:
                set_password(work, person, hashed)
                fresh = self._begin(work, person, origin, "")
                work.audit("password.changed", person)
            elif credential is not None and not locked:
                self._failed(work, person, credential)
        if not fresh:
            raise Invalid(field="current", why="原密码不对，或账号已锁定。")
        return fresh

    def end_others(self, token: str, actor: Actor) -> int:
        """Ends every other log-in of the person whose cookie this is; returns how many there were."""
        with self._works.write(actor) as work:
            mine = work.session.scalars(select(LoginSession).where(_token_is(token))).one_or_none()
            if mine is None:
                return 0
            others = (LoginSession.person_id == mine.person_id, LoginSession.id != mine.id)
            count = len(work.session.scalars(select(LoginSession.id).where(*others)).all())
            work.session.execute(delete(LoginSession).where(*others))
            work.audit("login.ended", work.session.get_one(Person, mine.person_id), others=count)
        return count

    def sweep(self) -> None:
        """Removes log-ins whose time is over; a duty."""
        with self._works.write() as work:
            ended = (LoginSession.expires_at <= work.now) | (LoginSession.seen_at <= work.now - self._policy.idle)
            work.session.execute(delete(LoginSession).where(ended))

    def _begin(self, work: Work, person: Person, origin: Origin, previous: str) -> str:
        if previous:
            work.session.execute(delete(LoginSession).where(_token_is(previous)))
        token = new_token()
        work.session.add(
            LoginSession(
                token_hash=fingerprint(token),
                person_id=person.id,
                created_at=work.now,
                seen_at=work.now,
                expires_at=work.now + self._policy.lasts,
                address=origin.address[:64],
                agent=origin.agent[:300],
                csrf=new_token(),
            )
        )
        work.session.flush()
        return token

    def _valid(self, session: Session, token: str, now: datetime) -> Known | None:
        asked = {"token": fingerprint(token), "now": now, "rested": now - self._policy.idle}
        row = session.execute(_VALID, asked).one_or_none()
        return None if row is None else Known(*row)

    def _second_factor(self, credential: Credential, code: str, now: datetime) -> bool:
        if credential.totp is None:
            return True
        step = totp.matching_step(self._seal.open(credential.totp), code, now, after=credential.totp_step)
        if step is not None:
            credential.totp_step = step
        return step is not None

    def _failed(self, work: Work, person: Person, credential: Credential) -> None:
        work.audit("login.failed", person, reason="password")
        if lockout.count_failure(credential, self._lockout, work.now):
            work.audit("login.locked", person, until=credential.locked_until)


# Made once, because every request asks: building a statement costs more than running it.
_VALID = (
    select(LoginSession, Person, Unit.name, Credential.must_change)
    .join(Person, Person.id == LoginSession.person_id)
    .join(Unit, Unit.id == Person.unit_id)
    .join(Credential, Credential.person_id == Person.id)
    .where(
        LoginSession.token_hash == bindparam("token"),
        LoginSession.expires_at > bindparam("now"),
        LoginSession.seen_at > bindparam("rested"),
        Person.active,
    )
)


def _find(session: Session, login: str) -> tuple[Person | None, str | None]:
    row = session.execute(
        select(Person, Credential.hash)
        .join(Credential, Credential.person_id == Person.id)
        .where(Person.login == login.strip().lower())
    ).one_or_none()
    return (None, None) if row is None else (row[0], row[1])


def _lock(session: Session, person: Person | None) -> Credential | None:
    return None if person is None else session.get(Credential, person.id, with_for_update=True)


def _token_is(token: str) -> ColumnElement[bool]:
    return LoginSession.token_hash == fingerprint(token)


def _actor(person: Person | None, origin: Origin) -> Actor:
    if person is None:
        return Actor("anonymous", address=origin.address[:64])
    return Actor(person.name, person.id, person.unit_id, origin.address[:64])
