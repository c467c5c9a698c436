"""The only table of allowed moves of a piece and of a release."""

from __future__ import annotations

from enum import StrEnum

from kernel.errors import WrongState


class PieceState(StrEnum):
    """Where a piece stands."""

    DRAFT = "draft"
    REVIEW = "review"
    RETURNED = "returned"
    SIGNED = "signed"
    LIVE = "live"
    WITHDRAWN = "withdrawn"
    TRASH = "trash"


PIECE_LABELS = {
    PieceState.DRAFT: "草稿",
    PieceState.REVIEW: "审核中",
    PieceState.RETURNED: "已退回",
    PieceState.SIGNED: "已签发",
    PieceState.LIVE: "已发布",
    PieceState.WITHDRAWN: "已撤稿",
    PieceState.TRASH: "回收站",
}


class ReleaseState(StrEnum):
    """Where a release stands; a void one stays for the record."""

    OPEN = "open"
    RETURNED = "returned"
    SIGNED = "signed"
    VOID = "void"


RELEASE_LABELS = {
    ReleaseState.OPEN: "待审签",
    ReleaseState.RETURNED: "已退回",
    ReleaseState.SIGNED: "已签发",
    ReleaseState.VOID: "已作废",
}

S = PieceState
_EDITABLE = frozenset({S.DRAFT, S.REVIEW, S.RETURNED, S.SIGNED, S.LIVE, S.WITHDRAWN})

# act -> (states it may start from, state it leads to, what it is called)
MOVES: dict[str, tuple[frozenset[PieceState], PieceState, str]] = {
    "edit": (_EDITABLE, S.DRAFT, "修改"),
    "submit": (frozenset({S.DRAFT, S.RETURNED}), S.REVIEW, "送审"),
    "recall": (frozenset({S.REVIEW}), S.DRAFT, "撤回送审"),
    "return": (frozenset({S.REVIEW, S.SIGNED}), S.RETURNED, "退回"),
    "sign": (frozenset({S.REVIEW}), S.SIGNED, "签发"),
    "go_live": (frozenset({S.SIGNED, S.LIVE}), S.LIVE, "发布"),
    "withdraw": (frozenset({S.LIVE}), S.WITHDRAWN, "撤稿"),
    "trash": (frozenset({S.DRAFT, S.RETURNED}), S.TRASH, "移入回收站"),
    "restore": (frozenset({S.TRASH}), S.DRAFT, "恢复"),
}


def move(state: str, act: str) -> PieceState:
    """The state after the act; raises WrongState when the act is not possible now."""
    allowed, target, label = MOVES[act]
    if PieceState(state) not in allowed:
        raise WrongState(state=PIECE_LABELS[PieceState(state)], act=label)
    return target


def may_move(state: str, act: str) -> bool:
    """Whether the act is possible now."""
    return PieceState(state) in MOVES[act][0]
