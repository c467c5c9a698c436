"""集约化网站（人工录入）: the office's site where people put the pages, and everything else leads to them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics import plan
from channels.accounts import store
from channels.accounts.models import Account
from channels.registry import style_of
from channels.rehearsal.config import RehearsalConfig, WeChatRules
from content.models import Column, Release
from content.snapshot import Target
from hub import rehearsals
from hub.auth import links
from hub.web.by_hand import HAND_LINK, PHONE_LASTS
from kernel.clock import StillClock, SystemClock
from kernel.errors import Invalid
from kernel.work import SYSTEM
from scheduler import booking, by_hand, freshness
from scheduler.booking import Order
from scheduler.models import Delivery
from scheduler.posts import item_sent
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal, serving
from tests.factories import PORTAL
from tests.hub.web.going_out import Desk, open_desk

THERE = "https://www.jiyue.example/art/2026/77.html"
SETTINGS = {"platform": "市集约化平台", "steps": "在“内容管理”里新建。", "columns": ["notices=政务公开/公告"]}


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        opened(desk)
        yield desk


def opened(desk: Desk) -> Account:
    """The office's site on the other platform."""
    with desk.hub.works.write() as work:
        return store.add(
            work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="site_manual", name="市政府网站", code="site",
            settings=SETTINGS,
        )  # fmt: skip


def targets(desk: Desk, *codes: str) -> list[Target]:
    """These accounts as their channels show text."""
    accounts = map(desk.account, codes)
    return [Target(one.id, one.name, one.channel, style_of(one.channel), one.action) for one in accounts]


def signed(desk: Desk, *codes: str, **words: str) -> int:
    """A piece signed for these accounts."""
    piece = desk.city.piece(by="author", **words)
    return desk.city.sign_off(desk.city.submit(piece.id, targets=targets(desk, *codes)).id).piece_id


def booked(desk: Desk, piece_id: int, action: str = "publish", code: str = "site", **more: Any) -> Delivery:
    """Booked for this moment and run: the site gets a task of it."""
    with desk.city.working("officer") as (work, who):
        order = Order([piece_id], desk.account(code).id, action, **more)
        book = booking.book if action == "publish" else booking.book_act
        made = book(work, who, order, *([PORTAL] if action == "publish" else []))
    desk.run()
    return desk.now(made)


def close(desk: Desk, task: Delivery, **form: str) -> int:
    """Closes the task through its form."""
    answer = desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand", **form)
    return int(answer.status_code)


def published(desk: Desk, *codes: str, **words: str) -> int:
    """A piece whose page stands on the site."""
    piece_id = signed(desk, "site", *codes, **words)
    assert close(desk, booked(desk, piece_id), url=THERE) == 303
    return piece_id


def link_of(desk: Desk, piece_id: int, code: str) -> str:
    """Where a message on this account leads."""
    with desk.hub.works.read() as work:
        order = Order([piece_id], desk.account(code).id, "publish")
        _account, ((release, piece),) = booking._checked(work, desk.city.who("officer"), order)
        sent = Delivery(action="publish", channel=desk.account(code).channel)
        return item_sent(work.session, sent, release, piece, PORTAL).url


def found(desk: Desk) -> str:
    """What a reader's search shows."""
    return str(desk.office.browser().get("/search", params={"q": "供热"}).text)


def test_the_task_names_the_column_there_and_only_an_address_closes_it(desk: Desk) -> None:
    task = booked(desk, signed(desk, "site"))
    assert task.state == "manual"
    assert task.reason.startswith(
        "请到“市集约化平台”录入到栏目“政务公开/公告”，完成后回填网页地址。在“内容管理”里新建。"
    )
    page = desk.browser().get(f"/console/deliveries/{task.id}/by-hand").text
    assert (page.count("回填"), "请原样发布，一字不改。" in page) == (1, True)
    assert "原文链接" not in page
    with desk.city.working("officer") as (work, who), pytest.raises(Invalid, match="须填网页地址") as refused:
        by_hand.close(work, who, work.session.get_one(Delivery, task.id), "", "0" * 64)
    assert refused.value.field == "url"
    assert (close(desk, task), desk.now(task).state) == (422, "manual")
    assert close(desk, task, url=THERE) == 303
    assert desk.now(task).state == "done"
    assert [(row.state, row.url) for row in desk.placements(1)] == [("live", THERE)]


