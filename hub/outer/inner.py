"""Wires the inside of two faces: what is sent out, what comes in, the exchange, and who hears when it falls silent."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import select

from bot.events import CitizenForgotten, ConversationChanged
from channels.transport import Guard, client
from hub.outer import forgetting, pictures, talk_out
from hub.outer.exchange import ByFiles, ByHttps
from hub.outer.folders import Folders
from hub.outer.models import OuterLink, OuterProblem
from hub.outer.pack_out import PackSender
from hub.outer.packets import Packet
from hub.outer.site_out import SiteSender
from hub.outer.standing_out import TicketSender
from hub.outer.talk_in import TalkTaker
from hub.outgoing import allowed_hosts
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, Unit, holders
from kernel.work import Work

EXCHANGE = "outer.exchange"
# Short, so that a process that dies in the middle keeps no other from going on; two at once do no harm.
LEASE = timedelta(seconds=15)


def connect(hub: Hub) -> None:
    """Adds the inside's part to the product, where the settings name another side."""
    if not hub.settings.has_outer:
        return
    hub.outer.handlers |= {"trouble": _trouble, **TalkTaker(hub).handlers()}
    hub.outer.preparers[pictures.PICTURE_PACKET] = pictures.drawn
    hub.listeners.in_work(ConversationChanged, lambda work, fact: talk_out.tell(hub, work, fact))
    hub.listeners.in_work(CitizenForgotten, lambda work, fact: forgetting.tell(hub, work, fact))
    exchange = _by_files(hub) or _by_https(hub)
    site, pack = SiteSender(hub.outer, hub.settings.site_folder), PackSender(hub.outer)
    tickets = TicketSender(hub.outer)
    hub.duties += [
        # Where the portal's folder is, so that what leaves by files leaves from one machine.
        Duty(EXCHANGE, timedelta(seconds=1), exchange.round, LEASE, site=True),
        Duty("outer.site", timedelta(seconds=2), site.round, LEASE, site=True),
        Duty("outer.pack", timedelta(seconds=2), pack.round, LEASE),
        Duty("outer.tickets", timedelta(seconds=3), tickets.round, LEASE),
        Duty("outer.silence", timedelta(seconds=30), lambda: alarm_silence(hub)),
    ]


def _by_files(hub: Hub) -> ByFiles | None:
    folders = hub.settings.by_files
    return ByFiles(hub.outer, Folders(*folders), "inner") if folders else None


def _by_https(hub: Hub) -> ByHttps:
    # Named by the operator, not by any content, so it may stand in a private network.
    guard = Guard([*allowed_hosts(hub.settings), urlsplit(hub.settings.outer_url).netloc])
    http = client(guard, hub.settings.send_timeout)
    hub.closing.append(http.close)
    return ByHttps(hub.outer, http, hub.settings.outer_url.rstrip("/"))


def _trouble(work: Work, packet: Packet) -> None:
    name, reason = str(packet.values["name"])[:200], str(packet.values["reason"])[:500]
    work.session.add(OuterProblem(at=work.now, side="outer", name=name, reason=reason))


def alarm_silence(hub: Hub) -> bool:
    """Tells the administrators, once, that nothing was heard from the outer side for too long; whether it did."""
    longest = timedelta(minutes=hub.settings.outer_silent_minutes)
    with hub.works.write() as work:
        link = work.session.scalars(select(OuterLink).where(OuterLink.peer != "").with_for_update()).one_or_none()
        if link is None or link.silent_told_at is not None:
            return False
        since = link.heard_at or link.paired_at or work.now
        if work.now - since <= longest:
            return False
        link.silent_told_at = work.now
        work.audit("outer.fell_silent", link, since=since.isoformat())
        root = work.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None)).order_by(Unit.id)).first()
        if root is not None:
            minutes = int((work.now - since).total_seconds() // 60)
            hub.notifier.tell(
                work,
                holders(work.session, Permission.SYSTEM_READ, root, work.now),
                "outer.silent",
                f"外网端已 {minutes} 分钟没有消息",
                f"{link.trouble or '没有收到外网端的数据。'}市民的来信暂存在外网端，恢复后自动送达；请检查网络或网闸。",
                "/console/faces",
                f"outer.silent.{since:%Y%m%d%H%M%S}",
            )
        return True
