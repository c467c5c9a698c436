"""What the demo's accounts and the rehearsal platforms have in common: invented credentials and addresses."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from channels.rehearsal.config import (
    Callback,
    Follower,
    JPushApp,
    JPushDevice,
    RehearsalConfig,
    Template,
    WeChatAccount,
    WeiboAccount,
)
from hub.demo.corpus import AccountRow, load_office
from hub.demo.duties import AUTHORITY

SAFE_DOMAINS = ["127.0.0.1", "localhost", "www.yunjiang.example"]
SMS_TOKEN = "rehearsal-sms-gateway"  # noqa: S105  # Of the stand-in only.
HOTLINE_SECRET = "rehearsal-hotline"  # noqa: S105  # Of the stand-in only.
SITE_WORDS = {"sponsor": "云江市人民政府办公室", "operator": "云江市融媒体中心", "phone": "0968-8011000"}


def credentials_of(row: AccountRow, rehearsal_url: str) -> tuple[str, Mapping[str, Any], Mapping[str, str]]:
    """Base address, settings and credentials of a demo account; nothing of it exists outside the rehearsal."""
    if row.channel == "portal":
        return "", _site(row), {}
    if row.channel == "wechat":
        number = _wechat_number(row)
        secrets = {
            "appid": f"wx{number:016d}",
            "secret": _secret(row),
            "token": f"token{row.key}",
            "aes_key": _aes_key(row),
        }
        return f"{rehearsal_url}/wechat", {"type": row.type, "certified": True, "mode": "secure"}, secrets
    if row.channel == "weibo":
        secrets = {"app_key": "3000000001", "app_secret": _secret(row), "access_token": f"2.00{_secret(row)[:20]}"}
        return (
            f"{rehearsal_url}/weibo",
            {"uid": "7000000001", "rip": "127.0.0.1", "safe_domains": SAFE_DOMAINS},
            secrets,
        )
    if row.channel == "jpush":
        return f"{rehearsal_url}/jpush", {}, {"app_key": _secret(row)[:24], "master_secret": _secret(row)[24:48]}
    if row.channel == "web_push":
        key = base64.urlsafe_b64encode(hashlib.sha256(f"rehearsal push key of {row.key}".encode()).digest())
        subject = {"subject": "mailto:wangzhan@yunjiang.example"}
        return "", subject, {"vapid_private_key": key.decode().rstrip("=")}
    if row.channel == "manual":
        return "", {"platform": row.name, "steps": "在手机上打开该平台，上传素材后粘贴标题与正文。"}, {}
    return "", {}, {}


def rehearsal_config(hub_url: str, data: Path) -> RehearsalConfig:
    """The rehearsal platforms as the demo's accounts expect them, calling back to the hub."""
    rows = load_office().accounts
    wechat = [_wechat(row, hub_url) for row in rows if row.channel == "wechat"]
    weibo = [_weibo(row) for row in rows if row.channel == "weibo"]
    jpush = [_jpush(row) for row in rows if row.channel == "jpush"]
    names = {number_of(place): row.name for place, row in enumerate(load_office().people)}
    return RehearsalConfig(
        wechat=wechat,
        weibo=weibo,
        jpush=jpush,
        authority=AUTHORITY,
        sms_token=SMS_TOKEN,
        sms_names=names,
        hotline_secret=HOTLINE_SECRET,
        data=data,
    )


def number_of(place: int) -> str:
    """The telephone number of the demo's people in their order; none like it is given to anybody."""
    return f"1000000{place + 1:04d}"


