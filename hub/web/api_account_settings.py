"""The API of an account's settings: what its form asks for, what stands there, changing it; no secret either way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.datastructures import FormData
from typing_extensions import TypedDict

from channels.accounts import store
from channels.accounts.models import Account
from channels.base import Channel, Setting
from channels.registry import channels as installed
from hub.account_watch import DATES
from hub.product import Hub
from hub.web.access import Asker, HubDep, api_may
from hub.web.account_form import REGISTER, adapter_of, open_settings_of, secrets_of, stored, warnings_of
from hub.web.accounts import account_for, register, rewrite
from hub.web.api_shapes import On
from hub.web.sent import Body, Day
from kernel.errors import Invalid
from kernel.people import Permission

router = APIRouter(prefix="/api/v1/accounts")

P = Permission
Reader = Annotated[Asker, Depends(api_may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(api_may(P.ACCOUNT_WRITE))]
Value = bool | int | float | str | list[str] | None
Name = Annotated[str, Field(max_length=60)]


class AccountChange(Body):
    """What shall be otherwise; what is left out stays. `null` among `settings`, `limits` and `dates` empties it."""

    name: str | None = Field(None, max_length=200)
    unit: int | None = None
    action: str | None = Field(None, max_length=20)
    base_url: str | None = Field(None, max_length=500)
    proxy: str | None = Field(None, max_length=300)
    settings: dict[Name, Value] = Field(default_factory=dict, description="by name, as `fields` lists them")
    entries: dict[Name, str] = Field(
        default_factory=dict, alias="register", description="the register of accounts (备案信息), by name"
    )
    limits: dict[Name, int | None] = Field(default_factory=dict, description="lower quotas, such as `mass_send.day`")
    dates: dict[Name, Day | None] = Field(default_factory=dict, description="when something of it ends, by name")


class NewAccount(AccountChange):
    """A new account; `code` is its name in addresses and never changes."""

    channel: str = Field(max_length=30)
    code: str = Field(max_length=60)


class FieldTold(TypedDict):
    """One field of the form: its kind (`text`, `number`, `flag`, `choice`, `lines`) and what may stand in it."""

    name: str
    label: str
    kind: str
    help: str
    required: bool
    choices: list[str]
    least: float | None
    most: float | None
    default: Value


class SecretTold(TypedDict):
    """A secret by its name, and whether it is filled in: what it is nobody is ever told."""

    name: str
    label: str
    filled: bool


class AccountSettings(TypedDict):
    """An account as its form shows it; `warnings` are entries kept from before there was a rule for them."""

    id: int
    name: str
    code: str
    channel: str
    unit: int
    action: str
    base_url: str
    proxy: str
    settings: dict[str, Any]
    register: dict[str, str]
    limits: dict[str, int]
    dates: dict[str, On | None]
    fields: list[FieldTold]
    secrets: list[SecretTold]
    warnings: dict[str, str]


@router.post("", status_code=201)
def create_account(hub: HubDep, asker: Keeper, sent: NewAccount) -> AccountSettings:
    """Registers an account (登记账号); its secrets go in by its own person's link, never here."""
    adapter = installed().get(sent.channel)
    if adapter is None:
        raise Invalid(field="channel", why="没有这个渠道。")
    _known(adapter, sent)
    fresh = {"unit": str(asker.viewer.unit_id), "action": adapter.limits.default_action, "code": sent.code}
    with hub.works.write(asker.actor) as work:
        account = register(work, hub, asker, adapter, FormData({**fresh, **_typed(sent)}))
        work.session.flush()
        return _told(hub, account)


@router.get("/{account_id}/settings")
def get_settings(hub: HubDep, asker: Reader, account_id: int) -> AccountSettings:
    """What an account's form shows, with every field that its channel asks for."""
    with hub.works.read() as work:
        return _told(hub, account_for(work.session, asker, account_id, P.ACCOUNT_READ))


@router.put("/{account_id}/settings")
def change_settings(hub: HubDep, asker: Keeper, account_id: int, sent: AccountChange) -> AccountSettings:
    """Changes what is sent and leaves the rest; 422 with the field's name, and nothing is changed."""
    with hub.works.write(asker.actor) as work:
        account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
        adapter = adapter_of(account)
        _known(adapter, sent)
        rewrite(work, asker, account, FormData({**stored(account, adapter), **_typed(sent)}))
        work.session.flush()
        return _told(hub, account)


def _known(adapter: type[Channel], sent: AccountChange) -> None:
    secret = {one.name for one in secrets_of(adapter)} | {store.PROXY_PASSWORD}
    for name in sent.settings:
        if name in secret:
            why = "密钥不经接口读写：请在账号页生成填写链接，由账号管理人本人填写。"
            raise Invalid(field=f"settings.{name}", why=why)
    for part, given, known in (
        ("settings", sent.settings, {one.name for one in open_settings_of(adapter)}),
        ("register", sent.entries, dict(REGISTER)),
        ("limits", sent.limits, {f"{name}.{span}" for name, span, _most in adapter.limits.quotas}),
        ("dates", sent.dates, dict(DATES)),
    ):
        for name in given:
            if name not in known:
                raise Invalid(field=name if part == "dates" else f"{part}.{name}", why=f"没有“{name}”这一项。")


def _typed(sent: AccountChange) -> dict[str, str]:
    """What was sent as the form would send it, so that one reading holds for both."""
    plain = {name: getattr(sent, name) for name in ("name", "unit", "action", "base_url", "proxy")}
    found = {name: str(value) for name, value in plain.items() if value is not None}
    parts: dict[str, Mapping[str, Value]] = {
        "settings": sent.settings,
        "register": sent.entries,
        "limits": sent.limits,
    }
    for part, values in parts.items():
        found |= {f"{part}.{name}": _text(value) for name, value in values.items()}
    return found | {name: day.isoformat() if day else "" for name, day in sent.dates.items()}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else str(value)


def _told(hub: Hub, account: Account) -> AccountSettings:
    adapter = adapter_of(account)
    known = open_settings_of(adapter)
    filled = store.credential_names(hub.seal, account)
    return {
        "id": account.id,
        "name": account.name,
        "code": account.code,
        "channel": account.channel,
        "unit": account.unit_id,
        "action": account.action,
        "base_url": account.base_url,
        "proxy": account.proxy,
        "settings": {one.name: account.settings[one.name] for one in known if one.name in account.settings},
        "register": {name: str(account.register.get(name) or "") for name, _label in REGISTER},
        "limits": dict(account.limits),
        "dates": {name: day.isoformat() if (day := getattr(account, name)) else None for name, _label in DATES},
        "fields": _fields(known),
        "secrets": [
            {"name": one.name, "label": one.label, "filled": one.name in filled} for one in secrets_of(adapter, account)
        ],
        "warnings": warnings_of(adapter, account),
    }


def _fields(known: Sequence[Setting]) -> list[FieldTold]:
    return [
        {
            "name": one.name,
            "label": one.label,
            "kind": one.kind,
            "help": one.help,
            "required": one.required,
            "choices": [value for value, _label in one.choices],
            "least": one.least if one.kind == "number" else None,
            "most": one.most,
            "default": list(one.default) if isinstance(one.default, tuple) else one.default,
        }
        for one in known
    ]
