"""One family of errors; an error's docstring is its message in English, `zh` the same in Chinese.

A message says what happened, why, and what to do next. Placeholders are filled from the keyword
arguments the error is raised with; `field` names the form field it belongs to.
"""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, tzinfo
from typing import ClassVar


class XuandaError(Exception):
    """Something went wrong on our side. Try again; if it stays, tell the administrator."""

    zh: ClassVar[str] = "系统出了问题，操作没有完成。请重试；仍不行请联系系统管理员。"
    status: ClassVar[int] = 500
    zone: ClassVar[tzinfo] = UTC
    """In which moments among the details are told; the installation sets its office's."""

    def __init__(self, *, field: str | None = None, **details: object) -> None:
        self.field = field
        self.details = details
        super().__init__(self.message("en"))

    def message(self, language: str = "zh") -> str:
        """The sentence for a person, in `zh` or `en`, with the details filled in."""
        text = self.zh if language == "zh" else inspect.cleandoc(type(self).__doc__ or "").partition("\n\n")[0]
        told = {name: self._told(one, language) for name, one in self.details.items()}
        return text.replace("\n", " ").format_map(_Details(told))

    def _told(self, detail: object, language: str) -> object:
        if isinstance(detail, datetime):
            return f"{detail.astimezone(self.zone):%Y-%m-%d %H:%M}"
        # What bears its own Chinese words is called by its code word in English only.
        return getattr(detail, "zh", detail) if language == "zh" else detail

    @property
    def code(self) -> str:
        """A stable name for programs: the class's name."""
        return type(self).__name__


class _Details(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return ""


class NotFound(XuandaError):
    """There is nothing here, or you may not see it. Check the address or ask the person who sent it."""

    zh = "没有找到，或您无权查看。请核对地址，或询问给您链接的人。"
    status = 404


class Forbidden(XuandaError):
    """Your role does not allow this ({what}). Ask the security administrator if it should."""

    zh = "您的角色不能做这件事（{what}）。确有需要，请联系安全管理员授权。"
    status = 403


class Invalid(XuandaError):
    """{why} Nothing was saved; correct the field and send it again."""

    zh = "{why}未保存，请改正后重新提交。"
    status = 422


class Stale(XuandaError):
    """Somebody else changed this in the meantime ({what}). Your text is kept below; compare it and save again."""

    zh = "此内容已被他人修改（{what}）。您填写的内容保留在下方，请对照后重新保存。"
    status = 409


class WrongState(XuandaError):
    """This cannot be done now: it is {state}, and {act} needs it to be otherwise. Reload to see what is possible."""

    zh = "当前状态为“{state}”，不能{act}。请刷新页面查看可以做什么。"
    status = 409