def write_config(hub_url: str, folder: Path) -> Path:
    """Writes the rehearsal's configuration file and returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    config = rehearsal_config(hub_url, folder / "ledger")
    path.write_text(json.dumps(config.model_dump(mode="json"), ensure_ascii=False, indent=1), "utf-8")
    return path


def write_accounts(path: Path) -> None:
    """The same for platforms that the drill does not start itself: they call nobody back and keep no ledger here."""
    config = rehearsal_config("", path.parent).model_dump(mode="json", exclude={"data"})
    for account in config["wechat"]:
        account["callback"] = None
    path.write_text(json.dumps(config, ensure_ascii=False, indent=1), "utf-8")


def _wechat(row: AccountRow, hub_url: str) -> WeChatAccount:
    _base, _settings, secrets = credentials_of(row, "")
    people = ("王女士", "李先生", "赵同学")
    return WeChatAccount(
        appid=secrets["appid"],
        secret=secrets["secret"],
        name=row.name,
        original_id=f"gh_{row.handle}",
        type="service" if row.type == "service" else "subscription",
        callback=Callback(
            url=f"{hub_url}/callbacks/wechat/{row.key}",
            token=secrets["token"],
            aes_key=secrets["aes_key"],
            mode="secure",
        ),
        followers=[
            Follower(openid=f"o{row.key}_citizen_{place:05d}", name=name) for place, name in enumerate(people, 1)
        ],
        selfmenu=[{"type": "text", "name": "热线", "value": "政务服务热线 12345"}],
        follow_reply={"type": "text", "content": f"欢迎关注{row.name}"},
        templates=[
            Template(template_id="progress", title="办件进度通知", fields=["thing1", "phrase2", "time3"]),
            Template(template_id="answer", title="答复通知", fields=["thing1", "time2"], kind="subscribe"),
            Template(template_id="alert", title="停水停电提醒", fields=["thing1"], kind="subscribe", lasting=True),
        ],
    )


def _weibo(row: AccountRow) -> WeiboAccount:
    _base, settings, secrets = credentials_of(row, "")
    return WeiboAccount(
        uid=settings["uid"],
        name=row.name,
        app_key=secrets["app_key"],
        app_secret=secrets["app_secret"],
        access_token=secrets["access_token"],
        safe_domains=SAFE_DOMAINS,
        granted=["statuses/user_timeline", "statuses/destroy", "comments/reply"],
    )


def _jpush(row: AccountRow) -> JPushApp:
    _base, _settings, secrets = credentials_of(row, "")
    return JPushApp(
        app_key=secrets["app_key"],
        master_secret=secrets["master_secret"],
        name=row.name,
        devices=[
            JPushDevice(registration_id="r-android-1", alias="citizen-1", tags=["临江区"], name="王女士的手机"),
            JPushDevice(
                registration_id="r-ios-1", platform="ios", alias="citizen-2", tags=["青石区"], name="李先生的手机"
            ),
        ],
    )


def _site(row: AccountRow) -> Mapping[str, Any]:
    return {
        **SITE_WORDS,
        "id_code": row.register.site_code,
        "icp": "云ICP备00000000号-1",
        "police": "云公网安备99990002000001号",
        "email": "wangzhan@yunjiang.example",
        "postal_address": "云江市临江区滨江大道1号市行政中心A座",
        "description": "云江市人民政府门户网站：政务公开、办事服务、互动交流。",
        "keywords": "云江,云江市,政务公开,办事服务",
        "english_name": "The People's Government of Yunjiang (demo)",
        "english_menu": [
            "云江要闻=News",
            "部门动态=Departments",
            "临江动态=Linjiang",
            "通知公告=Notices",
            "政策文件=Policies",
            "政策解读=Explained",
            "办事指南=Services",
            "云江图集=Pictures",
            "专题专栏=Features",
            "常见问题=FAQ",
        ],
        "hotline": "12345",
        "chat_href": "/chat",
        "report_href": "/feedback?kind=找错",
    }


def _wechat_number(row: AccountRow) -> int:
    keys = [one.key for one in load_office().accounts if one.channel == "wechat"]
    return 1_000_000_000_000_001 + keys.index(row.key)


def _secret(row: AccountRow) -> str:
    return hashlib.sha256(f"rehearsal secret of {row.key}".encode()).hexdigest()


def _aes_key(row: AccountRow) -> str:
    return base64.b64encode(hashlib.sha256(f"rehearsal key of {row.key}".encode()).digest()).decode().rstrip("=")
