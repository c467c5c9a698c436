"""For every route with an object in its address: how to make such an object in a unit.

A desk with a new route of this kind adds a line here; `test_routes` fails until it does.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from content.importing.models import ImportRun
from hub.auth import tokens
from hub.notices import Notice, NoticeSend, SendState
from kernel.people import Grant, Person, Role, Unit
from kernel.work import Work
from tests.content.importing.word import notice
from tests.house import (
    citizen_objects,
    desk_objects,
    duty_objects,
    editorial_objects,
    insight_objects,
    life_objects,
    outgoing_objects,
    platform_objects,
    privacy_objects,
    timetable_objects,
)
from tests.house.target import Target


def somebody(work: Work, unit: Unit) -> Person:
    """A fresh person of the unit."""
    person = Person(unit_id=unit.id, name="对象", login=f"object-{unit.code}-{work.session.query(Person).count()}")
    work.session.add(person)
    work.session.flush()
    return person


def a_person(work: Work, unit: Unit) -> Target:
    """A person of the unit, with a form that would change him."""
    return Target(
        {"person_id": somebody(work, unit).id}, form={"name": "新名", "unit": str(unit.id)}, json={"name": "新名"}
    )


def a_person_to_agree_to(work: Work, unit: Unit) -> Target:
    """A person of the unit, with the form by which a second administrator agrees."""
    return Target({"person_id": somebody(work, unit).id}, form={"deed": "permit.contact"})


def a_unit(_work: Work, unit: Unit) -> Target:
    """The unit itself."""
    return Target({"unit_id": unit.id}, form={"name": "新名"}, json={"name": "新名"})


def a_grant(work: Work, unit: Unit) -> Target:
    """A role held in the unit."""
    grant = Grant(person_id=somebody(work, unit).id, role=Role.OFFICER.value, unit_id=unit.id)
    work.session.add(grant)
    work.session.flush()
    return Target({"grant_id": grant.id})


def a_token(work: Work, unit: Unit) -> Target:
    """A program's key in the name of a person of the unit."""
    token, _text = tokens.create(work, somebody(work, unit), "probe")
    return Target({"token_id": token.id})


def a_rule(_work: Work, unit: Unit) -> Target:
    """A rule, declared by the test, as it is set for the unit."""
    form = {"unit": str(unit.id), "value": "2"}
    return Target({"name": "probe.rule"}, query={"unit": unit.id}, form=form, json={"unit": unit.id, "value": 2})


def a_notice(work: Work, person: Person) -> Target:
    """Something told to the person."""
    key = secrets.token_hex(8)
    notice = Notice(
        person_id=person.id, unit_id=person.unit_id, kind="probe", title="probe", key=key, created_at=work.now
    )
    work.session.add(notice)
    work.session.flush()
    return Target({"notice_id": notice.id})


def a_send(work: Work, unit: Unit) -> Target:
    """A mail to a person of the unit that failed."""
    number = a_notice(work, somebody(work, unit)).params["notice_id"]
    send = NoticeSend(notice_id=number, channel="smtp", address="x@y", state=SendState.FAILED, next_at=work.now)
    work.session.add(send)
    work.session.flush()
    return Target({"send_id": send.id})


def a_run(work: Work, person: Person) -> Target:
    """An import that the person started."""
    column = editorial_objects.column_of(work, work.session.get_one(Unit, person.unit_id))
    run = ImportRun(
        unit_id=person.unit_id,
        person_id=person.id,
        column_id=column.id,
        source="https://a.example/rss.xml",
        started_at=work.now,
        seen_at=work.now,
    )
    work.session.add(run)
    work.session.flush()
    return Target({"run_id": run.id})


def a_piece_and_a_document(work: Work, unit: Unit) -> Target:
    """A draft of the unit, with a Word document for its text."""
    target = editorial_objects.a_piece(work, unit)
    return Target({"piece_id": target.params["piece_id"]}, files={"file": ("通知.docx", notice())})


# Objects of a unit: out of reach they do not exist.
OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/people/{person_id}": a_person,
    "/console/people/{person_id}/reset": a_person,
    "/console/people/{person_id}/agree": a_person_to_agree_to,
    "/console/people/{person_id}/deactivate": a_person,
    "/console/people/{person_id}/activate": a_person,
    "/console/units/{unit_id}": a_unit,
    "/console/grants/{grant_id}/withdraw": a_grant,
    "/console/tokens/{token_id}/revoke": a_token,
    "/console/system/sends/{send_id}/again": a_send,
    "/console/rules/{name}": a_rule,
    "/api/v1/people/{person_id}": a_person,
    "/api/v1/people/{person_id}/deactivate": a_person,
    "/api/v1/people/{person_id}/activate": a_person,
    "/api/v1/units/{unit_id}": a_unit,
    "/api/v1/grants/{grant_id}": a_grant,
    "/api/v1/tokens/{token_id}": a_token,
    "/api/v1/rules/{name}": a_rule,
    **citizen_objects.OF_A_UNIT,
    **privacy_objects.OF_A_UNIT,
    **desk_objects.OF_A_UNIT,
    "/console/pieces/{piece_id}/docx": a_piece_and_a_document,
    **editorial_objects.OF_A_UNIT,
    **outgoing_objects.OF_A_UNIT,
    **insight_objects.OF_A_UNIT,
    **platform_objects.OF_A_UNIT,
    **life_objects.OF_A_UNIT,
    **timetable_objects.OF_A_UNIT,
    **duty_objects.OF_A_UNIT,
}

# Objects of one person: for everybody else, colleagues included, they do not exist.
OF_A_PERSON: dict[str, Callable[[Work, Person], Target]] = {
    "/console/notices/{notice_id}/open": a_notice,
    "/console/import/{run_id}": a_run,
    "/console/import/{run_id}/progress": a_run,
    "/api/v1/imports/{run_id}": a_run,
    "/api/v1/notices/{notice_id}/read": a_notice,
    **outgoing_objects.OF_A_PERSON,
}

# Addresses with a parameter that names no object of a unit, each with its reason.
OF_NOBODY: dict[str, str] = {
    **citizen_objects.OF_NOBODY,
    **privacy_objects.OF_NOBODY,
    "/console/password/{token}": "the token is the proof; whom it belongs to stands in the link's own row",
    **editorial_objects.OF_NOBODY,
    **outgoing_objects.OF_NOBODY,
}
