"""What surrounds every request: guards, tokens of forms, headers, sizes, and failures."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Form, Request, UploadFile
from sqlalchemy import event, exc

from hub.auth import tokens
from hub.settings import Settings
from hub.web.access import LONGEST_FIELD, Asker, address_of, api_may, may
from hub.web.edge import allow_framing, allow_inline_styles
from kernel.clock import StillClock
from kernel.errors import Stale
from kernel.people import Permission, Role
from tests.hub.office import Browser, Office, open_office

probe = APIRouter()
SECRET = "local-variable-secret"


@probe.get("/console/probe/fail")
def fail(asker: Annotated[Asker, Depends(may(Permission.PIECE_READ))]) -> None:
    """Fails in a way nobody foresaw."""
    hidden = SECRET
    raise RuntimeError(f"no word of it to {asker.viewer.name}" if hidden else "")


@probe.get("/console/probe/away/{how}")
def away(how: str, asker: Annotated[Asker, Depends(may(Permission.PIECE_READ))]) -> None:
    """Fails as it does while the database cannot be reached, or for a fault of ours."""
    given = ("UPDATE person SET phone=?", {"phone": SECRET}, RuntimeError(f"refused {asker.viewer.person_id}"))
    if how == "pool":
        raise exc.TimeoutError("no connection came free")
    raise exc.OperationalError(*given) if how == "gone" else exc.IntegrityError(*given)


@probe.post("/console/probe/stale")
def stale(asker: Annotated[Asker, Depends(may(Permission.PIECE_READ))], number: Annotated[int, Form()]) -> None:
    """Refuses with its own words."""
    raise Stale(field="title", what=f"{asker.viewer.name} {number}")


@probe.post("/console/probe/upload")
def upload(_asker: Annotated[Asker, Depends(may(Permission.PIECE_READ))], file: UploadFile) -> dict[str, int]:
    """Takes a file."""
    return {"size": len(file.file.read())}


@probe.get("/console/probe/editor", dependencies=[Depends(allow_inline_styles), Depends(allow_framing)])
def editor(_asker: Annotated[Asker, Depends(may(Permission.PIECE_READ))]) -> dict[str, str]:
    """An editing page."""
    return {}


@probe.get("/api/probe")
def api(asker: Annotated[Asker, Depends(api_may(Permission.PIECE_READ))]) -> dict[str, str]:
    """An API route."""
    return {"name": asker.viewer.name}


def with_probe(office: Office) -> Office:
    """The office with the routes above, before the portal's folder, which answers for every other address."""
    office.app.include_router(probe)
    routes = office.app.router.routes
    routes.insert(0, routes.pop())
    return office


@pytest.fixture
def browser(office: Office) -> Browser:
    """An officer's browser, with the routes above."""
    with_probe(office).hire("wang", "root", Role.OFFICER)
    return office.log_in("wang")


