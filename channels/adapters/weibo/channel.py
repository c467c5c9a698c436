"""The adapter for one Weibo account.

Posting has no key of our own, but the platform refuses the same words for ten minutes: after a lost answer the
account's own timeline is asked, and where the app may not read it, the post is repeated inside that window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from channels.abilities.by_link import KnownByLink
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.weibo import calls, fans, fit
from channels.adapters.weibo.authorising import WeiboAuthorising
from channels.adapters.weibo.calls import REQUESTS, Calls
from channels.adapters.weibo.client import Status, WeiboClient, number_of
from channels.adapters.weibo.codes import (
    DONE_ALL_THE_SAME,
    GONE,
    NO_PERMISSION,
    OF_THE_MOMENT,
    PICTURE_REFUSED,
    REPEATED,
)
from channels.adapters.weibo.comments import WeiboComments
from channels.adapters.weibo.options import WeiboOptions
from channels.base import (
    AccountInfo,
    CannotTell,
    Channel,
    Follower,
    Inbound,
    Item,
    Limits,
    Live,
    Message,
    NotThere,
    Placed,
    Post,
    Problem,
    Pushed,
    Quota,
    Reading,
    Reply,
    Setting,
    Settlement,
    Shown,
    Tools,
    Uncorrectable,
)
from channels.errors import ChannelError, Refused, Retryable, Throttled, Unauthorised, WouldSend
from channels.options import settings_of
from kernel.lazy import lazy

# get_token_info stands on none of the pages these rules were read on; where it is not granted, its end is known from
# the day of authorisation.
NOT_OFFERED = frozenset({"10014", "10020", "10021"})
CORRECTIONS = ("by_hand", "notice", "republish")
CLOCKS_DIFFER = timedelta(minutes=5)
DOUBTFUL = timedelta(days=1)
COUNTED_AT_ONCE = 100
# What the platform gives out of an account's own posts for settling a lost answer; beyond that nobody can tell.
PER_PAGE, PAGES = 50, 10
STANDS_ALREADY = "微博上刚发过相同内容，平台不收重复的微博，没有再发一条。"


class WeiboChannel(WeiboComments, WeiboAuthorising, Channel, Rehearsing, KnownByLink):
    """Credentials: `access_token`, `app_key`, `app_secret`; settings: `WeiboOptions`."""

    name: ClassVar[str] = "weibo"
    label: ClassVar[str] = "新浪微博"
    limits: ClassVar[Limits] = Limits(
        style="text",
        title=300,
        text=140,
        certified=True,
        actions=("publish",),
        can=frozenset({"correct", "withdraw"}),
        quotas=((REQUESTS, "day", 100),),
        notes=(
            "正文 140 字以内（含链接），须含应用安全域名下的链接，不能带 #话题#。",
            "每个账号每天共 100 次接口调用，每小时 30 条微博。",
            "微博发出后不能修改，可删除后重发。",
            "授权由账号管理人本人在微博上给出，到期后平台不提供自动续期，须重新授权。",
            "带 #话题# 的微博、长微博、多图、视频和定时微博，开放平台不向普通应用提供接口：请登记一个人工发布账号。",
            "读取自己的微博、删除微博、回复评论是高级接口，未获授权时平台返回 10014，由人在微博上处理。",
        ),
        corrections=CORRECTIONS,
        reply_bytes=897,
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        *settings_of(WeiboOptions),
        Setting(
            "access_token", "授权令牌 access_token", secret=True, help="不必手填：封存 App Key 后由您到微博授权取得。"
        ),
        Setting("app_key", "App Key", secret=True, required=True),
        Setting("app_secret", "App Secret", secret=True, required=True),
    )

    def __init__(self, account: AccountInfo, tools: Tools) -> None:
        super().__init__(account, tools)
        self.client = WeiboClient(tools.http, account.base_url, account.credentials.get("access_token", ""))

    @lazy
    def calls(self) -> Calls:
        """The day's calls."""
        return Calls(self.account, self.tools)

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """A Weibo user of the same name whose app may read and delete its own posts."""
        domains = [str(domain) for domain in seed.settings.get("safe_domains", ())]
        secrets = {
            "access_token": f"2.00{seed.hexes('token', 28)}",
            "app_key": seed.digits("app key", 10),
            "app_secret": seed.hexes("app secret", 32),
        }
        uid = seed.digits("uid", 10)
        user = {
            **secrets,
            "uid": uid,
            "name": seed.name,
            "safe_domains": [*domains, seed.site],
            "granted": ["statuses/user_timeline", "statuses/destroy", "comments/reply"],
            "requests_per_day": int(seed.settings.get("requests_per_day", 100)),
        }
        told_at = f"weibo/{uid}/fan-service"
        return StandIn("weibo", [user], "weibo", {**seed.settings, "uid": uid}, secrets, told_at)

    @classmethod
    def quotas(cls, settings: Mapping[str, Any]) -> tuple[Quota, ...]:
        """The day's requests, as the platform granted them to the account's app."""
        return calls.quotas(settings)

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """Length as Weibo counts it, the address it demands, the topic it refuses."""
        return fit.problems(cls.limits, settings, post)

    @classmethod
    def number_in(cls, settings: Mapping[str, Any], link: str) -> str:
        """A post of the account's own, by its page on the web or on phones."""
        return number_of(link, str(settings.get("uid") or ""))

    def publish(self, post: Post) -> Live:
        """Posts the text, with the cover as its picture."""
        for problem in self.check(self.account.settings, post):
            if problem.blocking:
                raise Refused(problem.message, field=problem.field)
        if earlier := self._listed_since(post):
            return self._live(post, earlier)
        try:
            return self._share(post)
        except Refused as refused:
            if int(refused.platform_code or 0) not in REPEATED:
                raise
            live = self._already_there(post)
            if _republishes(post, self.account.settings) and not live.shown[post.items[0].piece_id].remote_id:
                # What the platform remembers is the post that was just deleted.
                until = self.tools.clock.now() + self._window
                raise Throttled("与刚删除的微博内容相同，平台暂不接受", until, code=refused.platform_code) from refused
            return live if post.attempt > 1 else replace(live, remark=f"{STANDS_ALREADY}{live.remark}")

    def reconcile(self, post: Post) -> Settlement:
        """Looks for the words among the account's own posts; else repeats them while the platform refuses repeats."""
        if post.action == "withdraw":
            done = self.withdraw(post)
            return done if isinstance(done, Live) else CannotTell(done.reason)
        try:
            newest, whole = self._newest(self._since(post))
        except Refused as refused:
            if refused.platform_code != str(NO_PERMISSION):
                # A question that is refused says nothing of what was asked about.
                return CannotTell(f"读取自己的微博时被拒绝（{refused.reason}），请到微博上核对")
            return self._repeat(post)
        if found := _among(newest, post, self._since(post)):
            return self._live(post, found)
        # The same words just before it was sent: a clock that was moved would explain it.
        if _among(newest, post, min(self._since(post), self.tools.clock.now()) - DOUBTFUL):
            return CannotTell("微博上有一条文字相同、时间却对不上的微博（时钟可能调整过），请到微博上核对")
        return NotThere() if whole else CannotTell("此后发出的微博太多，查不到当时那一条，请到微博上核对")

    def correct(self, post: Post) -> Live | Uncorrectable:
        """As the person chose: by hand, a further post with the new words, or delete and post again."""
        chosen = _way(post, self.account.settings)
        if post.action == "refresh" or chosen not in CORRECTIONS[1:]:
            return Uncorrectable("微博不能通过接口修改，请到微博上编辑或另发更正", by_hand=post.action != "refresh")
        if chosen == "republish":
            gone = self.withdraw(post)
            if isinstance(gone, Uncorrectable):
                return gone
        return self.publish(post)

    def withdraw(self, post: Post) -> Live | Uncorrectable:
        """Deletes the posts; one that is gone already is gone."""
        for number in [number for placed in post.placed.values() for number in _numbers(placed)]:
            if not number:
                return Uncorrectable("没有这条微博的编号，请到微博上删除", by_hand=True)
            try:
                with self.calls.asking():
                    self.client.destroy(number)
            except Refused as refused:
                code = int(refused.platform_code or 0)
                if code == NO_PERMISSION:
                    return Uncorrectable("应用没有删除微博的权限，请到微博上删除", by_hand=True)
                if code not in GONE:
                    raise
        return Live()

    def read(self, placed: Sequence[Placed]) -> list[Reading]:
        """Comments, reposts and likes, a hundred posts by one request; none when the day's requests run short."""
        by_id = {one.remote_id: one for one in placed if one.remote_id}
        now, readings = self.tools.clock.now(), []
        for start in range(0, len(by_id), COUNTED_AT_ONCE):
            try:
                with self.calls.reading():
                    counts = self.client.counts(list(by_id)[start : start + COUNTED_AT_ONCE])
            except Throttled:
                break
            for one in counts:
                figures = {"comments": one.comments, "shares": one.reposts, "likes": one.attitudes}
                if one.id in by_id:
                    readings.append(Reading(by_id[one.id].piece_id, figures, now))
        return readings

    def health(self) -> str:
        """Asks how long the authorisation lasts; an app that may not ask has an account no worse for it."""
        try:
            with self.calls.asking():
                seconds = self.client.token_left()
        except Unauthorised:
            raise
        except ChannelError as error:
            return "" if error.platform_code in NOT_OFFERED else error.reason
        if seconds is None:
            return ""
        left = timedelta(seconds=seconds)
        return f"授权将在 {left.days} 天后到期，请账号管理人重新授权" if left < timedelta(days=7) else ""

    def greet(self, request: Pushed) -> bytes:
        """The check of our address."""
        return fans.greet(self.account.credentials.get("app_secret", ""), request)

    def read_inbound(self, request: Pushed) -> list[Inbound]:
        """A fan's message, or that somebody came or left."""
        return fans.read(self.account.credentials.get("app_secret", ""), request)

    def answer(self, inbound: Message | Follower, reply: Reply | None) -> bytes:
        """The passive reply."""
        return fans.passive(inbound, reply)

    def reply(self, to: str, reply: Reply) -> None:
        """A fan-service message."""
        kind, data = fans.content(reply)
        with self.calls.asking(visible=True):
            self.client.message(to, kind, data)

    # --- posting ----------------------------------------------------------------------------------

    def _share(self, post: Post) -> Live:
        item = post.items[0]
        picture = self._picture(item)
        try:
            with self.calls.asking(visible=True):
                return self._live(post, self.client.share(item.text, str(self.account.settings["rip"]), picture))
        except Refused as refused:
            code = int(refused.platform_code or 0)
            if code == DONE_ALL_THE_SAME:
                return self._already_there(post)
            if picture is None or code not in PICTURE_REFUSED:
                raise
            why = refused.reason
        # A picture that is not taken must not cost the text.
        with self.calls.asking(visible=True):
            live = self._live(post, self.client.share(item.text, str(self.account.settings["rip"])))
        return replace(live, remark=f"{live.remark}封面图片没有附上：{why}。")

    def _listed_since(self, post: Post) -> Status | None:
        """An earlier attempt's post, where a repeat that was held up is refused no more.

        The timeline may have listed it only after it was asked about.
        """
        first, now = post.first_attempt_at, self.tools.clock.now()
        if post.attempt < 2 or first is None or now - first < self._window - timedelta(minutes=1):
            return None
        try:
            return self._find(post, first - CLOCKS_DIFFER)
        except Refused:
            return None  # Who may not read it was told nothing by it before either.

    def _repeat(self, post: Post) -> Settlement:
        if post.look_only:
            raise WouldSend
        now = self.tools.clock.now()
        # A minute's margin: beyond the window a repeat would be a second post.
        since = now - post.attempted_at if post.attempted_at else self._window
        if not timedelta() <= since + CLOCKS_DIFFER <= self._window - timedelta(minutes=1) + CLOCKS_DIFFER:
            return CannotTell("应用没有读取自己微博的权限，且已过重复保护时间，请到微博上查看")
        try:
            return self._share(post)
        except Refused as refused:
            code = int(refused.platform_code or 0)
            if code in REPEATED:
                return self._already_there(post)
            if code in OF_THE_MOMENT:
                return CannotTell(f"重发核实时被拒绝（{refused.reason}），请到微博上核对")
            raise

    def _already_there(self, post: Post) -> Live:
        """The same words stand there already: sent by an earlier attempt of ours, or by whoever sent them before us."""
        since = self.tools.clock.now() - self._window - CLOCKS_DIFFER
        try:
            found = self._find(post, since)
        except ChannelError:
            found = None
        return self._live(post, found)

    def _live(self, post: Post, found: Status | None) -> Live:
        number, url = (found.id, found.url) if found else ("", "")
        unknown = "" if found else "微博已发出，但平台没有给出编号和链接，请到微博上查看后补登。"
        return Live(_shown(post, self.account.settings, number, url), unknown)

    @property
    def _window(self) -> timedelta:
        return timedelta(minutes=WeiboOptions.of(self.account.settings).duplicate_minutes)

    def _find(self, post: Post, since: datetime | None = None) -> Status | None:
        wanted = since or self._since(post)
        return _among(self._newest(wanted)[0], post, wanted)

    def _since(self, post: Post) -> datetime:
        return (post.attempted_at or post.first_attempt_at or self.tools.clock.now()) - CLOCKS_DIFFER

    def _newest(self, since: datetime) -> tuple[Sequence[Status], bool]:
        """The newest posts back to a moment, and whether they reach back so far."""
        uid, found = str(self.account.settings.get("uid", "")), list[Status]()
        for page in range(1, PAGES + 1):
            with self.calls.asking():
                some, total = self.client.timeline(uid, PER_PAGE, page)
            found += some
            if some and some[-1].at < since:
                return found, True
            if not some:
                # An app without a special grant may be shown a few only: that is not the end of them.
                return found, total <= len(found)
        return found, False

    def _picture(self, item: Item) -> tuple[str, bytes, str] | None:
        if not item.cover or self.account.settings.get("picture") is False:
            return None
        media_type = str(item.content.get("pictures", {}).get(item.cover, {}).get("media_type") or "image/jpeg")
        try:
            data = self.tools.files.get(item.cover)
        except OSError as failure:
            raise Retryable(f"读取图片文件失败：{failure.strerror or failure}") from failure
        return f"{item.cover[:16]}.{media_type.removeprefix('image/')}", data, media_type


