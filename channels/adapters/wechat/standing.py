"""接管 of a WeChat account: whether we get in, what it may do, and what was set up by hand in its console.

Answers: developers.weixin.qq.com, get_current_autoreply_info and the global return codes. Certification has no
interface of its own: publishing is open to certified accounts only and refuses every other with 48001.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from channels.abilities.menus import ShownMenu
from channels.abilities.takeover import CONTAINS, EXACT, PreparedReply, PresentReplies, Standing, TakingOver
from channels.adapters.wechat.codes import Answered, named_address
from channels.adapters.wechat.menu import WeChatMenus, articles_in_words
from channels.errors import ChannelError

NOT_ALLOWED = "48001"
_LOST = {"img": "图片", "voice": "语音", "video": "视频"}


class WeChatTakingOver(WeChatMenus, TakingOver):
    """The wizard's part of the adapter."""

    def standing(self) -> Standing:
        """Reads the menu, which every account may, and the list of published articles, which certified ones may."""
        try:
            self.menu()
        except ChannelError as error:
            return Standing(False, error.reason, error.platform_code, address_in(error))
        return Standing(True, certified=self._certified())

    def present_menu(self) -> ShownMenu:
        """The menu."""
        return self.menu()

    def present_replies(self) -> PresentReplies:
        """get_current_autoreply_info."""
        with self.sending.harmlessly():
            answer = self.sending.client.get("get_current_autoreply_info")
        return read_replies(answer)

    def _certified(self) -> bool | None:
        try:
            with self.sending.harmlessly():
                self.sending.client.freepublish.batchget(0, 1, 1)
        except ChannelError as error:
            return False if error.platform_code == NOT_ALLOWED else None
        except httpx.HTTPError:
            return None
        return True


def address_in(error: ChannelError) -> str:
    """The address the platform saw, out of its refusal (40164 and its kin name it); '' where it names none."""
    cause = error.__cause__
    return named_address(cause.message) if isinstance(cause, Answered) else ""


def read_replies(answer: Mapping[str, Any]) -> PresentReplies:
    """The replies out of the platform's answer."""
    found = []
    for trigger, name in (("follow", "add_friend_autoreply_info"), ("any", "message_default_autoreply_info")):
        if answer.get(name):
            found.append(_reply(trigger, "", [answer[name]]))
    rules = (answer.get("keyword_autoreply_info") or {}).get("list") or []
    found += [_keyword(rule) for rule in rules]
    follow, keywords = bool(answer.get("is_add_friend_reply_open")), bool(answer.get("is_autoreply_open"))
    return PresentReplies(tuple(found), follow, keywords, dict(answer))


def _keyword(rule: Mapping[str, Any]) -> PreparedReply:
    words = tuple(
        (str(one.get("content", "")).strip(), EXACT if one.get("match_mode") == "equal" else CONTAINS)
        for one in rule.get("keyword_list_info") or []
        if str(one.get("content", "")).strip()
    )
    several = "one" if rule.get("reply_mode") == "random_one" else "all"
    return _reply("keyword", str(rule.get("rule_name", "")), rule.get("reply_list_info") or [], words, several)


def _reply(
    trigger: str,
    name: str,
    parts: list[Mapping[str, Any]],
    words: tuple[tuple[str, str], ...] = (),
    several: str = "all",
) -> PreparedReply:
    answers, lost = [], []
    for part in parts:
        kind = str(part.get("type", ""))
        text = articles_in_words(part.get("news_info")) if kind == "news" else str(part.get("content", ""))
        if kind in ("text", "news") and text.strip():
            answers.append(text.strip())
        else:
            lost.append(_LOST.get(kind, "图文" if kind == "news" else kind or "内容"))
    return PreparedReply(name, trigger, words, tuple(answers), several, tuple(lost))
