"""What the stand-in push service and its browsers remember of each subscription."""

from __future__ import annotations

from pydantic import BaseModel


class Waiting(BaseModel):
    """A message for a browser that is not connected."""

    message_id: str
    topic: str
    urgency: str
    ends: float
    body: str
    sender: str


class Subscription(BaseModel):
    """One browser's subscription; keys are base64url without padding, `gone` is 0, 404 or 410."""

    id: str
    name: str
    private_key: str
    p256dh: str
    auth: str
    application_server_key: str = ""
    gone: int = 0
    online: bool = True
    waiting: list[Waiting] = []
    delivered: int = 0


class WebPushState(BaseModel):
    """All subscriptions by id."""

    subscriptions: dict[str, Subscription] = {}
