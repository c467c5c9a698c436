"""The two sides of each channel under test: our adapter, and the platform that it talks to."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar

from channels.abilities.rehearsing import Seed
from channels.adapters.fake import PLATFORMS, FakeChannel
from channels.adapters.jpush import JPushChannel
from channels.adapters.manual import ManualChannel
from channels.adapters.portal import PortalChannel
from channels.adapters.site_manual import SiteManualChannel
from channels.adapters.site_push import SitePushChannel
from channels.adapters.site_sftp import SiteSftpChannel
from channels.adapters.web_push import WebPushChannel, new_key
from channels.adapters.wechat import WeChatChannel
from channels.adapters.weibo import WeiboChannel
from channels.base import Channel, Entry, Item, Post, Pushed
from tests.channels.door import LateWebhookSide, WebhookSide
from tests.channels.harness import (
    MemorySubscriptions,
    make_account,
)
from tests.channels.rehearsal.served import APPID, SECRET, CallbackAddress
from tests.channels.side import Side

UID = "7000000001"
TOKEN = "rehearsal-callback-token"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class FakeSide(Side):
    """The platform in memory."""

    channel_name = "fake"
    name = "fake"
    can = frozenset({"shows", "lost", "asks", "throttle", "poll", "withdraw", "correct", "refuse"})

    def make(self) -> Channel:
        PLATFORMS.pop(1, None)
        return FakeChannel(make_account("fake"), self.tools)

    def arrived(self) -> int:
        return len(PLATFORMS[1].arrived)

    def gone(self) -> int:
        return len(PLATFORMS[1].withdrawn)

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        words = {"cut_after": "lost", "throttle": "throttled", "accepted": "accepted", "refused": "refused"}
        PLATFORMS[1].script.append(words[kind])


class WeChatSide(Side):
    """A subscription account."""

    channel_name = "wechat"
    seen: ClassVar[str]
    path: ClassVar[str]
    early_path: ClassVar[str] = "cgi-bin/draft/add"
    can = frozenset(
        {"shows", "lost", "asks", "http", "throttle", "token", "poll", "withdraw", "correct", "early", "refuse"}
        | {"credential", "picture", "callback"}
    )

    def make(self) -> Channel:
        credentials = {"appid": APPID, "secret": SECRET, "token": TOKEN, "aes_key": AES_KEY}
        account = make_account(
            "wechat", f"{self.rehearsal.url}/wechat", settings=self.settings, credentials=credentials
        )
        return WeChatChannel(account, self.tools)

    def arrived(self) -> int:
        return len(self.rehearsal.ledger(self.seen))

    def gone(self) -> int:
        lines = self.rehearsal.ledger("publish_deleted") + self.rehearsal.ledger("mass_deleted")
        return sum(len(line["data"]["titles"]) for line in lines)

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        path = more.pop("path", self.early_path if early else self.path)
        if kind == "picture":
            kind, path, more = "errcode", "cgi-bin/media/uploadimg", {"code": 40009}
        elif kind == "credential":
            # Both ways of getting a token, whichever the account uses.
            kind, path, more = "errcode", "cgi-bin/*token", {"code": 40125}
        self.rehearsal.control("faults", kind=kind, platform="wechat", path=path, **more)

    def words(self) -> str:
        return str(self.rehearsal.ledger(self.seen)[0]["data"]["articles"][0]["content"])

    @contextmanager
    def pushes(self) -> Iterator[list[Pushed]]:
        address, kept = CallbackAddress(), []

        def answer(received: Any) -> bytes:
            if received.method == "GET":
                return str(received.query["echostr"]).encode()
            kept.append(Pushed("POST", received.query, received.body))
            return b"success"

        address.answer = answer
        callback = {"url": address.url, "token": TOKEN, "aes_key": AES_KEY, "mode": "secure"}
        self.rehearsal.control(f"wechat/{APPID}/callback", **callback)
        yield kept
        self.rehearsal.http.delete(f"/control/wechat/{APPID}/callback")
        address.close()

    def pushed(self, kept: list[Pushed]) -> None:
        self.wait(5)
        self.rehearsal.wait_for("event")

    def drafts(self) -> int:
        """How many drafts lie in the box."""
        return int(self.rehearsal.wechat()("draft/batchget", offset=0, count=20)["total_count"])


class WeChatMassSide(WeChatSide):
    """群发."""

    name = "wechat-mass"
    action = "mass_send"
    seen = "mass_send"
    can = WeChatSide.can | {"key"}
    path = "cgi-bin/message/mass/sendall"


class WeChatPublishSide(WeChatSide):
    """只发布."""

    name = "wechat-publish"
    action = "publish"
    seen = "publish"
    path = "cgi-bin/freepublish/submit"


class WeiboSide(Side):
    """An account whose app may read its own timeline."""

    channel_name = "weibo"
    name = "weibo"
    seen: ClassVar[str] = "post"
    can = frozenset(
        {"shows", "lost", "asks", "http", "throttle", "withdraw", "correct", "refuse", "duplicate"}
        | {"credential", "picture", "key"}
    )

    def make(self) -> Channel:
        settings = {"uid": UID, "rip": "203.0.113.7", "safe_domains": ["localhost"], **self.settings}
        credentials = {
            "access_token": "2.00rehearsalWeiboToken",
            "app_key": "3000000001",
            "app_secret": "rehearsal-secret-of-the-weibo-app",
        }
        account = make_account("weibo", f"{self.rehearsal.url}/weibo", settings=settings, credentials=credentials)
        return WeiboChannel(account, self.tools)

    def arrived(self) -> int:
        return len(self.rehearsal.ledger("post"))

    def gone(self) -> int:
        return len(self.rehearsal.ledger("post_deleted"))

    def words(self) -> str:
        return str(self.rehearsal.ledger("post")[0]["data"]["text"])

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        codes = {"errcode": 20021, "picture": 20006, "credential": 21315}
        code = {"code": codes[kind]} if kind in codes else {}
        kind = "errcode" if kind in codes else kind
        path = more.pop("path", "2/statuses/share.json")
        self.rehearsal.control("faults", kind=kind, platform="weibo", path=path, **{**more, **code})


class BlindWeiboSide(WeiboSide):
    """An account whose app may read nothing: the platform's own refusal of repeats must do."""

    name = "weibo-blind"
    can = frozenset(
        {"shows", "lost", "asks", "http", "throttle", "correct", "refuse", "duplicate"}
        | {"credential", "picture", "key"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        account = self.rehearsal.app.world.config.weibo[0].model_copy(update={"granted": []})
        self.rehearsal.control("accounts/weibo", **account.model_dump())


class SitePushSide(Side):
    """A site on a platform that can be asked about what it was sent; JSON, and the key in a header."""

    channel_name = "site_push"
    name = "site-push"
    can = frozenset({"shows", "lost", "asks", "http", "throttle", "withdraw", "correct", "refuse", "credential", "key"})

    def make(self) -> Channel:
        stand_in = SitePushChannel.stand_in(Seed("演练网站", {}, "localhost", "seed"))
        for opening in stand_in.openings:
            self.rehearsal.control("accounts/cms", **opening)
        account = make_account(
            "site_push",
            f"{self.rehearsal.url}{stand_in.path}",
            settings={**stand_in.settings, **self.settings},
            credentials=dict(stand_in.credentials),
        )
        return SitePushChannel(account, self.tools)

    def arrived(self) -> int:
        return len(self.rehearsal.ledger("article"))

    def gone(self) -> int:
        return len(self.rehearsal.ledger("taken_back"))

    def words(self) -> str:
        return str(self.rehearsal.ledger("article")[0]["data"]["fields"]["content"])

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        code = {"errcode": {"code": 1001}, "credential": {"code": 401}}.get(kind, {})
        kind = "errcode" if kind == "credential" else kind
        path = more.pop("path", "*/articles*")
        self.rehearsal.control("faults", kind=kind, platform="cms", path=path, **{**more, **code})


class SignedSitePushSide(SitePushSide):
    """The same with a form and a signature."""

    name = "site-push-signed"

    def __post_init__(self) -> None:
        self.settings = {**self.settings, "format": "form", "auth": "hmac"}
        super().__post_init__()


class SiteSftpSide(Side):
    """A site that takes files: the index comes last, and what lies in the folder can be looked at."""

    channel_name = "site_sftp"
    name = "site-sftp"
    can = frozenset({"shows", "lost", "asks", "withdraw", "correct", "refuse", "credential", "key"})

    def make(self) -> Channel:
        stand_in = SiteSftpChannel.stand_in(Seed("演练网站", {}, "localhost", "seed"))
        (opened,) = (self.rehearsal.control("accounts/sftp", **opening) for opening in stand_in.openings)
        self.user = str(opened["user"])
        settings = {**stand_in.settings, **opened["settings"], **self.settings}
        account = make_account("site_sftp", settings=settings, credentials=dict(stand_in.credentials))
        return SiteSftpChannel(account, self.tools)

    def lying(self) -> list[str]:
        """What lies in the folder under names of its own."""
        (site,) = (
            one for one in self.rehearsal.http.get("/control/accounts").json()["sftp"] if one["user"] == self.user
        )
        return list(site["files"])

    def text(self, path: str) -> str:
        """A file as it lies there."""
        state = self.rehearsal.app.world.state.sftp.inboxes[self.user]
        content = self.rehearsal.app.world.blobs.get(state.files[path].blob)
        assert content is not None
        return content.decode()

    def arrived(self) -> int:
        # A second file of the same name is the same article to the platform, and both stand in its ledger.
        paths = {line["data"]["path"] for line in self.rehearsal.ledger("file")}
        return len([path for path in paths if path.endswith(".xml")])

    def gone(self) -> int:
        return len([line for line in self.rehearsal.ledger("file_gone") if line["data"]["path"].endswith(".xml")])

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        # The picture, the page and the index are renamed in this order; the index is what the platform acts on.
        code = {"errcode": {"code": 3}, "credential": {"code": 1}}.get(kind, {})
        path, skip = ("auth", 0) if kind == "credential" else ("rename", 2)
        kind = "errcode" if kind == "credential" else kind
        more.pop("path", None)
        self.rehearsal.control("faults", kind=kind, platform="sftp", path=path, skip=skip, **{**more, **code})


class JPushSide(Side):
    """An app with two phones."""

    channel_name = "jpush"
    name = "jpush"
    action = "push"
    # Without `key` and `asks`: the key is the platform's own, fetched first and kept in the delivery's note, and a lost
    # push is repeated under it within the same act, so that there is nothing to ask.
    can = frozenset({"shows", "lost", "http", "throttle", "early", "correct", "refuse", "credential", "withdraw"})

    def make(self) -> Channel:
        credentials = {"app_key": "rehearsal000000000000app", "master_secret": "rehearsal000000000master"}
        account = make_account("jpush", f"{self.rehearsal.url}/jpush", settings=self.settings, credentials=credentials)
        return JPushChannel(account, self.tools)

    def arrived(self) -> int:
        return len(self.rehearsal.ledger("push"))

    def gone(self) -> int:
        return len(self.rehearsal.ledger("push_revoked"))

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        path = more.pop("path", "v3/push/validate" if early else "v3/push")
        codes = {"errcode": 1003, "credential": 1004}
        code = {"code": codes[kind]} if kind in codes else {}
        kind = "errcode" if kind in codes else kind
        self.rehearsal.control("faults", kind=kind, platform="jpush", path=path, **{**more, **code})


class WebPushSide(Side):
    """Three browsers."""

    channel_name = "web_push"
    name = "web-push"
    action = "push"
    can = frozenset({"shows", "throttle", "correct", "credential", "once", "withdraw", "key"})

    def __post_init__(self) -> None:
        self.private, self.public = new_key()
        super().__post_init__()
        self.subscriptions = MemorySubscriptions(self.clock)
        self.tools = replace(self.tools, subscriptions=self.subscriptions)
        self.connect()
        self.browsers = [self.subscribe() for _ in range(3)]

    def make(self) -> Channel:
        settings = {"subject": "mailto:office@yunzhou.example", **self.settings}
        credentials = {"vapid_private_key": self.private}
        return WebPushChannel(make_account("web_push", settings=settings, credentials=credentials), self.tools)

    def subscribe(self) -> str:
        """One more browser; its number at the platform."""
        made = self.rehearsal.control("accounts/webpush", application_server_key=self.public)
        self.subscriptions.add(made["endpoint"], made["keys"]["p256dh"], made["keys"]["auth"])
        return str(made["id"])

    def arrived(self) -> int:
        """How often the browser that got it most often got it."""
        lines = self.rehearsal.ledger("notification")
        return max(Counter((line["account"], line["data"]["text"]) for line in lines).values(), default=0)

    def gone(self) -> int:
        lines = [line["data"]["json"]["title"] for line in self.rehearsal.ledger("notification")]
        return lines.count("一条通知已撤回")

    def break_next(self, kind: str, *, early: bool = False, **more: Any) -> None:
        if kind == "credential":
            kind, more = "errcode", {"code": 403, "count": len(self.browsers)}
        self.rehearsal.control("faults", kind=kind, platform="webpush", path="*", **{"count": 1, **more})


class PortalSide(Side):
    """A folder of pages, drawn by a template that says only its name."""

    name = "portal"
    channel_name = "portal"
    can = frozenset({"shows", "withdraw", "correct", "key"})

    def make(self) -> Channel:
        self.folder = Path(mkdtemp())

        def render(name: str, /, **context: Any) -> str:
            return f"{name} {context.get('item', '')}"

        self.tools = replace(
            self.tools, render=render, catalogue=OneColumn(), site_folder=self.folder, public_url="https://a.example"
        )
        return PortalChannel(make_account("portal"), self.tools)

    def post(self, **changes: Any) -> Post:
        made = super().post(**changes)
        column = {"slug": "notices", "name": "通知公告", "kind": "notice"}
        content = {"path": "/notices/1.html", "kind": "notice", "unit": "住建局", "column": column, "attachments": []}
        items = [replace(item, content={**item.content, **content}) for item in made.items]
        return replace(made, items=items)

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.folder)

    def arrived(self) -> int:
        page = self.folder / "notices/1.html"
        return int(page.exists() and page.read_text().startswith("outbound/portal/notice.html"))

    def gone(self) -> int:
        return int((self.folder / "notices/1.html.gone").exists())


class OneColumn:
    """A catalogue with one column and one piece."""

    def reserve(self, item: Item) -> int:
        return 1

    def reserve_all(self, items: Sequence[Item]) -> list[int]:
        return [1 for _item in items]

    def about(self, piece_ids: Sequence[int]) -> OneColumn:
        return self

    def column(self, slug: str) -> dict[str, Any]:
        about = {"slug": slug, "name": "通知公告", "kind": "notice", "label": "通知公告", "places": 1}
        return {**about, "description": "", "keywords": ""}

    def columns(self) -> list[dict[str, Any]]:
        return [self.column("notices")]

    def linked(self, piece_id: int) -> list[int]:
        return []

    def shown(self, piece_id: int, account_id: int) -> None:
        return None

    def changes(self, item: Item, account_id: int) -> list[str]:
        return []

    def formers(self, piece_id: int) -> list[Any]:
        return []

    def elements(self, slug: str) -> list[tuple[str, str]]:
        return []

    def element_values(self, piece_ids: Sequence[int]) -> dict[int, dict[str, str]]:
        return {}

    def shelves(self, slug: str) -> list[Any]:
        return []

    def shelves_of(self, piece_id: int) -> list[Any]:
        return []

    def page(self, slug: str, first: int, last: int) -> list[Entry]:
        return [Entry(1, "题", "/notices/1.html", "", datetime.now(UTC), place=1)] if first <= 1 <= last else []

    def view(self, item: Item, published_at: datetime, **more: Any) -> Any:
        return item.title


class ManualSide(Side):
    """A platform without an interface."""

    channel_name = "manual"
    name = "manual"
    can = frozenset({"by_hand"})

    def make(self) -> Channel:
        return ManualChannel(make_account("manual", settings={"platform": "今日头条"}), self.tools)

    def arrived(self) -> int:
        return 0

    def gone(self) -> int:
        return 0


class SiteManualSide(ManualSide):
    """The office's site on a platform without an interface."""

    channel_name = "site_manual"
    name = "site-manual"

    def make(self) -> Channel:
        return SiteManualChannel(make_account("site_manual", settings={"platform": "今日头条"}), self.tools)


ALL = (
    FakeSide,
    WeChatMassSide,
    WeChatPublishSide,
    WeiboSide,
    BlindWeiboSide,
    SitePushSide,
    SignedSitePushSide,
    SiteSftpSide,
    JPushSide,
    WebPushSide,
    PortalSide,
    ManualSide,
    SiteManualSide,
    WebhookSide,
    LateWebhookSide,
)
SIDES: dict[str, type[Side]] = {side.name: side for side in ALL}


def sides_that(*can: str) -> list[str]:
    """The sides to which these parts of the contract apply."""
    return [name for name, side in SIDES.items() if set(can) <= side.can]
