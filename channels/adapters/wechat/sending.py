"""群发 and 只发布: hands a draft over, asks for the result, and settles answers that were lost.

群发 carries our own key: the platform takes it once in 24 hours, so that repeating it is asking. 只发布 has no key:
after a lost answer it is submitted again only when the list of published articles has no such article, and the draft
has lain in the box long enough to be surely not on its way. Rules: developers.weixin.qq.com, Batch_Sends and Publish.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from channels.abilities.sent_to import SENT_TO
from channels.adapters.calling import acting, harmless, leaving, next_month, period_of, today, tomorrow
from channels.adapters.wechat import codes
from channels.adapters.wechat.client import HubWeChatClient
from channels.adapters.wechat.codes import Answered, error_of
from channels.adapters.wechat.drafts import PAGES_LOOKED_AT, PER_PAGE, Drafts, bears, page_of, titles_of
from channels.adapters.wechat.fit import tags_of
from channels.adapters.wechat.options import WeChatOptions
from channels.adapters.wechat.progress import Progress
from channels.adapters.wechat.rationing import CALLS, SENDS, rations
from channels.base import Accepted, AccountInfo, CannotTell, Live, NotThere, Placed, Post, Settlement, Shown, Tools
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, WouldSend

MASS = "mass"
PUBLISH = "publish"
CONFIRM_WITHIN = timedelta(minutes=30)
KEY_LIVES = timedelta(hours=23)
CLOCKS_DIFFER = timedelta(minutes=10)
# How soon after a lost answer an empty draft box and an empty list prove that nothing was submitted.
SURELY_LISTED = timedelta(minutes=2)
ADDRESS_MAY_COME = timedelta(seconds=15)


class Sending:
    """What one account sends."""

    def __init__(self, account: AccountInfo, tools: Tools, options: WeChatOptions, client: HubWeChatClient) -> None:
        self.account = account
        self.tools = tools
        self.options = options
        self.client = client
        self.drafts = Drafts(client, tools.files, options, self.harmlessly)

    # --- calls ------------------------------------------------------------------------------------

    @contextmanager
    def harmlessly(self) -> Iterator[None]:
        """A call nobody sees the effect of."""
        try:
            with harmless():
                yield
        except Answered as answer:
            raise error_of(answer, self.tools.clock.now()) from answer

    @contextmanager
    def visibly(self) -> Iterator[None]:
        """A call people see the effect of; "system busy" may come after it took effect."""
        try:
            with acting():
                yield
        except Answered as answer:
            if answer.code == codes.BUSY:
                raise OutcomeUnknown("微信系统繁忙，未说明是否已受理", code=str(answer.code)) from answer
            raise error_of(answer, self.tools.clock.now()) from answer

    # --- 群发 -------------------------------------------------------------------------------------

    def mass_send(self, post: Post) -> Accepted:
        """Sends to all followers, or to those with a tag."""
        progress = Progress.of(post)
        with leaving(progress.note):
            self._check_quota(post)
            media_id = self._draft(post, progress)
            progress.handed_at = ""
            return self._mass(post, progress, media_id)

    def ask_mass(self, post: Post) -> Settlement:
        """Repeats under the same key, which the platform takes once: a lost answer costs nobody a second message."""
        now = self.tools.clock.now()
        if post.attempted_at and now - post.attempted_at > KEY_LIVES:
            return CannotTell("已超过 24 小时，平台不再记得群发编号，请到公众平台后台查看")
        if post.look_only:
            raise WouldSend
        progress = Progress.of(post)
        with leaving(progress.note):
            try:
                there = progress.draft and self.drafts.there(progress.draft)
                media_id = progress.draft if there else self.drafts.make(post, progress)
            except Refused as refused:
                return _not_told(refused)
            try:
                return self._mass(post, progress, media_id)
            except Refused as refused:
                if refused.platform_code != str(codes.NO_SUCH_MEDIA):
                    raise
                # The draft left the box between our look and the question.
                raise OutcomeUnknown(refused.reason, code=refused.platform_code) from refused
            except OutcomeUnknown as unknown:
                if unknown.platform_code == str(codes.SAME_KEY):
                    return CannotTell(f"{unknown.reason}，请到公众平台后台查看")
                if unknown.platform_code != str(codes.SAME_KEY_TOO_FAST):
                    raise
                raise Throttled(unknown.reason, now + timedelta(seconds=61), code=unknown.platform_code) from unknown

    def _mass(self, post: Post, progress: Progress, media_id: str) -> Accepted:
        body = {
            "filter": _filter(post.audience),
            "msgtype": "mpnews",
            "mpnews": {"media_id": media_id},
            "send_ignore_reprint": int(self.options.send_ignore_reprint),
            "clientmsgid": progress.stamp(post),
        }
        now = self.tools.clock.now()
        before = _moment(progress.handed_at) or post.attempted_at
        progress.handed_at = (before or now).isoformat()
        try:
            with self.visibly():
                answer = self._sendall(body)
        except Throttled as wait:
            if wait.platform_code == str(codes.NO_MASS_QUOTA):
                self._use_up(post, now)
            raise
        known = int(answer.get("errcode") or 0) == codes.SAME_KEY
        if known:
            self.drafts.remove(media_id)
        progress.msg_data_id = answer.get("msg_data_id")
        # What the platform had already counts on the day on which it was handed over, not on that of the question.
        self._count(post, before if known and before else now)
        confirm = self._confirms(post)
        return Accepted(
            f"{MASS}:{answer['msg_id']}",
            poll_after=timedelta(seconds=20 if confirm else 5),
            waiting="公众号管理员在微信上确认群发" if confirm else "",
            expires_after=CONFIRM_WITHIN if confirm else None,
            data=progress.note(),
        )

    def _sendall(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer: Mapping[str, Any] = self.client.post("message/mass/sendall", data=body)
        except Answered as refused:
            if refused.code == codes.SAME_KEY and refused.data.get("msg_id"):
                return refused.data
            if refused.code == codes.SAME_KEY:
                raise OutcomeUnknown("微信已有这条群发，但没有给出编号", code=str(refused.code)) from refused
            if refused.code == codes.SAME_KEY_TOO_FAST:
                # The platform has this key already; whoever asks again in a minute is told the message's number.
                raise OutcomeUnknown("微信已有这条群发，一分钟后核实", code=str(refused.code)) from refused
            raise
        return answer

    def poll_mass(self, post: Post, msg_id: str) -> Settlement:
        """How a mass message stands; the poll tells no addresses, the event does, so it gets a moment to come."""
        progress = Progress.of(post)
        try:
            with self.harmlessly():
                status = self.client.message.get_mass(int(msg_id)).get("msg_status")
        except Refused as refused:
            if refused.platform_code == str(codes.BAD_MESSAGE_ID):
                return CannotTell("微信不认识这条群发的编号，请到公众平台后台查看")
            return _not_told(refused)
        if status == "SEND_SUCCESS":
            if self.account.credentials.get("token") and not progress.sent_seen:
                progress.sent_seen = True
                return Accepted(f"{MASS}:{msg_id}", ADDRESS_MAY_COME, "等待微信回传文章链接", data=progress.note())
            return self.mass_live(post, msg_id, [""] * len(post.items))
        if status in ("SEND_FAIL", "DELETE"):
            unconfirmed = "（可能是管理员未确认）" if self._confirms(post) else ""
            words = f"平台报告群发失败{unconfirmed}" if status == "SEND_FAIL" else "这条群发已在平台上被删除"
            with leaving(progress.failed):
                raise Refused(words, code=str(status))
        waiting = "公众号管理员在微信上确认群发" if self._confirms(post) else ""
        return Accepted(f"{MASS}:{msg_id}", self._later(post), waiting)

    def _confirms(self, post: Post) -> bool:
        """Whether the account's administrator is asked: for a send to all, never for one to a tag."""
        return self.options.confirm_mass_send and not tags_of(post.audience)

    def mass_live(self, post: Post, msg_id: str, urls: Sequence[str]) -> Live:
        """Where a mass message's articles show; its addresses may be unknown."""
        progress = Progress.of(post)
        found = {
            item.piece_id: shown_of(idx, url, msg_id=int(msg_id), msg_data_id=progress.msg_data_id)
            for idx, (item, url) in enumerate(zip(post.items, urls, strict=False), start=1)
        }
        shown = with_earlier(post, found, removed=progress.removed)
        missing = "" if all(urls) else "微信未回传文章链接，可在公众号内查看后补登。"
        return Live(shown, progress.remark(post) + missing)

    # --- 只发布 -----------------------------------------------------------------------------------

    def publish(self, post: Post, progress: Progress | None = None) -> Accepted:
        """Publishes without telling followers (freepublish)."""
        progress = progress or Progress.of(post)
        with leaving(progress.note):
            media_id = self._draft(post, progress)
            with self.visibly():
                answer = self.client.freepublish.submit(media_id)
            progress.msg_data_id = answer.get("msg_data_id")
            return Accepted(f"{PUBLISH}:{answer['publish_id']}", timedelta(seconds=3), data=progress.note())

    def ask_publish(self, post: Post) -> Settlement:
        """Looks the articles up among what was published; "not there" only when that is proven."""
        progress = Progress.of(post)
        now = self.tools.clock.now()
        since = post.attempted_at or post.first_attempt_at or now
        try:
            live = self._published(post, progress, since - CLOCKS_DIFFER)
            in_box = not live and self.drafts.in_box(progress.stamp(post), _titles(post))
            # A draft that was made and is in the box no more was taken out of it, most likely by being published.
            taken = not live and not in_box and bool(progress.draft) and not self.drafts.there(progress.draft)
        except Refused as refused:
            return _not_told(refused)
        if live:
            return live
        quiet = timedelta(minutes=self.options.settle_minutes) if in_box or taken else SURELY_LISTED
        if now - since < quiet:
            raise OutcomeUnknown("微信尚未列出这篇文章，可能仍在发布中")
        if taken:
            return CannotTell("草稿已不在草稿箱，已发布的文章中又没有这一篇，请到公众平台后台查看")
        return NotThere()

    def poll_publish(self, post: Post, publish_id: str) -> Settlement:
        """How a publication stands."""
        progress = Progress.of(post)
        try:
            with self.harmlessly():
                answer = self.client.freepublish.get(publish_id)
        except Refused as refused:
            if refused.platform_code == str(codes.BAD_PUBLISH_ID):
                return CannotTell("微信不认识这次发布的编号，请到公众平台后台查看")
            return _not_told(refused)
        said = answer.get("publish_status")
        status = codes.PUBLISH_RUNNING if said is None else int(said)
        if status == codes.PUBLISH_RUNNING:
            return Accepted(f"{PUBLISH}:{publish_id}", self._later(post))
        if status != codes.PUBLISH_DONE:
            with leaving(progress.failed):
                raise Refused(codes.publish_end(status, answer.get("fail_idx")), code=str(status))
        items = (answer.get("article_detail") or {}).get("item") or []
        urls = {int(item["idx"]): str(item.get("article_url") or "") for item in items}
        return self.publish_live(post, str(answer["article_id"]), urls)

    def publish_live(self, post: Post, article_id: str, urls: Mapping[int, str]) -> Live:
        """Where published articles show; `urls` by their place counted from 1."""
        progress = Progress.of(post)
        found = {
            item.piece_id: shown_of(idx, urls.get(idx, ""), article_id=article_id, msg_data_id=progress.msg_data_id)
            for idx, item in enumerate(post.items, start=1)
        }
        return Live(with_earlier(post, found, removed=progress.removed), progress.remark(post))

    def _published(self, post: Post, progress: Progress, since: datetime) -> Live | None:
        titles = _titles(post)
        for page in range(PAGES_LOOKED_AT):
            with self.harmlessly():
                answer = self.client.freepublish.batchget(page * PER_PAGE, PER_PAGE, 1)
            items, total = page_of(answer, page)
            for entry in items:
                news = entry["content"]["news_item"]
                # By its title too: should the platform change the address that bears the mark, twice is still worse.
                same = titles_of(news) == titles
                recent = datetime.fromtimestamp(int(entry["update_time"]), since.tzinfo) >= since
                if bears(news, progress.stamp(post)) or (same and recent):
                    urls = {idx: str(article.get("url", "")) for idx, article in enumerate(news, start=1)}
                    return self.publish_live(post, str(entry["article_id"]), urls)
            if (page + 1) * PER_PAGE >= total:
                return None
        return None

    # --- both -------------------------------------------------------------------------------------

    def _draft(self, post: Post, progress: Progress) -> str:
        began = time.monotonic()
        if post.attempt > 1:
            self.drafts.clear(progress.stamp(post))
        progress.draft = ""
        try:
            media_id = self.drafts.make(post, progress)
        except (KeyError, TypeError, ValueError) as lacking:
            # Nobody saw anything of it yet.
            raise Retryable("微信的答复不完整，草稿未能建好") from lacking
        if time.monotonic() - began > self.options.act_within_seconds:
            # By now others may take this attempt for dead and ask the platform; it must not act behind their back.
            raise Retryable("准备素材用时过长，稍后重新发送")
        return media_id

    def _later(self, post: Post) -> timedelta:
        """The longer it takes, the less often it is asked: between 3 s and a minute."""
        now = self.tools.clock.now()
        passed = (now - (post.first_attempt_at or now)).total_seconds()
        return timedelta(seconds=min(60.0, max(3.0, passed / 4)))

    def _check_quota(self, post: Post) -> None:
        now = self.tools.clock.now()
        for ration in rations(self.options, post.audience):
            first, *besides = ration.counters
            if self.tools.quotas.left(self.account.id, first, period_of(ration.period, now), ration.limit, besides) < 1:
                until, words = (tomorrow(now), "今天") if ration.period == "day" else (next_month(now), "本月")
                raise Throttled(f"{words}的群发次数已用完", until, code=str(codes.NO_MASS_QUOTA))

    def _count(self, post: Post, handed_at: datetime) -> None:
        for ration in rations(self.options, post.audience):
            self.tools.quotas.count(self.account.id, ration.counters[0], period_of(ration.period, handed_at))

    def _use_up(self, post: Post, now: datetime) -> None:
        """The platform names no limit: a send to a tag is refused by the day's calls, which are everybody's."""
        tagged = self.options.type == "service" and tags_of(post.audience)
        for counter in (SENDS, CALLS) if tagged else (SENDS,):
            self.tools.quotas.use_up(self.account.id, counter, today(now))


