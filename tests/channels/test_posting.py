"""Posts over kept connections: what is kept, what a broken answer means, and what is never called."""

from __future__ import annotations

import fcntl
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import httpx
import pytest

from channels.posting import AT_ONCE, KEPT_IN_ALL, ClientPosts, KeptConnections, Posted
from channels.posting import _Connection as Connection
from channels.transport import Guard, PrivateAddress

Answer = Callable[[socket.socket, bytes], bool]


@dataclass
class Server:
    """A server of one's own making: `answer` says what it does with each post, False closes the connection."""

    answer: Answer
    received: list[bytes] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self.door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.door.getsockname()[1]}"
        self.held: list[socket.socket] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def _accept(self) -> None:
        while True:
            try:
                wire, _ = self.door.accept()
            except OSError:
                return
            self.connections += 1
            self.held.append(wire)
            threading.Thread(target=self._serve, args=(wire,), daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        try:
            while post := _read(wire):
                self.received.append(post)
                if not self.answer(wire, post):
                    break
        except OSError:
            pass
        wire.close()

    def close(self) -> None:
        self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        for wire in self.held:
            wire.close()
        self.thread.join(5)


def _read(wire: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        more = wire.recv(65_536)
        if not more:
            return b""
        read += more
    head, _, body = read.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += wire.recv(65_536)
    return head + b"\r\n\r\n" + body


def says(*answers: bytes, stay: bool = True) -> Answer:
    """Always the same answer, perhaps in pieces."""

    def answer(wire: socket.socket, _post: bytes) -> bool:
        for piece in answers:
            wire.sendall(piece)
        return stay

    return answer


@pytest.fixture
def posts() -> Iterator[Callable[[Server], KeptConnections]]:
    """What makes a client of a server."""
    made: list[tuple[Server, KeptConnections]] = []

    def make(server: Server) -> KeptConnections:
        client = KeptConnections(Guard([server.address]), timeout=0.5)
        made.append((server, client))
        return client

    yield make
    for server, client in made:
        client.close()
        server.close()


Make = Callable[[Server], KeptConnections]


def post(client: KeptConnections, url: str, headers: Mapping[str, str] | None = None, body: bytes = b"x") -> Posted:
    """One post by itself: its answer, or what came in its way."""
    with client.volley() as volley:
        volley.start(7, url, headers or {}, body)
        ((tag, what),) = volley.ended(None)
    assert tag == 7
    if isinstance(what, BaseException):
        raise what
    return what


def test_a_connection_is_kept_and_the_post_is_whole(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nLocation: /m\r\nContent-Length: 0\r\n\r\n"))
    client = posts(server)
    for number in range(3):
        answer = post(client, f"http://{server.address}/a?b={number}", {"TTL": "60"}, b"\x00\xff" * 40)
        assert (answer.status, answer.headers["location"]) == (201, "/m")
    assert server.connections == 1
    head = f"POST /a?b=0 HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: 80\r\nTTL: 60\r\n\r\n".encode()
    assert server.received[0] == head + b"\x00\xff" * 40


@pytest.mark.parametrize(
    ("pieces", "status", "kept"),
    [
        ((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, True),
        ((b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",), 201, True),
        ((b"HTTP/1.1 429 Too Many\r\nRetry-After: 9\r\nCon", b"tent-Length: 4\r\n\r\nwa", b"it"), 429, True),
        ((b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno",), 413, False),
        ((b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",), 400, False),
        ((b"HTTP/1.1 201 Created\r\nConnection: Upgrade, close\r\nContent-Length: 0\r\n\r\n",), 201, False),
        ((b"HTTP/1.0 201 Created\r\nContent-Length: 0\r\n\r\n",), 201, False),
        ((b"HTTP/1.1 201 Created\r\n\r\n",), 201, False),
    ],
)
def test_answers_of_every_shape(posts: Make, pieces: tuple[bytes, ...], status: int, kept: bool) -> None:
    server = Server(says(*pieces))
    client = posts(server)
    for _ in range(2):
        assert post(client, f"http://{server.address}/").status == status
    assert server.connections == (1 if kept else 2)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says(b"", stay=False), httpx.ReadError),
        (says(b"HTTP/1.1 201 Cre", stay=False), httpx.ReadError),
        (says(b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nhalf", stay=False), httpx.ReadError),
        (says(b"SSH-2.0-OpenSSH\r\n\r\n", stay=False), httpx.ReadError),
        (says(b"A: b\r\n" * 20_000, stay=False), httpx.ReadError),
        (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 50), httpx.ReadError),
        (says(b""), httpx.ReadTimeout),
    ],
)
def test_a_broken_answer_leaves_it_open_whether_it_was_taken(
    posts: Make, answer: Answer, error: type[httpx.HTTPError]
) -> None:
    server = Server(answer)
    with pytest.raises(error):
        post(posts(server), f"http://{server.address}/")


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    client = posts(server)
    post(client, f"http://{server.address}/")
    server.held[0].shutdown(socket.SHUT_RDWR)
    assert post(client, f"http://{server.address}/").status == 201
    assert server.connections == 2


def test_nobody_there_means_that_nothing_was_sent(posts: Make) -> None:
    free = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{free.getsockname()[1]}"
    free.close()
    with pytest.raises(httpx.ConnectError):
        post(KeptConnections(Guard([address])), f"http://{address}/")


def test_an_address_inside_our_network_is_not_called() -> None:
    with pytest.raises(PrivateAddress):
        post(KeptConnections(Guard()), "http://127.0.0.1:9/")


def test_a_line_break_in_a_header_or_path_is_not_sent(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    client = posts(server)
    for path, headers in (("/", {"Topic": "a\r\nX: y"}), ("/a b", {}), ("/通知", {})):
        with pytest.raises(httpx.HTTPError):
            post(client, f"http://{server.address}{path}", headers)
    assert server.received == []


def test_many_are_on_their_way_at_once_and_a_slow_answer_holds_up_none(posts: Make) -> None:
    slow = threading.Event()

    def answer(wire: socket.socket, post: bytes) -> bool:
        if b"POST /slow" in post:
            slow.wait(10)
        wire.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        return True

    server = Server(answer)
    client = posts(server)
    client.timeout = 10
    with client.volley() as volley:
        for number in range(200):
            volley.start(number, f"http://{server.address}/{'slow' if number == 5 else number}", {}, b"x")
        came: list[int] = []
        while len(came) < 199:
            came += [tag for tag, what in volley.ended(5) if isinstance(what, Posted) and what.status == 201]
        assert sorted(came) == [number for number in range(200) if number != 5]
        assert volley.ended(0.01) == []
        slow.set()
        assert [tag for tag, _ in volley.ended(5)] == [5]
    assert server.connections <= AT_ONCE


def test_a_post_larger_than_the_wire_takes_at_once_arrives_whole(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    client = posts(server)
    client.timeout = 10
    body = bytes(range(256)) * 40_000
    assert post(client, f"http://{server.address}/", {}, body).status == 201
    assert server.received[0].endswith(body)


def test_what_was_left_behind_is_closed_and_what_is_free_is_used_again(posts: Make) -> None:
    hangs = threading.Event()

    def answer(wire: socket.socket, post: bytes) -> bool:
        if b"POST /hangs" in post:
            hangs.wait(10)
        wire.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
        return True

    server = Server(answer)
    client = posts(server)
    with client.volley() as volley:
        volley.start(1, f"http://{server.address}/", {}, b"x")
        assert len(volley.ended(5)) == 1
        volley.start(2, f"http://{server.address}/hangs", {}, b"x")
        volley.start(3, f"http://{server.address}/", {}, b"x")
        while not volley.ended(5):
            pass
    hangs.set()
    assert post(client, f"http://{server.address}/").status == 201
    assert server.connections == 2, "the free one was used again"


def test_a_general_client_posts_the_same(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    posts(server)
    with httpx.Client() as http, ClientPosts(http).volley() as volley:
        volley.start(1, f"http://{server.address}/", {"TTL": "60"}, b"x")
        volley.start(2, "http://127.0.0.1:1/", {}, b"x")
        ended = dict(volley.ended(5))
        ended.update(volley.ended(5) if len(ended) < 2 else ())
    assert isinstance(ended[1], Posted)
    assert ended[1].status == 201
    assert isinstance(ended[2], httpx.ConnectError)


def test_what_waits_too_long_for_a_connection_was_surely_not_sent(posts: Make) -> None:
    server = Server(says(b""))
    client = posts(server)
    with client.volley() as volley:
        for number in range(AT_ONCE + 3):
            volley.start(number, f"http://{server.address}/", {}, b"x")
        ended: dict[int, Posted | BaseException] = {}
        while len(ended) < AT_ONCE + 3:
            ended.update(volley.ended(5))
    kinds = [type(ended[number]) for number in range(AT_ONCE + 3)]
    assert kinds == [httpx.ReadTimeout] * AT_ONCE + [httpx.PoolTimeout] * 3
    assert len(server.received) == AT_ONCE


def test_a_connection_closed_within_a_volley_is_not_used_again(posts: Make) -> None:
    server = Server(says(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"))
    client = posts(server)
    with client.volley() as volley:
        volley.start(1, f"http://{server.address}/", {}, b"x")
        assert len(volley.ended(5)) == 1
        server.held[0].shutdown(socket.SHUT_RDWR)
        volley.start(2, f"http://{server.address}/", {}, b"x")
        ((_tag, what),) = volley.ended(5)
    assert isinstance(what, Posted)
    assert server.connections == 2


CREATED = b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"


def test_a_kept_connection_is_closed_once_it_is_old(posts: Make) -> None:
    closed = threading.Event()

    def answer(wire: socket.socket, _post: bytes) -> bool:
        wire.sendall(CREATED)
        assert wire.recv(1) == b""
        closed.set()
        return False

    server = Server(answer)
    posts(server)
    client = KeptConnections(Guard([server.address]), timeout=5, kept_seconds=0.05)
    assert post(client, f"http://{server.address}/").status == 201
    assert closed.wait(5), "it is kept for ever"
    client.close()


def test_so_many_are_kept_and_none_once_the_client_is_closed() -> None:
    client = KeptConnections(Guard())
    pairs = [socket.socketpair() for _ in range(KEPT_IN_ALL + 3)]
    for number, (wire, _) in enumerate(pairs):
        client.give_back(Connection(f"https://{number}.example", wire))
    assert [number for number, (wire, _) in enumerate(pairs) if wire.fileno() < 0] == [0, 1, 2], "the oldest go"
    client.close()
    late, other = socket.socketpair()
    client.give_back(Connection("https://late.example", late))
    assert late.fileno() < 0
    for _, end in pairs:
        end.close()
    other.close()


def test_a_connection_with_a_high_number_is_alive_too() -> None:
    low, other = socket.socketpair()
    with socket.socket(fileno=fcntl.fcntl(low.fileno(), fcntl.F_DUPFD, 1100)) as high:
        assert Connection("https://a.example", high).alive()
        other.close()
        assert not Connection("https://a.example", high).alive()
    low.close()


def test_names_that_are_never_found_hold_up_nobody_and_were_surely_not_sent(posts: Make) -> None:
    server = Server(says(CREATED))
    posts(server)
    found = threading.Event()

    def resolve(host: str, _port: int) -> list[str]:
        if host != "127.0.0.1":
            found.wait(10)
        return ["127.0.0.1"]

    client = KeptConnections(Guard([server.address], resolve), timeout=10)
    with client.volley() as volley:
        for number in range(AT_ONCE + 4):
            volley.start(number, f"http://slow{number}.example/", {}, b"x", patience=0.4)
        volley.start(99, f"http://{server.address}/", {}, b"x")
        ended = list(volley.ended(5))
        assert [tag for tag, _ in ended] == [99], "who answers waits for those that are not found"
        while len(ended) <= AT_ONCE + 4 and (more := volley.ended(5)):
            ended += more
    found.set()
    assert {type(what) for tag, what in ended if tag != 99} == {httpx.ConnectTimeout}
    assert len(ended) == AT_ONCE + 5


def test_a_post_is_given_up_when_its_own_patience_ends(posts: Make) -> None:
    server = Server(says(b""))
    client = posts(server)
    client.timeout = 10
    with client.volley() as volley:
        volley.start(1, f"http://{server.address}/", {}, b"x", patience=0.1)
        ((_tag, what),) = volley.ended(5)
    assert isinstance(what, httpx.ReadTimeout)


def test_leaving_a_general_client_waits_for_no_answer(posts: Make) -> None:
    may_answer, answered = threading.Event(), threading.Event()

    def answer(wire: socket.socket, _post: bytes) -> bool:
        may_answer.wait(3)
        answered.set()
        wire.sendall(CREATED)
        return True

    server = Server(answer)
    posts(server)
    with httpx.Client() as http:
        with ClientPosts(http).volley() as volley:
            volley.start(1, f"http://{server.address}/", {}, b"x")
            assert volley.ended(0.01) == []
        assert not answered.is_set(), "leaving waited for the answer"
        may_answer.set()
