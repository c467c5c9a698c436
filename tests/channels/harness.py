"""What the adapters' tests share: tools in memory, posts, a clock that can be moved, and a small dispatcher.

The dispatcher does with an adapter's answers what `scheduler` does with them, so that an adapter can be tried
through a whole delivery: sent, asked about, polled, tried again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from channels.accounts.fan_outs import LONGEST_REST, PROVEN, SHORTEST_REST
from channels.adapters.web_push.signing import origin_of
from channels.base import (
    Accepted,
    AccountInfo,
    ByHand,
    Called,
    CannotTell,
    Channel,
    Item,
    Live,
    NotThere,
    Placed,
    Post,
    Subscription,
    Tools,
    Uncorrectable,
)
from channels.errors import ChannelError, OutcomeUnknown, Retryable, Throttled
from channels.posting import KeptConnections
from channels.transport import Guard, client, dialer
from content.article import article
from tests.channels.rehearsal.served import Rehearsal
from tests.factories import picture_bytes

SITE = "http://localhost:9999"


class MovingClock:
    """The machine's time, and as much later as it was told."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def now(self) -> datetime:
        """The moment."""
        return datetime.now(UTC) + self.offset

    def step(self, **delta: float) -> None:
        """Moves on."""
        self.offset += timedelta(**delta)


class MemoryTokens:
    """One token per account; counts how often it was fetched."""

    def __init__(self) -> None:
        self.kept: dict[int, str] = {}
        self.fetched = 0

    def get(self, account_id: int, fetch: Callable[[], tuple[str, int]], stale: str = "") -> str:
        """The kept token unless it is the stale one."""
        token = self.kept.get(account_id, "")
        if not token or token == stale:
            self.fetched += 1
            token = self.kept[account_id] = fetch()[0]
        return token


class MemoryQuotas:
    """Counts by (quota, period)."""

    def __init__(self) -> None:
        self.used: dict[tuple[str, str], int] = {}
        self.empty: set[tuple[str, str]] = set()

    def left(self, account_id: int, quota: str, period: str, limit: int, besides: Sequence[str] = ()) -> int:
        """What is left."""
        counters = [(name, period) for name in (quota, *besides)]
        if self.empty.intersection(counters):
            return 0
        return max(0, limit - sum(self.used.get(counter, 0) for counter in counters))

    def take(self, account_id: int, quota: str, period: str, limit: int) -> bool:
        """Takes one."""
        if not self.left(account_id, quota, period, limit):
            return False
        self.count(account_id, quota, period)
        return True

    def count(self, account_id: int, quota: str, period: str) -> None:
        """One more."""
        self.used[quota, period] = self.used.get((quota, period), 0) + 1

    def use_up(self, account_id: int, quota: str, period: str) -> None:
        """Nothing is left."""
        self.empty.add((quota, period))


