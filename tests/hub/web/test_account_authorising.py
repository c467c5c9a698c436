"""授权: the account's own person goes to Weibo and comes back; the state works once, for him and the right account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from channels.accounts import store as accounts
from channels.accounts.models import Account
from kernel.clock import StillClock
from tests.channels.conftest import platforms, rehearsed
from tests.channels.rehearsal.served import Rehearsal
from tests.channels.sides import UID
from tests.hub.office import Browser
from tests.hub.web.going_out import Desk, open_desk

__all__ = ["platforms", "rehearsed"]  # The rehearsal's fixtures, used here by name.


class Keeping:
    """A Weibo account whose own person is the officer."""

    def __init__(self, desk: Desk, rehearsal: Rehearsal) -> None:
        self.desk, self.rehearsal, self.hub = desk, rehearsal, desk.hub
        app = rehearsal.app.world.config.weibo[0]
        redirect = f"{desk.hub.settings.console_address}/console/accounts/authorised"
        rehearsal.control("accounts/weibo", **{**app.model_dump(), "redirect_uri": redirect, "expires_in": 30 * 86400})
        with desk.hub.works.write() as work:
            self.account = accounts.add(
                work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="weibo", name="住建微博", code="wb",
                base_url=f"{rehearsal.url}/weibo", settings={"uid": UID, "rip": "203.0.113.7"},
                credentials={"app_key": app.app_key, "app_secret": app.app_secret},
                register={accounts.OWN_PERSON: desk.city.people["officer"].id},
            )  # fmt: skip

    @property
    def base(self) -> str:
        """The page of the authorisation."""
        return f"/console/accounts/{self.account.id}/authorise"

    def leave(self, browser: Browser) -> str:
        """To the platform, and the address it sends the person back to."""
        sent = browser.send_form(self.base)
        assert sent.status_code == 200, sent.text[:500]
        address = sent.headers["Refresh"].removeprefix("0; url=")
        back = self.rehearsal.http.get(address)
        assert back.status_code == 302, back.text
        parts = urlsplit(back.headers["location"])
        return f"{parts.path}?{parts.query}"

    def now(self) -> Account:
        """The account as it stands."""
        with self.hub.works.read() as work:
            return work.session.get_one(Account, self.account.id)

    def token(self) -> str:
        """The kept token."""
        return str(json.loads(self.hub.seal.open(self.now().credentials)).get("access_token", ""))


@pytest.fixture
def keeping(sqlite_url: str, tmp_path: Path, clock: StillClock, rehearsed: Rehearsal) -> Iterator[Keeping]:
    """The office."""
    with open_desk(sqlite_url, tmp_path, clock, allowed_private=rehearsed.url.removeprefix("http://")) as desk:
        yield Keeping(desk, rehearsed)


def test_the_own_person_authorises_and_the_end_is_noted(keeping: Keeping, clock: StillClock) -> None:
    browser = keeping.desk.browser("officer")
    assert "还没有授权" in browser.get(keeping.base).text
    done = browser.get(keeping.leave(browser), follow_redirects=False)
    assert (done.status_code, done.headers["location"]) == (303, keeping.base)
    assert keeping.token() == keeping.rehearsal.app.world.state.weibo.users[UID].token
    expires = keeping.now().expires_on
    assert expires is not None
    assert (expires - keeping.hub.clock.now().date()).days in (29, 30, 31)
    assert "重新授权" in browser.get(keeping.base).text
    # Told of from the first day, a grant of thirty days would be yellow for its whole life.
    admin, page = keeping.desk.browser("system_admin"), f"/console/accounts/{keeping.account.id}"
    assert "平台授权于" not in admin.get(page).text
    clock.step(days=16)
    assert f"平台授权于 {expires} 到期" in keeping.desk.office.log_in("system_admin").get(page).text


def test_a_second_authorisation_replaces_the_first_and_wakes_a_dead_account(keeping: Keeping) -> None:
    browser = keeping.desk.browser("officer")
    browser.get(keeping.leave(browser))
    first = keeping.token()
    with keeping.hub.works.write() as work:
        accounts.credential_died(work, keeping.account.id, "授权已过期")
    browser.get(keeping.leave(browser))
    assert keeping.token() not in ("", first)
    assert keeping.now().credential_dead_at is None


def test_a_state_works_once_for_one_person_and_a_quarter_of_an_hour(keeping: Keeping, clock: StillClock) -> None:
    browser = keeping.desk.browser("officer")
    back = keeping.leave(browser)
    assert keeping.desk.browser("author").get(back).status_code in (404, 410)
    assert keeping.token() == ""
    browser.get(back)
    kept = keeping.token()
    assert kept
    assert browser.get(back).status_code in (404, 410)
    assert browser.get("/console/accounts/authorised?code=x&state=guess").status_code in (404, 410)
    late = keeping.leave(browser)
    clock.step(minutes=16)
    assert browser.get(late).status_code in (404, 410)
    assert keeping.token() == kept


def test_whose_account_it_is_is_learnt_where_nobody_entered_it(keeping: Keeping) -> None:
    with keeping.hub.works.write() as work:
        work.session.get_one(Account, keeping.account.id).settings = {"rip": "203.0.113.7"}
    browser = keeping.desk.browser("officer")
    browser.get(keeping.leave(browser), follow_redirects=False)
    assert keeping.now().settings == {"rip": "203.0.113.7", "uid": UID}


def test_another_weibo_account_is_not_taken(keeping: Keeping) -> None:
    with keeping.hub.works.write() as work:
        work.session.get_one(Account, keeping.account.id).settings = {"uid": "7999999999", "rip": "203.0.113.7"}
    browser = keeping.desk.browser("officer")
    answer = browser.get(keeping.leave(browser))
    assert answer.status_code == 409
    assert "7999999999" in answer.text
    assert keeping.token() == ""


def test_a_no_at_the_platform_changes_nothing(keeping: Keeping) -> None:
    browser = keeping.desk.browser("officer")
    back = keeping.leave(browser)
    state = back.partition("state=")[2].partition("&")[0]
    answer = browser.get(f"/console/accounts/authorised?error=access_denied&error_code=21330&state={state}")
    assert answer.status_code == 409
    assert "没有同意" in answer.text
    back = keeping.leave(browser)
    spoilt = back.replace("code=", "code=0")
    assert "授权码无效" in browser.get(spoilt).text
    assert keeping.token() == ""


def test_nobody_else_may_and_what_is_missing_is_said(keeping: Keeping) -> None:
    for login in ("author", "sysadmin"):
        if login in keeping.desk.city.people:
            assert keeping.desk.browser(login).get(keeping.base).status_code == 404
            assert keeping.desk.browser(login).send_form(keeping.base).status_code == 404
    with keeping.hub.works.write() as work:
        work.session.get_one(Account, keeping.account.id).credentials = ""
    answer = keeping.desk.browser("officer").send_form(keeping.base)
    assert "App Key" in answer.text
    assert "Refresh" not in answer.headers
