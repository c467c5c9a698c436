"""Many small posts to few servers, all on their way at once: kept connections, one thread, no more of HTTP than that.

A general client spends several times as long on such a post as its encryption takes, and threads that take turns as
long again. Each connection is opened past the guard, in a thread of its own for that time only. Failures are httpx's
own, so that they mean here what they mean everywhere: a ConnectError surely sent nothing, any other leaves it open
whether the server acted.
"""

from __future__ import annotations

import select
import selectors
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import httpx

from channels.transport import Guard, tls

# Connections to one server at a time; those of them, and of all servers, that are kept for the next volley; seconds.
AT_ONCE = 16
KEPT = 8
KEPT_IN_ALL = 64
KEPT_SECONDS = 20.0
# Open connections of one volley; of those that nothing is on, the oldest is closed for one more.
MOST_OPEN = 128
CONNECT_SECONDS = 10.0
# Threads that open connections: more than one round has posts on their way, so that no server that opens slowly is
# waited for by another; they are started as they are needed.
OPENERS = 64
LONGEST_HEAD = 64 * 1024
LONGEST_BODY = 256 * 1024
MOST_INTERIM = 8


@dataclass(frozen=True)
class Posted:
    """What the server answered; names of headers in small letters. The body is read and thrown away."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


Ended = tuple[int, Posted | BaseException]


class Volley(Protocol):
    """Posts that are on their way at once; one thread starts them and asks for what came of them."""

    def start(self, tag: int, url: str, headers: Mapping[str, str], body: bytes, patience: float | None = None) -> None:
        """Begins a post; `tag` is what `ended` calls it by. Neither waits nor raises.

        It is given up after `patience` seconds, where that is less than the poster's own.
        """

    def ended(self, timeout: float | None) -> Sequence[Ended]:
        """Those that ended meanwhile; where none has, waits for one, at most so many seconds (None: until one has).

        Each with the answer, or with what came in its way: an httpx.HTTPError or PrivateAddress.
        """


class Poster(Protocol):
    """Anything that posts."""

    def volley(self) -> AbstractContextManager[Volley]:
        """Posts that are on their way at once. Leaving the block waits for none of them."""


class KeptConnections:
    """Posts over connections that are kept per server from one volley to the next; each volley has one thread."""

    def __init__(
        self,
        guard: Guard,
        timeout: float = 20.0,
        context: ssl.SSLContext | None = None,
        kept_seconds: float = KEPT_SECONDS,
    ) -> None:
        self._guard = guard
        self.timeout = timeout
        self._context = context or tls()
        self._kept_seconds = kept_seconds
        # The one that came back first stands first.
        self._free: list[_Connection] = []
        self._closed = False
        self._sweeper: threading.Timer | None = None
        self._lock = threading.Lock()

    @contextmanager
    def volley(self) -> Iterator[Volley]:
        """Posts over these connections, several at once."""
        made = _OneThread(self)
        try:
            yield made
        finally:
            made.close()

    def close(self) -> None:
        """Closes what is kept, and whatever comes back later."""
        with self._lock:
            self._closed = True
            kept, self._free = self._free, []
            if self._sweeper is not None:
                self._sweeper.cancel()
        for connection in kept:
            connection.close()

    def take(self, origin: str) -> _Connection | None:
        """A kept connection which neither the server nor its age has closed meanwhile."""
        self._close_old()
        while True:
            with self._lock:
                found = next((one for one in reversed(self._free) if one.origin == origin), None)
                if found is not None:
                    self._free.remove(found)
            if found is None or found.alive():
                return found
            found.close()

    def give_back(self, connection: _Connection) -> None:
        """Keeps a connection that answered well, for a while and not beside too many others."""
        connection.free_since = time.monotonic()
        surplus = connection
        with self._lock:
            of_origin = [one for one in self._free if one.origin == connection.origin]
            if not self._closed and len(of_origin) < KEPT:
                self._free.append(connection)
                if len(self._free) <= KEPT_IN_ALL:
                    self._sweep_later()
                    return
                surplus = self._free.pop(0)
        surplus.close()

    def _sweep_later(self) -> None:
        """Under the lock: nobody else may come for what lies here."""
        if self._sweeper is None:
            self._sweeper = threading.Timer(self._kept_seconds, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        self._close_old()
        with self._lock:
            self._sweeper = None
            if self._free and not self._closed:
                self._sweep_later()

    def _close_old(self) -> None:
        oldest = time.monotonic() - self._kept_seconds
        with self._lock:
            old = [one for one in self._free if one.free_since <= oldest]
            self._free = [one for one in self._free if one.free_since > oldest]
        for connection in old:
            connection.close()

    def open(self, origin: str, parts: SplitResult, by: float) -> _Connection:
        """A new connection, there by an hour of the monotonic clock; raises httpx.ConnectError or PrivateAddress."""
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        last: Exception = OSError("no address")
        try:
            for address in self._guard.addresses(host, port):
                try:
                    plain = socket.create_connection((address, port), _left(by))
                    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return _Connection(origin, self._greeted(plain, host, by) if secure else plain)
                except OSError as failure:
                    last = failure
        except (OSError, ValueError) as failure:  # The name leads nowhere, or is none.
            last = failure
        raise httpx.ConnectError(f"{host}: {last}") from last

    def _greeted(self, plain: socket.socket, host: str, by: float) -> ssl.SSLSocket:
        try:
            plain.settimeout(_left(by))  # Of a handshake as a whole, however slowly it trickles.
            return self._context.wrap_socket(plain, server_hostname=host)
        except BaseException:
            plain.close()
            raise


class ClientPosts:
    """Posts through a general client, for accounts that go through a proxy."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    @contextmanager
    def volley(self) -> Iterator[Volley]:
        """Posts in threads."""
        pool = ThreadPoolExecutor(AT_ONCE)
        try:
            yield InThreads(pool, self._post)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes, patience: float | None) -> Posted:
        timeout = self._client.timeout if patience is None else httpx.Timeout(patience)
        answer = self._client.post(url, content=body, headers=dict(headers), timeout=timeout)
        return Posted(answer.status_code, {name.lower(): value for name, value in answer.headers.items()})


