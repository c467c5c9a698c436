"""The rehearsal platforms as one web application, and as one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from channels.rehearsal import authority, breakage, control, hotline, phones, sms
from channels.rehearsal.cms import api as cms
from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.jpush import api as jpush
from channels.rehearsal.sftp import control as sftp
from channels.rehearsal.webpush import api as webpush
from channels.rehearsal.wechat import api as wechat
from channels.rehearsal.wechat import mass, publish, template, tokens
from channels.rehearsal.weibo import api as weibo
from channels.rehearsal.weibo.codes import DONE_ALL_THE_SAME
from channels.rehearsal.world import Face, World


class RehearsalApp(FastAPI):
    """The application; a fault is applied before anything of it runs, where uvicorn's connection is in reach."""

    world: World

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        await breakage.run(self.world, super().__call__, scope, receive, send)
        if scope["method"] != "GET":
            self.world.touch()


def create_app(config: RehearsalConfig) -> RehearsalApp:
    """The platforms of `config`; the application's `world` is open to a drill that runs in the same process."""
    world = World(config)
    world.faces |= _faces(world)
    world.acts |= {
        "wechat.publish": publish.finish,
        "wechat.mass": mass.finish,
        "wechat.mass_lapse": mass.lapse,
        "wechat.mass_refused": mass.refused,
        "wechat.template": template.finish,
        "wechat.subscribed": template.finish_subscribed,
    }
    world.wechat_paths = frozenset(wechat.APIS)
    app = RehearsalApp(title="演练平台", docs_url="/control/docs", redoc_url=None, lifespan=_lifespan)
    app.world = world
    app.include_router(phones.router())
    app.include_router(control.router(world))
    platforms = {"/wechat": wechat, "/weibo": weibo, "/jpush": jpush, "/webpush": webpush, "/cms": cms}
    for prefix, platform in platforms.items():
        app.include_router(platform.router(world), prefix=prefix, include_in_schema=False)
    app.include_router(authority.router(world), prefix="/authority", include_in_schema=False)
    app.include_router(sftp.router(world), prefix="/sftp", include_in_schema=False)
    app.include_router(hotline.router(world), prefix="/hotline", include_in_schema=False)
    app.include_router(sms.router(world), prefix="/sms", include_in_schema=False)
    return app


def _faces(world: World) -> dict[str, Face]:
    return {
        "wechat": Face(
            account=lambda _path, query, _headers: (
                tokens.owner_of(world, query.get("access_token", "")) or query.get("appid", "")
            ),
            refusal=wechat.refusal,
            throttled=wechat.throttled,
            expire=partial(wechat.expire, world),
        ),
        "weibo": Face(
            account=lambda _path, query, headers: weibo.account_of(world, query, headers),
            refusal=partial(weibo.refusal, world),
            throttled=lambda path, _seconds: weibo.refusal(world, 10023, path),
            expire=partial(weibo.expire, world),
            done_all_the_same=DONE_ALL_THE_SAME,
        ),
        "jpush": Face(
            account=lambda _path, _query, headers: jpush.app_key_of(headers),
            refusal=jpush.refusal,
            throttled=jpush.throttled,
            expire=_nothing_expires,
        ),
        "cms": Face(
            account=lambda path, _query, _headers: path.split("/", 1)[0],
            refusal=cms.refusal,
            throttled=cms.throttled,
            expire=_nothing_expires,
        ),
        "webpush": Face(
            account=lambda path, _query, _headers: path,
            refusal=webpush.refusal,
            throttled=webpush.throttled,
            expire=_nothing_expires,
        ),
        "hotline": Face(
            account=lambda _path, _query, _headers: "12345",
            refusal=hotline.refusal,
            throttled=hotline.throttled,
            expire=_nothing_expires,
        ),
        "sms": Face(
            account=lambda _path, _query, _headers: "",
            refusal=sms.refusal,
            throttled=sms.throttled,
            expire=_nothing_expires,
        ),
    }


def _nothing_expires(_account: str) -> None:
    """Keys and subscriptions have no token that could end."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    assert isinstance(app, RehearsalApp)  # noqa: S101 - only create_app makes one.
    heart = asyncio.create_task(app.world.tick())
    if app.world.state.sftp.inboxes:
        sftp.running(app.world)
    yield
    heart.cancel()
    with suppress(asyncio.CancelledError):
        await heart
    await app.world.close()


def serve(config: RehearsalConfig, host: str = "127.0.0.1", port: int = 8009) -> None:
    """Run until interrupted."""
    config = config.model_copy(update={"sftp_host": host})
    app = create_app(config)
    # Longer than callers keep a line that lies idle: a post is not to meet one that is just being closed.
    uvicorn.run(app, host=host, port=port, log_level="warning", proxy_headers=False, timeout_keep_alive=75)
