"""Citizens and engines to test with: an engine that says what it is told, an account that keeps what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.dialogue.step import Asked, step
from bot.dialogue.turned import Turned
from bot.nlu.ranking import Decision
from bot.nlu.wire import faq_label
from channels.accounts import store as accounts
from channels.accounts.models import Account
from channels.base import AccountInfo, Channel, Reply
from content import public
from content.models import Column
from kernel.seal import Seal
from kernel.work import Work
from tests.factories import Office

TOKEN, AES_KEY, APPID = "token-of-the-test", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx0000000000000009"


@dataclass
class ToldEngine:
    """Understands what the test tells it to; `held` keeps it thinking until it is set."""

    decision: Decision = field(default_factory=lambda: Decision("refuse", ()))
    failure: Exception | None = None
    held: threading.Event | None = None
    asked: list[str] = field(default_factory=list)
    refreshed: int = 0
    quick: bool = False
    far: bool = False

    def understand(self, text: str, session: str) -> Decision:
        self.asked.append(text)
        if self.held is not None:
            self.held.wait(10)
        if self.failure is not None:
            raise self.failure
        return self.decision

    def turn(self, asked: Asked, session: str) -> Turned:
        return step(asked)

    def at_once(self) -> bool:
        return self.quick and self.held is None

    def soon(self) -> bool:
        return self.far and self.held is None

    def refresh(self) -> None:
        self.refreshed += 1

    def keep_up(self) -> None:
        """Knows nothing of its own."""

    def close(self) -> None:
        """Has nothing to let go."""

    def answers(self, piece_id: int) -> None:
        """From now on every question is this one."""
        self.decision = Decision("answer", (faq_label(str(piece_id)),))

    def suggests(self, *pieces: int) -> None:
        """From now on every question might be one of these."""
        self.decision = Decision("suggest", tuple(faq_label(str(piece)) for piece in pieces))


@dataclass
class Outbox:
    """Stands for an account's adapter: keeps replies, or fails as told."""

    failure: Exception | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    inner: Callable[[AccountInfo], Channel] | None = None

    def __call__(self, account: AccountInfo) -> Any:
        return self

    def reply(self, to: str, reply: Reply) -> None:
        self.sent.append((to, reply.text))
        if self.failure is not None:
            raise self.failure


def wechat_account(work: Work, seal: Seal, unit_id: int, mode: str = "plain", code: str = "wx-test") -> Account:
    """A WeChat account with a callback address."""
    return accounts.add(
        work,
        seal,
        unit_id=unit_id,
        channel="wechat",
        name="云州政务服务",
        code=code,
        settings={"type": "service"},
        credentials={"appid": APPID, "secret": "s", "token": TOKEN, "aes_key": AES_KEY, "mode": mode},
    )


def published(office: Office, kind: str, title: str, body: str = "", **fields: Any) -> int:
    """A piece of this kind that went the whole way and is public now; returns its id."""
    if kind not in office.columns:
        with office.works.write() as work:
            column = Column(unit_id=office.bureau.id, slug=kind, name=title[:20], kind=kind)
            work.session.add(column)
        office.columns[kind] = column
    piece = office.piece(column=kind, title=title, body=f"<p>{body}</p>" if body else "", fields=fields)
    release = office.sign_off(office.submit(piece.id).id)
    show(office, release.id)
    return piece.id


def show(office: Office, release_id: int) -> None:
    """The release goes live on the portal now."""
    with office.works.write() as work:
        public.reserve_place(work, release_id)
        public.went_live(work, release_id, work.now)


GUIDE: dict[str, Any] = {
    "responsible": "云州市公安局",
    "audience": ["个人"],
    "theme": "户籍",
    "basis": ["《居民身份证法》"],
    "conditions": ["本人到场"],
    "materials": [{"name": "申请表", "form": "原件", "copies": 1}],
    "steps": [{"name": "受理", "text": "窗口受理"}],
    "case_type": "承诺件",
    "statutory": 60,
    "statutory_unit": "days",
    "promised": 20,
    "promised_unit": "workdays",
    "visits": 1,
    "visits_reason": "采集指纹",
    "charged": False,
    "place": "任一派出所",
    "hours": "工作日 9:00—17:00",
    "phone": "0999-1234567",
    "supervision_phone": "0999-7654321",
}
