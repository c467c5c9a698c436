"""One channel with its platform, as the contract is tried on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from channels.base import Action, Channel, Live, Post, Pushed
from tests.channels.harness import Courier, MovingClock, Run, host_of, make_item, make_tools, placed_by, shifted
from tests.channels.rehearsal.served import Rehearsal


@dataclass
class Side:
    """One channel with its platform. `can` names the parts of the contract that apply to it."""

    rehearsal: Rehearsal
    name: ClassVar[str] = ""
    channel_name: ClassVar[str] = ""
    action: ClassVar[Action] = "publish"
    can: ClassVar[frozenset[str]] = frozenset()
    clock: MovingClock = field(default_factory=MovingClock)
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tools = make_tools(host_of(self.rehearsal), clock=self.clock, timeout=1.0)
        self.files: Any = self.tools.files
        self.connect()

    def connect(self) -> None:
        """Makes the adapter, and what takes posts through it."""
        self.channel = self.make()
        self.courier = Courier(self.channel, self.wait, self.clock.now)

    def make(self) -> Channel:
        """The adapter."""
        raise NotImplementedError

    def close(self) -> None:
        """Lets go of connections."""
        self.tools.http.close()
        self.tools.poster.close()

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
        raise NotImplementedError(self.name)

    def words(self) -> str:
        """The text of the first message readers see."""
        raise NotImplementedError(self.name)

    def pushes(self) -> Any:
        """A context in which the platform tells its results to an address of ours; gives what it pushed."""
        raise NotImplementedError(self.name)

    def pushed(self, kept: list[Pushed]) -> None:
        """Waits until the platform has told its result."""
        raise NotImplementedError(self.name)
