"""Every outbound limit of WeChat, at the limit and one beyond: told before sending, and refused by the platform.

The platform is asked with wechatpy, so that a limit we misread on both sides would show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels.abilities.menus import CLICK, VIEW, Button, problems
from channels.abilities.tags import name_problems
from channels.adapters.calling import next_month, today, tomorrow
from channels.adapters.wechat import WeChatChannel, fit
from channels.adapters.wechat.cropping import crops
from channels.adapters.wechat.inbound import passive_reply
from channels.adapters.wechat.menu import WeChatMenus
from channels.adapters.wechat.notices import LONGEST, fitting
from channels.adapters.wechat.progress import Progress
from channels.adapters.wechat.tags import WeChatTags
from channels.base import Accepted, CannotTell, Live, Message, Placed, Reply
from channels.errors import Refused, Throttled
from kernel.claim import new_claimant
from tests.channels.harness import make_item
from tests.channels.independent import named, refusal, wechatpy_on
from tests.channels.rehearsal.served import (
    APPID,
    CITIZEN,
    SERVICE_APPID,
    SERVICE_CITIZENS,
    SERVICE_SECRET,
    Rehearsal,
    png,
)
from tests.channels.sides import WeChatMassSide, WeChatPublishSide
from tests.factories import picture_bytes

GIF = picture_bytes(kind="GIF")
JPEG = picture_bytes(kind="JPEG")


@pytest.fixture
def side(rehearsed: Rehearsal) -> Iterator[WeChatPublishSide]:
    """The product's account."""
    made = WeChatPublishSide(rehearsed)
    yield made
    made.close()


@pytest.fixture
def client(rehearsed: Rehearsal) -> Iterator[Any]:
    """Somebody else's client on the same account."""
    with wechatpy_on(rehearsed) as client:
        yield client


@pytest.fixture
def service(rehearsed: Rehearsal) -> Iterator[Any]:
    """Somebody else's client on a service account."""
    with wechatpy_on(rehearsed, SERVICE_APPID, SERVICE_SECRET) as client:
        yield client


@pytest.fixture
def cover(client: Any) -> str:
    """A permanent picture."""
    return str(client.material.add("image", named(png(300)))["media_id"])


def blocked(side: WeChatPublishSide, settings: dict[str, Any] | None = None, **words: Any) -> list[str]:
    """The fields that the check before sending names."""
    post = side.post(made=[make_item(side.files, **words)])
    return [problem.field for problem in WeChatChannel.check(settings or {}, post) if problem.blocking]


def article(cover: str, **changes: Any) -> dict[str, Any]:
    """A proper article."""
    return {"title": "防汛提醒", "content": "<p>请注意安全。</p>", "thumb_media_id": cover, **changes}


def add(client: Any, one: dict[str, Any]) -> Any:
    """draft/add with every field of the article; the client's own call leaves out those it does not know."""
    return client.post("draft/add", data={"articles": [one]})


# --- articles -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "fits", "code"),
    [
        ("title", "供" * 32, 45003),
        ("title", "x" * 64, 45003),
        ("author", "陈" * 8, 45110),
        ("author", "x" * 16, 45110),
        ("digest", "供" * 120, 45004),
        ("digest", "x" * 240, 45004),
    ],
)
def test_words(side: WeChatPublishSide, client: Any, cover: str, field: str, fits: str, code: int) -> None:
    beyond = fits + "x"
    assert (blocked(side, **{field: fits}), blocked(side, **{field: beyond})) == ([], [field])
    assert refusal(lambda: client.draft.add([article(cover, **{field: fits})])) == 0
    assert refusal(lambda: client.draft.add([article(cover, **{field: beyond})])) == code


def test_the_text_in_characters(side: WeChatPublishSide, client: Any, cover: str) -> None:
    assert blocked(side, html="x" * 19_999) == []
    assert blocked(side, html="x" * 20_000) == ["body"]
    assert refusal(lambda: client.draft.add([article(cover, content="x" * 19_999)])) == 0
    assert refusal(lambda: client.draft.add([article(cover, content="x" * 20_000)])) == 45002