def test_who_asks_is_known_by_three_statements(office: Office, browser: Browser) -> None:
    asked: list[str] = []
    event.listen(office.hub.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    assert browser.get("/console/probe/editor").status_code == 200
    assert [text for text in asked if text.startswith("BEGIN")] == ["BEGIN"]
    assert len(asked) == 1 + 3


def test_a_form_of_ours_is_taken(browser: Browser) -> None:
    assert browser.send_form("/console/probe/stale", number=1).status_code == 409
    answer = browser.post("/console/probe/stale", data={"number": 1}, headers={"X-CSRF-Token": browser.csrf})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_right_token_from_another_site_is_refused(browser: Browser, headers: dict[str, str]) -> None:
    answer = browser.post("/console/probe/stale", data={"number": 1, "csrf": browser.csrf}, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize("csrf", ["", "wrong", "中文"])
def test_a_wrong_token_is_refused(browser: Browser, csrf: str) -> None:
    assert browser.post("/console/probe/stale", data={"number": 1, "csrf": csrf}).status_code == 403


def test_another_persons_token_is_refused(browser: Browser, office: Office) -> None:
    office.hire("zhao", "root", Role.OFFICER)
    other = office.log_in("zhao")
    answer = browser.post("/console/probe/stale", data={"number": 1, "csrf": other.csrf})
    assert answer.status_code == 403


def test_without_the_permission_the_answer_is_403(browser: Browser) -> None:
    answer = browser.get("/console/audit")
    assert answer.status_code == 403
    assert "安全管理员" in answer.text
    assert "退出登录" in answer.text


def test_an_error_is_a_page_a_fragment_or_json(browser: Browser) -> None:
    form = {"number": 1, "csrf": browser.csrf}
    page = browser.post("/console/probe/stale", data=form)
    assert "<!doctype html>" in page.text
    assert "已被他人修改" in page.text
    part = browser.post("/console/probe/stale", data=form, headers={"HX-Request": "true"})
    assert "<!doctype html>" not in part.text
    assert "已被他人修改" in json.loads(part.headers["hx-trigger"])["toast"]["text"]
    data = browser.post("/console/probe/stale", data=form, headers={"Accept": "application/json"}).json()
    assert data["error"] == "Stale"
    assert data["field"] == "title"
    assert data["message"].startswith("此内容已被他人修改")
    assert {page.status_code, part.status_code} == {409}


def test_a_missing_or_broken_field_is_named(browser: Browser) -> None:
    for value, why in (({}, "没有填写"), ({"number": "x"}, "填写有误")):
        answer = browser.post(
            "/console/probe/stale", data={"csrf": browser.csrf, **value}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 422
        assert answer.json()["field"] == "number"
        assert why in answer.json()["message"]


def test_what_nobody_foresaw_is_logged_and_not_shown(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    answer = browser.get("/console/probe/fail")
    assert answer.status_code == 500
    assert "no word of it" not in answer.text
    assert answer.headers["x-request-id"] in answer.text
    assert "default-src" in answer.headers["content-security-policy"]
    log = capsys.readouterr().err
    assert "RuntimeError: no word of it to" in log
    assert answer.headers["x-request-id"] in log
    assert SECRET not in log


@pytest.mark.parametrize("how", ["gone", "pool"])
def test_a_database_that_is_away_is_said_to_be(browser: Browser, capsys: pytest.CaptureFixture[str], how: str) -> None:
    page = browser.get(f"/console/probe/away/{how}")
    assert page.status_code == 503
    assert "系统暂时没有响应" in page.text
    data = browser.get(f"/console/probe/away/{how}", headers={"Accept": "application/json"}).json()
    assert data["error"] == "Away"
    part = browser.get(f"/console/probe/away/{how}", headers={"HX-Request": "true"})
    assert "请稍候再试" in json.loads(part.headers["hx-trigger"])["toast"]["text"]
    log = capsys.readouterr().err
    assert log.count("database away") == 3
    assert "Traceback" not in log
    assert SECRET not in log


def test_any_other_failure_of_the_database_is_ours(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    answer = browser.get("/console/probe/away/refused")
    assert answer.status_code == 500
    assert "系统出了问题" in answer.text
    assert "IntegrityError" in capsys.readouterr().err


def test_addresses_are_not_logged_but_routes_are(browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:
    browser.get("/console/password/a-token-that-must-stay-secret")
    log = capsys.readouterr().err
    assert "/console/password/{token}" in log
    assert "must-stay-secret" not in log


def test_unknown_addresses(browser: Browser) -> None:
    assert browser.get("/console/nowhere").status_code == 404
    assert browser.get("/console/people/abc").status_code == 403
    answer = browser.get("/nowhere", headers={"Accept": "*/*"})
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_a_wrong_method_is_named_as_such(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock, face="console") as office:
        answer = office.browser().delete("/console/me")
    assert answer.status_code == 405
    assert "不支持这种访问方式" in answer.text


def test_headers_of_every_answer(browser: Browser) -> None:
    for path in ("/console", "/console/login", "/healthz", "/static/app.css", "/console/nowhere"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-request-id"]
    assert browser.get("/console").headers["cache-control"] == "no-store"


def test_an_editing_page_may_loosen_its_own_policy(browser: Browser) -> None:
    policy = browser.get("/console/probe/editor").headers["content-security-policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src 'self';" in policy


def test_a_request_number_is_taken_over_only_when_harmless(browser: Browser) -> None:
    assert browser.get("/healthz", headers={"X-Request-ID": "abcd-1234"}).headers["x-request-id"] == "abcd-1234"
    assert browser.get("/healthz", headers={"X-Request-ID": "a b"}).headers["x-request-id"] != "a b"


def test_static_files_are_kept_for_ever_only_with_their_hash(browser: Browser) -> None:
    assert "immutable" in browser.get("/static/app.css?v=12345678").headers["cache-control"]
    assert browser.get("/static/app.css").headers["cache-control"] == "no-cache"
    assert browser.get("/static/../engine.py").status_code == 404


def test_an_upload_within_and_beyond_the_limit(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock, upload_limit=2 * 1024 * 1024) as office:
        with_probe(office).hire("wang", "root", Role.OFFICER)
        browser = office.log_in("wang")

        def send(size: int) -> Any:
            return browser.post(
                "/console/probe/upload",
                files={"file": ("a.bin", b"x" * size)},
                headers={"X-CSRF-Token": browser.csrf, "Accept": "application/json"},
            )

        assert send(2 * 1024 * 1024).json() == {"size": 2 * 1024 * 1024}
        answer = send(4 * 1024 * 1024)
        assert answer.status_code == 413
        assert answer.json()["field"] == "file"
        assert "2 MB" in answer.json()["message"]


def test_a_field_beyond_its_limit_is_told_by_that_limit(office: Office) -> None:
    office.hire("wang")
    browser = office.log_in("wang")
    answer = browser.post(
        "/console/language", data={"to": "x" * (LONGEST_FIELD + 1)}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 413
    assert "8 MB" in answer.json()["message"]


def test_a_body_without_a_length_is_measured_too(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock, upload_limit=1024) as office:
        office.hire("wang")
        browser = office.log_in("wang")
        pieces = (b"a" * 65536 for _ in range(40))
        answer = browser.post(
            "/console/language", content=pieces, headers={"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert answer.status_code == 413


def test_the_api_takes_tokens_and_no_cookies(browser: Browser, office: Office) -> None:
    assert browser.get("/api/probe").status_code == 401
    person = office.person("wang")
    with office.hub.works.write() as work:
        _row, text = tokens.create(work, person, "probe")
        _row, narrow = tokens.create(work, person, "narrow", permissions=[Permission.PIECE_WRITE])
    program = office.browser()
    assert program.get("/api/probe", headers={"Authorization": f"Bearer {text}"}).json() == {"name": "wang某"}
    assert program.get("/api/probe", headers={"Authorization": f"Bearer {narrow}"}).status_code == 403
    answer = program.get("/api/probe", headers={"Authorization": "Bearer xd_wrong"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"] == "SignedOut"


def test_htmx_is_sent_to_the_log_in_page(office: Office) -> None:
    answer = office.browser().get("/console/notices/unread", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"].startswith("/console/login")


def test_over_https_the_cookie_is_bound_to_the_host(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock, secure_cookies=True) as office:
        office.hire("wang")
        browser = Browser(office.app, base_url="https://testserver")
        answer = browser.post("/console/login", data={"login": "wang", "password": "x"}, follow_redirects=False)
        assert "max-age" in answer.headers["strict-transport-security"]
        token = office.hub.sessions.log_in("wang", "Tides and gardens 7", _origin())
        browser.cookies.set("__Host-xuanda", token)
        assert browser.get("/console", headers={"Accept": "text/html"}, follow_redirects=False).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("203.0.113.9", "", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "10.0.0.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "10.0.0.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1", "10.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_only_from_known_proxies(
    peer: str, forwarded: str, trusted: str, expected: str
) -> None:
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    request = Request({"type": "http", "headers": headers, "client": (peer, 1)})
    assert address_of(request, Settings(trusted_proxies=trusted)) == expected


def _origin() -> Any:
    return SimpleNamespace(address="192.0.2.1", agent="")