def test_an_address_elsewhere_than_the_sites_domain_is_refused(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        site = work.session.get_one(Account, desk.account("site").id)
        site.settings = {**site.settings, "domains": ["jiyue.example"]}
    task = booked(desk, signed(desk, "site"))
    answer = desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand", url="https://jiyue.example.cn/77.html")
    assert (answer.status_code, desk.now(task).state) == (422, "manual")
    assert "不在“市政府网站”的网站域名（jiyue.example）下" in answer.text
    assert 'id="url-error"' in answer.text
    assert close(desk, task, url=f" {THERE} ") == 303
    assert desk.placements(1)[0].url == THERE


def test_the_package_and_the_phone_ask_for_the_address_too(desk: Desk) -> None:
    task = booked(desk, signed(desk, "site"))
    package = zipfile.ZipFile(
        io.BytesIO(desk.browser().get(f"/console/deliveries/{task.id}/by-hand/package.zip").content)
    )
    told = package.read("00-说明.txt").decode()
    assert "完成后在任务页回填网页地址。" in told
    assert not [name for name in package.namelist() if name.startswith("06-")]
    shown = desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand/phone")
    assert shown.status_code == 200
    with desk.hub.works.write(desk.city.actor("officer")) as work:
        link = links.issue(
            work, HAND_LINK, desk.city.person("officer").id, PHONE_LASTS,
            target=work.session.get_one(Delivery, task.id),
        )  # fmt: skip
    page = desk.office.browser().get(f"/h/{link.token}").text
    assert "完成后回填网页地址" in page
    assert "原文链接" not in page
    assert desk.office.browser().post(f"/h/{link.token}", data={"url": THERE}).status_code == 200
    assert desk.now(task).state == "done"


def test_links_search_and_the_app_lead_to_the_pasted_address(desk: Desk) -> None:
    piece_id = signed(desk, "site", "a")
    assert link_of(desk, piece_id, "a").startswith(PORTAL)
    assert close(desk, booked(desk, piece_id), url=THERE) == 303
    assert link_of(desk, piece_id, "a") == THERE
    page = found(desk)
    assert f'<a href="{THERE}">' in page
    assert "找到 1 条" in page
    listed = desk.office.browser().get("/api/app/v1/pieces").json()["pieces"]
    assert [one["url"] for one in listed] == [THERE]


def test_a_correction_and_a_withdrawal_are_tasks_with_proof_and_what_is_gone_is_given_by_nobody(desk: Desk) -> None:
    piece_id = published(desk, "a")
    booked(desk, piece_id, code="a")
    desk.city.save(piece_id, body="<p>供热结束时间延长至4月9日。</p>")
    desk.city.sign_off(desk.city.submit(piece_id, targets=targets(desk, "site", "a")).id)
    task = booked(desk, piece_id, "correct")
    assert (task.state, "更正" in task.reason) == ("manual", True)
    page = desk.browser().get(f"/console/deliveries/{task.id}/by-hand").text
    assert "4月9日" in page
    assert "网页地址" in page
    assert THERE in page
    assert close(desk, task) == 422
    assert close(desk, task, url=THERE) == 303
    placed = {row.account_id: row for row in desk.placements(piece_id)}
    site = desk.account("site").id
    assert (placed[site].correction, placed[site].url) == ("by_hand", THERE)
    gone = booked(desk, piece_id, "withdraw", phrase="该内容已撤下。")
    assert (gone.state, THERE in found(desk)) == ("manual", True)
    asked = desk.browser().get(f"/console/deliveries/{gone.id}/by-hand").text
    assert "撤下后的链接" in asked
    assert "发布后的链接" not in asked
    assert close(desk, gone, url="") == 422
    assert close(desk, gone, url="https://www.jiyue.example/gone") == 303
    states = {row.account_id: row.state for row in desk.placements(piece_id)}
    assert (states[site], states[desk.account("a").id]) == ("withdrawn", "live")
    assert "找到 0 条" in found(desk) or THERE not in found(desk)
    told = desk.office.browser().get(f"/api/app/v1/pieces/{piece_id}")
    assert (told.status_code, told.json()["message"]) == (410, "该内容已撤下。")


def test_inspections_count_its_columns_and_not_the_account(desk: Desk, clock: StillClock) -> None:
    zone, bureau = ZoneInfo("Asia/Shanghai"), desk.city.bureau.id
    assert not freshness.expected_to_update(desk.account("site"))

    def silent() -> list[str]:
        with desk.hub.works.read() as work:
            column = work.session.get_one(Column, desk.city.columns["notices"].id)
            return [
                one.facts["days"] for one in plan.silent_columns(work.session, bureau, work.now, zone)
                if one.column_id == column.id
            ]  # fmt: skip

    assert silent() == [None]
    published(desk)
    assert silent() == []
    clock.step(days=170)
    assert silent() == [170]


def test_whoever_books_before_the_page_stands_is_told(desk: Desk, clock: StillClock) -> None:
    piece_id = signed(desk, "site", "a")
    order = Order([piece_id], desk.account("a").id, "publish")
    with desk.hub.works.write() as work:
        told = [one.message for one in booking.forewarned(work, order, ZoneInfo("Asia/Shanghai"))]
    assert any("在网站平台上还没有地址" in one for one in told)


def test_a_weibo_for_a_page_that_stands_nowhere_yet_is_not_refused_for_its_link(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        settings = {"uid": "1", "rip": "203.0.113.7", "safe_domains": ["jiyue.example"]}
        store.add(
            work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="weibo", name="微博", code="wb", settings=settings
        )
    piece_id = signed(desk, "site", "wb")
    order = Order([piece_id], desk.account("wb").id, "publish")

    def problems() -> list[str]:
        with desk.hub.works.read() as work:
            return [one.message for one in booking.preflight(work.session, order, PORTAL)]

    assert problems() == []
    assert close(desk, booked(desk, piece_id), url=THERE.replace("jiyue", "other")) == 303
    assert problems() == ["微博正文须含一个 jiyue.example 下的链接。"]


def test_who_signs_a_weibo_sees_the_link_that_its_readers_will_see(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        store.add(work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="weibo", name="微博", code="wb")
    piece = desk.city.piece(by="author")
    waiting = desk.city.submit(piece.id, targets=targets(desk, "site", "wb"))
    words, signed_hash = waiting.content["variants"]["weibo"]["text"], waiting.hash
    ours = f"{PORTAL}{waiting.content['path']}"
    assert ours in words

    def page() -> tuple[str, str]:
        """The page, and the Weibo in it."""
        text = str(desk.browser("reviewer").get(f"/console/signing/{waiting.id}").text)
        return text, text.partition('<p class="wb__text">')[2].partition("</p>")[0]

    before, drawn = page()
    assert "发出时换成这一稿在“市政府网站”上的地址" in before
    assert ours in drawn
    desk.city.sign_off(waiting.id)
    assert close(desk, booked(desk, piece.id), url=THERE) == 303
    seen, drawn = page()
    assert f"签发的文字里是 {ours}" in seen
    assert (THERE in drawn, ours in drawn) == (True, False)
    with desk.hub.works.read() as work:
        kept = work.session.get_one(Release, waiting.id)
        assert (kept.hash, kept.content["variants"]["weibo"]["text"]) == (signed_hash, words)


def test_a_column_that_the_platform_has_not_is_told_at_booking(desk: Desk) -> None:
    piece_id = signed(desk, "site", column="news")
    with desk.hub.works.read() as work:
        problems = booking.preflight(work.session, Order([piece_id], desk.account("site").id, "publish"), PORTAL)
    assert [(one.field, one.blocking, "请先补全栏目对照" in one.message) for one in problems] == [
        ("account", True, True)
    ]


def test_a_rehearsal_is_a_task_that_a_picture_closes(desk: Desk) -> None:
    rehearsals.enter(desk.hub, SYSTEM, [desk.account("site").id])
    task = booked(desk, signed(desk, "site"))
    assert (task.state, "演练任务" in task.reason) == ("manual", True)
    page = desk.browser().get(f"/console/deliveries/{task.id}/by-hand").text
    assert "完成后回填链接或截图" in page
    assert close(desk, task, url="https://www.jiyue.example/rehearsed") == 303
    assert THERE not in found(desk)
    assert desk.placements(1) == []


# --- against the platforms ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def platforms() -> Iterator[Rehearsal]:
    rules = WeChatRules(publish_seconds=60)
    with serving(RehearsalConfig.demo().model_copy(update={"wechat_rules": rules})) as running:
        yield running


def test_a_wechat_articles_original_and_a_weibo_lead_to_the_page(
    sqlite_url: str, tmp_path: Path, platforms: Rehearsal
) -> None:
    weibo = platforms.app.world.config.weibo[0]
    platforms.control("accounts/weibo", **weibo.model_copy(update={"safe_domains": ["jiyue.example"]}).model_dump())
    secrets = {
        "mp": {"appid": APPID, "secret": SECRET},
        "wb": {"access_token": weibo.access_token, "app_secret": weibo.app_secret},
    }
    said = {
        "mp": {"type": "subscription"},
        "wb": {"uid": weibo.uid, "rip": "203.0.113.7", "safe_domains": ["jiyue.example"]},
    }
    kinds = {"mp": "wechat", "wb": "weibo"}
    with open_desk(sqlite_url, tmp_path, SystemClock(), rehearsal_url=platforms.url) as desk:
        opened(desk)
        with desk.hub.works.write() as work:
            for code, channel in kinds.items():
                store.add(
                    work, desk.hub.seal, unit_id=desk.city.bureau.id, channel=channel, name=channel, code=code,
                    base_url=f"{platforms.url}/{channel}", settings=said[code], credentials=secrets[code],
                )  # fmt: skip
        piece = desk.city.piece(by="author")
        desk.city.save(piece.id, cover_id=desk.city.picture(piece.id).id)
        desk.city.sign_off(desk.city.submit(piece.id, targets=targets(desk, "site", *kinds)).id)
        assert close(desk, booked(desk, piece.id), url=THERE) == 303
        sent = [booked(desk, piece.id, code=code) for code in kinds]
        assert [one.state in ("done", "accepted") for one in sent] == [True, True], [one.reason for one in sent]
    (post,) = platforms.ledger("post")
    assert post["data"]["text"].strip().endswith(THERE)
    (draft,) = platforms.app.world.state.wechat.accounts[APPID].drafts.values()
    assert [one.content_source_url.partition("#")[0] for one in draft.articles] == [THERE]
