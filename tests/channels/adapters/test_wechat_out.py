"""What WeChat readers see, what is counted, and what becomes of answers that come by event, by poll, late or never."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from channels.abilities.sent_to import SentTo
from channels.adapters.calling import today
from channels.adapters.wechat import WeChatChannel, sending
from channels.adapters.wechat.codes import MEANINGS, Answered, error_of, mass_end
from channels.adapters.wechat.cropping import crops
from channels.adapters.wechat.progress import Progress
from channels.base import Accepted, CannotTell, JobResult, Live, NotThere, Pushed, Uncorrectable
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised, WouldSend
from channels.rehearsal.config import RehearsalConfig, WeChatRules
from tests.channels.harness import Courier, make_item, placed_by
from tests.channels.rehearsal.served import APPID, CallbackAddress, Rehearsal, serving
from tests.channels.sides import AES_KEY, TOKEN, WeChatMassSide, WeChatPublishSide, WeChatSide

MORNING = "2030-03-04T09:00:00+08:00"


@pytest.fixture
def mass(rehearsed: Rehearsal) -> Iterator[WeChatMassSide]:
    """群发."""
    made = WeChatMassSide(rehearsed)
    yield made
    made.close()


@pytest.fixture
def quiet(rehearsed: Rehearsal) -> Iterator[WeChatPublishSide]:
    """只发布."""
    made = WeChatPublishSide(rehearsed)
    yield made
    made.close()


def at(side: WeChatSide, moment: str) -> None:
    """Sets both clocks."""
    answer = side.rehearsal.control("clock", to=moment)
    side.clock.offset = timedelta(seconds=answer["offset"])


def articles(side: WeChatSide) -> list[dict[str, Any]]:
    """What readers see of the last message."""
    found: list[dict[str, Any]] = side.rehearsal.ledger(side.seen)[-1]["data"]["articles"]
    return found


@pytest.fixture
def pushed(rehearsed: Rehearsal) -> Iterator[list[Pushed]]:
    """What the platform pushes to our address, encrypted."""
    address, kept = CallbackAddress(), []

    def answer(received: Any) -> bytes:
        if received.method == "GET":
            return str(received.query["echostr"]).encode()
        kept.append(Pushed("POST", received.query, received.body))
        return b"success"

    address.answer = answer
    rehearsed.control(f"wechat/{APPID}/callback", url=address.url, token=TOKEN, aes_key=AES_KEY, mode="secure")
    yield kept
    rehearsed.http.delete(f"/control/wechat/{APPID}/callback")
    address.close()


def result(side: WeChatSide, kept: list[Pushed], event: str) -> JobResult:
    """The finished job among what was pushed."""
    side.rehearsal.wait_for("event")
    assert kept, event
    found = side.channel.read_inbound(kept[-1])
    assert isinstance(found[0], JobResult)
    return found[0]


# --- what readers see -------------------------------------------------------------------------------


def test_eight_articles_keep_their_order_and_their_addresses(mass: WeChatMassSide) -> None:
    run = mass.deliver(mass.post(items=8))
    shown = articles(mass)
    assert [one["title"][-2] for one in shown] == list("12345678")
    assert [run.live.shown[n].data["idx"] for n in range(1, 9)] == list(range(1, 9))
    assert {one["digest"] for one in shown} == {""}


def test_every_picture_is_on_the_platform_and_nothing_of_ours_is_filtered(quiet: WeChatPublishSide) -> None:
    made = make_item(quiet.files, pictures=3)
    quiet.deliver(quiet.post(made=[made]))
    (shown,) = articles(quiet)
    assert shown["content"].count("/wechat/mmbiz/") == 3
    assert "/media/" not in shown["content"]
    assert shown["removed"] == []
    assert (shown["title"], shown["author"], shown["digest"]) == (made.title, made.author, made.digest)
    assert shown["content_source_url"].startswith(made.url)


def test_a_picture_in_a_style_is_moved_too(quiet: WeChatPublishSide) -> None:
    made = make_item(quiet.files)
    name = next(iter(made.content["pictures"]))
    html = f'<section style="background-image:url(https://www.yunzhou.example/media/{name}.png)">正文</section>'
    quiet.deliver(quiet.post(made=[replace(made, html=html)]))
    assert "/wechat/mmbiz/" in articles(quiet)[0]["content"]


def test_a_refused_picture_costs_the_picture_and_is_told(quiet: WeChatPublishSide) -> None:
    made = make_item(quiet.files, pictures=2)
    bad = next(iter(made.content["pictures"]))
    quiet.files.kept[bad] = b"GIF89a" + bytes(50)
    run = quiet.deliver(quiet.post(made=[made]))
    (shown,) = articles(quiet)
    assert shown["content"].count("<img") == 1
    assert "供热结束时间延长" in shown["content"]
    assert "1 张图片" in run.live.remark
    assert "图1" in run.live.remark


def test_a_picture_over_the_limit_of_uploadimg_goes_through_the_library(quiet: WeChatPublishSide) -> None:
    quiet = WeChatPublishSide(quiet.rehearsal, settings={"picture_bytes": 100})
    run = quiet.deliver()
    assert articles(quiet)[0]["content"].count("/wechat/mmbiz/") == 1
    assert run.live.remark == ""
    assert quiet.rehearsal.ledger("picture") == []
    quiet.close()


def test_a_refused_cover_names_its_field(quiet: WeChatPublishSide) -> None:
    made = make_item(quiet.files)
    quiet.files.kept[made.cover] = b"no picture at all"
    end = quiet.deliver(quiet.post(made=[made])).end
    assert isinstance(end, Refused)
    assert end.field == "cover"
    assert made.title in end.reason


def test_chinese_arrives_as_chinese(quiet: WeChatPublishSide) -> None:
    quiet.deliver(quiet.post(made=[make_item(quiet.files, title="供热“延长”—〇七号𠀀 <b>&amp;")]))
    assert articles(quiet)[0]["title"] == "供热“延长”—〇七号𠀀 <b>&amp;"
    assert "\\u" not in json.dumps(articles(quiet), ensure_ascii=False)


# --- no step twice ----------------------------------------------------------------------------------


def test_a_lost_draft_does_not_pile_up(quiet: WeChatPublishSide) -> None:
    quiet.break_next("cut_after", early=True, count=2)
    assert isinstance(quiet.deliver().end, Live)
    assert quiet.drafts() == 0
    assert len(quiet.rehearsal.ledger("picture")) == 1
    assert len(quiet.rehearsal.ledger("material")) == 1


def test_uploads_go_on_where_the_last_attempt_stopped(quiet: WeChatPublishSide) -> None:
    post = quiet.post(made=[make_item(quiet.files, pictures=3)])
    quiet.break_next("http_5xx", early=True, path="cgi-bin/media/uploadimg", skip=2)
    run = quiet.deliver(post)
    assert run.outcomes("send") == ["Retryable", "Accepted"]
    assert len(quiet.rehearsal.ledger("picture")) == 3


def test_many_pictures_are_spread_over_attempts(rehearsed: Rehearsal) -> None:
    side = WeChatPublishSide(rehearsed, settings={"prepare_seconds": 0.0})
    with pytest.raises(Retryable) as later:
        side.channel.publish(side.post())
    assert side.arrived() == 0
    assert set(later.value.data["wechat"]) >= {"pictures", "covers"}
    side.close()


def test_an_attempt_that_took_too_long_does_not_act_any_more(rehearsed: Rehearsal) -> None:
    side = WeChatPublishSide(rehearsed, settings={"act_within_seconds": 0.0})
    with pytest.raises(Retryable):
        side.channel.publish(side.post())
    assert rehearsed.ledger("publish_submitted") == []
    side.close()


def test_a_submission_on_its_way_is_not_repeated(rehearsed: Rehearsal) -> None:
    config = RehearsalConfig.demo().model_copy(update={"wechat_rules": WeChatRules(publish_seconds=300)})
    with serving(config) as slow:
        side = WeChatPublishSide(slow)
        side.break_next("cut_after")
        run = side.deliver()
        assert isinstance(run.end, Live)
        assert set(run.outcomes("ask")) == {"OutcomeUnknown", "Live"}
        assert (side.arrived(), len(slow.ledger("publish_submitted"))) == (1, 1)
        side.close()


def test_a_submission_that_never_arrived_is_repeated_only_after_the_draft_lay_ten_minutes(
    quiet: WeChatPublishSide,
) -> None:
    quiet.break_next("http_5xx")
    post = replace(quiet.post(), first_attempt_at=quiet.clock.now(), attempted_at=quiet.clock.now())
    with pytest.raises(OutcomeUnknown):
        quiet.channel.publish(post)
    quiet.wait(9 * 60)
    with pytest.raises(OutcomeUnknown):
        quiet.channel.reconcile(post)
    quiet.wait(2 * 60)
    assert isinstance(quiet.channel.reconcile(post), NotThere)


def test_a_process_that_died_before_the_draft_is_known_to_have_sent_nothing(quiet: WeChatPublishSide) -> None:
    post = replace(quiet.post(), attempted_at=quiet.clock.now())
    quiet.wait(90)
    with pytest.raises(OutcomeUnknown):
        quiet.channel.reconcile(post)
    quiet.wait(40)
    assert isinstance(quiet.channel.reconcile(post), NotThere)


def test_an_article_whose_mark_the_platform_lost_is_known_by_its_title(
    quiet: WeChatPublishSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "bears", lambda *_: False)
    quiet.break_next("cut_after")
    assert isinstance(quiet.deliver().end, Live)
    assert quiet.arrived() == 1


def test_a_mass_send_of_another_day_cannot_be_told(mass: WeChatMassSide) -> None:
    post = replace(mass.post(), attempted_at=mass.clock.now() - timedelta(hours=25))
    assert isinstance(mass.channel.reconcile(post), CannotTell)


def test_a_mass_send_whose_process_died_is_sent_once(mass: WeChatMassSide) -> None:
    post = replace(mass.post(), attempted_at=mass.clock.now())
    mass.channel.publish(post)
    mass.wait(120)
    answer = mass.channel.reconcile(post)
    assert isinstance(answer, Accepted)
    seen = mass.channel.poll(post, answer.job_id)
    assert isinstance(seen, Accepted)
    assert isinstance(mass.channel.poll(replace(post, note=seen.data), answer.job_id), Live)
    assert (mass.arrived(), mass.drafts()) == (1, 0)


def test_a_mass_send_settled_after_midnight_counts_on_the_day_on_which_it_was_handed_over(
    mass: WeChatMassSide,
) -> None:
    at(mass, "2030-03-04T23:50:00+08:00")
    post, counted = mass.post(), mass.tools.quotas.used  # type: ignore[attr-defined]  # The twin in memory.
    before = mass.clock.now()
    mass.break_next("cut_after", path="cgi-bin/message/mass/sendall")
    with pytest.raises(OutcomeUnknown) as lost:
        mass.channel.publish(post)
    assert counted == {}
    mass.wait(660)
    assert today(mass.clock.now()) == "2030-03-05"
    # The second process knows no more than when the attempt began.
    began = replace(post, attempted_at=before)
    for known in (replace(began, note=lost.value.data), began):
        assert isinstance(mass.channel.reconcile(known), Accepted)
    assert counted == {("mass_send", "2030-03-04"): 2}


# --- quotas and the administrator -------------------------------------------------------------------


def test_a_subscription_account_sends_once_a_day_and_waits_for_midnight_in_china(mass: WeChatMassSide) -> None:
    at(mass, MORNING)
    mass.deliver()
    pictures = len(mass.rehearsal.ledger("picture"))
    with pytest.raises(Throttled) as wait:
        mass.channel.publish(mass.post(key="second"))
    assert wait.value.until.isoformat() == "2030-03-05T00:00:00+08:00"
    assert len(mass.rehearsal.ledger("picture")) == pictures
    run = mass.deliver(mass.post(key="second"))
    assert run.outcomes("send") == ["Throttled", "Accepted"]
    assert mass.arrived() == 2


def test_the_platforms_own_word_on_the_quota_is_remembered(mass: WeChatMassSide) -> None:
    at(mass, MORNING)
    mass.deliver()
    mass.tools.quotas.used.clear()  # type: ignore[attr-defined]  # The twin in memory.
    for _ in range(2):
        with pytest.raises(Throttled) as wait:
            mass.channel.publish(mass.post(key="second"))
        assert wait.value.platform_code == "45028"
    assert len([one for one in mass.rehearsal.ledger("call") if one["data"]["errcode"] == 45028]) == 1


@pytest.mark.parametrize("retry_too_fast_first", [True, False])
def test_either_answer_to_a_repeated_key_settles_it(retry_too_fast_first: bool) -> None:
    rules = WeChatRules(mass_seconds=0, retry_too_fast_first=retry_too_fast_first)
    with serving(RehearsalConfig.demo().model_copy(update={"wechat_rules": rules})) as platform:
        side = WeChatMassSide(platform)
        side.break_next("cut_after")
        run = side.deliver()
        assert run.outcomes("ask") == (["Throttled", "Accepted"] if retry_too_fast_first else ["Accepted"])
        assert (side.arrived(), side.drafts()) == (1, 0)
        side.close()


def confirming() -> RehearsalConfig:
    """The subscription account asks its administrator before each send to all."""
    config = RehearsalConfig.demo().model_copy(update={"wechat_rules": WeChatRules(mass_seconds=0)})
    config.wechat[0].confirm_mass_send = True
    return config


@pytest.mark.parametrize(("decision", "code"), [("refuse", "40001"), ("lapse", "40002")])
def test_the_administrator_who_does_not_confirm_is_named(decision: str, code: str) -> None:
    with serving(confirming()) as platform:
        side = WeChatMassSide(platform, settings={"confirm_mass_send": True})
        waiting = side.channel.publish(side.post())
        assert isinstance(waiting, Accepted)
        assert (waiting.expires_after, "管理员" in waiting.waiting) == (timedelta(minutes=30), True)
        assert isinstance(side.channel.poll(side.post(), waiting.job_id), Accepted)
        platform.control(f"wechat/{APPID}/mass/{waiting.job_id.partition(':')[2]}", decision=decision)
        with pytest.raises(Refused) as refused:
            side.channel.poll(side.post(note=waiting.data), waiting.job_id)
        event = JobResult(waiting.job_id, done=False, reason=mass_end(f"err({code})")[0], code=code)
        with pytest.raises(Refused, match="管理员") as told:
            side.channel.settle(side.post(note=waiting.data), event)
        assert "管理员" in told.value.reason
        # A further try needs a key the platform has not seen.
        assert refused.value.data["wechat"]["round"] == 1
        side.wait(24 * 3600)
        again = side.channel.publish(side.post(note=refused.value.data))
        assert isinstance(again, Accepted)
        assert again.job_id != waiting.job_id
        side.close()


def test_sending_to_a_tag_reaches_only_its_people_and_needs_no_confirmation() -> None:
    with serving(confirming()) as platform:
        side = WeChatMassSide(platform, settings={"confirm_mass_send": True})
        desk = platform.wechat()
        tag = desk("tags/create", tag={"name": "供热用户"})["tag"]["id"]
        desk("tags/members/batchtagging", tagid=tag, openid_list=["oSub_rehearsal_citizen_00001"])
        side.deliver(side.post(audience={"tag_id": [tag]}))
        assert platform.ledger("mass_send")[0]["data"]["recipients"] == ["oSub_rehearsal_citizen_00001"]
        side.close()


# --- the result -------------------------------------------------------------------------------------


def test_the_event_brings_a_mass_messages_addresses(mass: WeChatMassSide, pushed: list[Pushed]) -> None:
    accepted = mass.channel.publish(mass.post(items=2))
    assert isinstance(accepted, Accepted)
    mass.wait(5)
    found = result(mass, pushed, "MASSSENDJOBFINISH")
    assert found.job_id == accepted.job_id
    live = mass.channel.settle(mass.post(items=2, note=accepted.data), found)
    assert [live.shown[n].url for n in (1, 2)] == [one["url"] for one in articles(mass)]
    assert live.shown[1].data["msg_data_id"] == accepted.data["wechat"]["msg_data_id"]


@pytest.mark.parametrize(
    ("original", "ignore", "code", "words"),
    [
        ("reprint", False, "30003", "被判为转载，可以群发"),
        ("forbidden", True, "30002", "原作者不允许转载"),
        ("reprint", True, "", "读者看到的是原创文章的内容，微信已注明转载来源"),
    ],
)
def test_what_the_comparison_with_originals_found_is_said(original: str, ignore: bool, code: str, words: str) -> None:
    config = RehearsalConfig.demo().model_copy(update={"wechat_rules": WeChatRules(mass_seconds=0)})
    config.wechat[0].original = original  # type: ignore[assignment]  # One of its choices.
    with serving(config) as platform:
        side = WeChatMassSide(platform, settings={"send_ignore_reprint": ignore})
        with side.pushes() as kept:
            accepted = side.channel.publish(side.post())
            assert isinstance(accepted, Accepted)
            found = result(side, kept, "MASSSENDJOBFINISH")
        assert (found.done, found.code) == (not code, code)
        assert words in found.reason + found.remark
        side.close()


def test_whom_a_mass_message_reached_stands_with_its_articles(mass: WeChatMassSide, pushed: list[Pushed]) -> None:
    accepted = mass.channel.publish(mass.post())
    assert isinstance(accepted, Accepted)
    mass.wait(5)
    live = mass.channel.settle(mass.post(note=accepted.data), result(mass, pushed, "MASSSENDJOBFINISH"))
    reached = len(mass.rehearsal.ledger("mass_send")[0]["data"]["recipients"])
    assert SentTo.of(live.shown[1].data) == SentTo(reached, reached, reached, 0)
    (reading,) = mass.channel.read(list(placed_by(live, mass.clock.now()).values()))
    assert reading.figures == {"sent": reached, "delivered": reached}


def test_covers_are_cropped_to_what_is_shown(quiet: WeChatPublishSide) -> None:
    post = quiet.post()
    article = quiet.channel.sending.drafts._article(post, post.items[0], Progress(), math.inf, lambda: None)
    assert article["pic_crop_235_1"] == "0.000000_0.144208_1.000000_0.711584"  # 64 by 48: 27 of 48 lines.
    assert article["pic_crop_1_1"] == "0.125000_0.000000_0.875000_1.000000"
    assert cropped({"width": 900, "height": 900})["pic_crop_235_1"] == "0.000000_0.191489_1.000000_0.617021"
    assert cropped({"width": 1600, "height": 400}) == {
        "pic_crop_235_1": "0.206250_0.000000_0.793750_1.000000",
        "pic_crop_1_1": "0.375000_0.000000_0.625000_1.000000",
    }
    assert cropped({"width": None, "height": 400}) == {}


def cropped(about: dict[str, Any], **more: Any) -> dict[str, str]:
    """The crops of a cover of that size."""
    return crops({"cover": "c", "pictures": {"c": about}, **more})


@pytest.mark.parametrize(
    ("focus", "first", "further"),
    [
        ([50, 50], "0.000000_0.287234_1.000000_0.712766", "0.000000_0.000000_1.000000_1.000000"),
        ([0, 0], "0.000000_0.000000_1.000000_0.425532", "0.000000_0.000000_1.000000_1.000000"),
        ([100, 100], "0.000000_0.574468_1.000000_1.000000", "0.000000_0.000000_1.000000_1.000000"),
    ],
)
def test_a_cover_is_cropped_about_its_focus(focus: list[int], first: str, further: str) -> None:
    square = {"width": 900, "height": 900}
    assert cropped(square, cover_focus=focus) == {"pic_crop_235_1": first, "pic_crop_1_1": further}
    wide = cropped({"width": 1600, "height": 400}, cover_focus=focus)["pic_crop_1_1"].split("_")
    assert float(wide[2]) - float(wide[0]) == pytest.approx(0.25)
    assert float(wide[0]) == pytest.approx(min(max(focus[0] / 100 - 0.125, 0), 0.75))


@pytest.mark.parametrize(
    ("settings", "chosen", "flags"),
    [
        ({}, "", (0, 0)),
        ({"open_comments": True, "only_fans_comment": True}, "", (1, 1)),
        ({}, "open", (1, 0)),
        ({}, "fans", (1, 1)),
        ({"open_comments": True}, "closed", (0, 0)),
    ],
)
def test_readers_may_write_as_booked_else_as_the_account_has_it(
    rehearsed: Rehearsal, settings: dict[str, Any], chosen: str, flags: tuple[int, int]
) -> None:
    side = WeChatPublishSide(rehearsed, settings=settings)
    post = side.post(note={"comments": chosen})
    article = side.channel.sending.drafts._article(post, post.items[0], Progress(), math.inf, lambda: None)
    assert (article["need_open_comment"], article["only_fans_can_comment"]) == flags
    side.close()


def test_the_accounts_code_is_named_as_pictures_of_articles_are() -> None:
    name = f"{'a' * 64}.png"
    said = WeChatChannel.dressing({"qr": f"https://console.example/console/media/{name}", "qr_words": "扫码关注"})
    assert said == {"qr": {"src": f"/media/{name}", "alt": "扫码关注"}}
    assert WeChatChannel.dressing({}) == {}


def test_a_send_to_a_tag_waits_for_nobody() -> None:
    config = confirming()
    config.wechat_rules = WeChatRules(mass_seconds=60)
    with serving(config) as platform:
        side = WeChatMassSide(platform, settings={"confirm_mass_send": True})
        tag = platform.wechat()("tags/create", tag={"name": "供热用户"})["tag"]["id"]
        post = side.post(audience={"tag_id": [tag]})
        accepted = side.channel.publish(post)
        assert isinstance(accepted, Accepted)
        polled = side.channel.poll(side.post(audience={"tag_id": [tag]}, note=accepted.data), accepted.job_id)
        assert isinstance(polled, Accepted)
        assert (accepted.waiting, polled.waiting) == ("", "")
        side.close()


def test_the_event_brings_a_publications_addresses(quiet: WeChatPublishSide, pushed: list[Pushed]) -> None:
    accepted = quiet.channel.publish(quiet.post())
    assert isinstance(accepted, Accepted)
    quiet.wait(5)
    live = quiet.channel.settle(quiet.post(note=accepted.data), result(quiet, pushed, "PUBLISHJOBFINISH"))
    polled = quiet.channel.poll(quiet.post(note=accepted.data), accepted.job_id)
    assert live == polled
    assert live.shown[1].url == articles(quiet)[0]["url"]


def test_the_poll_leaves_the_event_a_moment(mass: WeChatMassSide) -> None:
    run = mass.deliver()
    assert run.outcomes("poll")[-2:] == ["Accepted", "Live"]
    assert "链接" in run.live.remark


def test_an_account_without_an_address_of_ours_waits_for_no_event(mass: WeChatMassSide) -> None:
    without = {name: value for name, value in mass.channel.account.credentials.items() if name != "token"}
    channel = WeChatChannel(replace(mass.channel.account, credentials=without), mass.tools)
    run = Courier(channel, mass.wait, mass.clock.now).deliver(mass.post())
    assert run.outcomes("poll") == ["Live"]


@pytest.mark.parametrize(("status", "words"), [(2, "原创"), (3, "失败"), (4, "审核")])
def test_a_publication_the_platform_ends_is_refused_in_words(status: int, words: str) -> None:
    config = RehearsalConfig.demo().model_copy(update={"wechat_rules": WeChatRules(publish_seconds=0)})
    config.wechat[0].publish_result = status  # type: ignore[assignment]  # One of the documented ones.
    with serving(config) as platform:
        side = WeChatPublishSide(platform)
        end = side.deliver().end
        assert isinstance(end, Refused)
        assert words in end.reason
        side.close()


# --- taking back, correcting, counting --------------------------------------------------------------


def test_one_of_three_articles_is_taken_back(quiet: WeChatPublishSide) -> None:
    live = quiet.deliver(quiet.post(items=3)).live
    placed = {2: placed_by(live, quiet.clock.now())[2]}
    end = quiet.deliver(quiet.post(key="w", action="withdraw", placed=placed)).end
    assert isinstance(end, Live)
    assert [line["data"]["index"] for line in quiet.rehearsal.ledger("publish_deleted")] == [2]


def test_a_mass_sent_article_leaves_its_card_and_says_so(mass: WeChatMassSide) -> None:
    live = mass.deliver().live
    end = mass.act(live, "withdraw").end
    assert isinstance(end, Live)
    assert "卡片" in end.remark


def test_an_article_of_unknown_number_is_a_persons_task(quiet: WeChatPublishSide) -> None:
    live = quiet.deliver().live
    placed = {1: replace(placed_by(live, quiet.clock.now())[1], data={})}
    end = quiet.deliver(quiet.post(action="withdraw", placed=placed)).end
    assert isinstance(end, Uncorrectable)
    assert end.by_hand


@pytest.mark.parametrize(("chosen", "seen", "gone"), [("notice", 2, 0), ("republish", 2, 1)])
def test_a_correction_is_made_as_the_person_chose(quiet: WeChatPublishSide, chosen: str, seen: int, gone: int) -> None:
    live = quiet.deliver().live
    words = [make_item(quiet.files, title="关于调整供热时间的通知（更正）")]
    end = quiet.act(live, "correct", made=words, note={"correction": chosen}).end
    assert isinstance(end, Live)
    assert end.shown[1].url != live.shown[1].url
    assert (quiet.arrived(), quiet.gone()) == (seen, gone)


def test_a_lost_republication_neither_deletes_nor_publishes_twice(quiet: WeChatPublishSide) -> None:
    live = quiet.deliver().live
    quiet.break_next("cut_after")
    end = quiet.act(live, "correct", note={"correction": "republish"}).end
    assert isinstance(end, Live)
    assert (quiet.arrived(), quiet.gone()) == (2, 1)


def test_figures_are_the_newest_sums_of_each_article(quiet: WeChatPublishSide) -> None:
    at(quiet, MORNING)
    live = quiet.deliver(quiet.post(items=2)).live
    placed = list(placed_by(live, quiet.clock.now()).values())
    for reader in ("a", "b"):
        quiet.rehearsal.http.get(articles(quiet)[0]["url"] + f"?reader={reader}")
    assert quiet.channel.read(placed) == []
    at(quiet, "2030-03-06T09:00:00+08:00")
    readings = {one.piece_id: one.figures for one in quiet.channel.read(placed)}
    assert readings[1]["readers"] == 2
    assert readings.get(2, {"readers": 0})["readers"] == 0


# --- words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-1, Retryable), (45011, Throttled), (45009, Throttled), (45028, Throttled), (40164, Unauthorised),
        (40125, Unauthorised), (48001, Refused), (48004, Refused), (53500, Refused),
        (50007, Unauthorised), (42001, Unauthorised),
        (45166, Refused), (45015, Refused), (99999, Refused),
    ],
)  # fmt: skip
def test_a_code_says_whether_to_try_again(quiet: WeChatPublishSide, code: int, kind: type[Exception]) -> None:
    error = error_of(Answered(code, "english", {}), quiet.clock.now())
    assert type(error) is kind
    assert error.reason
    assert error.platform_code == str(code)


@pytest.mark.parametrize(("code", "field"), [(45003, "title"), (45004, "digest"), (45110, "author"), (45002, "body")])
def test_a_refused_length_names_its_field(quiet: WeChatPublishSide, code: int, field: str) -> None:
    assert error_of(Answered(code, "", {}), quiet.clock.now()).field == field


def test_every_code_has_chinese_words() -> None:
    assert [code for code, meaning in MEANINGS.items() if not any(ord(one) > 0x4E00 for one in meaning.reason)] == []


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"title": "供" * 33}, "title"),
        ({"title": "x" * 65}, "title"),
        ({"author": "某市住房和城乡建设局"}, "author"),
        ({"digest": "供" * 121}, "digest"),
        ({"html": "<p>" + "x" * 20_000}, "body"),
        ({"html": "<p>" + "供" * 19_000 + "</p>" * 500}, "body"),
        ({"html": " "}, "body"),
        ({"cover": ""}, "cover"),
        ({"title": " "}, "title"),
    ],
)
def test_what_does_not_fit_is_told_before_and_nothing_is_sent(
    quiet: WeChatPublishSide, words: dict[str, str], field: str
) -> None:
    post = quiet.post(made=[make_item(quiet.files, **words)])
    found = [problem.field for problem in WeChatChannel.check({}, post) if problem.blocking]
    assert found == [field]
    end = quiet.deliver(post).end
    assert isinstance(end, Refused)
    assert end.field == field
    assert quiet.rehearsal.ledger("picture") == []


def test_what_just_fits_passes_both_us_and_the_platform(quiet: WeChatPublishSide) -> None:
    words = {"title": "供" * 32, "author": "陈" * 8, "digest": "供" * 120}
    assert isinstance(quiet.deliver(quiet.post(made=[make_item(quiet.files, **words)])).end, Live)


def test_a_long_digest_does_not_matter_among_several(quiet: WeChatPublishSide) -> None:
    items = [make_item(quiet.files, n, digest="供" * 200) for n in (1, 2)]
    found = WeChatChannel.check({}, quiet.post(made=items))
    assert [problem.blocking for problem in found] == [False, False]


def test_outside_links_and_pictures_are_warned_of(quiet: WeChatPublishSide) -> None:
    html = '<p><a href="https://www.gov.cn/">国务院</a><img src="https://elsewhere.example/a.png"></p>'
    found = WeChatChannel.check({}, quiet.post(made=[make_item(quiet.files, html=html)]))
    assert [(problem.field, problem.blocking) for problem in found] == [("body", False)] * 2


def test_a_wrong_secret_is_said_in_words(quiet: WeChatPublishSide) -> None:
    assert quiet.channel.health() == ""
    wrong = replace(quiet.channel.account, credentials={"appid": APPID, "secret": "wrong"})
    with pytest.raises(Unauthorised, match="AppSecret"):
        WeChatChannel(wrong, replace(quiet.tools, tokens=type(quiet.tools.tokens)())).health()


def test_every_body_names_its_type(mass: WeChatMassSide) -> None:
    # Token, draft, mass send, deletion: words as JSON in UTF-8, files as forms; the SDK's own calls would name none.
    named: dict[str, str] = {}
    http = mass.channel.tools.http

    def note(request: httpx.Request) -> None:
        if request.method == "POST":
            named[request.url.path.rpartition("/cgi-bin/")[2]] = request.headers.get("content-type", "")

    http.event_hooks["request"].append(note)
    live = mass.deliver().live
    mass.act(live, "withdraw")
    files = {path: kind for path, kind in named.items() if kind.startswith("multipart/form-data; boundary=")}
    assert set(files) == {"media/uploadimg", "material/add_material"}
    assert {"stable_token", "draft/add", "message/mass/sendall", "message/mass/delete"} <= set(named)
    assert {kind for path, kind in named.items() if path not in files} == {"application/json; charset=utf-8"}


def test_a_key_is_not_asked_for_while_nothing_may_be_sent(mass: WeChatMassSide) -> None:
    post = replace(mass.post(attempted_at=mass.clock.now()), look_only=True)
    with pytest.raises(WouldSend):
        mass.channel.reconcile(post)
    assert mass.rehearsal.ledger("mass_submitted") == []
    assert isinstance(mass.channel.reconcile(replace(post, look_only=False)), Accepted)
