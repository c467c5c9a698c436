"""死链巡查: addresses outside are asked whether they answer, before a piece is submitted and every day once public.

Only a clear answer counts: 404 and 410 are dead, and so is what only our own network could reach; a slow, refusing
or unreachable server proves nothing about the page, so a person is asked to look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx
import structlog

from channels.transport import PrivateAddress
from content import links
from content.links import Answer
from content.models import Piece, Revision
from kernel.work import Works

log = structlog.get_logger(__name__)

PATIENCE = 8.0
# How long a person who submits waits for answers; what has none by then is asked about for the next save.
SUBMIT_SECONDS = 6.0
MOST_HOPS = 5
AT_ONCE = 6
PLACED_PER_ROUND = 200
ASKED_PER_ROUND = 200
DEAD = frozenset({404, 410})
# Servers that let nobody but a browser in say nothing about whether the page is there.
AGENT = {"User-Agent": "Mozilla/5.0 (compatible; Xuanda link check)", "Accept": "text/html,*/*"}


@dataclass
class Patrol:
    """Asks addresses. `enabled` is off where the machine has no way to the Internet and every link would be doubted."""

    works: Works
    http: httpx.Client
    enabled: bool = True
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(AT_ONCE, thread_name_prefix="links"))

    def close(self) -> None:
        """Lets go of what has not begun."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.http.close()

    def soon(self, piece_id: int) -> None:
        """Asks in the background about the links of a piece that is being written."""
        if self.enabled:
            with suppress(RuntimeError):  # The process is stopping.
                self.pool.submit(self._look, piece_id)

    def settle(self, piece_id: int, seconds: float = SUBMIT_SECONDS) -> None:
        """Asks about the links of a piece that has no fresh answer, for so long at most; to be called in no work."""
        addresses = self._to_ask(piece_id) if self.enabled else []
        if addresses:
            self._keep(self._asked(addresses, seconds))

    def round(self) -> int:
        """The duty: notes the links of what became public, then asks those that are due; returns how many."""
        if not self.enabled:
            return 0
        with self.works.write() as work:
            links.place_new(work, PLACED_PER_ROUND)
        with self.works.read() as work:
            addresses = links.due(work.session, work.now, ASKED_PER_ROUND)
        self._keep(self._asked(addresses, PATIENCE * (MOST_HOPS + 1) * (1 + len(addresses) / AT_ONCE)))
        return len(addresses)

    def again(self, address: str) -> Answer:
        """Asks one address now, because a person wants to know."""
        answer = self.ask(address)
        self._keep([answer])
        return answer

    def ask(self, address: str) -> Answer:
        """What the address answers now."""
        here = address
        try:
            for _hop in range(MOST_HOPS + 1):
                if urlsplit(here).scheme not in ("http", "https"):
                    return Answer(address, "unsure", "转到了不是网页的地址")
                with self.http.stream("GET", here, headers=AGENT) as answer:
                    if not answer.is_redirect:
                        return _judged(address, answer.status_code)
                    here = urljoin(here, answer.headers.get("location", ""))
        except PrivateAddress:
            return Answer(address, "dead", "指向内网地址，公众打不开")
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as failure:
            log.info("link not settled", address=address, why=type(failure).__name__)
            return Answer(address, "unsure", "连接超时" if isinstance(failure, httpx.TimeoutException) else "连接不上")
        return Answer(address, "unsure", "转向次数过多")

    def _look(self, piece_id: int) -> None:
        try:
            # Asked in this thread: a pool that waits for itself would stand still.
            self._keep([self.ask(address) for address in self._to_ask(piece_id)])
        except Exception:  # The edge of a thread: the next save and the submission ask again.
            log.exception("looking at links failed", piece=piece_id)

    def _to_ask(self, piece_id: int) -> list[str]:
        with self.works.read() as work:
            piece = work.session.get(Piece, piece_id)
            if piece is None:
                return []
            found = links.of_revision(work.session, work.session.get_one(Revision, piece.revision_id))
            return links.to_ask(work.session, found, work.now)

    def _asked(self, addresses: Sequence[str], seconds: float) -> list[Answer]:
        futures: list[Future[Answer]] = [self.pool.submit(self.ask, address) for address in addresses]
        done, late = wait(futures, seconds)
        for future in late:
            future.cancel()
        return [future.result() for future in done if not future.cancelled()]

    def _keep(self, answers: Iterable[Answer]) -> None:
        kept = list(answers)
        if kept:
            with self.works.write() as work:
                links.record(work, kept)


def _judged(address: str, status: int) -> Answer:
    if status in DEAD:
        return Answer(address, "dead", f"对方返回 {status}，页面不存在")
    if status < 400 or status in (401, 403, 405, 429):
        return Answer(address, "alive")
    return Answer(address, "unsure", f"对方返回 {status}")
