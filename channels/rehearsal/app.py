"""The rehearsal platforms as one web application, and as one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

import uvicorn
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from channels.rehearsal import breakage, control, phones
from channels.rehearsal.config import RehearsalConfig
from channels.rehearsal.wechat import api as wechat
from channels.rehearsal.wechat import mass, publish, tokens
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
    world.faces["wechat"] = Face(
        account=lambda _path, query, _headers: (
            tokens.owner_of(world, query.get("access_token", "")) or query.get("appid", "")
        ),
        refusal=wechat.refusal,
        throttled=wechat.throttled,
        expire=partial(wechat.expire, world),
    )
    world.acts |= {
        "wechat.publish": publish.finish,
        "wechat.mass": mass.finish,
        "wechat.mass_lapse": mass.lapse,
        "wechat.mass_refused": mass.refused,
    }
    app = RehearsalApp(title="演练平台", docs_url="/control/docs", redoc_url=None, lifespan=_lifespan)
    app.world = world
    app.include_router(phones.router())
    app.include_router(control.router(world))
    app.include_router(wechat.router(world), prefix="/wechat", include_in_schema=False)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    assert isinstance(app, RehearsalApp)  # noqa: S101 - only create_app makes one.
    heart = asyncio.create_task(app.world.tick())
    yield
    heart.cancel()
    with suppress(asyncio.CancelledError):
        await heart
    await app.world.close()


def serve(config: RehearsalConfig, host: str = "127.0.0.1", port: int = 8001) -> None:
    """Run until interrupted."""
    uvicorn.run(create_app(config), host=host, port=port, log_level="warning", proxy_headers=False)
