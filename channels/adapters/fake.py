"""A platform in memory, for tests and for trying the product: it behaves, and misbehaves, as told.

State is per account and shared by all adapters of one process. The account's settings may hold a
`script`: a list of answers for the next calls, such as "lost", "refused" or "accepted".
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import ClassVar

from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.base import (
    Accepted,
    CannotTell,
    Channel,
    Limits,
    Live,
    NotThere,
    Placed,
    Post,
    Reading,
    Settlement,
    Shown,
)
from channels.errors import OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised, WouldSend


@dataclass
class FakePlatform:
    """What one account received, by the post's key, in order of arrival; `shows` is what its readers see by now.

    `repeats` says that it is asked by sending again, as under a number that it takes once.
    `refused` are pieces of which it first took an act and then refused it: what shows of those is anybody's guess.
    """

    arrived: list[Post] = field(default_factory=list)
    script: list[str] = field(default_factory=list)
    jobs: dict[str, Post] = field(default_factory=dict)
    withdrawn: list[int] = field(default_factory=list)
    corrected: list[int] = field(default_factory=list)
    acted: list[str] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    shows: set[str] = field(default_factory=set)
    blind: bool = False
    repeats: bool = False
    sick: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def times(self, key: str) -> int:
        """How often a post with this key arrived, or was acted on."""
        return sum(1 for post in self.arrived if post.key == key) + self.acted.count(key)


PLATFORMS: dict[int, FakePlatform] = defaultdict(FakePlatform)


class FakeChannel(Channel, Rehearsing):
    """The adapter of the platform in memory."""

    name: ClassVar[str] = "fake"
    label: ClassVar[str] = "演示渠道"
    limits: ClassVar[Limits] = Limits(
        style="text",
        title=100,
        text=2000,
        items=8,
        actions=("publish", "mass_send", "push"),
        can=frozenset({"correct", "withdraw", "refresh"}),
    )

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """Another platform in memory."""
        return StandIn(settings=seed.settings)

    @property
    def platform(self) -> FakePlatform:
        """The platform's side of this account."""
        return PLATFORMS[self.account.id]

    def publish(self, post: Post) -> Live | Accepted:
        """Takes the post, unless the script says otherwise."""
        with self.platform.lock:
            answer = self.platform.script.pop(0) if self.platform.script else "live"
            self._maybe_refuse(answer)
            self.platform.arrived.append(post)
            self.platform.shows |= set(self._names(post).values())
            return self._answered(post, answer)

    def reconcile(self, post: Post) -> Settlement:
        """Looks the key up among what arrived; where the platform `repeats`, what it does not have is taken by that."""
        with self.platform.lock:
            if self.platform.blind:
                return CannotTell("该平台没有可供核实的接口")
            if self.platform.times(post.key):
                return self._live(post)
            if not self.platform.repeats:
                return NotThere()
        if post.look_only:
            raise WouldSend
        act = self.publish if post.action in self.limits.actions else self.correct
        return self.withdraw(post) if post.action == "withdraw" else act(post)

    def poll(self, post: Post, job_id: str) -> Settlement:
        """An accepted job is done at the first poll, unless the script says otherwise or the platform is `blind`."""
        with self.platform.lock:
            if self.platform.blind:
                return CannotTell("该平台没有可供核实的接口")
            answer = self.platform.script.pop(0) if self.platform.script else "live"
            if answer == "refused":
                self.platform.refused |= {item.piece_id for item in post.items}
            self._maybe_refuse(answer)
            return _taken(job_id, answer) or self._live(self.platform.jobs[job_id])

    def correct(self, post: Post) -> Live | Accepted:
        """Replaces what shows by something new, unless the script says otherwise."""
        return self._change(post, self.platform.corrected, [item.piece_id for item in post.items])

    def withdraw(self, post: Post) -> Live | Accepted:
        """Takes back what it is told, unless the script says otherwise."""
        return self._change(post, self.platform.withdrawn, list(post.placed))

    def _change(self, post: Post, noted: list[int], pieces: list[int]) -> Live | Accepted:
        with self.platform.lock:
            answer = self.platform.script.pop(0) if self.platform.script else "live"
            self._maybe_refuse(answer)
            noted += pieces
            self.platform.acted.append(post.key)
            self.platform.shows -= {one.remote_id for one in post.placed.values()}
            if post.action != "withdraw":
                self.platform.shows |= set(self._names(post).values())
            return self._answered(post, answer)

    def _answered(self, post: Post, answer: str) -> Live | Accepted:
        if answer == "lost":
            raise OutcomeUnknown("连接在答复前中断")
        job = f"job-{len(self.platform.jobs) + 1}"
        if taken := _taken(job, answer):
            self.platform.jobs[job] = post
            return taken
        return self._live(post)

    def read(self, placed: Sequence[Placed]) -> list[Reading]:
        """Ten reads per post that arrived."""
        now = self.tools.clock.now()
        return [Reading(one.piece_id, {"reads": 10 * len(self.platform.arrived)}, now) for one in placed]

    def health(self) -> str:
        """Well, unless the platform is told to be `sick`; "unauthorised" refuses the credentials."""
        self._maybe_refuse(self.platform.sick)
        return self.platform.sick

    def _maybe_refuse(self, answer: str) -> None:
        if answer == "refused":
            raise Refused("内容不合规", code="45166")
        if answer == "retryable":
            raise Retryable("连接被拒绝")
        if answer == "throttled":
            raise Throttled("调用过于频繁", self.tools.clock.now() + timedelta(minutes=1), code="45011")
        if answer == "used_up":
            raise Throttled("本期次数已用完", self.tools.clock.now() + timedelta(hours=9), code="45028")
        if answer == "unauthorised":
            raise Unauthorised("凭证无效", code="40001")
        if answer == "crash":
            raise RuntimeError("a fault of the adapter itself")
        if answer == "dark":
            raise OutcomeUnknown("连接在答复前中断")

    def _live(self, post: Post) -> Live:
        if post.action == "withdraw":
            return Live()
        return Live({piece: Shown(name, f"fake://{post.key}") for piece, name in self._names(post).items()})

    @staticmethod
    def _names(post: Post) -> dict[int, str]:
        return {item.piece_id: f"{post.key}-{item.piece_id}" for item in post.items}


def _taken(job: str, answer: str) -> Accepted | None:
    """A job that the platform works on; `held_up`: that goes on by itself and reaches nobody."""
    if answer == "held_up":
        return Accepted(job, timedelta(seconds=30), "推送服务不通", moving=True, held_up=True)
    return Accepted(job, poll_after=timedelta(seconds=1)) if answer == "accepted" else None
