"""Doors that change accounts and rules while a drill runs."""

from __future__ import annotations

import pytest

from tests.channels.rehearsal.served import APPID, Rehearsal, WeChat


def test_an_account_is_changed_while_it_runs(rehearsal: Rehearsal, wechat: WeChat) -> None:
    rehearsal.control(f"wechat/{APPID}/settings", certified=False)
    assert wechat.code("freepublish/submit", media_id="x") == 48001
    rehearsal.control(f"wechat/{APPID}/settings", certified=True, publish_result=3)
    wechat("freepublish/submit", media_id=wechat.draft())
    assert rehearsal.wait_for("publish_failed")[0]["data"]["status"] == 3


@pytest.mark.parametrize("changes", [{"colour": "red"}, {"type": "shop"}, {"appid": "wx-other"}])
def test_a_wrong_change_is_refused(rehearsal: Rehearsal, changes: dict[str, str]) -> None:
    assert rehearsal.http.post(f"/control/wechat/{APPID}/settings", json=changes).status_code == 422


def test_rules_are_changed_while_it_runs(rehearsal: Rehearsal, wechat: WeChat) -> None:
    assert rehearsal.http.get("/control/rules").json()["wechat"]["author_units"] == 16
    rehearsal.control("rules/wechat", author_units=32)
    assert wechat.code("draft/add", articles=[wechat.article(author="云" * 16)]) == 0
    assert wechat.code("draft/add", articles=[wechat.article(author="云" * 17)]) == 45110
    rehearsal.control("rules/weibo", characters=10)
    assert rehearsal.http.post("/control/rules/weibo", json={"colour": 1}).status_code == 422
    assert rehearsal.http.post("/control/rules/telegram", json={}).status_code == 404


@pytest.mark.parametrize("status", [5, 6])
def test_a_publication_ends_without_the_interface(rehearsal: Rehearsal, wechat: WeChat, status: int) -> None:
    publish_id = wechat("freepublish/submit", media_id=wechat.draft())["publish_id"]
    path = rehearsal.wait_for("publish")[0]["data"]["articles"][0]["path"]
    rehearsal.control(f"wechat/{APPID}/publications/{publish_id}", status=status)
    assert wechat("freepublish/get", publish_id=publish_id)["publish_status"] == status
    assert "已被发布者删除" in rehearsal.http.get(path).text
    missing = rehearsal.http.post(f"/control/wechat/{APPID}/publications/1", json={"status": 5})
    assert missing.status_code == 404
