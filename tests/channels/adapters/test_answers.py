"""Answers in shapes that the platforms' pages allow or that come instead of them: only a yes is taken for one."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from channels.abilities.service_notices import ServiceNotice
from channels.base import (
    Accepted,
    CannotTell,
    Channel,
    JobResult,
    Live,
    NotThere,
    Placed,
    Post,
    Pushed,
    Reply,
    Tools,
)
from channels.errors import OutcomeUnknown, Refused, Retryable, Unauthorised
from channels.registry import channel
from tests.channels.harness import MemoryFiles, MovingClock, make_account, make_item, make_tools

MASS, SUBMIT = "cgi-bin/message/mass/sendall", "cgi-bin/freepublish/submit"
LISTED, TOKEN = "cgi-bin/freepublish/batchget", "cgi-bin/stable_token"
# What no platform says yes with: an empty body, a page, another encoding, JSON of another shape.
NO_YES = [b"", b"<html>busy</html>", b"\xff\xfe{", b"null", b"[]", b'"ok"']


@dataclass
class Scripted:
    """A platform that answers each path as it was told, and keeps what it was sent."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, list[httpx.Request]] = field(default_factory=lambda: defaultdict(list))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/")
        self.asked[path].append(request)
        answer = self.answers[path]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, httpx.Response):
            return httpx.Response(answer.status_code, content=answer.content)
        if isinstance(answer, bytes):
            return httpx.Response(200, content=answer)
        return httpx.Response(200, content=json.dumps(answer, ensure_ascii=False).encode())

    def sent(self, path: str) -> Any:
        return json.loads(self.asked[path][-1].content)


@dataclass
class Desk:
    """An account on a scripted platform."""

    platform: Scripted
    tools: Tools
    channel: Any

    @property
    def clock(self) -> MovingClock:
        clock = self.tools.clock
        assert isinstance(clock, MovingClock)
        return clock

    def post(self, action: Any = "publish", **more: Any) -> Post:
        now = self.clock.now()
        files = self.tools.files
        assert isinstance(files, MemoryFiles)
        return Post("d-1", action, [make_item(files)], first_attempt_at=now, attempted_at=now, **more)


def desk(name: str, answers: Mapping[str, Any], settings: Mapping[str, Any], credentials: Mapping[str, str]) -> Desk:
    platform = Scripted(dict(answers))
    tools = make_tools(http=httpx.Client(transport=httpx.MockTransport(platform)))
    account = make_account(name, "http://platform.example", settings=settings, credentials=credentials)
    made: Channel = channel(name)(account, tools)
    return Desk(platform, tools, made)


@pytest.fixture
def wechat() -> Desk:
    empty = {"total_count": 0, "item_count": 0, "item": []}
    answers = {
        TOKEN: {"access_token": "T", "expires_in": 7200},
        "cgi-bin/media/uploadimg": {"url": "http://mmbiz.qpic.cn/1"},
        "cgi-bin/material/add_material": {"media_id": "C", "url": "http://mmbiz.qpic.cn/2"},
        "cgi-bin/draft/add": {"media_id": "D"},
        "cgi-bin/draft/get": {"news_item": []},
        "cgi-bin/draft/delete": {"errcode": 0},
        "cgi-bin/draft/batchget": empty,
        LISTED: empty,
    }
    secrets = {"appid": "wx1", "secret": "s", "token": "t"}
    return desk("wechat", answers, {"type": "service"}, secrets)


@pytest.fixture
def weibo() -> Desk:
    settings = {"uid": "7", "rip": "203.0.113.7", "safe_domains": ("localhost",)}
    return desk("weibo", {}, settings, {"access_token": "T", "app_key": "k", "app_secret": "s"})


def signed(secret: str, body: bytes) -> Pushed:
    mark = hashlib.sha1("".join(sorted([secret, "1", "2"])).encode()).hexdigest()  # noqa: S324 - the protocol's own.
    return Pushed("POST", {"signature": mark, "timestamp": "1", "nonce": "2"}, body)


def said(code: object, **more: Any) -> dict[str, Any]:
    return {"errcode": code, "errmsg": "no rid: 1-2-3", **more}


# --- WeChat -------------------------------------------------------------------------------------------