def test_the_text_in_bytes(side: WeChatPublishSide, client: Any, cover: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # 20 000 characters never make a megabyte: the bytes count only where an account may write longer.
    world = side.rehearsal.app.world
    rules = world.config.wechat_rules.model_copy(update={"content_characters": 2_000_000})
    monkeypatch.setattr(world, "config", world.config.model_copy(update={"wechat_rules": rules}))
    longer = {"body_characters": 2_000_000}
    assert blocked(side, longer, html="供" * 333_333) == []
    assert blocked(side, longer, html="供" * 333_333 + "x") == ["body"]
    assert refusal(lambda: client.draft.add([article(cover, content="供" * 333_333)])) == 0
    assert refusal(lambda: client.draft.add([article(cover, content="供" * 333_333 + "x")])) == 45002


def test_the_address_of_the_original(side: WeChatPublishSide, client: Any, cover: str) -> None:
    # Ours ends with the delivery's mark, whose longest is as long as the longest key.
    room = 1024 - len(fit.MARK) - fit.MARK_BYTES
    base = "https://www.yunzhou.example/"
    at, beyond = (
        side.post(made=[replace(make_item(side.files), url=base + "a" * (room - len(base) + more))]) for more in (0, 1)
    )
    assert WeChatChannel.check({}, at) == []
    assert [(one.field, one.blocking) for one in WeChatChannel.check({}, beyond)] == [("content_source_url", True)]
    assert isinstance(side.deliver(at).end, Live)
    with pytest.raises(Refused):
        side.channel.publish(beyond)
    longest = base + "a" * (1024 - len(base))
    assert refusal(lambda: client.draft.add([article(cover, content_source_url=longest)])) == 0
    assert refusal(lambda: client.draft.add([article(cover, content_source_url=longest + "a")])) == 45005


def test_the_number_of_articles(side: WeChatPublishSide, client: Any, cover: str) -> None:
    for number, fields in ((8, []), (9, ["items"])):
        found = WeChatChannel.check({}, side.post(items=number))
        assert [one.field for one in found if one.blocking] == fields
    with pytest.raises(Refused, match="1 至 8 条"):
        side.channel.publish(side.post(items=9))
    assert refusal(lambda: client.draft.add([article(cover)] * 8)) == 0
    assert refusal(lambda: client.draft.add([article(cover)] * 9)) == 45008


def test_the_pictures_of_a_picture_message(client: Any, cover: str) -> None:
    # What we tell before sending stands in test_wechat_pictures.
    def of(number: int) -> dict[str, Any]:
        return article(cover, article_type="newspic", image_info={"image_list": [{"image_media_id": cover}] * number})

    # wechatpy knows the older kind of article only.
    assert refusal(lambda: client.post("draft/add", data={"articles": [of(20)]})) == 0
    assert refusal(lambda: client.post("draft/add", data={"articles": [of(21)]})) == 40097


def test_pages_of_lists(side: WeChatPublishSide, client: Any) -> None:
    assert refusal(lambda: client.draft.batchget(0, 20)) == 0
    assert refusal(lambda: client.draft.batchget(0, 21)) == 40097
    assert refusal(lambda: client.freepublish.batchget(0, 21)) == 40097
    assert refusal(lambda: client.material.batchget("image", 0, 21)) == 40097
    side.deliver()
    side.channel.reconcile(side.post(attempted_at=side.clock.now()))
    calls = [
        line["data"] for line in side.rehearsal.ledger("call") if line["data"].get("path", "").endswith("batchget")
    ]
    assert not [call for call in calls[4:] if call.get("code")]


# --- pictures -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [(png(999_999), 0), (png(1_000_000), 40009), (JPEG, 0), (GIF, 40005)],
    ids=["at", "beyond", "jpeg", "gif"],
)
def test_what_uploadimg_takes(client: Any, content: bytes, code: int) -> None:
    assert refusal(lambda: client.media.upload_image(named(content))) == code


