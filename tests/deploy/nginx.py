"""nginx with the configuration that is handed out, its hosts, ports and folder changed to those of a test."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

CONFIG = Path(__file__).parents[2] / "deploy/nginx"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
PUBLIC, INSIDE = "www.example.gov.cn", "xuanda.example.internal"
SAME: Mapping[str, str] = MappingProxyType({})


@contextmanager
def running(
    folder: Path, site: Path, port: int, hubs: Sequence[int], names: Mapping[str, str] = SAME
) -> Iterator[subprocess.Popen[bytes]]:
    """nginx on that port, before two hubs; `names` are hosts other than those of the configuration."""
    _configure(folder, site, port, hubs, names)
    process = subprocess.Popen(
        [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error")]
    )
    try:
        _wait(port)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _configure(folder: Path, site: Path, port: int, hubs: Sequence[int], names: Mapping[str, str]) -> None:
    shutil.copytree(CONFIG, folder / "xuanda")
    ours = (CONFIG / "xuanda.conf").read_text()
    ours = ours.replace("listen 80;", f"listen 127.0.0.1:{port};").replace("/srv/xuanda/site", str(site))
    for at, known in enumerate((8000, 8001, 8002, 8003)):
        ours = ours.replace(f"127.0.0.1:{known};", f"127.0.0.1:{hubs[at % 2]};")
    for known_name, name in names.items():
        ours = ours.replace(f"server_name {known_name};", f"server_name {name};")
    (folder / "server.conf").write_text(ours)
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
