"""发布任务 through the web: the list, one task and what can be done to it, work by hand, what each channel shows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from channels.accounts.models import Account
from channels.adapters.fake import FakeChannel
from content.snapshot import Window
from kernel.clock import StillClock
from kernel.people import Role
from scheduler.models import Attempt, Delivery
from tests.factories import target_of
from tests.hub.web.going_out import Desk, open_desk
from tests.hub.web.test_api_deliveries import Program

LINK = "https://weibo.example/7001/status"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def one(desk: Desk, delivery: Delivery, by: str = "officer") -> str:
    """The page of a task."""
    text: str = desk.browser(by).get(f"/console/deliveries/{delivery.id}").text
    return text


def act(desk: Desk, delivery: Delivery, name: str, by: str = "officer", **form: Any) -> Any:
    return desk.browser(by).send_form(f"/console/deliveries/{delivery.id}/{name}", **form)


def offered(html: str) -> set[str]:
    """The acts the page offers, by the last part of their addresses."""
    return set(re.findall(r'action="/console/deliveries/\d+/([a-z-]+)"', html))


def waiting(desk: Desk, clock: StillClock, **words: Any) -> Delivery:
    """A delivery booked for an hour from now."""
    release = desk.release(**words)
    at = (clock.now() + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    return desk.booked(release, when="at", at=at)


def failed(desk: Desk) -> Delivery:
    """A delivery the platform refused."""
    desk.platform().script.append("refused")
    delivery = desk.booked(desk.release())
    desk.run()
    return delivery


def taken(desk: Desk) -> Delivery:
    """A delivery that its platform works on."""
    desk.platform().script.append("accepted")
    delivery = desk.booked(desk.release())
    desk.run()
    return delivery


def unknown(desk: Desk, clock: StillClock) -> Delivery:
    """A delivery whose answer was lost, on a platform that cannot be asked."""
    desk.platform().script.append("lost")
    desk.platform().blind = True
    delivery = desk.booked(desk.release())
    desk.run()
    clock.step(seconds=10)
    desk.run()
    return delivery


def by_hand(desk: Desk, clock: StillClock, **words: Any) -> Delivery:
    """A task by hand."""
    delivery = waiting(desk, clock, **words)
    answer = act(desk, delivery, "take-over")
    assert answer.headers["location"] == f"/console/deliveries/{delivery.id}/by-hand"
    return delivery


# --- the list --------------------------------------------------------------------------------------------------


def test_the_list_filters_by_state_account_day_text_and_piece(desk: Desk, clock: StillClock) -> None:
    soon = desk.booked(desk.release(title="供热通知"))
    desk.run()
    later = desk.release("b", title="停水通知", window=Window(None, clock.now() + timedelta(days=9)))
    desk.book(later, "b", when="at", at="2026-03-05T09:00")
    browser = desk.browser()
    shown = {
        "": {"供热通知", "停水通知"},
        "?state=done": {"供热通知"},
        "?state=booked": {"停水通知"},
        "?state=person": set(),
        f"?account={desk.account('b').id}": {"停水通知"},
        "?day=2026-03-05": {"停水通知"},
        "?q=供热": {"供热通知"},
        "?q=%25": set(),
        f"?piece={later.piece_id}": {"停水通知"},
        "?sort=at": {"供热通知", "停水通知"},
        "?page=9&sort=-nonsense": {"供热通知", "停水通知"},
    }
    for query, titles in shown.items():
        text = browser.get(f"/console/deliveries{query}").text
        rows = text[text.index('id="rows"') :]
        assert {title for title in ("供热通知", "停水通知") if title in rows} == titles, query
    for day in ("gestern", "9999-12-31", "0001-01-01"):
        assert browser.get(f"/console/deliveries?day={day}").status_code == 422, day
    assert soon.id


def test_the_list_asks_again_only_while_something_is_under_way(desk: Desk) -> None:
    desk.booked(desk.release())
    browser = desk.browser()
    assert 'hx-get="/console/deliveries?sort=-at"' in browser.get("/console/deliveries").text
    desk.run()
    rows = browser.get("/console/deliveries?sort=-at", headers={"HX-Request": "true"}).text
    assert "<html" not in rows
    assert "hx-get" not in rows
    assert "已发布" in rows


def test_the_days_figures_lead_to_the_rows_behind_them(desk: Desk, clock: StillClock) -> None:
    assert "今天还没有送出" in desk.browser().get("/console/deliveries").text
    failed(desk)
    page = desk.browser().get("/console/deliveries").text
    assert 'href="/console/deliveries?day=2026-03-02&amp;state=person"' in page
    assert "延迟 p50 0.0 秒" in page
    late = desk.booked(desk.release(title="晚了的通知"))
    clock.step(minutes=5)
    desk.sweep()
    page = desk.browser().get("/console/deliveries?state=late").text
    assert "晚了的通知" in page
    assert 'data-state="late"' in page
    assert 'data-state="late"' in one(desk, late)


def test_another_unit_sees_none_of_it(desk: Desk) -> None:
    delivery = desk.booked(desk.release())
    stranger = desk.browser("stranger")
    assert "还没有发布任务" in stranger.get("/console/deliveries").text
    for path in ("", "/live", "/by-hand", "/items/1", "/screenshot"):
        assert stranger.get(f"/console/deliveries/{delivery.id}{path}").status_code == 404, path
    acts = "retry resume cancel move hold there not-there ask-again take-over by-hand"
    for name in acts.split():
        assert act(desk, delivery, name, "stranger", reason="x").status_code == 404, name
    assert desk.now(delivery).state == "booked"


# --- one task --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "acts"),
    [
        ("booked", {"move", "hold", "take-over", "cancel"}),
        ("held", {"resume", "move", "take-over", "cancel"}),
        ("failed", {"retry", "take-over", "cancel"}),
        ("accepted", {"there"}),
        ("unknown", {"there", "not-there", "by-hand-instead"}),
        ("manual", {"cancel"}),
        ("done", set()),
    ],
)
def test_the_buttons_follow_the_state(desk: Desk, clock: StillClock, state: str, acts: set[str]) -> None:
    make = {
        "booked": lambda: waiting(desk, clock),
        "held": lambda: waiting(desk, clock),
        "failed": lambda: failed(desk),
        "accepted": lambda: taken(desk),
        "unknown": lambda: unknown(desk, clock),
        "manual": lambda: by_hand(desk, clock),
        "done": lambda: desk.booked(desk.release()),
    }
    delivery = make[state]()
    if state == "held":
        act(desk, delivery, "hold", reason="核对")
    if state == "done":
        desk.run()
    assert desk.now(delivery).state == state
    assert offered(one(desk, delivery)) == acts
    assert offered(one(desk, delivery, "manager")) == set()
    if state == "held":
        at = (clock.now() + timedelta(hours=10)).strftime("%Y-%m-%dT%H:%M")
        moved = desk.browser().get(act(desk, delivery, "move", at=at).headers["location"])
        assert "任务仍在暂缓（核对）" in moved.text
    if state == "unknown":
        assert act(desk, delivery, "by-hand-instead").headers["location"].endswith("/by-hand")
        assert desk.now(delivery).state == "manual"


def test_a_failure_tells_the_platforms_reason_and_can_be_tried_again(desk: Desk) -> None:
    delivery = failed(desk)
    page = one(desk, delivery)
    assert "平台拒绝" in page
    assert "内容不合规" in page
    assert "45166" in page
    assert act(desk, delivery, "retry").status_code == 303
    desk.run()
    page = one(desk, delivery)
    assert 'data-state="done"' in page
    assert "fake://" in page
    assert page.count("第 1 次") == 2


def test_what_changes_by_itself_is_asked_for_until_it_is_settled(desk: Desk) -> None:
    delivery = desk.booked(desk.release())
    path = f"/console/deliveries/{delivery.id}/live?seen=booked"
    assert f'hx-get="{path}"' in one(desk, delivery)
    browser = desk.browser()
    before = browser.get(path).text
    assert 'id="live"' in before
    assert 'id="acts"' not in before
    desk.run()
    after = browser.get(path).text
    assert 'data-state="done"' in after
    assert "hx-get" not in after
    assert '<div id="acts" hx-swap-oob="true">' in after


def test_a_hold_beyond_the_signed_window_is_refused_at_its_field(desk: Desk, clock: StillClock) -> None:
    release = desk.release(window=Window(latest=clock.now() + timedelta(hours=2)))
    delivery = desk.booked(release, when="at", at="2026-03-02T10:00")
    beyond = act(desk, delivery, "hold", reason="核对数字", until="2026-03-02T12:00")
    assert beyond.status_code == 422
    assert 'id="until-error"' in beyond.text
    assert desk.now(delivery).state == "booked"
    told = Program(desk).post(f"/deliveries/{delivery.id}/hold", reason="核对数字", until="2026-03-02T12:00:00+08:00")
    assert (told.status_code, told.json()["field"]) == (422, "until")
    assert act(desk, delivery, "hold", reason="核对数字", until="2026-03-02T11:00").status_code == 303


def test_holding_needs_a_reason_and_shows_it(desk: Desk, clock: StillClock) -> None:
    delivery = waiting(desk, clock)
    refused = act(desk, delivery, "hold", reason=" ", until="2026-03-02T17:30")
    assert refused.status_code == 422
    assert 'id="hold-reason-error"' in refused.text
    assert 'value="2026-03-02T17:30"' in refused.text
    past = act(desk, delivery, "hold", reason="核对数字", until="2026-03-01T08:00")
    assert 'id="until-error"' in past.text
    assert 'value="核对数字"' in past.text
    assert act(desk, delivery, "hold", reason="核对数字", until="2026-03-02T17:30").status_code == 303
    page = one(desk, delivery)
    assert "核对数字" in page
    assert "2026-03-02 17:30" in page
    act(desk, delivery, "resume")
    assert desk.now(delivery).state == "booked"


def test_moving_stays_inside_the_signed_window(desk: Desk, clock: StillClock) -> None:
    delivery = waiting(desk, clock, window=Window(None, clock.now() + timedelta(hours=12)))
    answer = act(desk, delivery, "move", at="2026-03-09T09:00")
    assert answer.status_code == 422
    assert 'id="at-error"' in answer.text
    assert "时间窗" in answer.text
    assert act(desk, delivery, "move", at="").status_code == 422
    assert act(desk, delivery, "move", at="2026-03-02T19:00").status_code == 303
    assert desk.now(delivery).scheduled_at == clock.now() + timedelta(hours=10)


def test_cancelling_needs_a_reason(desk: Desk, clock: StillClock) -> None:
    delivery = waiting(desk, clock)
    refused = act(desk, delivery, "cancel")
    assert 'id="cancel-reason-error"' in refused.text
    assert act(desk, delivery, "cancel", reason="活动取消").status_code == 303
    now = desk.now(delivery)
    assert (now.state, now.reason) == ("cancelled", "活动取消")
    assert "活动取消" in one(desk, delivery)


def test_what_is_no_longer_possible_is_told_and_not_done(desk: Desk) -> None:
    delivery = desk.booked(desk.release())
    desk.run()
    answer = act(desk, delivery, "cancel", reason="太迟了")
    assert answer.status_code == 409
    assert "已发布" in answer.text


def test_an_unknown_one_is_settled_by_a_person(desk: Desk, clock: StillClock) -> None:
    delivery = unknown(desk, clock)
    assert "请到平台上查看是否已发出" in one(desk, delivery)
    refused = act(desk, delivery, "there", remark="")
    assert refused.status_code == 422
    piece = desk.platform().arrived[0].items[0].piece_id
    assert f'id="link.{piece}-error"' in refused.text
    assert act(desk, delivery, "there", **{f"link.{piece}": LINK}).status_code == 303
    page = one(desk, delivery)
    assert LINK in page
    assert "核实已在平台上" in page


def test_not_there_sends_it_again(desk: Desk, clock: StillClock) -> None:
    delivery = unknown(desk, clock)
    assert act(desk, delivery, "not-there").status_code == 303
    desk.run()
    assert len(desk.platform().arrived) == 2
    assert desk.now(delivery).state == "done"


def test_a_person_has_the_platform_asked_again(desk: Desk, clock: StillClock) -> None:
    delivery = unknown(desk, clock)
    assert act(desk, delivery, "ask-again").status_code == 422
    assert "ask-again" not in one(desk, delivery)
    assert "无法自动核实" in one(desk, delivery)
    with desk.hub.works.write() as work:
        work.session.merge(desk.now(delivery)).next_at = clock.now() + timedelta(hours=1)
    assert f"{delivery.id}/ask-again" in one(desk, delivery)
    assert "无法自动核实" not in one(desk, delivery)
    desk.platform().blind = False
    clock.step(minutes=2)
    assert act(desk, delivery, "ask-again").status_code == 303
    assert "再向平台核实" in one(desk, delivery)
    desk.run()
    assert desk.now(delivery).state == "done"


def test_waiting_for_the_platforms_administrator_is_shown_with_its_hour(desk: Desk, clock: StillClock) -> None:
    delivery = desk.booked(desk.release())
    with desk.hub.works.write() as work:
        row = work.session.get_one(Delivery, delivery.id)
        row.state, row.accepted_at, row.accepted_until = "accepted", work.now, work.now + timedelta(minutes=30)
    page = one(desk, delivery)
    assert 'data-state="awaiting_admin"' not in page
    assert "平台须在 2026-03-02 09:30 前给出结果" in page
    with desk.hub.works.write() as work:
        work.session.get_one(Delivery, delivery.id).action = "mass_send"
    page = one(desk, delivery)
    assert 'data-state="awaiting_admin"' in page
    assert "还剩 30 分钟：须在 2026-03-02 09:30 前确认" in page
    clock.step(minutes=28, seconds=30)
    assert "还剩 2 分钟" in one(desk, delivery)
    clock.step(minutes=5)
    assert "还剩" not in one(desk, delivery)


# --- by hand ---------------------------------------------------------------------------------------------------


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(buffer, "PNG")
    return buffer.getvalue()


def test_the_task_has_everything_ready_to_copy(desk: Desk, clock: StillClock) -> None:
    delivery = by_hand(desk, clock, title="关于停水的通知")
    page = desk.browser().get(f"/console/deliveries/{delivery.id}/by-hand").text
    assert 'data-copy="#title-1"' in page
    assert "关于停水的通知" in page
    assert 'src="data:image/svg+xml' not in page
    frame = desk.browser().get(f"/console/deliveries/{delivery.id}/items/1")
    assert "frame-ancestors 'self'" in frame.headers["content-security-policy"]
    assert desk.browser().get(f"/console/deliveries/{delivery.id}/items/2").status_code == 404


def test_it_is_closed_with_a_link(desk: Desk, clock: StillClock) -> None:
    delivery = by_hand(desk, clock)
    for url, field in (("", "url"), ("weibo.example", "url")):
        answer = act(desk, delivery, "by-hand", url=url)
        assert answer.status_code == 422
        assert f'id="{field}-error"' in answer.text
        assert f'value="{url}"' in answer.text
    assert act(desk, delivery, "by-hand", url=LINK).status_code == 303
    assert desk.now(delivery).state == "done"
    assert desk.browser().get(f"/console/deliveries/{delivery.id}/screenshot").status_code == 404


def test_it_is_closed_with_a_screenshot(desk: Desk, clock: StillClock) -> None:
    delivery = by_hand(desk, clock)
    browser, path = desk.browser(), f"/console/deliveries/{delivery.id}/by-hand"
    broken = browser.post(path, data={"csrf": browser.csrf}, files={"screenshot": ("a.png", b"not a picture")})
    assert broken.status_code == 422
    assert 'id="screenshot-error"' in broken.text
    files = {"screenshot": ("屏幕.png", picture())}
    answer = browser.post(path, data={"csrf": browser.csrf}, files=files, follow_redirects=False)
    assert answer.status_code == 303
    kept = browser.get(f"/console/deliveries/{delivery.id}/screenshot")
    assert kept.headers["content-type"] in ("image/png", "image/jpeg")
    assert Image.open(io.BytesIO(kept.content)).size == (40, 30)


def test_a_correction_by_hand_shows_old_and_new_words(desk: Desk, clock: StillClock) -> None:
    release = desk.release()
    desk.booked(release)
    desk.run()
    desk.city.save(release.piece_id, title="关于停气的通知")
    desk.city.sign_off(desk.city.submit(release.piece_id, targets=[target_of(desk.account())]).id)
    form = {"piece": release.piece_id, "act": "correct", "accounts": [desk.account().id]}
    desk.browser().send_form("/console/bookings/act", **form)
    correction = desk.deliveries()[-1]
    act(desk, correction, "take-over")
    page = desk.browser().get(f"/console/deliveries/{correction.id}/by-hand").text
    assert "<del>" in page
    assert "<ins>" in page
    act(desk, correction, "by-hand", url=LINK)
    (place,) = desk.placements(release.piece_id)
    assert (place.correction, place.url) == ("by_hand", LINK)
    assert "人工更正" in desk.browser().get(f"/console/placements?piece={release.piece_id}").text


# --- what each channel shows -----------------------------------------------------------------------------------


def test_every_channel_of_a_piece_with_its_version_and_its_pending_tasks(desk: Desk) -> None:
    release = desk.release("a", "b")
    desk.book(release, "a", "b")
    desk.dispatcher.run_lane(desk.account("a").id)
    page = desk.browser().get(f"/console/placements?piece={release.piece_id}").text
    assert page.count('data-state="live"') == 1
    assert "未完成的任务" in page
    assert "住建快讯 · 发布" in page
    desk.run()
    page = desk.browser().get(f"/console/placements?piece={release.piece_id}").text
    assert page.count('data-state="live"') == 2
    assert "act=withdraw" in page
    assert desk.browser("stranger").get(f"/console/placements?piece={release.piece_id}").status_code == 404
    assert "还没有发布到任何渠道" in desk.browser("stranger").get("/console/placements").text
    assert "act=withdraw" not in desk.browser("manager").get(f"/console/placements?piece={release.piece_id}").text


def test_all_placements_are_filtered_in_the_address(desk: Desk) -> None:
    desk.booked(desk.release(title="供热通知"))
    desk.run()
    browser = desk.browser()
    assert "供热通知" in browser.get("/console/placements?state=live&q=供热").text
    assert "供热通知" not in browser.get("/console/placements?state=withdrawn").text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_pages_draw_in_both_languages(desk: Desk, clock: StillClock, language: str) -> None:
    task, release = by_hand(desk, clock), desk.release("a", "b", title="另一则")
    browser = desk.browser()
    browser.send_form("/console/language", language=language)
    for path in (
        "/console/bookings",
        f"/console/bookings/new?piece={release.piece_id}",
        "/console/bookings/bundle",
        f"/console/bookings/bundle?account={desk.account().id}",
        f"/console/bookings/act?piece={release.piece_id}&act=refresh",
        "/console/calendar",
        "/console/deliveries",
        f"/console/deliveries/{task.id}",
        f"/console/deliveries/{task.id}/by-hand",
        "/console/placements",
    ):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        assert ("退出登录" in answer.text) == (language == "zh"), path


def test_who_only_reads_gets_no_way_to_act(desk: Desk) -> None:
    desk.city.grant("deputy", Role.REVIEWER)
    delivery = desk.booked(desk.release())
    assert act(desk, delivery, "cancel", "deputy", reason="不行").status_code == 403
    assert desk.browser("deputy").get("/console/bookings").status_code == 403


# --- the workbench ---------------------------------------------------------------------------------------------


def test_the_workbench_names_what_waits_for_a_person_and_what_is_late(desk: Desk, clock: StillClock) -> None:
    browser = desk.browser()
    assert "没有需要您处理的发布任务" in browser.get("/console").text
    failed(desk)
    late = desk.booked(desk.release(title="晚了的通知"))
    clock.step(minutes=5)
    desk.sweep()
    page = browser.get("/console").text
    part = page[page.index('id="outgoing"') :]
    part = part[: part.index("</section>")]
    assert part.index("晚了的通知") < part.index("内容不合规")
    assert f'href="/console/deliveries/{late.id}"' in part
    assert 'data-state="late"' in part
    assert "今日待发 1 件，已发 0 件" in part
    assert 'id="outgoing"' not in desk.browser("system_admin").get("/console").text
    assert "晚了的通知" not in desk.browser("stranger").get("/console").text


def test_what_a_platform_told_by_itself_stands_among_the_attempts_in_words(desk: Desk) -> None:
    delivery = desk.booked(desk.release())
    with desk.hub.works.write() as work:
        at = work.now
        work.session.add(
            Attempt(delivery_id=delivery.id, number=1, act="event", started_at=at, ended_at=at, outcome="live")
        )
    page = desk.browser().get(f"/console/deliveries/{delivery.id}").text
    assert "平台通知" in page
    assert ">event<" not in page


@pytest.mark.parametrize("address", ["/console/deliveries", "/console/placements", "/console/calendar"])
def test_accounts_of_one_name_are_told_apart_by_their_channels(desk: Desk, address: str) -> None:
    desk.booked(desk.release())
    desk.run()
    account = desk.account()
    assert f"{account.name}（{FakeChannel.label}）</option>" in desk.browser().get(address).text


# --- a platform that does not answer -----------------------------------------------------------------------------


def test_every_page_names_the_account_and_its_channel_that_does_not_answer(desk: Desk, clock: StillClock) -> None:
    delivery = desk.booked(desk.release())
    assert "平台没有响应" not in desk.browser().get("/console").text
    with desk.hub.works.write() as work:
        row = work.session.get_one(Delivery, delivery.id)
        row.attempts, row.next_at = 3, work.now + timedelta(minutes=1)
        for number in (1, 2, 3):
            at = work.now + timedelta(seconds=number)
            work.session.add(
                Attempt(delivery_id=row.id, number=number, act="send", started_at=at, ended_at=at, outcome="retryable")
            )
        name = work.session.get_one(Account, row.account_id).name
    clock.step(minutes=2)
    for address in ("/console", "/console/deliveries"):
        page = desk.browser().get(address).text
        assert "平台没有响应" in page
        assert f"{name}（" in page
        assert f'href="/console/deliveries?account={delivery.account_id}"' in page
