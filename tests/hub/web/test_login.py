"""The way in and out, from the outside."""

from __future__ import annotations

import re
from typing import Any

import pyotp
import pytest
from sqlalchemy import select

from hub.auth import links
from hub.auth.models import Credential
from hub.web.login import RESET, browser_name
from hub.web.people import LINK_LASTS
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import PASSWORD, Browser, Office, csrf_in

NEW = "Rivers and lakes 8"


def enter(browser: Browser, password: str = PASSWORD, **more: str) -> Any:
    return browser.post("/console/login", data={"login": "wang", "password": password, **more}, follow_redirects=False)


def test_log_in_and_see_the_workbench(office: Office) -> None:
    office.hire("wang")
    browser = office.browser()
    assert browser.get("/", follow_redirects=True).url.path == "/console/login"
    assert enter(browser, next="/console/me").headers["location"] == "/console/me"
    page = browser.get("/console")
    assert page.status_code == 200
    assert "wang某" in page.text
    assert csrf_in(page.text)


def test_one_is_led_back_to_where_one_wanted_to_go(office: Office) -> None:
    office.hire("wang")
    browser = office.browser()
    answer = browser.get("/console/notices?show=unread", follow_redirects=True)
    assert answer.url.path == "/console/login"
    assert 'value="/console/notices?show=unread"' in answer.text


def test_who_sent_a_form_is_led_back_to_the_page_where_it_was_filled_in(office: Office) -> None:
    office.hire("wang")
    browser = office.browser()
    for referer, back in [
        ("http://testserver/console/pieces/3?tab=1", "/console/login?next=/console/pieces/3%3Ftab%3D1"),
        ("http://testserver/console/signing/3/return", "/console/login?next=/console/signing/3"),
        ("http://testserver/console/nowhere/at/all", "/console/login"),
        ("https://evil.example/elsewhere", "/console/login"),
        ("", "/console/login"),
    ]:
        headers = {"Accept": "text/html", "Referer": referer}
        answer = browser.post("/console/pieces/3", headers=headers, follow_redirects=False)
        assert answer.headers["location"] == back


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "/console/\\evil", "/elsewhere", ""]
)
def test_nobody_is_led_elsewhere(office: Office, target: str) -> None:
    office.hire("wang")
    assert enter(office.browser(), next=target).headers["location"] == "/console"


def test_a_wrong_password_keeps_the_login_name_and_says_what_to_do(office: Office) -> None:
    office.hire("wang")
    answer = enter(office.browser(), "wrong-password")
    assert answer.status_code == 401
    assert 'value="wang"' in answer.text
    assert "连续输错 5 次" in answer.text
    assert "wrong-password" not in answer.text
    assert "set-cookie" not in answer.headers


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(office: Office) -> None:
    office.hire("wang")
    cookie = enter(office.browser()).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie


def test_a_log_in_from_another_site_is_refused(office: Office) -> None:
    office.hire("wang")
    browser = office.browser()
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = browser.post("/console/login", data={"login": "wang", "password": PASSWORD}, headers=headers)
        assert answer.status_code == 403
    assert "xuanda" not in browser.cookies


def test_log_out(office: Office) -> None:
    office.hire("wang")
    browser = office.log_in("wang")
    token = browser.cookies["xuanda"]
    assert browser.send_form("/console/logout").headers["location"] == "/console/login"
    assert "xuanda" not in browser.cookies
    again = office.browser()
    again.cookies.set("xuanda", token)
    assert again.get("/console", follow_redirects=False).headers["location"].startswith("/console/login")


def test_who_must_change_the_password_can_do_nothing_else(office: Office) -> None:
    person = office.hire("wang", "root", Role.SYSTEM_ADMIN)
    with office.hub.works.write() as work:
        work.session.get_one(Credential, person.id).must_change = True
    browser = office.log_in("wang")
    for path in ("/console", "/console/people", "/console/me"):
        assert browser.get(path, follow_redirects=False).headers["location"] == "/console/me/password"
    answer = browser.send_form("/console/me/password", current=PASSWORD, password=NEW, again=NEW)
    assert answer.headers["location"] == "/console"
    assert browser.get("/console", follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"current": PASSWORD, "password": NEW, "again": "other"}, "again"),
        ({"current": "wrong", "password": NEW, "again": NEW}, "current"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "password"),
    ],
)
def test_the_fault_stands_beside_its_field(office: Office, form: dict[str, str], field: str) -> None:
    office.hire("wang")
    browser = office.log_in("wang")
    answer = browser.send_form("/console/me/password", **form)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert NEW not in answer.text


