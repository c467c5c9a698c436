"""The adapter for a site platform that takes files: a page, what stands beside it and an index, each whole or absent.

The file that the platform acts on gets its name last. Whether that arrived, when the answer was lost, the server tells:
all files must stand there in the length they were sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from channels.abilities.own_domains import DOMAINS, OnOwnDomains
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters import field_maps
from channels.adapters.site_sftp import parcel
from channels.adapters.site_sftp.parcel import Names, Parcel
from channels.adapters.site_sftp.session import FINGERPRINT, Door, Session, session
from channels.base import (
    CannotTell,
    Channel,
    Limits,
    Live,
    NotThere,
    Placed,
    Post,
    Problem,
    Result,
    Setting,
    Settlement,
    Shown,
    Uncorrectable,
    check_lengths,
)
from channels.errors import ChannelError, Refused, Retryable, Unauthorised

PORT = 22
_SETTINGS = (
    Setting("server", "服务器", required=True, help="如 sftp.example.gov.cn；端口不是 22 的在后面加“:端口”。"),
    Setting(
        "host_key",
        "主机密钥指纹",
        "lines",
        required=True,
        help="向平台管理员索取并当面核对，形如 SHA256:…，每行一个；与服务器不符时拒绝发送，系统从不自动接受。",
    ),
    Setting("user", "用户名", required=True),
    Setting("folder", "目录", required=True, help="对方给本单位的目录，如 /upload/news。"),
    Setting(
        "file_name",
        "文件名样式",
        help="不填为 {date}/{piece}；可用 {piece}、{column}、{date}（首发日期）。",
        pattern=r"(?:[^{}]|\{(?:piece|column|date)\})*",
    ),
    Setting("index", "索引文件", "choice", choices=(("xml", "XML"), ("json", "JSON"), ("none", "不要"))),
    Setting(
        "fields",
        "字段对照",
        "lines",
        help="索引文件里的字段，每行一项：对方字段=本系统字段。本系统字段："
        + "；".join(f"{name} {label}" for name, label in parcel.OURS.items()),
    ),
    Setting("constants", "固定值", "lines", help="每行一项：对方字段=固定内容，如 siteId=44。"),
    Setting("columns", "栏目对照", "lines", help="每行一项：本系统栏目标识=对方栏目编号，如 notices=1203。"),
    Setting(
        "page_url",
        "网址样式",
        help="如 https://www.example.gov.cn/art/{date}/{piece}.html，可用的与文件名样式相同；不填则由人回填网址。",
        pattern=r"(?:[^{}]|\{(?:piece|column|date)\})*",
    ),
    DOMAINS,
    Setting("corrections", "更正方式", "choice", choices=(("overwrite", "覆盖原文件"), ("version", "另存新版（_v2）"))),
    Setting("withdrawals", "撤稿方式", "choice", choices=(("delete", "删除文件"), ("file", "写撤稿文件"))),
    Setting("picked_up", "对方取走后会移走文件", "flag"),
    Setting("password", "密码", secret=True, help="与私钥任填一项。"),
    Setting("private_key", "私钥", secret=True, help="PEM 或 OpenSSH 格式的全部内容。"),
    Setting("passphrase", "私钥口令", secret=True),
)  # fmt: skip


class SiteSftpChannel(Channel, Rehearsing, OnOwnDomains):
    """Credentials: `private_key` (with `passphrase`) or `password`."""

    name: ClassVar[str] = "site_sftp"
    label: ClassVar[str] = "集约化平台（SFTP）"
    limits: ClassVar[Limits] = Limits(
        style="article",
        can=frozenset({"correct", "withdraw", "refresh"}),
        by_column=True,
        notes=(
            "稿件连同图片、附件和索引文件以 SFTP 送到本单位网站所在的平台，由平台入库；先用临时文件名，传完再改名。",
        ),
    )
    settings: ClassVar[tuple[Setting, ...]] = _SETTINGS

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """Lengths, the account's own settings and maps, and whether the platform has a column for the piece."""
        told = [
            parcel.fault_of(str(settings.get("file_name") or parcel.DEFAULT_NAME)),
            *(
                f"主机密钥指纹“{line}”应形如 SHA256:…（43 个字符）。"
                for line in settings.get("host_key") or ()
                if not FINGERPRINT.fullmatch(str(line).strip())
            ),
        ]
        problems = [Problem("account", fault) for fault in told if fault]
        return [
            *check_lengths(cls.limits, post), *problems, *field_maps.account_problems(settings, post, parcel.OURS)
        ]  # fmt: skip

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """A folder on the rehearsal's own SFTP server, which tells its port and its key when it is opened."""
        user, password = f"site-{seed.digits('sftp site', 8)}", seed.hexes("sftp password", 32)
        mine = ("columns", "fields", "constants", "file_name", "index", "corrections", "withdrawals")
        settings = {name: seed.settings[name] for name in mine if name in seed.settings}
        opening = {"user": user, "password": password, "name": seed.name}
        return StandIn("sftp", [opening], "sftp", {**settings, "user": user, "folder": "/"}, {"password": password})

    def publish(self, post: Post) -> Result:
        """Sends what is new; the platform makes a page of it by itself."""
        where, at = self._names(post), self._at(post)
        with self._session() as server:
            return self._send(server, post, where, at)

    def reconcile(self, post: Post) -> Settlement:
        """Looks for what was sent; correcting and taking back are done again."""
        if post.action != "publish":
            again = self.withdraw(post) if post.action == "withdraw" else self.correct(post)
            return CannotTell(again.reason) if isinstance(again, Uncorrectable) else again
        where, at = self._names(post), self._at(post)
        packed = self._packed(post, where, at)
        with self._session() as server:
            there = all(server.size(path) == len(data) for path, data in packed.files.items())
        if there:
            return self._live(post, where, packed)
        if self.account.settings.get("picked_up"):
            return CannotTell("文件不在目录里：可能没有送到，也可能已被对方取走，请到平台后台查看")
        return NotThere()

    def correct(self, post: Post) -> Live | Uncorrectable:
        """Sends the new words in the place of the old, or beside them as a further version."""
        placed = post.placed.get(post.items[0].piece_id)
        if placed is None or not placed.data.get("stem"):
            return Uncorrectable("没有这篇稿件当初的文件名，请到平台后台更正，再回填结果", by_hand=True)
        before = Names(str(placed.data["stem"]), int(placed.data.get("version") or 1))
        anew = self._said("corrections", "overwrite") == "version" and post.action == "correct"
        where = parcel.next_version(before) if anew else before
        with self._session() as server:
            live = self._send(server, post, where, self._at(post), placed)
            if not anew:
                sent = live.shown[post.items[0].piece_id].data["files"]
                for path in placed.data.get("files") or ():
                    if path not in sent:
                        server.remove(path)
        return live

    def withdraw(self, post: Post) -> Live | Uncorrectable:
        """Takes the files away, or writes beside them that the piece is withdrawn."""
        placed = post.placed.get(post.items[0].piece_id)
        if placed is None or not placed.data.get("stem"):
            return Uncorrectable("没有这篇稿件当初的文件名，请到平台后台撤稿，再回填结果", by_hand=True)
        with self._session() as server:
            if self._said("withdrawals", "delete") == "file":
                ending = parcel.index_ending(self.account.settings) or ".xml"
                told = parcel.index(
                    post, self._at(post), self.account.settings, "", self._site, {"file": _base(placed.remote_id)}
                )
                server.put(f"{placed.data['stem']}.withdrawn{ending}", told, seen=True)
                return Live()
            gone = [server.remove(path) for path in reversed(placed.data.get("files") or [placed.remote_id])]
        if not any(gone):
            return Uncorrectable(
                "服务器上已没有这些文件（多半已被对方取走），请到平台后台撤稿，再回填结果", by_hand=True
            )
        return Live(remark="已从服务器删除文件；请确认对方网站上的页面也已撤下。")

    def health(self) -> str:
        """Opens a session, and sends nothing."""
        try:
            with self._session():
                return ""
        except Unauthorised:
            raise
        except ChannelError as error:
            return error.reason

    def _send(self, server: Session, post: Post, where: Names, at: datetime, placed: Placed | None = None) -> Live:
        packed = self._packed(post, where, at)
        *before, last = packed.files
        for path in before:
            server.put(path, packed.files[path])
        server.put(last, packed.files[last], seen=True)
        return self._live(post, where, packed, placed)

    def _live(self, post: Post, where: Names, packed: Parcel, placed: Placed | None = None) -> Live:
        item = post.items[0]
        url = parcel.filled(self._said("page_url", ""), post, self._at(post), quote)
        files = list(packed.files)
        if placed and where.version > 1:  # The earlier versions stay, and are taken away with this one.
            files = [*(one for one in placed.data.get("files") or () if one not in files), *files]
        data = {"stem": where.stem, "version": where.version, "files": files}
        return Live({item.piece_id: Shown(packed.page, (placed.url if placed else "") or url, data)})

    def _packed(self, post: Post, where: Names, at: datetime) -> Parcel:
        try:
            return parcel.pack(post, where, at, self.account.settings, self.tools.files.get, self._site)
        except FileNotFoundError as lost:
            raise Retryable("图片或附件暂时读不到") from lost

    def _names(self, post: Post) -> Names:
        pattern = self._said("file_name", parcel.DEFAULT_NAME)
        if fault := parcel.fault_of(pattern):
            raise Refused(fault, field="settings.file_name")
        return parcel.names(self._said("folder", "/"), pattern, post, self._at(post))

    def _at(self, post: Post) -> datetime:
        """The moment the piece is dated by: the same in every attempt."""
        return post.items[0].first_published_at or post.first_attempt_at or self.tools.clock.now()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        host, _, port = self._said("server", "").partition(":")
        if not host or (port and not port.isdecimal()):
            raise Refused("账号没有填写 SFTP 服务器，或端口不是数字，请在“账号矩阵”补全", field="settings.server")
        known = [str(line).strip() for line in self.account.settings.get("host_key") or ()]
        door = Door(host, int(port or PORT), self._said("user", ""), known, self.account.credentials)
        with session(self.tools.dial, door) as server:
            yield server

    @property
    def _site(self) -> str:
        return self.tools.public_url.rstrip("/")

    def _said(self, name: str, otherwise: str) -> str:
        return str(self.account.settings.get(name) or otherwise)


def _base(path: str) -> str:
    return path.rpartition("/")[2]
