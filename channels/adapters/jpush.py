"""The adapter for one JPush app: notices to the phones that have the office's own app.

A push carries a `cid` that the platform gave out beforehand; it is remembered with the delivery before anything is
pushed, and the platform pushes under it once a day, so that every repeat is harmless. A correction replaces what lies
unread on phones (override_msg_id, apns_collapse_id), a withdrawal revokes it (DELETE v3/push/{msg_id}).
Rules: docs.jiguang.cn, Push v3, and its page on replacing and revoking.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx

from channels.abilities.audience import Addressed, AudienceKind, listed
from channels.abilities.going_on import GoesOn
from channels.abilities.rations import Ration, Rationed
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters.calling import acting, broken, harmless, today
from channels.base import (
    ACTION_LABELS,
    Accepted,
    CannotTell,
    Channel,
    Item,
    Limits,
    Live,
    NotThere,
    Placed,
    Post,
    Problem,
    Quota,
    Reading,
    Setting,
    Settlement,
    Shown,
    Uncorrectable,
)
from channels.errors import ChannelError, OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised
from channels.options import SELDOM, Options, option, settings_of

PUSH_HOST = "https://api.jpush.cn"
REPORT_HOST = "https://report.jpush.cn"
NOBODY = 1011
RATE = 2002
CID_LIVES = timedelta(hours=23)
REPORTED_AT_ONCE = 100
LASTS = timedelta(days=1)
LONGEST_TTL = 10 * 24 * 3600
LONGEST_SPREAD = 1400
INVALID = 1003
# What says all there is to say without a word: nothing was taken.
BARE: Mapping[int, int] = {401: 1004, 429: RATE}
NOT_OFFERED = frozenset({"404", "405", "501", "1001", "1020"})
# How finely it is remembered until when a minute's calls are used up.
SLOT = 10
ANDROID_BYTES = 4000
IOS_BYTES = 2000
RETRYABLE: Mapping[int, str] = {1000: "极光系统错误", 1030: "极光内部服务超时"}
CREDENTIAL: Mapping[int, str] = {
    1004: "AppKey 或 Master Secret 不对",
    1008: "AppKey 不对",
    **dict.fromkeys(range(2003, 2008), "极光限制了该应用的推送"),
}
REFUSED: Mapping[int, tuple[str, str | None]] = {
    1001: ("请求方式不被支持", None),
    1002: ("缺少必填参数", None),
    1003: ("参数值不合法", None),
    1005: ("推送内容过大", "text"),
    1009: ("推送对象不合法", "audience"),
    1012: ("该推送接口已停用", None),
    1020: ("只支持 HTTPS 请求", None),
    2010: ("推送被极光限制", None),
}


PUSHES = "push"
NOT_RUNG = "超出的，App 没有打开的手机可能收不到。急事请用应急发布，不急的请改到别的日期。"
REVOKED = "已撤销排队中和手机上还没点开的通知；已点开的、由部分手机厂商通道送达的收不回来。"


class Answered(Exception):
    """JPush's own no: code, English text, the message number that it may still give, and seconds to wait."""

    def __init__(self, code: int, message: str, msg_id: str, wait: float) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.msg_id = msg_id
        self.wait = wait


@dataclass(frozen=True)
class JPushOptions(Options):
    """Settings of one account; sources disagree on `ios_bytes`, the harsher one is meant."""

    platforms: tuple[str, ...] = option(
        "推送平台", (), "每行一个：android、ios、hmos；不填为 android 和 ios。", pattern="android|ios|hmos|quickapp"
    )
    time_to_live: int = option("离线保留（秒）", 86_400, "设备离线时保留多久。", most=LONGEST_TTL)
    big_push_duration: int = option(
        "匀速推送（分钟）", 0, "推给全部手机时分散在这些分钟内；0 为立即，应急发布总是立即。", most=LONGEST_SPREAD
    )
    vendor_per_day: int | None = option(
        "手机厂商每天限推（次）",
        None,
        "华为、小米、OPPO、vivo 等按应用限制每天推送的次数，填其中最小的；不填为不限。日历上显示余量。",
        least=1,
        most=100_000,
    )
    apns_production: bool = option("iOS 正式环境", True)
    report_url: str = option("统计接口地址", "", "不填为极光公有云。", most=300, pattern=r"https?://\S+")
    ios_bytes: int = option(
        "iOS 内容字节上限", IOS_BYTES, "极光旧文档为 2000，新文档为 3584；以您的应用实测为准。", least=500, most=3584,
        group=SELDOM,
    )  # fmt: skip


