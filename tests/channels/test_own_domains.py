"""Whether a pasted address stands on a site's own domains, as the browser that opens it reads it."""

from __future__ import annotations

import re

import pytest

from channels.abilities.own_domains import DOMAINS, stands_on

OWN = ["jiyue.example", "www.other.example", "云江.中国", "admin.jiyue.test:8443"]


@pytest.mark.parametrize(
    "link",
    [
        "https://jiyue.example/art/77.html",
        "http://JIYUE.example:80/",
        "HTTPS://zwgk.jiyue.example:443/a?from=https://evil.example/",
        "https://jiyue.example./a",
        "https://other.example/a",
        "https://www.云江.中国/公告/77.html",
        f"https://www.{'云江'.encode('idna').decode()}.xn--fiqs8s/77.html",
        "https://www。jiyue。example/a",
        "https://admin.jiyue.test:8443/a",
        "https://jiyue.example/%E5%85%AC%E5%91%8A%2Fa#b\\c",
    ],
)
def test_on_it(link: str) -> None:
    assert stands_on(link, OWN)


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/jiyue.example",
        "https://jiyue.example.evil.example/",
        "https://notjiyue.example/",
        "https://zwgk.other.example/a",
        "https://jiyue.example@evil.example/",
        "https://jiyue.example:80@evil.example/",
        "https://someone@jiyue.example/",
        "https://evil.example\\.jiyue.example/",
        "https://evil.example\\@jiyue.example/",
        "https://evil.example%2f.jiyue.example/",
        "https://jiyue%2eexample/",
        "https:////jiyue.example/",
        "https:///jiyue.example/",
        "https://evil.example/\\jiyue.example",
        "https://evil.example\\/.jiyue.example/",
        "https://evil.example?.jiyue.example/",
        "https://evil.example#.jiyue.example/",
        "https://jiyue.example:8443/",
        "http://jiyue.example:443/",
        "https://admin.jiyue.test/",
        "https://jiyue.example:99999/",
        "https://[::1/",
        "https://[::1].jiyue.example/",
        "https://evil.example℀.jiyue.example/",
        "https:jiyue.example/",
        "https://",
    ],
)
def test_elsewhere(link: str) -> None:
    assert not stands_on(link, OWN)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("www.jiyue.example", True), ("云江.中国", True), ("jiyue.example:8443", True),
        ("https://jiyue.example", False),
        ("jiyue.example/a", False), ("localhost", False), ("a@jiyue.example", False), (".example", False),
    ],
)  # fmt: skip
def test_what_a_line_of_the_form_may_be(line: str, kept: bool) -> None:
    assert bool(re.fullmatch(DOMAINS.pattern, line)) is kept
