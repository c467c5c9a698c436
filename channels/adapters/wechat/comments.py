"""留言: comment/list, markelect, delete, reply/add, reply/delete, open and close (doc/service/api/leaving).

An article is named by the number of its message and a place that here, and only here, is counted from 0. Only
certified accounts with the comment function may call these.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from channels.abilities.comments import Comment, CommentLimits, Heard, HearsComments, OwnAnswer
from channels.adapters.wechat import codes
from channels.base import Placed
from channels.errors import ChannelError, Refused, Unsupported

if TYPE_CHECKING:
    from channels.adapters.wechat.sending import Sending

# The platform lists fewer than 50 at once; 200 pages are 9,800 comments beneath one article.
AT_ONCE = 49
MOST_PAGES = 200
ANSWER_CHARACTERS = 600
NO_RIGHT = frozenset({codes.NO_COMMENTS, codes.NOT_GRANTED})


class WeChatComments(HearsComments):
    """What an official account can do with comments."""

    comment_limits: ClassVar[CommentLimits] = CommentLimits(
        can=frozenset({"select", "delete", "remove_answer", "switch", "choose"}),
        one_answer=True,
        notes=(
            "须为已认证且有留言功能的公众号，文章须打开留言。",
            "每条留言只能有一条作者答复；精选后其他读者才看得到留言和答复。",
            "平台不提供留言人的昵称，只有编号。",
        ),
    )

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def hear_comments(self, placed: Placed, cursor: str) -> Heard:
        """All that stands beneath an article: the platform gives no mark from which only what is new could be read."""
        listed: list[Mapping[str, Any]] = []
        complete = False
        for _page in range(MOST_PAGES):
            answer = self._ask("list", placed, begin=len(listed), count=AT_ONCE, type=0)
            found, total = answer.get("comment") or [], answer.get("total")
            listed += found
            if not found or len(listed) >= int(total or 0):
                # What does not say how many there are proves of none that it is gone.
                complete = total is not None
                break
        comments = {str(one["user_comment_id"]): _comment(one) for one in listed}
        answers = [own for one in listed if (own := _own(one))]
        return Heard(list(comments.values()), answers, complete)

    def answer_fault(self, text: str) -> str:
        """The length; the platform itself says only that there is one (88007)."""
        over = len(text) > ANSWER_CHARACTERS
        return f"答复共 {len(text)} 字，公众号留言答复最多 {ANSWER_CHARACTERS} 字。" if over else ""

    def answer_comment(self, placed: Placed, comment: Comment, text: str) -> str:
        """comment/reply/add: one answer to a comment."""
        try:
            self._do("reply/add", placed, user_comment_id=int(comment.id), content=text)
        except Refused as refused:
            if refused.platform_code != str(codes.ANSWERED_ALREADY):
                raise
            if not self._stands_there(placed, comment.id, text):
                raise
        return ""

    def select_comment(self, placed: Placed, comment_id: str, selected: bool) -> None:
        """comment/markelect and comment/unmarkelect."""
        self._do("markelect" if selected else "unmarkelect", placed, user_comment_id=int(comment_id))

    def delete_comment(self, placed: Placed, comment_id: str) -> None:
        """comment/delete."""
        self._do("delete", placed, gone=codes.NO_SUCH_COMMENT, user_comment_id=int(comment_id))

    def delete_answer(self, placed: Placed, comment_id: str, answer_id: str) -> None:
        """comment/reply/delete."""
        self._do("reply/delete", placed, gone=codes.NO_SUCH_ANSWER, user_comment_id=int(comment_id))

    def switch_comments(self, placed: Placed, opened: bool) -> None:
        """comment/open and comment/close."""
        self._do("open" if opened else "close", placed)

    def _stands_there(self, placed: Placed, comment_id: str, text: str) -> bool:
        return any(own.to == comment_id and own.text == text for own in self.hear_comments(placed, "").answers)

    def _ask(self, act: str, placed: Placed, **more: Any) -> Any:
        body = {**_article(placed), **more}
        try:
            with self.sending.harmlessly():
                return self.sending.client.post(f"comment/{act}", data=body)
        except ChannelError as error:
            raise _no_right(error) from error

    def _do(self, act: str, placed: Placed, *, gone: int = 0, **more: Any) -> None:
        body = {**_article(placed), **more}
        try:
            with self.sending.visibly():
                self.sending.client.post(f"comment/{act}", data=body)
        except ChannelError as error:
            if not gone or error.platform_code != str(gone):
                raise _no_right(error) from error


def _no_right(error: ChannelError) -> ChannelError:
    """The account's credentials are good: what it lacks is the function, which no new authorisation brings."""
    if error.platform_code in {str(code) for code in NO_RIGHT}:
        return Unsupported(error.reason, code=error.platform_code)
    return error


def _article(placed: Placed) -> dict[str, int]:
    message, place = placed.data.get("msg_data_id"), placed.data.get("idx")
    if not message or not place:
        raise Unsupported("不知道这篇文章的消息编号（发出时平台没有给出），请到公众平台后台处理留言")
    return {"msg_data_id": int(message), "index": int(place) - 1}


def _comment(one: Mapping[str, Any]) -> Comment:
    return Comment(
        id=str(one["user_comment_id"]),
        author=str(one.get("openid") or ""),
        name="",
        text=str(one.get("content") or ""),
        at=datetime.fromtimestamp(int(one["create_time"]), UTC),
        selected=int(one.get("comment_type") or 0) == 1,
    )


def _own(one: Mapping[str, Any]) -> OwnAnswer | None:
    reply = one.get("reply") or {}
    if not reply.get("content"):
        return None
    at = datetime.fromtimestamp(int(reply.get("create_time") or one["create_time"]), UTC)
    return OwnAnswer("", str(one["user_comment_id"]), str(reply["content"]), at)
