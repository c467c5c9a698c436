"""人工发布 on a phone: no log-in, one task, two hours, every act noted; and the package with all in its place."""

from __future__ import annotations

import hashlib
import html
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import segno
from sqlalchemy import select

from content.snapshot import Target
from hub.web.hand_package import _safe
from hub.web.hand_ready import ReadyPicture, ready_items, whole
from kernel.audit import AuditLine
from kernel.clock import StillClock
from kernel.people import Person
from scheduler.models import Delivery
from tests.factories import picture_bytes
from tests.hub.office import Browser
from tests.hub.web.going_out import Desk, open_desk

LINK = "https://toutiao.example/article/1"


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    """A running office."""
    with open_desk(sqlite_url, tmp_path, clock) as opened:
        yield opened


@pytest.fixture
def task(desk: Desk) -> Delivery:
    """A task by hand of a notice with a cover, two pictures and a document."""
    return by_hand(desk, "text")


def by_hand(desk: Desk, style: str) -> Delivery:
    """The same, shown as text or with its layout."""
    piece = desk.city.piece(title="关于停水的通知")
    cover, first, second = (desk.city.picture(piece.id, alt=alt, color=color) for alt, color in PICTURES)
    desk.city.attachment(piece.id, name="停水范围.txt", data="临江区滨江大道".encode())
    shown = "".join(f'<p><img src="/media/{one.sha256}.jpg" alt="{one.alt}"></p>' for one in (second, first))
    desk.city.save(
        piece.id,
        title="关于停水的通知",
        body=f"<p>{WORDS}</p>{shown}",
        cover_id=cover.id,
    )
    account = desk.account()
    release = desk.city.submit(
        piece.id, targets=[Target(account.id, account.name, account.channel, style, "publish", {})]
    )
    delivery = desk.booked(desk.city.sign_off(release.id), when="at", at="2026-03-02T20:00")
    desk.browser().send_form(f"/console/deliveries/{delivery.id}/take-over")
    return desk.now(delivery)


WORDS = "明日停水，自8时至20时，请临江区滨江大道沿线居民提前储水，恢复供水后请先放水冲洗管道。"
PICTURES = (("封面图", "teal"), ("甲图", "navy"), ("乙图", "maroon"))