class InThreads:
    """A volley of posts that each wait for their answer."""

    def __init__(
        self, pool: ThreadPoolExecutor, post: Callable[[str, Mapping[str, str], bytes, float | None], Posted]
    ) -> None:
        self._pool = pool
        self._post = post
        self._ended: SimpleQueue[Ended] = SimpleQueue()

    def start(self, tag: int, url: str, headers: Mapping[str, str], body: bytes, patience: float | None = None) -> None:
        """Begins it in a thread."""
        self._pool.submit(self._post, url, headers, body, patience).add_done_callback(partial(self._end, tag))

    def ended(self, timeout: float | None) -> Sequence[Ended]:
        """What the threads have brought."""
        found: list[Ended] = []
        try:
            found.append(self._ended.get(timeout=timeout))
            while True:
                found.append(self._ended.get_nowait())
        except Empty:
            return found

    def _end(self, tag: int, future: Future[Posted]) -> None:
        if future.cancelled():
            return  # The volley is over, and nobody asks.
        self._ended.put((tag, future.exception() or future.result()))


class _OneThread:
    """A volley over kept connections. Only what may block, which is to open one, is done in another thread."""

    def __init__(self, kept: KeptConnections) -> None:
        self._kept = kept
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._openers = ThreadPoolExecutor(OPENERS)
        self._opened: SimpleQueue[tuple[_Going, Future[_Connection]]] = SimpleQueue()
        self._lines: Counter[str] = Counter()
        self._idle: dict[str, list[_Connection]] = defaultdict(list)
        self._queued: dict[str, deque[_Going]] = defaultdict(deque)
        self._on_the_way: dict[_Connection, _Going] = {}
        self._opening: set[_Going] = set()
        self._ended: list[Ended] = []

    def start(self, tag: int, url: str, headers: Mapping[str, str], body: bytes, patience: float | None = None) -> None:
        """Sends it on a free connection, opens one, or lets it wait for one."""
        try:
            parts = urlsplit(url)
            request = _request(parts, headers, body)
        except (ValueError, httpx.HTTPError) as failure:
            self._ended.append((tag, httpx.UnsupportedProtocol(str(failure))))
            return
        now, longest = time.monotonic(), min(self._kept.timeout, patience or self._kept.timeout)
        going = _Going(tag, f"{parts.scheme}://{parts.netloc}", parts, request, now + longest / 2, now + longest)
        if connection := self._free(going.origin):
            self._send(connection, going)
        else:
            self._queued[going.origin].append(going)
            self._open_one(going.origin)

    def ended(self, timeout: float | None) -> Sequence[Ended]:
        """Reads whatever has come, and waits where nothing has."""
        until = None if timeout is None else time.monotonic() + timeout
        self._turn(0.0)
        while not self._ended and (until is None or time.monotonic() < until):
            self._turn(None if until is None else until - time.monotonic())
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """Gives back what is free and closes the rest; who is still opening one closes it himself."""
        self._openers.shutdown(wait=False, cancel_futures=True)
        self._selector.close()
        for connection in self._on_the_way:
            connection.close()
        for idle in self._idle.values():
            for connection in idle:
                self._kept.give_back(connection)
        self._bell.close()
        self._ringer.close()
        self._close_opened()

    def _free(self, origin: str) -> _Connection | None:
        while idle := self._idle[origin]:
            free = idle.pop()
            if free.alive():
                return free
            self._lose(free)
        if self._lines[origin] < AT_ONCE and (connection := self._kept.take(origin)):
            self._lines[origin] += 1
            self._watch(connection)
            return connection
        return None

    def _open_one(self, origin: str) -> None:
        """Opens one more for what waits, where the server may have one more."""
        if self._lines[origin] < AT_ONCE and (going := self._next(origin)):
            self._lines[origin] += 1
            self._opening.add(going)
            by = min(going.leaves_by, time.monotonic() + CONNECT_SECONDS)
            future = self._openers.submit(self._kept.open, going.origin, going.parts, by)
            future.add_done_callback(partial(self._ring, going))

    def _next(self, origin: str) -> _Going | None:
        """The first that waits for a connection; who waited too long ends, and surely was not sent."""
        while queued := self._queued.get(origin):
            going = queued.popleft()
            if not queued:
                del self._queued[origin]
            if going.leaves_by > time.monotonic():
                return going
            self._ended.append((going.tag, httpx.PoolTimeout("no connection in time")))
        return None

    def _ring(self, going: _Going, future: Future[_Connection]) -> None:
        self._opened.put((going, future))
        try:
            self._ringer.send(b"\x00")
        except BlockingIOError:
            pass  # It rings already.
        except OSError:  # The volley is over.
            self._close_opened()

    def _take_opened(self) -> None:
        self._bell.recv(4096)
        while not self._opened.empty():
            going, future = self._opened.get()
            waits = going in self._opening
            self._opening.discard(going)
            if failure := future.exception():
                if waits:
                    self._ended.append((going.tag, failure))
                self._lines[going.origin] -= 1
                self._open_one(going.origin)
            else:
                self._watch(future.result())
                if waits and going.leaves_by > time.monotonic():
                    self._send(future.result(), going)
                else:
                    if waits:
                        self._ended.append((going.tag, httpx.ConnectTimeout("no connection in time")))
                    self._rest(future.result())

    def _close_opened(self) -> None:
        try:
            while True:
                _going, future = self._opened.get_nowait()
                if not future.cancelled() and not future.exception():
                    future.result().close()
        except Empty:
            return

    def _watch(self, connection: _Connection) -> None:
        connection.wire.setblocking(False)
        self._selector.register(connection.wire, selectors.EVENT_READ, connection)

    def _turn(self, timeout: float | None) -> None:
        """Waits once for anything to happen, and lets it."""
        sent = (going.until for going in self._on_the_way.values())
        waiting = (going.leaves_by for going in chain(self._opening, (one[0] for one in self._queued.values())))
        first = min(chain(sent, waiting), default=None)
        if first is not None:
            left = max(0.0, first - time.monotonic())
            timeout = left if timeout is None else min(timeout, left)
        for key, mask in self._selector.select(timeout):
            if key.data is None:
                self._take_opened()
            elif mask & selectors.EVENT_WRITE:
                self._push(key.data)
            else:
                self._pull(key.data)
        if first is not None and first <= time.monotonic():
            self._give_up(time.monotonic())

    def _send(self, connection: _Connection, going: _Going) -> None:
        self._on_the_way[connection] = going
        connection.unsent = going.request
        self._push(connection)

    def _push(self, connection: _Connection) -> None:
        was_stuck = connection.stuck
        try:
            connection.push()
        except OSError as failure:
            self._end(connection, httpx.WriteError(f"the post broke off: {failure}"), False)
            return
        if connection.stuck != was_stuck:
            mask = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.stuck else 0)
            self._selector.modify(connection.wire, mask, connection)

    def _pull(self, connection: _Connection) -> None:
        if connection not in self._on_the_way:  # Closed by the server while it was free, or it says what nobody asked.
            self._idle[connection.origin].remove(connection)
            self._lose(connection)
            return
        try:
            answer = connection.pull()
        except (OSError, ValueError) as failure:
            self._end(connection, httpx.ReadError(f"the answer broke off: {failure}"), False)
            return
        if answer is not None:
            self._end(connection, *answer)

    def _end(self, connection: _Connection, what: Posted | BaseException, reusable: bool) -> None:
        self._ended.append((self._on_the_way.pop(connection).tag, what))
        if not reusable:
            self._lose(connection)
        else:
            self._rest(connection)

    def _rest(self, connection: _Connection) -> None:
        """A connection is free: the next that waits for one has it."""
        if going := self._next(connection.origin):
            self._send(connection, going)
            return
        connection.free_since = time.monotonic()
        self._idle[connection.origin].append(connection)
        if len(self._selector.get_map()) > MOST_OPEN:
            oldest = min((idle[0] for idle in self._idle.values() if idle), key=lambda one: one.free_since)
            self._idle[oldest.origin].remove(oldest)
            self._lose(oldest)

    def _lose(self, connection: _Connection) -> None:
        self._selector.unregister(connection.wire)
        connection.close()
        self._lines[connection.origin] -= 1
        self._open_one(connection.origin)

    def _give_up(self, now: float) -> None:
        for connection, going in [*self._on_the_way.items()]:
            if going.until <= now:
                self._end(connection, httpx.ReadTimeout("no answer in time"), False)
        for going in [one for one in self._opening if one.leaves_by <= now]:
            self._opening.discard(going)
            self._ended.append((going.tag, httpx.ConnectTimeout("no connection in time")))
        for origin, queued in [*self._queued.items()]:
            if queued[0].leaves_by <= now and (left := self._next(origin)):
                self._queued[origin].appendleft(left)


