"""人员, 机构, 授权, 接口令牌: the desks of the system and the security administrator."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from hub.auth import tokens
from hub.auth.models import ApiToken
from hub.notices import Notice
from kernel.audit import AuditLine
from kernel.people import Grant, Person, Role, Unit
from tests.hub.office import PASSWORD, Browser, Office

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