@pytest.fixture
def phone(desk: Desk, task: Delivery, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address as the phone reads it from the QR code."""
    read: list[str] = []
    draw = segno.make

    def seen(text: str) -> segno.QRCode:
        read.append(text)
        return draw(text)

    monkeypatch.setattr(segno, "make", seen)
    answer = desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand/phone")
    assert 'src="data:image/svg+xml' in answer.text
    (address,) = read
    return address[address.index("/h/") :]


def acts(desk: Desk, task: Delivery) -> list[tuple[str, str]]:
    """What was noted of the task, with in whose name."""
    with desk.hub.works.read() as work:
        query = select(AuditLine).where(AuditLine.object_kind == "delivery", AuditLine.object_id == task.id)
        return [(line.act, line.actor_name) for line in work.session.scalars(query.order_by(AuditLine.seq))]


def ready(desk: Desk, task: Delivery) -> Sequence[ReadyPicture]:
    """The task's pictures."""
    with desk.hub.works.read() as work:
        (item,) = ready_items(work.session, task, "")
    return item.pictures


def nobody(desk: Desk) -> Browser:
    """A phone that is not logged in."""
    return desk.office.browser()


def test_the_phone_needs_no_log_in_and_everything_is_ready(desk: Desk, task: Delivery, phone: str) -> None:
    page = nobody(desk).get(phone)
    assert page.status_code == 200
    for wanted in ('data-copy="#title-1"', 'data-copy="#words-1"', "关于停水的通知", "明日停水"):
        assert wanted in page.text
    pictures = re.findall(rf'src="({re.escape(phone)}/media/[^"]+)"', page.text)
    assert re.findall(r"图片 \d[^<]*", page.text)[-3:] == ["图片 1（封面） · 封面图", "图片 2 · 乙图", "图片 3 · 甲图"]
    for address in pictures:
        assert nobody(desk).get(address).headers["content-type"].startswith("image/")
    assert nobody(desk).get(f"{phone}/media/{'0' * 64}.jpg").status_code == 404
    assert ("delivery.phone_opened", "陈信") in acts(desk, task)


def test_it_is_closed_there_once(desk: Desk, task: Delivery, phone: str) -> None:
    empty = nobody(desk).post(phone, data={"url": ""})
    assert empty.status_code == 422
    assert 'id="url-error"' in empty.text
    assert nobody(desk).post(phone, data={"url": LINK}).status_code == 200
    assert desk.now(task).state == "done"
    (place,) = desk.placements(1)
    assert place.url == LINK
    assert ("delivery.done_by_hand", "陈信") in acts(desk, task)
    for again in (nobody(desk).get(phone), nobody(desk).post(phone, data={"url": LINK})):
        assert again.status_code == 410


def test_it_is_closed_there_with_a_screenshot(desk: Desk, task: Delivery, phone: str) -> None:
    broken = nobody(desk).post(phone, files={"screenshot": ("a.png", b"no picture")})
    assert (broken.status_code, 'id="screenshot-error"' in broken.text) == (422, True)
    nobody(desk).post(phone, files={"screenshot": ("a.png", picture_bytes())})
    assert desk.now(task).state == "done"
    assert desk.browser().get(f"/console/deliveries/{task.id}/screenshot").status_code == 200


def test_another_site_cannot_close_it(desk: Desk, task: Delivery, phone: str) -> None:
    forged = nobody(desk).post(phone, data={"url": LINK}, headers={"sec-fetch-site": "cross-site"})
    assert forged.status_code == 403
    assert desk.now(task).state == "manual"


@pytest.mark.parametrize("how", ["expired", "replaced", "done elsewhere", "left the office", "guessed"])
def test_a_link_that_ended_opens_nothing(desk: Desk, clock: StillClock, task: Delivery, phone: str, how: str) -> None:
    if how == "expired":
        clock.step(hours=2)
    elif how == "replaced":
        desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand/phone")
    elif how == "done elsewhere":
        desk.browser().send_form(f"/console/deliveries/{task.id}/by-hand", url=LINK)
    elif how == "left the office":
        with desk.hub.works.write() as work:
            work.session.scalars(select(Person).where(Person.login == "officer")).one().active = False
    else:
        phone = f"/h/{'x' * 43}"
    for path in ("", "/package.zip", f"/media/{'0' * 64}.jpg"):
        assert nobody(desk).get(phone + path).status_code in (403, 404, 410), path
    assert nobody(desk).post(phone, data={"url": "https://forged.example"}).status_code in (403, 404, 410)
    assert "https://forged.example" not in [place.url for place in desk.placements(1)]


def test_the_package_has_a_file_per_field_and_the_pictures_in_order(desk: Desk, task: Delivery, phone: str) -> None:
    answers = [
        nobody(desk).get(f"{phone}/package.zip"),
        desk.browser().get(f"/console/deliveries/{task.id}/by-hand/package.zip"),
    ]
    assert answers[0].content == answers[1].content
    package = zipfile.ZipFile(io.BytesIO(answers[0].content))
    assert package.testzip() is None
    names = package.namelist()
    assert package.read("01-标题.txt").decode() == "关于停水的通知"
    assert "明日停水" in package.read("04-正文.txt").decode()
    assert [name.rsplit(".")[0] for name in names if "图片" in name] == ["图片/01-封面", "图片/02", "图片/03"]
    kept = {one.alt: one.sha256 for one in ready(desk, task)}
    shown = [hashlib.sha256(package.read(name)).hexdigest() for name in names if "图片" in name]
    assert shown == [kept[alt] for alt in ("封面图", "乙图", "甲图")]
    assert package.read("附件/停水范围.txt").decode() == "临江区滨江大道"
    readme = package.read("00-说明.txt").decode()
    assert all(name in readme for name in names if name != "00-说明.txt")
    assert "图片说明：乙图" in readme
    assert [act for act, _ in acts(desk, task) if act == "delivery.packaged"] == ["delivery.packaged"] * 2


def test_the_html_shows_the_packages_pictures_and_to_copy_has_whole_addresses(desk: Desk) -> None:
    task, browser = by_hand(desk, "article"), desk.browser()
    packed = browser.get(f"/console/deliveries/{task.id}/by-hand/package.zip").content
    package = zipfile.ZipFile(io.BytesIO(packed))
    shown = re.findall(r'src="([^"]*)"', package.read("05-正文.html").decode())
    assert shown == ["图片/02.jpg", "图片/03.jpg"]
    assert set(shown) <= set(package.namelist())
    kept = {one.alt: one.name for one in ready(desk, task)}
    page = html.unescape(browser.get(f"/console/deliveries/{task.id}/by-hand").text)
    area = re.search(r'<textarea[^>]*id="html-1".*?</textarea>', page, re.DOTALL)
    assert area
    sources = re.findall(r'src="([^"]*)"', area[0])
    assert sources == [f"{desk.hub.settings.address}/media/{kept[alt]}" for alt in ("乙图", "甲图")]


def test_only_our_own_addresses_are_made_whole() -> None:
    text = (
        '<a href="/a">甲</a><a href="//cdn.example/b">乙</a><img src="/media/c.jpg"><a href="https://d.example/">丁</a>'
    )
    assert whole(text, "https://www.yunzhou.example/") == (
        '<a href="https://www.yunzhou.example/a">甲</a><a href="//cdn.example/b">乙</a>'
        '<img src="https://www.yunzhou.example/media/c.jpg"><a href="https://d.example/">丁</a>'
    )


def test_names_in_the_package_leave_no_folder() -> None:
    assert _safe("../../etc/passwd") == "_.._etc_passwd"
    assert _safe('a:b*"c".txt') == "a_b_c_.txt"
    assert _safe("...") == "未命名"
