"""The adapter for browsers that asked for notices (Web Push): one call per browser, at most once each.

There is no key that makes a repeat harmless. A browser is claimed before it is called; what was on its way when the
answer was lost counts as unknown and is not called again. Rules: RFC 8030 (push), 8291 (encryption), 8292 (VAPID).
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import http_ece
import httpx
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02, VapidException

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.calling import acting
from channels.base import (
    ACTION_LABELS,
    Accepted,
    AccountInfo,
    Channel,
    Item,
    Limits,
    Live,
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

BATCH = 50
AT_ONCE = 8
# One attempt stops early enough for its last batch to end inside the claim on the delivery.
SECONDS = 8.0
PLAINTEXT = 3993
TOKEN_LIVES = 12 * 3600
SHORT_WAIT = timedelta(seconds=30)
LONG_WAIT = timedelta(minutes=15)
GIVES_UP = timedelta(days=1)
TAKEN = frozenset({200, 201, 202, 204})
GONE = frozenset({404, 410})
FORBIDDEN = frozenset({401, 403})
UNWELCOME = "unwelcome"


class WebPushChannel(Channel, Rehearsing):
    """Credentials: `vapid_private_key` (32 bytes, base64url); settings: `subject` (mailto: or https:), `ttl` (s),
    `urgency`, `icon`, and for one round `batch` and `seconds`."""

    name: ClassVar[str] = "web_push"
    label: ClassVar[str] = "浏览器通知"
    limits: ClassVar[Limits] = Limits(
        style="text",
        title=60,
        text=300,
        actions=("push",),
        default_action="push",
        can=frozenset({"correct"}),
        counts_as_update=False,
        notes=(
            "发给订阅了本站通知的浏览器；每个浏览器至多收到一次，结果不明的不自动重发。",
            "已弹出的通知不能修改或撤回，可再推送一条更正。",
        ),
        corrections=("notice",),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("subject", "联系方式", required=True, help="mailto: 或 https: 开头，推送服务出问题时联系。"),
        Setting("ttl", "离线保留（秒）", "number", "默认 86400。"),
        Setting("urgency", "紧急程度", "choice", choices=(("normal", "普通"), ("high", "高"), ("low", "低"))),
        Setting("icon", "图标地址"),
        Setting("vapid_private_key", "VAPID 私钥", secret=True, required=True, help="32 字节，base64url。"),
    )

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
        if post.audience:
            # A narrower choice that nobody here understands must not reach everybody.
            found.append(Problem("audience", "浏览器通知只能发给全部订阅者。"))
        for item in post.items:
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

    def withdraw(self, post: Post) -> Uncorrectable:
        """Browsers keep what they have shown."""
        return Uncorrectable("已弹出的通知不能撤回")

    def health(self) -> str:
        """Whether the key signs; no push service can be asked without a browser."""
        try:
            self._signer.check()
        except Unauthorised as error:
            return error.reason
        return ""

    # --- the round --------------------------------------------------------------------------------

    @property
    def _subscriptions(self) -> Subscriptions:
        if self.tools.subscriptions is None:
            raise Refused("本系统没有启用浏览器订阅")
        return self.tools.subscriptions

    def _fan_out(self, post: Post) -> Accepted | Live:
        settings = self.account.settings
        ends = time.monotonic() + float(settings.get("seconds", SECONDS))
        message = _Message(settings, post)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while True:
                batch = self._subscriptions.due(
                    self.account.id, post.key, post.audience, int(settings.get("batch", BATCH))
                )
                if not batch:
                    return self._end(post)
                self._note(post.key, batch, list(pool.map(lambda one: self._send(one, message), batch)))
                if time.monotonic() > ends:
                    break
        counts = self._subscriptions.counts(post.key)
        return Accepted(post.key, timedelta(0), f"已推送 {counts.get('sent', 0)} 人，正在继续")

    def _end(self, post: Post) -> Accepted | Live:
        counts = self._subscriptions.counts(post.key)
        passed = self.tools.clock.now() - (post.first_attempt_at or self.tools.clock.now())
        if counts.get("waiting") and passed < GIVES_UP:
            words = f"推送服务要求稍候，还有 {counts['waiting']} 人待推送"
            return Accepted(post.key, min(max(passed / 4, SHORT_WAIT), LONG_WAIT), words)
        item = post.items[0]
        return Live({item.piece_id: Shown(post.key, item.url, {"counts": dict(counts)})}, _told(counts))

    def _note(self, key: str, batch: Sequence[Subscription], answers: Sequence[str | datetime]) -> None:
        if all(answer == UNWELCOME for answer in answers):
            # Every service refuses our signature: it is ours that is wrong, and nobody has got anything.
            self._subscriptions.wait(key, [one.id for one in batch], self.tools.clock.now())
            raise Unauthorised("推送服务不认可本站的签名，请核对浏览器通知的密钥")
        outcomes: dict[int, str] = {}
        waits: dict[datetime, list[int]] = {}
        for one, answer in zip(batch, answers, strict=True):
            if isinstance(answer, datetime):
                waits.setdefault(answer, []).append(one.id)
            elif answer:
                outcomes[one.id] = "refused" if answer == UNWELCOME else answer
        if outcomes:
            self._subscriptions.record(key, outcomes)
        for until, ids in waits.items():
            self._subscriptions.wait(key, ids, until)

    def _send(self, one: Subscription, message: _Message) -> str | datetime:
        """What became of it: `sent`, `gone`, `refused`, `unwelcome`, "" when nobody knows, or when to try again."""
        try:
            body = encrypt(message.payload, one)
            headers = {**message.headers, "Authorization": self._signer.header(one.endpoint)}
            with acting():
                response = self.tools.http.post(one.endpoint, content=body, headers=headers)
        except (Refused, ValueError, Unauthorised):
            # A private address, a broken key: this browser will never be reached.
            return "refused"
        except Retryable:
            return self.tools.clock.now() + SHORT_WAIT
        except OutcomeUnknown:
            return ""
        return self._meaning(response)

    def _meaning(self, response: httpx.Response) -> str | datetime:
        if response.status_code in TAKEN:
            return "sent"
        if response.status_code in GONE:
            return "gone"
        if response.status_code in FORBIDDEN:
            return UNWELCOME
        after = response.headers.get("Retry-After", "")
        if response.status_code == 429 or (response.status_code == 503 and after):
            return _until(after, self.tools.clock.now())
        return "" if response.status_code >= 500 else "refused"


class Signer:
    """VAPID tokens: one per push service, used until it is about to end."""

    def __init__(self, private_key: str, subject: str) -> None:
        self.private_key = private_key
        self.subject = subject
        self._made: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raises Unauthorised when the key or the subject is missing or malformed."""
        if not self.subject.startswith(("mailto:", "https://")):
            raise Unauthorised("浏览器通知没有填写联系人（mailto: 或 https:）")
        self.header("https://push.example")

    def header(self, endpoint: str) -> str:
        """The Authorization header for the service this address belongs to."""
        parts = urlsplit(endpoint)
        origin = f"{parts.scheme}://{parts.netloc}"
        # Real time, as the push services' own clocks run, whatever a drill does to ours.
        now = time.time()
        with self._lock:
            ends, header = self._made.get(origin, (0.0, ""))
            if ends - now < 600:
                ends = now + TOKEN_LIVES
                header = self._sign({"aud": origin, "exp": int(ends), "sub": self.subject})
                self._made[origin] = (ends, header)
        return header

    def _sign(self, claims: Mapping[str, Any]) -> str:
        try:
            made = Vapid02.from_string(self.private_key).sign(dict(claims))
        except (VapidException, ValueError, TypeError) as error:
            raise Unauthorised("浏览器通知的密钥不可用，请重新生成") from error
        return str(made["Authorization"])


