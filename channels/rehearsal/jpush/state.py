"""What the stand-in for JPush remembers of each app."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from channels.rehearsal.config import JPushApp, JPushDevice


class Device(BaseModel):
    """A phone; `waiting` holds numbers of messages that came while it was offline."""

    device: JPushDevice
    online: bool = True
    waiting: list[str] = []


class Message(BaseModel):
    """A push as it was taken; `shown` is what each platform's phones display."""

    msg_id: str
    at: float
    ends: float
    shown: dict[str, dict[str, Any]]
    targets: list[str]
    received: list[str] = []
    revoked: bool = False


class Window(BaseModel):
    """Calls in the running minute."""

    began: float = 0.0
    calls: int = 0


class AppState(BaseModel):
    """One app with its phones, messages and answered cids."""

    app: JPushApp
    devices: dict[str, Device] = {}
    messages: dict[str, Message] = {}
    cids: dict[str, tuple[float, dict[str, Any]]] = {}
    windows: dict[str, Window] = {}
    numbers: int = 0

    def number(self) -> str:
        """A msg_id in JPush's look, 17 digits."""
        self.numbers += 1
        return str(18_100_000_000_000_000 + self.numbers)


class JPushState(BaseModel):
    """All apps by key."""

    apps: dict[str, AppState] = {}

    def open(self, app: JPushApp) -> AppState:
        """Create an app, or give an existing one new settings; phones join or change, none leaves."""
        state = self.apps.setdefault(app.app_key, AppState(app=app))
        state.app = app
        for device in app.devices:
            known = state.devices.get(device.registration_id)
            if known:
                known.device = device
            else:
                state.devices[device.registration_id] = Device(device=device)
        return state