class JPushRations(Rationed):
    """What phone makers let through in a day; JPush's own limit is one of calls a minute, which is waited for."""

    @classmethod
    def rations(cls, settings: Mapping[str, Any], action: str, audience: Mapping[str, Any]) -> Sequence[Ration]:
        """The office enters what its makers granted; nothing is limited without that."""
        most = JPushOptions.of(settings).vendor_per_day
        return [Ration("push", (PUSHES,), "day", most, beyond=NOT_RUNG)] if most and action == "push" else []


class JPushChannel(Channel, JPushRations, Addressed, Rehearsing, GoesOn):
    """Credentials: `app_key`, `master_secret`; settings: `JPushOptions`."""

    name: ClassVar[str] = "jpush"
    label: ClassVar[str] = "App 推送（极光）"
    limits: ClassVar[Limits] = Limits(
        style="text",
        title=60,
        text=500,
        actions=("push",),
        default_action="push",
        can=frozenset({"correct", "withdraw"}),
        updates=(),
        notes=(
            "一天内再推送的更正会替换手机上还没点开的那条；已点开的改不了。",
            "撤稿会撤销排队中和手机上还没点开的通知；已点开的、由部分手机厂商通道送达的收不回来。",
            "极光按分钟限制接口调用：用完时自动等到下一分钟再推。",
        ),
        corrections=("notice",),
    )
    audience_kinds: ClassVar[tuple[AudienceKind, ...]] = (
        AudienceKind("tag", "标签（任一）", "有其中任一标签的手机，最多 20 个。", most=20, bytes=40),
        AudienceKind("tag_and", "标签（同时）", "须同时有这些标签。", most=20, bytes=40, narrows="more"),
        AudienceKind("tag_not", "标签（除外）", "有其中任一标签的不推送。", most=20, bytes=40, narrows="more"),
        AudienceKind("alias", "别名", "一人一个，最多 1000 个。", most=1000, bytes=40),
        AudienceKind("registration_id", "设备号", "极光 Registration ID，最多 1000 个。", most=1000),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        *settings_of(JPushOptions),
        Setting("app_key", "AppKey", secret=True, required=True),
        Setting("master_secret", "Master Secret", secret=True, required=True),
    )

    @classmethod
    def quotas(cls, settings: Mapping[str, Any]) -> tuple[Quota, ...]:
        """What phone makers let through in a day, where the office entered it."""
        return tuple((one.action, one.period, one.limit) for one in cls.rations(settings, "push", {}))

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """An app on two phones."""
        secrets = {"app_key": seed.hexes("app key", 24), "master_secret": seed.hexes("master secret", 24)}
        phones = [
            {"registration_id": f"r-{seed.hexes('android', 12)}", "name": "王女士的手机"},
            {"registration_id": f"r-{seed.hexes('ios', 12)}", "platform": "ios", "name": "李先生的手机"},
        ]
        settings = {name: value for name, value in seed.settings.items() if name != "report_url"}
        return StandIn("jpush", [{**secrets, "name": seed.name, "devices": phones}], "jpush", settings, secrets)

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """Sizes as the platform measures them, and the audience."""
        found = []
        if len(post.items) != 1:
            found.append(Problem("items", f"推送每次 1 条，现有 {len(post.items)} 条。"))
        if post.action not in (*cls.limits.actions, *cls.limits.can):
            found.append(Problem("action", f"App 推送不支持“{ACTION_LABELS[post.action]}”。"))
        if post.action == "withdraw":
            return found
        for item in post.items:
            found += _sizes(JPushOptions.of(settings), item)
        return found + _times(JPushOptions.of(settings)) + cls.audience_problems(post.audience)

    def publish(self, post: Post) -> Accepted | Live:
        """Has the push checked without sending it, and gets the number under which it will be sent."""
        for problem in self.check(self.account.settings, post):
            if problem.blocking:
                raise Refused(problem.message, field=problem.field)
        try:
            with self._asking():
                self._replacing(post, lambda body: self._call("POST", "v3/push/validate", body))
            return self._numbered("已取得推送编号，即将推送")
        except Nobody as nobody:
            return _nobody(post, nobody.msg_id)

    def poll(self, post: Post, job_id: str) -> Settlement:
        """Pushes under the number; a repeat is answered with the first push and reaches nobody twice.

        A number of yesterday makes no repeat harmless any more. Another one is fetched only where surely nothing was
        pushed under it; else a person must look.
        """
        began = _numbered_at(post)
        if began and self.tools.clock.now() - began > CID_LIVES:
            if post.doubtful:
                return CannotTell("推送编号已超过一天，不能再安全地重试，请到极光后台查看")
            return self._numbered("原推送编号已过期，从未推送；已取得新的编号，即将推送")
        try:
            with self._pushing():
                answer = self._replacing(post, lambda body: self._call("POST", "v3/push", {"cid": job_id, **body}))
                number = str(_given(answer, "msg_id"))
        except Nobody as nobody:
            return _nobody(post, nobody.msg_id)
        self.tools.quotas.count(self.account.id, PUSHES, today(self.tools.clock.now()))
        return self._live(post, number)

    def reconcile(self, post: Post) -> Settlement:
        """What has no number yet was never pushed: a number is remembered before anything is. Revoking is repeated."""
        if post.action == "withdraw":
            done = self.withdraw(post)
            return done if isinstance(done, Live) else CannotTell(done.reason)
        cid = post.note.get("cid")
        return self.poll(post, str(cid)) if cid else NotThere()

    def correct(self, post: Post) -> Accepted | Live | Uncorrectable:
        """Pushes the new words, where a person chose so; within a day they replace what nobody has opened yet."""
        if post.action == "correct" and post.note.get("correction") == "notice":
            return self.publish(post)
        return Uncorrectable("已推送到手机的通知不能修改，可选择再推送一条更正")

    def withdraw(self, post: Post) -> Live | Uncorrectable:
        """Revokes what is queued or lies unopened on phones; what the platform no longer knows nobody can revoke."""
        if post.placed and all(one.data.get("nobody") for one in post.placed.values()):
            return Live(remark="这条推送无人收到，没有需要撤销的通知。")
        numbers = {
            str(one.data[name]) for one in post.placed.values() for name in ("msg_id", "original") if name in one.data
        }
        if not numbers:
            return Uncorrectable("没有这条推送在极光上的编号，请到极光后台撤销", by_hand=True)
        try:
            known = [number for number in sorted(numbers) if self._revoke(number)]
        except Refused as refused:
            if refused.platform_code not in NOT_OFFERED:
                raise
            return Uncorrectable(f"{refused.reason}，请到极光后台撤销", by_hand=True)
        if not known and not any(self._original(one) for one in post.placed.values()):
            return Uncorrectable("推送已超过一天，极光不再撤销，手机上的通知收不回来")
        return Live(remark=REVOKED if known else "极光上已没有这条推送。")

    def read(self, placed: Sequence[Placed]) -> list[Reading]:
        """How many phones got it, kept by the platform for about a month."""
        by_id = {str(one.data["msg_id"]): one for one in placed if one.data.get("msg_id")}
        now, readings = self.tools.clock.now(), []
        for start in range(0, len(by_id), REPORTED_AT_ONCE):
            wanted = ",".join(list(by_id)[start : start + REPORTED_AT_ONCE])
            with self._asking():
                lines = self._call("GET", f"v3/received/detail?msg_ids={wanted}", report=True)
            for line in lines:
                figures, placed_at = _figures(line), by_id.get(str(line.get("msg_id")))
                if figures and placed_at is not None:
                    readings.append(Reading(placed_at.piece_id, figures, now))
        return readings

    def health(self) -> str:
        """Asks for a number, which costs nothing."""
        try:
            with self._asking():
                self._call("GET", "v3/push/cid?count=1&type=push")
        except Unauthorised:
            raise
        except ChannelError as error:
            return error.reason
        return ""

    # --- calls ------------------------------------------------------------------------------------

    def _body(self, post: Post, replaced: str = "") -> dict[str, Any]:
        chosen, audience = JPushOptions.of(self.account.settings), _audience(post.audience)
        options: dict[str, Any] = {
            # Not zero, and the same for all attempts of a delivery.
            "sendno": zlib.crc32(post.key.encode()) % 2_000_000_000 + 1,
            "time_to_live": int(chosen.time_to_live),
            # Said aloud, because clients and server disagree on what silence means.
            "apns_production": chosen.apns_production,
            "apns_collapse_id": f"piece-{post.items[0].piece_id}",
        }
        if replaced:
            options["override_msg_id"] = int(replaced)
        # What is urgent goes to all phones at once, not spread over an hour.
        if chosen.big_push_duration and audience == "all" and not post.items[0].content.get("emergency"):
            options["big_push_duration"] = int(chosen.big_push_duration)
        return {
            "platform": list(_platforms(chosen)),
            "audience": audience,
            "notification": _notification(chosen, post.items[0]),
            "options": options,
        }

    def _numbered(self, words: str) -> Accepted:
        """A new number, with the hour from which it counts."""
        with self._asking():
            cid = str(_given(self._call("GET", "v3/push/cid?count=1&type=push"), "cidlist")[0])
        at = self.tools.clock.now().isoformat()
        return Accepted(cid, timedelta(0), words, data={"cid": cid, "cid_at": at})

    def _replacing(self, post: Post, call: Callable[[dict[str, Any]], Any]) -> Any:
        """Has a correction replace the push it corrects; where the platform knows that one no more, it stands alone."""
        original = next((found for one in post.placed.values() if (found := self._original(one))), "")
        replaced = original if post.action == "correct" else ""
        try:
            return call(self._body(post, replaced))
        except Answered as answer:
            if not replaced or answer.code != INVALID:
                raise
            return call(self._body(post))

    def _original(self, placed: Placed) -> str:
        """The number of the first push of what shows, as long as the platform replaces it; "" afterwards."""
        at = placed.data.get("original_at")
        if not at or self.tools.clock.now() - datetime.fromisoformat(str(at)) >= LASTS:
            return ""
        return str(placed.data["original"])

    def _live(self, post: Post, msg_id: str) -> Live:
        """Where it shows, with the first push that later ones replace: its number, not theirs, is what they name."""
        placed = post.placed.get(post.items[0].piece_id) if post.action == "correct" else None
        began = _numbered_at(post)
        first = {"original": msg_id, "original_at": began.isoformat() if began else ""}
        if placed is not None and self._original(placed):
            first = {name: placed.data[name] for name in first}
        return _shown(post, msg_id, {**first, "nobody": False})

    def _revoke(self, msg_id: str) -> bool:
        """Whether the platform still knew it."""
        try:
            with self._asking(), _where_offered():
                self._call("DELETE", f"v3/push/{msg_id}")
        except Refused as refused:
            if refused.platform_code != str(INVALID):
                raise
            return False
        return True

    def _call(self, method: str, path: str, body: Any = None, *, report: bool = False) -> Any:
        kind = "report" if report else "push"
        self._wait_for_room(kind)
        own = self.account.base_url.rstrip("/")
        host = (
            str(JPushOptions.of(self.account.settings).report_url or own or REPORT_HOST) if report else own or PUSH_HOST
        )
        key, secret = self.account.credentials.get("app_key", ""), self.account.credentials.get("master_secret", "")
        basic = base64.b64encode(f"{key}:{secret}".encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        response = self.tools.http.request(method, f"{host}/{path}", headers=headers, content=content)
        self._mark_full(kind, response.headers)
        return _read(response)

    def _wait_for_room(self, kind: str) -> None:
        """Raises Throttled while the minute's calls are known to be used up: the platform said so to one of us."""
        first = int(self.tools.clock.now().timestamp()) // SLOT
        free = next((slot for slot in range(first, first + 31) if not self._is_full(kind, slot)), first + 31)
        if free > first:
            raise Throttled("极光本分钟的调用次数已用完", datetime.fromtimestamp(free * SLOT, UTC), code=str(RATE))

    def _is_full(self, kind: str, slot: int) -> bool:
        return self.tools.quotas.left(self.account.id, f"{kind}_full", str(slot), 1) < 1

    def _mark_full(self, kind: str, headers: httpx.Headers) -> None:
        left, seconds = headers.get("X-Rate-Limit-Remaining", ""), headers.get("X-Rate-Limit-Reset", "")
        if left != "0" or not seconds.isdigit():
            return
        now = int(self.tools.clock.now().timestamp())
        for slot in range(now // SLOT, (now + min(int(seconds), 300)) // SLOT + 1):
            self.tools.quotas.take(self.account.id, f"{kind}_full", str(slot), 1)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            with harmless():
                yield
        except Answered as answer:
            raise self._error(answer) from answer

    @contextmanager
    def _pushing(self) -> Iterator[None]:
        """The push itself: unless it surely never left, or was refused, nobody knows whether it was taken."""
        try:
            with acting():
                yield
        except Answered as answer:
            if answer.code in RETRYABLE:
                raise OutcomeUnknown(RETRYABLE[answer.code], code=str(answer.code)) from answer
            raise self._error(answer) from answer

    def _error(self, answer: Answered) -> ChannelError:
        code = str(answer.code)
        if answer.code == NOBODY:
            return Nobody(answer.msg_id)
        if answer.code == RATE:
            until = self.tools.clock.now() + timedelta(seconds=answer.wait)
            return Throttled("极光推送频率超限", until, code=code)
        if answer.code in RETRYABLE:
            return Retryable(RETRYABLE[answer.code], code=code)
        if answer.code in CREDENTIAL:
            return Unauthorised(f"{CREDENTIAL[answer.code]}（{answer.message}）", code=code)
        reason, field = REFUSED.get(answer.code, (f"极光返回 {answer.code}", None))
        return Refused(f"{reason}（{answer.message}）", code=code, field=field)


class Nobody(Refused):
    """No phone matches the audience, which is no failure of the service ({reason})."""

    def __init__(self, msg_id: str) -> None:
        super().__init__("没有符合条件的手机", code=str(NOBODY))
        self.msg_id = msg_id


@contextmanager
def _where_offered() -> Iterator[None]:
    """An address that answers "no such thing" in nobody's words offers no revoking, as a private installation may."""
    try:
        yield
    except httpx.HTTPStatusError as failure:
        status = str(failure.response.status_code)
        if status not in NOT_OFFERED:
            raise
        raise Refused(f"该极光地址没有撤销接口（HTTP {status}）", code=status) from failure


def _read(response: httpx.Response) -> Any:
    try:
        answer = json.loads(response.content)
    except ValueError:
        answer = None
    error = answer.get("error") if isinstance(answer, dict) else None
    wait = response.headers.get("X-Rate-Limit-Reset", "")
    seconds = float(wait) if wait.isdigit() else 60.0
    if isinstance(error, dict):
        message, msg_id = str(error.get("message", "")), str(answer.get("msg_id", ""))
        raise Answered(_code(error, response), message, msg_id, seconds + 1)
    if response.status_code in BARE:
        raise Answered(BARE[response.status_code], f"HTTP {response.status_code}", "", seconds + 1)
    if answer is None:
        raise broken(response)
    if response.status_code != 200:
        raise broken(response)
    return answer


def _code(error: Mapping[str, Any], response: httpx.Response) -> int:
    """The number of its no. A server's own failure under a number that nobody knows says nothing of what became of the
    call, and is no refusal."""
    said = str(error.get("code", ""))
    code = int(said) if said.isascii() and said.isdigit() else 0
    known = code in RETRYABLE or code in CREDENTIAL or code in REFUSED or code in (NOBODY, RATE)
    if not known and response.status_code >= 500:
        raise broken(response)
    return code


def _given(answer: Any, name: str) -> Any:
    """What a yes must hold; one without it is no answer to go by."""
    found = answer.get(name) if isinstance(answer, dict) else None
    if not found:
        raise httpx.DecodingError(f"an answer without {name}")
    return found


def _numbered_at(post: Post) -> datetime | None:
    """When its present number was fetched; of those fetched before this was noted, when it was first tried."""
    said = post.note.get("cid_at")
    return datetime.fromisoformat(str(said)) if said else post.first_attempt_at


def _platforms(chosen: JPushOptions) -> Sequence[str]:
    return chosen.platforms or ("android", "ios")


def _notification(chosen: JPushOptions, item: Item) -> dict[str, Any]:
    title, alert = item.title, item.text or item.digest
    extras = {"url": item.url, "piece": str(item.piece_id)}
    made: dict[str, Any] = {}
    for platform in _platforms(chosen):
        if platform == "ios":
            made["ios"] = {"alert": {"title": title, "body": alert}, "sound": "default", "extras": extras}
        else:
            made[platform] = {"alert": alert, "title": title, "extras": extras}
    return made


def _sizes(chosen: JPushOptions, item: Item) -> list[Problem]:
    if not (item.text or item.digest).strip():
        return [Problem("text", "没有推送文字。")]
    notification = _notification(chosen, item)
    found = []
    for platform, limit in (("android", ANDROID_BYTES), ("ios", int(chosen.ios_bytes))):
        size = len(json.dumps({platform: notification.get(platform)}, ensure_ascii=False).encode())
        if platform in notification and size > limit:
            found.append(Problem("text", f"推送内容共 {size} 字节，{platform} 上限 {limit} 字节。"))
    return found


def _times(chosen: JPushOptions) -> list[Problem]:
    found = []
    for value, label, most, unit in (
        (int(chosen.time_to_live), "离线保留", LONGEST_TTL, "秒"),
        (int(chosen.big_push_duration), "匀速推送", LONGEST_SPREAD, "分钟"),
    ):
        if not 0 <= value <= most:
            found.append(Problem("account", f"该账号设置的“{label}”为 {value} {unit}，极光上限 {most} {unit}。"))
    return found


def _audience(chosen: Mapping[str, Any]) -> Any:
    return {name: listed(values) for name, values in chosen.items() if listed(values)} or "all"


def _shown(post: Post, msg_id: str, more: Mapping[str, Any], remark: str = "") -> Live:
    item = post.items[0]
    return Live({item.piece_id: Shown(msg_id, item.url, {"msg_id": msg_id, **more})}, remark)


def _nobody(post: Post, msg_id: str) -> Live:
    return _shown(post, msg_id, {"nobody": True}, "没有符合条件的手机，本次推送无人收到。")


# Each line is one way to the phones; of its names the larger counts, since a phone may get a push as a notice and as a
# message. Android phones have two ways: JPush's own connection, and the maker's where the app does not run.
DELIVERED = (
    ("jpush_received",),
    ("android_pns_received",),
    ("ios_apns_received", "ios_msg_received"),
    ("hmos_hmpns_received", "hmos_msg_received"),
    ("quickapp_jpush_received",),
)
SENT = (
    ("android_pns_sent",),
    ("ios_apns_sent",),
    ("hmos_hmpns_sent", "hmos_msg_sent"),
    ("quickapp_pns_sent",),
)


def _figures(line: Mapping[str, Any]) -> dict[str, int]:
    """The sums over the ways; a null means that the push did not go that way."""
    figures = {}
    for name, ways in (("delivered", DELIVERED), ("sent", SENT)):
        found = [[int(line[one]) for one in way if line.get(one) is not None] for way in ways]
        if any(found):
            figures[name] = sum(max(one) for one in found if one)
    return figures
