"""集约化平台: what an account's maps make of a piece, what the platform's answers mean, what a person is left to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from channels.adapters import field_maps as fields
from channels.adapters.manual import ManualChannel
from channels.adapters.site_manual import SiteManualChannel
from channels.adapters.site_push import SitePushChannel
from channels.adapters.site_sftp import SiteSftpChannel
from channels.base import CannotTell, Channel, Live, NotThere, Placed, Post, Uncorrectable
from channels.errors import OutcomeUnknown, Refused, Unauthorised
from tests.channels.harness import MemoryFiles, MovingClock, film_post, make_account, make_item, make_tools

BASE = "http://127.0.0.1:9399/open"


class Platform:
    """Answers as told, and keeps what it was sent."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else httpx.Response(200, json={"id": 7})


def _channel(platform: Platform, **settings: Any) -> SitePushChannel:
    tools = make_tools(clock=MovingClock())
    object.__setattr__(tools, "http", httpx.Client(transport=httpx.MockTransport(platform)))
    account = make_account(
        "site_push", BASE, settings={"publish_path": "/api/articles", **settings}, credentials={"secret": "k"}
    )
    return SitePushChannel(account, tools)


def _post(channel: SitePushChannel, action: str = "publish", **more: Any) -> Post:
    item = make_item(channel.tools.files)  # type: ignore[arg-type]  # In memory.
    content = {
        **item.content, "column": {"slug": "notices", "name": "通知公告"}, "unit": "云州市住建局",
        "fields": {"document_number": "云建〔2026〕3号"}, "targets": [{"account": 1, "channel": "portal"}],
    }  # fmt: skip
    item = make_item(channel.tools.files, content=content)  # type: ignore[arg-type]  # In memory.
    return Post("d-1", action, [item], **more)  # type: ignore[arg-type]  # One of the actions.


def test_the_platform_gets_its_own_names_constants_and_column() -> None:
    platform = Platform()
    channel = _channel(
        platform,
        fields=["doc.title=title", "doc.content=body", "doc.no=number", "channel=column"],
        constants=["siteId=44", "doc.state=1"],
        columns=["notices=1203"],
        auth_header="X-Key",
    )
    channel.publish(_post(channel))
    (request,) = platform.requests
    sent = json.loads(request.content)
    assert (sent["siteId"], sent["channel"], sent["doc"]["state"]) == ("44", "1203", "1")
    assert sent["doc"]["no"] == "云建〔2026〕3号"
    assert "供热" in sent["doc"]["content"]
    assert f'src="{channel.tools.public_url}/media/' in sent["doc"]["content"]
    assert request.headers["X-Key"] == "k"
    assert str(request.url) == f"{BASE}/api/articles"


def test_a_films_captions_are_linked_at_our_portal_beside_it() -> None:
    platform = Platform()
    channel = _channel(platform, fields=["content=body"])
    post, (film, track) = film_post(channel.tools.files)  # type: ignore[arg-type]  # In memory.
    channel.publish(post)
    sent = json.loads(platform.requests[0].content)["content"]
    for file in (film, track):
        assert f'<a href="{channel.tools.public_url}{file["href"]}">{file["name"]}</a>' in sent
    assert channel.check(channel.account.settings, post) == []


@pytest.mark.parametrize(
    ("chosen", "portal", "embedded"), [("embed", True, True), ("", True, False), ("", False, True)]
)
def test_pictures_travel_with_the_text_where_no_page_of_ours_shows_them(
    chosen: str, portal: bool, embedded: bool
) -> None:
    platform = Platform()
    channel = _channel(platform, pictures=chosen, fields=["content=body"])
    item = make_item(channel.tools.files)  # type: ignore[arg-type]  # In memory.
    targets = [{"account": 1, "channel": "portal"}] if portal else []
    channel.publish(Post("d-1", "publish", [replace(item, content={**item.content, "targets": targets})]))
    assert ("data:image/png;base64," in json.loads(platform.requests[0].content)["content"]) is embedded


def test_links_to_a_portal_that_will_not_have_the_piece_are_told_beforehand() -> None:
    item = make_item(MemoryFiles())
    files = {**item.content, "attachments": [{"name": "表.docx", "href": "/files/a/表.docx", "sha256": "a", "size": 1}]}
    alone, there = (
        Post("d-1", "publish", [replace(item, content={**files, "targets": [{"account": 1, "channel": name}]})])
        for name in ("site_push", "portal")
    )

    def told(settings: dict[str, Any], post: Post) -> list[tuple[str, bool]]:
        return [(one.field, one.blocking) for one in SitePushChannel.check(settings, post)]

    assert told({"pictures": "link"}, alone) == [("account", True), ("attachments", False)]
    assert told({"pictures": "embed"}, alone) == told({}, alone) == [("attachments", False)]
    assert told({"pictures": "link"}, there) == told({}, replace(alone, action="withdraw")) == []


