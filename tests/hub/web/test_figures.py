"""人工填报: figures of what was published by hand, entered singly or by workbook, counted on the figure pages."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from analytics.models import ChannelReading
from channels.accounts import store as accounts
from content.models import PublicPiece
from content.snapshot import Target
from kernel.clock import StillClock
from scheduler.models import Delivery, Placement
from tests.hub.web.going_out import Desk, open_desk


def _booked(desk: Desk) -> Delivery:
    assert desk.book(desk.release("v"), "v").status_code == 303
    return desk.deliveries()[-1]


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """An office with a short-video account, on which a piece was published by hand."""
    with open_desk(sqlite_url, tmp_path, clock) as desk:
        with desk.hub.works.write() as work:
            accounts.add(
                work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="manual", name="住建视频号", code="v",
                settings={"platform": "视频号"},
            )  # fmt: skip
        delivery = _booked(desk)
        desk.run()
        base = f"/console/deliveries/{delivery.id}/by-hand"
        assert desk.browser().send_form(base, url="https://v.example/1").status_code == 303
        yield desk


def placement(desk: Desk) -> Placement:
    """Where it shows."""
    with desk.hub.works.read() as work:
        return work.session.scalars(select(Placement)).one()


def figures(desk: Desk) -> list[dict[str, Any]]:
    """What was kept, day by day."""
    with desk.hub.works.read() as work:
        return list(work.session.scalars(select(ChannelReading.figures).order_by(ChannelReading.day)))


def book(rows: list[list[Any]]) -> bytes:
    """A workbook of these rows."""
    made, buffer = Workbook(), io.BytesIO()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    made.save(buffer)
    return buffer.getvalue()


def send(desk: Desk, data: bytes) -> Any:
    """Hands a workbook in."""
    browser = desk.browser()
    return browser.post(
        "/console/figures/import", data={"csrf": browser.csrf}, files={"file": ("f.xlsx", data)}, follow_redirects=False
    )


def test_what_was_published_by_hand_is_counted_like_the_rest(desk: Desk, clock: StillClock) -> None:
    base = f"/console/figures/{placement(desk).id}"
    assert "还没有" in desk.browser().get("/console/figures").text
    assert desk.browser().send_form(base, reads="1,234", likes="5").status_code == 303
    assert figures(desk) == [{"reads": 1234, "likes": 5}]
    desk.browser().send_form(base, reads="1300")
    assert figures(desk) == [{"reads": 1300}]
    clock.step(days=1)
    desk.office.browsers.clear()  # A log-in does not last over night.
    desk.browser().send_form(base, reads="2000")
    assert figures(desk) == [{"reads": 1300}, {"reads": 2000}]
    assert "2,000" in desk.browser().get("/console/reach").text


@pytest.mark.parametrize("typed", ["-1", "1.5", "many", "1e5", "99999999999"])
def test_what_is_no_figure_is_refused_beside_its_field(desk: Desk, typed: str) -> None:
    answer = desk.browser().send_form(f"/console/figures/{placement(desk).id}", reads=typed, likes="7")
    assert answer.status_code == 422
    assert typed in answer.text
    assert 'id="reads-error"' in answer.text
    assert figures(desk) == []


def test_the_workbook_is_filled_in_and_taken_back_and_each_fault_named(desk: Desk) -> None:
    got = desk.browser().get("/console/figures/workbook")
    rows = [list(row) for row in load_workbook(io.BytesIO(got.content)).worksheets[0].iter_rows(values_only=True)]
    assert rows[1][0] == placement(desk).id
    good = [*rows[1][:4], 900, None, 12, None, None]
    bad = [*rows[1][:4], "很多", None, None, None, None]
    stranger = [999999, "别人的", "", "", 5, None, None, None, None]
    blank = [*rows[1][:4], None, None, None, None, None]
    answer = send(desk, book([rows[0], good, bad, stranger, blank]))
    assert answer.status_code == 422
    assert "第 3 行" in answer.text
    assert "第 4 行" in answer.text
    assert "第 5 行" not in answer.text
    assert figures(desk) == [{"reads": 900, "likes": 12}]
    assert send(desk, book([rows[0], good])).status_code == 303


def test_what_is_no_workbook_of_ours_is_refused(desk: Desk) -> None:
    for data in (b"", b"PK\x03\x04", book([["编号", "标题"]])):
        answer = send(desk, data)
        assert answer.status_code == 422
        assert 'id="file-error"' in answer.text


def test_what_was_published_by_hand_stands_in_calendar_freshness_correction_and_report(
    desk: Desk, clock: StillClock
) -> None:
    (delivery,) = desk.deliveries()
    day = delivery.scheduled_at.astimezone(desk.hub.settings.office_zone).date()
    span = {"start": day.isoformat(), "end": (day + timedelta(days=1)).isoformat()}
    drawn = {one.get("id"): one for one in desk.browser().get("/console/calendar/events", params=span).json()}
    assert "task--done" in drawn[str(delivery.id)]["classNames"]
    place = placement(desk)
    with desk.hub.works.read() as work:
        public = work.session.get_one(PublicPiece, place.piece_id)
    assert public.first_at == place.live_at
    rows = load_workbook(io.BytesIO(desk.browser().get("/console/reach/workbook").content))
    assert any("住建视频号" in str(cell) for sheet in rows for row in sheet.iter_rows(values_only=True) for cell in row)
    desk.city.save(place.piece_id, title="更正后的标题")
    target = Target(delivery.account_id, "住建视频号", "manual", "page", "publish", {})
    desk.city.sign_off(desk.city.submit(place.piece_id, targets=[target]).id)
    form = {"piece": place.piece_id, "act": "correct", "accounts": [delivery.account_id]}
    assert desk.browser().send_form("/console/bookings/act", **form).status_code == 303
    desk.run()
    correction = desk.deliveries()[-1]
    assert (correction.action, correction.state) == ("correct", "manual")
    base = f"/console/deliveries/{correction.id}/by-hand"
    assert "更正后的标题" in desk.browser().get(base).text
    desk.browser().send_form(base, url="https://v.example/2")
    assert (placement(desk).correction, placement(desk).url) == ("by_hand", "https://v.example/2")


def test_a_post_taken_over_by_hand_is_counted_by_people_and_by_the_number_in_its_link(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        accounts.add(
            work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="weibo", name="住建微博", code="wb",
            settings={"uid": "77", "rip": "203.0.113.7", "safe_domains": ["www.yunzhou.example"]},
        )  # fmt: skip
    hour = (desk.hub.clock.now() + timedelta(hours=12)).strftime("%Y-%m-%dT%H:%M")
    release = desk.release("wb", "a")
    answer = desk.book(release, "wb", when="at", at=hour)
    assert answer.status_code == 303, answer.text
    task = desk.deliveries()[-1]
    desk.browser().send_form(f"/console/deliveries/{task.id}/take-over")
    link = "https://weibo.com/77/z0JH2lOMb"
    assert desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand", url=link).status_code == 303
    assert desk.book(release, "a").status_code == 303
    desk.run()
    by_interface, by_hand = sorted(desk.placements(release.piece_id), key=lambda place: place.account_id)
    assert by_hand.remote_id == "3501756485200075"
    listed = desk.browser().get("/console/figures").text
    assert "住建微博" in listed
    assert "住建发布" not in listed
    assert desk.browser().send_form(f"/console/figures/{by_hand.id}", reads="4321").status_code == 303
    assert desk.browser().get(f"/console/figures/{by_interface.id}").status_code == 404
