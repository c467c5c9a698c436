"""A channel from outside: each act is one signed POST to an address of the receiver's, its result a signed receipt.

`X-Signature` is HMAC-SHA256 over `<timestamp>.<body>` with the shared secret; `Idempotency-Key` makes repeats harmless.
The receiver answers 200 with `{"id", "url"}`, or 202 with `{"job"}` and tells the result later by a receipt to
`/callbacks/webhook/<account>`, signed the same way.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from channels.adapters.calling import acting, broken, harmless
from channels.base import (
    Accepted,
    Channel,
    Inbound,
    JobResult,
    Limits,
    Live,
    NotThere,
    Post,
    Pushed,
    Result,
    Setting,
    Settlement,
    Shown,
    Stamp,
)
from channels.errors import BadPush, BadSignature, OutcomeUnknown, Refused, Retryable, Throttled, Unauthorised


class WebhookChannel(Channel):
    """Credentials: `secret`; the account's base URL is the receiver's address."""

    name: ClassVar[str] = "webhook"
    label: ClassVar[str] = "签名推送"
    limits: ClassVar[Limits] = Limits(
        style="text", title=100, text=2000, can=frozenset({"correct", "withdraw", "refresh"})
    )
    outbound: ClassVar[Path | None] = Path(__file__).parent / "xuanda_webhook_templates"
    settings: ClassVar[tuple[Setting, ...]] = (Setting("secret", "共享密钥", secret=True, required=True),)

    def publish(self, post: Post) -> Result:
        """One POST; a repeat under the same key is the same act."""
        return self._act(post)

    def correct(self, post: Post) -> Result:
        """The new words under the same number."""
        return self._act(post)

    def withdraw(self, post: Post) -> Result:
        """Takes it back; twice does no harm."""
        return self._act(post)

    def reconcile(self, post: Post) -> Settlement:
        """Asks for the act by its key."""
        with harmless():
            answer = self._call("GET", f"/acts/{post.key}", b"", post.key)
        return NotThere() if answer.status_code == 404 else self._read(post, answer)

    def poll(self, post: Post, job_id: str) -> Settlement:
        """Asks for the result, for a receipt that never came."""
        with harmless():
            return self._read(post, self._call("GET", f"/acts/{post.key}", b"", post.key))

    def stamp(self, request: Pushed) -> Stamp:
        """In the headers; the signature covers the body."""
        return Stamp(_header(request, "x-timestamp"), _header(request, "x-signature"), covers_body=True)

    def read_inbound(self, request: Pushed) -> list[Inbound]:
        """A receipt: {"job", "done", "id", "url", "reason"}."""
        expected = self._signature(_header(request, "x-timestamp"), request.body)
        if not hmac.compare_digest(expected, _header(request, "x-signature")):
            raise BadSignature
        try:
            told = json.loads(request.body)
            shown = [Shown(told["id"], told["url"])] if told["done"] else []
            return [JobResult(told["job"], bool(told["done"]), shown, told.get("reason", ""))]
        except (ValueError, KeyError, TypeError) as failure:
            raise BadPush(why=type(failure).__name__) from failure

    def _act(self, post: Post) -> Live | Accepted:
        body = json.dumps(_message(post), ensure_ascii=False).encode()
        with acting():
            answer = self._call("POST", "/acts", body, post.key)
            if answer.status_code >= 500:
                raise broken(answer)
        return self._read(post, answer)

    def _call(self, method: str, path: str, body: bytes, key: str) -> Any:
        stamp = str(int(self.tools.clock.now().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": key,
            "X-Timestamp": stamp,
            "X-Signature": self._signature(stamp, body),
        }
        return self.tools.http.request(method, f"{self.account.base_url}{path}", content=body, headers=headers)

    def _read(self, post: Post, answer: Any) -> Live | Accepted:
        if answer.status_code in (401, 403):
            raise Unauthorised("接收方不认可签名", code=str(answer.status_code))
        if answer.status_code == 429:
            wait = timedelta(seconds=int(answer.headers.get("Retry-After", "60")))
            raise Throttled("接收方要求稍候", self.tools.clock.now() + wait, code="429")
        if answer.status_code >= 500:
            raise Retryable(f"接收方返回 HTTP {answer.status_code}")
        if answer.status_code >= 400:
            raise Refused(answer.text[:200] or "接收方拒绝", code=str(answer.status_code))
        try:
            told = answer.json()
            if answer.status_code == 202:
                return Accepted(str(told["job"]), timedelta(seconds=2), "等待接收方回执")
            return Live({item.piece_id: Shown(str(told["id"]), str(told["url"])) for item in post.items})
        except (ValueError, KeyError) as failure:
            raise OutcomeUnknown("接收方的答复无法识别") from failure

    def _signature(self, stamp: str, body: bytes) -> str:
        secret = self.account.credentials.get("secret", "").encode()
        return hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _message(post: Post) -> Mapping[str, Any]:
    items: Sequence[Mapping[str, Any]] = [
        {"title": item.title, "text": item.text, "url": item.url, "id": _id(post, item.piece_id)} for item in post.items
    ]
    return {"act": post.action, "items": items, "phrase": post.phrase}


def _id(post: Post, piece_id: int) -> str:
    placed = post.placed.get(piece_id)
    return placed.remote_id if placed else ""


def _header(request: Pushed, name: str) -> str:
    return next((value for key, value in request.headers.items() if key.lower() == name), "")
