"""What the rehearsal platforms are set up with: accounts, followers, quotas and the readings of unclear rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A settings object in which a misspelt key is an error, because a drill would otherwise test nothing."""

    model_config = ConfigDict(extra="forbid")


class Callback(Strict):
    """Where and how WeChat pushes for one account; `aes_key` is the 43-character EncodingAESKey."""

    url: str
    token: str
    aes_key: str = ""
    mode: Literal["plain", "compat", "secure"] = "plain"


class Follower(Strict):
    """A person who follows the account when the rehearsal starts."""

    openid: str
    name: str = ""


class Template(Strict):
    """A template message the account may use; `fields` are the keys its data must carry."""

    template_id: str
    title: str
    fields: list[str] = []
    kind: Literal["template", "subscribe"] = "template"
    lasting: bool = Field(default=False, description="A subscribe message that is agreed to for long, not once.")
    banned: bool = Field(default=False, description="Reported too often by its readers (43116).")


class WeChatAccount(Strict):
    """One official account as its administrator would have set it up in the platform's console."""

    appid: str
    secret: str
    name: str
    original_id: str
    type: Literal["subscription", "service"] = "subscription"
    certified: bool = True
    callback: Callback | None = None
    ip_whitelist: list[str] = Field(default=[], description="Empty means that every address may ask for a token.")
    confirm_mass_send: bool = False
    comment_privilege: bool = True
    publish_result: Literal[0, 2, 3, 4] = 0
    mass_result: str = "send success"
    original: Literal["own", "reprint", "forbidden"] = Field(
        default="own", description="What the comparison with original articles says of every mass message."
    )
    mass_per_day: int = 1
    mass_per_follower_a_month: int = 4
    followers: list[Follower] = []
    templates: list[Template] = []
    selfmenu: list[dict[str, Any]] = []
    autoreply_rules: list[dict[str, Any]] = []
    follow_reply: dict[str, Any] = Field(default={}, description="Made by hand: what a new follower is told.")
    default_reply: dict[str, Any] = Field(default={}, description="Made by hand: what anything else is answered with.")


class WeiboAccount(Strict):
    """One Weibo user who has authorised one app."""

    uid: str
    name: str
    app_key: str
    app_secret: str
    access_token: str
    expires_in: int = Field(default=157_679_999, description="Seconds the token lives from the start.")
    redirect_uri: str = "https://media.example.gov.cn/weibo/authorised"
    safe_domains: list[str] = []
    granted: list[str] = Field(default=[], description="Advanced interfaces the app may call, else 10014.")
    requests_per_day: int = 100
    posts_per_hour: int = 30
    fan_service_url: str = ""


class JPushDevice(Strict):
    """A phone with the office's app."""

    registration_id: str
    platform: Literal["android", "ios", "hmos", "quickapp"] = "android"
    alias: str = ""
    tags: list[str] = []
    name: str = ""
    production: bool = Field(default=True, description="An iPhone with the released app, not a developer's.")
    vendor: bool = Field(default=False, description="An Android phone that its maker's service wakes for the app.")


class JPushApp(Strict):
    """One JPush app with its phones; the quotas are calls a minute of the free plan."""

    app_key: str
    master_secret: str
    name: str = ""
    devices: list[JPushDevice] = []
    push_per_minute: int = 600
    report_per_minute: int = 2400
    device_per_minute: int = 600
    ios_bytes: int = 2000


class WeChatRules(Strict):
    """Limits and readings of WeChat's rules; where sources disagree the default is the harsher one.

    Sizes in KB and MB are decimal, the harsher reading. A unit is a half-width character; a Chinese one is two.
    """

    title_units: int = 64
    author_units: int = 16
    digest_units: int = 240
    content_characters: int = 20_000
    content_bytes: int = 1_000_000
    source_url_bytes: int = 1024
    articles_per_draft: int = 8
    missing_title_code: int = 45003
    links: Literal["strip", "refuse"] = "strip"
    uploadimg_bytes: int = 1_000_000
    image_bytes: int = 10_000_000
    voice_bytes: int = 2_000_000
    video_bytes: int = 10_000_000
    thumb_bytes: int = 64_000
    library_images: int = 100_000
    library_others: int = 1000
    picture_size_code: int = 40009
    second_submit: Literal["publish_again", "refuse"] = "publish_again"
    second_delete_is_error: bool = True
    retry_too_fast_first: bool = True
    mass_calls_per_day: int = 100
    mass_calls_per_minute: int = 60
    refused_mass_send_costs_quota: bool = True
    tokens_per_day: int = 2000
    forced_refreshes_per_day: int = 20
    stable_per_minute: int = 10_000
    stable_per_day: int = 500_000
    previews_per_day: int = 100
    calls_per_day: int = 100_000
    calls_per_day_by_path: dict[str, int] = {}
    datacube_days: dict[str, int] = Field(
        default={"getusersummary": 7, "getusercumulate": 7, "getupstreammsg": 7},
        description="Longest span of a statistics call; one day where it is not named.",
    )
    datacube_ignores_below: int = Field(default=0, description="Articles with no more acts than this are left out.")
    people_of_a_deletable_tag: int = 100_000
    custom_text_bytes: int = 2048
    custom_news_articles: int = 1
    publish_seconds: float = 1.0
    mass_seconds: float = 1.0
    reply_seconds: float = 5.0
    pushes: int = 3
    http_error_is_no_answer: bool = True
    doubled_events: bool = Field(default=False, description="Every finish event is pushed twice.")
    silent_events: bool = Field(default=False, description="No finish event is pushed, only the poll tells.")


