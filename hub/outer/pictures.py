"""Citizens' pictures on their way inside: checked and drawn outside, closed to the inside, and drawn anew there.

What is drawn is small (content.pictures), so that it fits a packet; what waits for the inside is bounded, so that
nobody fills the outer host's disk while the inside is away.
"""

from __future__ import annotations

from dataclasses import replace

from bot import gateway
from bot.citizen_files import store as citizen_files
from bot.citizen_files.checking import Checked, NotWhatItSays, check_upload
from bot.models import Conversation
from hub.outer.errors import NoRoom
from hub.outer.log import PacketLog
from hub.outer.packets import Packet
from kernel.blobs import Blobs
from kernel.work import Work

PICTURE_PACKET = "picture"
# What the outer side drew is smaller than this (content.pictures.MOST_BYTES); anything else it does not send.
DRAWN_MEGABYTES = 1.0
MOST_WAITING = 200_000_000


def put(log: PacketLog, work: Work, values: dict[str, object], checked: Checked) -> int:
    """Outside: the picture goes inside with the message it is; raises NoRoom while too many wait."""
    if log.waiting_bytes(work.session, PICTURE_PACKET) > MOST_WAITING:
        raise NoRoom
    return log.put(work, PICTURE_PACKET, values, checked.data)


def drawn(packet: Packet) -> Packet:
    """Inside: the picture drawn anew, whatever the outer host says it is; without bytes where it is none."""
    try:
        checked = check_upload(packet.data, DRAWN_MEGABYTES)
    except NotWhatItSays as refused:
        return replace(packet, values={**packet.values, "media_type": "", "why": refused.message("zh")}, data=b"")
    return replace(packet, values={**packet.values, "media_type": checked.media_type}, data=checked.data)


def keep(work: Work, blobs: Blobs, conversation: Conversation, stored: gateway.Received, packet: Packet) -> None:
    """Inside: the file of a message that was stored just now."""
    if not packet.data:
        citizen_files.refused_here(work, conversation, stored.inbound_id, str(packet.values["why"]))
        return
    checked = Checked(packet.data, str(packet.values["media_type"]))
    row = citizen_files.sent_here(work, conversation, stored.inbound_id, blobs.put(checked.data), checked)
    work.session.flush()
    work.audit("citizen_file.saved", conversation, file=row.id, agreed=True)
