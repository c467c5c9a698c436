"""The guard: nothing goes to a private address, by whatever name, redirect or change of mind of a resolver."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from channels.adapters.calling import acting, harmless
from channels.errors import OutcomeUnknown, Refused, Retryable
from channels.transport import Guard, PrivateAddress, allowed_of, client


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server on loopback that answers /here and sends /away to an address inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            away = self.path == "/away"
            self.send_response(302 if away else 200)
            if away:
                self.send_header("Location", "http://169.254.169.254/latest/meta-data")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join(5)


PRIVATE = [
    "127.0.0.1", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
    "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.8",
    "::ffff:127.0.0.1", "64:ff9b:1::a00:8", "2002:7f00:1::1", "64:ff9b::a00:8",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_called(address: str) -> None:
    guard = Guard(resolve=lambda _host, _port: [address])
    with pytest.raises(PrivateAddress):
        guard.addresses("innocent.example", 443)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "119.29.29.29", "2400:3200::1", "::ffff:119.29.29.29", "64:ff9b::771d:1d1d"]
)
def test_public_addresses_are_called(address: str) -> None:
    assert Guard(resolve=lambda _host, _port: [address]).addresses("a.example", 443) == [address]


def test_one_private_address_among_public_ones_is_enough() -> None:
    guard = Guard(resolve=lambda _host, _port: ["1.1.1.1", "10.0.0.8"])
    with pytest.raises(PrivateAddress):
        guard.addresses("mixed.example", 443)


def test_an_exception_holds_for_its_port_only_when_it_names_one() -> None:
    guard = Guard(["inside.example:8001", " NAS.example "], resolve=lambda _host, _port: ["10.0.0.8"])
    assert guard.addresses("inside.example", 8001) == ["10.0.0.8"]
    assert guard.addresses("nas.example", 443) == ["10.0.0.8"]
    with pytest.raises(PrivateAddress):
        guard.addresses("inside.example", 22)


def test_exceptions_are_read_from_a_setting() -> None:
    assert allowed_of("127.0.0.1:8001, nas,") == ["127.0.0.1:8001", " nas"]
    assert allowed_of("") == []


def test_the_client_refuses_before_it_connects(server: ThreadingHTTPServer) -> None:
    with client(Guard()) as http, pytest.raises(PrivateAddress):
        http.get(f"http://127.0.0.1:{server.server_address[1]}/here")


def test_a_name_that_changes_between_look_and_call_does_not_get_in(server: ThreadingHTTPServer) -> None:
    looked: list[str] = []

    def rebinding(host: str, _port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) > 1 else ["1.1.1.1"]

    guard = Guard(resolve=rebinding)
    assert guard.addresses("rebinding.example", 80) == ["1.1.1.1"]
    with client(guard) as http, pytest.raises(PrivateAddress):
        http.get(f"http://rebinding.example:{server.server_address[1]}/here")


def test_the_connection_goes_to_the_address_that_was_checked(server: ThreadingHTTPServer) -> None:
    port = server.server_address[1]
    looked = []

    def resolve(host: str, _port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"]

    with client(Guard([f"rehearsal.example:{port}"], resolve=resolve)) as http:
        assert http.get(f"http://rehearsal.example:{port}/here").status_code == 200
    assert looked == ["rehearsal.example"]


def test_a_redirect_is_not_followed(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_address[1]}"
    with client(Guard([host])) as http:
        assert http.get(f"http://{host}/away").status_code == 302


def test_a_redirect_followed_on_purpose_meets_the_guard_again(server: ThreadingHTTPServer) -> None:
    host = f"127.0.0.1:{server.server_address[1]}"
    with client(Guard([host])) as http, pytest.raises(PrivateAddress):
        http.get(f"http://{host}/away", follow_redirects=True)


def test_the_next_address_is_tried_when_one_does_not_answer(server: ThreadingHTTPServer) -> None:
    port = server.server_address[1]
    guard = Guard(["both.example"], resolve=lambda _host, _port: ["127.0.0.9", "127.0.0.1"])
    with client(guard, timeout=2) as http:
        assert http.get(f"http://both.example:{port}/here").status_code == 200


def test_environment_proxies_are_not_used(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    host = f"127.0.0.1:{server.server_address[1]}"
    with client(Guard([host])) as http:
        assert http.get(f"http://{host}/here").status_code == 200


def test_a_name_without_address_was_surely_not_called() -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with client(Guard(resolve=nowhere)) as http, pytest.raises(Retryable), acting():
        http.post("https://nowhere.example/")


def test_a_private_address_is_a_refusal_not_an_unknown_outcome() -> None:
    for kind in (acting, harmless):
        with client(Guard()) as http, pytest.raises(Refused) as refused, kind():
            http.post("http://127.0.0.1:9/")
        assert "XUANDA_ALLOWED_PRIVATE" in refused.value.reason


@pytest.mark.parametrize("failure", [httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError, httpx.ReadError])
def test_what_breaks_after_the_connection_stood_is_unknown_for_acts_and_retried_otherwise(
    failure: type[httpx.HTTPError],
) -> None:
    with pytest.raises(OutcomeUnknown), acting():
        raise failure("broken")
    with pytest.raises(Retryable), harmless():
        raise failure("broken")


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
def test_what_never_connected_is_retried(failure: type[httpx.HTTPError]) -> None:
    with pytest.raises(Retryable), acting():
        raise failure("no connection")


class Proxy:
    """A proxy on loopback that answers for everybody and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers.get("Proxy-Authorization", "")))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.at = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    made = Proxy()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_everything_of_an_account_with_a_proxy_goes_through_it(proxy: Proxy) -> None:
    guard = Guard([proxy.at], resolve=lambda host, _port: {"api.example": ["93.184.216.34"]}.get(host, ["127.0.0.1"]))
    with client(guard, 5.0, f"http://office:p%40ss@{proxy.at}") as http:
        assert http.get("http://api.example/cgi-bin/token").status_code == 200
    (path, login) = proxy.asked[0]
    assert path == "http://api.example/cgi-bin/token"
    assert login == "Basic " + base64.b64encode(b"office:p@ss").decode()


def test_a_proxy_inside_must_be_listed_and_opens_no_way_to_what_lies_inside(proxy: Proxy) -> None:
    inside = {"api.example": ["93.184.216.34"], "intranet.example": ["10.0.0.8"]}
    resolve = lambda host, _port: inside.get(host, ["127.0.0.1"])  # noqa: E731  # A resolver for two names.
    with client(Guard([], resolve), 5.0, f"http://{proxy.at}") as http, pytest.raises(PrivateAddress):
        http.get("http://api.example/")
    with client(Guard([proxy.at], resolve), 5.0, f"http://{proxy.at}") as http, pytest.raises(PrivateAddress):
        http.get("http://intranet.example/")
    assert proxy.asked == []


def test_a_name_that_only_the_proxy_can_resolve_is_its_to_judge(proxy: Proxy) -> None:
    def resolve(host: str, _port: int) -> list[str]:
        if host == "api.example":
            raise OSError("no such name here")
        return ["127.0.0.1"]

    with client(Guard([proxy.at], resolve), 5.0, f"http://{proxy.at}") as http:
        assert http.get("http://api.example/").status_code == 200
