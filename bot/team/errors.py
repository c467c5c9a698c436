"""What can stand in the way of people working together at the desk."""

from __future__ import annotations

from kernel.errors import XuandaError


class OnAlready(XuandaError):
    """{name} is already on {shift} on {day}, at the same time. Nothing was planned: take that off first."""

    zh = "{name}在 {day} 已排“{shift}”，时间重叠，没有排班。请先取消原来的班，或换人。"
    status = 409


class TooManyAway(XuandaError):
    """{names} are on a break now, and no more than {most} may be at once. Wait until one is back."""

    zh = "{names}正在小休，同时最多 {most} 人。请等一位回来后再休息。"
    status = 409


class NothingToHandOver(XuandaError):
    """You have no conversation and no ticket to hand over. Write a note if your colleagues should know something."""

    zh = "您没有进行中的会话和工单。需要告知同事时，请写下交接说明。"
    status = 409


class TakenOver(XuandaError):
    """{name} has already taken this over."""

    zh = "{name}已经接班。"
    status = 409


class NotTheSame(XuandaError):
    """Only two conversations of one person on the same account can be merged. These are not on one account."""

    zh = "只能合并同一账号上同一位市民的会话。请核对后另选。"
    status = 409


class DeskShut(XuandaError):
    """The desk of {unit} is shut now ({hours}). Make a ticket, which gets a deadline, or choose another unit."""

    zh = "{unit}现在不在人工服务时间（{hours}），不能转过去。请转工单并转办该单位，对方按时限答复；或选择其他单位。"
    status = 422


class DeskUnattended(XuandaError):
    """Nobody is at the desk of {unit} now. Make a ticket, which gets a deadline, or choose another unit."""

    zh = "{unit}现在没有坐席在岗，不能转过去。请转工单并转办该单位，对方按时限答复；或选择其他单位。"
    status = 422
