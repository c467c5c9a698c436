"""真实预览: a draft that only the office sees, read back from the platform and sent to those who sign.

The draft bears its key in 阅读原文's address like every draft of ours, so that one whose number was lost is found.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels.abilities.preview import Loss, Previewed, Tell
from channels.adapters.calling import leaving, today, tomorrow
from channels.adapters.wechat.compare import losses
from channels.adapters.wechat.drafts import PAGES_AT_ALL, Drafts
from channels.adapters.wechat.progress import Progress
from channels.adapters.wechat.sending import Sending
from channels.base import Post
from channels.errors import Throttled

PREVIEWS_A_DAY = 100
PREVIEWS = "preview"
# The rest of the uploads waits for the next attempt; by then the row's claim must still be held.
PREPARE_SECONDS = 60.0
OPENID = re.compile(r"o[A-Za-z0-9_-]{27}")
WECHAT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{5,19}")


def reader_fault(reader: str) -> str:
    """What is wrong with somebody's own WeChat name, '' when nothing is."""
    if OPENID.fullmatch(reader) or WECHAT_ID.fullmatch(reader):
        return ""
    return "微信号为 6 至 20 位字母、数字、下划线或减号，以字母开头；也可填本公众号下的 OpenID（28 位，以 o 开头）。"


def preview(sending: Sending, post: Post, tell: Tell) -> Previewed:
    """Makes the draft, reads it back, and says what it lost."""
    progress = Progress.of(post)
    drafts = Drafts(
        sending.client,
        sending.tools.files,
        replace(sending.options, prepare_seconds=PREPARE_SECONDS),
        sending.harmlessly,
    )
    with leaving(progress.note):
        if post.attempt > 1:
            drafts.clear(progress.stamp(post))
        articles = drafts.articles(post, progress, tell)
        media_id = drafts.add(articles, progress)
        news = drafts.read_back(media_id)
    names = {address: _name(post, sha256) for sha256, address in progress.pictures.items()}
    found = list(_refused(post, progress))
    for number, sent in enumerate(articles, start=1):
        got = news[number - 1] if number <= len(news) else None
        if got is None or got.get("content") is None:
            found.append(Loss("text", "block", f"第 {number} 篇没有出现在平台的草稿里：读回的草稿中没有它的正文。"))
        else:
            found += [*losses(sent, got, names), *_fewer_pictures(sent, got)]
    return Previewed(media_id, str(news[0].get("url") or "") if news else "", found)


def send(sending: Sending, media_id: str, reader: str) -> None:
    """To one person's own account; a lost answer is not repeated, since he would get it twice."""
    now = sending.tools.clock.now()
    if not sending.tools.quotas.take(sending.account.id, PREVIEWS, today(now), PREVIEWS_A_DAY):
        raise Throttled(f"今天的预览次数（{PREVIEWS_A_DAY} 次）已用完", tomorrow(now), code="45009")
    to = {"touser": reader} if OPENID.fullmatch(reader) else {"towxname": reader}
    with sending.visibly():
        body = {**to, "msgtype": "mpnews", "mpnews": {"media_id": media_id}}
        sending.client.post("message/mass/preview", data=body)


def discard(sending: Sending, post: Post, media_id: str) -> None:
    """Removes the draft by its number, and whatever else bears its key."""
    progress = Progress.of(post)
    for known in dict.fromkeys(one for one in (media_id, progress.draft) if one):
        sending.drafts.remove(known)
    sending.drafts.clear(progress.stamp(post), PAGES_AT_ALL)


def _fewer_pictures(sent: Mapping[str, Any], got: Mapping[str, Any]) -> list[Loss]:
    """Of a 图片消息, where the platform tells which pictures it kept."""
    wanted, kept = (len((one.get("image_info") or {}).get("image_list") or ()) for one in (sent, got))
    if "image_info" not in got or kept >= wanted:
        return []
    return [Loss("picture", "block", f"图片消息送出 {wanted} 张图片，平台只保留了 {kept} 张。")]


def _refused(post: Post, progress: Progress) -> list[Loss]:
    return [
        Loss("picture", "block", f"图片“{_name(post, sha256)}”未被平台接受（{reason}），已从正文中去掉。")
        for sha256, reason in progress.refused.items()
    ]


def _name(post: Post, sha256: str) -> str:
    for item in post.items:
        about = item.content.get("pictures", {}).get(sha256)
        if about:
            return str(about.get("alt") or "未命名")
    return "未命名"
