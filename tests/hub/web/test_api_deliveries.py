"""The API of the way out: what the console can do, a program can do with its person's token and no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.auth import tokens
from hub.web.booking_form import PHRASES
from kernel.clock import StillClock
from kernel.people import Permission
from scheduler.models import Delivery
from tests.factories import target_of
from tests.hub.web.going_out import Desk, open_desk

LINK = "https://weibo.example/7001"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


class Program:
    """A program with a token of somebody's."""

    def __init__(self, desk: Desk, login: str = "officer", permissions: list[Permission] | None = None) -> None:
        with desk.hub.works.write() as work:
            _row, text = tokens.create(work, desk.city.person(login), f"for {login}", permissions=permissions)
        self.browser = desk.office.browser()
        self.headers = {"Authorization": f"Bearer {text}"}

    def get(self, path: str, **query: Any) -> Any:
        return self.browser.get(f"/api/v1{path}", params=query, headers=self.headers)

    def put(self, path: str, **body: Any) -> Any:
        return self.browser.put(f"/api/v1{path}", json=body, headers=self.headers)

    def post(self, path: str, **body: Any) -> Any:
        return self.browser.post(f"/api/v1{path}", json=body, headers=self.headers)


@pytest.fixture
def program(desk: Desk) -> Program:
    return Program(desk)


def booked(desk: Desk, program: Program, **more: Any) -> Any:
    """A delivery booked through the API."""
    release = desk.release()
    answer = program.post("/deliveries", pieces=[release.piece_id], account=desk.account().id, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_an_accounts_settings_are_told_and_changed_without_its_secrets(desk: Desk) -> None:
    program = Program(desk, "system_admin")
    sent = {"channel": "wechat", "code": "yz", "name": "云州发布", "unit": desk.city.bureau.id}
    made = program.post("/accounts", **sent, settings={"type": "service", "credits": ["审核=李四"]})
    assert made.status_code == 201, made.text
    told = made.json()
    assert told["settings"] == {"type": "service", "credits": ["审核=李四"]}
    assert {one["name"]: one["filled"] for one in told["secrets"]}["secret"] is False
    fields = {one["name"]: one for one in told["fields"]}
    assert (fields["title_units"]["least"], fields["title_units"]["most"], "secret" in fields) == (2, 64, False)
    change = {"settings": {"type": None, "open_comments": True}, "dates": {"expires_on": "2026-12-31"}}
    now = program.put(f"/accounts/{told['id']}/settings", **change, register={"site_code": "3700000071"}).json()
    assert now["settings"] == {"credits": ["审核=李四"], "open_comments": True}
    assert (now["name"], now["dates"]["expires_on"], now["register"]["site_code"]) == (
        "云州发布", "2026-12-31", "3700000071",
    )  # fmt: skip
    assert program.get(f"/accounts/{told['id']}/settings").json() == now


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"settings": {"secret": "s"}}, "settings.secret"),
        ({"settings": {"proxy_password": "s"}}, "settings.proxy_password"),
        ({"settings": {"nothing": 1}}, "settings.nothing"),
        ({"settings": {"title_units": 65}}, "settings.title_units"),
        ({"settings": {"open_comments": "maybe"}}, "settings.open_comments"),
        ({"settings": {"closing": "一\n二"}}, "settings.closing"),
        ({"register": {"site_code": "1"}}, "register.site_code"),
        ({"limits": {"mass_send.day": 2}}, "limits.mass_send.day"),
        ({"limits": {"push.day": 1}}, "limits.push.day"),
        ({"dates": {"born_on": "2026-01-01"}}, "born_on"),
        ({"dates": {"expires_on": "9999-12-31"}}, "dates.expires_on"),
        ({"unit": 99}, "unit"),
    ],
)
def test_what_does_not_fit_an_account_is_named_and_nothing_changes(
    desk: Desk, change: dict[str, Any], field: str
) -> None:
    program, account = Program(desk, "system_admin"), desk.account("bureau-wechat")
    before = program.get(f"/accounts/{account.id}/settings").json()
    answer = program.put(f"/accounts/{account.id}/settings", **change, name="别名")
    assert (answer.status_code in (404, 422), answer.json()["field"]) == (True, field), answer.text
    assert program.get(f"/accounts/{account.id}/settings").json() == before
    assert Program(desk).put(f"/accounts/{account.id}/settings", name="别名").status_code == 403