@pytest.mark.parametrize(("size", "by"), [(999_999, "picture"), (1_000_000, "material")])
def test_a_picture_too_large_for_a_text_goes_through_the_library(side: WeChatPublishSide, size: int, by: str) -> None:
    item = make_item(side.files)
    name = next(one for one in item.content["pictures"] if one != item.cover)
    side.files.kept[name] = png(size)
    about = {**item.content["pictures"], name: {"media_type": "image/png", "alt": "图", "size": size}}
    post = side.post(made=[replace(item, content={"pictures": about})])
    warned = [problem.field for problem in WeChatChannel.check({}, post)]
    assert warned == ([] if by == "picture" else ["body"])
    assert isinstance(side.deliver(post).end, Live)
    counted = {kind: len(side.rehearsal.ledger(kind)) for kind in ("picture", "material")}
    assert counted == ({"picture": 1, "material": 1} if by == "picture" else {"picture": 0, "material": 2})


@pytest.mark.parametrize(
    ("about", "fields"),
    [
        ({"size": 10_000_000}, []),
        ({"size": 10_000_001}, ["cover"]),
        ({"media_type": "image/gif"}, []),
        ({"media_type": "image/webp"}, ["cover"]),
    ],
)
def test_a_cover(side: WeChatPublishSide, about: dict[str, Any], fields: list[str]) -> None:
    item = make_item(side.files)
    pictures = {**item.content["pictures"], item.cover: {"media_type": "image/png", "alt": "封面", **about}}
    post = side.post(made=[replace(item, content={"pictures": pictures})])
    assert [problem.field for problem in WeChatChannel.check({}, post) if problem.blocking] == fields


@pytest.mark.parametrize(
    ("fits", "beyond"),
    [("0_0_1_1", "0_0_1.000001_1"), ("0_0_1_1", "0_0_1_1.000001"), ("0_0_0.5_0.5", "-0.000001_0_0.5_0.5")],
)
@pytest.mark.parametrize("shape", ["pic_crop_235_1", "pic_crop_1_1"])
def test_what_of_a_cover_shows(client: Any, cover: str, shape: str, fits: str, beyond: str) -> None:
    assert refusal(lambda: add(client, article(cover, **{shape: fits}))) == 0
    assert refusal(lambda: add(client, article(cover, **{shape: beyond}))) == 53402


@pytest.mark.parametrize("focus", [[0, 0], [100, 100], [-1, 101]])
@pytest.mark.parametrize(("width", "height"), [(900, 383), (383, 900), (3, 7), (10_000, 1)])
def test_what_we_name_of_a_cover_lies_within_it(
    client: Any, cover: str, focus: list[int], width: int, height: int
) -> None:
    named = crops({"cover": "c", "pictures": {"c": {"width": width, "height": height}}, "cover_focus": focus})
    assert len(named) == 2
    assert refusal(lambda: add(client, article(cover, **named))) == 0


@pytest.mark.parametrize(
    ("kind", "start", "most", "code"),
    [
        ("image", png(300), 10_000_000, 40009),
        ("thumb", JPEG, 64_000, 40009),
        ("voice", b"ID3", 2_000_000, 45001),
        ("video", b"\x00\x00\x00\x18ftypmp42", 10_000_000, 45001),
    ],
)
def test_the_library(client: Any, kind: str, start: bytes, most: int, code: int) -> None:
    def add(size: int, content: bytes = start) -> Any:
        return client.material.add(kind, named(content.ljust(size, b"\0")), title="题", introduction="介绍")

    assert (refusal(lambda: add(most)), refusal(lambda: add(most + 1))) == (0, code)
    assert refusal(lambda: add(0, b"nothing known")) == 40005


# --- sending ------------------------------------------------------------------------------------------


def test_the_key_of_a_mass_message(side: WeChatPublishSide, client: Any, cover: str) -> None:
    post = side.post(key=new_claimant())
    assert len(Progress(round=10**9).stamp(post).encode()) <= fit.MARK_BYTES
    draft = client.draft.add([article(cover)])["media_id"]
    send = client.message.send_mass_article
    assert refusal(lambda: send(draft, is_to_all=True, client_msg_id="k" * 65)) == 45067
    assert refusal(lambda: send(draft, is_to_all=True, client_msg_id="k" * 64)) == 0


