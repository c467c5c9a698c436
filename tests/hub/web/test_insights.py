"""传播分析, 响应时间, 选题策划 and the manager's part of the workbench: figures, the rows behind them, decisions."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from analytics.metrics import METRICS
from bot.models import Conversation
from bot.team.models import MatterClass, Shift, Turn
from channels.registry import channels
from content.models import Piece, Release, Revision
from hub.auth import tokens
from hub.web.deliveries import channel_label
from kernel import kept
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.office_rules import set_rule
from kernel.people import Person
from tests.factories import TITLE
from tests.hub.web.reporting import Bureau, open_bureau


@pytest.fixture
def bureau(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Bureau]:
    with open_bureau(sqlite_url, tmp_path, clock) as bureau:
        yield bureau


@pytest.fixture
def read(bureau: Bureau) -> Release:
    """A piece on the portal and two platforms, of which one has told something."""
    release = bureau.publish("portal", "wechat", "weibo")
    bureau.read(release, "portal", 12)
    bureau.read(release, "wechat", 5)
    bureau.told(release, "wechat", reads=1830, shares=7)
    return release


def page(bureau: Bureau, path: str, login: str = "manager", status: int = 200) -> str:
    answer = bureau.desk_of(login).get(path, follow_redirects=False)
    assert answer.status_code == status, answer.text[-800:]
    return str(answer.text)


def cells(text: str) -> dict[str, str]:
    """The cells of the page by their label, as words; the last of a label wins."""
    found = re.findall(r'<td data-label="([^"]*)"[^>]*>(.*?)</td>', text, re.DOTALL)
    return {label: " ".join(re.sub(r"<[^>]+>", " ", inner).split()) for label, inner in found}


def links(text: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(r'href="([^"]*)"', text)]


def charts(text: str) -> list[dict[str, Any]]:
    """What is drawn, as the script reads it."""
    return [json.loads(html.unescape(found)) for found in re.findall(r"data-chart='([^']*)'", text)]


def sheets(answer: Any) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(io.BytesIO(answer.content))
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


# --- reach -----------------------------------------------------------------------------------------------------


def test_channels_stand_side_by_side_and_what_was_not_told_is_no_zero(bureau: Bureau, read: Release) -> None:
    text = page(bureau, "/console/reach")
    assert TITLE in text
    shown = cells(text)
    assert shown["门户网站"] == "17"
    assert shown["微信公众号"] == "1,830 带来访问 5"
    assert shown[channel_label("weibo")] == "—"
    assert "不相加" in text
    assert "1,847" not in text


def test_days_and_hours_are_drawn_with_the_table_beneath(bureau: Bureau, read: Release, clock: StillClock) -> None:
    clock.step(days=1, hours=2)
    bureau.read(read, "wechat", 4)
    text = page(bureau, "/console/reach?days=7")
    days, hours = charts(text)
    assert (days["kind"], days["labels"], days["series"][0]["values"]) == ("bar", ["03-02", "03-03"], [17, 4])
    assert [(one["name"], one["values"][9], one["values"][11]) for one in hours["series"]] == [
        ("门户网站", 12, 0),
        ("微信公众号", 5, 4),
    ]
    assert "/console/reach/reads?days=7&day=2026-03-03" in links(text)
    assert "/console/reach/reads?days=7&hour=11&from=wechat" in links(text)


def test_every_number_leads_to_the_rows_behind_it(bureau: Bureau, read: Release, clock: StillClock) -> None:
    clock.step(days=1)
    bureau.read(read, "wechat", 4)
    for path, expected in (
        (f"?piece={read.piece_id}", ["12", "5", "4"]),
        ("?days=7&day=2026-03-02", ["12", "5"]),
        ("?days=7&hour=9&from=wechat", ["5", "4"]),
        ("?days=7&hour=10", []),
        ("?hour=99", []),
        ("?from=nowhere", []),
    ):
        found = re.findall(r'data-label="打开次数"[^>]*>([^<]*)<', page(bureau, f"/console/reach/reads{path}"))
        assert sorted(found) == sorted(expected), path


def test_a_day_that_is_none_is_refused_beside_its_field(bureau: Bureau) -> None:
    assert "日期应写作" in page(bureau, "/console/reach/reads?day=yesterday", status=422)


def test_the_list_is_narrowed_by_time_column_and_unit(bureau: Bureau, read: Release, clock: StillClock) -> None:
    column = bureau.office.columns
    assert TITLE in page(bureau, f"/console/reach?column={column['notices'].id}")
    assert TITLE not in page(bureau, f"/console/reach?column={column['news'].id}")
    assert TITLE not in page(bureau, f"/console/reach?unit={bureau.office.other.id}")
    clock.step(days=7)
    assert TITLE not in page(bureau, "/console/reach?days=7", "officer")
    assert TITLE in page(bureau, "/console/reach", "officer")
    assert TITLE in page(bureau, "/console/reach?days=nonsense&page=9&sort=title", "officer")


def test_the_list_is_paged_in_its_address(bureau: Bureau) -> None:
    for number in range(21):
        bureau.publish("portal", title=f"第{number}号通知")
    assert "第0号通知" not in page(bureau, "/console/reach")
    assert "第0号通知" in page(bureau, "/console/reach?days=7&page=2")
    assert "/console/reach?days=7&sort=-published&page=2" in links(page(bureau, "/console/reach?days=7"))


def test_one_piece_has_every_figure_its_curve_and_its_tasks(bureau: Bureau, read: Release, clock: StillClock) -> None:
    clock.step(hours=3)
    bureau.read(read, "portal", 2)
    text = page(bureau, f"/console/reach/{read.piece_id}")
    (curve,) = charts(text)
    assert curve["labels"] == ["03-02 09:00", "03-02 10:00", "03-02 11:00", "03-02 12:00"]
    assert {one["name"]: one["values"] for one in curve["series"]} == {
        "门户网站": [12, 0, 0, 2],
        "微信公众号": [5, 0, 0, 0],
    }
    assert "分享 7" in text
    assert cells(text)["读数"] == "阅读次数 1,830 · 分享 7"
    assert {
        f"/console/deliveries?piece={read.piece_id}",
        f"/console/placements?piece={read.piece_id}",
        f"/console/reach/reads?piece={read.piece_id}",
        f"/console/reach/reads?piece={read.piece_id}&from=wechat",
        f"https://weibo.example/{read.piece_id}",
    } <= set(links(text))


def test_a_piece_without_openings_says_so(bureau: Bureau) -> None:
    release = bureau.publish("portal", "weibo")
    text = page(bureau, f"/console/reach/{release.piece_id}")
    assert "还没有记录到打开" in text
    assert charts(text) == []


def test_the_workbook_has_the_same_figures_and_no_formulas(bureau: Bureau, read: Release) -> None:
    bureau.publish("portal", title="=1+1")
    found = sheets(bureau.desk_of("manager").get("/console/reach/workbook?days=7"))
    heads, *rows = found["各渠道阅读"]
    by_channel = {row[3]: dict(zip(heads, row, strict=True)) for row in rows if row[1] == TITLE}
    assert by_channel["微信公众号"]["阅读次数"] == 1830
    assert by_channel["微信公众号"]["分享"] == 7
    assert by_channel["微信公众号"]["发布时间"].hour == 9
    assert by_channel[channel_label("weibo")]["阅读次数"] is None
    assert "=1+1" in {row[1] for row in rows}
    assert found["门户逐日"][1:] == [("2026-03-02", 17)]
    assert found["门户逐时"][10] == (9, 12, 5)


def test_other_units_and_other_roles_see_nothing_of_it(bureau: Bureau, read: Release) -> None:
    for path in ("/console/reach", "/console/reach/reads", "/console/reach/workbook"):
        assert TITLE.encode() not in bureau.desk_of("stranger").get(path).content
    assert charts(page(bureau, "/console/reach", "stranger")) == []
    page(bureau, f"/console/reach/{read.piece_id}", "stranger", 404)
    page(bureau, f"/console/reach/reads?piece={read.piece_id}", "stranger", 404)
    for path in ("/console/reach", "/console/response", "/console/plan"):
        page(bureau, path, "reviewer", 403)


# --- response --------------------------------------------------------------------------------------------------


@pytest.fixture
def spoken(bureau: Bureau) -> Bureau:
    """Answered after 4 and after 20 minutes, one by the bot alone, one waiting, one of another unit."""
    bureau.talk(handed_off=1, first_reply=5, closed=31, score=1)
    bureau.talk(handed_off=1, first_reply=21, closed=61, score=4)
    bureau.talk(closed=2)
    bureau.talk(handed_off=1)
    bureau.talk(unit="other", handed_off=1)
    return bureau


def stats(text: str) -> dict[str, str]:
    """The figures at the head of a page by their label."""
    found = re.findall(r'stat__label">([^<]*)</span>\s*<span class="stat__value">(.*?)</span>\n', text, re.DOTALL)
    return {label: re.sub(r"<[^>]+>", "", value) for label, value in found}


def test_response_times_stand_apart_from_the_bot(spoken: Bureau, clock: StillClock) -> None:
    clock.step(hours=2)
    text = page(spoken, "/console/response?days=7")
    assert stats(text) == {
        "转人工": "3件",
        "首次响应时间": "12.0分钟",
        "首次响应时间（90 分位）": "20.0分钟",
        "办结时间": "45.0分钟",
        "机器人独立解答率": "33.3%",
        "满意率": "50.0%",
        "等待答复": "1件",
    }
    assert "机器人应答的时间不计入" in text
    for name in ("first_response", "first_response_p90", "resolution", "bot_share", "satisfaction"):
        assert METRICS[name].formula in text
    handed, times = charts(text)
    assert (handed["labels"][-1], handed["series"][0]["values"][-1]) == ("03-02", 3)
    assert times["series"][0]["values"] == [*[None] * 6, 12.0]


@pytest.mark.parametrize("days", ["response", "response/parts"])
def test_a_desk_around_the_clock_is_measured_around_the_clock(bureau: Bureau, clock: StillClock, days: str) -> None:
    clock.step(days=5, hours=13)  # Saturday evening.
    bureau.talk(handed_off=1, first_reply=5, closed=31)
    clock.step(hours=2)
    assert "4.0" not in page(bureau, f"/console/{days}?days=7")
    with bureau.hub.works.write() as work:
        for name, value in (("desk.opens", "00:00"), ("desk.closes", "00:00"), ("desk.every_day", True)):
            set_rule(work, name, bureau.office.bureau.id, value)
    assert "4.0" in page(bureau, f"/console/{days}?days=7")


@pytest.mark.parametrize("days", ["response", "response/parts", "response/conversations"])
def test_a_planned_weekend_is_measured_by_its_shift(bureau: Bureau, clock: StillClock, days: str) -> None:
    clock.step(days=5, hours=13)  # Saturday evening.
    bureau.talk(handed_off=1, first_reply=5, closed=31)
    with bureau.hub.works.write() as work:
        unit, person, now = bureau.office.bureau.id, bureau.office.people["officer"].id, work.now
        shift = Shift(unit_id=unit, name="晚班", begins="21:00", ends="23:30")
        work.session.add(shift)
        work.session.flush()
        saturday = now.astimezone(bureau.hub.settings.office_zone).date()
        spell = {"starts_at": now - timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
        work.session.add(Turn(unit_id=unit, shift_id=shift.id, person_id=person, day=saturday, **spell))
    clock.step(hours=2)
    assert "4.0" in page(bureau, f"/console/{days}?days=7")


def test_figures_kept_for_a_moment_are_those_of_the_same_units_and_period(
    spoken: Bureau, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "CHEAP", 0.0)
    monkeypatch.setattr(kept, "TIMES", 10.0**6)
    monkeypatch.setattr(kept, "LONGEST", 3600.0)
    clock.step(hours=2)
    week = "/console/response?days=7"
    assert stats(page(spoken, week))["转人工"] == "3件"
    spoken.talk(handed_off=1)
    clock.step(minutes=5)
    assert stats(page(spoken, week))["转人工"] == "3件"  # Kept; what follows was never asked for.
    assert stats(page(spoken, "/console/response?days=30"))["转人工"] == "4件"
    assert stats(page(spoken, week, "stranger"))["转人工"] == "1件"


@pytest.mark.parametrize(
    ("show", "count"), [("", 4), ("handed", 3), ("waiting", 1), ("bot", 1), ("rated", 2), ("x", 4)]
)
def test_every_time_leads_to_its_conversations(spoken: Bureau, clock: StillClock, show: str, count: int) -> None:
    clock.step(hours=2)
    if show not in ("", "x"):
        assert any(f"show={show}" in href for href in links(page(spoken, "/console/response")))
    text = page(spoken, f"/console/response/conversations?show={show}")
    assert text.count('data-label="开始"') == count
    if show == "rated":
        assert cells(text)["首次响应"] in ("4.0", "20.0")


def test_a_day_leads_to_what_was_handed_over_on_it(spoken: Bureau, clock: StillClock) -> None:
    clock.step(hours=15)
    spoken.talk(handed_off=1)
    clock.step(minutes=5)
    for day, count in (("2026-03-02", 3), ("2026-03-03", 1)):
        href = f"/console/response/conversations?days=7&show=handed&day={day}"
        assert href in links(page(spoken, "/console/response?days=7", "officer"))
        assert page(spoken, href, "officer").count('data-label="开始"') == count
    page(spoken, "/console/response/conversations?day=now", "officer", 422)


def test_without_conversations_nothing_is_invented(bureau: Bureau) -> None:
    text = page(bureau, "/console/response")
    assert "这段时间没有会话" in text
    assert stats(text)["首次响应时间"] == "—"
    assert charts(text) == []


def test_response_times_can_be_taken_away(spoken: Bureau, clock: StillClock) -> None:
    clock.step(hours=2)
    found = sheets(spoken.desk_of("manager").get("/console/response/workbook?days=7"))
    figures = {row[0]: row[1] for row in found["指标"][1:]}
    assert (figures["首次响应时间"], figures["满意率"]) == (12, 50)
    assert found["逐日"][-1] == ("2026-03-02", 3, 2, 12)


def test_the_parts_are_the_same_on_the_page_and_in_the_workbook(spoken: Bureau, clock: StillClock) -> None:
    with spoken.hub.works.write() as work:
        boss = work.session.scalars(select(Person).where(Person.login == "manager")).one()
        top = MatterClass(unit_id=spoken.office.bureau.id, name="住房")
        work.session.add(top)
        work.session.flush()
        leaf = MatterClass(unit_id=spoken.office.bureau.id, name="公积金", parent_id=top.id)
        work.session.add(leaf)
        work.session.flush()
        rows = work.session.scalars(select(Conversation).order_by(Conversation.id)).all()
        rows[0].class_id, rows[1].class_id, rows[2].channel = leaf.id, top.id, "wechat"
        for row, reason, minutes in ((rows[0], "asked", 2), (rows[1], "failures", 8)):
            row.handoff_reason, row.agent_id, row.taken_at = reason, boss.id, row.opened_at + timedelta(minutes=minutes)
        agent = boss.name
    clock.step(hours=2)
    text = page(spoken, "/console/response/parts?days=7")
    found = sheets(spoken.desk_of("manager").get("/console/response/parts/workbook?days=7"))
    shown = [
        [re.sub(r"<[^>]+>|,", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr[^>]*>(.*?)</tr>", text, re.DOTALL)
    ]
    kept = [["—" if cell is None else str(cell) for cell in row] for sheet in found.values() for row in sheet[1:]]
    assert [[_plain(cell) for cell in row] for row in shown if row] == [[_plain(cell) for cell in row] for row in kept]
    assert found["坐席"][1:] == [(agent, 2, 2, 2, 4, 12, 45, 0)]
    assert {row[0]: row[1] for row in found["归口分类"][1:]} == {"住房": 2, "住房 / 公积金": 1}
    assert {row[0]: (row[1], row[7]) for row in found["渠道"][1:]} == {"门户网站": (3, 0), "微信公众号": (1, 100)}
    assert {row[0] for row in found["转人工原因"][1:]} == {"市民要求人工", "机器人答不上", "未记录"}


def _plain(cell: str) -> str:
    """A figure as both write it."""
    return f"{float(cell):g}" if re.fullmatch(r"\d+(\.\d+)?", cell) else cell


# --- plan ------------------------------------------------------------------------------------------------------


def test_advice_shows_its_reason_and_its_figures(bureau: Bureau, read: Release) -> None:
    bureau.read(read, "wechat", 40)
    bureau.advice()
    text = page(bureau, "/console/plan")
    assert "建议在 9–10 时 发布" in text
    (drawn,) = charts(text)
    assert (drawn["small"], drawn["series"][0]["values"][9]) == (True, 45)
    assert "还没有内容" in text
    only = page(bureau, "/console/plan?kind=best_hours")
    assert "还没有内容" not in only


def test_taking_advice_opens_the_editor_of_its_draft(bureau: Bureau) -> None:
    (silent,) = bureau.advice("silent_column", "工作动态")
    answer = bureau.desk_of("officer").send_form(f"/console/plan/{silent.id}/accept")
    kept = bureau.suggestion(silent.id)
    assert answer.headers["location"] == f"/console/pieces/{kept.piece_id}"
    assert "已采纳并建立草稿" in page(bureau, f"/console/pieces/{kept.piece_id}", "officer")
    with bureau.hub.works.read() as work:
        piece = work.session.get_one(Piece, kept.piece_id)
        assert piece.column_id == bureau.office.columns["news"].id
        assert work.session.get_one(Revision, piece.revision_id).number == 1
        acts = work.session.scalars(select(AuditLine.act)).all()
    assert "suggestion.accepted" in acts
    text = page(bureau, "/console/plan")
    assert "已采纳" in text
    assert f"/console/pieces/{kept.piece_id}" in links(text)
    again = bureau.desk_of("officer").send_form(f"/console/plan/{silent.id}/accept")
    assert again.status_code == 409


def test_advice_on_hours_is_noted_without_a_draft(bureau: Bureau, read: Release) -> None:
    bureau.read(read, "wechat", 40)
    (hours,) = bureau.advice("best_hours")
    answer = bureau.desk_of("manager").send_form(f"/console/plan/{hours.id}/accept")
    assert answer.headers["location"] == "/console/plan"
    assert bureau.suggestion(hours.id).piece_id is None


def test_advice_on_hours_opens_the_form_of_a_slot_for_whoever_keeps_slots(bureau: Bureau, read: Release) -> None:
    bureau.read(read, "wechat", 40)
    (hours,) = bureau.advice("best_hours")
    browser = bureau.desk_of("officer")
    answer = browser.send_form(f"/console/plan/{hours.id}/accept")
    assert answer.headers["location"].startswith("/console/slots?")
    form = browser.get(answer.headers["location"]).text
    assert 'value="09:00"' in form
    assert "09:00" in form[form.index('name="name"') :][:200]


def test_whoever_does_not_write_is_told_who_takes_it(bureau: Bureau) -> None:
    bureau.advice()
    text = page(bureau, "/console/plan")
    assert "由信息员采纳并撰稿" in text
    assert "采纳并撰稿</button>" not in text


def test_advice_is_not_taken_with_a_reason(bureau: Bureau) -> None:
    (silent,) = bureau.advice("silent_column", "工作动态")
    browser = bureau.desk_of("manager")
    refused = browser.send_form(f"/console/plan/{silent.id}/dismiss", reason="  ")
    assert refused.status_code == 422
    assert f'id="reason-{silent.id}-error"' in refused.text
    assert browser.send_form(f"/console/plan/{silent.id}/dismiss", reason="栏目即将合并").status_code == 303
    assert "栏目即将合并" in page(bureau, "/console/plan")
    assert bureau.advice("silent_column", "工作动态") == []


# --- the workbench ---------------------------------------------------------------------------------------------


def test_the_manager_sees_how_today_stands(spoken: Bureau, clock: StillClock) -> None:
    clock.step(hours=2)
    spoken.advice()
    text = page(spoken, "/console")
    shown = stats(text)
    assert shown["10 秒内发出"] == "—"
    assert shown["等待答复的会话"] == "1件"
    assert shown["静默栏目"] == "2个"
    for href in links(text):
        if href.startswith(("/console/deliveries?", "/console/response/", "/console/plan?")):
            page(spoken, href)
    assert "今日情况" not in page(spoken, "/console", "reviewer")


def test_the_pages_speak_english(spoken: Bureau, read: Release, clock: StillClock) -> None:
    clock.step(hours=2)
    spoken.read(read, "wechat", 40)
    spoken.advice()
    browser = spoken.desk_of("manager")
    browser.send_form("/console/language", language="en")
    seen = []
    for path in ("reach", f"reach/{read.piece_id}", "reach/reads", "response", "response/conversations", "plan"):
        text = page(spoken, f"/console/{path}")
        seen += re.findall(r"<th[^>]*>\s*([^<]*?)\s*<", text)
        seen += [one["label"] for one in charts(text)]
    names = {adapter.label for adapter in channels().values()}
    assert {words for words in seen if re.search(r"[\u4e00-\u9fff]", words)} <= names


# --- the API ---------------------------------------------------------------------------------------------------


def ask(bureau: Bureau, login: str, method: str, path: str, **sent: Any) -> Any:
    with bureau.hub.works.write() as work:
        _token, text = tokens.create(work, bureau.office.person(login), "probe")
    return bureau.browser().request(method, f"/api/v1{path}", headers={"Authorization": f"Bearer {text}"}, **sent)


def test_programs_read_reach(bureau: Bureau, read: Release) -> None:
    found = ask(bureau, "manager", "GET", "/reach?days=7").json()
    assert (found["total"], found["portal_by_day"]) == (1, {"2026-03-02": 17})
    assert found["portal_by_hour"] == {"portal": {"9": 12}, "wechat": {"9": 5}}
    one = ask(bureau, "manager", "GET", f"/reach/{read.piece_id}").json()
    assert [(channel["channel"], channel["reads"]) for channel in one["channels"]] == [
        ("portal", 17),
        ("wechat", 1830),
        ("weibo", None),
    ]
    assert ask(bureau, "stranger", "GET", "/reach").json()["pieces"] == []
    assert ask(bureau, "stranger", "GET", f"/reach/{read.piece_id}").status_code == 404
    assert ask(bureau, "reviewer", "GET", "/reach").status_code == 403


def test_programs_read_response_times(spoken: Bureau, clock: StillClock) -> None:
    clock.step(hours=2)
    found = ask(spoken, "manager", "GET", "/response?days=7").json()
    assert (found["handed_off"], found["first_response_minutes"], found["waiting"]) == (3, 12, 1)
    assert len(found["by_day"]) == 7


def test_programs_decide_on_advice(bureau: Bureau) -> None:
    first, second = bureau.advice("silent_column")
    listed = ask(bureau, "officer", "GET", "/plan").json()
    columns = [one["id"] for one in listed["advice"] if one["kind"] == "silent_column"]
    assert columns == [first.id, second.id]
    accepted = ask(bureau, "officer", "POST", f"/plan/{first.id}/accept").json()
    assert accepted["state"] == "accepted"
    assert accepted["piece"]
    assert ask(bureau, "officer", "POST", f"/plan/{second.id}/dismiss", json={"reason": ""}).status_code == 422
    dismissed = ask(bureau, "officer", "POST", f"/plan/{second.id}/dismiss", json={"reason": "改版"}).json()
    assert (dismissed["state"], dismissed["remark"]) == ("dismissed", "改版")
    assert ask(bureau, "officer", "GET", "/plan?state=dismissed").json()["total"] == 1
