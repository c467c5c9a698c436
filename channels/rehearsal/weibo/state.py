"""What the stand-in for Weibo remembers of each user who authorised an app."""

from __future__ import annotations

from pydantic import BaseModel

from channels.rehearsal.config import WeiboAccount


class Comment(BaseModel):
    """A comment beneath a post; `ours` when the account wrote it through the interface."""

    id: int
    text: str
    at: float
    name: str
    uid: str = "9000000001"
    ours: bool = False
    reply_to: int = 0


class Post(BaseModel):
    """One status."""

    id: int
    text: str
    at: float
    rip: str
    picture: str = ""
    deleted: bool = False
    reposts: int = 0
    attitudes: int = 0
    comments: list[Comment] = []


class UserState(BaseModel):
    """One Weibo user; `codes` are authorisation codes with the address they were given for."""

    account: WeiboAccount
    token: str
    expires: float
    revoked: bool = False
    codes: dict[str, str] = {}
    posts: dict[int, Post] = {}
    counters: dict[str, int] = {}
    recent: list[float] = []
    windows: dict[str, float] = {}
    mentions: list[str] = []
    numbers: int = 0

    def number(self) -> int:
        """A number in the look of a status id."""
        self.numbers += 1
        return 5_100_000_000_000_000 + int(self.account.uid) % 10_000 * 10_000_000 + self.numbers


class WeiboState(BaseModel):
    """All users by uid."""

    users: dict[str, UserState] = {}

    def open(self, account: WeiboAccount, now: float) -> UserState:
        """Create a user, or give an existing one new settings and a valid token."""
        user = self.users.get(account.uid)
        if user is None:
            user = UserState(account=account, token=account.access_token, expires=now + account.expires_in)
            self.users[account.uid] = user
        if user.account.access_token != account.access_token:
            user.token, user.expires, user.revoked = account.access_token, now + account.expires_in, False
        user.account = account
        return user
