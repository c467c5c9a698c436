"""The adapter for one WeChat official account (公众号)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from channels.abilities.listening import Listening
from channels.abilities.preview import Previewed, Previewing, Tell
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.calling import leaving
from channels.adapters.wechat import figures, fit, previewing, retreat
from channels.adapters.wechat import inbound as pushes
from channels.adapters.wechat.citizens_files import WeChatCitizensFiles
from channels.adapters.wechat.client import HubWeChatClient
from channels.adapters.wechat.comments import WeChatComments
from channels.adapters.wechat.cropping import WeChatCovers
from channels.adapters.wechat.dressing import Dressing, WeChatDressing
from channels.adapters.wechat.inventory import WeChatInventory
from channels.adapters.wechat.notices import WeChatNotices
from channels.adapters.wechat.options import WeChatOptions
from channels.adapters.wechat.progress import Progress
from channels.adapters.wechat.rationing import SENDS, WeChatRations
from channels.adapters.wechat.sending import MASS, PUBLISH, Sending
from channels.adapters.wechat.standing import WeChatTakingOver
from channels.adapters.wechat.tags import WeChatTags
from channels.base import (
    CannotTell,
    Channel,
    Follower,
    Inbound,
    JobResult,
    Limits,
    Live,
    Message,
    Placed,
    Post,
    Problem,
    Pushed,
    Quota,
    Reading,
    Reply,
    Result,
    Setting,
    Settlement,
    Uncorrectable,
)
from channels.errors import ChannelError, Refused, Unauthorised
from channels.options import settings_of
from kernel.lazy import lazy

CORRECTIONS = ("by_hand", "notice", "republish")


class WeChatChannel(
    WeChatComments,
    WeChatTakingOver,
    WeChatTags,
    WeChatNotices,
    WeChatInventory,
    WeChatRations,
    WeChatDressing,
    WeChatCitizensFiles,
    WeChatCovers,
    Channel,
    Rehearsing,
    Previewing,
    Listening,
):
    """Credentials: `appid`, `secret`, and for the callback address `token` and `aes_key`; settings: `WeChatOptions`."""

    name: ClassVar[str] = "wechat"
    label: ClassVar[str] = "微信公众号"
    hears_with: ClassVar[tuple[str, ...]] = ("appid", "token", "aes_key")
    limits: ClassVar[Limits] = Limits(
        style="layout",
        title=32,
        digest=120,
        body_characters=20_000,
        items=8,
        needs_cover=True,
        certified=True,
        actions=("mass_send", "publish"),
        default_action="mass_send",
        updates=("mass_send",),
        can=frozenset({"correct", "withdraw"}),
        quotas=(("mass_send", "day", 1),),
        notes=(
            "群发会通知粉丝：订阅号每天 1 次；服务号每人每月最多收到 4 次。",
            "只发布不通知粉丝，默认不计入更新。",
            "已发布的文章不能通过接口修改：可发更正说明，或删除后重新发布（新地址，不可恢复），或由人在后台修改。",
            "撤稿后粉丝收到的消息卡片仍在，点开显示已删除。",
        ),
        corrections=CORRECTIONS,
        reply_bytes=2048,
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        *settings_of(WeChatOptions),
        *settings_of(Dressing),
        Setting("appid", "AppID", secret=True, required=True),
        Setting("secret", "AppSecret", secret=True, required=True),
        Setting("token", "消息推送 Token", secret=True, help="在公众平台“服务器配置”中填写的令牌。"),
        Setting("aes_key", "EncodingAESKey", secret=True, help="43 位消息加密密钥。"),
    )

    reader_label: ClassVar[str] = "微信号"
    reader_help: ClassVar[str] = "填您本人的微信号，须已关注公众号；也可填 OpenID。只用来把待审签的文章发给您本人预览。"
    sends_a_day: ClassVar[int] = previewing.PREVIEWS_A_DAY

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """An official account of the same type with three followers."""
        secrets = {"appid": f"wx{seed.hexes('appid', 16)}", "secret": seed.hexes("secret", 32)}
        keys = {"token": seed.hexes("token", 32), "aes_key": seed.hexes("aes key", 43)}
        account = {
            **secrets,
            "name": seed.name,
            "original_id": f"gh_{seed.hexes('original id', 12)}",
            "type": str(seed.settings.get("type") or "subscription"),
            "confirm_mass_send": bool(seed.settings.get("confirm_mass_send")),
            "followers": [
                {"openid": f"o_{seed.hexes(name, 24)}", "name": name} for name in ("王女士", "李先生", "赵同学")
            ],
        }
        door = f"wechat/{secrets['appid']}/callback"
        told = {**keys, "mode": WeChatOptions.of(seed.settings).mode}
        return StandIn("wechat", [account], "wechat", seed.settings, {**secrets, **keys}, door, told)

    @lazy
    def options(self) -> WeChatOptions:
        """What the account's settings change."""
        return WeChatOptions.of(self.account.settings)

    @lazy
    def sending(self) -> Sending:
        """The way out."""
        client = HubWeChatClient(self.account, self.tools)
        return Sending(self.account, self.tools, self.options, client)

    @classmethod
    def quotas(cls, settings: Mapping[str, Any]) -> tuple[Quota, ...]:
        """A subscription account's day; a service account's day and month."""
        options = WeChatOptions.of(settings)
        day: Quota = (SENDS, "day", options.mass_per_day)
        return (day,) if options.type == "subscription" else (day, (SENDS, "month", options.mass_per_month))

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """Lengths as WeChat counts them, covers, pictures, number of articles."""
        return fit.problems(cls.limits, settings, post)

    def publish(self, post: Post) -> Result:
        """群发 by `mass_send`, 只发布 by `publish`."""
        self._check_fit(post)
        return self.sending.mass_send(post) if post.action == "mass_send" else self.sending.publish(post)

    def reconcile(self, post: Post) -> Settlement:
        """群发 is asked by repeating it under its key; 只发布 is looked up; a withdrawal is done again."""
        if post.action == "mass_send":
            return self.sending.ask_mass(post)
        if post.action == "withdraw":
            done = self.withdraw(post)
            return done if isinstance(done, Live) else CannotTell(done.reason)
        return self.sending.ask_publish(post)

    def poll(self, post: Post, job_id: str) -> Settlement:
        """How the job stands."""
        kind, _, number = job_id.partition(":")
        return self.sending.poll_mass(post, number) if kind == MASS else self.sending.poll_publish(post, number)

    def settle(self, post: Post, result: JobResult) -> Live:
        """What the event says, joined with what was known when the job was accepted."""
        progress = Progress.of(post)
        if not result.done:
            with leaving(progress.failed):
                raise Refused(result.reason, code=result.code)
        kind, _, number = result.job_id.partition(":")
        urls = {int(shown.data["idx"]): shown.url for shown in result.shown}
        if kind == PUBLISH:
            return self.sending.publish_live(post, str(result.data["article_id"]), urls)
        live = self.sending.mass_live(post, number, [urls.get(idx, "") for idx in range(1, len(post.items) + 1)])
        shown = {piece: replace(one, data={**one.data, **result.data}) for piece, one in live.shown.items()}
        return Live(shown, live.remark + result.remark)

    def correct(self, post: Post) -> Result | Uncorrectable:
        """As the person chose: by hand, a further article with the new words, or delete and publish again."""
        chosen = str(post.note.get("correction") or self.options.correction)
        if post.action == "refresh":
            return Uncorrectable("微信文章发布后不能重新排版")
        if chosen not in CORRECTIONS or chosen == "by_hand":
            return Uncorrectable("微信没有修改已发布文章的接口，请到公众平台后台修改", by_hand=True)
        self._check_fit(post)
        progress = Progress.of(post)
        if chosen == "republish" and not progress.removed:
            with leaving(progress.note):
                gone = retreat.withdraw(self.sending, post)
            if isinstance(gone, Uncorrectable):
                return gone
            progress.removed = True
        return self.sending.publish(post, progress)

    def withdraw(self, post: Post) -> Live | Uncorrectable:
        """Deletes the articles, one by one."""
        return retreat.withdraw(self.sending, post)

    def read(self, placed: Sequence[Placed]) -> list[Reading]:
        """Sums up to yesterday."""
        return figures.read(self.sending, placed)

    @classmethod
    def reader_fault(cls, reader: str) -> str:
        """A WeChat name or an OpenID."""
        return previewing.reader_fault(reader)

    def preview(self, post: Post, tell: Tell) -> Previewed:
        """A draft of its own, which no delivery ever sends."""
        self._check_fit(post)
        return previewing.preview(self.sending, post, tell)

    def send_preview(self, draft: str, reader: str) -> None:
        """message/mass/preview, at most 100 a day."""
        previewing.send(self.sending, draft, reader)

    def discard(self, post: Post, draft: str) -> None:
        """Also drafts of which no answer came."""
        previewing.discard(self.sending, post, draft)

    def health(self) -> str:
        """Counts the drafts, which every kind of account may do."""
        try:
            with self.sending.harmlessly():
                self.sending.client.draft.count()
        except Unauthorised:
            raise
        except ChannelError as error:
            return error.reason
        return ""

    def greet(self, request: Pushed) -> bytes:
        """The check of our address."""
        return pushes.greet(self.account.credentials, request)

    def read_inbound(self, request: Pushed) -> list[Inbound]:
        """Messages, followers and finished jobs."""
        return pushes.read(self.account.credentials, request, secure=self.options.mode == "secure")

    def answer(self, inbound: Message | Follower, reply: Reply | None) -> bytes:
        """The passive reply."""
        now = self.tools.clock.now()
        return pushes.passive_reply(self.account.credentials, inbound, reply, now, self.options.reply_bytes)

    def reply(self, to: str, reply: Reply) -> None:
        """A customer-service message (message/custom/send)."""
        content = self._content(reply)
        with self.sending.visibly():
            self.sending.client.post("message/custom/send", data={"touser": to, **content})

    def _content(self, reply: Reply) -> dict[str, Any]:
        if reply.url:
            article = {
                "title": reply.title, "description": reply.text, "url": reply.url, "picurl": reply.picture_url,
            }  # fmt: skip
            return {"msgtype": "news", "news": {"articles": [article]}}
        if reply.picture:
            with self.sending.harmlessly():
                file = (f"{reply.picture[:16]}.jpg", self.tools.files.get(reply.picture), "image/jpeg")
                media_id = self.sending.client.media.upload("image", file)["media_id"]
            return {"msgtype": "image", "image": {"media_id": media_id}}
        return {"msgtype": "text", "text": {"content": pushes.shortened(reply.text, self.options.reply_bytes)}}

    def _check_fit(self, post: Post) -> None:
        for problem in self.check(self.account.settings, post):
            if problem.blocking:
                raise Refused(problem.message, field=problem.field)