def test_what_shows_of_a_cover_is_sent_with_the_draft(wechat: Desk) -> None:
    wechat.platform.answers[SUBMIT] = {"errcode": 0, "publish_id": "1"}
    wechat.channel.publish(wechat.post())
    (article,) = wechat.platform.sent("cgi-bin/draft/add")["articles"]
    assert article["pic_crop_235_1"] == "0.000000_0.144208_1.000000_0.711584"
    assert article["pic_crop_1_1"] == "0.125000_0.000000_0.875000_1.000000"


@pytest.mark.parametrize("body", NO_YES)
def test_what_is_no_yes_is_none(wechat: Desk, body: bytes) -> None:
    answers = wechat.platform.answers
    answers |= {"cgi-bin/message/custom/send": body, "cgi-bin/freepublish/delete": body, MASS: body}
    with pytest.raises(OutcomeUnknown):
        wechat.channel.reply("o", Reply(text="好"))
    placed = {1: Placed(1, "A_1", "u", {"article_id": "A", "idx": 1})}
    with pytest.raises(Retryable):
        wechat.channel.withdraw(wechat.post("withdraw", placed=placed))
    with pytest.raises(OutcomeUnknown):
        wechat.channel.publish(wechat.post("mass_send"))


@pytest.mark.parametrize("answer", [*NO_YES, {}, {"errcode": 0}, said(-1)])
def test_without_a_token_nothing_was_sent(wechat: Desk, answer: Any) -> None:
    wechat.platform.answers[TOKEN] = answer
    with pytest.raises(Retryable):
        wechat.channel.reply("o", Reply(text="好"))
    assert "cgi-bin/message/custom/send" not in wechat.platform.asked


@pytest.mark.parametrize("path", ["cgi-bin/media/uploadimg", "cgi-bin/material/add_material", "cgi-bin/draft/add"])
def test_a_draft_that_could_not_be_made_is_surely_not_sent(wechat: Desk, path: str) -> None:
    wechat.platform.answers[path] = {"errcode": 0}
    with pytest.raises(Retryable):
        wechat.channel.publish(wechat.post("mass_send"))
    assert MASS not in wechat.platform.asked


@pytest.mark.parametrize("code", [40001, "40001", 40014, 42001])
def test_a_stale_token_is_renewed_once_and_the_call_repeated(wechat: Desk, code: object) -> None:
    wechat.platform.answers["cgi-bin/message/custom/send"] = said(code)
    with pytest.raises(Unauthorised):
        wechat.channel.reply("o", Reply(text="好"))
    assert len(wechat.platform.asked["cgi-bin/message/custom/send"]) == 2


@pytest.mark.parametrize("code", [45065, "45065"])
def test_a_known_key_is_the_first_send_however_its_code_is_written(wechat: Desk, code: object) -> None:
    wechat.platform.answers[MASS] = said(code, msg_id="77")
    accepted = wechat.channel.publish(wechat.post("mass_send"))
    assert isinstance(accepted, Accepted)
    assert accepted.job_id == "mass:77"
    assert wechat.platform.sent("cgi-bin/draft/delete") == {"media_id": "D"}


def test_a_known_key_without_a_number_is_no_refusal(wechat: Desk) -> None:
    wechat.platform.answers[MASS] = said(45065)
    post = wechat.post("mass_send")
    with pytest.raises(OutcomeUnknown):
        wechat.channel.publish(post)
    assert isinstance(wechat.channel.reconcile(post), CannotTell)


def test_a_draft_that_left_the_box_while_it_was_asked_about_is_no_refusal(wechat: Desk) -> None:
    wechat.platform.answers[MASS] = said(40007)
    with pytest.raises(OutcomeUnknown):
        wechat.channel.reconcile(wechat.post("mass_send"))


@pytest.mark.parametrize("path", ["cgi-bin/draft/add", "cgi-bin/material/add_material"])
def test_a_draft_that_is_refused_while_a_lost_answer_is_asked_for_is_no_refusal(wechat: Desk, path: str) -> None:
    wechat.platform.answers[path] = said(45166)
    assert isinstance(wechat.channel.reconcile(wechat.post("mass_send")), CannotTell)
    with pytest.raises(Refused):
        wechat.channel.publish(wechat.post("mass_send"))


@pytest.mark.parametrize("code", [48001, 40035, 99999])
def test_a_refused_question_does_not_end_what_was_accepted(wechat: Desk, code: int) -> None:
    answers = wechat.platform.answers
    answers |= {"cgi-bin/message/mass/get": said(code), "cgi-bin/freepublish/get": said(code), LISTED: said(code)}
    assert isinstance(wechat.channel.poll(wechat.post("mass_send"), "mass:1"), CannotTell)
    assert isinstance(wechat.channel.poll(wechat.post(), "publish:1"), CannotTell)
    assert isinstance(wechat.channel.reconcile(wechat.post()), CannotTell)


