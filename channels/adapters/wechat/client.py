"""wechatpy's client, kept inside the house: every call goes below the account's own address, through our transport.

wechatpy by itself sends tokens, statistics and customer-service messages to the platform's real host whatever
its base address says, keeps a token per process and fetches a new one at will.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
from wechatpy import WeChatClient
from wechatpy.client.api import WeChatCloud, WeChatMedia, WeChatQRCode

from channels.adapters.calling import bounded, broken, harmless
from channels.adapters.wechat.codes import BUSY, MEANINGS, STALE_TOKEN, Answered
from channels.base import AccountInfo, Tools
from channels.errors import Refused, Retryable, Unsupported

Result = TypeVar("Result")

HOST = "https://api.weixin.qq.com"
# What is packed would unfold to any size.
_AS_IT_IS = {"Accept-Encoding": "identity"}
_AS_JSON = {"Content-Type": "application/json; charset=utf-8"}


class _QRCode(WeChatQRCode):  # type: ignore[misc]  # wechatpy publishes no types.
    def show(self, ticket: str) -> Any:
        return self._client.get("https://mp.weixin.qq.com/cgi-bin/showqrcode", params={"ticket": ticket})

    @classmethod
    def get_url(cls, ticket: str) -> str:
        raise Unsupported("二维码须经本系统取得")


class _Media(WeChatMedia):  # type: ignore[misc]  # wechatpy publishes no types.
    def get_url(self, media_id: str) -> str:
        raise Unsupported("媒体文件须经本系统取得，链接中含有访问令牌")


class _Cloud(WeChatCloud):  # type: ignore[misc]  # wechatpy publishes no types.
    def upload_file(self, env: str, path: str) -> Any:
        raise Unsupported("云开发文件不在本系统使用范围内")


class HubWeChatClient(WeChatClient):  # type: ignore[misc]  # wechatpy publishes no types.
    """The client of one account; its answers are dicts, its noes `Answered`, its breaks `httpx.HTTPError`."""

    qrcode = _QRCode()
    media = _Media()
    cloud = _Cloud()

    def __init__(self, account: AccountInfo, tools: Tools) -> None:
        super().__init__(account.credentials.get("appid", ""), account.credentials.get("secret", ""), auto_retry=False)
        self._account = account
        self._tools = tools
        self._base = (account.base_url or HOST).rstrip("/")
        self._stale = ""

    @property
    def access_token(self) -> str:
        """The account's shared token."""
        return self._tools.tokens.get(self._account.id, self._fetch, self._stale)

    def fetch_access_token(self) -> Any:
        """Nobody fetches a token past the store."""
        raise Unsupported("访问令牌由本系统统一管理")

    def hand_out(self, media_id: str, most: int) -> bytes:
        """media/get: the bytes of temporary media, read no further than `most`; of a video what its address gives."""
        url = self._address("media/get", self.API_BASE_URL)
        given = self._with_token(lambda token: self._download(url, {"access_token": token, "media_id": media_id}, most))
        if isinstance(given, bytes):
            return given
        shown = self._download(str(given.get("video_url", "")), {}, most)
        if isinstance(shown, bytes):
            return shown
        raise Refused("微信没有给出文件")

    def _request(self, method: str, url_or_endpoint: str, **kwargs: Any) -> Any:
        processor = kwargs.pop("result_processor", None)
        url = self._address(url_or_endpoint, kwargs.pop("api_base_url", self.API_BASE_URL))
        kwargs = _replayable(kwargs)
        result = self._with_token(lambda token: self._call(method, url, token, kwargs))
        return processor(result) if processor else result

    def _with_token(self, call: Callable[[str], Result]) -> Result:
        token = self._token()
        try:
            return call(token)
        except Answered as answer:
            if answer.code not in STALE_TOKEN:
                raise
            # The platform says that the token is no good: it did nothing else, so that one repeat is safe.
            self._stale = token
            return call(self._token())

    def _token(self) -> str:
        # A token shows nobody anything, also where it is fetched for a call that will.
        with harmless():
            try:
                return self.access_token
            except Answered as answer:
                if answer.code != BUSY:
                    raise
                raise Retryable(MEANINGS[BUSY].reason, code=str(BUSY)) from answer

    def _address(self, endpoint: str, prefix: str) -> str:
        whole = endpoint if endpoint.startswith(("http://", "https://")) else f"{prefix}{endpoint}"
        return self._base + urlsplit(whole).path

    def _call(self, method: str, url: str, token: str, kwargs: Mapping[str, Any]) -> Any:
        params = {**kwargs["params"], "access_token": token}
        more = {name: kwargs[name] for name in ("content", "files", "data", "headers") if name in kwargs}
        return self._read(self._tools.http.request(method.upper(), url, params=params, **more))

    def _download(self, url: str, params: Mapping[str, str], most: int) -> bytes | Mapping[str, Any]:
        """The file at an address, or what the platform says instead of one."""
        if not url.startswith(("https://", "http://")):
            raise Refused("微信没有给出文件")
        with self._tools.http.stream("GET", url, params=params or None, headers=_AS_IT_IS) as response:
            if response.status_code != 200:
                raise broken(response)
            body = bounded(response, most)
        if not _worded(response):
            return body
        try:
            said = json.loads(body.decode("utf-8"), strict=False)
        except ValueError:
            raise broken(response) from None
        return _judged(said) if isinstance(said, dict) else {}

    def _read(self, response: httpx.Response) -> Any:
        if response.status_code != 200:
            raise broken(response)
        # Decoded as UTF-8 whatever the header says: drafts are answered as text/plain without a charset.
        try:
            result = json.loads(response.content.decode("utf-8"), strict=False)
        except ValueError:
            raise broken(response) from None
        if not isinstance(result, dict):
            raise broken(response)  # Whatever it is, it is no yes.
        return _judged(result)

    def _fetch(self) -> tuple[str, int]:
        """A token and its life in seconds; the stable kind, which other holders of the secret cannot push out."""
        if self._account.settings.get("stable_access") is False:
            return self._ask_token(
                "GET", "token", params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            )
        token, seconds = self._stable_token(forced=False)
        # In normal mode the platform gives the same token again, even one that it has just refused.
        return self._stable_token(forced=True) if token == self._stale else (token, seconds)

    def _stable_token(self, *, forced: bool) -> tuple[str, int]:
        body = {
            "grant_type": "client_credential", "appid": self.appid, "secret": self.secret, "force_refresh": forced,
        }  # fmt: skip
        return self._ask_token("POST", "stable_token", content=_json(body), headers=_AS_JSON)

    def _ask_token(self, method: str, name: str, **more: Any) -> tuple[str, int]:
        response = self._tools.http.request(method, f"{self._base}/cgi-bin/{name}", **more)
        result = self._read(response)
        if not result.get("access_token"):
            raise broken(response)
        return str(result["access_token"]), int(result["expires_in"])


def _worded(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).startswith(("text/", "application/json"))


def _judged(result: dict[str, Any]) -> dict[str, Any]:
    if int(result.get("errcode") or 0) != 0:
        raise Answered(int(result["errcode"]), str(result.get("errmsg", "")), result)
    return result


def _replayable(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments in httpx's words, so that they can be sent twice; JSON as raw UTF-8, never escaped."""
    params = kwargs.get("params") or {}
    made: dict[str, Any] = {"params": {name: value for name, value in dict(params).items() if name != "access_token"}}
    data = kwargs.get("data")
    if kwargs.get("files"):
        made["files"] = {name: _file(file) for name, file in dict(kwargs["files"]).items()}
        if isinstance(data, dict):
            made["data"] = data
    elif data is not None:
        made["content"] = data.encode() if isinstance(data, str) else data if isinstance(data, bytes) else _json(data)
    elif kwargs.get("json") is not None:
        made["content"] = _json(kwargs["json"])
    return made | {"headers": _AS_JSON} if "content" in made else made


def _file(file: Any) -> Any:
    if isinstance(file, tuple):
        name, content, *rest = file
        return (name, content.read() if hasattr(content, "read") else content, *rest)
    return file.read() if hasattr(file, "read") else file


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
