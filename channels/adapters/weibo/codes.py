"""Weibo's error codes as a table: what kind of no it is, and why in plain words (open.weibo.com/wiki/Error_code)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from channels.errors import ChannelError, Refused, Retryable, Throttled, Unauthorised

Kind = Literal["busy", "rate", "often", "credential", "refused"]

NO_PERMISSION = 10014
NO_SUCH_COMMENT = 20201
# The platform's own word that it did the thing, or has it already: to repeat it would do it twice.
DONE_ALL_THE_SAME = 20032
REPEATED = frozenset({20017, 20019, 20111})
GONE = frozenset({20101})
PICTURE_REFUSED = frozenset({20005, 20006})
# Noes to the app, the machine or the account as it is now: of a post that was sent before they say nothing.
OF_THE_MOMENT = frozenset({10004, NO_PERMISSION, 20003, 20031})


BAD_VALUE = 10017
# What 10017 says of the app itself, and of no text.
NO_DOMAIN_BOUND = "appkey not bind domain"


@dataclass(frozen=True)
class Meaning:
    """What a code means; `field` names what a person should change."""

    kind: Kind
    reason: str
    field: str | None = None


MEANINGS: Mapping[int, Meaning] = {
    10001: Meaning("busy", "微博系统错误"),
    10002: Meaning("busy", "微博服务暂停"),
    10004: Meaning("refused", "本机 IP 被微博限制"),
    10006: Meaning("credential", "缺少授权"),
    10008: Meaning("refused", "参数不被接受"),
    10014: Meaning("refused", "应用没有该接口的权限"),
    10016: Meaning("refused", "缺少必填参数"),
    10017: Meaning("refused", "参数不合要求：正文须含应用安全域名下的链接，且不能带 #话题#", "text"),
    10020: Meaning("refused", "接口不存在"),
    10021: Meaning("refused", "请求方式不被支持"),
    10022: Meaning("rate", "本机 IP 的请求次数已用完"),
    10023: Meaning("rate", "该账号的请求次数已用完"),
    10024: Meaning("rate", "该账号对此接口的请求次数已用完"),
    20003: Meaning("refused", "用户不存在"),
    20005: Meaning("refused", "图片类型不被支持，仅 JPG、GIF、PNG", "cover"),
    20006: Meaning("refused", "图片过大", "cover"),
    20008: Meaning("refused", "内容为空", "text"),
    20012: Meaning("refused", "正文超过 140 字", "text"),
    20016: Meaning("often", "发微博过于频繁"),
    20017: Meaning("refused", "与刚发过的微博内容重复", "text"),
    20018: Meaning("refused", "含有被禁止的网址", "text"),
    20019: Meaning("refused", "与刚发过的微博内容重复", "text"),
    20021: Meaning("refused", "含有不被允许的内容", "text"),
    20031: Meaning("refused", "微博要求输入验证码，请人工发布"),
    20101: Meaning("refused", "该微博已不存在"),
    20102: Meaning("refused", "不是本账号的微博"),
    20111: Meaning("refused", "10 分钟内不能发布相同微博", "text"),
    20201: Meaning("refused", "该评论已不存在"),
    20203: Meaning("refused", "不是本账号的评论"),
    21301: Meaning("credential", "认证失败"),
    21314: Meaning("credential", "授权已被使用"),
    21315: Meaning("credential", "授权已过期"),
    21316: Meaning("credential", "授权已被撤销"),
    21317: Meaning("credential", "授权被拒绝"),
    21319: Meaning("credential", "应用已被账号解除授权"),
    21321: Meaning("credential", "应用未过审，超出测试用户范围"),
    21322: Meaning("credential", "授权回调地址不一致"),
    21323: Meaning("credential", "授权请求不合法"),
    21324: Meaning("credential", "App Key 或 App Secret 不对"),
    21325: Meaning("credential", "授权码无效或已过期"),
    21326: Meaning("credential", "应用没有授权权限"),
    21327: Meaning("credential", "授权已过期"),
    21328: Meaning("credential", "授权方式不被支持"),
    21330: Meaning("credential", "账号拒绝了授权"),
    21332: Meaning("credential", "授权无效"),
}


_UNBOUND = Meaning(
    "refused", "应用没有绑定安全域名：请到微博开放平台的应用信息中填写，并在账号设置中登记；正文不必修改"
)


def _unbound(answer: Answered) -> bool:
    return answer.code == BAD_VALUE and NO_DOMAIN_BOUND in answer.message.lower()


class Answered(Exception):
    """Weibo's own no: its code and English text."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message


def error_of(answer: Answered, now: datetime, rate_ends: datetime) -> ChannelError:
    """The error whose type says whether to try again; `rate_ends` is when the day's requests begin anew."""
    meaning = (
        _UNBOUND
        if _unbound(answer)
        else MEANINGS.get(answer.code, Meaning("refused", f"微博返回 {answer.code}：{answer.message}"))
    )
    code = str(answer.code)
    match meaning.kind:
        case "busy":
            return Retryable(meaning.reason, code=code)
        case "rate":
            return Throttled(meaning.reason, rate_ends, code=code)
        case "often":
            return Throttled(meaning.reason, now + timedelta(minutes=10), code=code)
        case "credential":
            return Unauthorised(meaning.reason, code=code)
        case _:
            return Refused(meaning.reason, code=code, field=meaning.field)
