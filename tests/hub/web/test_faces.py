"""内外网交换: the page, its acts, and the alarm when the outer side falls silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.notices import Notice
from hub.outer.inner import alarm_silence
from hub.outer.log import TRIES
from hub.outer.models import OuterProblem
from kernel.clock import StillClock
from kernel.people import Role
from tests.hub.office import open_office
from tests.hub.outer.faces import Faces, open_faces


@pytest.fixture
def faces(sqlite_template: Path, tmp_path: Path, clock: StillClock) -> Iterator[Faces]:
    """Both sides, paired, and somebody who keeps the system."""
    with open_faces(sqlite_template, tmp_path, clock, metrics_token="figures") as faces:
        faces.office.hire("keeper", "root", Role.SYSTEM_ADMIN)
        yield faces


def test_without_an_outer_side_the_page_says_so(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    with open_office(sqlite_url, tmp_path, clock) as office:
        office.hire("keeper", "root", Role.SYSTEM_ADMIN)
        assert "还没有外网端" in office.desk_of("keeper").get("/console/faces").text
        assert "/console/faces" not in office.desk_of("keeper").get("/console/system").text


def test_the_page_tells_what_waits_and_when_the_other_side_was_heard(faces: Faces) -> None:
    (faces.inner.settings.site_folder / "index.html").write_text("首页")
    faces.site.round()
    keeper = faces.office.desk_of("keeper")
    page = keeper.get("/console/faces").text
    assert "从未" in page
    assert "网站文件" in page
    faces.exchange()
    page = keeper.get("/console/faces").text
    assert "全部已送达" in page
    assert "正常" in page
    assert "/console/faces" in keeper.get("/console/system").text


def test_a_packet_set_aside_is_taken_again_or_settled(faces: Faces) -> None:
    for told in ("one", "two"):
        with faces.outer.works.write() as work:
            faces.outer.outer.put(work, "riddle", {"told": told})
    for _try in range(TRIES * 2):
        faces.exchange()
    keeper = faces.office.desk_of("keeper")
    assert "不认识的包类型 riddle" in keeper.get("/console/faces").text
    with faces.inner.works.read() as work:
        first, second = work.session.scalars(select(OuterProblem.id).order_by(OuterProblem.id)).all()
    taken: list[object] = []
    faces.inner.outer.handlers["riddle"] = lambda _work, packet: taken.append(packet.values["told"])
    assert keeper.send_form("/console/faces/again", problem=first).status_code == 303
    assert keeper.send_form("/console/faces/settle", problem=second).status_code == 303
    assert taken == ["one"]
    assert "没有需要处理的" in keeper.get("/console/faces").text
    assert keeper.send_form("/console/faces/again", problem=first).status_code == 404


def test_only_who_keeps_the_whole_house_acts(faces: Faces) -> None:
    faces.office.hire("north", "north", Role.SYSTEM_ADMIN)
    with faces.inner.works.write() as work:
        problem = OuterProblem(at=work.now, side="inner", name="file", reason="broken")
        work.session.add(problem)
        work.session.flush()
    assert faces.office.desk_of("north").send_form("/console/faces/settle", problem=problem.id).status_code == 404
    assert faces.office.desk_of("keeper").send_form("/console/faces/settle", problem=problem.id).status_code == 303


def test_silence_is_told_once_and_again_after_it_was_broken(faces: Faces, clock: StillClock) -> None:
    faces.exchange()
    assert not alarm_silence(faces.inner)
    clock.step(minutes=6)
    assert alarm_silence(faces.inner)
    assert not alarm_silence(faces.inner)
    with faces.inner.works.read() as work:
        (told,) = work.session.scalars(select(Notice).where(Notice.kind == "outer.silent"))
    assert "外网端已 6 分钟没有消息" in told.title
    assert "外网端失联" in faces.office.desk_of("keeper").get("/console/faces").text
    faces.exchange()
    assert "外网端失联" not in faces.office.desk_of("keeper").get("/console/faces").text
    clock.step(minutes=6)
    assert alarm_silence(faces.inner)


def test_prometheus_sees_both_the_silence_and_what_waits(faces: Faces, clock: StillClock) -> None:
    faces.exchange()
    clock.step(seconds=30)
    (faces.inner.settings.site_folder / "index.html").write_text("首页")
    faces.site.round()
    told = faces.office.browser().get("/metrics", headers={"Authorization": "Bearer figures"}).text
    assert 'xuanda_outer_waiting{kind="site"} 1.0' in told
    assert "xuanda_outer_silence_seconds 30.0" in told
    assert "xuanda_outer_problems 0.0" in told
