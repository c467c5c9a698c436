"""账号矩阵: who sees and changes what, secrets that pass nobody else's hands, tests outside any transaction."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from channels.accounts import store
from channels.accounts.models import AccessToken, Account, QuotaUse
from channels.adapters.calling import today
from channels.adapters.web_push import public_of
from channels.registry import channels as installed
from hub.web.accounts import health_of
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.work import Works
from tests.factories import picture_bytes
from tests.hub.office import Browser
from tests.hub.web.going_out import Desk, open_desk

FORM = {"name": "云州政务微信", "code": "yz-wechat", "action": "mass_send", "settings.type": "service"}


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


@pytest.fixture
def admin(desk: Desk) -> Browser:
    return desk.browser("system_admin")


def opened(desk: Desk, account: Account) -> dict[str, str]:
    """The credentials in the clear, as an adapter gets them."""
    with desk.hub.works.read() as work:
        return dict(store.info(work.session, desk.hub.seal, work.session.get_one(Account, account.id)).credentials)


def create(desk: Desk, admin: Browser, **form: Any) -> Any:
    fields = {"channel": "wechat", "unit": str(desk.city.bureau.id), **FORM, **form}
    return admin.send_form("/console/accounts", **fields)


def link_for(admin: Browser, account: Account, login: str = "officer") -> str:
    """The path of a fresh link for secrets."""
    page = admin.send_form(f"/console/accounts/{account.id}/link", login=login)
    found = re.search(r"/console/accounts/secret/[\w-]+", page.text)
    assert found, page.text
    return found[0]


# --- the list --------------------------------------------------------------------------------------------------


def test_everybody_who_may_sees_the_accounts_of_the_own_units(desk: Desk, admin: Browser) -> None:
    assert "云州水务" in admin.get("/console/accounts").text
    officer = desk.browser().get("/console/accounts").text
    assert "云州住建" in officer
    assert "云州水务" not in officer
    assert "登记账号" not in officer
    listed = re.findall(
        r'class="table__title" href="/console/accounts/\d+">([^<]+)', admin.get("/console/accounts?channel=wechat").text
    )
    assert "云州住建" in listed
    assert "住建快讯" not in listed
    assert "云州水务" in admin.get(f"/console/accounts?unit={desk.city.other.id}&q=水务&state=active").text


def test_health_is_the_newest_of_what_is_known(clock: StillClock) -> None:
    account = Account(name="a", channel="fake", code="a")
    now, before = clock.now(), clock.now() - timedelta(hours=1)
    assert health_of(account).words == "尚未使用"
    account.last_success_at = now
    assert (health_of(account).tone, health_of(account).at) == ("good", now)
    account.last_failure_at, account.last_failure = before, "网络中断"
    assert health_of(account).tone == "good"
    account.last_failure_at = now + timedelta(minutes=1)
    assert (health_of(account).tone, health_of(account).why) == ("warn", "网络中断")
    account.credential_dead_at = before
    assert (health_of(account).tone, health_of(account).words) == ("bad", "授权失效")


def test_what_is_left_of_the_days_quota_is_shown(desk: Desk, admin: Browser, clock: StillClock) -> None:
    account = desk.account("bureau-wechat")
    name, _period, limit = installed()["wechat"].quotas(account.settings)[0]
    with desk.hub.works.write() as work:
        work.session.add(QuotaUse(account_id=account.id, quota=name, period=today(clock.now()), used=1))
        work.session.add(QuotaUse(account_id=account.id, quota=name, period="2020-01-01", used=1))
    assert f"{limit - 1}/{limit}" in admin.get("/console/accounts").text
    assert f"还剩 {limit - 1} 次，共 {limit} 次" in admin.get(f"/console/accounts/{account.id}").text


# --- registering and changing ----------------------------------------------------------------------------------


def test_an_account_is_registered_with_its_channels_own_settings(desk: Desk, admin: Browser) -> None:
    assert "/console/accounts/new?channel=wechat" in admin.get("/console/accounts/new").text
    page = admin.get("/console/accounts/new?channel=wechat").text
    assert 'name="settings.type"' in page
    assert 'name="secret"' not in page
    register = {"register.sponsor": "云州市住建局", "register.keeper": "陈信", "expires_on": "2026-12-31"}
    answer = create(desk, admin, **register, **{"settings.mass_per_month": "4", "settings.confirm_mass_send": "true"})
    assert answer.status_code == 303
    account = desk.account("yz-wechat")
    assert answer.headers["location"] == f"/console/accounts/{account.id}"
    assert account.settings == {"type": "service", "mass_per_month": 4, "confirm_mass_send": True}
    assert (account.register["sponsor"], account.action) == ("云州市住建局", "mass_send")
    assert str(account.expires_on) == "2026-12-31"
    assert opened(desk, account) == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": " "}, "name"),
        ({"code": "云州"}, "code"),
        ({"code": "a"}, "code"),
        ({"base_url": "api.example"}, "base_url"),
        ({"action": "push"}, "action"),
        ({"settings.mass_per_day": "many"}, "settings.mass_per_day"),
        ({"settings.mass_per_day": "nan"}, "settings.mass_per_day"),
        ({"settings.mass_per_day": "1e400"}, "settings.mass_per_day"),
        ({"settings.mass_per_day": "-5"}, "settings.mass_per_day"),
        ({"settings.type": "newspaper"}, "settings.type"),
        ({"settings.title_units": "65"}, "settings.title_units"),
        ({"settings.title_units": "32.5"}, "settings.title_units"),
        ({"settings.guide_line": "字" * 61}, "settings.guide_line"),
        ({"settings.credits": "责任编辑=张三\n审核"}, "settings.credits"),
        ({"register.site_code": "12345"}, "register.site_code"),
        ({"register.site_code": "1234567"}, "register.site_code"),
        ({"register.certified_on": "去年"}, "register.certified_on"),
        ({"register.recorded_on": "2026-02-30"}, "register.recorded_on"),
        ({"register.keeper": "字" * 201}, "register.keeper"),
        ({"expires_on": "soon"}, "expires_on"),
        ({"unit": "99"}, "unit"),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    desk: Desk, admin: Browser, wrong: dict[str, str], field: str
) -> None:
    answer = create(desk, admin, **{"name": "云州政务微信", "register.purpose": "政务公开", **wrong})
    assert answer.status_code in (404, 422)
    assert f'id="{field}-error"' in answer.text
    assert 'value="政务公开"' in answer.text


@pytest.mark.parametrize("field", ["page_url", "file_name"])
def test_a_brace_that_means_nothing_is_refused_when_the_account_is_saved(
    desk: Desk, admin: Browser, field: str
) -> None:
    given = {"settings.server": "sftp.example", "settings.host_key": "SHA256:" + "A" * 43, "settings.user": "u"}
    form = {"channel": "site_sftp", "code": "sf", "action": "publish", "settings.folder": "/", **given}
    for wrong in ("a/{piece}/{year}", "a/{piece", "{piece}/{}"):
        answer = create(desk, admin, **form, **{f"settings.{field}": wrong})
        assert answer.status_code == 422, wrong
        assert f'id="settings.{field}-error"' in answer.text
    assert create(desk, admin, **form, **{f"settings.{field}": "{column}/{date}/{piece}"}).status_code == 303


@pytest.mark.parametrize(("entered", "kept"), [("360100", "360100"), ("3601000001", "3601000001")])
def test_an_accounts_site_code_has_six_digits_or_ten(desk: Desk, admin: Browser, entered: str, kept: str) -> None:
    assert create(desk, admin, **{"register.site_code": entered}).status_code == 303
    assert desk.account("yz-wechat").register["site_code"] == kept


def test_the_form_asks_what_the_channels_options_ask(desk: Desk, admin: Browser) -> None:
    for channel, wanted in {
        "wechat": ("title_units", "settle_minutes", "guide_line", "closing", "credits", "hotline"),
        "jpush": ("ios_bytes",),
        "weibo": ("duplicate_minutes", "address_characters"),
    }.items():
        page = admin.get(f"/console/accounts/new?channel={channel}").text
        assert [name for name in wanted if f'name="settings.{name}"' not in page] == []
    given = {
        "settings.title_units": "64",
        "settings.settle_minutes": "2.5",
        "settings.credits": "审核=李四\r\n校对＝王五",
    }
    assert create(desk, admin, **given, **{"register.site_code": "BM64130001"}).status_code == 303
    account = desk.account("yz-wechat")
    kept = {"type": "service", "title_units": 64, "settle_minutes": 2.5, "credits": ["审核=李四", "校对＝王五"]}
    assert (account.settings, account.register["site_code"]) == (kept, "bm64130001")


def test_pictures_by_our_address_need_a_portal_of_our_own(desk: Desk, admin: Browser) -> None:
    push = {"channel": "site_push", "action": "publish", "settings.publish_path": "/a", "settings.pictures": "link"}
    assert create(desk, admin, code="first", **push).status_code == 303
    with desk.hub.works.write() as work:
        work.session.execute(update(Account).where(Account.channel == "portal").values(active=False))
    refused = create(desk, admin, code="second", **push)
    assert refused.status_code == 422
    assert 'id="settings.pictures-error"' in refused.text
    assert create(desk, admin, code="third", **{**push, "settings.pictures": "embed"}).status_code == 303


def test_the_marks_a_site_lacks_are_named_and_none_is_forced(desk: Desk, admin: Browser) -> None:
    with desk.hub.works.write() as work:
        portal = work.session.scalars(select(Account).where(Account.channel == "portal")).one()
        portal.settings = {"sponsor": "云州市人民政府", "phone": "0700-12345678", "id_code": "3700009999"}
    page = admin.get(f"/console/accounts/{portal.id}").text
    assert "还没有填写：ICP 备案号、公安备案号、党政机关网站标志图片" in page
    with desk.hub.works.write() as work:
        marks = {"icp": "云ICP备0001号", "police": "云公网安备1号", "emblem": "/emblem.png"}
        row = work.session.get_one(Account, portal.id)
        row.settings = {**row.settings, **marks}
    assert "还没有填写" not in admin.get(f"/console/accounts/{portal.id}").text


@pytest.mark.parametrize(("channel", "action"), [("portal", "publish"), ("web_push", "push")])
def test_one_installation_has_one_site_and_one_place_to_subscribe(
    desk: Desk, admin: Browser, channel: str, action: str
) -> None:
    more = {"channel": channel, "action": action, "settings.subject": "mailto:a@yunzhou.example"}
    with desk.hub.works.write() as work:
        work.session.execute(update(Account).where(Account.channel == channel).values(active=False))
    assert create(desk, admin, code="one", **more).status_code == 303
    refused = create(desk, admin, code="two", **more)
    assert refused.status_code == 422
    assert "一套系统只能有一个在用" in refused.text
    one = desk.account("one")
    admin.send_form(f"/console/accounts/{one.id}/switch-off")
    assert create(desk, admin, code="two", **more).status_code == 303
    admin.send_form(f"/console/accounts/{one.id}/switch-on")
    assert desk.account("one").active is False


def test_what_stood_there_before_there_was_a_rule_is_kept_and_pointed_out(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    old = {"site_code": "省里统一给的", "certified_on": "2024年春"}
    with desk.hub.works.write() as work:
        row = work.session.get_one(Account, account.id)
        row.register, row.settings = {**row.register, **old}, {"type": "service", "articles": 12}
    address = f"/console/accounts/{account.id}"
    page = admin.get(address).text
    assert page.count("原登记内容不合规定，已保留") == 2
    assert "须为 1 至 8 的数字" in page
    same = {**FORM, "unit": str(desk.city.bureau.id), "settings.articles": "12"}
    same |= {f"register.{name}": words for name, words in old.items()}
    assert admin.send_form(address, **same).status_code == 303
    now = desk.account("yz-wechat")
    assert ({name: now.register[name] for name in old}, now.settings["articles"]) == (old, 12)
    answer = admin.send_form(address, **{**same, "register.certified_on": "2024年夏"})
    assert answer.status_code == 422
    assert 'id="register.certified_on-error"' in answer.text
    assert 'value="2024年夏"' in answer.text
    assert admin.send_form(address, **{**same, "register.certified_on": "2024-03-20"}).status_code == 303
    assert desk.account("yz-wechat").register["certified_on"] == "2024-03-20"


def test_changing_keeps_settings_the_form_does_not_know(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    with desk.hub.works.write() as work:
        row = work.session.get_one(Account, account.id)
        row.settings = {**row.settings, "of_a_plugin": 60}
    page = admin.get(f"/console/accounts/{account.id}").text
    assert 'value="云州政务微信"' in page
    form = {"name": "云州住建微信", "unit": str(desk.city.bureau.id), "action": "publish", "settings.mode": "secure"}
    assert admin.send_form(f"/console/accounts/{account.id}", **form).status_code == 303
    now = desk.account("yz-wechat")
    assert (now.name, now.action) == ("云州住建微信", "publish")
    assert now.settings == {"mode": "secure", "of_a_plugin": 60}


def test_a_code_to_scan_is_uploaded_with_the_form_and_seen_by_who_writes_for_the_account(
    desk: Desk, admin: Browser
) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    address = f"/console/accounts/{account.id}"
    form = {"csrf": admin.csrf, "name": "云州政务微信", "unit": str(desk.city.bureau.id), "action": "publish"}

    def send(data: bytes) -> Any:
        files = {"upload.settings.qr": ("码.webp", data, "image/webp")}
        return admin.post(address, data=form, files=files, follow_redirects=False)

    refused = send(b"no picture")
    assert refused.status_code == 422
    assert 'id="upload.settings.qr-error"' in refused.text
    assert send(picture_bytes()).status_code == 303
    src = desk.account("yz-wechat").settings["qr"]
    assert re.fullmatch(r"/media/[0-9a-f]{64}\.(jpg|png)", src)
    assert desk.browser().get(f"/console{src}").status_code == 200


def test_who_only_reads_changes_nothing_and_strangers_find_nothing(desk: Desk) -> None:
    account = desk.account("a")
    officer, stranger = desk.browser(), desk.browser("stranger")
    page = officer.get(f"/console/accounts/{account.id}").text
    assert "/switch-off" not in page
    for name in ("", "/link", "/test", "/switch-off", "/switch-on"):
        path = f"/console/accounts/{account.id}{name}"
        assert officer.send_form(path, name="x").status_code == 403, name
    assert stranger.get(f"/console/accounts/{account.id}").status_code == 404


# --- secrets ---------------------------------------------------------------------------------------------------


def test_secrets_are_entered_once_by_their_own_person_and_never_shown(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    with desk.hub.works.write() as work:
        work.session.add(AccessToken(account_id=account.id, sealed="old", expires_at=work.now + timedelta(hours=1)))
        work.session.get_one(Account, account.id).credential_dead_at = work.now
    path = link_for(admin, account)
    officer = desk.browser()
    for browser in (admin, desk.browser("author")):
        assert browser.get(path).status_code == 404
        assert browser.send_form(path, appid="x", secret="y").status_code == 404
    assert officer.get(path).status_code == 200
    missing = officer.send_form(path, appid="wx1234567890")
    assert missing.status_code == 422
    assert 'id="secret-error"' in missing.text
    assert "wx1234567890" not in missing.text
    assert officer.send_form(path, appid="wx1234567890", secret="5ecre7").status_code == 303
    assert opened(desk, account) == {"appid": "wx1234567890", "secret": "5ecre7"}
    now = desk.account("yz-wechat")
    assert "5ecre7" not in now.credentials
    assert now.credential_dead_at is None
    with desk.hub.works.read() as work:
        assert work.session.get_one(AccessToken, account.id).sealed == ""
    assert officer.get(path).status_code == 410
    page = admin.get(f"/console/accounts/{account.id}").text
    assert page.count("已填写") == 2
    assert "5ecre7" not in page


def test_a_key_of_our_own_is_made_sealed_and_shown_to_nobody(desk: Desk, admin: Browser) -> None:
    create(
        desk, admin, channel="web_push", code="tz", action="push", **{"settings.subject": "mailto:a@yunzhou.example"}
    )
    account = desk.account("tz")
    path = link_for(admin, account)
    officer = desk.browser()
    assert "生成密钥" in officer.get(path).text
    for wrong in ("no key", "A" * 43):
        refused = officer.send_form(path, vapid_private_key=wrong)
        assert refused.status_code == 422
        assert "VAPID 私钥" in refused.text
    assert officer.send_form(path, make_key="1").status_code == 303
    made = opened(desk, account)["vapid_private_key"]
    assert len(public_of(made)) == 87
    assert made not in desk.account("tz").credentials
    path = link_for(admin, account)
    page = officer.get(path).text
    assert "重新订阅" in page
    assert made not in page
    officer.send_form(path, make_key="1")
    assert opened(desk, account)["vapid_private_key"] != made


def test_a_platforms_secret_is_not_made_here(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    path = link_for(admin, desk.account("yz-wechat"))
    assert "生成密钥" not in desk.browser().get(path).text
    assert desk.browser().send_form(path, make_key="1").status_code == 422


def test_a_blank_secret_stays_as_it_is_and_nothing_at_all_is_a_fault(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    desk.browser().send_form(link_for(admin, account), appid="wx1", secret="one")
    path = link_for(admin, account)
    assert desk.browser().send_form(path).status_code == 422
    assert desk.browser().send_form(path, token="callback").status_code == 303
    assert opened(desk, account) == {"appid": "wx1", "secret": "one", "token": "callback"}


def test_a_link_is_made_only_for_somebody_in_reach_and_replaces_the_earlier_one(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    account = desk.account("yz-wechat")
    refused = admin.send_form(f"/console/accounts/{account.id}/link", login="nobody")
    assert refused.status_code == 422
    assert 'id="login-error"' in refused.text
    assert 'value="云州政务微信"' in refused.text
    first, second = link_for(admin, account), link_for(admin, account)
    assert desk.browser().get(first).status_code == 410
    assert desk.browser().get(second).status_code == 200


def test_the_log_names_what_was_set_and_never_what_it_is(desk: Desk, admin: Browser) -> None:
    create(desk, admin)
    desk.browser().send_form(link_for(admin, desk.account("yz-wechat")), appid="wx1", secret="5ecre7")
    lines = audit(desk)
    assert ("account.credentials_set", {"names": ["appid", "secret"]}) in lines
    assert "5ecre7" not in json.dumps(lines)


def audit(desk: Desk) -> list[tuple[str, Any]]:
    with desk.hub.works.read() as work:
        return [(line.act, json.loads(line.details)) for line in work.session.scalars(select(AuditLine))]


# --- tests, on and off -----------------------------------------------------------------------------------------


def test_a_test_call_is_made_while_no_transaction_is_open(
    desk: Desk, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = desk.account("a")
    inside: list[int] = []
    during: list[int] = []
    for name in ("read", "write"):
        original = getattr(Works, name)
        monkeypatch.setattr(Works, name, _watched(original, inside))
    make = desk.hub.incoming.make

    def watching(about: Any) -> Any:
        adapter = make(about)
        health = adapter.health

        def watched() -> Any:
            during.append(len(inside))
            return health()

        monkeypatch.setattr(adapter, "health", watched)
        return adapter

    monkeypatch.setattr(desk.hub.incoming, "make", watching)
    answer = admin.send_form(f"/console/accounts/{account.id}/test")
    assert answer.status_code == 303
    assert during == [0]
    assert desk.account("a").last_success_at is not None


def _watched(original: Any, inside: list[int]) -> Any:
    @contextmanager
    def watched(self: Works, *args: Any, **more: Any) -> Iterator[Any]:
        with original(self, *args, **more) as work:
            inside.append(1)
            try:
                yield work
            finally:
                inside.pop()

    return watched


@pytest.mark.parametrize(
    ("sick", "words", "dead"),
    [("接口已下线", "接口已下线", False), ("unauthorised", "凭证无效", True), ("retryable", "连接被拒绝", False)],
)
def test_a_test_that_fails_says_why(desk: Desk, admin: Browser, sick: str, words: str, dead: bool) -> None:
    desk.platform("a").sick = sick
    account = desk.account("a")
    admin.send_form(f"/console/accounts/{account.id}/test")
    page = admin.get(f"/console/accounts/{account.id}").text
    assert "测试未通过" in page
    assert words in page
    now = desk.account("a")
    assert (now.credential_dead_at is not None) is dead
    assert words in now.last_failure
    desk.platform("a").sick = ""
    admin.send_form(f"/console/accounts/{account.id}/test")
    assert desk.account("a").credential_dead_at is None


def test_switching_off_keeps_back_what_waits_there(desk: Desk, admin: Browser) -> None:
    release = desk.release()
    delivery = desk.booked(release)
    account = desk.account("a")
    page = admin.get(f"/console/accounts/{account.id}").text
    assert "1 个待发任务将暂缓" in page
    admin.send_form(f"/console/accounts/{account.id}/switch-off")
    desk.run()
    now = desk.now(delivery)
    assert (now.state, now.reason) == ("held", "账号已停用")
    assert desk.platform("a").arrived == []
    assert "送审的账号都已停用" in desk.browser().get(f"/console/bookings/new?piece={release.piece_id}").text
    admin.send_form(f"/console/accounts/{account.id}/switch-on")
    desk.run()
    assert desk.now(delivery).state == "held"
    desk.browser().send_form(f"/console/deliveries/{delivery.id}/resume")
    desk.run()
    assert desk.now(delivery).state == "done"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_draw_for_every_channel_in_both_languages(desk: Desk, admin: Browser, language: str) -> None:
    admin.send_form("/console/language", language=language)
    with desk.hub.works.read() as work:
        accounts = [account.id for account in work.session.query(Account)]
    paths = [f"/console/accounts/new?channel={name}" for name in installed()]
    for path in ("/console/accounts", *paths, *(f"/console/accounts/{account}" for account in accounts)):
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert ("退出登录" in answer.text) == (language == "zh"), path
