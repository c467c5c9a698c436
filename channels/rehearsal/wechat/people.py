"""Followers and their tags (developers.weixin.qq.com, user/get, user/info and tags)."""

from __future__ import annotations

from typing import Any

from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Person, Tag

PAGE = 10_000
BATCH = 100
TAGS = 100
TAG_BYTES = 30
TAGS_PER_PERSON = 20
TAGGED_AT_ONCE = 50
FIRST_TAG = 100


async def followers(call: Call) -> dict[str, Any]:
    """user/get: openids of followers, 10 000 a page."""
    everybody = [person.openid for person in call.state.people.values() if person.following]
    return _page(everybody, call.query.get("next_openid", ""), PAGE)


async def info(call: Call) -> dict[str, Any]:
    """user/info: no nickname, picture or place since 2021-12-27."""
    return _shown(_person(call, call.query.get("openid", "")))


async def batch(call: Call) -> dict[str, Any]:
    """user/info/batchget: up to 100 people."""
    wanted = call.body.get("user_list")
    if not isinstance(wanted, list) or not wanted or len(wanted) > BATCH:
        raise Refusal(40032)
    openids = [str(one.get("openid")) if isinstance(one, dict) else "" for one in wanted]
    return {"user_info_list": [_shown(_person(call, openid)) for openid in openids]}


async def remark(call: Call) -> dict[str, Any]:
    """user/info/updateremark."""
    _person(call, call.text("openid")).remark = call.text("remark")
    return OK


async def create_tag(call: Call) -> dict[str, Any]:
    """tags/create: at most 100, each name once and of at most 30 bytes."""
    name = _tag_name(call, 0)
    if len(call.state.tags) >= TAGS:
        raise Refusal(45056)
    tag = Tag(id=max(call.state.tags, default=FIRST_TAG - 1) + 1, name=name)
    call.state.tags[tag.id] = tag
    return {"tag": {"id": tag.id, "name": tag.name}}


async def tags(call: Call) -> dict[str, Any]:
    """tags/get."""
    people = call.state.people.values()
    listed = [
        {"id": tag.id, "name": tag.name, "count": sum(tag.id in person.tags for person in people)}
        for tag in call.state.tags.values()
    ]
    return {"tags": listed}


async def rename_tag(call: Call) -> dict[str, Any]:
    """tags/update."""
    tag = _tag(call, _tag_body(call).get("id"))
    tag.name = _tag_name(call, tag.id)
    return OK


async def delete_tag(call: Call) -> dict[str, Any]:
    """tags/delete."""
    tag = _tag(call, _tag_body(call).get("id"))
    if sum(tag.id in person.tags for person in call.state.people.values()) > call.rules.people_of_a_deletable_tag:
        raise Refusal(45057)
    del call.state.tags[tag.id]
    for person in call.state.people.values():
        person.tags = [one for one in person.tags if one != tag.id]
    return OK


async def tagged(call: Call) -> dict[str, Any]:
    """user/tag/get: who has a tag."""
    tag = _tag(call, call.body.get("tagid"))
    people = [p.openid for p in call.state.people.values() if p.following and tag.id in p.tags]
    return _page(people, call.text("next_openid"), PAGE)


async def tag_people(call: Call) -> dict[str, Any]:
    """tags/members/batchtagging: up to 50 people, each with at most 20 tags."""
    tag, people = _tag(call, call.body.get("tagid")), _people(call)
    if any(tag.id not in person.tags and len(person.tags) >= TAGS_PER_PERSON for person in people):
        raise Refusal(45059)
    for person in people:
        person.tags = list(dict.fromkeys([*person.tags, tag.id]))
    return OK


async def untag_people(call: Call) -> dict[str, Any]:
    """tags/members/batchuntagging."""
    tag = _tag(call, call.body.get("tagid"))
    for person in _people(call):
        person.tags = [one for one in person.tags if one != tag.id]
    return OK


async def tags_of(call: Call) -> dict[str, Any]:
    """tags/getidlist."""
    return {"tagid_list": _person(call, call.text("openid")).tags}


def _page(openids: list[str], after: str, size: int) -> dict[str, Any]:
    if after and after not in openids:
        raise Refusal(40003)
    start = openids.index(after) + 1 if after else 0
    listed = openids[start : start + size]
    answer: dict[str, Any] = {"total": len(openids), "count": len(listed)}
    if listed:
        answer["data"] = {"openid": listed}
    return answer | {"next_openid": listed[-1] if listed else ""}


def _shown(person: Person) -> dict[str, Any]:
    if not person.following:
        return {"subscribe": 0, "openid": person.openid}
    return {
        "subscribe": 1,
        "openid": person.openid,
        "nickname": "",
        "sex": 0,
        "language": "zh_CN",
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": int(person.since),
        "remark": person.remark,
        "groupid": person.tags[0] if person.tags else 0,
        "tagid_list": person.tags,
        "subscribe_scene": "ADD_SCENE_SEARCH",
        "qr_scene": 0,
        "qr_scene_str": "",
    }


def _person(call: Call, openid: str) -> Person:
    person = call.state.people.get(openid)
    if person is None:
        raise Refusal(40003)
    return person


def _people(call: Call) -> list[Person]:
    wanted = call.body.get("openid_list")
    if not isinstance(wanted, list) or not 1 <= len(wanted) <= TAGGED_AT_ONCE:
        raise Refusal(40032)
    return [_person(call, str(openid)) for openid in wanted]


def _tag_body(call: Call) -> dict[str, Any]:
    given = call.body.get("tag")
    if not isinstance(given, dict):
        raise Refusal(47001)
    return given


def _tag_name(call: Call, own: int) -> str:
    name = _tag_body(call).get("name")
    if not isinstance(name, str) or not name.strip():
        raise Refusal(45157)
    if any(tag.name == name and tag.id != own for tag in call.state.tags.values()):
        raise Refusal(45157)
    if len(name.encode()) > TAG_BYTES:
        raise Refusal(45158)
    return name


def _tag(call: Call, given: Any) -> Tag:
    if str(given) in ("0", "1", "2"):
        raise Refusal(45058)
    if not str(given).isdigit() or int(given) not in call.state.tags:
        raise Refusal(45159)
    return call.state.tags[int(given)]


APIS = {
    "cgi-bin/user/get": Api(followers, method="GET"),
    "cgi-bin/user/info": Api(info, method="GET"),
    "cgi-bin/user/info/batchget": Api(batch),
    "cgi-bin/user/info/updateremark": Api(remark),
    "cgi-bin/user/tag/get": Api(tagged, method="ANY"),
    "cgi-bin/tags/create": Api(create_tag),
    "cgi-bin/tags/get": Api(tags, method="ANY", body=False),
    "cgi-bin/tags/update": Api(rename_tag),
    "cgi-bin/tags/delete": Api(delete_tag),
    "cgi-bin/tags/members/batchtagging": Api(tag_people),
    "cgi-bin/tags/members/batchuntagging": Api(untag_people),
    "cgi-bin/tags/getidlist": Api(tags_of),
}
