"""One call to WeChat's interface, and the table entry that says how a call of its kind is checked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import Response

from channels.rehearsal.config import WeChatRules
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState

if TYPE_CHECKING:
    from channels.rehearsal.world import World


@dataclass(frozen=True)
class Upload:
    """A file that came in a form's field `media`."""

    name: str
    content: bytes


@dataclass
class Call:
    """A checked call: who calls, on which account, with what; `base` is the address the caller knows us by."""

    world: World
    state: AccountState
    base: str
    address: str
    query: dict[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None

    @property
    def rules(self) -> WeChatRules:
        """The limits in force."""
        return self.world.config.wechat_rules

    @property
    def now(self) -> float:
        """The platform's time in seconds since 1970."""
        return self.world.clock.now()

    def record(self, kind: str, **data: Any) -> None:
        """Write a line for this account into the ledger."""
        self.world.ledger.add("wechat", self.state.account.appid, kind, **data)

    def text(self, name: str) -> str:
        """A string of the body, "" when it is missing; 47001 when it is of another type."""
        value = self.body.get(name)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise Refusal(47001)
        return value

    def number(self, name: str, default: int) -> int:
        """An integer of the body; 47001 when it is not one."""
        value = self.body.get(name, default)
        if isinstance(value, str) and value.lstrip("-").isdigit():
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refusal(47001)
        return value

    def page(self) -> tuple[int, int]:
        """`offset` and `count` of a list call; 40097 outside 1..20."""
        offset, count = self.number("offset", 0), self.number("count", 20)
        if offset < 0 or not 1 <= count <= 20:
            raise Refusal(40097)
        return offset, count


Handler = Callable[[Call], Awaitable[dict[str, Any] | Response]]


@dataclass(frozen=True)
class Api:
    """How one interface is called: its verb, whether a token, certification or a file is needed.

    `plain` interfaces answer as text/plain without a charset, as the draft and publish ones are known to do.
    """

    handler: Handler
    method: Literal["GET", "POST", "ANY"] = "POST"
    certified: bool = False
    plain: bool = False
    upload: bool = False
    body: bool = True


OK: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
