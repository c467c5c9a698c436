"""Clients that somebody else wrote, turned to the rehearsal: what they get through, the platform takes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.channels.rehearsal.served import APPID, SECRET, Rehearsal


@contextmanager
def wechatpy_on(rehearsal: Rehearsal, appid: str = APPID, secret: str = SECRET) -> Iterator[Any]:
    """wechatpy; its token address is fixed in its code and has to be replaced too."""

    class Turned(WeChatClient):
        API_BASE_URL = f"{rehearsal.url}/wechat/cgi-bin/"

        def fetch_access_token(self) -> Any:
            query = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
            return self._fetch_access_token(f"{self.API_BASE_URL}token", query)

    client = Turned(appid, secret, timeout=10)
    client._http.trust_env = False
    yield client
    client._http.close()


def refusal(call: Any) -> int:
    """The code with which the platform refuses, 0 when it takes the call."""
    try:
        call()
    except WeChatClientException as refused:
        return int(refused.errcode)
    return 0


def named(content: bytes, name: str = "picture.png") -> Any:
    """Bytes as a file with a name."""
    file = io.BytesIO(content)
    file.name = name
    return file