@pytest.mark.parametrize(
    ("settings", "answer", "number", "url"),
    [
        ({"answer_id": "data.list.0.id"}, {"data": {"list": [{"id": 9}]}}, "9", ""),
        ({"answer_url": "link"}, {"id": "a/b", "link": "https://x.example/1"}, "a/b", "https://x.example/1"),
        ({"page_url": "https://x.example/art/{id}.html"}, {"id": "a/b"}, "a/b", "https://x.example/art/a%2Fb.html"),
        ({}, {"id": 1, "url": "javascript:alert(1)"}, "1", ""),
        ({}, None, "", ""),
    ],
)
def test_number_and_address_stand_where_the_account_says(
    settings: dict[str, Any], answer: Any, number: str, url: str
) -> None:
    channel = _channel(Platform(httpx.Response(200, json=answer) if answer else httpx.Response(204)), **settings)
    live = channel.publish(_post(channel))
    assert isinstance(live, Live)
    assert (live.shown[1].remote_id, live.shown[1].url) == (number, url)


def test_a_yes_in_http_may_be_a_no_in_words() -> None:
    channel = _channel(Platform(httpx.Response(200, json={"code": 5, "msg": "标题重复"})), answer_ok="code=0|200")
    with pytest.raises(Refused, match="标题重复"):
        channel.publish(_post(channel))
    assert isinstance(
        _channel(Platform(httpx.Response(200, json={"code": 200})), answer_ok="code=0|200").publish(_post(channel)),
        Live,
    )


def test_an_answer_that_nobody_understands_is_no_yes() -> None:
    channel = _channel(Platform(httpx.Response(200, text="<html>登录</html>")), answer_ok="code=0")
    with pytest.raises(OutcomeUnknown):
        channel.publish(_post(channel))
    with pytest.raises(Unauthorised):
        _channel(Platform(httpx.Response(403))).publish(_post(channel))


def test_a_lost_answer_is_asked_for_where_the_platform_can_be_asked() -> None:
    assert isinstance(_channel(Platform()).reconcile(_post(_channel(Platform()))), CannotTell)
    asked = Platform(httpx.Response(200, json={"id": 3}), httpx.Response(404))
    channel = _channel(asked, query_path="/api/articles?key={key}")
    assert isinstance(channel.reconcile(_post(channel)), Live)
    assert isinstance(channel.reconcile(_post(channel)), NotThere)
    assert str(asked.requests[0].url) == f"{BASE}/api/articles?key=d-1"


@pytest.mark.parametrize(
    ("status", "told", "settled"),
    [
        (200, {"code": 0, "data": None}, NotThere),
        (200, {"code": 0, "data": {"list": []}}, NotThere),
        (200, {"code": 0, "data": []}, NotThere),
        (200, {"code": 404, "msg": "没有这篇文章"}, NotThere),
        (200, {"code": 0, "data": {"id": "77"}}, Live),
        (200, {"code": 0, "data": {"list": [{"id": "77", "url": "https://x.example/77"}]}}, Live),
        (200, {"code": 0, "data": [{"id": "77"}]}, Live),
        (200, {"code": 0, "data": {"list": [{"id": "77"}, {"id": "78"}]}}, CannotTell),
        (200, {"code": 0, "data": {"list": [{"title": "x"}]}}, CannotTell),
        (200, {"code": 0}, CannotTell),
        (200, {"code": 500, "msg": "系统繁忙"}, CannotTell),
        (400, {"code": 1}, CannotTell),
        (302, None, CannotTell),
    ],
)
def test_only_what_the_platform_says_plainly_settles_a_lost_answer(
    status: int, told: dict[str, object] | None, settled: type[object]
) -> None:
    answer = httpx.Response(status, json=told) if told is not None else httpx.Response(status)
    channel = _channel(
        Platform(answer), query_path="/a?k={key}", answer_ok="code=0", answer_id="data.id", answer_url="data.url"
    )
    found = channel.reconcile(_post(channel))
    assert type(found) is settled
    if isinstance(found, Live):
        assert found.shown[1].remote_id == "77"


