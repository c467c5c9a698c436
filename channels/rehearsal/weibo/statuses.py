"""Statuses: share, show, user_timeline, count and destroy (open.weibo.com/wiki/2/statuses/share)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from channels.rehearsal.media import sniff
from channels.rehearsal.weibo.call import Api, Call, shown_post
from channels.rehearsal.weibo.codes import Refusal
from channels.rehearsal.weibo.state import Post

_ADDRESS = re.compile(r"https?://[^\s一-鿿，。；！）】]+")
_TOPIC = re.compile(r"#[^#\s][^#]*#")


def characters(text: str) -> int:
    """Length in Chinese characters, two half-width ones counting as one; an address counts in full."""
    units = sum(1 if ord(character) < 128 else 2 for character in text)
    return (units + 1) // 2


async def share(call: Call) -> dict[str, Any]:
    """statuses/share: a post with at most one picture and at least one address of the app's own domains."""
    text, rip = call.needed("status"), call.address_of_operator()
    _check_text(call, text)
    picture = _picture(call)
    _check_frequency(call, text)
    post = Post(id=call.user.number(), text=text, at=call.now, rip=rip, picture=picture)
    call.user.posts[post.id] = post
    call.user.recent.append(call.now)
    call.record("post", id=post.id, text=text, picture=picture, rip=rip)
    return shown_post(call, call.user, post)


async def show(call: Call) -> dict[str, Any]:
    """statuses/show."""
    user, post = call.post()
    return shown_post(call, user, post)


async def timeline(call: Call) -> dict[str, Any]:
    """statuses/user_timeline: the account's own posts, newest first, at most 100 a page."""
    count, page, since = call.number("count", 20), call.number("page", 1), call.number("since_id", 0)
    posts = [post for post in call.user.posts.values() if not post.deleted and post.id > since]
    posts.sort(key=lambda post: post.id, reverse=True)
    count = min(max(count, 1), 100)
    start = (max(page, 1) - 1) * count
    shown = [shown_post(call, call.user, post) for post in posts[start : start + count]]
    return {"statuses": shown, "total_number": len(posts)}


async def count(call: Call) -> list[dict[str, Any]]:
    """statuses/count: comments, reposts and likes of up to 100 posts."""
    wanted = [one for one in call.needed("ids").split(",") if one]
    if len(wanted) > 100 or not all(one.isdigit() for one in wanted):
        raise Refusal(10008)
    found = [call.user.posts[int(one)] for one in wanted if int(one) in call.user.posts]
    return [
        {"id": post.id, "comments": len(post.comments), "reposts": post.reposts, "attitudes": post.attitudes}
        for post in found
        if not post.deleted
    ]


async def destroy(call: Call) -> dict[str, Any]:
    """statuses/destroy: own posts only; answers the status that is gone."""
    user, post = call.post()
    if user is not call.user:
        raise Refusal(20102)
    answer = shown_post(call, user, post)
    post.deleted = True
    call.record("post_deleted", id=post.id, text=post.text)
    return answer


def _check_text(call: Call, text: str) -> None:
    rules, account = call.world.config.weibo_rules, call.user.account
    if not text.strip():
        raise Refusal(20008)
    if characters(text) > rules.characters:
        raise Refusal(20012)
    if not account.safe_domains:
        raise Refusal(10017, "appkey not bind domain!")
    if not any(_is_safe(address, account.safe_domains) for address in _ADDRESS.findall(text)):
        raise Refusal(10017, "text not find domain!")
    if _TOPIC.search(_ADDRESS.sub("", text)):
        raise Refusal(rules.topic_code)


def _is_safe(address: str, domains: list[str]) -> bool:
    host = urlsplit(address).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _picture(call: Call) -> str:
    if call.picture is None:
        return ""
    form = sniff(call.picture)
    if form not in ("jpg", "gif", "png"):
        raise Refusal(20005)
    if len(call.picture) >= call.world.config.weibo_rules.picture_bytes:
        raise Refusal(20006)
    return f"/weibo/pictures/{call.world.blobs.put(call.picture)}"


def _check_frequency(call: Call, text: str) -> None:
    user, now = call.user, call.now
    window = call.world.config.weibo_rules.duplicate_seconds
    if any(post.text == text and now - post.at < window for post in user.posts.values()):
        raise Refusal(20019, "repeat content!")
    user.recent = [at for at in user.recent if now - at < 3600]
    if len(user.recent) >= user.account.posts_per_hour:
        raise Refusal(20016)


APIS = {
    "2/statuses/share.json": Api(share, "POST"),
    "2/statuses/show.json": Api(show),
    "2/statuses/user_timeline.json": Api(timeline, advanced=True),
    "2/statuses/count.json": Api(count),
    "2/statuses/destroy.json": Api(destroy, "POST", advanced=True),
}
