"""Citizens' pictures, voice and video: media/get, which hands out what WeChat keeps for three days."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from channels.abilities.citizens_files import HandsOutFiles, NoLongerThere
from channels.adapters.calling import harmless
from channels.adapters.wechat import codes
from channels.adapters.wechat.codes import Answered, error_of

if TYPE_CHECKING:
    from channels.adapters.wechat.sending import Sending


class WeChatCitizensFiles(HandsOutFiles):
    """What an official account can fetch of what citizens sent."""

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def hand_out(self, handle: str, most: int) -> bytes:
        """media/get; a video is handed out by an address of its own."""
        try:
            with harmless():
                return self.sending.client.hand_out(handle, most)
        except Answered as answer:
            if answer.code == codes.NO_SUCH_MEDIA:
                raise NoLongerThere("微信只保留 3 天", code=str(answer.code)) from answer
            raise error_of(answer, self.sending.tools.clock.now()) from answer
