"""The states of a delivery, what they are called, and the only table of allowed moves."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where a delivery stands. *Due* is no state but a question: `next_at` has come."""

    BOOKED = "booked"
    HELD = "held"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    MANUAL = "manual"
    CANCELLED = "cancelled"


S = DeliveryState
# Given to the platform, its result not known yet.
ON_ITS_WAY = (S.SENDING, S.ACCEPTED, S.UNKNOWN)

DELIVERY_LABELS = {
    S.BOOKED: "待发",
    S.HELD: "暂缓发布",
    S.SENDING: "发送中",
    S.ACCEPTED: "平台处理中",
    S.DONE: "已发布",
    S.FAILED: "发布失败",
    S.UNKNOWN: "结果待核实",
    S.MANUAL: "人工发布",
    S.CANCELLED: "已取消",
}

# state -> states it may lead to; a repeat of a call to the platform starts only from BOOKED.
MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    S.BOOKED: frozenset({S.SENDING, S.HELD, S.MANUAL, S.CANCELLED}),
    S.HELD: frozenset({S.BOOKED, S.MANUAL, S.CANCELLED}),
    S.SENDING: frozenset({S.DONE, S.ACCEPTED, S.BOOKED, S.FAILED, S.UNKNOWN, S.HELD, S.MANUAL}),
    # Cancelled only where a stop ends before anything of it was sent.
    S.ACCEPTED: frozenset({S.DONE, S.FAILED, S.UNKNOWN, S.ACCEPTED, S.CANCELLED}),
    S.UNKNOWN: frozenset({S.DONE, S.ACCEPTED, S.BOOKED, S.FAILED, S.UNKNOWN, S.MANUAL, S.CANCELLED}),
    S.FAILED: frozenset({S.BOOKED, S.MANUAL, S.CANCELLED}),
    S.MANUAL: frozenset({S.DONE, S.CANCELLED}),
    S.DONE: frozenset(),
    S.CANCELLED: frozenset(),
}

OPEN = (S.BOOKED, S.HELD, S.SENDING, S.ACCEPTED, S.UNKNOWN, S.FAILED, S.MANUAL)


class PlacementState(StrEnum):
    """What an account shows of a piece."""

    LIVE = "live"
    WITHDRAWN = "withdrawn"
    UNCORRECTABLE = "uncorrectable"


PLACEMENT_LABELS = {
    PlacementState.LIVE: "已发布",
    PlacementState.WITHDRAWN: "已撤稿",
    PlacementState.UNCORRECTABLE: "无法更正",
}

CORRECTION_LABELS = {"": "", "corrected": "已更正", "by_hand": "人工更正", "impossible": "无法更正"}