def test_what_the_platform_cannot_change_a_person_changes() -> None:
    placed = {1: Placed(1, "9/9", "https://x.example/9")}
    channel = _channel(Platform())
    for act in (
        channel.correct(_post(channel, "correct", placed=placed)),
        channel.withdraw(_post(channel, "withdraw")),
    ):
        assert isinstance(act, Uncorrectable)
        assert act.by_hand
    platform = Platform(httpx.Response(200, json={}), httpx.Response(404))
    channel = _channel(platform, correct_path="/a/{id}", withdraw_path="/a/{id}")
    corrected = channel.correct(_post(channel, "correct", placed=placed))
    assert isinstance(corrected, Live)
    assert (corrected.shown[1].remote_id, corrected.shown[1].url) == ("9/9", "https://x.example/9")
    assert isinstance(channel.withdraw(_post(channel, "withdraw", placed=placed)), Live)
    assert [(one.method, one.url.raw_path) for one in platform.requests] == [
        ("PUT", b"/open/a/9%2F9"), ("DELETE", b"/open/a/9%2F9"),
    ]  # fmt: skip


def test_a_wrong_map_and_a_column_without_number_are_told_before_booking() -> None:
    channel = _channel(Platform())
    settings = {"fields": ["title", "a b=title", "x=没有"], "constants": ["=1"], "columns": ["news=1"]}
    told = [problem.message for problem in SitePushChannel.check(settings, _post(channel))]
    assert len(told) == 5
    assert any("通知公告" in one for one in told)
    assert SitePushChannel.check({}, _post(channel)) == []


def test_an_account_without_an_address_calls_nobody() -> None:
    platform = Platform()
    channel = _channel(platform)
    nowhere = SitePushChannel(make_account("site_push", "", settings=channel.account.settings), channel.tools)
    with pytest.raises(Refused, match="接口地址"):
        nowhere.publish(_post(channel))
    assert platform.requests == []


@pytest.mark.parametrize("path", ["", "a", "a.b.c", "a.9", "a.-1", "a.b"])
def test_a_path_that_leads_nowhere_is_nothing(path: str) -> None:
    assert fields.found_at({"a": [1], "b": {"c": True}}, path) == ""


def test_attachments_go_with_their_names_and_whole_addresses() -> None:
    platform = Platform()
    channel = _channel(platform, fields=["files=attachments", "content=body"], pictures="embed")
    item = make_item(channel.tools.files)  # type: ignore[arg-type]  # In memory.
    href = f"/files/{'a' * 64}/表 一.docx"
    item = replace(
        item,
        html=f'{item.html}<ol><li><a href="{href}">表 一.docx</a></li></ol>',
        content={**item.content, "attachments": [{"name": "表 一.docx", "sha256": "a" * 64, "size": 1, "href": href}]},
    )
    channel.publish(Post("d-1", "publish", [item]))
    sent = json.loads(platform.requests[0].content)
    site = channel.tools.public_url
    assert sent["files"] == f"表 一.docx {site}/files/{'a' * 64}/%E8%A1%A8%20%E4%B8%80.docx"
    assert f'href="{site}{href}"' in sent["content"]


@pytest.mark.parametrize("adapter", [SitePushChannel, SiteSftpChannel, ManualChannel, SiteManualChannel])
def test_an_empty_article_is_told_before_it_is_sent(adapter: type[Channel]) -> None:
    item = replace(make_item(MemoryFiles()), html="", text="")
    problems = adapter.check({}, Post("d-1", "publish", [item]))
    assert ["正文为空" in one.message for one in problems if one.field == "body" and one.blocking] == [True]
    assert not [one for one in adapter.check({}, Post("d-1", "withdraw", [item])) if one.field == "body"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(200, json={"code": 404, "msg": "没有这篇文章"}), ""),
        (httpx.Response(200, json={"code": 0, "data": []}), ""),
        (httpx.Response(404), None),
        (httpx.Response(200, json={"code": 7, "msg": "接口停用"}), "接口停用"),
        (httpx.Response(503), "对方平台返回 HTTP 503"),
    ],
)
def test_the_platform_is_asked_whether_the_secret_holds(answer: httpx.Response, told: str | None) -> None:
    platform = Platform(answer)
    assert _channel(platform, query_path="/a?k={key}", answer_ok="code=0").health() == told
    assert platform.requests[0].headers["authorization"] == "k"


def test_a_refused_secret_is_told_and_without_a_query_nobody_is_asked() -> None:
    with pytest.raises(Unauthorised):
        _channel(Platform(httpx.Response(401)), query_path="/a?k={key}").health()
    silent = Platform()
    assert _channel(silent).health() is None
    assert silent.requests == []
