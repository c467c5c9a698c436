"""一键停发 through the web: told beforehand, ordered in one act, seen by everybody, ended item by item."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.notices import Notice
from kernel.clock import StillClock
from kernel.people import Grant, Person, Role, viewer
from scheduler import freeze
from scheduler.models import Delivery, Freeze
from scheduler.states import DeliveryState
from tests.hub.web.going_out import Desk, open_desk

S = DeliveryState


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        yield desk


def waiting(desk: Desk, clock: StillClock, **words: str) -> Delivery:
    """A delivery booked for an hour from now, in the office's zone."""
    at = (clock.now() + timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M")
    return desk.booked(desk.release(**words), when="at", at=at)


def scope(desk: Desk) -> str:
    """All accounts of the office."""
    return f"unit.{desk.city.bureau.id}"


def stop(desk: Desk, **form: str) -> Freeze:
    """Stops everything through the form."""
    answer = desk.browser().send_form("/console/freezes", **{"scope": scope(desk), "reason": "悼念活动", **form})
    assert answer.status_code == 303, answer.text
    with desk.hub.works.read() as work:
        return work.session.scalars(select(Freeze)).one()


def test_how_many_would_wait_is_told_beforehand(desk: Desk, clock: StillClock) -> None:
    waiting(desk, clock)
    answer = desk.browser().send_form("/console/freezes/check", scope=scope(desk))
    assert "将暂缓 1 个待发任务" in answer.text
    assert "将暂缓" not in desk.browser().send_form("/console/freezes/check", scope="unit.999").text


def test_a_stop_is_seen_on_every_page_and_told_to_those_concerned(desk: Desk, clock: StillClock) -> None:
    delivery = waiting(desk, clock)
    stop(desk)
    assert desk.now(delivery).state == S.HELD
    page = desk.browser("signer").get("/console").text
    assert "一键停发已启用" in page
    assert "悼念活动" in page
    with desk.hub.works.read() as work:
        told = {one.person_id for one in work.session.scalars(select(Notice).where(Notice.kind == "freeze.begun"))}
    assert {desk.city.person(name).id for name in ("officer", "author", "signer")} <= told


def test_a_stop_of_the_units_above_is_told_to_those_whose_work_it_stops(desk: Desk, clock: StillClock) -> None:
    waiting(desk, clock)
    with desk.hub.works.write() as work:
        boss, city = desk.city.person("manager"), desk.city.city.id
        work.session.add(Grant(person_id=boss.id, unit_id=city, role=Role.SIGNER, below=True))
    with desk.hub.works.write() as work:
        who = viewer(work.session, work.session.get_one(Person, boss.id), work.now)
        begun = freeze.begin(work, who, city, "全市停发")
    with desk.hub.works.write() as work:
        freeze.end(work, who, work.session.get_one(Freeze, begun.id), {})
    with desk.hub.works.read() as work:
        query = select(Notice.kind, Notice.text, Notice.person_id).where(Notice.kind.like("freeze.%"))
        told = [
            (kind, text) for kind, text, one in work.session.execute(query) if one == desk.city.person("officer").id
        ]
        bosses = [one for _kind, _text, one in work.session.execute(query) if one == boss.id]
    assert [kind for kind, _text in told] == ["freeze.begun", "freeze.ended"]
    assert "1 个待发任务已暂缓" in told[0][1]
    assert len(bosses) == 2


def test_a_stop_without_a_reason_is_refused_beside_its_field(desk: Desk) -> None:
    answer = desk.browser().send_form("/console/freezes", scope=scope(desk), reason="")
    assert answer.status_code == 422
    assert "停发须填写原因" in answer.text
    assert desk.browser().send_form("/console/freezes", scope="unit.x", reason="演习").status_code == 422


def test_another_units_scope_is_refused(desk: Desk) -> None:
    other = f"unit.{desk.city.other.id}"
    assert desk.browser().send_form("/console/freezes", scope=other, reason="演习").status_code == 422
    with desk.hub.works.read() as work:
        assert work.session.scalars(select(Freeze)).all() == []


def test_one_task_is_let_through_on_its_page(desk: Desk, clock: StillClock) -> None:
    delivery = waiting(desk, clock)
    stop(desk)
    page = desk.browser().get(f"/console/deliveries/{delivery.id}").text
    assert f"/console/freezes/through/{delivery.id}" in page
    assert f"/console/deliveries/{delivery.id}/resume" not in page
    assert desk.browser().send_form(f"/console/freezes/through/{delivery.id}").status_code == 303
    assert desk.now(delivery).state == S.BOOKED


def test_each_task_is_decided_on_at_the_end(desk: Desk, clock: StillClock) -> None:
    first, second = waiting(desk, clock), waiting(desk, clock, title="另一则通知")
    freeze = stop(desk)
    page = desk.browser().get("/console/freezes").text
    assert f"choice.{first.id}" in page
    choices = {f"choice.{first.id}": "drop", f"choice.{second.id}": "at"}
    refused = desk.browser().send_form(f"/console/freezes/{freeze.id}/end", **choices)
    assert refused.status_code == 422
    assert "请填写新的发布时间" in refused.text
    assert desk.now(first).state == S.HELD
    choices[f"at.{second.id}"] = "2026-03-03T10:00"
    assert desk.browser().send_form(f"/console/freezes/{freeze.id}/end", **choices).status_code == 303
    assert desk.now(first).state == S.CANCELLED
    assert (desk.now(second).state, f"{desk.now(second).scheduled_at:%d %H:%M}") == (S.BOOKED, "03 02:00")
    assert "一键停发已启用" not in desk.browser().get("/console").text


def test_one_choice_serves_for_all_and_what_the_page_did_not_list_stays_held(desk: Desk, clock: StillClock) -> None:
    first, second = waiting(desk, clock), waiting(desk, clock, title="另一则通知")
    freeze = stop(desk)
    page = desk.browser().get("/console/freezes").text
    assert f'name="shown" value="{first.id},{second.id}"' in page
    late = waiting(desk, clock, title="页面打开之后的通知")
    for _half in range(2):
        clock.step(minutes=40)
        desk.browser().get("/console")
    desk.run()
    assert desk.now(late).state == S.HELD
    # As many fields as a stop of a whole city sends.
    many = {f"at.{number}": "" for number in range(1000, 2500)}
    chosen = {"shown": f"{first.id},{second.id}", "all": "drop", f"choice.{second.id}": "now"}
    answer = desk.browser().send_form(f"/console/freezes/{freeze.id}/end", **many, **chosen)
    assert answer.status_code == 303
    states = [desk.now(one).state for one in (first, second, late)]
    assert states == [S.CANCELLED, S.BOOKED, S.HELD]
    row = desk.now(late)
    assert "还没有列出这一项" in row.reason
    assert "恢复" in desk.browser().get(f"/console/deliveries/{late.id}").text
    desk.run()
    assert desk.now(late).state == S.HELD
