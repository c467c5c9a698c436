"""Takes articles back: freepublish/delete for published ones, message/mass/delete for mass-sent ones.

Both are irreversible and leave the cards that people received. A second deletion of the same article does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.adapters.wechat import codes
from channels.adapters.wechat.sending import Sending, places_of
from channels.base import Live, Post, Uncorrectable
from channels.errors import Refused

CARDS_STAY = "已推送到粉丝的消息卡片仍在对方手机里，点开显示内容已删除。"
_GONE = frozenset({str(codes.BAD_ARTICLE_ID), str(codes.BAD_MESSAGE_ID)})


def withdraw(sending: Sending, post: Post) -> Live | Uncorrectable:
    """Deletes each article where it shows, a notice of correction too; says what only a person can take back."""
    places = {placed.piece_id: places_of(placed) for placed in post.placed.values()}
    if not all(found and all(place["idx"] for place in found) for found in places.values()):
        return Uncorrectable("没有这篇文章在微信上的编号，请到公众平台后台删除", by_hand=True)
    remarks = [remark for found in places.values() for place in found if (remark := _remove(sending, place))]
    return Live(remark="".join(dict.fromkeys(remarks)))


def _remove(sending: Sending, place: Mapping[str, Any]) -> str:
    article_id, idx = place["article_id"], int(place["idx"])
    try:
        with sending.harmlessly():
            if article_id:
                sending.client.freepublish.delete(str(article_id), idx)
                return ""
            body = {"msg_id": int(place["msg_id"]), "article_idx": idx}
            sending.client.post("message/mass/delete", data=body)
            return CARDS_STAY
    except Refused as refused:
        if refused.platform_code in _GONE:
            return "平台上已没有这篇文章。"
        raise
