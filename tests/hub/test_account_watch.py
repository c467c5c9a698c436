"""The health line: one notice when credentials die, none for a network that fails, dates told once each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from channels.accounts import store
from channels.accounts.models import Account
from channels.adapters.web_push import new_key
from hub import account_watch
from hub.notices import Notice
from hub.web.accounts import health_name
from kernel.clock import StillClock
from kernel.people import Person
from tests.hub.web.going_out import Desk, open_desk


@pytest.fixture
def desk(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(database_url, tmp_path, clock) as desk:
        yield desk


def notices(desk: Desk, kind: str) -> list[str]:
    with desk.hub.works.read() as work:
        query = select(Notice.title).where(Notice.kind == kind, Notice.person_id == _admin(desk))
        return list(work.session.scalars(query.order_by(Notice.id)))


def _admin(desk: Desk) -> int:
    return desk.city.people["system_admin"].id


def check(desk: Desk, clock: StillClock, times: int = 1) -> None:
    for _ in range(times):
        clock.step(hours=7)
        account_watch.check_due(desk.hub)


def test_dead_credentials_make_one_notice_and_a_red_account_until_they_work_again(
    desk: Desk, clock: StillClock
) -> None:
    desk.platform().sick = "unauthorised"
    check(desk, clock, 3)
    assert desk.account().credential_dead_at is not None
    assert len(notices(desk, "account.credential")) == 1
    assert "授权失效" in desk.browser("system_admin").get("/console/accounts?health=dead").text
    desk.platform().sick = ""
    check(desk, clock)
    assert desk.account().credential_dead_at is None
    desk.platform().sick = "unauthorised"
    check(desk, clock, 2)
    assert len(notices(desk, "account.credential")) == 2


@pytest.mark.parametrize("blip", ["retryable", "throttled", "crash", "平台维护"])
def test_a_network_that_fails_or_a_busy_platform_alarms_nobody(desk: Desk, clock: StillClock, blip: str) -> None:
    desk.platform().sick = blip
    check(desk, clock, 3)
    account = desk.account()
    assert account.credential_dead_at is None
    assert account.last_failure
    assert notices(desk, "account.credential") == []
    desk.platform().sick = ""
    check(desk, clock)
    assert desk.account().last_success_at is not None


@pytest.mark.parametrize(
    ("channel", "settings", "secrets"),
    [
        ("site_push", {"publish_path": "/x"}, {"secret": "WRONG"}),
        ("web_push", {"subject": "mailto:a@yunzhou.example"}, {"vapid_private_key": new_key()[0]}),
    ],
)
def test_who_cannot_be_asked_is_neither_healthy_nor_alive_again(
    desk: Desk, clock: StillClock, channel: str, settings: dict[str, str], secrets: dict[str, str]
) -> None:
    with desk.hub.works.write() as work:
        made = store.add(work, desk.hub.seal, unit_id=desk.city.bureau.id, channel=channel, name="甲", code="q",
                         base_url="https://cms.invalid", settings=settings, credentials=secrets)  # fmt: skip
        account_watch.note(work, made.id, "对方平台不认可密钥或签名", True)
    died = desk.account("q").credential_dead_at
    check(desk, clock)
    admin = desk.browser("system_admin")
    admin.send_form(f"/console/accounts/{made.id}/test")
    assert "不能向平台核实密钥" in admin.get(f"/console/accounts/{made.id}").text
    now = desk.account("q")
    assert (now.credential_dead_at, now.last_success_at) == (died, None)


def test_what_was_never_given_is_not_dead(desk: Desk, clock: StillClock) -> None:
    with desk.hub.works.write() as work:
        store.add(work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="wechat", name="甲", code="new",
                  base_url="https://api.invalid", settings={"type": "service"}, credentials={})  # fmt: skip
    check(desk, clock, 2)
    account = desk.account("new")
    assert (account.credential_dead_at, account.last_failure) == (None, "")
    assert notices(desk, "account.credential") == []


def test_its_own_person_hears_of_dates_and_of_dead_credentials(desk: Desk, clock: StillClock) -> None:
    own, gone = desk.city.person("officer"), desk.city.person("author")
    today = clock.now().astimezone(desk.hub.settings.office_zone).date()
    with desk.hub.works.write() as work:
        for code, person in (("a", own), ("b", gone)):
            account = work.session.get_one(Account, desk.account(code).id)
            account.register = {**account.register, store.OWN_PERSON: person.id}
            account.expires_on = today + timedelta(days=5)
        work.session.get_one(Person, gone.id).active = False
    account_watch.warn_dates(desk.hub)
    desk.platform().sick = "unauthorised"
    check(desk, clock)
    with desk.hub.works.read() as work:
        kinds = select(Notice.kind).where(Notice.person_id == own.id).order_by(Notice.kind)
        assert {"account.credential", "account.date"} <= set(work.session.scalars(kinds))
        assert work.session.scalars(select(Notice).where(Notice.person_id == gone.id)).all() == []


def test_an_account_in_use_or_asked_lately_is_not_asked_again(desk: Desk, clock: StillClock) -> None:
    clock.step(hours=7)
    assert account_watch.check_due(desk.hub) == 2
    assert account_watch.check_due(desk.hub) == 0
    clock.step(hours=7)
    desk.booked(desk.release())
    desk.run()
    assert account_watch.check_due(desk.hub) == 1


def test_a_date_is_told_sixty_thirty_and_seven_days_before_and_once_each(desk: Desk, clock: StillClock) -> None:
    today = clock.now().astimezone(desk.hub.settings.office_zone).date()
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account().id)
        account.certified_until = today + timedelta(days=62)
    told = []
    for day in range(65):
        for _ in range(2):
            account_watch.warn_dates(desk.hub)
        told.append((day, len(notices(desk, "account.date"))))
        clock.step(days=1)
    grew = [day for (day, count), (_, before) in zip(told[1:], told, strict=False) if count > before]
    assert grew == [2, 32, 55, 62]
    assert "账号认证还有 60 天到期" in notices(desk, "account.date")[0]
    assert "今天到期" in notices(desk, "account.date")[-1]


@pytest.mark.parametrize(
    ("life", "days"), [(1, [1]), (7, [4, 7]), (30, [15, 23, 30]), (90, [45, 60, 83, 90]), (365, [305, 335, 358, 365])]
)
def test_a_short_grant_is_told_of_in_its_second_half_only(
    desk: Desk, clock: StillClock, life: int, days: list[int]
) -> None:
    zone = desk.hub.settings.office_zone
    since = clock.now().astimezone(zone).date()
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account().id)
        account.last_success_at = work.now
        store.authorised(work, desk.hub.seal, account, {"token": "t"}, since, since + timedelta(days=life), {})
    told, yellow = [], []
    for day in range(life + 1):
        before = len(notices(desk, "account.date"))
        account_watch.warn_dates(desk.hub)
        if len(notices(desk, "account.date")) > before:
            told.append(day)
        if health_name(desk.account(), clock.now().astimezone(zone).date()) == "soon":
            yellow.append(day)
        clock.step(days=1)
    assert told == days
    assert yellow == list(range(days[0], life + 1))


def test_an_end_written_by_hand_says_nothing_of_its_beginning(desk: Desk, clock: StillClock) -> None:
    today = clock.now().astimezone(desk.hub.settings.office_zone).date()
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account().id)
        store.authorised(work, desk.hub.seal, account, {"token": "t"}, today, today + timedelta(days=30), {})
        store.change(work, account, {"expires_on": today + timedelta(days=30), "proxy": ""})
    assert account_watch.warn_dates(desk.hub) == 0
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account().id)
        store.change(work, account, {"expires_on": today + timedelta(days=29)})
    assert account_watch.warn_dates(desk.hub) > 0


def test_an_account_registered_late_is_told_the_nearest_step_only(desk: Desk, clock: StillClock) -> None:
    today = clock.now().astimezone(desk.hub.settings.office_zone).date()
    with desk.hub.works.write() as work:
        work.session.get_one(Account, desk.account().id).tls_until = today + timedelta(days=5)
        work.session.get_one(Account, desk.account("b").id).active = False
        work.session.get_one(Account, desk.account("b").id).tls_until = today
    account_watch.warn_dates(desk.hub)
    assert [title.startswith("TLS 证书还有 5 天到期") for title in notices(desk, "account.date")] == [True]
    with desk.hub.works.write() as work:
        work.session.get_one(Account, desk.account().id).tls_until = today + timedelta(days=300)
    account_watch.warn_dates(desk.hub)
    with desk.hub.works.read() as work:
        count = select(func.count()).select_from(Notice).where(Notice.kind == "account.date")
        assert work.session.scalar(count.where(Notice.person_id == _admin(desk))) == 1
