"""Where a comment can stand, with the field's words for it."""

from __future__ import annotations

from enum import StrEnum

from templates.catalogue import _


class CommentState(StrEnum):
    """Waiting for an answer, answered, found to need none, or gone from the platform."""

    OPEN = "open"
    ANSWERED = "answered"
    SETTLED = "settled"
    GONE = "gone"


COMMENT_LABELS = {
    CommentState.OPEN: _("待答复"),
    CommentState.ANSWERED: _("已答复"),
    CommentState.SETTLED: _("无需答复"),
    CommentState.GONE: _("已删除"),
}
