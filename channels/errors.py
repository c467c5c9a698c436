"""What a platform may answer other than yes; whether to try again is a type, not a code."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from kernel.errors import XuandaError


class ChannelError(XuandaError):
    """The platform did not take it ({reason}).

    `data` is what the attempt leaves for the next one (uploaded pictures, a draft); it joins the delivery's note.
    """

    zh: ClassVar[str] = "平台未接受（{reason}）。"
    status: ClassVar[int] = 502
    outcome: ClassVar[str] = "refused"

    def __init__(self, reason: str, *, code: str = "", field: str | None = None) -> None:
        self.reason = reason
        self.platform_code = code
        self.data: Mapping[str, Any] = {}
        super().__init__(field=field, reason=reason)


class Retryable(ChannelError):
    """Surely not sent, and may work later ({reason}). It is tried again by itself."""

    zh = "暂时没有发出（{reason}），系统会自动重试。"
    outcome = "retryable"


class Throttled(ChannelError):
    """The platform wants us to wait ({reason}). It is tried again at the time it named."""

    zh = "平台限流（{reason}），到时自动再发。"
    outcome = "throttled"

    def __init__(self, reason: str, until: datetime, *, code: str = "") -> None:
        super().__init__(reason, code=code)
        self.until = until


class Refused(ChannelError):
    """The platform refuses this content or act ({reason}). Change it, or publish by hand."""

    zh = "平台拒绝（{reason}）。请修改后重新送审，或改为人工发布。"
    outcome = "refused"


class Unauthorised(ChannelError):
    """The account's credentials no longer work ({reason}). Its keeper must renew them."""

    zh = "账号授权失效（{reason}）。请账号管理人重新授权。"
    outcome = "unauthorised"


class OutcomeUnknown(ChannelError):
    """It was sent, but the answer was lost ({reason}). The platform will be asked before anything is repeated."""

    zh = "已发出但未收到平台答复（{reason}），正在向平台核实，不会重复发送。"
    outcome = "unknown"


class WouldSend(OutcomeUnknown):
    """This platform can only be asked by sending once more, which a stop forbids ({reason}). It is asked afterwards."""

    zh = "{reason}。"

    def __init__(self) -> None:
        super().__init__("该平台只能以重发来核实，停发期间暂不核实，解除停发后自动继续；也可到平台上查看后处理")


class Unsupported(ChannelError):
    """This channel cannot do that ({reason})."""

    zh = "该渠道不支持此操作（{reason}）。"
    outcome = "refused"


class BadSignature(XuandaError):
    """The request does not carry the platform's signature. Compare token and key with the platform's console."""

    zh = "请求签名不符。请核对该账号的 Token 与密钥是否与平台后台一致。"
    status = 403


class BadPush(XuandaError):
    """The platform's push could not be read ({why})."""

    zh = "平台推送的内容无法识别（{why}）。"
    status = 400
