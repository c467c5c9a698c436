"""The rehearsal's world: clock, ledger, files, faults and the platforms' state, kept in a folder when there is one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from channels.rehearsal.agenda import Act, Agenda, Job
from channels.rehearsal.blobs import Blobs
from channels.rehearsal.clock import Clock
from channels.rehearsal.cms.state import CmsState
from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.faults import Faults
from channels.rehearsal.hotline import HotlineState
from channels.rehearsal.jpush.state import JPushState
from channels.rehearsal.ledger import Ledger
from channels.rehearsal.sftp.state import SftpState
from channels.rehearsal.sms import SmsState
from channels.rehearsal.webpush.state import WebPushState
from channels.rehearsal.wechat.state import WeChatState
from channels.rehearsal.weibo.state import WeiboState

if TYPE_CHECKING:
    from channels.rehearsal.sftp.server import SftpServer

TICK = 0.05
SAVE_EVERY = 1.0
_log = logging.getLogger(__name__)


class State(BaseModel):
    """Everything the platforms remember."""

    wechat: WeChatState = WeChatState()
    weibo: WeiboState = WeiboState()
    jpush: JPushState = JPushState()
    webpush: WebPushState = WebPushState()
    cms: CmsState = CmsState()
    sftp: SftpState = SftpState()
    sms: SmsState = SmsState()
    hotline: HotlineState = HotlineState()
    agenda: Agenda = Agenda()
    clock_offset: float = 0.0


@dataclass(frozen=True)
class Face:
    """What the fault injector needs of a platform."""

    account: Callable[[str, dict[str, str], dict[str, str]], str]
    refusal: Callable[[int, str], Response]
    throttled: Callable[[str, float], Response]
    expire: Callable[[str], None]
    done_all_the_same: frozenset[int] = frozenset()


class World:
    """One rehearsal; all of it runs on one event loop, so that nothing here needs a lock."""

    def __init__(self, config: RehearsalConfig) -> None:
        self.config = config
        self.faults = Faults()
        self.faces: dict[str, Face] = {}
        self.acts: dict[str, Act] = {}
        self.wechat_paths: frozenset[str] = frozenset()
        self.sftp: SftpServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = False
        data = config.data
        if data:
            (data / "files").mkdir(parents=True, exist_ok=True)
        self._path = data / "state.json" if data else None
        self.blobs = Blobs(data / "files" if data else None)
        self.state = self._restored()
        self.clock = Clock(self.state.clock_offset)
        self.ledger = Ledger(self.clock, data / "ledger.jsonl" if data else None)
        self._open_accounts()

    @property
    def agenda(self) -> Agenda:
        """What is still to do."""
        return self.state.agenda

    def base(self, request: Request) -> str:
        """The address this process is known by, without a slash at its end."""
        return (self.config.public_url or str(request.base_url)).rstrip("/")

    def touch(self) -> None:
        """Note that the state may have changed and is to be saved."""
        self._changed = True

    def reset(self) -> None:
        """Back to the beginning: accounts as configured, nothing received, no faults, the clock right."""
        for task in self._tasks:
            task.cancel()
        self.faults.clear()
        self.clock.offset = 0.0
        self.state = State()
        self._open_accounts()
        if self.sftp is not None:
            self.sftp.remember()
        self.ledger.clear()
        self._changed = True

    async def run_due(self) -> None:
        """Start every act whose time has come."""
        for job in self.agenda.take(self.clock.now()):
            self.touch()
            self.start(self._perform(job))
        # One turn of the loop lets each act change the state before the caller goes on.
        await asyncio.sleep(0)

    def start(self, work: Awaitable[None]) -> None:
        """Run something beside the calls that are being answered."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def tick(self) -> None:
        """The world's heartbeat, until cancelled."""
        since_save = 0.0
        while True:
            await self.run_due()
            await asyncio.sleep(TICK)
            since_save += TICK
            if since_save >= SAVE_EVERY:
                since_save = 0.0
                self.save()

    async def close(self) -> None:
        """Stop what is running and save."""
        for task in self._tasks:
            task.cancel()
        if self.sftp is not None:
            self.sftp.close()
        self.save()

    def save(self) -> None:
        """Write the state to its file if it changed; a reader finds the old file or the new one."""
        if not self._path or not self._changed:
            return
        self._changed = False
        self.state.clock_offset = self.clock.offset
        fresh = self._path.with_suffix(".new")
        fresh.write_text(self.state.model_dump_json(), encoding="utf-8")
        fresh.replace(self._path)

    async def _perform(self, job: Job) -> None:
        try:
            await self.acts[job.act](self, **job.details)
        except Exception:  # noqa: BLE001 - the heart goes on beating; what broke is in the log.
            _log.exception("rehearsal act %s failed", job.act)

    def _restored(self) -> State:
        if self._path and self._path.exists():
            return State.model_validate_json(self._path.read_text(encoding="utf-8"))
        return State()

    def _open_accounts(self) -> None:
        config, state, now = self.config.model_copy(deep=True), self.state, self.clock.now()
        for account in config.wechat:
            if account.appid not in state.wechat.accounts:
                state.wechat.open(account, now)
        for user in config.weibo:
            if user.uid not in state.weibo.users:
                state.weibo.open(user, now)
        for app in config.jpush:
            if app.app_key not in state.jpush.apps:
                state.jpush.open(app)
        for site in config.cms:
            if site.site not in state.cms.sites:
                state.cms.open(site)