class _Message:
    """What is the same for every browser."""

    def __init__(self, settings: Mapping[str, Any], post: Post) -> None:
        self.payload = _payload(settings, post.items[0])
        self.headers = {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(settings.get("ttl", 86_400))),
            "Urgency": str(post.note.get("urgency") or settings.get("urgency") or "normal"),
            "Topic": topic_of(post.items[0]),
        }


def new_key() -> tuple[str, str]:
    """A new VAPID pair: the private key for the account, the public one for browsers, both base64url."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_numbers().private_value.to_bytes(32, "big")
    return _base64url(private), _base64url(_point(key))


def public_of(private: str) -> str:
    """The public half (base64url) of a private key that stands as base64url."""
    return _base64url(_point(ec.derive_private_key(int.from_bytes(_bytes(private)), ec.SECP256R1())))


def encrypt(payload: bytes, one: Subscription) -> bytes:
    """The payload for one browser (aes128gcm, one record); raises ValueError for keys that are none."""
    receiver, secret = _bytes(one.p256dh), _bytes(one.auth)
    if len(receiver) != 65 or len(secret) != 16:
        raise ValueError("the browser's keys are malformed")
    sender = ec.generate_private_key(ec.SECP256R1())
    sealed: bytes = http_ece.encrypt(
        payload, private_key=sender, dh=receiver, auth_secret=secret, version="aes128gcm", rs=4096
    )
    return sealed


def topic_of(item: Item) -> str:
    """At most 32 base64url characters; a newer notice of the same piece replaces one not yet delivered."""
    return _base64url(hashlib.sha256(f"piece {item.piece_id}".encode()).digest())[:32]


def _payload(settings: Mapping[str, Any], item: Item) -> bytes:
    told = {"title": item.title, "body": item.text or item.digest, "url": item.url, "tag": f"piece-{item.piece_id}"}
    icon = settings.get("icon")
    return json.dumps({**told, **({"icon": str(icon)} if icon else {})}, ensure_ascii=False).encode()


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
    if after.isdigit():
        return now + timedelta(seconds=min(int(after), 24 * 3600))
    try:
        said = parsedate_to_datetime(after)
    except ValueError:
        return now + SHORT_WAIT
    return max(said if said.tzinfo else said.replace(tzinfo=UTC), now + timedelta(seconds=1))


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