class MemoryFiles:
    """Files by their SHA-256."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """Keeps a file."""
        name = hashlib.sha256(data).hexdigest()
        self.kept[name] = data
        return name

    def get(self, sha256: str) -> bytes:
        """The bytes."""
        if sha256 not in self.kept:
            raise FileNotFoundError(sha256)
        return self.kept[sha256]


class MemorySubscriptions:
    """Browsers in memory; whoever was claimed for a delivery is never due again, unless put back."""

    def __init__(self, clock: MovingClock) -> None:
        self.clock = clock
        self.known: dict[int, Subscription] = {}
        self.rows: dict[tuple[str, int], str] = {}
        self.later: dict[tuple[str, int], datetime] = {}
        self.codes: dict[tuple[str, int], str] = {}
        self.audiences: list[dict[str, Sequence[str]]] = []
        self.most_flying = 0
        self.taken: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.rests: dict[str, datetime] = {}

    def add(self, endpoint: str, p256dh: str, auth: str) -> int:
        """A browser that asked for notices."""
        number = len(self.known) + 1
        self.known[number] = Subscription(number, endpoint, p256dh, auth, origin_of(endpoint))
        return number

    def walk(self, account_id: int, key: str, audience: Mapping[str, Sequence[str]]) -> MemoryWalk:
        """A round over those that are left."""
        self.audiences.append(dict(audience))
        return MemoryWalk(self, key)

    def is_due(self, key: str, number: int) -> bool:
        """Whether it was never called for the delivery, or its hour has come."""
        state = self.rows.get((key, number))
        return state is None or (state == "waiting" and self.later[key, number] <= self.clock.now())

    def counts(self, key: str) -> Mapping[str, int]:
        """How many of each."""
        return Counter(state for (owner, _), state in self.rows.items() if owner == key)


class MemoryWalk:
    """One round in memory; counts how many were on their way at once."""

    def __init__(self, browsers: MemorySubscriptions, key: str) -> None:
        self.browsers = browsers
        self.key = key
        origins = dict.fromkeys(one.origin for one in browsers.known.values())
        now = browsers.clock.now()
        self.resting = {origin for origin in origins if browsers.rests.get(origin, now) > now}
        self.origins = [one for one in sorted(origins, key=lambda one: -browsers.taken[one]) if one not in self.resting]
        self.proven = {one for one in origins if browsers.taken[one] >= PROVEN and not browsers.failures[one]}
        self.failing = {one for one in origins if browsers.failures[one]}
        self.stopped = False

    def step(self, done: Mapping[int, Called], room: Mapping[str, int]) -> Sequence[Subscription]:
        """Writes and claims."""
        browsers = self.browsers
        for number, called in done.items():
            browsers.rows[self.key, number] = called.state
            browsers.codes[self.key, number] = called.code
            if called.until is not None:
                browsers.later[self.key, number] = called.until
            if called.state == "gone":
                del browsers.known[number]
        taken: list[Subscription] = []
        for origin, most in room.items():
            due = [one for one in browsers.known.values() if one.origin == origin and browsers.is_due(self.key, one.id)]
            if not due:
                self.origins.remove(origin)
            taken += due[:most]
        for one in taken:
            browsers.rows[self.key, one.id] = "unknown"
        flying = sum(state == "unknown" for (key, _), state in browsers.rows.items() if key == self.key)
        browsers.most_flying = max(browsers.most_flying, flying)
        return taken

    def remember(self, taken: Mapping[str, int], rests: Mapping[str, datetime | None]) -> None:
        """Notes it of each service."""
        for origin, number in taken.items():
            self.browsers.taken[origin] += number
            self.browsers.failures[origin] = 0
        for origin, until in rests.items():
            pause = min(SHORTEST_REST * 2 ** self.browsers.failures[origin], LONGEST_REST)
            self.browsers.rests[origin] = until or self.browsers.clock.now() + pause
            self.browsers.failures[origin] += until is None
            self.resting.add(origin)
            self.origins = [one for one in self.origins if one != origin]

    def held_back(self) -> int:
        """Those of resting services without a row."""
        known = self.browsers.known.values()
        return sum(one.origin in self.resting and (self.key, one.id) not in self.browsers.rows for one in known)


def make_tools(*allowed: str, clock: Any = None, timeout: float = 20.0, **more: Any) -> Tools:
    """Tools in memory whose client may call the allowed addresses only."""
    nothing: Any = None
    tools: dict[str, Any] = {
        "clock": clock or MovingClock(),
        "http": client(Guard(allowed), timeout),
        "tokens": MemoryTokens(),
        "quotas": MemoryQuotas(),
        "files": MemoryFiles(),
        "catalogue": nothing,
        "render": nothing,
        "poster": KeptConnections(Guard(allowed), timeout),
        # A platform that speaks no HTTP stands at a port of its own on the same machine.
        "dial": dialer(Guard([*allowed, *(host.partition(":")[0] for host in allowed)]), timeout),
    }
    return Tools(**tools | more)


def make_account(channel: str, base_url: str = "", **more: Any) -> AccountInfo:
    """An account of the invented office."""
    settings, credentials = more.pop("settings", {}), more.pop("credentials", {})
    return AccountInfo(1, "云州发布", channel, base_url, settings, credentials, **more)


COVER = {"media_type": "image/png", "alt": "封面", "size": 400, "width": 64, "height": 48}


def make_item(files: MemoryFiles, piece_id: int = 1, *, pictures: int = 1, **words: Any) -> Item:
    """A piece with a cover and pictures in its body."""
    cover = files.put(picture_bytes("teal"))
    colors = ["navy", "maroon", "olive", "purple"][:pictures]
    shown = [files.put(picture_bytes(color)) for color in colors]
    about = {name: {"media_type": "image/png", "alt": f"图{n}", "size": 500} for n, name in enumerate(shown, 1)}
    title = words.pop("title", f"关于调整供热时间的通知（{piece_id}）")
    body = "<p>供热结束时间延长。</p>" + "".join(f'<p><img src="/media/{name}.png" alt="图"></p>' for name in shown)
    made: dict[str, Any] = {
        "piece_id": piece_id,
        "release_id": piece_id,
        "content": {"pictures": about | {cover: COVER}, "cover": cover},
        "title": title,
        "digest": "市区供热结束时间延长至4月7日",
        "html": body,
        "text": f"{title} 详情 {SITE}/notices/{piece_id}.html",
        "author": "陈信",
        "url": f"{SITE}/notices/{piece_id}.html?from=test",
        "cover": cover,
    }
    return Item(**made | words)


def film_post(files: MemoryFiles) -> tuple[Post, list[dict[str, Any]]]:
    """A film that goes to our portal and another site, as the article that the other gets; its film and captions."""
    kept = [("片.mp4", b"film"), ("片.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\n检修\n".encode())]
    shown = [
        {"name": name, "href": f"/files/{(sha256 := files.put(data))}/{name}", "sha256": sha256, "size": len(data)}
        for name, data in kept
    ]
    content = {
        "kind": "video", "fields": {"transcript": "检修。"}, "links": {}, "attachments": shown, "pictures": {},
        "column": {"slug": "films", "name": "视频"}, "unit": "住建局", "targets": [{"account": 1, "channel": "portal"}],
    }  # fmt: skip
    return Post("d-1", "publish", [make_item(files, pictures=0, content=content, html=article(content, ""))]), shown


@dataclass
class Run:
    """How a delivery went: each act with what came of it, and the end."""

    end: Any = None
    trail: list[tuple[str, str]] = field(default_factory=list)
    post: Post | None = None

    @property
    def live(self) -> Live:
        """The end, which must be a success."""
        assert isinstance(self.end, Live), self.trail
        return self.end

    def outcomes(self, act: str) -> list[str]:
        """What came of one kind of act."""
        return [outcome for done, outcome in self.trail if done == act]


@dataclass
class Courier:
    """Takes one post through an adapter until it ends, moving the time on where it has to wait."""

    channel: Channel
    wait: Callable[[float], None]
    now: Callable[[], datetime]

    def deliver(self, post: Post, most: int = 60) -> Run:
        """The delivery from its first attempt."""
        run = Run()
        state, job, asked = "send", "", 0
        post = replace(post, first_attempt_at=self.now())
        for _ in range(most):
            if state == "send":
                post = replace(post, attempted_at=self.now())
            answer = self._answer(state, post, job)
            run.trail.append((state, type(answer).__name__))
            run.post = post = replace(post, note={**post.note, **getattr(answer, "data", {})})
            if isinstance(answer, Accepted):
                state, job = "poll", answer.job_id
                self.wait(answer.poll_after.total_seconds())
            elif isinstance(answer, NotThere):
                state, post = "send", replace(post, attempt=post.attempt + 1)
                self.wait(10)
            elif isinstance(answer, OutcomeUnknown):
                state, asked = ("poll" if state == "poll" else "ask"), asked + 1
                self.wait(min(2.0**asked, 600))
            elif isinstance(answer, Retryable | Throttled):
                pause = answer.until - self.now() if isinstance(answer, Throttled) else timedelta(seconds=10)
                post = replace(post, attempt=post.attempt + (state == "send"))
                self.wait(max(10.0, pause.total_seconds()))
            else:
                run.end = answer
                return run
        raise AssertionError(f"no end: {run.trail}")

    def _answer(self, state: str, post: Post, job: str) -> Any:
        try:
            if state == "poll":
                return self.channel.poll(post, job)
            if state == "ask":
                return self.channel.reconcile(post)
            return self._act(post)
        except ChannelError as error:
            return error
        except httpx.HTTPError as failure:
            return OutcomeUnknown(type(failure).__name__)

    def _act(self, post: Post) -> Live | Accepted | ByHand | Uncorrectable | CannotTell:
        if post.action in ("correct", "refresh"):
            return self.channel.correct(post)
        return self.channel.withdraw(post) if post.action == "withdraw" else self.channel.publish(post)


def placed_by(live: Live, at: datetime) -> dict[int, Placed]:
    """Where a post's items show, as its placements would say."""
    return {
        piece_id: Placed(piece_id, shown.remote_id, shown.url, {**shown.data, "live_at": at.isoformat()})
        for piece_id, shown in live.shown.items()
    }


def host_of(rehearsal: Rehearsal) -> str:
    """The rehearsal's `host:port`, to be allowed."""
    return rehearsal.url.removeprefix("http://")


def shifted(rehearsal: Rehearsal, clock: MovingClock) -> Callable[[float], None]:
    """Moves the platform's clock and ours together."""

    def wait(seconds: float) -> None:
        clock.step(seconds=seconds)
        rehearsal.step(seconds)

    return wait