def test_a_draft_that_somebody_took_is_not_submitted_again(wechat: Desk) -> None:
    wechat.platform.answers["cgi-bin/draft/get"] = said(40007)
    post = wechat.post(note={"wechat": {"draft": "D"}})
    wechat.clock.step(minutes=9)
    with pytest.raises(OutcomeUnknown):
        wechat.channel.reconcile(post)
    wechat.clock.step(minutes=2)
    assert isinstance(wechat.channel.reconcile(post), CannotTell)
    # Still there by its number, though its mark is not: it was not submitted.
    wechat.platform.answers["cgi-bin/draft/get"] = {"news_item": []}
    assert isinstance(wechat.channel.reconcile(post), NotThere)


def test_a_draft_whose_mark_the_platform_lost_is_known_by_its_title(wechat: Desk) -> None:
    post = wechat.post()
    news = [{"title": post.items[0].title, "content_source_url": "https://www.yunzhou.example/"}]
    entry = {"media_id": "D", "content": {"news_item": news}, "update_time": 1}
    wechat.platform.answers["cgi-bin/draft/batchget"] = {"total_count": 1, "item_count": 1, "item": [entry]}
    wechat.clock.step(minutes=3)
    # The process died in the middle, so that nothing is known of the draft; it may be on its way.
    with pytest.raises(OutcomeUnknown):
        wechat.channel.reconcile(post)
    wechat.clock.step(minutes=8)
    assert isinstance(wechat.channel.reconcile(post), NotThere)


@pytest.mark.parametrize("detail", [None, {"count": 1, "item": [{"idx": "1", "article_url": None}]}, {"item": None}])
def test_an_article_without_an_address_has_none(wechat: Desk, detail: Any) -> None:
    answer = {"publish_id": "1", "publish_status": "0", "article_id": "A", "article_detail": detail}
    wechat.platform.answers["cgi-bin/freepublish/get"] = answer
    live = wechat.channel.poll(wechat.post(), "publish:1")
    assert isinstance(live, Live)
    assert [(one.url, one.data["article_id"]) for one in live.shown.values()] == [("", "A")]


def test_a_list_that_is_null_is_empty(wechat: Desk) -> None:
    answers = wechat.platform.answers
    answers |= {
        "cgi-bin/tags/get": {"tags": None},
        "cgi-bin/tags/getidlist": {"tagid_list": None},
        "cgi-bin/template/get_all_private_template": {"template_list": None},
        "wxaapi/newtmpl/gettemplate": {"errcode": 0, "data": None},
        "datacube/getarticletotaldetail": {"list": None, "is_delay": True},
        LISTED: {"total_count": None, "item": None},
    }
    made = wechat.channel
    assert (made.tags(), made.tags_of("o"), made.forms("template"), made.forms("subscribe")) == ([], [], [], [])
    yesterday = made.counted_until(wechat.clock.now())
    placed = Placed(1, "1_1", "", {"live_at": f"{yesterday.isoformat()}T12:00:00+08:00"})
    assert made.read([placed]) == []
    assert made.inventory(yesterday) == []


@pytest.mark.parametrize(
    ("answer", "complete"),
    [({"total": 0}, True), ({"total": "0", "comment": None}, True), ({"errcode": 0}, False), ({"comment": []}, False)],
)
def test_no_comment_is_gone_from_what_is_no_list(wechat: Desk, answer: Any, complete: bool) -> None:
    wechat.platform.answers["cgi-bin/comment/list"] = answer
    placed = Placed(1, "1_1", "", {"msg_data_id": 1, "idx": 1})
    assert wechat.channel.hear_comments(placed, "").complete is complete
    assert wechat.platform.sent("cgi-bin/comment/list")["index"] == 0


@pytest.mark.parametrize(
    ("answer", "delayed"),
    [({"list": [], "is_delay": False}, False), ({"list": [], "is_delay": "true"}, True), ({"errcode": 0}, True)],
)
def test_figures_that_were_not_told_are_asked_for_again(wechat: Desk, answer: Any, delayed: bool) -> None:
    names = ("getarticletotaldetail", "getarticleread", "getarticleshare", "getbizsummary")
    wechat.platform.answers |= {f"datacube/{name}": answer for name in names}
    made, day = wechat.channel, wechat.channel.counted_until(wechat.clock.now())
    told = (made.article_sums(day), made.article_days(day), made.account_day(day))
    assert [one.delayed for one in told] == [delayed] * 3