def test_a_subscription_accounts_one_message_a_day(rehearsed: Rehearsal, client: Any) -> None:
    side = WeChatMassSide(rehearsed)
    assert isinstance(side.channel.publish(side.post()), Accepted)
    with pytest.raises(Throttled, match="已用完"):
        side.channel.publish(side.post(key="another", made=[make_item(side.files, 2)]))
    assert len(rehearsed.ledger("mass_submitted")) == 1
    assert refusal(lambda: client.message.send_mass_text("又一条", is_to_all=True)) == 45028
    side.close()


def test_a_service_accounts_four_messages_a_month(rehearsed: Rehearsal, service: Any) -> None:
    side = WeChatMassSide(rehearsed, settings={"type": "service", "mass_per_day": 9})
    for number in range(1, 5):
        side.channel.sending._count(side.post(key=str(number)), side.clock.now())
    with pytest.raises(Throttled):
        side.channel.publish(side.post())
    for number in range(1, 6):
        service.message.send_mass_text(f"第{number}条", tag_or_users=SERVICE_CITIZENS[:2])
        rehearsed.step(3)
    told = [line["data"]["recipients"] for line in rehearsed.wait_for("mass_send", 5)]
    assert [len(one) for one in told] == [2, 2, 2, 2, 0]
    side.close()


def test_a_service_accounts_four_messages_a_month_to_a_tag(rehearsed: Rehearsal, service: Any) -> None:
    side = WeChatMassSide(rehearsed, settings={"type": "service"})
    sending, now = side.channel.sending, side.clock.now()
    tagged, other = (side.post(audience={"tag_id": [{"id": tag, "name": "标签"}]}) for tag in (2, 7))
    sending._count(side.post(), now)
    for _ in range(2):
        sending._count(tagged, now)
    sending._check_quota(tagged)
    sending._count(tagged, now)
    with pytest.raises(Throttled, match="本月的群发次数已用完") as wait:
        side.channel.publish(tagged)
    assert wait.value.until == next_month(now)
    assert not rehearsed.ledger("mass_submitted")
    sending._check_quota(other)
    with pytest.raises(Throttled, match="今天的群发次数已用完"):
        sending._check_quota(side.post())
    tag = service.tag.create("物业")["id"]
    service.tag.tag_user(tag, SERVICE_CITIZENS[:1])
    for number in range(1, 6):
        service.message.send_mass_text(f"第{number}条", tag_or_users=tag)
        rehearsed.step(3)
    told = [line["data"]["recipients"] for line in rehearsed.wait_for("mass_send", 5)]
    assert [len(one) for one in told] == [1, 1, 1, 1, 0]
    side.close()


def test_sixty_mass_messages_a_minute(service: Any) -> None:
    tag = service.tag.create("物业")["id"]
    codes = [refusal(lambda n=n: service.message.send_mass_text(f"第{n}条", tag_or_users=tag)) for n in range(61)]
    assert codes == [0] * 60 + [45011]


def test_a_key_is_asked_for_while_the_platform_surely_knows_it(rehearsed: Rehearsal) -> None:
    # The platform forgets it after 24 hours; an hour is kept for clocks and queues.
    side = WeChatMassSide(rehearsed)
    post, lives = side.post(), timedelta(hours=23)
    assert isinstance(side.channel.publish(post), Accepted)
    side.wait(lives.total_seconds())
    now = side.clock.now()
    assert isinstance(side.channel.reconcile(replace(post, attempted_at=now - lives + timedelta(minutes=1))), Accepted)
    late = side.channel.reconcile(replace(post, attempted_at=now - lives - timedelta(minutes=1)))
    assert isinstance(late, CannotTell)
    assert len(rehearsed.ledger("mass_submitted")) == 1
    side.close()


def test_a_hundred_mass_messages_a_day_of_a_service_account(rehearsed: Rehearsal) -> None:
    side = WeChatMassSide(rehearsed, settings={"type": "service"})
    tagged = side.post(audience={"tag_id": 2})
    side.tools.quotas.used["mass_call", today(side.clock.now())] = 99
    side.channel.sending._check_quota(tagged)
    side.channel.sending._count(tagged, side.clock.now())
    with pytest.raises(Throttled, match="今天") as wait:
        side.channel.sending._check_quota(tagged)
    assert wait.value.until == tomorrow(side.clock.now())
    side.close()


