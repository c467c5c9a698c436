"""A small typed client for Weibo's interface; the libraries published for it are abandoned or not what they seem."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from channels.adapters.calling import broken
from channels.adapters.weibo.codes import Answered

HOST = "https://api.weibo.com"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Status:
    """A post as Weibo answers it."""

    id: str
    text: str
    at: datetime
    uid: str

    @property
    def url(self) -> str:
        """Its public page, whose address is the number written in base 62, seven digits at a time.

        Where the platform did not say whose it is, the page for phones needs the number alone.
        """
        if not self.uid:
            return f"https://m.weibo.cn/status/{self.id}"
        return f"https://weibo.com/{self.uid}/{short(self.id)}"


@dataclass(frozen=True)
class Counts:
    """What readers did with a post."""

    id: str
    comments: int
    reposts: int
    attitudes: int


@dataclass(frozen=True)
class Remark:
    """A comment as Weibo answers it; `to` is the comment that it answers."""

    id: str
    uid: str
    name: str
    text: str
    at: datetime
    to: str = ""


class WeiboClient:
    """Calls on behalf of one user who authorised one app. Noes are `Answered`, breaks `httpx.HTTPError`."""

    def __init__(self, http: httpx.Client, base_url: str, token: str) -> None:
        self.http = http
        self.base = (base_url or HOST).rstrip("/")
        self.token = token

    def share(self, text: str, rip: str, picture: tuple[str, bytes, str] | None = None) -> Status:
        """statuses/share: publishes a post; `rip` is the operator's public address."""
        fields = {"status": text, "rip": rip}
        files = {"pic": picture} if picture else None
        return _status(self._call("POST", "2/statuses/share.json", fields, files))

    def timeline(self, uid: str, count: int = 50, page: int = 1) -> tuple[list[Status], int]:
        """statuses/user_timeline: a page of the account's posts, the newest first; at most 100 to a page.

        With it, how many there are in all; 0 where that is not told.
        """
        asked = {"uid": uid, "count": str(count), "page": str(page)}
        answer = self._call("GET", "2/statuses/user_timeline.json", asked)
        return [_status(one) for one in answer["statuses"]], int(answer.get("total_number") or 0)

    def counts(self, ids: Sequence[str]) -> list[Counts]:
        """statuses/count: at most 100 at once."""
        answer = self._call("GET", "2/statuses/count.json", {"ids": ",".join(ids)})
        return [
            Counts(str(one["id"]), *(int(one[name]) for name in ("comments", "reposts", "attitudes"))) for one in answer
        ]

    def comments(self, status_id: str, since: int = 0, until: int = 0, count: int = 50) -> list[Remark]:
        """comments/show: comments newer than `since` and, where it is given, not newer than `until`; newest first."""
        fields = {"id": status_id, "since_id": str(since), "max_id": str(until), "count": str(count)}
        answer = self._call("GET", "2/comments/show.json", fields)
        # Beneath a post without comments some answers are an empty list.
        return [_remark(one) for one in answer.get("comments") or []] if isinstance(answer, dict) else []

    def comment(self, status_id: str, text: str, rip: str) -> str:
        """comments/create: comments on a post; its number."""
        fields = {"id": status_id, "comment": text, "rip": rip}
        return _number(self._call("POST", "2/comments/create.json", fields))

    def reply_to(self, status_id: str, comment_id: str, text: str, rip: str) -> str:
        """comments/reply: answers a comment beneath a post; the answer's number."""
        fields = {"id": status_id, "cid": comment_id, "comment": text, "rip": rip}
        return _number(self._call("POST", "2/comments/reply.json", fields))

    def destroy_comment(self, comment_id: str) -> None:
        """comments/destroy: own comments only."""
        self._act("2/comments/destroy.json", {"cid": comment_id})

    def destroy(self, status_id: str) -> None:
        """statuses/destroy: own posts only."""
        self._act("2/statuses/destroy.json", {"id": status_id})

    def message(self, receiver_id: str, kind: str, data: Mapping[str, Any]) -> None:
        """messages/reply: a fan-service message within 48 hours of the fan's own."""
        encoded = json.dumps(data, ensure_ascii=False)
        self._act("2/messages/reply.json", {"receiver_id": receiver_id, "type": kind, "data": encoded})

    def token_left(self) -> int | None:
        """oauth2/get_token_info: how many seconds the authorisation still lasts; None where it is not told."""
        left = self._call("POST", "oauth2/get_token_info", {}).get("expire_in")
        return None if left is None else int(left)

    def authorise_url(self, app_key: str, redirect: str, state: str) -> str:
        """Where the account's keeper gives the authorisation, which ends and cannot be refreshed."""
        query = {"client_id": app_key, "redirect_uri": redirect, "response_type": "code", "state": state}
        return f"{self.base}/oauth2/authorize?{urlencode(query)}"

    def exchange(self, app_key: str, app_secret: str, redirect: str, code: str) -> tuple[str, int, str]:
        """The token for a code: token, seconds it lasts, uid."""
        fields = {
            "client_id": app_key,
            "client_secret": app_secret,
            "grant_type": "authorization_code",
            "redirect_uri": redirect,
            "code": code,
        }
        response = self.http.post(f"{self.base}/oauth2/access_token", data=fields)
        answer = self._read(response)
        try:
            return str(answer["access_token"]), int(answer["expires_in"]), str(answer["uid"])
        except (KeyError, TypeError, ValueError):
            raise broken(response) from None

    def _act(self, path: str, fields: Mapping[str, str]) -> None:
        """Does what is answered by an object; whatever else comes is no yes."""
        response = self.http.post(f"{self.base}/{path}", data={"access_token": self.token, **fields})
        answer = self._read(response)
        if not isinstance(answer, dict) or answer.get("result") is False:
            raise broken(response)

    def _call(self, method: str, path: str, fields: Mapping[str, str], files: Any = None) -> Any:
        url, all_fields = f"{self.base}/{path}", {"access_token": self.token, **fields}
        if method == "GET":
            return self._read(self.http.get(url, params=all_fields))
        return self._read(self.http.post(url, data=all_fields, files=files))

    def _read(self, response: httpx.Response) -> Any:
        # Its noes come with HTTP 400, 403 or 503; what has no error_code is a gateway's.
        try:
            answer = json.loads(response.content)
        except ValueError:
            raise broken(response) from None
        if isinstance(answer, dict) and answer.get("error_code"):
            raise Answered(int(answer["error_code"]), str(answer.get("error", "")))
        if response.status_code != 200:
            raise broken(response)
        return answer


