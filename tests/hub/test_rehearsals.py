"""演练: what is booked on an account in rehearsal reaches the stand-ins only, and is counted nowhere."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from channels.accounts import doubles, store
from channels.accounts.models import AccessToken, Account, QuotaUse
from channels.adapters.fake import PLATFORMS, FakeChannel, FakePlatform
from channels.rehearsal.config import RehearsalConfig, WeChatRules
from content.models import Piece, PublicPiece
from hub import rehearsals
from kernel.clock import StillClock, SystemClock
from kernel.errors import Invalid
from kernel.office_rules import set_rule
from kernel.work import SYSTEM
from scheduler import booking
from scheduler.catalogue import DatabaseCatalogue, RehearsalCatalogue
from scheduler.figures import punctuality
from scheduler.models import Delivery, Placement, RehearsedPlacement
from scheduler.states import DeliveryState as S
from scheduler.windows import ENDS, STARTS
from tests.channels.rehearsal.served import Rehearsal, serving
from tests.factories import target_of
from tests.hub.web.going_out import Desk, open_desk
from tests.postgres import free_port


@pytest.fixture
def desk(database_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Desk]:
    with open_desk(database_url, tmp_path, clock) as desk:
        yield desk


def enter(desk: Desk, *codes: str) -> rehearsals.Switched:
    return rehearsals.enter(desk.hub, SYSTEM, [desk.account(code).id for code in codes or ("a",)])


def leave(desk: Desk, *codes: str) -> rehearsals.Switched:
    return rehearsals.leave(desk.hub, SYSTEM, [desk.account(code).id for code in codes or ("a",)])


def double(desk: Desk, code: str = "a") -> Account:
    with desk.hub.works.read() as work:
        found = doubles.double_of(work.session, desk.account(code).id)
    assert found is not None
    return found


def rehearsal_of(desk: Desk, code: str = "a") -> FakePlatform:
    return PLATFORMS[double(desk, code).id]


def rehearsed(desk: Desk) -> list[RehearsedPlacement]:
    with desk.hub.works.read() as work:
        return list(work.session.scalars(select(RehearsedPlacement)))


def test_a_rehearsed_piece_arrives_at_the_double_and_is_published_nowhere(desk: Desk) -> None:
    enter(desk)
    release = desk.release()
    delivery = desk.booked(release)
    desk.run()
    assert desk.now(delivery).state == S.DONE
    assert len(rehearsal_of(desk).arrived) == 1
    assert desk.platform().arrived == []
    assert desk.placements(release.piece_id) == []
    assert [row.state for row in rehearsed(desk)] == ["live"]
    with desk.hub.works.read() as work:
        piece = work.session.get_one(Piece, release.piece_id)
        shown = work.session.get(PublicPiece, release.piece_id)
        assert piece.first_published_at is None
        assert shown is None or not shown.live
        units = {row.unit_id for row in work.session.scalars(select(Delivery))}
        day = punctuality(work.session, units, work.now.replace(hour=0), work.now.replace(hour=23), work.now)
    assert (dict(day.counts), day.handed_on) == ({}, 0)


def test_the_same_release_goes_out_for_real_afterwards(desk: Desk) -> None:
    enter(desk)
    release = desk.release()
    desk.booked(release)
    desk.run()
    leave(desk)
    assert desk.booked(release).rehearses is None
    desk.run()
    assert len(desk.platform().arrived) == 1
    assert [row.account_id for row in desk.placements(release.piece_id)] == [desk.account().id]


def test_what_waited_for_real_is_kept_back_and_so_is_a_rehearsal_that_waits_at_the_end(desk: Desk) -> None:
    real = desk.booked(desk.release(), when="at", at="2026-03-02T18:00")
    assert enter(desk).held == 1
    mock = desk.booked(desk.release(), when="at", at="2026-03-02T18:00")
    assert mock.rehearses == desk.account().id
    assert leave(desk).held == 1
    assert [(row.state, row.code) for row in map(desk.now, (real, mock))] == [(S.HELD, "rehearsal")] * 2
    assert "演练" in desk.now(mock).reason
    officer = desk.browser()
    offered = [
        f"/console/deliveries/{one.id}/resume" in officer.get(f"/console/deliveries/{one.id}").text
        for one in (real, mock)
    ]
    assert offered == [True, False]
    assert officer.send_form(f"/console/deliveries/{mock.id}/resume").status_code == 422
    assert officer.send_form(f"/console/deliveries/{real.id}/resume").status_code == 303
    assert desk.now(real).state == S.BOOKED


def test_what_was_booked_at_the_very_moment_of_switching_does_not_leave(desk: Desk) -> None:
    # As if another process had booked between the hold and the switch: the claim itself must refuse it.
    real = desk.booked(desk.release())
    with desk.hub.works.write() as work:
        account = work.session.get_one(Account, desk.account().id)
        doubles.enter(work, desk.hub.seal, account, "", {}, {})
    desk.run()
    assert (desk.now(real).state, desk.platform().arrived) == (S.HELD, [])
    mock = desk.booked(desk.release())
    with desk.hub.works.write() as work:
        doubles.leave(work, work.session.get_one(Account, desk.account().id))
    desk.run()
    assert (desk.now(mock).state, rehearsal_of(desk).arrived) == (S.HELD, [])


def test_a_rehearsal_touches_what_was_rehearsed_and_never_what_the_public_sees(desk: Desk) -> None:
    release = desk.release()
    desk.booked(release)
    desk.run()
    enter(desk)
    officer = desk.browser()
    page = officer.get(f"/console/bookings/act?piece={release.piece_id}&act=withdraw").text
    assert "公众在这些账号上看到的内容不会被改动" in page
    assert "没有演练的渠道照常处理" not in page
    order = booking.Order([release.piece_id], desk.account().id, "withdraw")
    with desk.city.working("officer") as (work, who), pytest.raises(Invalid):
        booking.book_act(work, who, order)
    desk.book(release)
    desk.run()
    with desk.city.working("officer") as (work, who):
        booking.book_act(work, who, order)
    desk.run()
    assert rehearsal_of(desk).withdrawn == [release.piece_id]
    assert desk.platform().withdrawn == []
    assert [row.state for row in desk.placements(release.piece_id)] == ["live"]
    assert [row.state for row in rehearsed(desk)] == ["withdrawn"]


def test_who_withdraws_during_a_rehearsal_is_told_which_channels_are_no_rehearsal(desk: Desk) -> None:
    release = desk.release("a", "b")
    desk.book(release, "a", "b")
    desk.run()
    enter(desk)
    page = desk.browser().get(f"/console/bookings/act?piece={release.piece_id}&act=withdraw").text
    label = FakeChannel.label
    assert f"正在演练：{desk.account().name}（{label}）。" in page
    assert f"没有演练的渠道照常处理，公众会看到：{desk.account('b').name}（{label}）。" in page


def test_a_double_dies_in_silence_and_leaves_the_account_healthy(desk: Desk) -> None:
    enter(desk)
    rehearsal_of(desk).script.append("unauthorised")
    desk.booked(desk.release())
    desk.run()
    assert double(desk).credential_dead_at is not None
    assert desk.account().credential_dead_at is None
    assert "授权失效" not in desk.browser("system_admin").get("/console/notices").text


def test_every_page_says_that_a_rehearsal_is_on(desk: Desk) -> None:
    assert "strip--rehearsal" not in desk.browser().get("/console").text
    enter(desk)
    delivery = desk.booked(desk.release())
    officer = desk.browser()
    assert "1 个账号正在演练" in officer.get("/console").text
    page = officer.get(f"/console/deliveries/{delivery.id}").text
    assert "演练任务" in page
    assert "住建发布（演练）" in page
    assert "住建发布（演练）" not in desk.browser("system_admin").get("/console/accounts").text
    leave(desk)
    assert "strip--rehearsal" not in officer.get("/console").text


def test_switching_needs_the_platforms_and_changes_nothing_without_them(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        bureau = desk.city.bureau.id
        store.add(work, desk.hub.seal, unit_id=bureau, channel="wechat", name="住建微信", code="wx")
    with pytest.raises(rehearsals.PlatformsAway):
        enter(desk, "a", "wx")
    assert not desk.account("a").rehearsal
    answer = desk.browser("system_admin").send_form("/console/rehearsal/on", accounts=[str(desk.account("wx").id)])
    assert answer.status_code == 502
    assert "xuanda rehearsal" in answer.text


def test_an_account_of_another_unit_cannot_be_switched(desk: Desk) -> None:
    admin = desk.browser("system_admin")
    assert admin.send_form("/console/rehearsal/on", accounts=["999"]).status_code == 404
    assert admin.send_form("/console/rehearsal/on").status_code == 422
    assert desk.browser("officer").send_form(
        "/console/rehearsal/on", accounts=[str(desk.account().id)]
    ).status_code in (403, 404)


def test_a_rehearsed_portal_is_drawn_beside_the_public_one_for_people_of_the_office(desk: Desk) -> None:
    with desk.hub.works.write() as work:
        store.add(work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="portal", name="门户", code="site")
    enter(desk, "site")
    release = desk.city.piece(by="author")
    signed = desk.city.sign_off(desk.city.submit(release.id, targets=[target_of(desk.account("site"))]).id)
    assert desk.book(signed, "site").status_code == 303
    delivery = desk.deliveries()[-1]
    desk.run()
    assert desk.now(delivery).state == S.DONE
    path = signed.content["path"]
    assert not (desk.hub.settings.site_folder / path.lstrip("/")).exists()
    assert desk.office.browser().get(path).status_code in (303, 404)
    shown = desk.browser().get(f"/console/rehearsal/site{path}")
    assert shown.status_code == 200
    assert signed.content["title"] in shown.text
    assert signed.content["title"] not in desk.office.browser().get(f"/console/rehearsal/site{path}").text
    for outside in ("../xuanda.db", "..%2Fsecret.key", ".lock", "nothing.html"):
        assert desk.browser().get(f"/console/rehearsal/site/{outside}").status_code == 404
    with desk.hub.works.write() as work:
        row = work.session.scalars(select(RehearsedPlacement)).one()
        row.unit_id = desk.city.other.id
    assert desk.browser("reviewer").get(f"/console/rehearsal/site{path}").status_code == 404


def _on_the_rehearsed_portal(desk: Desk, piece_id: int) -> str:
    """Signs the newest words of a piece for the portal, and gives the page's address once they are out there."""
    signed = desk.city.sign_off(desk.city.submit(piece_id, targets=[target_of(desk.account("site"))]).id)
    with desk.hub.works.read() as work:
        stands = work.session.scalar(select(RehearsedPlacement.id)) is not None
    if stands:
        form = {"piece": piece_id, "act": "correct", "accounts": [str(double(desk, "site").id)]}
        assert desk.browser().send_form("/console/bookings/act", **form).status_code == 303
    else:
        assert desk.book(signed, "site").status_code == 303
    desk.run()
    assert desk.now(desk.deliveries()[-1]).state == S.DONE
    return f"/console/rehearsal/site{signed.content['path']}"


