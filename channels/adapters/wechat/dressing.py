"""The lines that an official account puts above and below each of its articles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from channels.abilities.dressing import Dressed
from channels.options import Options, option


@dataclass(frozen=True)
class Dressing(Options):
    """What an account's articles begin and end with; `credits` are pairs of what somebody did and his name."""

    guide_line: str = option("文首引导语", "", "印在每篇文章正文之前，如“点击上方蓝字关注我们”。", most=60)
    closing: str = option("文末落款", "", "印在每篇文章的最后一行。", most=100)
    credits: tuple[str, ...] = option(
        "文末署名",
        (),
        "每行一项：职责=姓名，如 责任编辑=张三；不填则印稿件的编辑。",
        most=5,
        pattern=r"[^=＝]{1,12}[=＝].{1,20}",
    )
    qr: str = option(
        "文末二维码图片",
        "",
        "印在每篇文章的最后。选择图片上传；也可填图片在本系统中的地址。",
        most=200,
        picture=True,
        pattern=r"(https?://[^\s/]+)?(/console)?/media/[0-9a-f]{64}\.(jpg|png)",
    )
    qr_words: str = option("二维码说明", "扫描二维码关注我们", "读屏软件读给读者听。", most=60)
    picture_message: bool = option(
        "图集按图片消息发布", False, "图片在前、文字在后，最多 20 张；送审时就按这个样式审签，须单独发布，不能组稿。"
    )
    hotline: str = option("文中热线电话", "", "问答文章末尾告诉读者的电话，不填为 12345。", most=30)


def _qr(chosen: Dressing) -> Mapping[str, str]:
    """The code by the address that pictures of articles have, so that it goes to the platform as they do."""
    name = chosen.qr.rpartition("/")[2]
    return {"src": f"/media/{name}", "alt": chosen.qr_words} if name else {}


class WeChatDressing(Dressed):
    """Guide line, closing line, credits and hotline."""

    @classmethod
    def dressing(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """What was filled in."""
        chosen = Dressing.of(settings)
        lines = [line.replace("＝", "=").partition("=") for line in chosen.credits]
        found = {
            "guide_line": chosen.guide_line,
            "closing": chosen.closing,
            "hotline": chosen.hotline,
            "qr": _qr(chosen),
            "picture_message": chosen.picture_message,
            "credits": [[role.strip(), person.strip()] for role, _sign, person in lines],
        }
        return {name: value for name, value in found.items() if value}
