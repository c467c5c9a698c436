"""What can go wrong with a booking, in words for the person it happens to."""

from __future__ import annotations

from collections.abc import Mapping

from kernel.errors import XuandaError


class AlreadyBooked(XuandaError):
    """This is already booked or was already sent to {account} ({state}). A further time needs a new occurrence."""

    zh = "该内容在“{account}”已有安排（{state}）。如需再次发布，请明确选择“再发一次”。"
    status = 409


class AlreadyShown(AlreadyBooked):
    """{account} shows it already. Correct it there to show the new words; sending it anew must be asked for."""

    zh = "“{account}”上已有该稿件。改了内容请用“更正”；确需再发一条新的，请明确选择“再发一次”。"


class NotSigned(XuandaError):
    """{account} is not among the accounts that were submitted with this release. Submit again with it."""

    zh = "送审时未选择“{account}”，不能发布到该账号。请加选后重新送审。"
    status = 422


class WiderThanSigned(XuandaError):
    """{what} goes beyond what was signed. Choose something narrower, or submit again."""

    zh = "{what}超出已签发的范围。请选择更窄的方式，或重新送审。"
    status = 422


class DoesNotFit(XuandaError):
    """It does not fit {account}: {problem} Change it and submit again."""

    zh = "不符合“{account}”的要求：{problem}请修改后重新送审。"
    status = 422


class SomeDoNotFit(XuandaError):
    """These channels cannot take it: {what} Mend it, or leave them out and send it to the others."""

    zh = "有渠道发不了：{what}请修改，或不选这些渠道，先发其余渠道。"
    status = 422

    def __init__(self, by_account: Mapping[int, DoesNotFit]) -> None:
        self.by_account = by_account
        what = "".join(f"“{one.details['account']}”{one.details['problem']}" for one in by_account.values())
        super().__init__(field="accounts", what=what)


class TakenMeanwhile(XuandaError):
    """The delivery moved on in the meantime: it is {state} now. Reload to see what is possible."""

    zh = "该任务状态已变为“{state}”。请刷新页面查看可以做什么。"
    status = 409


class BeingAsked(XuandaError):
    """The platform is being asked about it at this very moment, and may yet take it. Look again in a minute."""

    zh = "正在向平台核实这条内容，核实时平台仍可能收下并发出。请过一分钟刷新页面，看核实结果再决定。"
    status = 409


class Frozen(XuandaError):
    """Everything is stopped here ({reason}). Let this one through, or wait until the stop has been ended."""

    zh = "此处已一键停发（{reason}）。可单独放行此任务，或等停发解除。"
    status = 409


class NotYoursToOrder(XuandaError):
    """The order of a bundle is decided by who signs last, and only until it begins to go out."""

    zh = "组稿的头条和顺序由签发人确定，且只能在开始发送之前调整。"
    status = 403


class OrderedMeanwhile(XuandaError):
    """Somebody else has put this bundle in another order meanwhile. Look at it again."""

    zh = "顺序刚被他人调整过，请核对现在的顺序后再改。"
    status = 409


class MovedMeanwhile(XuandaError):
    """Somebody else has moved this task to {at} meanwhile. Look at the calendar again."""

    zh = "此任务已被他人改期到 {at}，请刷新日历，确认后再改。"
    status = 409


class OfflineBooked(XuandaError):
    """It is to be taken off {account} at {at} already. Move or cancel that task instead."""

    zh = "该稿件已预定于 {at} 从“{account}”下线。请到该任务改期或取消。"
    status = 409


class OutsideSeries(XuandaError):
    """Occurrence {number} ({at}) lies outside the signed window ({window}). Take fewer, or have a longer one signed."""

    zh = "系列的第 {number} 次（{at}）超出签发的时间窗（{window}）。请减少次数，或重新送审更长的时间窗。"
    status = 422


class NoFreeSlot(XuandaError):
    """{account} has no free slot that fits what was signed. Choose a time, add a slot, or submit a longer window."""

    zh = "“{account}”在签发的时间窗内没有合适的空档。请改为指定时间、增设发布栏位，或重新送审更长的时间窗。"
    status = 409


class SlotGone(XuandaError):
    """The slot shown on {account} ({at}) is taken by now; the next one is {next}. Nothing was booked: confirm again."""

    zh = "“{account}”的空档 {at} 刚被占用，下一个空档是 {next}。尚未安排，请核对后再次确认。"
    status = 409
