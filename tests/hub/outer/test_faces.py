"""What is public stands outside as it stands inside, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from channels.accounts.models import Account
from hub.outer import pairing
from hub.outer.models import OuterLink, OuterProblem
from kernel.clock import StillClock
from kernel.people import Person, Role
from tests.house.test_routes import routes_of
from tests.hub.outer.faces import Faces, open_faces, opened


@pytest.fixture
def faces(sqlite_template: Path, tmp_path: Path, clock: StillClock) -> Iterator[Faces]:
    """Both sides, paired."""
    with open_faces(sqlite_template, tmp_path, clock) as faces:
        yield faces


def write(faces: Faces, path: str, text: str) -> Path:
    target = faces.inner.settings.site_folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    return target


def test_the_site_outside_is_the_site_inside(faces: Faces) -> None:
    write(faces, "index.html", "首页一")
    write(faces, "gonggao/1.html", "通知一")
    write(faces, "media/big.bin", "大" * 700_000)
    faces.exchange()
    assert faces.door.get("/").text == "首页一"
    assert faces.door.get("/gonggao/1.html").text == "通知一"
    assert len(faces.door.get("/media/big.bin").content) == 2_100_000
    write(faces, "gonggao/1.html.gone", "")
    write(faces, "gonggao/1.html", "已撤下")
    write(faces, "site-state.css", "html { filter: grayscale(1) }")
    (faces.inner.settings.site_folder / "media/big.bin").unlink()
    faces.exchange()
    gone = faces.door.get("/gonggao/1.html")
    assert (gone.status_code, gone.text) == (410, "已撤下")
    assert "grayscale" in faces.door.get("/site-state.css").text
    assert faces.door.get("/media/big.bin").status_code == 404
    assert not list((faces.outer.settings.data / "incoming").iterdir())


def test_only_what_changed_is_sent(faces: Faces) -> None:
    page = write(faces, "index.html", "首页一")
    write(faces, "other.html", "另一页")
    assert faces.site.round() == 2
    assert faces.site.round() == 0
    page.write_text("首页二", "utf-8")
    assert faces.site.round() == 1
    before = faces.inner.outer
    with before.works.read() as work:
        sent = before.waiting_bytes(work.session, "file", "site")
    page.touch()
    faces.site.round()
    with before.works.read() as work:
        assert before.waiting_bytes(work.session, "file", "site") == sent


def test_a_side_that_is_paired_anew_gets_everything_again(faces: Faces) -> None:
    write(faces, "index.html", "首页一")
    faces.exchange()
    (faces.outer.settings.site_folder / "index.html").unlink()
    with faces.inner.works.write() as work:
        invited = pairing.invite(work, faces.inner.seal, anew=True)
    with faces.outer.works.write() as work:
        answer = pairing.join(work, faces.outer.seal, invited, anew=True)
    with faces.inner.works.write() as work:
        pairing.accept(work, answer)
    faces.exchange()
    assert faces.door.get("/").text == "首页一"


def test_people_and_secrets_stay_inside(faces: Faces, tmp_path: Path) -> None:
    faces.office.hire("wangxiaoming", "north", Role.OFFICER)
    faces.exchange()
    with faces.outer.works.read() as work:
        assert work.session.scalars(select(Person)).all() == []
        account = work.session.scalars(select(Account).where(Account.code == "wx")).one()
        assert set(opened(faces.outer, account.credentials)) == {"appid", "token", "aes_key"}
    kept = b"".join(path.read_bytes() for path in (tmp_path / "outer").rglob("*") if path.is_file())
    assert b"wangxiaoming" not in kept
    assert b"never-leaves-the-house" not in kept


def test_the_outer_host_has_no_console_and_nobody_logs_in(faces: Faces) -> None:
    doors = [door.path for door in routes_of(faces.door.app)]  # type: ignore[arg-type]  # It is a FastAPI.
    assert "/outer/exchange" in doors
    assert [path for path in doors if path.startswith(("/console", "/s/", "/h/", "/api/v1"))] == []
    assert faces.door.get("/console", follow_redirects=False).status_code == 404
    assert faces.door.get("/console/login", follow_redirects=False).status_code == 404


def test_a_stranger_at_the_door_learns_nothing(faces: Faces) -> None:
    for body in (b"", b"hello", faces.outer.outer.parcel()[0]):
        answer = faces.door.post("/outer/exchange", content=body)
        assert answer.status_code == 422
        assert set(answer.json()) == {"error"}
    for _try in range(40):
        answer = faces.door.post("/outer/exchange", content=b"hello")
    assert answer.status_code == 429


def test_what_stands_in_the_way_is_kept_in_words_until_it_is_gone(faces: Faces, clock: StillClock) -> None:
    faces.https.address = "http://127.0.0.1:9"
    door, faces.https.client = faces.https.client, httpx.Client()
    faces.exchange()
    with faces.inner.works.read() as work:
        assert "没有应答" in work.session.get_one(OuterLink, 1).trouble
    faces.https.client.close()
    faces.https.client, faces.https.address = door, "http://outer.test"
    faces.exchange()
    with faces.inner.works.read() as work:
        link = work.session.get_one(OuterLink, 1)
        assert (link.trouble, link.heard_at) == ("", clock.now())
        assert work.session.scalars(select(OuterProblem)).all() == []
