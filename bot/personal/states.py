"""Where a citizen's request about his own data can stand, with the words for it."""

from __future__ import annotations

from enum import StrEnum

from templates.catalogue import _


class RequestKind(StrEnum):
    """查阅复制 (个人信息保护法第四十五条) or 删除 (第四十七条)."""

    COPY = "copy"
    ERASE = "erase"


class RequestState(StrEnum):
    """Asked; being deleted; deleted but for what is not closed yet; done; declined with its reason."""

    OPEN = "open"
    ERASING = "erasing"
    KEEPING = "keeping"
    DONE = "done"
    DECLINED = "declined"


KIND_LABELS = {RequestKind.COPY: _("查阅、复制个人信息"), RequestKind.ERASE: _("删除个人信息")}
STATE_LABELS = {
    RequestState.OPEN: _("待办理"),
    RequestState.ERASING: _("删除中"),
    RequestState.KEEPING: _("部分待办结后删除"),
    RequestState.DONE: _("已办结"),
    RequestState.DECLINED: _("不予办理"),
}
GOING_ON = (RequestState.ERASING, RequestState.KEEPING)
"""What the duty goes on with."""
