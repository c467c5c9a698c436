"""Customer-service messages and the window in which they may be sent.

Rules: developers.weixin.qq.com, customer/message/api_sendcustommessage: five in 48 hours after a message, three in one
minute after a menu click, a subscription or a scan.
"""

from __future__ import annotations

from typing import Any

from channels.rehearsal.wechat import material
from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Grant, Person

HOURS_48 = 48 * 3600
_AFTER_MESSAGE = (HOURS_48, 5)
_AFTER_CLICK = (60, 3)
_CLICKS = ("CLICK", "subscribe", "SCAN")
_NO_GRANT = ("unsubscribe", "VIEW", "LOCATION")
_MEDIA_KINDS = {"image": "image", "voice": "voice", "video": "video"}
_NEEDED = {
    "music": ["musicurl", "hqmusicurl", "thumb_media_id"],
    "msgmenu": ["list"],
    "wxcard": ["card_id"],
    "miniprogrampage": ["title", "appid", "pagepath", "thumb_media_id"],
    "mpnews": ["media_id"],
    "mpnewsarticle": ["article_id"],
    "link": ["title", "url"],
}


def grant(person: Person, kind: str, now: float) -> None:
    """Give leave to write for what the person just did."""
    if kind in _NO_GRANT:
        return
    seconds, left = _AFTER_CLICK if kind in _CLICKS else _AFTER_MESSAGE
    person.grants["click" if kind in _CLICKS else "message"] = Grant(until=now + seconds, left=left)


async def send(call: Call) -> dict[str, Any]:
    """message/custom/send."""
    person = _addressee(call)
    kind = call.text("msgtype")
    content = _content(call, kind)
    _spend(person, call.now)
    account = call.body.get("customservice")
    call.record("custom_message", openid=person.openid, msgtype=kind, content=content, by=account or {})
    return OK


async def typing(call: Call) -> dict[str, Any]:
    """message/custom/typing: the "对方正在输入" line."""
    person = _addressee(call)
    command = call.text("command")
    if command not in ("Typing", "CancelTyping"):
        raise Refusal(45072)
    if not any(granted.until > call.now for granted in person.grants.values()):
        raise Refusal(45080)
    call.record("typing", openid=person.openid, command=command)
    return OK


def _addressee(call: Call) -> Person:
    person = call.state.people.get(call.text("touser"))
    if person is None:
        raise Refusal(40003)
    if not person.following:
        raise Refusal(45015)
    if person.blocked:
        raise Refusal(48002)
    return person


def _spend(person: Person, now: float) -> None:
    open_now = [granted for granted in person.grants.values() if granted.until > now]
    if not open_now:
        raise Refusal(45015)
    left = sorted((granted for granted in open_now if granted.left > 0), key=lambda granted: granted.until)
    if not left:
        raise Refusal(45047)
    left[0].left -= 1


def _content(call: Call, kind: str) -> dict[str, Any]:
    content = call.body.get(kind)
    if kind not in ("text", "news", *_MEDIA_KINDS, *_NEEDED):
        raise Refusal(40008)
    if not isinstance(content, dict):
        raise Refusal(47003)
    content = dict(content)
    if kind == "text":
        _check_text(call, str(content.get("content", "")))
    elif kind == "news":
        _check_news(call, content)
    elif kind in _MEDIA_KINDS:
        found = material.usable(call, str(content.get("media_id")), _MEDIA_KINDS[kind])
        content["path"] = material.picture_path(found.key, found.form)
    else:
        _check_others(call, kind, content)
    return content


def _check_text(call: Call, text: str) -> None:
    if not text:
        raise Refusal(44004)
    if len(text.encode()) > call.rules.custom_text_bytes:
        raise Refusal(45002)


def _check_news(call: Call, content: dict[str, Any]) -> None:
    listed = content.get("articles")
    if not isinstance(listed, list) or not listed:
        raise Refusal(44003)
    if len(listed) > call.rules.custom_news_articles:
        raise Refusal(45008)
    if not all(isinstance(article, dict) and article.get("title") and article.get("url") for article in listed):
        raise Refusal(47003)


def _check_others(call: Call, kind: str, content: dict[str, Any]) -> None:
    if any(not content.get(name) for name in _NEEDED[kind]):
        raise Refusal(47003)
    publications = call.state.publications.values()
    if kind == "mpnewsarticle":
        found = next((p for p in publications if p.article_id == content["article_id"] and p.pages), None)
        if found is None:
            raise Refusal(53600)
        pages = [call.state.pages[key] for key in found.pages]
        content["articles"] = [{"title": page.article.title, "path": f"/wechat/s/{page.page_id}"} for page in pages]
    if kind == "mpnews" and content["media_id"] not in call.state.drafts:
        raise Refusal(40007)
    if "thumb_media_id" in _NEEDED[kind]:
        material.usable(call, str(content["thumb_media_id"]), "image", "thumb")


APIS = {
    "cgi-bin/message/custom/send": Api(send, certified=True),
    "cgi-bin/message/custom/typing": Api(typing, certified=True),
}