def _left(by: float) -> float:
    """Seconds until then; raises TimeoutError where none is left."""
    left = by - time.monotonic()
    if left <= 0:
        raise TimeoutError("no connection in time")
    return left


@dataclass(eq=False)
class _Going:
    """A post on its way, by the monotonic clock: it leaves by `leaves_by` or not at all, and is given up at `until`."""

    tag: int
    origin: str
    parts: SplitResult
    request: bytes
    leaves_by: float
    until: float


class _Connection:
    """One connection to one server, with one post on it at a time; neither push nor pull waits."""

    def __init__(self, origin: str, wire: socket.socket) -> None:
        self.origin = origin
        self.wire = wire
        self.unsent = b""
        self.stuck = False
        self.free_since = 0.0
        self._read = b""
        self._answer: Posted | None = None
        self._interim = 0

    def alive(self) -> bool:
        """Whether the server has neither closed it nor said something unasked meanwhile."""
        try:
            asked = select.poll()  # It knows wires of any number, which select does not.
            asked.register(self.wire, select.POLLIN)
            return not asked.poll(0)
        except (OSError, ValueError):
            return False

    def close(self) -> None:
        self.wire.close()

    def push(self) -> None:
        """Sends as much as the wire takes; `stuck` until all of it is gone."""
        try:
            while self.unsent:
                self.unsent = self.unsent[self.wire.send(self.unsent) :]
        except _LATER:
            pass
        self.stuck = bool(self.unsent)

    def pull(self) -> tuple[Posted, bool] | None:
        """The answer, once its whole is there, and whether the connection may be used again; ValueError for no HTTP."""
        while True:
            try:
                received = self.wire.recv(65_536)
            except _LATER:
                return None
            if not received:
                raise ValueError("closed before its end")
            self._read += received
            answer = self._answer = self._answer or self._headed()
            if answer is None:
                continue
            length = _length(answer)
            if length is None:
                return answer, False
            if len(self._read) >= length:
                return answer, self._ready_again(answer, length)

    def _headed(self) -> Posted | None:
        """The first answer in what was read that is more than an interim one."""
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            answer = _answer(self._read[:end])
            self._read = self._read[end + 4 :]
            if answer.status >= 200:
                self._interim = 0
                return answer
            self._interim += 1
            if self._interim > MOST_INTERIM:
                raise ValueError("nothing but interim answers")
        if len(self._read) > LONGEST_HEAD:
            raise ValueError("a head without end")
        return None

    def _ready_again(self, answer: Posted, length: int) -> bool:
        """Takes the body off what was read; False where the connection must end with it."""
        self._answer, self._read = None, self._read[length:]
        closes = "close" in [word.strip() for word in answer.headers.get("connection", "").lower().split(",")]
        return not self._read and not self.unsent and not closes


_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def _answer(head: bytes) -> Posted:
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise ValueError("not an answer of HTTP/1")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if version == "HTTP/1.0":
        headers.setdefault("connection", "close")
    return Posted(int(rest[:3]), headers)


def _length(answer: Posted) -> int | None:
    """How long the body is; None where only the end of the connection would tell, or where it is not worth reading."""
    if answer.status in (204, 304):
        return 0
    if "transfer-encoding" in answer.headers:
        return None  # Rare among answers without a body of interest: a new connection is cheaper than a parser.
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdigit() and int(length) <= LONGEST_BODY else None


def _request(parts: SplitResult, headers: Mapping[str, str], body: bytes) -> bytes:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"POST {path} HTTP/1.1", f"Host: {parts.netloc.rpartition('@')[2]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if any("\r" in line or "\n" in line for line in lines) or " " in path:
        raise httpx.UnsupportedProtocol("a line of the request holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body
