"""What an account's form asks for, channel by channel, read and shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.accounts.models import Account
from channels.accounts.store import PROXY_PASSWORD
from channels.adapters.portal.site import SITE_CODE
from channels.base import ACTION_LABELS, Channel, Setting
from channels.registry import channels as installed
from hub.account_watch import DATES
from hub.web.piece_form import text
from kernel.errors import Invalid
from kernel.typed import number_in
from templates.catalogue import _

LARGEST_SETTING = 100_000_000
LONGEST_TEXT = 500
LONGEST_ENTRY = 200
CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")

QUOTA_LABELS = {"mass_send": _("群发"), "requests": _("接口调用"), "push": _("推送")}

# What the register of accounts records (政务新媒体备案).
REGISTER: tuple[tuple[str, str], ...] = (
    ("sponsor", _("主办单位（主体）")),
    ("operator", _("运营单位")),
    ("certified", _("认证情况")),
    ("certified_on", _("认证日期")),
    ("keeper", _("管理人")),
    ("phone", _("联系电话")),
    ("handle", _("平台账号")),
    ("record_no", _("备案号")),
    ("recorded_on", _("备案日期")),
    ("site_code", _("网站标识码")),
    ("opened", _("开设日期")),
    ("purpose", _("用途")),
    ("state", _("备案状态")),
)
# Ten digits name a site; an account may be registered by the first six, which name the place alone.
_REGISTERED = rf"\d{{6}}|{SITE_CODE}"
REGISTER_DAYS = ("certified_on", "recorded_on", "opened")


def adapter_of(account: Account) -> type[Channel]:
    """The account's channel; one that can do nothing where its adapter is not installed."""
    return installed().get(account.channel, Channel)


def secrets_of(adapter: type[Channel], account: Account | None = None) -> list[Setting]:
    """The settings of a channel that are secret, and its proxy's password where the account has one."""
    found = [setting for setting in adapter.settings if setting.secret]
    proxied = account is not None and "@" in account.proxy
    return [*found, Setting(PROXY_PASSWORD, _("代理密码"), secret=True)] if proxied else found


def open_settings_of(adapter: type[Channel]) -> list[Setting]:
    """Those that everybody who keeps accounts may see."""
    return [setting for setting in adapter.settings if not setting.secret]


def choices_of(adapter: type[Channel]) -> dict[str, Any]:
    """What the form offers for a channel."""
    limits = getattr(adapter, "limits", None)
    quotas = [(f"{name}.{span}", name, span, most) for name, span, most in limits.quotas] if limits else []
    actions = [(name, ACTION_LABELS[name]) for name in limits.actions] if limits else []
    return {
        "settings": open_settings_of(adapter),
        "register": REGISTER,
        "register_days": REGISTER_DAYS,
        "actions": actions,
        "dates": DATES,
        "quotas_of": quotas,
        "quota_labels": QUOTA_LABELS,
    }


def read_account(
    adapter: type[Channel], sent: FormData, settings: Mapping[str, Any], register: Mapping[str, Any]
) -> dict[str, Any]:
    """The form as an account's columns; settings that the form does not know are kept."""
    name = text(sent, "name").strip()
    if not name or len(name) > 100:
        raise Invalid(field="name", why="请填写账号名称（不超过 100 字）。")
    action = text(sent, "action") or adapter.limits.default_action
    if action not in adapter.limits.actions:
        raise Invalid(field="action", why="该渠道不支持这种发布方式。")
    base_url = text(sent, "base_url").strip().rstrip("/")
    if base_url and not base_url.startswith(("https://", "http://")):
        raise Invalid(field="base_url", why="接口地址须以 http:// 或 https:// 开头。")
    return {
        "name": name,
        "action": action,
        "base_url": base_url,
        "settings": _settings(adapter, sent, settings),
        "register": {**register, **_register(sent, register)},
        "proxy": _proxy(text(sent, "proxy")),
        "limits": _limits(adapter, sent),
        **{name: _day(name, text(sent, name)) for name, _label in DATES},
    }


