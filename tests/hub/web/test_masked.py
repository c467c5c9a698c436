"""No list, export, log line or audit line shows a citizen's telephone or identity number; no export shows his name."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.routing import iter_route_contexts
from openpyxl import load_workbook

from bot import gateway, tickets
from bot.comments.models import Comment, CommentThread
from bot.gateway import Arrival
from bot.models import Conversation
from bot.states import ConversationState
from content import search_misses
from hub.auth import tokens
from hub.log import configure
from kernel.clock import StillClock
from kernel.people import Role
from tests.bot.citizens import wechat_account
from tests.hub.web.newsroom import Newsroom, open_newsroom
from tests.scanning import places

PHONE, IDENTITY, NAME = "13812345678", "11010519491231002X", "欧阳小明"
WORDS = f"我是{NAME}，电话{PHONE}，身份证{IDENTITY}，家住幸福街道和平路3号"
# What is no list: it streams for ever, or hands one file over that is somebody's own.
NOT_WALKED = ("/console/events", "/console/desk/events", "/console/live")


@pytest.fixture
def room(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Newsroom]:
    with open_newsroom(sqlite_url, tmp_path, clock) as room:
        for role in Role:
            room.office.grant("manager", role, room.office.city, below=True)
        piece_id = room.office.piece().id
        with room.hub.works.write() as work:
            unit = room.office.city.id
            account = wechat_account(work, room.hub.seal, unit)
            arrival = Arrival(gateway.origin_of(account.id), "m1", "openid", "text", WORDS, work.now)
            talk = work.session.get_one(Conversation, gateway.receive(work, account, arrival).conversation_id)
            talk.state, talk.waiting_since, talk.name = ConversationState.WAITING, work.now, f"{NAME} {PHONE}"
            zone = room.hub.settings.office_zone
            tickets.make(work, unit_id=unit, kind="投诉", text=WORDS, name=NAME, contact=PHONE, zone=zone)
            thread = CommentThread(
                unit_id=unit, account_id=account.id, piece_id=piece_id, title="通知", live_at=work.now
            )
            work.session.add(thread)
            work.session.flush()
            comment = Comment(unit_id=unit, thread_id=thread.id, account_id=account.id, remote_id="1", text=WORDS)
            comment.name, comment.at, comment.heard_at, comment.due_at = PHONE, work.now, work.now, work.now
            work.session.add(comment)
            search_misses.record_miss(work, WORDS)
            work.audit("probe.done", talk, words=WORDS)
        yield room


def lists(room: Newsroom) -> Iterator[str]:
    """Every address of the console without an object in it."""
    for context in iter_route_contexts(room.app.routes):
        route: Any = context.original_route
        path = str(context.path)
        if path.startswith("/console") and "{" not in path and "GET" in (getattr(route, "methods", None) or ()):
            yield path


def test_no_list_and_no_export_of_the_console_shows_a_number(room: Newsroom) -> None:
    browser = room.desk_of("manager")
    walked = 0
    for path in lists(room):
        if path in NOT_WALKED or "events" in path:
            continue
        answer = browser.get(path)
        shown = answer.text
        if "spreadsheet" in answer.headers.get("content-type", ""):
            shown = _cells(answer.content)
        walked += answer.status_code == 200
        assert PHONE not in shown, path
        assert IDENTITY not in shown, path
        if "export" in path or "workbook" in path:
            assert NAME not in shown.replace(WORDS[:6], ""), path
    assert walked > 50


def _cells(data: bytes) -> str:
    sheets = load_workbook(io.BytesIO(data), read_only=True).worksheets
    return " ".join(str(cell) for sheet in sheets for row in sheet.iter_rows(values_only=True) for cell in row)


def test_lists_of_the_interface_are_masked_and_a_single_thing_is_whole(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        _token, text = tokens.create(work, room.office.person("manager"), "probe")
    headers = {"Authorization": f"Bearer {text}"}
    browser = room.browser()
    for path in ("/api/v1/tickets", "/api/v1/conversations", "/api/v1/comments"):
        answer = browser.get(path, headers=headers)
        assert answer.status_code == 200
        assert "138****5678" in answer.text, path
        assert PHONE not in answer.text, path
        assert IDENTITY not in answer.text, path
    assert PHONE in browser.get("/api/v1/tickets/1", headers=headers).text


def test_the_export_keeps_to_the_filters_of_the_list(room: Newsroom) -> None:
    with room.hub.works.write() as work:
        unit, zone = room.office.city.id, room.hub.settings.office_zone
        tickets.make(work, unit_id=unit, kind="建议", text="增设公交站", zone=zone)
    browser = room.desk_of("manager")
    assert "/console/tickets/export?kind=%E5%BB%BA%E8%AE%AE" in browser.get("/console/tickets?kind=建议").text
    taken = browser.get("/console/tickets/export?kind=建议&form=csv").text
    assert "增设公交站" in taken
    assert "138****5678" not in taken
    assert "138****5678" in browser.get("/console/tickets/export?form=csv").text
    assert "增设公交站" not in browser.get("/console/tickets/export?q=没有这样的事&form=csv").text


def test_the_audit_log_is_masked_when_it_is_written(room: Newsroom) -> None:
    assert not {place for place in places(room.hub.engine, PHONE, IDENTITY) if place.startswith("audit_line")}
    assert "audit_line.details" in places(room.hub.engine, "138****5678")


@pytest.mark.parametrize("as_json", [True, False])
def test_the_log_is_masked(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure(as_json=as_json)
    log = structlog.get_logger("probe")
    try:
        raise ValueError(f"短信发往 {PHONE} 失败")
    except ValueError:
        log.exception("sending failed", to=PHONE, about={"who": IDENTITY}, digest=f"a{PHONE}b")
    told = capsys.readouterr().err
    configure(as_json=False)
    assert "138****5678" in told
    assert f" {PHONE}" not in told
    assert IDENTITY not in told
    assert f"a{PHONE}b" in told  # A digest is no telephone.
    logging.getLogger("probe").handlers.clear()
