"""The ledger's numbers and filters, the clock, and what outlives the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.rehearsal.clock import Clock
from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.ledger import Ledger
from tests.channels.rehearsal.served import APPID, SERVICE_APPID, Rehearsal, WeChat, serving


def test_lines_are_numbered_and_filtered(rehearsal: Rehearsal, wechat: WeChat) -> None:
    wechat.draft()
    lines = rehearsal.ledger()
    numbers = [line["seq"] for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + len(lines)))
    assert [line["seq"] for line in rehearsal.ledger(since=numbers[2])] == numbers[3:]
    assert {line["kind"] for line in rehearsal.ledger("draft,material")} == {"draft", "material"}
    assert rehearsal.ledger(account=SERVICE_APPID) == []
    assert rehearsal.ledger(platform="weibo") == []
    assert len(rehearsal.ledger(account=APPID, limit=2)) == 2


def test_a_half_written_last_line_is_dropped_and_numbers_go_on(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(Clock(), path)
    ledger.add("wechat", "a", "draft", n=1)
    with path.open("a") as file:
        file.write('{"seq": 2, "at":')
    again = Ledger(Clock(), path)
    assert again.add("wechat", "a", "draft", n=2).seq == 2


def test_everything_received_outlives_the_process(config: RehearsalConfig, tmp_path: Path) -> None:
    config.data = tmp_path / "data"
    with serving(config) as first:
        wechat = first.wechat()
        kept = wechat.draft(wechat.article(title="留在草稿箱"))
        wechat("freepublish/submit", media_id=wechat.draft())
        path = first.wait_for("publish")[0]["data"]["articles"][0]["path"]
        last = first.ledger()[-1]["seq"]
        first.step(500)
    with serving(config) as second:
        assert second.ledger("publish")[0]["data"]["articles"][0]["path"] == path
        assert second.http.get(path).status_code == 200
        wechat.rehearsal = second
        assert wechat("draft/get", media_id=kept)["news_item"][0]["title"] == "留在草稿箱"
        assert second.ledger(since=last)
        assert second.http.get("/control/clock").json()["offset"] == pytest.approx(500)


def test_reset_goes_back_to_the_beginning_and_the_numbers_go_on(rehearsal: Rehearsal, wechat: WeChat) -> None:
    wechat.draft()
    rehearsal.step(3600)
    rehearsal.control("faults", kind="cut_before", count=0)
    last = rehearsal.control("reset")["last"]
    assert rehearsal.ledger() == []
    answer = rehearsal.http.get("/ledger").json()
    assert (answer["cleared"], answer["last"]) == (last, last)
    assert wechat.raw("cgi-bin/draft/count")["errcode"] == 40001
    fresh = rehearsal.wechat()
    assert fresh.raw("cgi-bin/draft/count")["total_count"] == 0
    assert rehearsal.ledger()[0]["seq"] > last
    assert rehearsal.http.get("/control/clock").json()["offset"] == 0


def test_the_clock_is_stepped_set_and_put_right(rehearsal: Rehearsal) -> None:
    assert rehearsal.control("clock", to="2030-03-04T00:00:00+08:00")["now"].startswith("2030-03-04T00:00:0")
    assert rehearsal.control("clock", step=3600)["now"].startswith("2030-03-04T01:00:0")
    assert rehearsal.control("clock", right=True)["offset"] == 0


def test_days_begin_at_midnight_in_china() -> None:
    clock = Clock()
    assert clock.day(1_709_481_599) == "2024-03-03"
    assert clock.day(1_709_481_600) == "2024-03-04"
    assert clock.month(1_709_481_600) == "2024-03"


def test_accounts_are_opened_and_changed_at_run_time(rehearsal: Rehearsal) -> None:
    account = {"appid": "wx7", "secret": "s7", "name": "新号", "original_id": "gh_7", "type": "service"}
    assert rehearsal.http.post("/control/accounts/wechat", json=account | {"colour": "red"}).status_code == 422
    rehearsal.control("accounts/wechat", **account)
    wechat = rehearsal.wechat("wx7", "s7")
    wechat.draft()
    rehearsal.control("accounts/wechat", **account | {"certified": False})
    assert wechat.raw("cgi-bin/draft/count")["total_count"] == 1
    assert wechat.code("freepublish/submit", media_id="x") == 48001
    assert "新号" in [one["name"] for one in rehearsal.http.get("/control/accounts").json()["wechat"]]


def test_a_configuration_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rehearsal.json"
    path.write_text(RehearsalConfig.demo().model_dump_json(), encoding="utf-8")
    assert RehearsalConfig.load(path) == RehearsalConfig.demo()


def test_readers_are_counted_when_a_page_is_opened(rehearsal: Rehearsal, wechat: WeChat) -> None:
    wechat("freepublish/submit", media_id=wechat.draft())
    path = rehearsal.wait_for("publish")[0]["data"]["articles"][0]["path"]
    rehearsal.http.get(path, params={"reader": "a"})
    page = rehearsal.http.get(path, params={"reader": "b"})
    assert "阅读 2" in page.text
    assert [line["data"]["reader"] for line in rehearsal.ledger("read")] == ["a", "b"]
    page_id = path.rsplit("/", 1)[-1]
    assert rehearsal.control(f"wechat/{APPID}/pages/{page_id}", act="share", reader="a") == {"readings": 3}
    wrong = rehearsal.http.post(f"/control/wechat/{APPID}/pages/nothing", json={"reader": "a"})
    assert wrong.status_code == 404
    assert rehearsal.http.get("/wechat/s/nothing").status_code == 404