@pytest.fixture
def portal(desk: Desk) -> Desk:
    """The same with a portal in rehearsal."""
    with desk.hub.works.write() as work:
        store.add(work, desk.hub.seal, unit_id=desk.city.bureau.id, channel="portal", name="门户", code="site")
    enter(desk, "site")
    return desk


def test_a_rehearsed_correction_says_on_its_page_what_it_changed(portal: Desk) -> None:
    piece = portal.city.piece(by="author")
    path = _on_the_rehearsed_portal(portal, piece.id)
    portal.city.save(piece.id, title="关于停气的通知")
    assert "更正说明" not in portal.browser().get(path).text
    assert _on_the_rehearsed_portal(portal, piece.id) == path
    page = portal.browser().get(path).text
    assert "关于停气的通知" in page
    assert re.search(r"更正说明.*更正</span>：标题", page, re.DOTALL)
    assert portal.placements(piece.id) == []
    form = {"piece": piece.id, "act": "correct", "accounts": [str(double(portal, "site").id)]}
    refused = portal.browser().send_form("/console/bookings/act", **form)
    assert refused.status_code == 422, "there is nothing new to show"
    assert "这里显示的已是最新签发的版本" in refused.text


def test_a_rehearsed_portal_gives_out_no_place_and_tells_what_was_rehearsed(portal: Desk) -> None:
    piece = portal.city.piece(by="author")
    _on_the_rehearsed_portal(portal, piece.id)
    known = RehearsalCatalogue(portal.hub.works).about([piece.id])
    lane = double(portal, "site").id
    shown = known.shown(piece.id, lane)
    assert shown is not None
    assert shown[0].piece_id == piece.id
    assert DatabaseCatalogue(portal.hub.works).about([piece.id]).shown(piece.id, lane) is None
    assert known.reserve(shown[0]) == known.reserve(shown[0])
    with portal.hub.works.read() as work:
        assert work.session.scalar(select(func.max(PublicPiece.place))) is None