def _way(post: Post, settings: Mapping[str, Any]) -> str:
    return str(post.note.get("correction") or settings.get("correction") or "by_hand")


def _republishes(post: Post, settings: Mapping[str, Any]) -> bool:
    return post.action == "correct" and _way(post, settings) == "republish"


def _numbers(placed: Placed) -> list[str]:
    """Every post of the piece that was not taken back, the newest last."""
    return [*placed.data.get("earlier", ()), placed.remote_id]


def _shown(post: Post, settings: Mapping[str, Any], number: str, url: str) -> dict[int, Shown]:
    """What shows now, with the posts of the same piece that show beside it: withdrawing means all of them."""
    piece_id = post.items[0].piece_id
    before = post.placed.get(piece_id)
    earlier = [] if before is None or _republishes(post, settings) else _numbers(before)
    return {piece_id: Shown(number, url, {"earlier": [one for one in earlier if one not in ("", number)]})}


def _among(newest: Sequence[Status], post: Post, since: datetime) -> Status | None:
    words = _words(post.items[0].text)
    return next((one for one in newest if _words(one.text) == words and one.at >= since), None)


def _words(text: str) -> str:
    """The words without addresses and spaces: the platform shortens addresses and adds invisible marks."""
    return "".join(one for one in fit.ADDRESS.sub("", text) if one.isprintable() and not one.isspace())
