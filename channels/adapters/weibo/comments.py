"""评论: comments/show, create, reply and destroy (open.weibo.com/wiki/2/comments/show).

Every call counts against the day's hundred, so that only what is newer than the last hearing is asked for.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from channels.abilities.comments import Comment, CommentLimits, Heard, HearsComments, OwnAnswer
from channels.adapters.weibo import fit
from channels.adapters.weibo.calls import Calls
from channels.adapters.weibo.client import Remark, WeiboClient
from channels.adapters.weibo.codes import GONE, NO_PERMISSION, NO_SUCH_COMMENT, REPEATED
from channels.base import AccountInfo, Placed
from channels.errors import Refused, Unsupported

AT_ONCE = 50
# What one hearing may cost of the day's calls beneath one post; the rest is heard the next time.
MOST_PAGES = 3
NEW_COMMENT = "create"


@dataclass(frozen=True)
class _Mark:
    """Everything up to `low` was heard; with `high`, what lies between is still to be heard, and `top` is newest."""

    low: int = 0
    high: int = 0
    top: int = 0

    @classmethod
    def of(cls, cursor: str) -> _Mark:
        numbers = [int(one) for one in cursor.split("-") if one.isdigit()]
        return cls(*numbers) if len(numbers) == 3 else cls()

    def __str__(self) -> str:
        return f"{self.low}-{self.high}-{self.top}"


class WeiboComments(HearsComments):
    """What a Weibo account can do with comments; `comment_answer` in its settings chooses the way of answering."""

    comment_limits: ClassVar[CommentLimits] = CommentLimits(
        can=frozenset({"remove_answer"}),
        one_answer=False,
        notes=(
            "读取评论与发布共用每天的接口调用次数，读取均匀分布在全天，并为发布留出余量。",
            "“回复评论”是高级接口，未获授权的应用可改为“另发评论并@对方”。",
            "微博不开放精选、关闭评论和删除他人评论的接口，请在微博上操作。",
        ),
    )
    account: AccountInfo
    client: WeiboClient

    @property
    @abstractmethod
    def calls(self) -> Calls:
        """The day's calls."""

    def hear_comments(self, placed: Placed, cursor: str) -> Heard:
        """What is newer than at the last hearing."""
        mark, more = _Mark.of(cursor), False
        found: list[Remark] = []
        for _page in range(MOST_PAGES):
            listed = self._show(placed, mark)
            found += listed
            numbers = [int(one.id) for one in listed]
            mark = _Mark(mark.low, min(numbers, default=0) - 1, max([mark.top, mark.low, *numbers]))
            more = len(listed) >= AT_ONCE
            if not more:
                mark = _Mark(low=mark.top)
                break
        ours = [one for one in found if one.uid == self._uid()]
        comments = [Comment(one.id, one.uid, one.name, one.text, one.at) for one in found if one not in ours]
        answers = [OwnAnswer(one.id, one.to, _without_address(one.text), one.at) for one in ours]
        return Heard(comments, answers, cursor=str(mark), more=more)

    def answer_fault(self, text: str) -> str:
        """The length, with the address of the reader where the answer needs one."""
        # A name has 30 characters at most.
        limit = 140 - (fit.characters("回复@：") + 30 if self._by_new_comment() else 0)
        over = fit.characters(text) > limit
        return f"答复共 {fit.characters(text)} 字，微博评论最多 {limit} 字。" if over else ""

    def answer_comment(self, placed: Placed, comment: Comment, text: str) -> str:
        """comments/reply, or comments/create with the reader's name in front."""
        rip = str(self.account.settings.get("rip", ""))
        try:
            with self.calls.asking(visible=True):
                if self._by_new_comment():
                    return self.client.comment(placed.remote_id, f"回复@{comment.name}：{text}", rip)
                return self.client.reply_to(placed.remote_id, comment.id, text, rip)
        except Refused as refused:
            code = int(refused.platform_code or 0)
            if code in REPEATED:
                return self._standing(placed, comment, text, refused)
            if code == NO_PERMISSION and not self._by_new_comment():
                way = "应用没有“回复评论”的权限；可在账号设置中改为“另发评论并@对方”，或到微博上回复"
                raise Unsupported(way, code=refused.platform_code) from refused
            raise

    def delete_answer(self, placed: Placed, comment_id: str, answer_id: str) -> None:
        """comments/destroy, for the account's own words only."""
        if not answer_id:
            raise Unsupported("没有这条答复的编号，请到微博上删除")
        try:
            with self.calls.asking():
                self.client.destroy_comment(answer_id)
        except Refused as refused:
            code = int(refused.platform_code or 0)
            if code == NO_PERMISSION:
                raise Unsupported("应用没有删除评论的权限，请到微博上删除", code=refused.platform_code) from refused
            if code != NO_SUCH_COMMENT:
                raise

    def _show(self, placed: Placed, mark: _Mark) -> Sequence[Remark]:
        if not placed.remote_id:
            raise Unsupported("没有这条微博的编号，请到微博上查看评论")
        try:
            with self.calls.reading():
                return self.client.comments(placed.remote_id, mark.low, mark.high, AT_ONCE)
        except Refused as refused:
            code = int(refused.platform_code or 0)
            if code == NO_PERMISSION:
                raise Unsupported("应用没有读取评论的权限", code=refused.platform_code) from refused
            if code in GONE:
                return []
            raise

    def _standing(self, placed: Placed, comment: Comment, text: str, refused: Refused) -> str:
        """The number of the answer that stands there already; the same words to somebody else are no answer to him."""
        addressed = f"回复@{comment.name}：{text}"
        with self.calls.asking():
            newer = self.client.comments(placed.remote_id, int(comment.id), 0, AT_ONCE)
        for one in newer:
            if one.uid == self._uid() and (one.text == addressed or (one.to == comment.id and one.text == text)):
                return one.id
        raise Refused(
            "与刚发过的评论文字相同，请改动几个字再答复", code=refused.platform_code, field="text"
        ) from refused

    def _by_new_comment(self) -> bool:
        return self.account.settings.get("comment_answer") == NEW_COMMENT

    def _uid(self) -> str:
        return str(self.account.settings.get("uid", ""))


def _without_address(text: str) -> str:
    """An answer's own words: without the reader's name that was put in front."""
    if not text.startswith("回复@"):
        return text
    _address, colon, words = text.partition("：")
    return words if colon else text
