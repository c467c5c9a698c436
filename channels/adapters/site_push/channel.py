"""The adapter for a site on another platform: one request per act, in the platform's own field names.

Whether a lost answer arrived is asked at the platform's own address for that, where it has one; else a person looks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx

from channels.abilities.own_domains import DOMAINS, OnOwnDomains
from channels.abilities.portal_bound import PortalBound
from channels.abilities.rehearsing import Rehearsing, Seed, StandIn
from channels.adapters import field_maps as fields
from channels.adapters.calling import acting, broken, harmless
from channels.base import (
    CannotTell,
    Channel,
    Item,
    Limits,
    Live,
    NotThere,
    Post,
    Problem,
    Result,
    Setting,
    Settlement,
    Shown,
    Uncorrectable,
    check_lengths,
)
from channels.errors import ChannelError, OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised

METHODS = (("POST", "POST"), ("PUT", "PUT"), ("DELETE", "DELETE"), ("GET", "GET"))
_MEDIA = re.compile(r"/media/([0-9a-f]{64})\.(jpg|png)")
_DEFAULT_MAP = (
    "sourceId=key",
    "title=title",
    "summary=digest",
    "content=body",
    "channelId=column",
    "publishTime=published_at",
)

_SETTINGS = (
    Setting("publish_path", "发布地址", required=True, help="接在接口地址之后，如 /api/articles。"),
    Setting("format", "报文格式", "choice", choices=(("json", "JSON"), ("form", "表单"))),
    Setting(
        "fields",
        "字段对照",
        "lines",
        help="每行一项：对方字段=本系统字段，如 title=title、data.content=body。本系统字段："
        + "；".join(f"{name} {label}" for name, label in fields.OURS.items()),
    ),
    Setting("constants", "固定值", "lines", help="每行一项：对方字段=固定内容，如 siteId=44。"),
    Setting("columns", "栏目对照", "lines", help="每行一项：本系统栏目标识=对方栏目编号，如 notices=1203。"),
    Setting(
        "pictures",
        "正文图片",
        "choice",
        help="不选时，同时发布到门户网站的稿件用本站地址，其他的随正文发送。",
        choices=(("link", "用本站地址"), ("embed", "随正文发送")),
    ),
    Setting("auth", "认证方式", "choice", choices=(("header", "请求头"), ("hmac", "HMAC-SHA256 签名"), ("none", "无"))),
    Setting("auth_header", "认证或签名请求头", help="不填为 Authorization；签名为 X-Signature。"),
    Setting("auth_prefix", "密钥前缀", help="如“Bearer ”；只用于请求头认证。"),
    Setting("time_header", "时间戳请求头", help="不填为 X-Timestamp；签名的内容是“时间戳.报文”。"),
    Setting("answer_ok", "成功的标志", help="如 code=0，多个值用竖线隔开；不填则以 HTTP 状态为准。"),
    Setting("answer_id", "答复中的编号", help="如 data.id。"),
    Setting("answer_url", "答复中的网址", help="如 data.url。"),
    Setting("answer_message", "答复中的说明", help="如 msg；对方拒绝时显示给经办人。"),
    Setting("page_url", "网址样式", help="答复没有网址时用，如 https://www.example.gov.cn/art/{id}.html。"),
    DOMAINS,
    Setting("query_path", "查询地址", help="结果不明时查询，如 /api/articles?sourceId={key}；没有则由人核实。"),
    Setting("correct_path", "更正地址", help="如 /api/articles/{id}；没有则转人工更正。"),
    Setting("correct_method", "更正方法", "choice", choices=METHODS),
    Setting("withdraw_path", "撤稿地址", help="如 /api/articles/{id}；没有则转人工撤稿。"),
    Setting("withdraw_method", "撤稿方法", "choice", choices=METHODS),
    Setting("secret", "密钥", secret=True),
)


# What platforms say in their own words' code where HTTP says 200.
NOT_FOUND = "404"


LINKED, EMBEDDED = "link", "embed"


class _Refusal(Refused):
    """The platform refuses this content or act ({reason}). Change it, or publish by hand."""

    said_code = ""


class SitePushChannel(Channel, Rehearsing, PortalBound, OnOwnDomains):
    """Credentials: `secret` (a token, or a key for signatures); the account's base URL is the platform's address."""

    name: ClassVar[str] = "site_push"
    label: ClassVar[str] = "集约化平台"
    limits: ClassVar[Limits] = Limits(
        style="article",
        can=frozenset({"correct", "withdraw", "refresh"}),
        by_column=True,
        notes=("稿件按账号的字段对照推送到本单位网站所在的平台；更正、撤稿按平台提供的接口，没有的转人工。",),
    )
    settings: ClassVar[tuple[Setting, ...]] = _SETTINGS

    @classmethod
    def check(cls, settings: Mapping[str, Any], post: Post) -> list[Problem]:
        """Lengths, the account's own maps, and whether the platform has a column for the piece."""
        found = [*check_lengths(cls.limits, post), *fields.account_problems(settings, post)]
        return found if post.action == "withdraw" else found + _pointing_nowhere(settings, post)

    @classmethod
    def bound_by(cls, settings: Mapping[str, Any]) -> str:
        """Pictures by our address."""
        return "pictures" if settings.get("pictures") == LINKED else ""

    @classmethod
    def stand_in(cls, seed: Seed) -> StandIn:
        """A site on the rehearsal's own platform, which keeps what the real one would be sent."""
        site, token = f"site-{seed.digits('cms site', 8)}", seed.hexes("cms token", 32)
        kept = {name: seed.settings[name] for name in ("columns", "pictures") if name in seed.settings}
        settings = {
            **kept, "publish_path": "/articles", "format": "json", "fields": list(_DEFAULT_MAP), "auth": "header",
            "auth_prefix": "Bearer ", "answer_ok": "code=0", "answer_id": "data.id", "answer_url": "data.url",
            "answer_message": "msg", "query_path": "/articles?sourceId={key}", "correct_path": "/articles/{id}",
            "correct_method": "PUT", "withdraw_path": "/articles/{id}", "withdraw_method": "DELETE",
        }  # fmt: skip
        opening = {"site": site, "token": token, "name": seed.name}
        return StandIn("cms", [opening], f"/cms/{site}", settings, {"secret": token})

    def publish(self, post: Post) -> Result:
        """Sends the article; the platform answers with its number and address."""
        told = self._act("POST", self._said("publish_path", "/"), post, {})
        return Live({item.piece_id: self._shown(told, "") for item in post.items})

    def correct(self, post: Post) -> Live | Uncorrectable:
        """Sends the new words under the number that the platform gave."""
        return self._change(post, "correct", "更正", "PUT")

    def withdraw(self, post: Post) -> Live | Uncorrectable:
        """Takes the article back; one that is not there any more is taken back."""
        return self._change(post, "withdraw", "撤稿", "DELETE")

    def reconcile(self, post: Post) -> Settlement:
        """Asks the platform for what was sent, where it can be asked; correcting and taking back are repeated."""
        if post.action != "publish":
            again = self.withdraw(post) if post.action == "withdraw" else self.correct(post)
            return CannotTell(again.reason) if isinstance(again, Uncorrectable) else again
        path = self._said("query_path", "")
        if not path:
            return CannotTell("该平台没有提供查询地址，请到平台后台查看")
        with harmless():
            answer = self._call("GET", path.replace("{key}", quote(post.key, safe="")), b"", "")
        return NotThere() if answer.status_code == 404 else self._settled(post, self._read(answer))

    def health(self) -> str | None:
        """Asks for an article that is not there, where the platform can be asked; the answer is read, not guessed."""
        path = self._said("query_path", "")
        if not path:
            return None
        try:
            with harmless():
                told = self._read(self._call("GET", path.replace("{key}", "health"), b"", ""))
        except Unauthorised:
            raise
        except ChannelError as error:
            return error.reason
        if not isinstance(told, _Refusal) or told.said_code == NOT_FOUND:
            return ""
        # An address that is not there says nothing of who asked.
        return None if told.platform_code in ("404", "410") else told.reason

    def _settled(self, post: Post, told: Any) -> Settlement:
        """What an answer about an article proves; a refusal proves nothing, unless it is "not found"."""
        unsure = CannotTell("对方平台没有说清有没有这篇稿件，请到平台后台查看")
        if isinstance(told, _Refusal):
            return NotThere() if told.said_code == NOT_FOUND else unsure
        shown = self._shown(told, "")
        if shown.remote_id:
            return Live({item.piece_id: shown for item in post.items})
        found = fields.listed(told, self._said("answer_id", "id"))
        if found is None or len(found) > 1:
            return unsure
        if not found:
            return NotThere()
        only = self._shown_of(found[0])
        return Live({item.piece_id: only for item in post.items}) if only.remote_id else unsure

    def _change(self, post: Post, act: str, label: str, usual: str) -> Live | Uncorrectable:
        path = self._said(f"{act}_path", "")
        item = post.items[0]
        placed = post.placed.get(item.piece_id)
        number = placed.remote_id if placed else ""
        if not path or ("{id}" in path and not number):
            return Uncorrectable(f"该平台没有{label}接口，请到平台后台{label}，再回填结果", by_hand=True)
        try:
            told = self._act(
                self._said(f"{act}_method", usual), path.replace("{id}", quote(number, safe="")), post, {"id": number}
            )
        except Refused as refusal:
            if act == "withdraw" and refusal.platform_code in ("404", "410"):
                return Live()
            raise
        if act == "withdraw":
            return Live()
        was = self._shown(told, number)
        url = was.url or (placed.url if placed else "")
        return Live({item.piece_id: Shown(number or was.remote_id, url)})

    def _act(self, method: str, path: str, post: Post, more: Mapping[str, str]) -> Any:
        made = fields.filled(
            fields.pairs(self._lines("fields") or _DEFAULT_MAP),
            fields.pairs(self._lines("constants")),
            {**self._ours(post), **more},
        )
        body, kind = fields.encoded(made, self._said("format", "json") == "form")
        with acting():
            answer = self._call(method, path, body, kind, post.key)
            if answer.status_code >= 500:
                raise broken(answer)
        told = self._read(answer)
        if isinstance(told, ChannelError):
            raise told
        return told

    def _call(self, method: str, path: str, body: bytes, kind: str, key: str = "") -> httpx.Response:
        if not self.account.base_url:
            raise Refused("账号没有填写接口地址，请在“账号矩阵”补全", field="base_url")
        headers = {"Accept": "application/json"}
        if kind:
            headers["Content-Type"] = kind
        if key:
            headers["Idempotency-Key"] = key
        secret, way = self.account.credentials.get("secret", ""), self._said("auth", "header")
        if way == "hmac":
            stamp = str(int(self.tools.clock.now().timestamp()))
            mark = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers |= {self._said("time_header", "X-Timestamp"): stamp, self._said("auth_header", "X-Signature"): mark}
        elif way == "header" and secret:
            headers[self._said("auth_header", "Authorization")] = f"{self._said('auth_prefix', '')}{secret}"
        address = f"{self.account.base_url.rstrip('/')}/{path.lstrip('/')}"
        return self.tools.http.request(method, address, content=body, headers=headers)

    def _read(self, answer: httpx.Response) -> Any:
        """What the platform said, read; a Refused is returned, what else went wrong is raised."""
        status = answer.status_code
        if status in (401, 403):
            raise Unauthorised("对方平台不认可密钥或签名", code=str(status))
        if status == 429:
            wait = answer.headers.get("Retry-After", "")
            seconds = int(wait) if wait.isdecimal() and len(wait) < 6 else 60
            raise Throttled("对方平台要求稍候", self.tools.clock.now() + timedelta(seconds=seconds), code="429")
        if status >= 500:
            raise Retryable(f"对方平台返回 HTTP {status}")
        told: Any = None
        if answer.content:
            try:
                told = json.loads(answer.content)
            except ValueError as failure:
                if status < 300 and (self._said("answer_ok", "") or self._said("answer_id", "")):
                    raise OutcomeUnknown("对方平台的答复无法识别") from failure
        if status >= 300 or not fields.holds(told, self._said("answer_ok", "")):
            why = fields.found_at(told, self._said("answer_message", "msg")) or f"HTTP {status}"
            refused = _Refusal(why[:200], code=str(status))
            refused.said_code = fields.found_at(told, self._said("answer_ok", "").partition("=")[0].strip())
            return refused
        return told

    def _shown(self, told: Any, number: str) -> Shown:
        number = fields.found_at(told, self._said("answer_id", "id")) or number
        url = fields.found_at(told, self._said("answer_url", "url"))
        if not url.startswith(("https://", "http://")):
            url = self._said("page_url", "").replace("{id}", quote(number, safe="")) if number else ""
        return Shown(number, url)

    def _shown_of(self, one: Any) -> Shown:
        """An article of a list, whose number and address have the names that they have in every answer."""
        number, url = (
            fields.found_at(one, self._said(name, usual).rpartition(".")[2])
            for name, usual in (("answer_id", "id"), ("answer_url", "url"))
        )
        return Shown(number, url if url.startswith(("https://", "http://")) else "")

    def _ours(self, post: Post) -> dict[str, str]:
        item = post.items[0]
        at = item.first_published_at or self.tools.clock.now()
        site = self.tools.public_url
        return fields.values(post, dict(fields.pairs(self._lines("columns"))), self._body(item, site), at, site)

    def _body(self, item: Item, site: str) -> str:
        html = item.html.replace('href="/', f'href="{site}/')
        if self._said("pictures", LINKED if _on_portal(item) else EMBEDDED) == LINKED:
            return html.replace('src="/media/', f'src="{site}/media/')
        return _MEDIA.sub(self._embedded, html)

    def _embedded(self, found: re.Match[str]) -> str:
        kind = "png" if found[2] == "png" else "jpeg"
        try:
            data = self.tools.files.get(found[1])
        except FileNotFoundError as lost:
            raise Retryable("图片暂时读不到") from lost
        return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"

    def _said(self, name: str, otherwise: str) -> str:
        return str(self.account.settings.get(name) or otherwise)

    def _lines(self, name: str) -> list[str]:
        return [str(line) for line in self.account.settings.get(name) or []]


def _on_portal(item: Item) -> bool:
    """Whether the piece goes to our own portal too, which then serves its pictures and attachments."""
    return any(target.get("channel") == "portal" for target in item.content.get("targets") or ())


def _pointing_nowhere(settings: Mapping[str, Any], post: Post) -> list[Problem]:
    """Our portal serves only what is published there; links to anything else would be dead on arrival."""
    found = []
    for item in (item for item in post.items if not _on_portal(item)):
        name = f"《{item.title[:20]}》"
        if settings.get("pictures") == LINKED and _MEDIA.search(item.html):
            why = f"{name}没有选门户网站，正文图片用本站地址会打不开：请一并送审门户网站，或在账号中改为随正文发送。"
            found.append(Problem("account", why))
        if item.content.get("attachments"):
            why = f"{name}没有选门户网站，附件链接会打不开：请一并送审门户网站，或到平台后台上传附件。"
            found.append(Problem("attachments", why, blocking=False))
    return found
