"""`xuanda demo`: fills an empty data folder, then runs the product beside the rehearsal platforms until Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.error import URLError

import httpx
import typer
from sqlalchemy import select

from channels.accounts.models import Account
from hub import schema
from hub.demo import fill as filling
from hub.demo.duties import FEED_PATH
from hub.demo.platforms import HOTLINE_SECRET, SMS_TOKEN, write_config
from hub.errors import CannotRun
from hub.product import Hub
from hub.settings import Settings
from hub.wiring import build
from kernel.work import Actor, Work
from scheduler.reposting.models import WatchedFeed

READY_SECONDS = 60.0


def demo(
    port: Annotated[
        int, typer.Option(envvar="PORT", help="Port of the product; the platforms take the next one.")
    ] = 8000,
    once: Annotated[bool, typer.Option(help="Only fill the data folder, then stop.")] = False,
) -> None:
    """A demo office of an invented city on http://127.0.0.1:8000, with stand-ins for every platform."""
    rehearsal_url = f"http://127.0.0.1:{port + 1}"
    settings = Settings(port=port, host="127.0.0.1")
    if not once:
        for wanted in (port, port + 1):
            _must_be_free(wanted, port)
    prepare(settings, rehearsal_url)
    if once:
        return
    config = write_config(f"http://127.0.0.1:{port}", settings.data / "rehearsal")
    environment = {
        **os.environ,
        "XUANDA_PORT": str(port),
        "XUANDA_HOST": "127.0.0.1",
        "XUANDA_REHEARSAL_URL": rehearsal_url,
        "XUANDA_DEMO": "true",
        "XUANDA_ALLOWED_PRIVATE": f"127.0.0.1:{port + 1}",
        # The people's phones stand beside the platforms: a signer's one-time link arrives there.
        "XUANDA_NOTICE_GATEWAY_URL": f"{rehearsal_url}/sms",
        "XUANDA_NOTICE_GATEWAY_TOKEN": SMS_TOKEN,
        "XUANDA_HOTLINE_URL": f"{rehearsal_url}/hotline",
        "XUANDA_HOTLINE_SECRET": HOTLINE_SECRET,
    }
    log = settings.data / "demo.log"
    platforms = _start(["-m", "channels.rehearsal", "--port", str(port + 1), "--config", str(config)], environment, log)
    product = _start(["-m", "hub.cli", "serve"], environment, log)
    try:
        _wait_ready(f"http://127.0.0.1:{port}/readyz", product, log)
        _wait_ready(f"{rehearsal_url}/ledger", platforms, log)
        _subscribe_a_browser(f"http://127.0.0.1:{port}", rehearsal_url)
        typer.echo(card(settings, rehearsal_url))
        _until_stopped(log, product, platforms)
    finally:
        for process in (product, platforms):
            _stop(process)


def prepare(settings: Settings, rehearsal_url: str) -> None:
    """Brings the data folder to this version's schema, fills it when empty, and points accounts at the platforms."""
    unfinished = settings.data / "demo-unfinished"
    if unfinished.exists():
        _clear(settings)
    hub = build(settings)
    try:
        schema.migrate(hub.engine)
        empty = filling.is_empty(hub)
    finally:
        hub.close()
    if empty:
        typer.echo("Filling the demo office 云江市 (once, about a minute)")
        unfinished.touch()
        filling.fill(settings, rehearsal_url, typer.echo)
        unfinished.unlink()
        return
    hub = build(settings)
    try:
        _repoint(hub, rehearsal_url)
    finally:
        hub.close()


def _clear(settings: Settings) -> None:
    """Takes away what an interrupted filling left, which is all that the folder holds then."""
    if settings.database_url:
        raise CannotRun(
            why="An earlier filling was interrupted. Empty the database, remove demo-unfinished, run again."
        )
    for leftover in settings.data.glob("xuanda.db*"):
        leftover.unlink()
    for folder in (settings.site_folder, settings.files_folder):
        shutil.rmtree(folder, ignore_errors=True)