def test_a_reset_link_sets_the_password_once(office: Office) -> None:
    person = office.hire("wang")
    with office.hub.works.write() as work:
        token = links.issue(work, RESET, person.id, LINK_LASTS).token
    browser = office.browser()
    path = f"/console/password/{token}"
    assert browser.get(path).status_code == 200
    assert browser.post(path, data={"password": "short", "again": "short"}).status_code == 422
    assert browser.post(path, data={"password": NEW, "again": NEW}).status_code == 200
    assert enter(browser).status_code == 401
    assert enter(browser, NEW).status_code == 303
    for answer in (browser.get(path), browser.post(path, data={"password": NEW, "again": NEW})):
        assert answer.status_code == 410
        assert "链接无效" in answer.text


def test_the_second_factor_from_enrolment_to_removal(office: Office, clock: StillClock) -> None:
    office.hire("wang")
    browser = office.log_in("wang")
    page = browser.get("/console/me/code").text
    secret, sealed = _field(page, r'id="secret">([A-Z2-7]+)<'), _field(page, r'name="sealed" value="([^"]+)"')
    assert browser.send_form("/console/me/code", sealed=sealed, code="000000").status_code == 422
    code = pyotp.TOTP(secret).at(clock.now())
    assert browser.send_form("/console/me/code", sealed=sealed, code=code).status_code == 303

    fresh = office.browser()
    answer = enter(fresh)
    assert answer.status_code == 401
    assert 'name="code"' in answer.text
    clock.step(seconds=30)
    assert enter(fresh, code=pyotp.TOTP(secret).at(clock.now())).status_code == 303

    assert browser.send_form("/console/me/code/off", password="wrong").status_code == 422
    assert browser.send_form("/console/me/code/off", password=PASSWORD).status_code == 303
    assert enter(office.browser()).status_code == 303
    assert _acts(office).count("second_factor.enabled") == 1
    assert _acts(office).count("second_factor.disabled") == 1


def test_the_language_is_the_persons_own(office: Office) -> None:
    office.hire("wang")
    browser = office.log_in("wang")
    assert '<html lang="zh-CN"' in browser.get("/console").text
    assert (
        browser.send_form("/console/language", language="en", next="/console/me").headers["location"] == "/console/me"
    )
    assert '<html lang="en"' in browser.get("/console").text
    assert '<html lang="en"' in office.log_in("wang").get("/console").text
    assert browser.send_form("/console/language", language="xx").status_code == 422


def test_the_language_of_the_log_in_page(office: Office) -> None:
    browser = office.browser()
    answer = browser.get("/console/login?language=en&next=/console/me", follow_redirects=True)
    assert '<html lang="en"' in answer.text
    assert 'value="/console/me"' in answer.text


def test_other_devices_can_be_logged_out(office: Office) -> None:
    office.hire("wang")
    here, there = office.log_in("wang"), office.log_in("wang")
    assert "退出其他设备" in here.get("/console/me").text
    here.send_form("/console/me/sessions/end")
    assert there.get("/console", follow_redirects=False).status_code == 303
    page = here.get("/console/me")
    assert "已全部退出" in page.text
    assert "已全部退出" not in here.get("/console/me").text


AGENTS = {
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0": "Edge · Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36": "Chrome · Windows",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox · Linux",
    "Mozilla/5.0 (iPhone; OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Safari/604.1": "Safari · iPhone",
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 MicroMessenger/8.0": "微信 · Android",
    "curl/8.5": "curl/8.5",
    "": "—",
}


@pytest.mark.parametrize("agent", AGENTS)
def test_browsers_are_named_as_people_know_them(agent: str) -> None:
    assert browser_name(agent) == AGENTS[agent]


def _field(html: str, pattern: str) -> str:
    found = re.search(pattern, html)
    assert found, pattern
    return found[1]


def _acts(office: Office) -> list[str]:
    with office.hub.works.read() as work:
        return list(work.session.scalars(select(AuditLine.act)))
