"""WeChat's return codes as a table: what kind of no it is, and why in plain words.

Codes and texts: developers.weixin.qq.com, global return codes and the pages of each interface. Errors come with
HTTP 200; many successes carry no errcode at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from channels.adapters.calling import tomorrow
from channels.errors import ChannelError, Refused, Retryable, Throttled, Unauthorised

Kind = Literal["token", "busy", "minute", "today", "credential", "content", "person", "refused"]

STALE_TOKEN = frozenset({40001, 40014, 42001})
BUSY = -1
SAME_KEY = 45065
SAME_KEY_TOO_FAST = 45066
NO_MASS_QUOTA = 45028
BAD_PUBLISH_ID = 53502
BAD_ARTICLE_ID = 53600
BAD_MESSAGE_ID = 40059
WRONG_MESSAGE_KIND = 40008
NO_SUCH_MEDIA = 40007
NOT_GRANTED = 48001
NO_COMMENTS = 88000
ANSWERED_ALREADY = 88005
NO_SUCH_COMMENT = 88008
NO_SUCH_ANSWER = 88009
# Refusals that name the address they saw.
WHITELIST = frozenset({40164, 89503, 89506, 89507})
_ADDRESS = re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")

# A picture the platform will not have, which must not cost the reader the text.
PICTURE_REFUSED = frozenset({40004, 40005, 40006, 40009, 40113, 40137, 45001, 41005, 45166})


@dataclass(frozen=True)
class Meaning:
    """What a code means; `field` names what a person should change."""

    kind: Kind
    reason: str
    field: str | None = None


MEANINGS: Mapping[int, Meaning] = {
    -1: Meaning("busy", "微信系统繁忙"),
    40001: Meaning("token", "AppSecret 不对，或访问令牌已失效"),
    40002: Meaning("credential", "取令牌的方式不对"),
    40003: Meaning("person", "用户编号（OpenID）不对，或不是本公众号的用户"),
    40004: Meaning("content", "媒体文件类型不对"),
    40005: Meaning("content", "文件类型不被接受"),
    40006: Meaning("content", "文件大小不符合要求"),
    40007: Meaning("content", "素材或草稿在微信上不存在"),
    40008: Meaning("refused", "该类消息不支持此操作"),
    40009: Meaning("content", "图片大小超过限制"),
    40013: Meaning("credential", "AppID 不对"),
    40014: Meaning("token", "访问令牌不合法"),
    40016: Meaning("content", "一级菜单按钮须为 1 至 3 个", "menu"),
    40017: Meaning("content", "菜单按钮的类型不对", "menu"),
    40018: Meaning("content", "一级菜单名称过长", "menu"),
    40019: Meaning("content", "菜单按钮的编号过长", "menu"),
    40020: Meaning("content", "菜单按钮的网址过长", "menu"),
    40023: Meaning("content", "二级菜单按钮最多 5 个", "menu"),
    40024: Meaning("content", "二级菜单按钮的类型不对", "menu"),
    40025: Meaning("content", "二级菜单名称过长", "menu"),
    40026: Meaning("content", "二级菜单按钮的编号过长", "menu"),
    40027: Meaning("content", "二级菜单按钮的网址过长", "menu"),
    40032: Meaning("refused", "接收人数量不符合要求"),
    40033: Meaning("content", "含有不被接受的字符"),
    40035: Meaning("refused", "参数不合法"),
    40037: Meaning("refused", "模板编号不对，或模板不属于本公众号", "template_id"),
    40059: Meaning("refused", "消息编号不对，或该消息已不能操作"),
    40097: Meaning("refused", "参数不合法"),
    40114: Meaning("refused", "图文序号不对"),
    40125: Meaning("credential", "AppSecret 不对"),
    40130: Meaning("refused", "接收人至少两个"),
    40132: Meaning("person", "没有这个微信号，或对方没有关注公众号"),
    40164: Meaning("credential", "本机 IP 不在公众号的白名单内"),
    40243: Meaning("credential", "AppSecret 已被冻结"),
    41001: Meaning("token", "缺少访问令牌"),
    41002: Meaning("credential", "缺少 AppID"),
    41004: Meaning("credential", "缺少 AppSecret"),
    41005: Meaning("content", "缺少媒体文件"),
    41006: Meaning("content", "缺少素材编号"),
    41039: Meaning("content", "“阅读原文”的链接不合法", "content_source_url"),
    42001: Meaning("token", "访问令牌已过期"),
    43002: Meaning("refused", "须用 POST 请求"),
    43004: Meaning("person", "该用户没有关注公众号"),
    43019: Meaning("person", "该用户在黑名单中"),
    43101: Meaning("person", "该用户没有订阅此类通知，或已拒收，须本人再次同意订阅"),
    43116: Meaning("refused", "该模板因被用户举报过多，已被微信停用"),
    44003: Meaning("content", "图文内容为空"),
    44004: Meaning("content", "正文为空", "body"),
    45001: Meaning("content", "文件大小超过限制"),
    45002: Meaning("content", "正文超过长度限制", "body"),
    45003: Meaning("content", "标题超过长度限制", "title"),
    45004: Meaning("content", "摘要超过长度限制", "digest"),
    45005: Meaning("content", "链接超过长度限制", "content_source_url"),
    45008: Meaning("content", "图文条数超过限制", "items"),
    45009: Meaning("today", "今天的接口调用次数已用完"),
    45011: Meaning("minute", "调用过于频繁"),
    45015: Meaning("person", "该用户超过 48 小时没有来信或已取消关注，不能主动回复"),
    45028: Meaning("today", "今天的群发次数已用完"),
    45047: Meaning("person", "对该用户的回复条数已达上限，须等对方再次来信"),
    45056: Meaning("refused", "标签已满 100 个，请先删除不用的标签", "name"),
    45057: Meaning("refused", "该标签下的粉丝超过 10 万人，微信不允许直接删除，请先取消部分粉丝的标签"),
    45058: Meaning("refused", "这是微信自带的标签，不能修改或删除"),
    45059: Meaning("refused", "有粉丝的标签已满 20 个，请先取消不用的标签", "tag"),
    45066: Meaning("minute", "同一条群发重试过快"),
    45067: Meaning("refused", "群发编号过长"),
    45110: Meaning("content", "作者名超过长度限制", "author"),
    45157: Meaning("refused", "标签名称不合法，或已有同名标签", "name"),
    45158: Meaning("refused", "标签名称超过 30 字节（10 个汉字）", "name"),
    45159: Meaning("refused", "微信上已没有这个标签", "tag"),
    45166: Meaning("content", "内容不符合平台要求", "body"),
    46003: Meaning("refused", "还没有自定义菜单"),
    47001: Meaning("refused", "数据格式不被接受"),
    47003: Meaning("refused", "参数不符合模板要求"),
    48001: Meaning("refused", "该公众号没有此接口的权限（未认证的账号不能调用），请改用人工发布，或认证后再试"),
    48002: Meaning("person", "该用户屏蔽了公众号消息"),
    48004: Meaning("refused", "该接口因违规被封禁，请到公众平台查看处罚通知"),
    48008: Meaning("refused", "没有该类消息的发送权限"),
    50002: Meaning("credential", "公众号受限，接口被停用"),
    50004: Meaning("credential", "接口已被禁用"),
    50007: Meaning("credential", "公众号已被冻结"),
    53402: Meaning("content", "封面裁剪参数不合法", "cover"),
    53500: Meaning("refused", "发布功能被封禁，请到公众平台查看处罚通知"),
    53501: Meaning("minute", "发布过于频繁"),
    53502: Meaning("refused", "发布任务编号不对"),
    53503: Meaning("content", "草稿未通过发布检查"),
    53504: Meaning("content", "该草稿须到公众平台网站上发布"),
    53505: Meaning("content", "该草稿须先在网站上手动保存"),
    53600: Meaning("refused", "文章编号不对"),
    61500: Meaning("refused", "日期格式不对"),
    61501: Meaning("refused", "日期范围不对"),
    88000: Meaning("refused", "该公众号没有留言功能"),
    88001: Meaning("refused", "平台上没有这篇文章的留言，或文章没有打开留言"),
    88005: Meaning("refused", "该留言已有作者答复，须先删除原答复"),
    88007: Meaning("refused", "答复为空或超过平台的长度限制", "text"),
    88008: Meaning("refused", "该留言已不存在"),
    88009: Meaning("refused", "该答复已不存在"),
    88010: Meaning("refused", "一次读取的留言条数不合要求"),
    89503: Meaning("credential", "本机 IP 正等待公众号管理员确认"),
    89506: Meaning("credential", "本机 IP 被公众号管理员拒绝，24 小时内不能再试"),
    89507: Meaning("credential", "本机 IP 被公众号管理员拒绝，1 小时内不能再试"),
}

# The end of a mass message (event MASSSENDJOBFINISH), beside `send success` and `send fail`.
MASS_ENDS: Mapping[str, str] = {
    "10001": "涉嫌广告",
    "20001": "涉嫌政治",
    "20002": "涉嫌色情",
    "20004": "涉嫌社会",
    "20006": "涉嫌违法犯罪",
    "20008": "涉嫌欺诈",
    "20013": "涉嫌版权",
    "21000": "涉嫌其他",
    "22000": "涉嫌互推（互相宣传）",
    "30001": "原创校验出现系统错误，且选择了被判为转载就不发",
    "30002": "原创校验被判为不能群发",
    "30003": "原创校验被判为转载，且选择了被判为转载就不发",
    "40001": "公众号管理员拒绝了这次群发",
    "40002": "公众号管理员 30 分钟内没有确认",
}

# The state of a publication (freepublish/get and event PUBLISHJOBFINISH).
PUBLISH_DONE, PUBLISH_RUNNING = 0, 1
PUBLISH_ENDS: Mapping[int, str] = {
    2: "原创声明未通过",
    3: "平台报告发布失败",
    4: "平台审核不通过",
    5: "成功后已被全部删除",
    6: "成功后已被平台全部封禁",
}


class Answered(Exception):
    """WeChat's own no: its code, its English text, and the other fields of the answer (45065 brings a msg_id)."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any]) -> None:
        super().__init__(f"{code} {message}")
        self.code = code
        self.message = message
        self.data = data


