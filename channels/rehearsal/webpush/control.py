"""Control doors of web push: browsers that subscribe, go offline, come back and give up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from channels.rehearsal.webpush import api, browser
from channels.rehearsal.webpush.state import Subscription

if TYPE_CHECKING:
    from channels.rehearsal.world import World


class Subscribe(BaseModel):
    """A browser subscribes; with `application_server_key` (base64url) only that sender is heard."""

    model_config = ConfigDict(extra="forbid")

    name: str = "市民的浏览器"
    application_server_key: str = ""


class Change(BaseModel):
    """What becomes of a subscription."""

    gone: Literal[0, 404, 410] | None = None
    online: bool | None = None


def accounts(world: World) -> list[dict[str, Any]]:
    """All subscriptions, with the browsers' public halves."""
    subscriptions = world.state.webpush.subscriptions.values()
    fields = {"id", "name", "p256dh", "auth", "application_server_key", "gone", "online", "delivered"}
    return [one.model_dump(include=fields) for one in subscriptions]


def add_doors(routes: APIRouter, world: World) -> None:
    """Add the doors below /control/webpush."""

    @routes.post("/control/accounts/webpush")
    async def subscribe(wish: Subscribe, request: Request) -> dict[str, Any]:
        subscription = browser.subscribe(wish.name, wish.application_server_key)
        world.state.webpush.subscriptions[subscription.id] = subscription
        keys = {"p256dh": subscription.p256dh, "auth": subscription.auth}
        endpoint = f"{world.base(request)}/webpush/{subscription.id}"
        return {"id": subscription.id, "endpoint": endpoint, "keys": keys}

    @routes.post("/control/webpush/{subscription_id}")
    async def change(subscription_id: str, wish: Change) -> dict[str, Any]:
        subscription = _found(world, subscription_id)
        if wish.gone is not None:
            subscription.gone = wish.gone
            if wish.gone:
                world.ledger.add("webpush", subscription_id, "subscription_gone", status=wish.gone)
        if wish.online:
            api.connect(world, subscription)
        elif wish.online is False:
            subscription.online = False
        return {"gone": subscription.gone, "online": subscription.online}


def _found(world: World, subscription_id: str) -> Subscription:
    subscription = world.state.webpush.subscriptions.get(subscription_id)
    if subscription is None:
        raise HTTPException(404, "no such subscription")
    return subscription
