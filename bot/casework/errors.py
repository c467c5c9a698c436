"""What can stand in the way of handling a ticket."""

from __future__ import annotations

from kernel.errors import XuandaError


class ReturnTooLate(XuandaError):
    """A ticket may be given back until {until} only. Answer it, or hand it over with the reason (转办)."""

    zh = "退单时限（{until}）已过。请办理答复；确不属本单位职责的，可写明理由转办。"
    status = 409


class NotSentHere(XuandaError):
    """This ticket was not handed over by another unit, so there is nobody to give it back to. Hand it over (转办)."""

    zh = "这件工单不是别的单位转来的，没有可退回的单位。不属本单位职责的，请转办。"
    status = 409


class NoMoreTime(XuandaError):
    """More time cannot be asked for now: {why}. Answer the ticket by its deadline."""

    zh = "现在不能申请延期：{why}。请在期限内答复。"
    status = 409


class OwnWork(XuandaError):
    """Nobody decides on what he wrote himself. {name} can do it."""

    zh = "不能审批自己写的内容，请由{name}办理。"
    status = 403


class NotAMain(XuandaError):
    """This ticket cannot be the main one: {why}. Choose another number, or leave the tickets apart."""

    zh = "不能并入这件工单：{why}。请另选编号，或分别办理。"
    status = 409


class Merged(XuandaError):
    """This ticket hangs on {number} and is answered with it. Act on that one, or take this one off it first."""

    zh = "这件工单已并入 {number}，随主单答复。请办理主单，或先取消并单。"
    status = 409