def test_accounts_are_listed_with_health_and_without_secrets(desk: Desk, program: Program) -> None:
    listed = program.get("/accounts").json()["accounts"]
    assert {"a", "b", "bureau-wechat"} <= {row["code"] for row in listed}
    assert "water-weibo" not in {row["code"] for row in listed}
    wechat = next(row for row in listed if row["code"] == "bureau-wechat")
    assert wechat["quotas"][0] == {"name": "mass_send", "period": "day", "left": 1, "limit": 1}
    one = program.get(f"/accounts/{desk.account().id}").json()
    assert one["healthy"] is True
    assert "credentials" not in one
    assert program.get(f"/accounts/{desk.account('water-weibo').id}").status_code == 404


def test_preflight_says_what_would_not_fit_and_books_nothing(desk: Desk, program: Program) -> None:
    fits = desk.release()
    answer = program.post("/preflight", pieces=[fits.piece_id], account=desk.account().id).json()
    assert answer == {"fits": True, "problems": [], "slot": None}
    long = desk.release(title="长" * 101)
    answer = program.post("/preflight", pieces=[long.piece_id], account=desk.account().id).json()
    assert answer["fits"] is False
    assert answer["problems"][0]["field"] == "title"
    assert desk.deliveries() == []


def test_a_booked_delivery_goes_out_and_tells_every_attempt(desk: Desk, program: Program, clock: StillClock) -> None:
    desk.platform().script.append("retryable")
    made = booked(desk, program, at="2026-03-02T10:00:00+08:00")
    assert (made["state"], made["scheduled_at"]) == ("booked", "2026-03-02T02:00:00+00:00")
    clock.step(hours=1)
    desk.run()
    clock.step(seconds=30)
    desk.run()
    told = program.get(f"/deliveries/{made['id']}").json()
    assert told["state"] == "done"
    assert [(one["act"], one["outcome"]) for one in told["history"]] == [("send", "retryable"), ("send", "live")]
    piece = told["items"][0]["piece"]
    (place,) = program.get(f"/pieces/{piece}/placements").json()["placements"]
    assert (place["state"], place["delivery"], place["url"][:7]) == ("live", made["id"], "fake://")


def test_the_same_is_not_booked_twice_unless_asked_for(desk: Desk, program: Program) -> None:
    made = booked(desk, program)
    body = {"pieces": [made["items"][0]["piece"]], "account": desk.account().id}
    again = program.post("/deliveries", **body)
    assert again.status_code == 409
    assert again.json()["error"] == "AlreadyBooked"
    desk.run()
    shown = program.post("/deliveries", **body)
    assert (shown.status_code, shown.json()["error"]) == (409, "AlreadyShown")
    assert program.post("/deliveries", **body, again=True).json()["occurrence"] == 2


@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"action": "mass_send"}, 422, "action"),
        ({"account": 999}, 404, "account"),
        ({"pieces": []}, 422, "pieces"),
        ({"at": "2026-03-02T10:00:00"}, 422, "at"),
        ({"missed_after": 0}, 422, "missed_after"),
    ],
)
def test_a_refusal_names_its_field(
    desk: Desk, program: Program, wrong: dict[str, Any], status: int, field: str
) -> None:
    release = desk.release()
    answer = program.post("/deliveries", **{"pieces": [release.piece_id], "account": desk.account().id, **wrong})
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert desk.deliveries() == []


def test_the_list_is_filtered_and_paged(desk: Desk, program: Program, clock: StillClock) -> None:
    first = booked(desk, program)
    second = booked(desk, program, at=(clock.now() + timedelta(days=2)).isoformat())

    def ids(**query: Any) -> list[int]:
        return [row["id"] for row in program.get("/deliveries", **query).json()["deliveries"]]

    assert ids() == [second["id"], first["id"]]
    assert ids(piece=first["items"][0]["piece"]) == [first["id"]]
    assert ids(since=(clock.now() + timedelta(days=1)).isoformat()) == [second["id"]]
    assert ids(until=(clock.now() + timedelta(days=1)).isoformat()) == [first["id"]]
    assert ids(account=desk.account("b").id) == []
    assert ids(state="late") == []
    clock.step(minutes=5)
    desk.sweep()
    assert ids(state="late") == [first["id"]]
    assert program.get("/deliveries", page=2).json()["deliveries"] == []
    assert program.get("/deliveries", page=0).status_code == 422


