"""人员, 机构, 授权, 接口令牌: the desks of the system and the security administrator."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.auth import tokens
from hub.auth.models import ApiToken
from hub.notices import Notice, NoticeSend
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Deputy, Grant, Person, Role, Unit
from tests.hub.office import PASSWORD, Browser, Office, open_office

NEW = "Rivers and lakes 8"


@pytest.fixture
def admin(office: Office) -> Browser:
    """The system administrator of the whole city."""
    office.hire("admin", "root", Role.SYSTEM_ADMIN, below=True)
    return office.log_in("admin")


@pytest.fixture
def guard(office: Office) -> Browser:
    """The security administrator of the whole city."""
    office.hire("guard", "root", Role.SECURITY_ADMIN, below=True)
    return office.log_in("guard")


def acts(office: Office) -> list[str]:
    with office.hub.works.read() as work:
        return list(work.session.scalars(select(AuditLine.act).order_by(AuditLine.seq)))


def rows_of(html: str) -> list[str]:
    """The first linked cell of each row of a list."""
    return re.findall(r'<a class="table__title" href="[^"]*">([^<]+)</a>', html)


def test_a_new_person_sets_the_password_with_a_link_shown_once(office: Office, admin: Browser) -> None:
    form = {"login": "Li.Si", "name": "李四", "unit": str(office.unit("north").id), "email": "li@example.gov.cn"}
    page = admin.send_form("/console/people", **form)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    found = re.search(r'value="[^"]*(/console/password/[^"]+)"', page.text)
    assert found
    person = office.person("li.si")
    assert found[1] not in admin.get(f"/console/people/{person.id}").text
    visitor = office.browser()
    assert visitor.post(found[1], data={"password": NEW, "again": NEW}).status_code == 200
    entered = visitor.post("/console/login", data={"login": "li.si", "password": NEW}, follow_redirects=False)
    assert entered.status_code == 303
    assert {"person.created", "link.issued", "link.used", "password.changed"} <= set(acts(office))


@pytest.mark.parametrize(
    ("change", "field"),
    [({"login": "admin"}, "login"), ({"login": "李四"}, "login"), ({"name": ""}, "name"), ({"unit": "999"}, "unit")],
)
def test_a_fault_stands_beside_its_field_and_nothing_is_lost(
    office: Office, admin: Browser, change: dict[str, str], field: str
) -> None:
    form = {"login": "li.si", "name": "李四", "unit": str(office.unit("north").id), "phone": "13800138000", **change}
    page = admin.send_form("/console/people", **form)
    assert page.status_code in (404, 422)
    assert f'id="{field}-error"' in page.text
    assert 'value="13800138000"' in page.text
    assert "person.created" not in acts(office)


def test_the_list_filters_sorts_and_pages_by_its_address(office: Office, admin: Browser) -> None:
    for number in range(23):
        office.hire(f"p{number:02}", "south" if number % 2 else "north", *([Role.OFFICER] if number < 3 else []))
    assert len(rows_of(admin.get("/console/people").text)) == 20
    assert len(rows_of(admin.get("/console/people?page=2").text)) == 4
    assert rows_of(admin.get("/console/people?page=99").text) == rows_of(admin.get("/console/people?page=2").text)
    assert rows_of(admin.get("/console/people?sort=-login").text)[0] == "p22某"
    assert rows_of(admin.get("/console/people?q=p0&role=officer").text) == ["p00某", "p01某", "p02某"]
    assert len(rows_of(admin.get(f"/console/people?unit={office.unit('south').id}").text)) == 11
    assert rows_of(admin.get("/console/people?q=%25").text) == []
    assert rows_of(admin.get("/console/people?sort=hash;drop&page=x").text)


def test_a_district_sees_only_its_own_people(office: Office) -> None:
    office.hire("north-admin", "north", Role.SYSTEM_ADMIN)
    for unit in ("root", "north", "north-desk", "south"):
        office.hire(f"of-{unit}", unit)
    names = rows_of(office.log_in("north-admin").get("/console/people").text)
    assert sorted(names) == ["north-admin某", "of-north某"]


def test_details_are_changed(office: Office, admin: Browser) -> None:
    person = office.hire("wang", "north")
    form = {"name": "王五", "unit": str(office.unit("south").id), "phone": "", "email": "wang@example.gov.cn"}
    assert admin.send_form(f"/console/people/{person.id}", **form).status_code == 303
    changed = office.person("wang")
    assert (changed.name, changed.email, changed.unit_id) == ("王五", form["email"], office.unit("south").id)


def test_switching_off_ends_log_ins_and_tokens_at_once(office: Office, admin: Browser) -> None:
    person = office.hire("wang", "north", Role.OFFICER)
    theirs = office.log_in("wang")
    with office.hub.works.write() as work:
        _row, text = tokens.create(work, person, "probe")
    assert admin.send_form(f"/console/people/{person.id}/deactivate").status_code == 303
    assert theirs.get("/console", follow_redirects=False).status_code == 303
    assert tokens.recognise(office.hub.works, text) is None
    assert admin.send_form(f"/console/people/{person.id}/activate").status_code == 303
    assert office.log_in("wang")
    assert tokens.recognise(office.hub.works, text) is None


def test_nobody_switches_himself_off(office: Office, admin: Browser) -> None:
    answer = admin.send_form(f"/console/people/{office.person('admin').id}/deactivate")
    assert answer.status_code == 403
    assert office.person("admin").active


def test_a_reset_leaves_the_old_password_until_the_link_is_used(office: Office, admin: Browser) -> None:
    person = office.hire("wang", "north")
    page = admin.send_form(f"/console/people/{person.id}/reset")
    found = re.search(r'value="[^"]*(/console/password/[^"]+)"', page.text)
    assert found
    theirs = office.log_in("wang")
    office.browser().post(found[1], data={"password": NEW, "again": NEW})
    assert theirs.get("/console", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDITOR])
def test_no_administrators_password_is_reset_from_the_console(office: Office, admin: Browser, role: Role) -> None:
    person = office.hire("other", "root", role)
    assert admin.send_form(f"/console/people/{person.id}/reset").status_code == 403
    assert "link.issued" not in acts(office)


@pytest.fixture
def sending(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    """An office whose text messages leave the house."""
    with open_office(sqlite_url, tmp_path, clock, notice_gateway_url="http://127.0.0.1:9/notices") as office:
        office.hire("admin", "root", Role.SYSTEM_ADMIN, below=True)
        office.hire("guard", "root", Role.SECURITY_ADMIN, below=True)
        yield office


def messages(office: Office, name: str) -> list[tuple[str, str]]:
    """Where the messages to this person went, and what they say."""
    with office.hub.works.read() as work:
        query = select(NoticeSend.address, Notice.text).join(Notice, Notice.id == NoticeSend.notice_id)
        query = query.where(Notice.person_id == office.person(name).id).order_by(NoticeSend.id)
        return [(address, text) for address, text in work.session.execute(query)]


def titles(office: Office, name: str) -> list[str]:
    with office.hub.works.read() as work:
        query = select(Notice.title).where(Notice.person_id == office.person(name).id).order_by(Notice.id)
        return list(work.session.scalars(query))


def with_phone(office: Office, login: str, role: Role, phone: str = "13800138000") -> Person:
    person = office.hire(login, "north", role)
    with office.hub.works.write() as work:
        work.session.get_one(Person, person.id).phone = phone
    return person


def card(office: Office, **change: str) -> dict[str, str]:
    return {"name": "王五", "unit": str(office.unit("north").id), "phone": "13800138000", "email": "", **change}


@pytest.mark.parametrize("role", [Role.SIGNER, Role.REVIEWER, Role.AGENT, Role.SUPERVISOR])
def test_the_link_of_whoever_signs_or_answers_goes_to_himself_alone(sending: Office, role: Role) -> None:
    person = with_phone(sending, "wang", role)
    admin = sending.log_in("admin")
    answer = admin.send_form(f"/console/people/{person.id}/reset")
    assert answer.status_code == 303
    assert "/console/password/" not in answer.text
    assert "/console/password/" not in admin.get(f"/console/people/{person.id}").text
    ((address, text),) = messages(sending, "wang")
    assert address == "13800138000"
    assert titles(sending, "wang") == ["有人为您重置密码"]
    assert "admin某" in text
    found = re.search(r"(/console/password/\S+)", text)
    assert found
    answer = sending.browser().post(found[1], data={"password": NEW, "again": NEW})
    assert answer.status_code == 200
    assert messages(sending, "admin") == messages(sending, "guard") == []
    assert "password.reset" in acts(sending)


def test_where_no_message_leaves_a_second_administrator_must_agree_each_time(
    office: Office, admin: Browser, guard: Browser
) -> None:
    person = with_phone(office, "wang", Role.SIGNER)
    path = f"/console/people/{person.id}"
    assert "/console/password/" not in admin.send_form(f"{path}/reset").text
    assert "link.issued" not in acts(office)
    assert titles(office, "guard") == ["请确认：admin某要对wang某重置密码"]
    # He does not agree with himself, and what is agreed to is one thing.
    assert admin.send_form(f"{path}/agree", deed="permit.reset").status_code == 403
    assert guard.send_form(f"{path}/agree", deed="all").status_code == 422
    assert guard.send_form(f"{path}/agree", deed="permit.contact").status_code == 303
    assert "/console/password/" not in admin.send_form(f"{path}/reset").text
    assert "同意重置密码" in guard.get(path).text
    assert guard.send_form(f"{path}/agree", deed="permit.reset").status_code == 303
    page = admin.send_form(f"{path}/reset")
    assert "/console/password/" in page.text
    assert "有人为您重置密码" in titles(office, "wang")
    assert "/console/password/" not in admin.send_form(f"{path}/reset").text
    assert {"person.agreed", "person.agreement_asked", "password.reset"} <= set(acts(office))


def test_an_agreement_ends_after_a_day(office: Office, admin: Browser, guard: Browser, clock: StillClock) -> None:
    person = with_phone(office, "wang", Role.AGENT)
    guard.send_form(f"/console/people/{person.id}/agree", deed="permit.reset")
    clock.step(hours=25)
    again = office.log_in("admin")
    assert "/console/password/" not in again.send_form(f"/console/people/{person.id}/reset").text


def test_nobody_agrees_about_himself_or_beyond_his_units(office: Office) -> None:
    own = office.hire("north-guard", "north", Role.SECURITY_ADMIN)
    other = office.hire("wang", "south", Role.SIGNER)
    browser = office.log_in("north-guard")
    assert browser.send_form(f"/console/people/{own.id}/agree", deed="permit.reset").status_code == 403
    assert browser.send_form(f"/console/people/{other.id}/agree", deed="permit.reset").status_code == 404
    assert "person.agreed" not in acts(office)


def test_the_phone_of_whoever_signs_changes_only_with_a_second_word_and_the_old_one_is_told(sending: Office) -> None:
    person = with_phone(sending, "wang", Role.SIGNER)
    admin, guard = sending.log_in("admin"), sending.log_in("guard")
    path, form = f"/console/people/{person.id}", card(sending, phone="13900139000")
    answer = admin.send_form(path, **form)
    assert answer.status_code == 403
    assert 'id="phone-error"' in answer.text
    assert 'value="13900139000"' in answer.text
    assert sending.person("wang").phone == "13800138000"
    assert guard.send_form(f"{path}/agree", deed="permit.contact").status_code == 303
    assert admin.send_form(path, **form).status_code == 303
    assert sending.person("wang").phone == "13900139000"
    told = [address for address, text in messages(sending, "wang") if "更改" in text]
    assert told == ["13800138000", "13900139000"]
    assert "您的手机已被更改" in sending.log_in("wang").get("/console").text
    # The same name again needs nobody, and another number needs another word.
    assert admin.send_form(path, **card(sending, name="王六", phone="13900139000")).status_code == 303
    assert admin.send_form(path, **card(sending, phone="13700137000")).status_code == 403


def test_the_address_of_anybody_else_is_changed_at_once_and_told_to_both(sending: Office) -> None:
    person = with_phone(sending, "wang", Role.OFFICER)
    admin = sending.log_in("admin")
    assert admin.send_form(f"/console/people/{person.id}", **card(sending, phone="13900139000")).status_code == 303
    assert [address for address, _text in messages(sending, "wang")] == ["13800138000", "13900139000"]


def test_whoever_signs_and_has_no_password_yet_gets_the_first_link_from_the_administrator(sending: Office) -> None:
    admin = sending.log_in("admin")
    form = {"login": "li.si", "name": "李四", "unit": str(sending.unit("north").id), "phone": "13800138000"}
    assert "/console/password/" in admin.send_form("/console/people", **form).text
    person = sending.person("li.si")
    with sending.hub.works.write() as work:
        work.session.add(Grant(person_id=person.id, role=Role.SIGNER.value, unit_id=person.unit_id))
    page = admin.send_form(f"/console/people/{person.id}/reset")
    assert page.status_code == 200
    assert "/console/password/" in page.text


def test_whoever_stands_in_for_a_signer_is_guarded_too(office: Office, admin: Browser) -> None:
    signer, person = office.hire("signer", "north", Role.SIGNER), office.hire("wang", "north")
    with office.hub.works.write() as work:
        until = work.now + timedelta(days=3)
        work.session.add(Deputy(person_id=signer.id, deputy_id=person.id, starts_at=work.now, ends_at=until))
    assert "/console/password/" not in admin.send_form(f"/console/people/{person.id}/reset").text


def test_the_system_administrator_gives_no_roles_and_the_security_administrator_adds_nobody(
    office: Office, admin: Browser, guard: Browser
) -> None:
    assert admin.get("/console/grants").status_code == 403
    assert admin.send_form("/console/grants", person="guard", role="officer").status_code == 403
    assert guard.get("/console/people/new").status_code == 403
    assert guard.send_form("/console/people", login="li.si", name="李四").status_code == 403
    assert guard.get("/console/people").status_code == 200


def test_a_role_is_given_told_and_withdrawn(office: Office, guard: Browser) -> None:
    person = office.hire("wang", "north")
    north = str(office.unit("north").id)
    form = {"person": "wang", "role": "officer", "unit": north, "below": "1", "ends": "2026-03-31"}
    assert guard.send_form("/console/grants", **form).status_code == 303
    with office.hub.works.read() as work:
        grant = work.session.scalars(select(Grant).where(Grant.person_id == person.id)).one()
        told = work.session.scalars(select(Notice.title).where(Notice.person_id == person.id)).all()
    assert grant.below
    assert grant.ends_at is not None
    assert grant.ends_at.isoformat() == "2026-03-31T16:00:00+00:00"
    assert told == ["您被授予角色：信息员（北区）"]
    assert guard.send_form(f"/console/grants/{grant.id}/withdraw").status_code == 303
    with office.hub.works.read() as work:
        assert work.session.scalars(select(Grant).where(Grant.person_id == person.id)).all() == []


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"role": "emperor"}, "role", "没有名为“emperor”的角色"),
        ({"role": "auditor"}, "role", "不能由同一人担任"),
        ({"person": "nobody"}, "person", "没有这个登录名"),
        ({"person": "guard"}, "", "不能为自己授权"),
        ({"ends": "2020-01-01"}, "ends_at", "截止时间已过"),
        ({"ends": "soon"}, "ends", "日期应写作"),
        ({"unit": "999"}, "unit", "没有找到"),
    ],
)
def test_a_wrong_grant_is_refused_in_clear_words(
    office: Office, guard: Browser, change: dict[str, str], field: str, words: str
) -> None:
    office.hire("wang", "north", Role.OFFICER)
    form = {"person": "wang", "role": "reviewer", "unit": str(office.unit("north").id), **change}
    answer = guard.send_form("/console/grants", **form)
    assert answer.status_code in (404, 422)
    assert words in answer.text
    assert "role.granted" not in acts(office)
    assert 'value="wang"' in answer.text or "person" in change


def test_a_district_gives_roles_only_at_home(office: Office) -> None:
    office.hire("north-guard", "north", Role.SECURITY_ADMIN)
    office.hire("wang", "north")
    browser = office.log_in("north-guard")
    for unit, status in (("south", 404), ("root", 404), ("north-desk", 404), ("north", 303)):
        form = {"person": "wang", "role": "officer", "unit": str(office.unit(unit).id)}
        assert browser.send_form("/console/grants", **form).status_code == status, unit
    below = {"person": "wang", "role": "reviewer", "unit": str(office.unit("north").id), "below": "1"}
    assert browser.send_form("/console/grants", **below).status_code == 403


def test_the_tree_of_units_grows(office: Office, admin: Browser) -> None:
    south = str(office.unit("south").id)
    assert admin.send_form("/console/units", name="南区二科", code="south-2", parent=south).status_code == 303
    unit = office.unit("south-2")
    assert unit.path == f"{office.unit('south').path}{unit.id}/"
    assert admin.send_form(f"/console/units/{unit.id}", name="南区三科").status_code == 303
    assert "南区三科" in admin.get("/console/units").text
    assert acts(office)[-2:] == ["unit.created", "unit.renamed"]


@pytest.mark.parametrize(
    ("change", "field"), [({"code": "south"}, "code"), ({"code": "南"}, "code"), ({"name": " "}, "name")]
)
def test_a_wrong_unit_is_refused(office: Office, admin: Browser, change: dict[str, str], field: str) -> None:
    form = {"name": "南区二科", "code": "south-2", "parent": str(office.unit("south").id), **change}
    answer = admin.send_form("/console/units", **form)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    with office.hub.works.read() as work:
        assert len(work.session.scalars(select(Unit)).all()) == 4


def test_tokens_are_listed_without_their_text_and_taken_away(office: Office, guard: Browser) -> None:
    person = office.hire("wang", "north", Role.OFFICER)
    with office.hub.works.write() as work:
        row, text = tokens.create(work, person, "大屏")
    page = guard.get("/console/tokens").text
    assert "大屏" in page
    assert text not in page
    assert row.token_hash not in page
    assert guard.send_form(f"/console/tokens/{row.id}/revoke").status_code == 303
    with office.hub.works.read() as work:
        assert work.session.get_one(ApiToken, row.id).revoked_at is not None
    assert "大屏" not in guard.get("/console/tokens?state=active").text


def test_a_persons_page_says_when_the_account_is_locked(office: Office, admin: Browser) -> None:
    person = office.hire("wang", "north")
    stranger = office.browser()
    for _ in range(5):
        stranger.post("/console/login", data={"login": "wang", "password": "wrong"})
    assert "被锁定至 2026-03-02 09:15" in admin.get(f"/console/people/{person.id}").text
    assert stranger.post("/console/login", data={"login": "wang", "password": PASSWORD}).status_code == 401


def test_a_persons_name_is_shown_as_text(office: Office, admin: Browser) -> None:
    with office.hub.works.write() as work:
        unit = office.unit("north").id
        work.session.add(Person(unit_id=unit, name="<script>alert(1)</script>", login="x.x"))
    page = admin.get("/console/people").text
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page
