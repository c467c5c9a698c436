"""What the platform counts of 群发: a subscription account's sends by day, a service account's by reader and month.

A service account reaches each follower at most so often a month, and all of them at most once a day; sends to a tag
count for those who bear it. Rules: developers.weixin.qq.com, Batch_Sends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from channels.abilities.rations import Ration, Rationed
from channels.adapters.wechat.fit import tags_of
from channels.adapters.wechat.options import WeChatOptions

SENDS: Final = "mass_send"
TAG = f"{SENDS}.tag."
CALLS = "mass_call"


class WeChatRations(Rationed):
    """The limits of 群发 by the account's type and the audience."""

    @classmethod
    def rations(cls, settings: Mapping[str, Any], action: str, audience: Mapping[str, Any]) -> Sequence[Ration]:
        """只发布 is not limited."""
        return rations(WeChatOptions.of(settings), audience) if action == SENDS else ()


def rations(options: WeChatOptions, audience: Mapping[str, Any]) -> list[Ration]:
    """What limits one 群发."""
    day = Ration(SENDS, (SENDS,), "day", options.mass_per_day)
    if options.type == "subscription":
        return [day]
    calls = Ration(SENDS, (CALLS,), "day", options.mass_calls_per_day)
    tags = tags_of(audience)
    if tags:
        return [calls, *(Ration(SENDS, (f"{TAG}{tag}", SENDS), "month", options.mass_per_month, TAG) for tag in tags)]
    return [day, calls, Ration(SENDS, (SENDS,), "month", options.mass_per_month, TAG)]
