"""What tests of the way in may ask for: a person with a password, and the keeper of log-ins, on each database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from hub.auth.lockout import LockoutPolicy
from hub.auth.models import Credential
from hub.auth.sessions import Origin, SessionPolicy, Sessions
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Person, Unit, add_unit
from kernel.seal import Seal
from kernel.work import Works
from tests.hub.office import PASSWORD, password_hash

HERE = Origin("192.0.2.7", "Browser 1.0")
SEAL = Seal(Fernet.generate_key())


@dataclass
class Entrance:
    """A house with one person in it, `wang`, and the keeper of log-ins: locked for 15 minutes after 3 failures."""

    works: Works
    clock: StillClock
    sessions: Sessions
    unit: Unit
    person: Person

    def log_in(self, login: str = "wang", password: str = PASSWORD, **more: Any) -> str:
        """Logs in and returns the cookie's token."""
        return self.sessions.log_in(login, password, HERE, **more)

    def credential(self) -> Credential:
        """The person's credential as it stands."""
        with self.works.read() as work:
            return work.session.get_one(Credential, self.person.id)

    def acts(self) -> list[str]:
        """The acts of the audit log in order."""
        with self.works.read() as work:
            return list(work.session.scalars(select(AuditLine.act).order_by(AuditLine.seq)))

    def log_text(self) -> str:
        """Everything the audit log says, as one text."""
        with self.works.read() as work:
            lines = work.session.scalars(select(AuditLine)).all()
            return "\n".join(f"{line.actor_name} {line.act} {line.details}" for line in lines)


@pytest.fixture
def entrance(works: Works, clock: StillClock) -> Entrance:
    """The entrance on each database."""
    with works.write() as work:
        unit = add_unit(work.session, "宣州市", "root")
        person = Person(unit_id=unit.id, name="王五", login="wang")
        work.session.add(person)
        work.session.flush()
        work.session.add(Credential(person_id=person.id, hash=password_hash(), changed_at=work.now))
    policy = SessionPolicy(timedelta(hours=10), timedelta(minutes=60))
    sessions = Sessions(works, SEAL, policy, LockoutPolicy(3, timedelta(minutes=15)))
    return Entrance(works, clock, sessions, unit, person)
