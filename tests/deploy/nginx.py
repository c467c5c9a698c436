"""nginx with the configuration that is handed out, its hosts, ports and folder changed to those of a test."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG = DEPLOY / "nginx"
# Every file that is handed out to stand in conf.d.
XUANDA, OUTER, COMPOSE = CONFIG / "xuanda.conf", CONFIG / "outer.conf", DEPLOY / "compose" / "nginx.conf"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
PUBLIC, INSIDE = "www.example.gov.cn", "xuanda.example.internal"
# The address from which the inside comes to the outer host's door.
WAY_OUT = "192.0.2.1"
SAME: Mapping[str, str] = MappingProxyType({})
UPSTREAM = re.compile(r"^upstream xuanda_(\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
SERVER = re.compile(r"^ +server (\S+):(\d+);\n", re.MULTILINE)


@contextmanager
def running(
    folder: Path,
    site: Path,
    port: int,
    hubs: Mapping[str, Sequence[int]],
    names: Mapping[str, str] = SAME,
    *,
    file: Path = XUANDA,
    inside: int = 0,
) -> Iterator[subprocess.Popen[bytes]]:
    """nginx on that port, before the hubs of each face; `names` are hosts other than those of the configuration.

    `inside` is the port of the console where it has one of its own.
    """
    shutil.copytree(CONFIG, folder / "xuanda")
    ours = file.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    ours = ours.replace("listen 8080;", f"listen 127.0.0.1:{inside};").replace("/srv/xuanda/site", str(site))
    ours = UPSTREAM.sub(lambda found: _before(found, hubs), ours).replace(f"allow {WAY_OUT};", "allow 127.0.0.1;")
    for known_name, name in names.items():
        ours = ours.replace(f"server_name {known_name};", f"server_name {name};")
    (folder / "server.conf").write_text(ours)
    _surround(folder)
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error")]
    )
    try:
        _wait(port)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def upstreams(file: Path) -> dict[str, list[tuple[str, int]]]:
    """By face, the hosts and ports that a configuration sends its requests to."""
    return {
        face: [(host, int(port)) for host, port in SERVER.findall(body)]
        for face, body in UPSTREAM.findall(file.read_text())
    }


def _before(found: re.Match[str], hubs: Mapping[str, Sequence[int]]) -> str:
    face, body = found.groups()
    servers = "".join(f"    server 127.0.0.1:{port};\n" for port in hubs[face])
    return f"upstream xuanda_{face} {{{SERVER.sub('', body)}{servers}}}"


def _surround(folder: Path) -> None:
    places = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        # As root its workers would be another user, who may not read the folder of a test.
        f"{'user root; ' if os.getuid() == 0 else ''}daemon off; pid {folder}/pid; events {{}}\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; {places} include {folder}/server.conf; }}\n"
    )


def _wait(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx did not start")
