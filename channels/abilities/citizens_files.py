"""A platform that pushes the number of a citizen's picture, voice or video, and hands the file out for some days."""

from __future__ import annotations

from abc import ABC, abstractmethod

from channels.errors import Refused

# In a message's media: the number under which the platform hands its file out.
HANDLE = "media_id"


class NoLongerThere(Refused):
    """The platform no longer has the file ({reason})."""

    zh = "平台已没有这个文件（{reason}）。"


class TooLarge(Refused):
    """The file is larger than the office keeps ({reason})."""

    zh = "文件过大，没有保留（{reason}）。"


class HandsOutFiles(ABC):
    """What an adapter can do whose platform keeps citizens' files for a while."""

    @abstractmethod
    def hand_out(self, handle: str, most: int) -> bytes:
        """The file's bytes, at most `most` of them. Shows nobody anything and may be repeated.

        Raises NoLongerThere, TooLarge, or what any call may raise.
        """
