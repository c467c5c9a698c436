"""The way in, from the outside."""

from __future__ import annotations

from tests.hub.office import PASSWORD, Office, csrf_in


def test_log_in_and_see_the_workbench(office: Office) -> None:
    office.hire("wang")
    browser = office.browser()
    assert browser.get("/", follow_redirects=True).url.path == "/console/login"
    answer = browser.post("/console/login", data={"login": "wang", "password": PASSWORD, "next": "/console/me"})
    assert answer.url.path == "/console/me"
    page = browser.get("/console")
    assert page.status_code == 200
    assert "wang某" in page.text
    assert csrf_in(page.text)