def _proxy(typed: str) -> str:
    """A proxy's address. Its password is a secret like any other and is not taken here."""
    proxy = typed.strip().rstrip("/")
    if not proxy:
        return ""
    parts = urlsplit(proxy)
    if parts.scheme != "http" or not parts.hostname or parts.path:
        raise Invalid(field="proxy", why="代理地址应写作 http://主机:端口。")
    if parts.password:
        raise Invalid(field="proxy", why="代理密码不要写在地址里，请由账号管理人在密钥页填写。")
    return proxy[:300]


def _limits(adapter: type[Channel], sent: FormData) -> dict[str, int]:
    """The account's own, lower quotas by `<name>.<span>`."""
    found = {}
    for name, span, most in adapter.limits.quotas:
        typed = text(sent, f"limits.{name}.{span}").strip()
        if not typed:
            continue
        if number_in(typed, most) is None:
            raise Invalid(field=f"limits.{name}.{span}", why=f"请填写 0 至 {most} 的整数。")
        found[f"{name}.{span}"] = int(typed)
    return found


def _settings(adapter: type[Channel], sent: FormData, before: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(before)
    for setting in open_settings_of(adapter):
        entered = text(sent, f"settings.{setting.name}").strip().replace("\r\n", "\n")
        if setting.name in before and entered and entered == _as_typed(before[setting.name]):
            continue  # What stood there before there was a rule for it is pointed out, never lost.
        value = setting_value(setting, entered)
        if value is None:
            found.pop(setting.name, None)
            if setting.required:
                raise Invalid(field=f"settings.{setting.name}", why=f"请填写{setting.label}。")
        else:
            found[setting.name] = value
    return found


def setting_value(setting: Setting, entered: str) -> Any:
    """A field as a value of its kind; None for a blank one. Raises Invalid with the field's name."""
    if not entered:
        return None
    try:
        return VALUES[setting.kind](setting, entered)
    except ValueError as fault:
        raise Invalid(field=f"settings.{setting.name}", why=f"{setting.label}{fault}") from None


def _number(setting: Setting, entered: str) -> int | float:
    most = LARGEST_SETTING if setting.most is None else setting.most
    try:
        number = float(entered)
    except ValueError:
        raise ValueError("须为数字。") from None
    if not setting.least <= number <= most:  # Nor what is no number at all: nan, inf.
        raise ValueError(f"须为 {setting.least:g} 至 {_plain(most)} 的数字。")
    if setting.whole and not number.is_integer():
        raise ValueError("须为整数。")
    return int(number) if number.is_integer() else number


def _choice(setting: Setting, entered: str) -> str:
    if entered not in dict(setting.choices):
        raise ValueError("没有这个选项。")
    return entered


def _flag(_setting: Setting, entered: str) -> bool:
    if entered not in ("true", "false"):
        raise ValueError("请选“是”或“否”。")
    return entered == "true"


def _lines(setting: Setting, entered: str) -> list[str]:
    lines = [line.strip() for line in entered.splitlines() if line.strip()]
    if setting.most is not None and len(lines) > setting.most:
        raise ValueError(f"最多 {setting.most:g} 行，现有 {len(lines)} 行。")
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_TEXT or (setting.pattern and not re.fullmatch(setting.pattern, line)):
            raise ValueError(f"第 {number} 行“{line[:20]}”写法不对。{setting.help}")
    return lines


def _text(setting: Setting, entered: str) -> str:
    most = int(setting.most or LONGEST_TEXT)
    if len(entered) > most:
        raise ValueError(f"不超过 {most} 字，现有 {len(entered)} 字。")
    if "\n" in entered or (setting.pattern and not re.fullmatch(setting.pattern, entered)):
        raise ValueError(f"写法不对。{setting.help}")
    return entered


VALUES: Mapping[str, Callable[[Setting, str], Any]] = {
    "number": _number,
    "choice": _choice,
    "flag": _flag,
    "lines": _lines,
    "text": _text,
    "picture": _text,
}


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else f"{number:g}"


def warnings_of(adapter: type[Channel], account: Account) -> dict[str, str]:
    """What is kept from before there was a rule for it and does not keep to the rule, by the form's fields."""
    found = {}
    for setting in open_settings_of(adapter):
        if setting.name in account.settings:
            try:
                setting_value(setting, _as_typed(account.settings[setting.name]))
            except Invalid as fault:
                found[f"settings.{setting.name}"] = str(fault.details["why"])
    for name, _label in REGISTER:
        try:
            register_value(name, str(account.register.get(name) or ""))
        except Invalid as fault:
            found[f"register.{name}"] = str(fault.details["why"])
    return found


def missing_of(adapter: type[Channel], account: Account) -> list[str]:
    """What is expected of such an account and not filled in, by its label."""
    return [one.label for one in open_settings_of(adapter) if one.expected and not account.settings.get(one.name)]


def register_value(name: str, entered: str) -> str:
    """One entry of the register as it is kept; raises Invalid with the field's name."""
    label = dict(REGISTER)[name]
    field = f"register.{name}"
    if not entered:
        return ""
    if name in REGISTER_DAYS:
        try:
            return date.fromisoformat(entered).isoformat()
        except ValueError:
            raise Invalid(field=field, why=f"{label}“{entered[:20]}”不是日期，应写作 年-月-日。") from None
    if name == "site_code" and not re.fullmatch(_REGISTERED, entered.lower()):
        raise Invalid(
            field=field, why=f"{label}“{entered[:20]}”不对：应为 10 位或 6 位数字（部委网站为 bm 加 8 位数字）。"
        )
    if len(entered) > LONGEST_ENTRY:
        raise Invalid(field=field, why=f"{label}不超过 {LONGEST_ENTRY} 字，现有 {len(entered)} 字。")
    return entered.lower() if name == "site_code" else entered


def _register(sent: FormData, before: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, _label in REGISTER:
        entered = text(sent, f"register.{name}").strip()
        # Free text from before stays as long as nobody changes it; the page says what is wrong with it.
        same = bool(entered) and entered == str(before.get(name) or "")
        found[name] = entered if same else register_value(name, entered)
    return found


def _day(name: str, typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise Invalid(field=name, why="日期应写作 年-月-日。") from None


def read_code(session: Session, entered: str) -> str:
    """The account's own name in addresses; raises Invalid when it is malformed or taken."""
    code = entered.strip().lower()
    if not CODE.fullmatch(code):
        raise Invalid(field="code", why="账号代码为 1 至 60 位的小写字母、数字或横线，以字母或数字开头。")
    if session.scalars(select(Account.id).where(Account.code == code)).first() is not None:
        raise Invalid(field="code", why=f"账号代码“{code}”已被使用。")
    return code


def typed(sent: FormData) -> dict[str, str]:
    """The form as it was typed, for showing it again."""
    return {key: value for key, value in sent.items() if isinstance(value, str) and key != "csrf"}


def stored(account: Account, adapter: type[Channel]) -> dict[str, str]:
    """An account as its form shows it."""
    values = {
        "name": account.name,
        "unit": str(account.unit_id),
        "action": account.action,
        "base_url": account.base_url,
        "proxy": account.proxy,
        **{f"limits.{name}": str(most) for name, most in account.limits.items()},
        **{name: day.isoformat() if (day := getattr(account, name)) else "" for name, _label in DATES},
    }
    values |= {f"register.{key}": str(account.register.get(key) or "") for key, _label in REGISTER}
    for setting in open_settings_of(adapter):
        if setting.name in account.settings:
            values[f"settings.{setting.name}"] = _as_typed(account.settings[setting.name])
    return values


def _as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "\n".join(str(one) for one in value) if isinstance(value, (list, tuple)) else str(value)


def settings_in_words(account: Account, adapter: type[Channel]) -> list[tuple[str, str]]:
    """The settings in force for somebody who only reads."""
    shown = []
    for setting in open_settings_of(adapter):
        value = account.settings.get(setting.name)
        if value is not None:
            words = dict(setting.choices).get(str(value), _as_typed(value))
            shown.append((setting.label, {"true": "是", "false": "否"}.get(words, words)))
    return shown
