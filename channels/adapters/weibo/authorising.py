"""OAuth 2 at Weibo (open.weibo.com/wiki/OAuth2/access_token): a token that ends and that no other token renews."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from channels.abilities.authorising import Authorises, Granted
from channels.adapters.calling import harmless
from channels.adapters.weibo.client import WeiboClient
from channels.adapters.weibo.codes import Answered, error_of
from channels.base import AccountInfo, Tools


class WeiboAuthorising(Authorises):
    """The account's person says yes to the office's own app; the app's key and secret are entered beforehand."""

    account: AccountInfo
    tools: Tools
    client: WeiboClient

    def missing_for_authorising(self) -> str:
        """The app's key and secret."""
        have = all(self.account.credentials.get(name) for name in ("app_key", "app_secret"))
        return "" if have else "请先由账号管理人填写 App Key 和 App Secret。"

    def authorise_url(self, redirect: str, state: str) -> str:
        """oauth2/authorize."""
        return self.client.authorise_url(self.account.credentials["app_key"], redirect, state)

    def exchange(self, redirect: str, code: str) -> Granted:
        """oauth2/access_token; not counted among the day's calls, which belong to a user."""
        now, app = self.tools.clock.now(), self.account.credentials
        try:
            with harmless():
                token, seconds, uid = self.client.exchange(app["app_key"], app["app_secret"], redirect, code)
        except Answered as answer:
            raise error_of(answer, now, now + timedelta(hours=1)) from answer
        return Granted({"access_token": token}, uid, now + timedelta(seconds=seconds))

    def own_handle(self) -> str:
        """The UID."""
        return str(self.account.settings.get("uid") or "")

    def learnt(self, granted: Granted) -> Mapping[str, str]:
        """The UID, by which the account's own posts are known."""
        return {"uid": granted.handle} if granted.handle and not self.own_handle() else {}