class WeiboRules(Strict):
    """Limits and readings of Weibo's rules."""

    characters: int = 140
    picture_bytes: int = 5_000_000
    duplicate_seconds: int = 600
    topic_code: int = 10017
    http_status: dict[str, int] = {}
    reply_seconds: float = 5.0
    pushes: int = 3


class WebPushRules(Strict):
    """Readings of what browsers' push services do."""

    vapid_required: bool = True
    bad_sender_status: Literal[401, 403] = 401


class CmsSite(Strict):
    """One site on a consolidated platform (集约化平台); `token` is its key, as a header or for signatures."""

    site: str
    token: str
    name: str = ""


class AuthorityItem(Strict):
    """Something a higher authority published so many hours before the rehearsal started."""

    title: str
    hours_ago: float
    text: str


class Authority(Strict):
    """A higher authority with a news feed, at /authority/rss.xml."""

    name: str = "上级政府网站"
    items: list[AuthorityItem] = []


class SftpSite(Strict):
    """One site's own folder on the SFTP server, entered with a password or a key (`public_key` as base64)."""

    user: str
    password: str = ""
    public_key: str = ""
    name: str = ""
    read_only: bool = False


class RehearsalConfig(Strict):
    """Everything a rehearsal starts from."""

    public_url: str = Field(default="", description="The address others know it by; empty takes the caller's.")
    wechat: list[WeChatAccount] = []
    weibo: list[WeiboAccount] = []
    jpush: list[JPushApp] = []
    cms: list[CmsSite] = []
    sftp_host: str = Field(default="127.0.0.1", description="Where the SFTP server listens, once a site is opened.")
    sftp_port: int = Field(default=0, description="Its port; 0 takes any that is free.")
    wechat_rules: WeChatRules = WeChatRules()
    weibo_rules: WeiboRules = WeiboRules()
    webpush_rules: WebPushRules = WebPushRules()
    authority: Authority = Authority()
    sms_token: str = Field(default="", description="What the SMS gateway wants to be shown; empty takes everybody.")
    sms_names: dict[str, str] = Field(default={}, description="Whose phone a number is, for the page.")
    hotline_secret: str = Field(default="", description="With which the 12345 system checks what it is sent.")
    data: Path | None = Field(default=None, description="Folder of the ledger; none keeps it in memory.")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a JSON file; a ValidationError names the wrong key."""
        return cls.model_validate(json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def demo(cls) -> Self:
        """An invented city's accounts with fixed credentials, for a demonstration and for tests."""
        return cls(
            wechat=[_demo_subscription(), _demo_service()],
            weibo=[_demo_weibo()],
            jpush=[_demo_jpush()],
        )


def _demo_subscription() -> WeChatAccount:
    return WeChatAccount(
        appid="wx1000000000000001",
        secret="rehearsal-secret-of-the-subscription-account",  # noqa: S106 - invented, of the stand-in only
        name="云河发布",
        original_id="gh_yunhe_release",
        type="subscription",
        followers=_people("oSub"),
    )


def _demo_service() -> WeChatAccount:
    return WeChatAccount(
        appid="wx1000000000000002",
        secret="rehearsal-secret-of-the-service-account",  # noqa: S106 - invented, of the stand-in only
        name="云河政务服务",
        original_id="gh_yunhe_service",
        type="service",
        followers=_people("oSrv"),
        templates=[
            Template(template_id="rehearsal-progress", title="办件进度通知", fields=["thing1", "phrase2", "time3"]),
            Template(template_id="rehearsal-answer", title="答复通知", fields=["thing1", "time2"], kind="subscribe"),
            Template(
                template_id="rehearsal-alert", title="停水停电提醒", fields=["thing1"], kind="subscribe", lasting=True
            ),
        ],
    )


def _people(prefix: str) -> list[Follower]:
    names = ["王女士", "李先生", "赵同学"]
    return [Follower(openid=f"{prefix}_rehearsal_citizen_{n:05d}", name=name) for n, name in enumerate(names, 1)]


def _demo_weibo() -> WeiboAccount:
    return WeiboAccount(
        uid="7000000001",
        name="云河发布",
        app_key="3000000001",
        app_secret="rehearsal-secret-of-the-weibo-app",  # noqa: S106 - invented, of the stand-in only
        access_token="2.00rehearsalWeiboToken",  # noqa: S106 - invented, of the stand-in only
        safe_domains=["127.0.0.1", "localhost", "yunhe.example.gov.cn"],
        granted=["statuses/user_timeline", "statuses/destroy", "comments/reply"],
    )


def _demo_jpush() -> JPushApp:
    return JPushApp(
        app_key="rehearsal000000000000app",
        master_secret="rehearsal000000000master",  # noqa: S106 - invented, of the stand-in only
        name="云河通",
        devices=[
            JPushDevice(
                registration_id="r-android-1",
                alias="citizen-1",
                tags=["yunhe", "weather"],
                name="王女士的手机",
            ),
            JPushDevice(
                registration_id="r-ios-1", platform="ios", alias="citizen-2", tags=["yunhe"], name="李先生的手机"
            ),
        ],
    )