@pytest.mark.parametrize("path", [LISTED, "cgi-bin/draft/batchget"])
@pytest.mark.parametrize(
    ("answer", "proves"),
    [
        ({"total_count": 0, "item_count": 0}, True),
        ({"total_count": "0", "item": None}, True),
        ({"errcode": 0}, False),
        ({"total_count": None, "item": []}, False),
        ({"total_count": 3, "item": []}, False),
    ],
)
def test_only_a_list_proves_that_something_is_not_on_it(wechat: Desk, path: str, answer: Any, proves: bool) -> None:
    wechat.platform.answers[path] = answer
    post = wechat.post()
    wechat.clock.step(minutes=3)
    if proves:
        assert isinstance(wechat.channel.reconcile(post), NotThere)
    else:
        with pytest.raises(Retryable):
            wechat.channel.reconcile(post)


def test_a_notice_is_sent_only_where_the_platform_says_so(wechat: Desk) -> None:
    wechat.platform.answers["cgi-bin/message/subscribe/bizsend"] = b""
    with pytest.raises(OutcomeUnknown):
        wechat.channel.notify(ServiceNotice("o", "subscribe", "T", {"thing1": "好"}, "k", ""))


def event(name: str, inside: str = "") -> Pushed:
    head = "<ToUserName>gh</ToUserName><FromUserName>o</FromUserName><CreateTime>1700000000</CreateTime>"
    body = f"<xml>{head}<MsgType>event</MsgType><Event>{name}</Event>{inside}</xml>"
    return signed("t", body.encode())


@pytest.mark.parametrize("name", ["subscribe", "Subscribe", "SUBSCRIBE"])
def test_an_events_name_is_known_in_any_case(wechat: Desk, name: str) -> None:
    (one,) = wechat.channel.read_inbound(event(name))
    assert one.key == "o-1700000000-subscribe"


def test_an_event_without_an_address_brings_none(wechat: Desk) -> None:
    item = "<item><ArticleIdx>1</ArticleIdx><ArticleUrl></ArticleUrl></item>"
    listed = f"<ArticleUrlResult><ResultList>{item}</ResultList></ArticleUrlResult>"
    inside = f"<MsgID>9</MsgID><Status>send success</Status>{listed}"
    (told,) = wechat.channel.read_inbound(event("MASSSENDJOBFINISH", inside))
    assert isinstance(told, JobResult)
    assert [one.url for one in told.shown] == [""]


def test_an_event_without_its_articles_names_what_they_are_taken_back_by(wechat: Desk) -> None:
    inside = "<publish_id>1</publish_id><publish_status>0</publish_status><article_id>A</article_id>"
    (told,) = wechat.channel.read_inbound(event("PUBLISHJOBFINISH", f"<PublishEventInfo>{inside}</PublishEventInfo>"))
    live = wechat.channel.settle(wechat.post(), told)
    assert [(one.remote_id, one.url, one.data["article_id"]) for one in live.shown.values()] == [("A_1", "", "A")]


def test_an_event_of_a_publication_that_goes_on_is_not_its_end(wechat: Desk) -> None:
    inside = "<PublishEventInfo><publish_id>1</publish_id><publish_status>1</publish_status></PublishEventInfo>"
    assert wechat.channel.read_inbound(event("PUBLISHJOBFINISH", inside)) == []


# --- Weibo --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", NO_YES)
def test_weibo_has_deleted_nothing_and_sent_nothing_unless_it_says_so(weibo: Desk, body: bytes) -> None:
    weibo.platform.answers |= {"2/statuses/destroy.json": body, "2/messages/reply.json": body}
    with pytest.raises(Retryable):
        weibo.channel.withdraw(weibo.post("withdraw", placed={1: Placed(1, "5", "u", {})}))
    with pytest.raises(OutcomeUnknown):
        weibo.channel.reply("9", Reply(text="好"))


def test_a_message_of_which_weibo_says_no_was_not_sent(weibo: Desk) -> None:
    weibo.platform.answers["2/messages/reply.json"] = {"result": False}
    with pytest.raises(OutcomeUnknown):
        weibo.channel.reply("9", Reply(text="好"))


