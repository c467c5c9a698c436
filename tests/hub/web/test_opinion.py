"""舆情 through the web: a clue is judged, answered by a piece, rebutted on the portal and by the bot, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bot import knowledge
from bot.models import Ticket
from content.models import Piece, Release
from content.rebuttals import Rebuttal
from content.snapshot import Target
from hub import opinion
from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Role
from scheduler.opinion.models import OpinionCase
from tests.hub.web.going_out import Desk, open_desk
from tests.hub.web.test_api_deliveries import Program

BASE = "/console/opinion"
CLUE = {
    "title": "网传本市停水三天",
    "source": "本地论坛",
    "words": "听说要停水三天，是真的吗",
    "url": "https://bbs.example/1",
}


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """The office with its manager."""
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        desk.city.grant("signer", Role.MANAGER)
        yield desk


def rows(desk: Desk, model: Any) -> list[Any]:
    """All of a table."""
    with desk.hub.works.read() as work:
        return list(work.session.scalars(select(model).order_by(model.id)))


def told(desk: Desk, person: str) -> list[str]:
    """The kinds of notices a person was told of public opinion, in order."""
    number = desk.city.people[person].id
    return [row.kind for row in rows(desk, Notice) if row.person_id == number and row.kind.startswith("opinion.")]


def reported(desk: Desk, **words: str) -> str:
    """A clue by an officer; the case's address."""
    answer = desk.browser("officer").send_form(f"{BASE}/new", **{**CLUE, "unit": str(desk.city.bureau.id), **words})
    assert answer.status_code == 303, answer.text
    address: str = answer.headers["location"]
    return address


def test_a_clue_is_judged_answered_and_closed_by_what_goes_live(desk: Desk, clock: StillClock) -> None:
    case, signer, author = reported(desk), desk.browser("signer"), desk.browser("author")
    assert told(desk, "signer") == ["opinion.reported"]
    assert "网传本市停水三天" in signer.get("/console").text
    page = signer.get(case).text
    assert "尚未研判，按最严的时限计。" in page
    assert "首次发声" in page
    assert desk.browser("stranger").get(case).status_code == 404
    assert "网传本市停水三天" not in desk.browser("stranger").get(BASE).text
    refused = signer.send_form(f"{case}/judge", grade="IV", responds="no", reason="")
    assert refused.status_code == 422
    assert "不予回应须写明理由。" in refused.text
    assert desk.browser("officer").send_form(f"{case}/judge", grade="IV", responds="yes").status_code == 403
    assert signer.send_form(f"{case}/judge", grade="IV", responds="yes", reason="须澄清").status_code == 303
    assert told(desk, "author") == ["opinion.judged"]
    made = author.send_form(f"{case}/draft", column=str(desk.city.columns["notices"].id))
    piece = rows(desk, Piece)[-1]
    assert made.headers["location"] == f"/console/pieces/{piece.id}"
    assert piece.title == "关于“网传本市停水三天”的情况说明"
    publish(desk, piece.id)
    (row,) = rows(desk, OpinionCase)
    assert (row.state, row.first_at) == ("answered", clock.now())
    assert "已回应" in signer.get(f"{BASE}?state=answered&grade=IV&q=停水").text
    assert "没有符合条件的结果" in signer.get(f"{BASE}?state=overdue").text
    assert signer.send_form(f"{case}/close", result="已平息").status_code == 303
    assert "已平息" in signer.get(case).text
    figures = signer.get(f"{BASE}/figures").text
    assert "舆情按期回应率" in figures
    assert "100" in signer.get("/console").text
    assert signer.get(f"{BASE}/figures/workbook?days=7").headers["content-type"].endswith("sheet")


def publish(desk: Desk, piece_id: int) -> None:
    """Words, signatures, dispatch, and everything that hears of it."""
    desk.city.save(piece_id, title="停水三天系谣言", body="<p>自来水公司表示，近期没有停水三天的计划。</p>")
    account = desk.account()
    target = Target(account.id, account.name, account.channel, "text", "publish")
    release = desk.city.sign_off(desk.city.submit(piece_id, targets=[target]).id)
    desk.book(release)
    desk.run()


def test_clocks_are_told_before_and_after(desk: Desk, clock: StillClock) -> None:
    case = reported(desk)
    opinion.remind(desk.hub)
    assert told(desk, "signer") == ["opinion.reported"]
    clock.step(hours=4, minutes=30)
    for _ in range(2):
        opinion.remind(desk.hub)
    assert told(desk, "signer") == ["opinion.reported", "opinion.due"]
    clock.step(hours=1)
    for _ in range(2):
        opinion.remind(desk.hub)
    assert told(desk, "signer") == ["opinion.reported", "opinion.due", "opinion.overdue"]
    signer = desk.browser("signer")
    assert "已超时限" in signer.get(f"{BASE}?state=overdue").text
    signer.send_form(f"{case}/judge", grade="IV", responds="no", reason="不实且无影响")
    clock.step(days=1)
    opinion.remind(desk.hub)
    assert len(told(desk, "signer")) == 3, "nothing is owed any more"


