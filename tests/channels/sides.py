"""The two sides of each channel under test: our adapter, and the platform that it talks to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from channels.adapters.fake import PLATFORMS, FakeChannel
from channels.adapters.wechat import WeChatChannel
from channels.base import Action, Channel, Live, Post
from tests.channels.harness import (
    Courier,
    MovingClock,
    Run,
    host_of,
    make_account,
    make_item,
    make_tools,
    placed_by,
    shifted,
)
from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal

TOKEN = "rehearsal-callback-token"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@dataclass
class Side:
    """One channel with its platform. `can` names the parts of the contract that apply to it."""

    rehearsal: Rehearsal
    name: ClassVar[str] = ""
    action: ClassVar[Action] = "publish"
    can: ClassVar[frozenset[str]] = frozenset()
    clock: MovingClock = field(default_factory=MovingClock)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tools = make_tools(host_of(self.rehearsal), clock=self.clock, timeout=1.0)
        self.files: Any = self.tools.files
        self.channel = self.make()
        self.courier = Courier(self.channel, self.wait, self.clock.now)

    def make(self) -> Channel:
        """The adapter."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of connections."""
        self.tools.http.close()

    def wait(self, seconds: float) -> None:
        """Lets time pass on both sides."""
        shifted(self.rehearsal, self.clock)(seconds)

    def post(self, *, key: str = "delivery-1", items: int = 1, **changes: Any) -> Post:
        """A post of the channel's own kind."""
        made = changes.pop("made", None) or [make_item(self.files, n) for n in range(1, items + 1)]
        return Post(**{"key": key, "action": self.action, "items": made, **changes})

    def deliver(self, post: Post | None = None) -> Run:
        """A post taken to its end."""
        return self.courier.deliver(post or self.post())

    def act(self, live: Live, action: Action, **changes: Any) -> Run:
        """A later act on what shows."""
        placed = placed_by(live, self.clock.now())
        return self.deliver(self.post(key=f"{action}-1", action=action, placed=placed, **changes))

    def arrived(self) -> int:
        """How many messages readers see."""
        raise NotImplementedError

    def gone(self) -> int:
        """How many articles were taken back."""
        raise NotImplementedError

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        """Breaks the next call that readers see the effect of, or an `early` one that they do not."""
        raise NotImplementedError


class FakeSide(Side):
    """The platform in memory."""

    name = "fake"
    can = frozenset({"lost", "throttle", "poll", "withdraw", "correct", "refuse"})

    def make(self) -> Channel:
        PLATFORMS.pop(1, None)
        return FakeChannel(make_account("fake"), self.tools)

    def arrived(self) -> int:
        return len(PLATFORMS[1].arrived)

    def gone(self) -> int:
        return len(PLATFORMS[1].withdrawn)

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        words = {"cut_after": "lost", "throttle": "throttled", "accepted": "accepted", "refused": "refused"}
        PLATFORMS[1].script.append(words[kind])


class WeChatSide(Side):
    """A subscription account."""

    seen: ClassVar[str]
    path: ClassVar[str]
    early_path: ClassVar[str] = "cgi-bin/draft/add"
    can = frozenset(
        {"lost", "http", "throttle", "token", "poll", "callback", "picture", "withdraw", "correct", "early", "refuse"}
    )

    def make(self) -> Channel:
        credentials = {"appid": APPID, "secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
        account = make_account(
            "wechat", f"{self.rehearsal.url}/wechat", settings=self.settings, credentials=credentials
        )
        return WeChatChannel(account, self.tools)

    def arrived(self) -> int:
        return len(self.rehearsal.ledger(self.seen))

    def gone(self) -> int:
        lines = self.rehearsal.ledger("publish_deleted") + self.rehearsal.ledger("mass_deleted")
        return sum(len(line["data"]["titles"]) for line in lines)

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        path = more.pop("path", self.early_path if early else self.path)
        self.rehearsal.control("faults", kind=kind, platform="wechat", path=path, **more)

    def drafts(self) -> int:
        """How many drafts lie in the box."""
        return int(self.rehearsal.wechat()("draft/batchget", offset=0, count=20)["total_count"])


class WeChatMassSide(WeChatSide):
    """群发."""

    name = "wechat-mass"
    action = "mass_send"
    seen = "mass_send"
    path = "cgi-bin/message/mass/sendall"


class WeChatPublishSide(WeChatSide):
    """只发布."""

    name = "wechat-publish"
    action = "publish"
    seen = "publish"
    path = "cgi-bin/freepublish/submit"


SIDES: dict[str, type[Side]] = {side.name: side for side in (FakeSide, WeChatMassSide, WeChatPublishSide)}


def sides_that(*can: str) -> list[str]:
    """The sides to which these parts of the contract apply."""
    return [name for name, side in SIDES.items() if set(can) <= side.can]


def again(post: Post, **changes: Any) -> Post:
    """The same post, changed."""
    return replace(post, **changes)