def test_figures_may_come_as_text_and_of_posts_nobody_asked_for(weibo: Desk) -> None:
    counted = {"comments": "1", "reposts": "2", "attitudes": "3"}
    weibo.platform.answers["2/statuses/count.json"] = [{"id": "5", **counted}, {"id": 6, **counted}]
    (reading,) = weibo.channel.read([Placed(1, "5", "u", {})])
    assert reading.figures == {"comments": 1, "shares": 2, "likes": 3}


def test_no_comments_may_be_an_empty_list(weibo: Desk) -> None:
    weibo.platform.answers["2/comments/show.json"] = []
    assert weibo.channel.hear_comments(Placed(1, "5", "u", {}), "").comments == []


@pytest.mark.parametrize(("minutes", "listed", "sent"), [(11, True, 0), (11, False, 1), (3, True, 1)])
def test_a_repeat_that_was_held_up_looks_first(weibo: Desk, minutes: int, listed: bool, sent: int) -> None:
    post = weibo.post(attempt=3)
    at = weibo.clock.now().strftime("%a %b %d %H:%M:%S %z %Y")
    status = {"id": 5, "idstr": "5", "text": post.items[0].text, "created_at": at, "user": {"id": 7}}
    timeline = {"statuses": [status] if listed else []}
    weibo.platform.answers |= {"2/statuses/user_timeline.json": timeline, "2/statuses/share.json": {**status, "id": 6}}
    weibo.clock.step(minutes=minutes)
    assert isinstance(weibo.channel.publish(post), Live)
    assert len(weibo.platform.asked["2/statuses/share.json"]) == sent


@pytest.mark.parametrize(("code", "told"), [(20031, CannotTell), (10004, CannotTell), (20019, Live), (20021, Refused)])
def test_a_repeat_that_is_refused_for_another_reason_says_nothing_of_the_first(
    weibo: Desk, code: int, told: type[Any]
) -> None:
    def no(number: int) -> httpx.Response:
        return httpx.Response(400, content=json.dumps({"error": "no", "error_code": number}).encode())

    weibo.platform.answers |= {"2/statuses/user_timeline.json": no(10014), "2/statuses/share.json": no(code)}
    try:
        settled = weibo.channel.reconcile(weibo.post())
    except Refused as refused:
        settled = refused
    assert isinstance(settled, told)


@pytest.mark.parametrize("code", [10020, 20003])
def test_a_refused_look_at_the_timeline_says_nothing_of_the_post(weibo: Desk, code: int) -> None:
    refused = httpx.Response(400, content=json.dumps({"error": "no", "error_code": code}).encode())
    weibo.platform.answers["2/statuses/user_timeline.json"] = refused
    assert isinstance(weibo.channel.reconcile(weibo.post()), CannotTell)


@pytest.mark.parametrize(("total", "told"), [(5, NotThere), (0, NotThere), (230, CannotTell)])
def test_a_timeline_that_shows_a_few_of_many_proves_no_absence(weibo: Desk, total: int, told: type[Any]) -> None:
    at = weibo.clock.now().strftime("%a %b %d %H:%M:%S %z %Y")
    later = [{"id": n, "idstr": str(n), "text": f"别的第{n}条", "created_at": at, "user": {"id": 7}} for n in range(5)]

    def page(request: httpx.Request) -> dict[str, Any]:
        return {"statuses": later if request.url.params["page"] == "1" else [], "total_number": total}

    weibo.platform.answers["2/statuses/user_timeline.json"] = page
    assert isinstance(weibo.channel.reconcile(weibo.post()), told)


@pytest.mark.parametrize("answer", [{}, None, {"access_token": "A", "expires_in": 1}])
def test_an_authorisation_that_lacks_its_parts_is_none(weibo: Desk, answer: Any) -> None:
    weibo.platform.answers["oauth2/access_token"] = answer
    with pytest.raises(Retryable):
        weibo.channel.exchange("https://x/cb", "code")


@pytest.mark.parametrize(
    ("data", "kinds"), [({"subtype": "click", "key": "k"}, ["click"]), ({"subtype": "new"}, []), ({}, [])]
)
def test_an_event_of_no_meaning_is_nobodys_words(weibo: Desk, data: dict[str, str], kinds: list[str]) -> None:
    about = {"sender_id": 9, "receiver_id": 7, "created_at": "Mon Jul 16 18:09:20 +0800 2012", "text": ""}
    push = signed("s", json.dumps({"type": "event", **about, "data": data}).encode())
    assert [one.kind for one in weibo.channel.read_inbound(push)] == kinds