def test_a_rebuttal_is_pinned_and_given_by_the_bot_while_it_holds(desk: Desk) -> None:
    case, signer = reported(desk), desk.browser("signer")
    signer.send_form(f"{case}/judge", grade="IV", responds="yes")
    release = desk.release(title="停水三天系谣言", body="<p>近期没有停水三天的计划。</p>")
    author = desk.browser("author")
    assert author.send_form(f"{case}/link", piece=str(release.piece_id)).status_code == 303
    words = {"rebuts": str(release.piece_id), "claim": "本市停水三天", "asks": "真的要停水三天吗\n停水三天是真的吗"}
    assert author.send_form(f"{case}/rebut", **words).status_code == 403, "pinning is a signer's decision"
    short = signer.send_form(f"{case}/rebut", **{**words, "asks": "停水"})
    assert short.status_code == 422
    assert "太短会误答其他问题" in short.text
    long = signer.send_form(f"{case}/rebut", **words, answers_url="https://x.example/" + "a" * 1000)
    assert long.status_code == 422
    assert "被澄清内容的链接不超过 1000 个字符" in long.text
    assert signer.send_form(f"{case}/rebut", **words).status_code == 303
    state = desk.hub.settings.site_folder / "site-state.css"
    asked = "请问一下，真的要停水三天吗？"
    assert rebutted(desk, asked) is None, "it is not public yet"
    desk.book(release)
    desk.run()
    assert rebutted(desk, asked) == release.piece_id
    assert rebutted(desk, "停水通知在哪里看") is None
    assert rebutted(desk, "身份证怎么补办") is None
    assert "辟谣" in state.read_text("utf-8")
    (row,) = rows(desk, Rebuttal)
    assert "置顶中" in signer.get(case).text
    assert "正在辟谣" in signer.get(BASE).text
    assert signer.send_form(f"{case}/rebuttals/{row.id}/end").status_code == 303
    assert "辟谣" not in state.read_text("utf-8")
    assert rebutted(desk, asked) is None
    assert signer.send_form(f"{case}/rebuttals/{row.id}/end").status_code == 409


def rebutted(desk: Desk, text: str) -> int | None:
    """The piece the bot would answer a question with."""
    with desk.hub.works.read() as work:
        return knowledge.rebuttal_to(work.session, text, work.now)


def test_a_clue_is_filled_from_what_a_citizen_wrote(desk: Desk) -> None:
    desk.city.grant("officer", Role.AGENT)
    with desk.hub.works.write() as work:
        times = {"created_at": work.now, "due_at": work.now}
        ticket = Ticket(unit_id=desk.city.bureau.id, number="T1", kind="咨询", text="听说要停水三天", **times)
        work.session.add(ticket)
    officer = desk.browser("officer")
    page = officer.get(f"{BASE}/new?ticket={ticket.id}").text
    assert "工单 T1" in page
    assert "听说要停水三天" in page
    assert officer.get(f"{BASE}/new?ticket=999").status_code == 404
    assert desk.browser("stranger").get(f"{BASE}/new?ticket={ticket.id}").status_code == 404
    case = reported(desk, origin=f"ticket:{ticket.id}")
    assert f"/console/tickets/{ticket.id}" in officer.get(case).text
    wrong = officer.send_form(f"{BASE}/new", **{**CLUE, "title": "", "unit": str(desk.city.bureau.id)})
    assert wrong.status_code == 422
    assert "听说要停水三天，是真的吗" in wrong.text
    elsewhere = officer.send_form(f"{BASE}/new", **{**CLUE, "unit": str(desk.city.other.id)})
    assert elsewhere.status_code == 404


def test_said_by_another_way_and_in_english(desk: Desk, clock: StillClock) -> None:
    case, signer, author = reported(desk), desk.browser("signer"), desk.browser("author")
    signer.send_form(f"{case}/judge", grade="I", responds="yes")
    clock.step(minutes=5)
    assert author.send_form(f"{case}/said", words="发布会", url="ftp://x").status_code == 422
    assert author.send_form(f"{case}/said", words="发布会", press="1").status_code == 303
    assert rows(desk, OpinionCase)[0].state == "answered"
    assert author.send_form(f"{case}/remark", text="").status_code == 422
    assert author.send_form(f"{case}/remark", text="评论趋于平稳").status_code == 303
    assert "评论趋于平稳" in author.get(case).text
    signer.send_form("/console/language", language="en")
    for path in (BASE, case, f"{BASE}/new", f"{BASE}/figures", "/console"):
        assert signer.get(path).status_code == 200
    assert rows(desk, Release) == []


def test_programs_report_judge_answer_and_close(desk: Desk) -> None:
    officer, signer, author = Program(desk, "officer"), Program(desk, "signer"), Program(desk, "author")
    made = officer.post("/opinion", unit=desk.city.bureau.id, **CLUE)
    assert made.status_code == 201, made.text
    case = made.json()
    assert (case["state"], [one["name"] for one in case["clocks"]]) == ("clue", ["first", "reply"])
    path = f"/opinion/{case['id']}"
    assert officer.post(f"{path}/judge", grade="IV", responds=True).status_code == 403
    refused = signer.post(f"{path}/judge", grade="IV", responds=False)
    assert (refused.status_code, refused.json()["field"]) == (422, "reason")
    assert signer.post(f"{path}/judge", grade="IV", responds=True, reason="须澄清").json()["state"] == "open"
    drafted = author.post(f"{path}/draft", column=desk.city.columns["notices"].id).json()
    assert drafted["responses"][0]["piece"] == rows(desk, Piece)[-1].id
    wrong = author.post(f"{path}/link", piece=10**6)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "piece")
    said = author.post(f"{path}/said", words="接受采访", url="https://tv.example/1").json()
    assert said["state"] == "answered"
    assert signer.post(f"{path}/close", result="已平息").json()["state"] == "closed"
    assert [one["act"] for one in officer.get(path).json()["steps"]][-1] == "reported"
    assert officer.get("/opinion?state=closed").json()["total"] == 1
    assert Program(desk, "stranger").get(path).status_code == 404
