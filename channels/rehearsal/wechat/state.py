"""What the stand-in for WeChat remembers of each account."""

from __future__ import annotations

import secrets
from typing import Any, Literal

from pydantic import BaseModel

from channels.rehearsal.config import WeChatAccount


class Token(BaseModel):
    """An access token; it works until the earlier of `expires` and `dead`."""

    value: str
    kind: Literal["ordinary", "stable"]
    issued: float
    expires: float
    dead: float


class Material(BaseModel):
    """An uploaded file; a permanent one stays, a temporary one ends at `ends`."""

    media_id: str
    kind: str
    key: str
    form: str
    name: str
    created: float
    ends: float = 0.0
    title: str = ""
    introduction: str = ""


class Article(BaseModel):
    """One article as the platform keeps it, its content already filtered; `removed` says what the filter took."""

    article_type: str = "news"
    title: str
    author: str = ""
    digest: str = ""
    content: str
    content_source_url: str = ""
    thumb_media_id: str = ""
    thumb_path: str = ""
    show_cover_pic: int = 0
    need_open_comment: int = 0
    only_fans_can_comment: int = 0
    pic_crop_235_1: str = ""
    pic_crop_1_1: str = ""
    pictures: list[str] = []
    picture_ids: list[str] = []
    removed: list[str] = []


class Draft(BaseModel):
    """A message of one to eight articles in the draft box."""

    media_id: str
    articles: list[Article]
    created: float
    updated: float
    preview: str


class Reading(BaseModel):
    """One thing a reader did with an article page."""

    at: float
    reader: str
    act: Literal["read", "share", "like", "zaikan", "favourite"]
    source: int = 0


class Comment(BaseModel):
    """A reader's comment beneath an article."""

    user_comment_id: int
    openid: str
    content: str
    at: float
    elected: bool = False
    deleted: bool = False
    reply: str = ""
    replied: float = 0.0


class Page(BaseModel):
    """A public article page; `idx` counts from 1 inside its message."""

    page_id: str
    msg_data_id: int
    idx: int
    how: Literal["mass", "publish"]
    url: str
    at: float
    article: Article
    deleted: bool = False
    comments_open: bool = False
    readings: list[Reading] = []
    comments: list[Comment] = []


class Publication(BaseModel):
    """A freepublish task, and the published message once `status` is 0."""

    publish_id: str
    article_id: str
    msg_data_id: int
    media_id: str
    articles: list[Article]
    base: str
    status: int = 1
    fail_idx: list[int] = []
    pages: list[str] = []
    at: float = 0.0


class MassJob(BaseModel):
    """A mass message; `stage` waiting is for the account's administrator."""

    msg_id: int
    msg_data_id: int
    kind: str
    content: dict[str, Any]
    to_all: bool
    recipients: list[str]
    filtered: int = 0
    key: str
    media_id: str = ""
    articles: list[Article] = []
    base: str
    created: float
    stage: Literal["waiting", "sending", "done", "failed", "deleted"]
    ignore_reprint: bool = False
    status: str = ""
    sent: int = 0
    pages: list[str] = []


class Grant(BaseModel):
    """Leave to write to a person: until when, and how many messages are left."""

    until: float
    left: int


class Person(BaseModel):
    """Someone who follows or followed the account."""

    openid: str
    name: str = ""
    following: bool = True
    blocked: bool = False
    since: float = 0.0
    gone: float = 0.0
    remark: str = ""
    tags: list[int] = []
    grants: dict[str, Grant] = {}
    received: dict[str, int] = {}
    allows: dict[str, int] = {}
    keeps: dict[str, str] = {}


class Tag(BaseModel):
    """A label the account gives to people."""

    id: int
    name: str


class AccountState(BaseModel):
    """One official account and everything in it."""

    account: WeChatAccount
    tokens: dict[str, Token] = {}
    current: dict[str, str] = {}
    counters: dict[str, int] = {}
    materials: dict[str, Material] = {}
    temporary: dict[str, Material] = {}
    drafts: dict[str, Draft] = {}
    publications: dict[str, Publication] = {}
    masses: dict[int, MassJob] = {}
    pages: dict[str, Page] = {}
    people: dict[str, Person] = {}
    tags: dict[int, Tag] = {}
    menu: dict[str, Any] = {}
    templates_sent: dict[str, tuple[float, int]] = {}
    follows: list[tuple[float, int]] = []
    upstream: list[tuple[float, str, int]] = []
    forced: list[float] = []
    recent: dict[str, list[float]] = {}
    numbers: int = 0

    def number(self) -> int:
        """A number never given before in this account."""
        self.numbers += 1
        return 2_247_480_000 + self.numbers

    def count(self, name: str, period: str, by: int = 1) -> int:
        """Raise the counter of `name` in `period` (a day or month) and return it."""
        key = f"{name} {period}"
        self.counters[key] = self.counters.get(key, 0) + by
        return self.counters[key]

    def join(self, openid: str, name: str, now: float) -> Person:
        """Let somebody new follow."""
        person = Person(openid=openid, name=name, since=now)
        self.people[openid] = person
        self.follows.append((now, 1))
        return person

    def counted(self, name: str, period: str) -> int:
        """What the counter of `name` in `period` stands at."""
        return self.counters.get(f"{name} {period}", 0)

    def too_often(self, name: str, now: float, per_minute: int) -> bool:
        """Note one more call of `name`; True when the last minute then holds more than `per_minute`."""
        times = [at for at in self.recent.get(name, []) if at > now - 60] + [now]
        self.recent[name] = times[-(per_minute + 1) :]
        return len(times) > per_minute


class WeChatState(BaseModel):
    """All official accounts by appid."""

    accounts: dict[str, AccountState] = {}

    def open(self, account: WeChatAccount, now: float) -> AccountState:
        """Create an account, or give an existing one new settings; followers join, none leaves."""
        state = self.accounts.setdefault(account.appid, AccountState(account=account))
        state.account = account
        for follower in account.followers:
            if follower.openid not in state.people:
                state.join(follower.openid, follower.name, now)
        return state


def media_id() -> str:
    """A fresh media id in WeChat's look, 64 characters."""
    return secrets.token_urlsafe(48)
