"""Access tokens: what replaces what, for how long, and each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal, WeChat, serving

GOOD = {"grant_type": "client_credential", "appid": APPID, "secret": SECRET}


def ordinary(rehearsal: Rehearsal, **changes: str) -> dict[str, Any]:
    query = {name: value for name, value in (GOOD | changes).items() if value}
    return rehearsal.http.get("/wechat/cgi-bin/token", params=query).json()


def stable(rehearsal: Rehearsal, **changes: Any) -> dict[str, Any]:
    return rehearsal.http.post("/wechat/cgi-bin/stable_token", json=GOOD | changes).json()


def works(wechat: WeChat, token: str) -> int:
    return wechat.raw("cgi-bin/draft/count", token=token).get("errcode", 0)


def test_a_token_lives_two_hours_and_carries_no_errcode(rehearsal: Rehearsal, wechat: WeChat) -> None:
    answer = ordinary(rehearsal)
    assert answer == {"access_token": answer["access_token"], "expires_in": 7200}
    rehearsal.step(7199)
    assert works(wechat, answer["access_token"]) == 0
    rehearsal.step(1)
    assert works(wechat, answer["access_token"]) == 42001


def test_a_new_ordinary_token_leaves_the_old_one_five_minutes(rehearsal: Rehearsal, wechat: WeChat) -> None:
    first, second = ordinary(rehearsal)["access_token"], ordinary(rehearsal)["access_token"]
    assert first != second
    rehearsal.step(298)
    assert works(wechat, first) == 0
    rehearsal.step(3)
    assert works(wechat, first) == 40001
    assert works(wechat, second) == 0


def test_stable_tokens_stay_the_same_until_five_minutes_before_the_end(rehearsal: Rehearsal) -> None:
    first = stable(rehearsal)
    assert first["expires_in"] == 7200
    rehearsal.step(6890)
    again = stable(rehearsal)
    assert again["access_token"] == first["access_token"]
    assert 300 <= again["expires_in"] <= 310
    rehearsal.step(20)
    assert stable(rehearsal)["access_token"] != first["access_token"]


def test_ordinary_and_stable_tokens_do_not_push_each_other_out(rehearsal: Rehearsal, wechat: WeChat) -> None:
    token = stable(rehearsal)["access_token"]
    ordinary(rehearsal)
    ordinary(rehearsal)
    rehearsal.step(1000)
    assert works(wechat, token) == 0


def test_a_forced_refresh_kills_the_old_token_at_once(rehearsal: Rehearsal, wechat: WeChat) -> None:
    old = stable(rehearsal)["access_token"]
    new = stable(rehearsal, force_refresh=True)["access_token"]
    assert (works(wechat, old), works(wechat, new)) == (40001, 0)
    assert stable(rehearsal)["access_token"] == new


def test_forced_refreshes_are_thirty_seconds_apart_and_twenty_a_day(rehearsal: Rehearsal) -> None:
    rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
    assert "errcode" not in stable(rehearsal, force_refresh=True)
    assert stable(rehearsal, force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        rehearsal.step(31)
        assert "errcode" not in stable(rehearsal, force_refresh=True)
    rehearsal.step(31)
    assert stable(rehearsal, force_refresh=True)["errcode"] == 45009
    rehearsal.step(24 * 3600)
    assert "errcode" not in stable(rehearsal, force_refresh=True)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"grant_type": "password"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx9999999999999999"}, 40013),
        ({"secret": "wrong"}, 40125),
    ],
)
def test_each_wrong_request_for_a_token_has_its_code(rehearsal: Rehearsal, changes: dict[str, str], code: int) -> None:
    assert ordinary(rehearsal, **changes)["errcode"] == code
    assert stable(rehearsal, **changes)["errcode"] == code


def test_tokens_are_asked_for_with_the_right_verb(rehearsal: Rehearsal) -> None:
    assert rehearsal.http.post("/wechat/cgi-bin/token", params=GOOD).json()["errcode"] == 43001
    assert rehearsal.http.get("/wechat/cgi-bin/stable_token", params=GOOD).json()["errcode"] == 43002


def test_an_address_outside_the_whitelist_gets_no_token(config: RehearsalConfig) -> None:
    config.wechat[0].ip_whitelist = ["203.0.113.9"]
    with serving(config) as rehearsal:
        assert ordinary(rehearsal)["errcode"] == 40164
        assert stable(rehearsal)["errcode"] == 40164


def test_the_ordinary_tokens_of_a_day_are_counted(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(tokens_per_day=2)
    with serving(config) as rehearsal:
        rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
        assert [ordinary(rehearsal).get("errcode") for _ in range(3)] == [None, None, 45009]


def test_stable_calls_are_counted_by_minute_and_day(config: RehearsalConfig) -> None:
    config.wechat_rules = WeChatRules(stable_per_minute=2, stable_per_day=3)
    with serving(config) as rehearsal:
        rehearsal.control("clock", to="2030-03-04T09:00:00+08:00")
        assert [stable(rehearsal).get("errcode") for _ in range(3)] == [None, None, 45011]
        rehearsal.step(121)
        assert [stable(rehearsal).get("errcode") for _ in range(2)] == [None, 45009]


@pytest.mark.parametrize(("token", "code"), [("", 41001), ("abc", 40014), ("88_" + "x" * 100, 40001)])
def test_a_call_without_a_proper_token_is_refused_with_http_200(wechat: WeChat, token: str, code: int) -> None:
    answer = wechat.raw("cgi-bin/draft/count", token=token)
    assert answer["errcode"] == code
    assert " rid: " in answer["errmsg"]
