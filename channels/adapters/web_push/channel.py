"""The adapter for browsers that asked for notices (Web Push): one call per browser, at most once each.

There is no key that makes a repeat harmless. A browser is claimed before it is called; what was on its way when the
answer was lost counts as unknown and is not called again. Rules: RFC 8030 (push), 8291 (encryption), 8292 (VAPID).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
import structlog

from channels.abilities.audience import Addressed, AudienceKind
from channels.abilities.going_on import GoesOn
from channels.abilities.listening import Listening
from channels.abilities.own_keys import MakesOwnKey
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.calling import acting
from channels.adapters.web_push.encryption import PLAINTEXT, encrypt, to_base64url
from channels.adapters.web_push.fan_out import IN_FLIGHT, Round
from channels.adapters.web_push.signing import Signer, new_key, public_of
from channels.base import (
    ACTION_LABELS,
    REACHED,
    Accepted,
    AccountInfo,
    Called,
    Channel,
    Item,
    Limits,
    Live,
    Placed,
    Post,
    Problem,
    Setting,
    Settlement,
    Shown,
    Subscription,
    Subscriptions,
    Tools,
    Uncorrectable,
)
from channels.errors import OutcomeUnknown, Refused, Retryable, Unauthorised
from channels.posting import Posted, Poster, Volley
from kernel.clock import Clock

log = structlog.get_logger(__name__)

# One attempt stops early enough for what it has begun to end inside the claim on the delivery.
SECONDS = 8.0
SHORT_WAIT = timedelta(seconds=30)
LONG_WAIT = timedelta(minutes=15)
GIVES_UP = timedelta(days=1)
# What a push service may ask us to wait (s).
LONGEST_WAIT = 24 * 3600
# Push services keep nothing longer than about four weeks, and lower what asks for more.
LONGEST_TTL = 28 * 24 * 3600
TAKEN = frozenset({200, 201, 202, 204})
GONE = frozenset({404, 410})
FORBIDDEN = frozenset({401, 403})


class WebPushChannel(Channel, Addressed, Rehearsing, Listening, GoesOn, MakesOwnKey):
    """Credentials: `vapid_private_key` (32 bytes, base64url); settings: `subject` (mailto: or https:), `ttl` (s),
    `urgency`, `icon`, and for one round `in_flight` and `seconds`."""

    name: ClassVar[str] = "web_push"
    label: ClassVar[str] = "浏览器通知"
    own_key: ClassVar[str] = "vapid_private_key"
    limits: ClassVar[Limits] = Limits(
        style="text",
        title=60,
        text=300,
        actions=("push",),
        default_action="push",
        can=frozenset({"correct", "withdraw"}),
        updates=(),
        notes=(
            "发给订阅了本站通知的浏览器；每个浏览器至多收到一次，结果不明的不自动重发。",
            "更正和撤稿再推送一条，只发给收到过原通知的浏览器：替换还没送达的和通知栏里还没点开的那条；已点开的收不回来。",
            "撤稿的替换通知不响铃，免打扰时段也立即送达；更正照常提醒，遇免打扰时段顺延。",
        ),
        corrections=("notice",),
    )
    audience_kinds: ClassVar[tuple[AudienceKind, ...]] = (
        AudienceKind("district", "区县", "订阅时选了这些区县或未选区县的人，逗号分开；不填为全市。", most=50, bytes=60),
        AudienceKind("column", "栏目", "按这些栏目（代码）的订阅者推送；不填为稿件所在栏目。", most=50, bytes=60),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting(
            "subject",
            "联系方式",
            required=True,
            help="mailto: 或 https: 开头，推送服务出问题时联系。",
            pattern=r"(mailto:|https://)\S+",
        ),
        Setting("ttl", "离线保留（秒）", "number", most=2_419_200, whole=True, default=86_400),
        Setting("urgency", "紧急程度", "choice", choices=(("normal", "普通"), ("high", "高"), ("low", "低"))),
        Setting("icon", "图标地址"),
        Setting("vapid_private_key", "VAPID 私钥", secret=True, required=True, help="32 字节，base64url。"),
    )

    @classmethod
    def shown_outside(cls, credentials: Mapping[str, str]) -> dict[str, str]:
        """The public half of the key, which browsers bind their subscription to."""
        private = credentials.get("vapid_private_key", "")
        return {"vapid_public_key": public_of(private)} if private else {}

    @classmethod
    def make_key(cls) -> str:
        """A new VAPID key; browsers are given its public half."""
        return new_key()[0]

    @classmethod
    def key_fault(cls, given: Mapping[str, str]) -> str:
        """Whether it is the private half of a key at all."""
        private = given.get("vapid_private_key", "").strip()
        if not private:
            return ""
        try:
            public_of(private)
        except ValueError:
            return "这不是可用的 VAPID 私钥（应为 32 字节的 base64url），请核对，或点“生成密钥”。"
        return ""

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """Two browsers that listen to a key of the rehearsal's own."""
        private = seed.key("vapid")
        public = public_of(private)
        browsers = [{"name": name, "application_server_key": public} for name in ("王女士的浏览器", "李先生的浏览器")]
        settings = {"subject": "mailto:rehearsal@example.invalid", **seed.settings}
        return StandIn("webpush", browsers, "", settings, {"vapid_private_key": private})

    def __init__(self, account: AccountInfo, tools: Tools) -> None:
        super().__init__(account, tools)
        self._signer = Signer(
            account.credentials.get("vapid_private_key", ""), str(account.settings.get("subject") or "")
        )

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """The size of what is encrypted, and that there is something to say."""
        found = []
        if len(post.items) != 1:
            found.append(Problem("items", f"推送每次 1 条，现有 {len(post.items)} 条。"))
        if post.action not in (*cls.limits.actions, *cls.limits.can):
            found.append(Problem("action", f"浏览器通知不支持“{ACTION_LABELS[post.action]}”。"))
        found += cls.audience_problems(post.audience) + _lasting(settings)
        if post.action == "withdraw":
            return found
        for item in post.items:
            if not (item.text or item.digest).strip():
                found.append(Problem("text", "没有推送文字。"))
            size = len(_payload(settings, item))
            if size > PLAINTEXT:
                found.append(Problem("text", f"通知内容共 {size} 字节，上限 {PLAINTEXT} 字节。"))
        return found

    def publish(self, post: Post) -> Accepted | Live:
        """Calls the first browsers; the rest follows by `poll`."""
        for problem in self.check(self.account.settings, post):
            if problem.blocking:
                raise Refused(problem.message, field=problem.field)
        self._signer.check()
        return self._fan_out(post)

    def reconcile(self, post: Post) -> Settlement:
        """Goes on with the browsers that were not claimed yet."""
        return self._fan_out(post)

    def poll(self, post: Post, job_id: str) -> Settlement:
        """Goes on."""
        return self._fan_out(post)

    def correct(self, post: Post) -> Accepted | Live | Uncorrectable:
        """Pushes the new words, where a person chose so; a notice not yet shown is replaced by its topic."""
        if post.action == "correct" and post.note.get("correction") == "notice":
            return self.publish(post)
        return Uncorrectable("已弹出的通知不能修改，可选择再推送一条更正")

    def withdraw(self, post: Post) -> Accepted | Live:
        """Pushes that it was withdrawn: by its topic and tag it takes the place of what nobody has opened yet."""
        return self.publish(post)

    def health(self) -> str | None:
        """What is wrong with the key or the sender; that it signs proves nothing, as no push service can be asked."""
        try:
            self._signer.check()
        except Unauthorised as error:
            return error.reason
        return None

    @classmethod
    def reached_by(cls, key: str, before: Placed | None, counts: Mapping[str, int]) -> Shown:
        """The delivery and those before it: what follows goes to exactly their browsers."""
        return Shown(key, before.url if before else "", {"counts": dict(counts), "keys": [*_keys(before), key]})

    # --- the round --------------------------------------------------------------------------------

    @property
    def _tools(self) -> tuple[Subscriptions, Poster]:
        if self.tools.subscriptions is None or self.tools.poster is None:
            raise Refused("本系统没有启用浏览器订阅")
        return self.tools.subscriptions, self.tools.poster

    def _fan_out(self, post: Post) -> Accepted | Live:
        settings, (subscriptions, poster) = self.account.settings, self._tools
        message = _Message(settings, post)
        walk = subscriptions.walk(self.account.id, post.key, _readers(post))
        with poster.volley() as volley:
            calls = _Calls(volley, message, self._signer, self.tools.clock)
            sends = Round(walk, calls, int(settings.get("in_flight", IN_FLIGHT)))
            finished = sends.run(float(settings.get("seconds", SECONDS)))
        counts = subscriptions.counts(post.key)
        if sends.refused and not counts.get("sent"):
            # Every service refuses our signature: it is ours that is wrong, and nobody has got anything.
            walk.step({number: Called("waiting", until=self.tools.clock.now()) for number, *_ in sends.refused}, {})
            raise Unauthorised("推送服务不认可本站的签名，请核对浏览器通知的密钥", code=sends.refused[0][2].code)
        if sends.refused:
            walk.step({number: called for number, _, called in sends.refused}, {})
            counts = subscriptions.counts(post.key)
        if finished:
            return self._end(post, counts, walk.held_back())
        words = f"已推送 {counts.get('sent', 0)} 人，正在继续"
        return Accepted(post.key, timedelta(0), words, moving=True)

    def _end(self, post: Post, counts: Mapping[str, int], held_back: int) -> Accepted | Live:
        passed = self.tools.clock.now() - (post.first_attempt_at or self.tools.clock.now())
        # Whom a service surely did not take, and whom it was not asked for while it does not answer.
        left = counts.get("waiting", 0) + held_back
        lasts = timedelta(seconds=int(self.account.settings.get("ttl", 86_400)))
        if left and passed < min(GIVES_UP, max(lasts, LONG_WAIT)):
            words = f"推送服务要求稍候或暂时不通，还有 {left} 人待推送"
            wait = min(max(passed / 4, SHORT_WAIT), LONG_WAIT)
            return Accepted(post.key, wait, words, moving=True, held_up=left > counts.get("sent", 0))
        item = post.items[0]
        counts = {**counts, **({"waiting": left} if left else {})}
        shown = self.reached_by(post.key, post.placed.get(item.piece_id), counts)
        return Live({item.piece_id: replace(shown, url=item.url)}, _told(counts))


