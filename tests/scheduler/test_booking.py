"""Booking inside what was signed, and the acts of people while the engine may be claiming."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels.accounts import store as accounts
from channels.adapters.manual import ManualChannel
from channels.base import Item, Post
from content import public, relations
from content.errors import NoRight, OutsideWindow
from content.models import Piece, Release
from content.snapshot import Style, Target, Window
from kernel.errors import Invalid
from scheduler import booking
from scheduler.errors import AlreadyBooked, AlreadyShown, DoesNotFit, NotSigned, TakenMeanwhile, WiderThanSigned
from scheduler.models import Delivery, Placement
from scheduler.posts import item_sent
from scheduler.states import DeliveryState
from templates.engine import Engine
from tests.channels.harness import make_account, make_tools
from tests.factories import PORTAL
from tests.scheduler.conftest import Timetable

S = DeliveryState
POLICY = {
    "index_number": "1", "document_number": "云政发〔2026〕1号", "issuer": "市政府", "issued_on": "2026-01-01",
    "validity": "in_force",
}  # fmt: skip


def test_an_account_that_was_not_submitted_is_refused(timetable: Timetable) -> None:
    release = timetable.release("fake-a")
    with pytest.raises(NotSigned):
        timetable.book(release.piece_id, account="fake-b")


def test_a_narrower_act_is_a_choice_and_a_wider_one_is_refused(timetable: Timetable) -> None:
    wide = timetable.release(action="mass_send", title="可群发")
    timetable.book(wide.piece_id, action="publish")
    narrow = timetable.release(action="publish", title="只发布")
    with pytest.raises(WiderThanSigned) as refused:
        timetable.book(narrow.piece_id, action="mass_send")
    assert refused.value.field == "action"


def test_an_audience_beyond_what_was_signed_is_refused(timetable: Timetable) -> None:
    account = timetable.account("fake-a")
    piece = timetable.office.piece()
    target = Target(account.id, account.name, "fake", "text", "push", {"tag": ["临江区", "青石区"]})
    timetable.office.sign_off(timetable.office.submit(piece.id, targets=[target]).id)
    with pytest.raises(WiderThanSigned):
        timetable.book(piece.id, action="push", audience={"tag": ["云谷县"]})
    delivery = timetable.book(piece.id, action="push", audience={"tag": ["青石区"]})
    assert delivery.audience == {"tag": ["青石区"]}


@pytest.mark.parametrize("hours", [-1, 25])
def test_a_time_outside_the_signed_window_is_refused(timetable: Timetable, hours: int) -> None:
    now = timetable.clock.now()
    piece = timetable.office.piece()
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    window = Window(now, now + timedelta(hours=24))
    timetable.office.sign_off(timetable.office.submit(piece.id, targets=[target], window=window).id)
    with pytest.raises(OutsideWindow):
        timetable.book(piece.id, at=now + timedelta(hours=hours))
    inside = timetable.book(piece.id, at=now + timedelta(hours=1))
    with pytest.raises(OutsideWindow):
        timetable.act(inside, booking.move, now + timedelta(hours=hours))


def test_the_same_cannot_be_booked_twice_unless_asked_for(timetable: Timetable) -> None:
    release = timetable.release()
    first = timetable.book(release.piece_id)
    with pytest.raises(AlreadyBooked):
        timetable.book(release.piece_id)
    timetable.run()
    with pytest.raises(AlreadyBooked):
        timetable.book(release.piece_id)
    again = timetable.book(release.piece_id, again=True)
    assert (again.occurrence, again.key) != (first.occurrence, first.key)


def test_a_new_edition_of_what_shows_goes_out_again_only_when_asked_for(timetable: Timetable) -> None:
    piece = timetable.release().piece_id
    timetable.book(piece)
    timetable.run()
    timetable.edition(piece)
    with pytest.raises(AlreadyShown) as refused:
        timetable.book(piece)
    assert (refused.value.field, refused.value.status) == ("account", 409)
    assert "更正" in refused.value.message("zh")
    timetable.book(piece, action="correct")
    timetable.run()
    assert (len(timetable.platform().arrived), timetable.platform().corrected) == (1, [piece])
    timetable.book(piece, again=True)
    timetable.run()
    assert len(timetable.platform().arrived) == 2


def test_a_new_edition_is_refused_while_the_old_one_is_on_its_way_and_free_once_that_is_withdrawn(
    timetable: Timetable,
) -> None:
    timetable.platform().script.append("accepted")
    piece = timetable.release().piece_id
    timetable.book(piece)
    timetable.run()
    timetable.edition(piece)
    for again in (False, True):
        with pytest.raises(AlreadyBooked) as refused:
            timetable.book(piece, again=again)
        assert "平台处理中" in refused.value.message("zh")
    timetable.at(seconds=5)
    timetable.run()
    timetable.book(piece, action="withdraw", phrase="该内容已撤下。")
    timetable.run()
    timetable.book(piece)
    timetable.run()
    assert [row.state for row in timetable.placements(piece)] == ["live"]


def test_a_cancelled_one_may_be_booked_anew(timetable: Timetable) -> None:
    release = timetable.release()
    first = timetable.book(release.piece_id)
    timetable.act(first, booking.cancel, "改时间")
    second = timetable.book(release.piece_id)
    timetable.run()
    assert timetable.now(first).state == S.CANCELLED
    assert timetable.now(second).state == S.DONE
    assert len(timetable.platform().arrived) == 1


def test_what_the_channel_would_refuse_is_told_when_booking(timetable: Timetable) -> None:
    release = timetable.release(title="长" * 101)
    with pytest.raises(DoesNotFit) as refused:
        timetable.book(release.piece_id)
    assert refused.value.field == "title"
    assert "100" in refused.value.message("zh")


def test_an_unsubmitted_piece_cannot_be_booked(timetable: Timetable) -> None:
    with pytest.raises(Invalid):
        timetable.book(timetable.office.piece().id)


def test_nine_items_or_the_same_twice_are_refused(timetable: Timetable) -> None:
    release = timetable.release()
    with pytest.raises(Invalid):
        timetable.book(release.piece_id, release.piece_id)
    with pytest.raises(Invalid):
        timetable.book(*range(1, 10))


def test_another_unit_cannot_book(timetable: Timetable) -> None:
    release = timetable.release()
    with pytest.raises(NoRight):
        timetable.book(release.piece_id, by="stranger")


def test_held_waits_for_its_hour(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    timetable.act(delivery, booking.hold, "等待核实", timetable.clock.now() + timedelta(hours=1))
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == S.HELD
    timetable.at(hours=1)
    timetable.sweep()
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def signed_for(table: Timetable, window: Window) -> Release:
    """A signed piece that may go out on `fake-a` inside this window."""
    account = table.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    return table.office.sign_off(table.office.submit(table.office.piece().id, targets=[target], window=window).id)


@pytest.mark.parametrize(("hours", "fits"), [(2, True), (3, False)])
def test_a_hold_does_not_last_beyond_what_was_signed(timetable: Timetable, hours: int, fits: bool) -> None:
    now = timetable.clock.now()
    release = signed_for(timetable, Window(now, now + timedelta(hours=2)))
    delivery = timetable.book(release.piece_id, at=now + timedelta(hours=1))
    until = now + timedelta(hours=hours)
    if fits:
        timetable.act(delivery, booking.hold, "等待核实", until)
    else:
        with pytest.raises(OutsideWindow) as refused:
            timetable.act(delivery, booking.hold, "等待核实", until)
        assert refused.value.field == "until"
    assert timetable.now(delivery).state == (S.HELD if fits else S.BOOKED)


def test_a_hold_until_a_person_and_that_of_a_withdrawal_know_no_window(timetable: Timetable) -> None:
    now = timetable.clock.now()
    release = signed_for(timetable, Window(now, now + timedelta(hours=2)))
    published = timetable.book(release.piece_id)
    timetable.act(published, booking.hold, "等待核实")
    timetable.act(published, booking.resume)
    timetable.run()
    withdrawal = timetable.book(release.piece_id, action="withdraw", at=now + timedelta(hours=1))
    timetable.act(withdrawal, booking.hold, "等待核实", now + timedelta(hours=5))
    assert timetable.now(withdrawal).state == S.HELD


def test_taken_by_hand_is_never_sent(timetable: Timetable) -> None:
    delivery = timetable.book(timetable.release().piece_id)
    timetable.act(delivery, booking.take_by_hand)
    timetable.at(days=1)
    timetable.run()
    timetable.sweep()
    assert timetable.now(delivery).state == S.MANUAL
    assert timetable.platform().arrived == []


def test_an_unknown_one_cannot_be_taken_by_hand_or_retried(timetable: Timetable) -> None:
    timetable.platform().script = ["lost"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    for step in (booking.take_by_hand, booking.retry):
        with pytest.raises(TakenMeanwhile):
            timetable.act(delivery, step)


def test_a_failed_one_is_retried_by_a_person(timetable: Timetable) -> None:
    timetable.platform().script = ["refused"]
    delivery = timetable.book(timetable.release().piece_id)
    timetable.run()
    timetable.act(delivery, booking.retry)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE


def test_a_booking_follows_the_piece_to_its_next_release(timetable: Timetable) -> None:
    first = timetable.release(signed=False)
    delivery = timetable.book(first.piece_id, at=timetable.clock.now() + timedelta(hours=2))
    timetable.office.save(first.piece_id, title="改后的标题")
    account = timetable.account("fake-a")
    second = timetable.office.submit(
        first.piece_id, targets=[Target(account.id, account.name, "fake", "text", "publish")]
    )
    with timetable.works.write() as work:
        booking.follow_release(work, second.id)
    timetable.office.sign_off(second.id)
    with pytest.raises(AlreadyBooked):
        timetable.book(first.piece_id, at=timetable.clock.now() + timedelta(hours=3))
    timetable.at(hours=2)
    timetable.run()
    assert timetable.now(delivery).state == S.DONE
    assert [one.items[0].title for one in timetable.platform().arrived] == ["改后的标题"]


def test_a_withdrawal_needs_no_signature_but_something_to_take_back(timetable: Timetable) -> None:
    release = timetable.release()
    with pytest.raises(Invalid):
        timetable.book(release.piece_id, action="withdraw")
    timetable.book(release.piece_id)
    timetable.run()
    timetable.book(release.piece_id, action="withdraw", phrase="内容有误，已撤下")
    timetable.run()
    assert timetable.platform().withdrawn == [release.piece_id]
    assert [row.state for row in timetable.placements(release.piece_id)] == ["withdrawn"]


def test_a_correction_needs_a_signed_release(timetable: Timetable) -> None:
    release = timetable.release()
    timetable.book(release.piece_id)
    timetable.run()
    timetable.office.save(release.piece_id, title="更正后的标题")
    account = timetable.account("fake-a")
    target = Target(account.id, account.name, "fake", "text", "publish")
    waiting = timetable.office.submit(release.piece_id, targets=[target])
    with pytest.raises(Invalid):
        timetable.book(release.piece_id, action="correct")
    timetable.office.sign_off(waiting.id)
    timetable.book(release.piece_id, action="correct")
    timetable.run()
    (placement,) = timetable.placements(release.piece_id)
    assert (placement.revision_id, placement.correction) == (waiting.revision_id, "corrected")


def test_what_follows_a_push_goes_to_those_it_was_sent_to(timetable: Timetable) -> None:
    """Signed for everybody, sent to one tag, then to another; also where the withdrawal was booked before the push."""
    with timetable.works.write() as work:
        unit = timetable.office.bureau.id
        accounts.add(work, timetable.dispatcher.seal, unit_id=unit, channel="jpush", name="App", code="app")
    account = timetable.account("app")
    office = timetable.office
    target = Target(account.id, account.name, "jpush", "text", "push")
    piece = office.piece()
    office.sign_off(office.submit(piece.id, targets=[target]).id)
    push = {"account": "app", "action": "push"}
    timetable.book(piece.id, at=timetable.clock.now() + timedelta(minutes=5), audience={"tag": ["老人"]}, **push)
    offline = timetable.book(piece.id, account="app", action="withdraw", at=timetable.clock.now() + timedelta(hours=5))
    assert offline.audience == {}
    timetable.at(minutes=6)
    timetable.run()
    timetable.book(piece.id, again=True, audience={"tag": ["学生"]}, **push)
    timetable.run()
    office.save(piece.id, title="更正后的标题")
    office.sign_off(office.submit(piece.id, targets=[target]).id)
    told = timetable.book(piece.id, account="app", action="correct", note={"correction": "notice"})
    assert told.audience == {"tag": ["老人", "学生"]}
    timetable.at(hours=5)
    timetable.run()
    assert timetable.now(offline).state == "done"
    assert timetable.now(offline).audience == {"tag": ["老人", "学生"]}


def test_a_change_of_validity_is_no_task_where_nothing_can_be_changed_any_more(timetable: Timetable) -> None:
    with timetable.works.write() as work:
        for code, settings in (("toutiao", {}), ("paper", {"lasting": True})):
            unit = timetable.office.bureau.id
            accounts.add(
                work, timetable.dispatcher.seal, unit_id=unit, channel="manual", name=code, code=code, settings=settings
            )
    there = [timetable.account(code) for code in ("toutiao", "paper")]
    targets = [Target(account.id, account.name, "manual", "article", "publish") for account in there]
    piece = timetable.office.piece()
    timetable.office.sign_off(timetable.office.submit(piece.id, targets=targets).id)
    for account in there:
        timetable.book(piece.id, account=account.code)
    timetable.run()
    with timetable.works.write() as work:
        made = booking.redraw(work, work.session.get_one(Piece, piece.id))
        assert [one.account_id for one in made] == [there[0].id]
    with pytest.raises(Invalid, match="不能修改"):
        timetable.book(piece.id, account="paper", action="refresh")
    timetable.book(piece.id, account="paper", action="withdraw")  # A person prints a word on it.


def test_a_marked_validity_is_what_other_sites_are_sent_and_what_the_task_names(timetable: Timetable) -> None:
    settings = {"publish_path": "/a", "correct_path": "/a/{id}"}
    with timetable.works.write() as work:
        for code, channel, said in (("video", "manual", {}), ("site", "site_push", settings)):
            unit, seal = timetable.office.bureau.id, timetable.dispatcher.seal
            accounts.add(work, seal, unit_id=unit, channel=channel, name=code, code=code, settings=said)
    there = [timetable.account(code) for code in ("video", "site")]
    targets = [Target(account.id, account.name, account.channel, "article", "publish") for account in there]
    piece = timetable.office.piece(column="policies", title="养犬管理办法", fields=POLICY)
    release = timetable.office.sign_off(timetable.office.submit(piece.id, targets=targets).id)
    with timetable.office.working("signer") as (work, who):
        public.went_live(work, release.id, work.now)
        for account in there:
            shown = {"piece_id": piece.id, "account_id": account.id, "release_id": release.id, "state": "live"}
            at = {"live_at": work.now, "changed_at": work.now}
            work.session.add(Placement(unit_id=release.unit_id, revision_id=release.revision_id, **shown, **at))
        work.session.flush()
        row = work.session.get_one(Piece, piece.id)
        relations.mark_standing(work, who, row, "repealed", "由云政发〔2026〕9号废止")
        made = {one.channel: one for one in booking.redraw(work, row)}
        by_hand, sent = (item_sent(work.session, made[name], release, row, PORTAL) for name in ("manual", "site_push"))
    assert "<tr><th>有效性</th><td>废止</td></tr>" in sent.html
    assert "<tr><th>有效性说明</th><td>由云政发〔2026〕9号废止</td></tr>" in sent.html
    assert "<td>有效</td>" not in sent.html
    signed = release.content["variants"]["site_push"]["html"]
    assert sent.html.rpartition("</table>")[2] == signed.rpartition("</table>")[2]
    task = ManualChannel(make_account("manual", settings={"platform": "视频号"}), make_tools())
    told = task.correct(Post("k", "refresh", [by_hand])).reason
    assert told.startswith("请到“视频号”把有效性标注由“有效”改为“废止”（由云政发〔2026〕9号废止），正文不改")


def test_a_correction_carries_the_label_of_today_on_every_channel(timetable: Timetable) -> None:
    with timetable.works.write() as work:
        unit, seal = timetable.office.bureau.id, timetable.dispatcher.seal
        for code, channel in (("video", "manual"), ("mp", "wechat"), ("wb", "weibo")):
            accounts.add(work, seal, unit_id=unit, channel=channel, name=code, code=code, settings={})
    office, there = timetable.office, [timetable.account(code) for code in ("video", "mp", "wb")]
    office.engine = Engine()  # The real layouts.
    styles: list[Style] = ["article", "layout", "text"]
    targets = [
        Target(one.id, one.name, one.channel, style, "publish") for one, style in zip(there, styles, strict=True)
    ]
    piece = office.piece(column="policies", title="养犬管理办法", fields=POLICY)
    release = office.sign_off(office.submit(piece.id, targets=targets).id)
    with office.working("signer") as (work, who):
        public.went_live(work, release.id, work.now)
        row = work.session.get_one(Piece, piece.id)
        relations.mark_standing(work, who, row, "repealed", "由云政发〔2026〕9号废止")
    office.save(piece.id, title="养犬管理办法（更正）", fields=POLICY)
    second = office.sign_off(office.submit(piece.id, targets=targets).id)
    office.save(piece.id, fields={**POLICY, "validity": "lapsed", "validity_note": "已满五年"})
    third = office.sign_off(office.submit(piece.id, targets=targets).id)
    with timetable.works.read() as work:
        row = work.session.get_one(Piece, piece.id)

        def sent(channel: str, release: Release) -> Item:
            delivery = Delivery(action="correct", channel=channel)
            return item_sent(work.session, delivery, work.session.get_one(Release, release.id), row, PORTAL)

        by_hand, layout = sent("manual", second), sent("wechat", second)
        assert "<tr><th>有效性</th><td>废止</td></tr>" in by_hand.html
        assert "有效性：</span>废止</p>" in layout.html
        assert "有效性：</span>有效</p>" not in layout.html
        assert layout.html.replace("</span>废止</p>", "</span>有效</p>") == second.content["variants"]["wechat"]["html"]
        assert "失效" in sent("wechat", third).html  # What was signed since says more than the mark.
        assert "废止" not in sent("wechat", third).html
        words = second.content["variants"]["weibo"]["text"]
        assert (words.startswith("【养犬"), sent("weibo", second).text) == (True, f"【已废止】{words}")
        assert sent("weibo", third).text == third.content["variants"]["weibo"]["text"]
        assert sent("weibo", third).text.startswith("【已失效】【")
    task = ManualChannel(make_account("manual", settings={"platform": "视频号"}), make_tools())
    assert task.correct(Post("k", "correct", [by_hand])).reason.startswith("请到“视频号”更正（有效性标注用“废止”），")
