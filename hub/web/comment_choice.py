"""打开留言: whether readers may write beneath what is booked, where the platform lets one say so beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from channels.abilities.comments import CHOSEN, CLOSED, FANS, OPEN, HearsComments
from channels.registry import channels as installed
from kernel.errors import Invalid
from templates.catalogue import _

LABELS: Mapping[str, str] = {OPEN: _("打开留言"), FANS: _("只允许粉丝留言"), CLOSED: _("关闭留言")}


def offered(channel: str) -> Sequence[tuple[str, str]]:
    """What may be chosen on a channel; nothing where its platform does not let one choose."""
    adapter = installed().get(channel)
    can = adapter is not None and issubclass(adapter, HearsComments) and "choose" in adapter.comment_limits.can
    return tuple(LABELS.items()) if can else ()


def note_of(chosen: str, channel: str) -> Mapping[str, str]:
    """What the delivery's note holds of the choice; nothing leaves it to the account. Raises Invalid."""
    if not chosen:
        return {}
    if chosen not in dict(offered(channel)):
        raise Invalid(field="comments", why="该渠道不能在安排时选择是否打开留言。")
    return {CHOSEN: chosen}
