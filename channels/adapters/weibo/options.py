"""What an account's settings may change about the Weibo adapter."""

from __future__ import annotations

from dataclasses import dataclass

from channels.options import SELDOM, Options, option

CORRECTIONS = (("by_hand", "人工更正"), ("notice", "另发更正说明"), ("republish", "删除后重发"))
ANSWERS = (("reply", "回复评论"), ("create", "另发评论并@对方"))
REQUESTS_PER_DAY = 100
CHARACTERS = 140
DUPLICATE_MINUTES = 10


@dataclass(frozen=True)
class WeiboOptions(Options):
    """Settings of one account. `duplicate_minutes` is how long the platform refuses the same words: that window is
    in which a lost answer is settled by repeating."""

    uid: str = option("微博 UID", "", "数字编号，用于核实是否已发出。", most=20, pattern=r"\d{1,20}")
    rip: str = option("运营者公网 IP", "", "微博接口必填的操作者真实 IP。", most=45, required=True)
    safe_domains: tuple[str, ...] = option("应用安全域名", (), "每行一个域名；正文链接须在这些域名下。", most=20)
    picture: bool = option("附封面图片", True)
    characters: int = option(
        "正文字数上限", CHARACTERS, "按微博的算法：两个半角字符算一个字。", least=1, most=CHARACTERS
    )
    address_characters: int | None = option(
        "每个链接算多少字", None, "默认按链接实际长度计，最严；平台确认后可填。", least=1, most=CHARACTERS
    )
    requests_per_day: int = option("每天接口调用次数", REQUESTS_PER_DAY, least=1, most=100_000)
    correction: str = option("已发微博的默认更正方式", "by_hand", choices=CORRECTIONS)
    comment_answer: str = option("答复评论的方式", "reply", "“回复评论”须微博授予高级权限。", choices=ANSWERS)
    duplicate_minutes: float = option(
        "平台拒收相同微博的时长（分钟）", DUPLICATE_MINUTES, "发送结果不明时，在这段时间内核实。", least=1, most=1440,
        group=SELDOM,
    )  # fmt: skip