def short(number: str) -> str:
    """A post's number as its page's address has it."""
    if not number.isdigit():
        return number
    groups = [number[max(0, end - 7) : end] for end in range(len(number), 0, -7)]
    encoded = [_base62(int(group)).rjust(4, "0") for group in groups[:-1]] + [_base62(int(groups[-1]))]
    return "".join(reversed(encoded))


def number_of(link: str, uid: str) -> str:
    """The number of the account's own post that stands at an address; '' where it is none of its own."""
    parts = urlsplit(link.strip())
    path = [one for one in parts.path.split("/") if one]
    host = (parts.hostname or "").removeprefix("www.")
    if host not in ("weibo.com", "m.weibo.cn") or len(path) != 2 or path[0] not in (uid, "status", "detail"):
        return ""
    last = path[1]
    if not (last.isascii() and last.isalnum()) or len(last) > 19:
        return ""
    return last if last.isdigit() and len(last) > 12 else _long(last)


def _long(text: str) -> str:
    groups = [text[max(0, end - 4) : end] for end in range(len(text), 0, -4)]
    numbers = [str(_from_base62(group)) for group in groups]
    return "".join([numbers[-1], *(number.rjust(7, "0") for number in reversed(numbers[:-1]))])


def _from_base62(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + _DIGITS.index(digit)
    return number


def _base62(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits or "0"


def _number(answer: Mapping[str, Any]) -> str:
    """The platform's number of what it made, as text where it gives it so; what has none was not answered."""
    return str(answer.get("idstr") or answer["id"])


def _named(answer: Any) -> str:
    """The number of somebody or something that an answer may name; '' where it does not."""
    return _number(answer) if isinstance(answer, Mapping) and (answer.get("idstr") or answer.get("id")) else ""


def _remark(answer: Mapping[str, Any]) -> Remark:
    user = answer.get("user") or {}
    return Remark(
        id=_number(answer),
        uid=_named(user),
        name=str(user.get("screen_name") or ""),
        text=str(answer.get("text", "")),
        at=_moment(answer),
        to=_named(answer.get("reply_comment")),
    )


def _moment(answer: Mapping[str, Any]) -> datetime:
    return datetime.strptime(str(answer["created_at"]), "%a %b %d %H:%M:%S %z %Y")


def _status(answer: Mapping[str, Any]) -> Status:
    return Status(
        id=_number(answer),
        text=str(answer.get("text", "")),
        at=_moment(answer),
        uid=_named(answer.get("user")),
    )