@dataclass
class _Calls:
    """One message to each browser, encrypted for it."""

    volley: Volley
    message: _Message
    signer: Signer
    clock: Clock
    malformed: list[int] = field(default_factory=list)

    def begin(self, one: Subscription, patience: float | None) -> None:
        """Encrypts and posts."""
        try:
            body = encrypt(self.message.payload, one)
        except ValueError:
            self.malformed.append(one.id)
            return
        headers = {**self.message.headers, "Authorization": self.signer.header(one.endpoint)}
        self.volley.start(one.id, one.endpoint, headers, body, patience)

    def ended(self, timeout: float | None) -> list[tuple[int, Called]]:
        """What became of them; `waiting` until an hour when the service surely did not take it."""
        ended = [(number, Called("refused", "keys")) for number in self.malformed]
        self.malformed.clear()
        answers = self.volley.ended(0.0 if ended else timeout)
        now = self.clock.now()
        return ended + [(number, _meaning(what, now)) for number, what in answers]


class _Message:
    """What is the same for every browser."""

    def __init__(self, settings: Mapping[str, Any], post: Post) -> None:
        withdrawn = post.action == "withdraw"
        self.payload = _withdrawn(settings, post) if withdrawn else _payload(settings, post.items[0])
        self.headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(settings.get("ttl", 86_400))),
            "Urgency": _urgency(settings, post),
            "Topic": topic_of(post.items[0]),
        }


