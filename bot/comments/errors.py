"""What can stand in a person's way at the comments."""

from __future__ import annotations

from kernel.errors import XuandaError


class AnswerUnderWay(XuandaError):
    """An answer to this comment is on its way, unclear, or stands there already. Look at it first; to change it, take
    it back."""

    zh = "这条评论已有答复，或答复正在发送、结果待核实。请先查看；要修改，先删除原答复。"
    status = 409


class WordsToCheck(XuandaError):
    """Look at these words once more: {what} Tick that you have checked them, and send again."""

    zh = "请再核对用词：{what}确认无误后勾选“已核对”再提交。"
    status = 422
