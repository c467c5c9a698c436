"""Wires the way out: adapters and their tools, the dispatcher, the engine, and who is told what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx

from channels.abilities.rehearsing import Rehearsing
from channels.accounts.fan_outs import DatabaseSubscriptions
from channels.accounts.models import Account
from channels.accounts.quotas import DatabaseQuotas
from channels.accounts.tokens import DatabaseTokens
from channels.adapters.fake import FakeChannel
from channels.base import AccountInfo, Channel, Tools
from channels.posting import ClientPosts, KeptConnections
from channels.registry import channel, channels
from channels.transport import Guard, allowed_of, client, dialer
from content import public
from content.events import ReleaseSigned, ReleaseSubmitted
from content.models import Release
from content.review import signers_of
from hub.account_watch import keepers
from hub.product import Hub
from hub.settings import Settings
from kernel.duties import Duty
from kernel.events import Listeners
from kernel.people import Permission, Person, holders
from kernel.work import Work
from scheduler import booking
from scheduler.catalogue import DatabaseCatalogue, RehearsalCatalogue
from scheduler.dispatch import Dispatcher, Timing
from scheduler.events import (
    Booked,
    BundleComposed,
    CredentialDied,
    FreezeBegan,
    FreezeEnded,
    NeedsPerson,
    RanLate,
    StillUnsigned,
    WasWithdrawn,
    WentLive,
)
from scheduler.models import Delivery
from scheduler.placements import placements_of
from scheduler.queue import Queue, Wakes
from scheduler.rounds import Beat
from scheduler.states import DELIVERY_LABELS, DeliveryState, PlacementState
from scheduler.sweep import sweep
from scheduler.ticks import Ticks
from scheduler.windows import stopped

# How soon a process that did not send it itself answers from what went live.
REFRESH_SECONDS = 20.0

PERSON_ACTS = {
    DeliveryState.FAILED: "请查看原因后重试、改人工发布或取消。",
    DeliveryState.UNKNOWN: "请到该平台查看是否已发出，再在任务中标明“已在平台上”或“不在平台上”。",
    DeliveryState.HELD: "请处理后恢复，或取消。",
    DeliveryState.MANUAL: "请按任务页的内容到平台发布，并回填链接或截图。",
    DeliveryState.CANCELLED: "已按预约时的选择取消。",
}


def connect(hub: Hub) -> None:
    """Adds the way out to the product; the engine starts with `hub.start_engine`, or is a worker's."""
    hub.make_adapter = adapter_maker(hub)
    dispatcher = Dispatcher(
        hub.works,
        hub.seal,
        hub.make_adapter,
        hub.settings.address,
        Timing(hub.settings.lease_seconds, hub.settings.send_timeout),
        hub.settings.office_zone,
    )
    hub.duties.append(
        Duty(
            "delivery.sweep",
            timedelta(seconds=hub.settings.sweep_seconds),
            lambda: sweep(hub.works, timedelta(seconds=hub.settings.lease_seconds)),
            # Short, so that a process that dies while it sweeps keeps no other from it: a row is found within a minute
            # all the same. Two at once do no harm.
            timedelta(seconds=hub.settings.sweep_seconds / 2),
        )
    )
    _listen(hub, hub.listeners)
    if hub.settings.uses_queue:
        _queue(hub, dispatcher)
    else:
        _ticks(hub, dispatcher)


def adapter_maker(hub: Hub) -> Callable[[AccountInfo], Channel]:
    """What makes the adapter of an account, with everything adapters work with."""
    clients = Clients(hub)
    poster = KeptConnections(Guard(allowed_hosts(hub.settings)), hub.settings.send_timeout)
    hub.closing.append(poster.close)
    tools = Tools(
        clock=hub.clock,
        http=clients.through(""),
        tokens=DatabaseTokens(hub.works, hub.seal),
        quotas=DatabaseQuotas(hub.works),
        files=hub.blobs,
        catalogue=DatabaseCatalogue(hub.works),
        render=hub.pages.render,
        site_folder=hub.settings.site_folder,
        public_url=hub.settings.address,
        subscriptions=DatabaseSubscriptions(hub.works, stopped),
        poster=poster,
        dial=dialer(Guard(allowed_hosts(hub.settings))),
    )
    rehearsal = replace(
        tools,
        # A platform that speaks no HTTP stands at a port of its own on the rehearsal's machine.
        dial=dialer(Guard([*allowed_hosts(hub.settings), urlsplit(hub.settings.rehearsal_url).hostname or ""])),
        catalogue=RehearsalCatalogue(hub.works),
        site_folder=hub.settings.rehearsal_folder / "site",
        public_url=f"{hub.settings.console_address}/console/rehearsal/site",
    )

    def make(account: AccountInfo) -> Channel:
        adapter = channel(account.channel)
        if not account.rehearsal:
            if not account.proxy:
                return adapter(account, tools)
            http = clients.through(account.proxy)
            return adapter(account, replace(tools, http=http, poster=ClientPosts(http), dial=None))
        # A channel that knows no stand-in of its own ends on the platform in memory, and nowhere else.
        return (adapter if issubclass(adapter, Rehearsing) else FakeChannel)(account, rehearsal)

    return make