def test_a_rehearsed_film_is_played_with_its_captions_inside_the_console(portal: Desk) -> None:
    piece = portal.city.piece(by="author", kind="video", fields={"transcript": "供热站今日检修。"})
    film = portal.city.attachment(piece.id, name="片.mp4", data=b"film")
    track = portal.city.attachment(piece.id, name="片.vtt", data="WEBVTT\n\n00:01.000 --> 00:02.000\n检修\n".encode())
    page = portal.browser().get(_on_the_rehearsed_portal(portal, piece.id)).text
    found = re.findall(r'src="(/console/rehearsal/site/files/[^"]+)"', page)
    assert [one.rsplit("/", 1)[-1] for one in found] == [film.name, track.name]
    told = [portal.browser().get(one) for one in found]
    assert [one.headers["content-type"] for one in told] == ["video/mp4", "text/vtt; charset=utf-8"]
    assert told[1].text == "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n检修\n"


# --- against the platforms ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def platforms() -> Iterator[Rehearsal]:
    """Rehearsal platforms that know no account yet."""
    rules = WeChatRules(publish_seconds=0.1, mass_seconds=0.1)
    with serving(RehearsalConfig(wechat_rules=rules)) as running:
        yield running


SETTINGS = {
    "wechat": {"type": "subscription"},
    "weibo": {"uid": "1", "rip": "203.0.113.7", "safe_domains": ["www.yunzhou.example"]},
    "jpush": {},
    "web_push": {"subject": "mailto:office@yunzhou.example"},
    "site_sftp": {"server": "sftp.real.example", "host_key": ["SHA256:" + "r" * 43], "user": "real", "folder": "/news"},
}
ACTIONS = {"wechat": "mass_send", "weibo": "publish", "jpush": "push", "web_push": "push", "site_sftp": "publish"}
ARRIVALS = {
    "wechat": "mass_send", "weibo": "post", "jpush": "push", "web_push": "notification", "site_sftp": "file",
}  # fmt: skip


