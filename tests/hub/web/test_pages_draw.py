"""Every page of the administrators' desks is drawn, in both languages."""

from __future__ import annotations

import pytest

from kernel.people import Role
from tests.hub.office import Office

PAGES = {
    Role.SYSTEM_ADMIN: [
        "/console/people",
        "/console/people?q=%25&role=officer&state=active&sort=-unit&page=9",
        "/console/people/new",
        "/console/people/{id}",
        "/console/units",
        "/console/units/1",
        "/console/rules",
    ],
    Role.SECURITY_ADMIN: ["/console/grants", "/console/grants?person=liu", "/console/tokens", "/console/people"],
    Role.AUDITOR: ["/console/audit", "/console/audit?act=login.succeeded&from=2026-03-01&to=2026-03-31&sort=seq"],
}
EVERYBODY = ["/console", "/console/me", "/console/me/password", "/console/me/code", "/console/notices"]
EVERYBODY += ["/console/notices?show=unread", "/console/patterns"]


@pytest.mark.parametrize("role", PAGES)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_pages_draw(office: Office, role: Role, language: str) -> None:
    person = office.hire("liu", "root", role, below=True)
    browser = office.log_in("liu")
    browser.send_form("/console/language", language=language)
    for path in PAGES[role] + EVERYBODY:
        answer = browser.get(path.replace("{id}", str(person.id)), follow_redirects=False)
        assert answer.status_code == 200, (path, answer.text[-500:])
        assert ("退出登录" in answer.text) == (language == "zh"), path