@pytest.mark.parametrize(("number", "code"), [(1, 40130), (2, 0), (10_000, 0), (10_001, 40032)])
def test_a_mass_message_to_named_people(service: Any, number: int, code: int) -> None:
    people = [*SERVICE_CITIZENS, *(f"o{n}" for n in range(number))][:number]
    assert refusal(lambda: service.message.send_mass_text("通知", tag_or_users=people)) == code


def test_a_hundred_previews_a_day(side: WeChatPublishSide, client: Any, cover: str) -> None:
    draft = client.draft.add([article(cover)])["media_id"]
    side.tools.quotas.used["preview", today(side.clock.now())] = 99
    side.channel.send_preview(draft, CITIZEN)
    with pytest.raises(Throttled, match="100 次"):
        side.channel.send_preview(draft, CITIZEN)
    shown = [refusal(lambda: client.message.send_mass_article(draft, CITIZEN, preview=True)) for _ in range(100)]
    assert shown == [0] * 99 + [45009]


# --- to one citizen -----------------------------------------------------------------------------------

LONGEST_ANSWER = "供" * 682 + "xx"


def test_an_answer_in_bytes(side: WeChatPublishSide, client: Any) -> None:
    side.rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, content="您好")
    assert refusal(lambda: client.message.send_text(CITIZEN, LONGEST_ANSWER)) == 0
    assert refusal(lambda: client.message.send_text(CITIZEN, LONGEST_ANSWER + "x")) == 45002
    heard = Message("1", CITIZEN, "text", "您好", side.clock.now(), to="gh_1")
    for text, whole in ((LONGEST_ANSWER, True), (LONGEST_ANSWER + "x", False)):
        side.channel.reply(CITIZEN, Reply(text))
        sent = side.rehearsal.ledger("custom_message")[-1]["data"]["content"]["content"]
        assert (sent == text, len(sent.encode()) <= 2048) == (whole, True)
        passive = passive_reply({}, heard, Reply(text), side.clock.now(), 2048).decode()
        assert (text in passive) is whole


def test_five_answers_to_a_message(side: WeChatPublishSide, client: Any) -> None:
    side.rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, content="您好")
    assert [refusal(lambda: client.message.send_text(CITIZEN, "在")) for _ in range(6)] == [0] * 5 + [45047]
    with pytest.raises(Refused, match="条数已达上限"):
        side.channel.reply(CITIZEN, Reply("在"))


def test_one_card_in_an_answer(side: WeChatPublishSide, client: Any) -> None:
    side.rehearsal.control(f"wechat/{APPID}/push", openid=CITIZEN, content="您好")
    card = {"title": "指南", "description": "", "url": "https://a.example/1", "image": ""}
    assert refusal(lambda: client.message.send_articles(CITIZEN, [card])) == 0
    assert refusal(lambda: client.message.send_articles(CITIZEN, [card] * 2)) == 45008
    side.channel.reply(CITIZEN, Reply("看这里", "指南", "https://a.example/1"))


@pytest.mark.parametrize("kind", ["thing", "phrase"])
def test_the_places_of_a_service_notice(service: Any, kind: str) -> None:
    most = LONGEST[kind]
    values = {"thing1": "居住证", "phrase2": "已办结", "time3": "2026年3月1日"}
    place = next(one for one in values if one.startswith(kind))

    def send(text: str) -> int:
        data = {name: {"value": value} for name, value in {**values, place: text}.items()}
        return refusal(lambda: service.message.send_template(SERVICE_CITIZENS[0], "rehearsal-progress", data))

    assert (send("供" * most), send("供" * (most + 1))) == (0, 47003)
    assert fitting(place, "供" * most) == "供" * most
    assert send(fitting(place, "供" * (most + 1))) == 0


# --- the account's desk -------------------------------------------------------------------------------


def _menu(**button: str) -> tuple[Button, ...]:
    return (Button(**{"name": "办事", "kind": CLICK, "key": "k", **button}),)


def _below(number: int = 1, **button: str) -> tuple[Button, ...]:
    return (Button("办事", below=tuple(_menu(**button)[0] for _ in range(number))),)