def topic_of(item: Item) -> str:
    """At most 32 base64url characters; a newer notice of the same piece replaces one not yet delivered."""
    return to_base64url(hashlib.sha256(f"piece {item.piece_id}".encode()).digest())[:32]


def _urgency(settings: Mapping[str, Any], post: Post) -> str:
    """How soon a sleeping device is woken: at once in an emergency, and for what follows it, as soon as it was.

    A withdrawal is no less urgent than what it takes away: that it does not ring is for the browser to see to.
    """
    if post.items[0].content.get("emergency"):
        return "high"
    return str(settings.get("urgency") or "normal")


def _readers(post: Post) -> dict[str, list[str]]:
    """Whom it is for: who follows the piece's column, unless others were chosen, in the chosen districts.

    What puts a notice right or takes it back is for whoever got it.
    """
    if post.action != "push" and (earlier := _earlier(post)):
        return {REACHED: earlier}
    own = (post.items[0].content.get("column") or {}).get("slug", "")
    columns = _listed(post.audience.get("column")) or _listed(own)
    return {
        name: values
        for name, values in (("column", columns), ("district", _listed(post.audience.get("district"))))
        if values
    }


def _earlier(post: Post) -> list[str]:
    """The keys of the deliveries by which the piece has come to browsers so far."""
    return _keys(post.placed.get(post.items[0].piece_id))