def test_every_act_of_the_console(desk: Desk, program: Program, clock: StillClock) -> None:
    later = (clock.now() + timedelta(hours=2)).isoformat()
    task = booked(desk, program, at=later)

    def act(name: str, **body: Any) -> Any:
        return program.post(f"/deliveries/{task['id']}/{name}", **body)

    assert act("hold", reason="核对", until=later).json()["state"] == "held"
    assert act("resume").json()["state"] == "booked"
    moved = (clock.now() + timedelta(hours=3)).isoformat()
    assert act("move", at=moved).json()["scheduled_at"] == moved
    assert act("retry").status_code == 409
    assert act("by-hand").json()["state"] == "manual"
    assert act("close", url="nowhere").status_code == 422
    closed = act("close", url=LINK).json()
    assert (closed["state"], closed["remark"]) == ("done", "人工发布")
    gone = booked(desk, program, at=later)
    assert program.post(f"/deliveries/{gone['id']}/cancel").status_code == 422
    assert program.post(f"/deliveries/{gone['id']}/cancel", reason="取消").json()["state"] == "cancelled"


def test_an_unknown_one_is_settled_by_the_api_too(desk: Desk, program: Program, clock: StillClock) -> None:
    desk.platform().blind = True
    tasks = []
    for _ in range(2):
        desk.platform().script.append("lost")
        tasks.append(booked(desk, program))
        desk.run()
        clock.step(seconds=5)
        desk.run()
    there, not_there = tasks
    assert program.post(f"/deliveries/{there['id']}/ask-again").status_code == 422
    piece = there["items"][0]["piece"]
    answer = program.post(f"/deliveries/{there['id']}/there", links={str(piece): LINK}).json()
    assert answer["state"] == "done"
    assert program.post(f"/deliveries/{not_there['id']}/not-there").json()["state"] == "booked"


def test_corrections_and_withdrawals_are_booked_where_it_shows(desk: Desk, program: Program) -> None:
    made = booked(desk, program)
    piece, account = made["items"][0]["piece"], desk.account()
    elsewhere = program.post("/deliveries", pieces=[piece], account=desk.account("b").id, action="withdraw")
    assert elsewhere.status_code == 422
    desk.run()
    desk.city.save(piece, title="新标题")
    desk.city.sign_off(desk.city.submit(piece, targets=[target_of(account)]).id)
    assert program.post("/deliveries", pieces=[piece], account=account.id, action="correct").status_code == 201
    desk.run()
    assert program.get(f"/pieces/{piece}/placements").json()["placements"][0]["correction"] == "corrected"
    body = {"pieces": [piece], "account": account.id, "action": "withdraw", "phrase": PHRASES[0]}
    for phrase in ("", "因举报核实中撤下"):  # The true reason never leaves the house.
        refused = program.post("/deliveries", **{**body, "phrase": phrase})
        assert (refused.status_code, refused.json()["field"]) == (422, "phrase")
    assert program.post("/deliveries", **body).json()["phrase"] == PHRASES[0]
    desk.run()
    assert program.get(f"/pieces/{piece}/placements").json()["placements"][0]["state"] == "withdrawn"


def test_a_token_reaches_no_further_than_its_person(desk: Desk, program: Program) -> None:
    made = booked(desk, program)
    piece = made["items"][0]["piece"]
    stranger, reader = Program(desk, "stranger"), Program(desk, "officer", [Permission.DELIVERY_READ])
    assert stranger.get(f"/deliveries/{made['id']}").status_code == 404
    assert stranger.get(f"/pieces/{piece}/placements").status_code == 404
    assert stranger.post("/deliveries", pieces=[piece], account=desk.account().id).status_code == 404
    assert stranger.post("/preflight", pieces=[piece], account=desk.account().id).status_code == 404
    assert stranger.post(f"/deliveries/{made['id']}/cancel", reason="x").status_code == 404
    assert stranger.get("/deliveries").json()["total"] == 0
    assert reader.get(f"/deliveries/{made['id']}").status_code == 200
    assert reader.post(f"/deliveries/{made['id']}/cancel", reason="x").status_code == 403
    assert reader.get("/accounts").status_code == 403
    with desk.hub.works.read() as work:
        assert work.session.get_one(Delivery, made["id"]).state == "booked"


def test_the_description_holds_the_api_and_nothing_else(desk: Desk) -> None:
    answer = desk.office.browser().get("/api/v1/openapi.json")
    assert answer.status_code == 200
    told = answer.json()
    assert "/api/v1/deliveries/{delivery_id}" in told["paths"]
    assert all(path.startswith("/api/") for path in told["paths"])
    assert "Booking" in told["components"]["schemas"]
    assert not [name for name in told["components"]["schemas"] if name.startswith("Body_") and "login" in name]
    assert told["security"] == [{"token": []}]
    named = {text.split('"')[0] for text in answer.text.split('"#/components/schemas/')[1:]}
    assert named <= set(told["components"]["schemas"])