def error_of(answer: Answered, now: datetime) -> ChannelError:
    """The error whose type says whether to try again."""
    meaning = MEANINGS.get(answer.code, Meaning("refused", f"微信返回 {answer.code}：{answer.message}"))
    if answer.code in WHITELIST and (address := named_address(answer.message)):
        meaning = replace(meaning, reason=meaning.reason.replace("本机 IP", f"本机 IP {address}", 1))
    code = str(answer.code)
    waits: Mapping[str, Callable[[], ChannelError]] = {
        "busy": lambda: Retryable(meaning.reason, code=code),
        "minute": lambda: Throttled(meaning.reason, now + timedelta(seconds=61), code=code),
        "today": lambda: Throttled(meaning.reason, tomorrow(now), code=code),
        "token": lambda: Unauthorised(meaning.reason, code=code),
        "credential": lambda: Unauthorised(meaning.reason, code=code),
    }
    make = waits.get(meaning.kind)
    return make() if make else Refused(meaning.reason, code=code, field=meaning.field)


def named_address(message: str) -> str:
    """The address the platform saw us come from, out of its refusal; '' where it names none."""
    found = _ADDRESS.search(message)
    return found.group() if found else ""


def mass_end(status: str) -> tuple[str, str]:
    """Why a mass message was not sent, and its code, from the event's `Status`."""
    if status.startswith("err(") and status.endswith(")"):
        number = status[4:-1].strip()
        return MASS_ENDS.get(number, f"平台未说明原因（{status}）"), number
    return "平台报告群发失败", status[:40]


def publish_end(status: int, places: object) -> str:
    """Why a publication failed, with the places of the articles at fault where the platform names them."""
    words = PUBLISH_ENDS.get(status, f"平台返回状态 {status}")
    listed = places if isinstance(places, list) else [places] if places else []
    return f"{words}（第 {'、'.join(str(place) for place in listed)} 条）" if listed else words