def _keys(placed: Placed | None) -> list[str]:
    if placed is None or not placed.remote_id:
        return []
    return [str(key) for key in placed.data.get("keys") or (placed.remote_id,)]


def _listed(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)] if value else []


def _meaning(answer: Posted | BaseException, now: datetime) -> Called:
    if isinstance(answer, BaseException):
        return _without_answer(answer, now)
    code = str(answer.status)
    if answer.status in TAKEN:
        return Called("sent")
    if answer.status in GONE:
        return Called("gone", code)
    after = answer.headers.get("retry-after", "")
    if answer.status == 429 or (answer.status == 503 and after):
        return Called("waiting", code, _until(after, now))
    if answer.status >= 500:
        return Called("unknown", code)
    return Called("refused", code, unwelcome=answer.status in FORBIDDEN)


def _without_answer(failure: BaseException, now: datetime) -> Called:
    if isinstance(failure, httpx.UnsupportedProtocol):
        return Called("refused", "address")  # No address that can be called: nothing left us.
    try:
        with acting():
            raise failure
    except (Refused, Unauthorised):
        return Called("refused", "address")  # Inside our own network.
    except Retryable:
        return Called("waiting", until=now + SHORT_WAIT)
    except OutcomeUnknown:
        return Called("unknown")
    except Exception:  # A fault of our own: nobody knows how far it came, and the others go on.
        log.exception("notice failed")
        return Called("unknown")


def _payload(settings: Mapping[str, Any], item: Item) -> bytes:
    told = {"title": item.title, "body": item.text or item.digest, "url": item.url, "tag": f"piece-{item.piece_id}"}
    return _written(settings, told)


def _withdrawn(settings: Mapping[str, Any], post: Post) -> bytes:
    item = post.items[0]
    words = post.phrase or "原通知内容已由发布单位撤回。"
    # It may come at night: it takes the place of the notice that was wrong, and rings nowhere.
    told = {"title": "一条通知已撤回", "body": words, "url": item.url, "tag": f"piece-{item.piece_id}", "silent": True}
    return _written(settings, told)


def _written(settings: Mapping[str, Any], told: Mapping[str, Any]) -> bytes:
    icon = settings.get("icon")
    return json.dumps({**told, **({"icon": str(icon)} if icon else {})}, ensure_ascii=False).encode()


def _lasting(settings: Mapping[str, Any]) -> list[Problem]:
    ttl = int(settings.get("ttl", 86_400))
    if 0 <= ttl <= LONGEST_TTL:
        return []
    return [Problem("account", f"该账号设置的“离线保留”为 {ttl} 秒，须为 0 至 {LONGEST_TTL} 秒（四周）。")]


def _told(counts: Mapping[str, int]) -> str:
    words = [f"已推送 {counts.get('sent', 0)} 人"]
    for name, label in (
        ("gone", "订阅已失效 {} 个"),
        ("refused", "被拒收 {} 个"),
        ("unknown", "结果不明 {} 个"),
        ("waiting", "未能送达 {} 个"),
    ):
        if counts.get(name):
            words.append(label.format(counts[name]))
    return "，".join(words) + "。"


def _until(after: str, now: datetime) -> datetime:
    """The hour a service names, within a day; what it wrote wrongly is a short wait."""
    if after.isascii() and after.isdigit():
        return now + timedelta(seconds=max(1, min(int(after[:9]), LONGEST_WAIT)))
    try:
        said = parsedate_to_datetime(after)
        said = said if said.tzinfo else said.replace(tzinfo=UTC)
        return min(max(said, now + timedelta(seconds=1)), now + timedelta(seconds=LONGEST_WAIT))
    except (ValueError, TypeError, OverflowError):
        return now + SHORT_WAIT