def card(settings: Settings, rehearsal_url: str) -> str:
    """What a newcomer needs to know, printed when all is running."""
    return f"""
Xuanda 宣达 is running. Ctrl-C stops all of it; everything it keeps, its log (demo.log) too, is in {settings.data}.

  Portal              {settings.address}/
  Console             {settings.console_address}/console
  Platforms as phones {rehearsal_url}/

Log in (password of everybody: {filling.PASSWORD})
  linxiaowen    林晓雯  officer 信息员: writes, submits, books
  sumin         苏敏    reviewer 审核人: proofreads, first signature
  chenguodong   陈国栋  reviewer 审核人: second signature
  zhaomingyuan  赵明远  signer 签发人: last signature
  qianliqun     钱立群  manager 分管领导
  wujiayi       吴佳怡  agent 坐席
  sunlihua      孙丽华  supervisor 班长: shifts, the board, whom a conversation goes to
  fenglixin     冯立新  head 承办单位负责人: signs answers to tickets
  hezhiyuan     何志远  head of 市公安局, whose items are rated (好差评): sets low ratings right
  dingxiaotong / caowenjing   丁晓彤, 曹文静  agent, supervisor of 市人社局: take what is handed on (转其他单位)
  dengzhiqiang  邓志强  head of 市人社局: signs its answers to tickets
  gaoxiang / luojing / tangwenbo   system, security and audit administrator 系统/安全/审计管理员

Try first: as linxiaowen write a notice under 采编中心 and submit it (送审); sign it as sumin, chenguodong and
zhaomingyuan, at their desks or by the link on their phones; book it (发布中心), and watch it arrive on the portal
and on the phones. Then write to 云江发布 from a phone (身份证丢了怎么补办, then 人工), and answer as wujiayi under
互动回应.
"""


def _subscribe_a_browser(product: str, rehearsal_url: str) -> None:
    """Gives the demo one citizen's browser, so that there is a phone on which browser notices arrive."""
    with httpx.Client(timeout=10, trust_env=False) as client:
        if client.get(f"{rehearsal_url}/control/accounts").json().get("webpush"):
            return
        offered = client.get(f"{product}/push/key").raise_for_status().json()
        wish = {"name": "赵同学的浏览器", "application_server_key": offered["key"]}
        made = client.post(f"{rehearsal_url}/control/accounts/webpush", json=wish).raise_for_status().json()
        wanted = {"endpoint": made["endpoint"], "keys": made["keys"], "consent": offered["consent"]}
        client.post(f"{product}/push/subscriptions", json=wanted).raise_for_status()


def _repoint(hub: Hub, rehearsal_url: str) -> None:
    with hub.works.write(Actor("demo")) as work:
        for account in work.session.scalars(select(Account).where(Account.base_url.like("http://127.0.0.1:%"))):
            base = f"{rehearsal_url}/{account.channel}"
            # Only what an earlier start of the demo pointed there; an account somebody added stays as he made it.
            if (
                re.fullmatch(rf"http://127\.0\.0\.1:\d+/{account.channel}", account.base_url)
                and account.base_url != base
            ):
                account.base_url = base
                work.audit("account.changed", account, base_url=base)
        _repoint_feeds(work, rehearsal_url)


def _repoint_feeds(work: Work, rehearsal_url: str) -> None:
    ours = select(WatchedFeed).where(WatchedFeed.address.like(f"http://127.0.0.1:%{FEED_PATH}"))
    for feed in work.session.scalars(ours):
        if feed.address != f"{rehearsal_url}{FEED_PATH}":
            feed.address, feed.next_at = f"{rehearsal_url}{FEED_PATH}", work.now
            work.audit("repost_feed.changed", feed, address=feed.address)


def _must_be_free(wanted: int, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            other = f"make demo PORT={port + 100}"
            raise CannotRun(
                why=f"Port {wanted} is taken by another program. Stop it, or choose another: {other}"
            ) from None


def _start(arguments: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    # A group of its own, so that Ctrl-C reaches only this process, which then stops both in order.
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603
            [sys.executable, *arguments], env=dict(environment), stdout=file, stderr=file, start_new_session=True
        )


def _wait_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise CannotRun(why=f"A part of the demo stopped while starting. {_last_words(log)}")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310  # A loopback address made here.
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise CannotRun(why=f"The demo did not become ready within {READY_SECONDS:.0f} seconds ({url}).")


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").splitlines()[-8:]
    return "\n".join([f"The end of {log}:", *lines])


def _until_stopped(log: Path, *processes: subprocess.Popen[bytes]) -> None:
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _frame: asked.append(which))
    while not asked:
        time.sleep(0.2)
        if any(process.poll() is not None for process in processes):
            raise CannotRun(why=f"A part of the demo stopped by itself. {_last_words(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