@pytest.mark.parametrize("channel", ACTIONS)
def test_each_platform_has_a_stand_in_that_takes_what_is_sent(
    channel: str, sqlite_url: str, tmp_path: Path, platforms: Rehearsal
) -> None:
    real = {"appid": "wx-real", "secret": "real", "access_token": "real", "app_key": "real", "master_secret": "real"}
    before = len(platforms.ledger(ARRIVALS[channel]))
    # Whatever listens at the product's usual port on this machine is none of this test's.
    nobody = f"http://127.0.0.1:{free_port()}"
    with open_desk(sqlite_url, tmp_path, SystemClock(), rehearsal_url=platforms.url, rehearsal_callback=nobody) as desk:
        with desk.hub.works.write() as work:
            store.add(
                work, desk.hub.seal, unit_id=desk.city.bureau.id, channel=channel, name="演练", code="c",
                action=ACTIONS[channel], base_url="https://api.real.example", settings=SETTINGS[channel],
                credentials=real,
            )  # fmt: skip
            # At whatever hour the test runs.
            set_rule(work, ENDS.name, desk.city.city.id, STARTS.default)
        enter(desk, "c")
        piece = desk.city.piece(by="author")
        cover = desk.city.picture(piece.id)
        desk.city.save(piece.id, cover_id=cover.id)
        release = desk.city.sign_off(desk.city.submit(piece.id, targets=[target_of(desk.account("c"))]).id)
        with desk.city.working("officer") as (work, who):
            order = booking.Order([piece.id], desk.account("c").id, ACTIONS[channel])
            delivery = booking.book(work, who, order, "https://www.yunzhou.example")
        end = time.monotonic() + 20
        while desk.now(delivery).state not in (S.DONE, S.FAILED, S.HELD, S.MANUAL) and time.monotonic() < end:
            desk.run()
            time.sleep(0.2)
        assert (desk.now(delivery).state, desk.now(delivery).reason) == (S.DONE, "")
        assert len(platforms.ledger(ARRIVALS[channel])) > before
        assert desk.placements(release.piece_id) == []
        with desk.hub.works.read() as work:
            ours = desk.account("c").id
            assert work.session.get(AccessToken, ours) is None
            used = select(func.count()).select_from(QuotaUse).where(QuotaUse.account_id == ours)
            assert work.session.scalar(used) == 0
            assert work.session.scalar(select(func.count()).select_from(Placement)) == 0
