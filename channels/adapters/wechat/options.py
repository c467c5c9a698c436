"""What an account's settings may change about the WeChat adapter; where sources disagree the harsher reading is meant.

Limits: developers.weixin.qq.com draft/add and media/uploadimg, and operators' measurements where they are stricter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from channels.options import SELDOM, Options, option

CORRECTIONS = (("by_hand", "人工更正"), ("notice", "另发更正说明"), ("republish", "删除后重发"))
_SECONDS = "一般不改。"


@dataclass(frozen=True)
class WeChatOptions(Options):
    """Settings of one account. A unit is a half-width character; a Chinese one is two.

    `settle_minutes` is how long after a lost answer a draft that still lies in the box counts as being published.
    `prepare_seconds` is how long one attempt uploads before it lets the rest wait for the next, `act_within_seconds`
    how late in an attempt readers may still see an effect of it. `correction` is what
    happens to a published article when nobody chose: `by_hand`, `notice` or `republish`. `mode` is how the platform
    pushes to us (`plain`, `compat`, `secure`).
    """

    type: Literal["subscription", "service"] = option(
        "公众号类型", "subscription", choices=(("subscription", "订阅号"), ("service", "服务号"))
    )
    confirm_mass_send: bool = option("群发须管理员在微信上确认", False, "公众平台开启了群发保护的选“是”。")
    send_ignore_reprint: bool = option(
        "被判为转载时仍群发",
        False,
        "微信判定文章为转载、原作者又允许转载时：选“是”仍群发，微信会注明来源，也可能换成原创文章的内容；选“否”则不发。",
    )
    mode: Literal["plain", "compat", "secure"] = option(
        "消息加解密方式", "plain", choices=(("plain", "明文"), ("compat", "兼容"), ("secure", "安全"))
    )
    correction: str = option("已发文章的默认更正方式", "by_hand", choices=CORRECTIONS)
    open_comments: bool = option("打开留言", False)
    only_fans_comment: bool = option("只允许粉丝留言", False)
    mass_per_day: int = option("每天群发次数", 1, most=100)
    mass_per_month: int = option("每月群发次数", 4, "服务号每位粉丝每月收到的次数。", most=100)
    mass_calls_per_day: int = option(
        "每天群发接口次数", 100, "服务号全天的群发次数，含按标签群发。", least=1, most=10_000, group=SELDOM
    )
    title_units: int = option("标题上限", 64, "按半角字符数，一个汉字算两个。", least=2, most=64, group=SELDOM)
    author_units: int = option("作者上限", 16, "按半角字符数，一个汉字算两个。", least=2, most=32, group=SELDOM)
    digest_units: int = option("摘要上限", 240, "按半角字符数，一个汉字算两个。", least=2, most=256, group=SELDOM)
    body_characters: int = option("正文字符上限", 20_000, "连同排版。", least=100, most=1_000_000, group=SELDOM)
    body_bytes: int = option("正文字节上限", 1_000_000, least=1000, most=1_000_000, group=SELDOM)
    source_url_bytes: int = option("“阅读原文”链接字节上限", 1024, least=100, most=1024, group=SELDOM)
    articles: int = option("每次最多几条图文", 8, least=1, most=8, group=SELDOM)
    picture_bytes: int = option(
        "正文图片字节上限", 1_000_000, "达到的图片改存素材库。", least=1000, most=1_000_000, group=SELDOM
    )
    material_bytes: int = option("素材图片字节上限", 10_000_000, least=1000, most=10_000_000, group=SELDOM)
    datacube_per_day: int = option("每天读取数据次数", 500, most=10_000, group=SELDOM)
    reply_bytes: int = option("答复市民的字节上限", 2048, least=100, most=2048, group=SELDOM)
    stable_access: bool = option(
        "使用稳定版接口凭证", True, "平台不支持 stable_token 的代理环境才选“否”。", group=SELDOM
    )
    settle_minutes: float = option(
        "结果不明时等待（分钟）", 10.0, "草稿仍在草稿箱时，多久以后才认定没有发出。", least=1, most=120, group=SELDOM
    )
    prepare_seconds: float = option("单次上传素材最长（秒）", 10.0, _SECONDS, least=1, most=300, group=SELDOM)
    act_within_seconds: float = option("单次发送最长（秒）", 20.0, _SECONDS, least=1, most=300, group=SELDOM)