class Clients:
    """HTTP clients of this process, one per proxy, all behind the same guard."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._lock = threading.Lock()
        self._made: dict[str, httpx.Client] = {}
        hub.closing.append(self.close)

    def through(self, proxy: str) -> httpx.Client:
        """The client that goes through this proxy; '' goes straight."""
        with self._lock:
            if proxy not in self._made:
                settings = self._hub.settings
                self._made[proxy] = client(Guard(allowed_hosts(settings)), settings.send_timeout, proxy)
            return self._made[proxy]

    def close(self) -> None:
        """Lets go of all connections."""
        for one in self._made.values():
            one.close()


def allowed_hosts(settings: Settings) -> list[str]:
    """The private addresses that may be called: those listed, and the rehearsal platforms."""
    rehearsal = urlsplit(settings.rehearsal_url).netloc
    return [*allowed_of(settings.allowed_private), *([rehearsal] if rehearsal else [])]


def _ticks(hub: Hub, dispatcher: Dispatcher) -> None:
    ticks = Ticks(hub.works, dispatcher, lambda: hub.duties, every=hub.settings.tick_seconds)

    def start() -> Callable[[], None]:
        ticks.start()
        return ticks.stop

    hub.start_engine = start
    hub.listeners.after(Booked, lambda fact: ticks.wake(fact.account_id) if fact.at <= hub.clock.now() else None)


def _queue(hub: Hub, dispatcher: Dispatcher) -> None:
    wakes = Wakes(timedelta(seconds=hub.settings.clock_offset))
    hub.listeners.in_work(Booked, lambda work, fact: wakes.defer(work, fact.account_id, fact.at))

    def start() -> Callable[[], None]:
        # What goes live is told where it was sent, in a worker, and learned there: were each process that answers
        # citizens to learn it too, a machine with three of them would learn everything three times.
        beat = Beat(REFRESH_SECONDS, hub.incoming.engine.keep_up)
        beat.start()
        return beat.stop

    hub.start_engine = start
    hub.make_worker = lambda portal: Queue(hub.works, dispatcher, lambda: hub.duties, wakes, portal=portal)


def _listen(hub: Hub, listeners: Listeners) -> None:
    listeners.in_work(ReleaseSubmitted, _follow)
    listeners.in_work(ReleaseSigned, lambda work, fact: booking.resume_signed(work, fact.release_id))
    listeners.in_work_together(WentLive, _went_live)
    listeners.in_work(WasWithdrawn, _withdrawn)
    listeners.in_work(NeedsPerson, lambda work, fact: _tell_needs_person(hub, work, fact))
    listeners.in_work(RanLate, lambda work, fact: _tell_late(hub, work, fact))
    listeners.in_work(StillUnsigned, lambda work, fact: _tell_unsigned(hub, work, fact))
    listeners.in_work(BundleComposed, lambda work, fact: _tell_bundle(hub, work, fact))
    listeners.in_work(CredentialDied, lambda work, fact: _tell_credential(hub, work, fact))
    listeners.in_work(FreezeBegan, lambda work, fact: _tell_stopped(hub, work, fact))
    listeners.in_work(FreezeEnded, lambda work, fact: _tell_going_on(hub, work, fact))


def _went_live(work: Work, facts: Sequence[WentLive]) -> None:
    work.keep(public.make_rows(work, {fact.release_id for fact in facts}))
    for fact in facts:
        public.went_live(work, fact.release_id, fact.at, work.session.get_one(Delivery, fact.delivery_id).created_at)


def _follow(work: Work, fact: ReleaseSubmitted) -> None:
    if fact.level == 1:
        booking.follow_release(work, fact.release_id)


def _withdrawn(work: Work, fact: WasWithdrawn) -> None:
    shown = [place for place in placements_of(work.session, fact.piece_id) if place.state == PlacementState.LIVE]
    adapter = channels().get(fact.channel)
    # The office's own site, ours or on another platform: what is no longer there is given by nobody.
    if not shown or (adapter is not None and adapter.limits.by_column):
        public.withdrawn(work, fact.piece_id, fact.at, fact.phrase)


def _tell_needs_person(hub: Hub, work: Work, fact: NeedsPerson) -> None:
    state = DeliveryState(fact.state)
    hub.notifier.tell(
        work,
        holders(work.session, Permission.DELIVERY_ACT, fact.unit_id, work.now),
        f"delivery.{state.value}",
        f"{DELIVERY_LABELS[state]}：{fact.title}",
        f"{fact.reason} {PERSON_ACTS.get(state, '')}".strip(),
        f"/console/deliveries/{fact.delivery_id}",
        f"delivery.{fact.delivery_id}.{state.value}.{work.now:%Y%m%d%H}",
    )


def _tell_bundle(hub: Hub, work: Work, fact: BundleComposed) -> None:
    hub.notifier.tell(
        work,
        holders(work.session, Permission.PIECE_SIGN, fact.unit_id, work.now),
        "bundle.composed",
        f"组稿待定头条：《{fact.title}》等 {fact.count} 篇",
        "请确定头条和顺序；到点仍未确定的，按组稿时的顺序发出。",
        f"/console/deliveries/{fact.delivery_id}",
        f"bundle.{fact.delivery_id}",
    )


def _tell_late(hub: Hub, work: Work, fact: RanLate) -> None:
    account = work.session.get_one(Account, fact.account_id)
    delivery = work.session.get_one(Delivery, fact.delivery_id)
    owner = work.session.get_one(Person, delivery.created_by) if delivery.created_by else None
    by = owner.name if owner else "系统"
    by_hand = delivery.state == DeliveryState.MANUAL
    hub.notifier.tell(
        work,
        {*holders(work.session, Permission.DELIVERY_ACT, fact.unit_id, work.now), *([owner.id] if owner else [])},
        "delivery.late",
        f"超时未发：{fact.title}",
        f"“{account.name}”，由{by}安排，已超过预定时间 {fact.minutes} 分钟。原因：{fact.reason}。"
        + ("请在平台上发布并回填链接，或取消该任务。" if by_hand else "可重试、改期或改人工发布。"),
        f"/console/deliveries/{fact.delivery_id}",
        f"delivery.{fact.delivery_id}.late.{delivery.scheduled_at:%Y%m%d%H%M}",
    )


def _concerned(work: Work, unit_id: int) -> set[int]:
    rights = (Permission.DELIVERY_ACT, Permission.BOOKING_WRITE, Permission.PIECE_SIGN)
    return {one for right in rights for one in holders(work.session, right, unit_id, work.now)}


def _tell_stopped(hub: Hub, work: Work, fact: FreezeBegan) -> None:
    for unit, people, held in _touched(work, fact.unit_id, fact.held, fact.by_unit):
        hub.notifier.tell(
            work,
            people,
            "freeze.begun",
            f"一键停发：{fact.account or '全部账号'}",
            f"原因：{fact.reason}。{held} 个待发任务已暂缓，此后到点的也会暂缓，直到解除。",
            "/console/freezes",
            f"freeze.{fact.freeze_id}.begun{unit}",
        )


def _tell_going_on(hub: Hub, work: Work, fact: FreezeEnded) -> None:
    for unit, people, items in _touched(work, fact.unit_id, fact.items, fact.by_unit):
        hub.notifier.tell(
            work,
            people,
            "freeze.ended",
            f"停发已解除：{fact.reason}",
            f"{items} 个任务已按选择处理，发布恢复正常。",
            "/console/deliveries",
            f"freeze.{fact.freeze_id}.ended{unit}",
        )


def _touched(
    work: Work, unit_id: int, number: int, by_unit: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, set[int], int]]:
    """Whom a stop concerns, with how many items to name: its own unit all of them, other units theirs; each once."""
    told = _concerned(work, unit_id)
    yield "", told, number
    for unit, own in by_unit:
        people = _concerned(work, unit) - told
        told = told | people
        if people:
            yield f".{unit}", people, own


def _tell_unsigned(hub: Hub, work: Work, fact: StillUnsigned) -> None:
    release = work.session.get_one(Release, fact.release_id)
    people = {
        *(person.id for person in signers_of(work.session, release, work.now)),
        *(one for unit in fact.unit_ids for one in holders(work.session, Permission.BOOKING_WRITE, unit, work.now)),
    }
    named = "、".join(f"“{name}” {at.astimezone(hub.settings.office_zone):%H:%M}" for name, at in fact.places)
    hub.notifier.tell(
        work,
        people,
        "release.unsigned",
        f"{fact.minutes} 分钟内到发布时间，仍未签发：{fact.title}",
        f"预定发布：{named}。到点仍未签发的，将按预约时的选择暂缓或略去。请尽快审签，或改期。",
        f"/console/signing/{fact.release_id}",
        f"release.{fact.release_id}.unsigned.{fact.at:%Y%m%d%H%M}.{fact.minutes}",
    )


def _tell_credential(hub: Hub, work: Work, fact: CredentialDied) -> None:
    people = {
        *keepers(work, work.session.get_one(Account, fact.account_id)),
        *holders(work.session, Permission.DELIVERY_ACT, fact.unit_id, work.now),
    }
    hub.notifier.tell(
        work,
        people,
        "account.credential",
        f"账号授权失效：{fact.name}",
        f"{fact.reason} 请账号管理人重新授权；在此之前，该账号的发布会失败并保留。",
        f"/console/accounts/{fact.account_id}",
        f"account.{fact.account_id}.credential.{work.now:%Y%m%d%H%M}",
    )