@pytest.mark.parametrize(
    ("at", "beyond", "field", "code"),
    [
        (_menu() * 3, _menu() * 4, "menu", 40016),
        (_below(5), _below(6), "1.name", 40023),
        (_menu(name="x" * 16), _menu(name="x" * 17), "1.name", 40018),
        (_below(name="名" * 20), _below(name="名" * 20 + "x"), "1.1.name", 40025),
        (_menu(key="k" * 128), _menu(key="k" * 129), "1.key", 40019),
        (_below(key="k" * 128), _below(key="k" * 129), "1.1.key", 40026),
        (_menu(kind=VIEW, url="u" * 1024), _menu(kind=VIEW, url="u" * 1025), "1.url", 40020),
        (_below(kind=VIEW, url="u" * 1024), _below(kind=VIEW, url="u" * 1025), "1.1.url", 40027),
    ],
)
def test_menus(client: Any, at: tuple[Button, ...], beyond: tuple[Button, ...], field: str, code: int) -> None:
    def create(buttons: tuple[Button, ...]) -> int:
        def told(button: Button) -> dict[str, Any]:
            own = {"name": button.name, "type": button.kind, "key": button.key, "url": button.url}
            return {"name": button.name, "sub_button": [told(one) for one in button.below]} if button.below else own

        return refusal(lambda: client.menu.create({"button": [told(one) for one in buttons]}))

    limits = WeChatMenus.menu_limits
    assert (problems(limits, at), create(at)) == ([], 0)
    assert ([one.field for one in problems(limits, beyond)], create(beyond)) == ([field], code)


def test_tags(side: WeChatPublishSide, client: Any) -> None:
    limits, longest = WeChatTags.tag_limits, "标" * 10
    assert (name_problems(limits, longest), refusal(lambda: client.tag.create(longest))) == ([], 0)
    assert [one.field for one in name_problems(limits, longest + "x")] == ["name"]
    assert refusal(lambda: client.tag.create(longest + "x")) == 45158
    assert [refusal(lambda n=number: client.tag.create(f"t{n}")) for number in range(99)] == [0] * 99
    assert refusal(lambda: client.tag.create("第101个")) == 45056
    with pytest.raises(Refused, match="100 个") as full:
        side.channel.create_tag("第101个")
    assert full.value.field == "name"


def test_people_tagged_at_once(side: WeChatPublishSide, client: Any) -> None:
    for number in range(51):
        side.rehearsal.control(f"wechat/{APPID}/push", kind="subscribe", openid=f"o{number}")
    tag, people = client.tag.create("志愿者")["id"], [f"o{number}" for number in range(51)]
    assert refusal(lambda: client.tag.tag_user(tag, people[:50])) == 0
    assert refusal(lambda: client.tag.tag_user(tag, people)) == 40032
    side.channel.tag_people(tag, people)
    assert next(one.people for one in side.channel.tags() if one.id == tag) == 51


def test_comments(side: WeChatPublishSide, client: Any) -> None:
    side = WeChatPublishSide(side.rehearsal, settings={"open_comments": True})
    shown = side.deliver(side.post()).live.shown[1]
    placed, number = Placed(1, shown.remote_id, shown.url, shown.data), int(shown.data["msg_data_id"])
    page = shown.url.rsplit("/", 1)[1]
    for words in ("好", "谢谢"):
        side.rehearsal.control(f"wechat/{APPID}/pages/{page}/comments", openid=CITIZEN, content=words)
    assert refusal(lambda: client.material.list_comment(number, index=0, begin=0, count=49)) == 0
    assert refusal(lambda: client.material.list_comment(number, index=0, begin=0, count=50)) == 88010
    first, second = side.channel.hear_comments(placed, "").comments
    add, longest = client.material.add_reply_comment, "答" * 600
    assert refusal(lambda: add(number, 0, int(first.id), longest + "复")) == 88007
    assert refusal(lambda: add(number, 0, int(first.id), longest)) == 0
    assert side.channel.answer_fault(longest) == ""
    assert "600" in side.channel.answer_fault(longest + "复")
    side.channel.answer_comment(placed, second, longest)
    side.close()
