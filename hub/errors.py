"""What a command cannot do, said in one line on the terminal."""

from __future__ import annotations

from kernel.errors import XuandaError


class CannotRun(XuandaError):
    """{why}"""

    zh = "{why}"


class BadBackup(XuandaError):
    """This file is no whole backup: {why} Nothing was changed; use another backup."""

    zh = "此文件不是完整的备份：{why}未作任何更改，请改用其他备份。"