def shown_of(
    idx: int, url: str, *, article_id: str = "", msg_id: int | None = None, msg_data_id: int | None = None
) -> Shown:
    """One article as it shows, with all that withdrawing it, its figures and its comments will need."""
    number = article_id or msg_data_id or msg_id or ""
    data = {"article_id": article_id, "msg_id": msg_id, "msg_data_id": msg_data_id, "idx": idx, SENT_TO: None}
    return Shown(f"{number}_{idx}", url, data)


def with_earlier(post: Post, found: Mapping[int, Shown], *, removed: bool) -> dict[int, Shown]:
    """What shows now, with the articles of the same piece that show beside it: withdrawing means all of them."""
    shown = {}
    for piece_id, one in found.items():
        before = post.placed.get(piece_id)
        earlier = [] if before is None or removed else places_of(before)
        earlier = [place for place in earlier if place != identity(one.data)]
        shown[piece_id] = replace(one, data={**one.data, "earlier": earlier})
    return shown


def places_of(placed: Placed) -> list[dict[str, Any]]:
    """Every article of a piece on this account that was not taken back, the newest last."""
    own = identity(placed.data)
    return [*placed.data.get("earlier", ()), *([own] if own["article_id"] or own["msg_id"] else [])]


def identity(data: Mapping[str, Any]) -> dict[str, Any]:
    """What one article is deleted by."""
    return {name: data.get(name) for name in ("article_id", "msg_id", "idx")}


def _titles(post: Post) -> list[str]:
    return [item.title.strip() for item in post.items]


def _not_told(refused: Refused) -> CannotTell:
    """A question that is refused says nothing of what was asked about."""
    return CannotTell(f"查询结果时被拒绝（{refused.reason}），请到公众平台后台查看")


def _moment(stored: str) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def _filter(audience: Mapping[str, Any]) -> dict[str, Any]:
    tags = tags_of(audience)
    if len(tags) > 1:
        raise Refused("微信每次群发只能选一个标签，或发给全部粉丝", field="audience")
    return {"is_to_all": False, "tag_id": tags[0]} if tags else {"is_to_all": True}
