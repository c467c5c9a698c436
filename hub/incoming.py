"""Wires the way in: the bot and its engine, replies, the desk's duties, who is told what, and what streams see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import httpx
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from bot import apart, leaving, rules, tickets
from bot.answering import Answering
from bot.casework import alarming
from bot.citizen_files.dropping import drop_forgotten
from bot.citizen_files.fetching import Fetcher
from bot.engine import EmbeddedEngine, Engine
from bot.events import (
    ConversationChanged,
    ModelRefused,
    NoticeLost,
    ReplyBooked,
    ReplyLost,
    TicketForwarded,
    TicketLate,
    TicketMade,
)
from bot.gateway import begin, visitor
from bot.leaving import Leaving
from bot.models import Conversation, SeenPush
from bot.nlu.classifier import Classifier, Example
from bot.notices import Teller
from bot.phone_codes import Codes
from bot.queues import Queues
from bot.rasa_engine import RasaEngine
from bot.rasa_jobs import RasaJobs
from bot.reply import Replier
from bot.waiting import Watch
from bot.words import Words
from channels.accounts.menus import Publisher
from channels.accounts.models import Account
from channels.transport import tls
from content.public import shelved
from hub import desk_news, rasa, ticket_news
from hub.code_sends import CodeSends
from hub.desk_news import on_duty
from hub.live import Live, conversation_topic, desk_topic
from hub.notifier import BY_PHONE
from hub.product import Hub
from hub.reception import Incoming
from hub.relays import relay_of
from hub.ticket_sms import TicketTexts
from kernel.duties import Duty
from kernel.people import Permission, Unit, holders
from kernel.work import Work
from scheduler.events import WasWithdrawn, WentLive

# Rows a dead process left are looked for only after its claim has run out.
SEEN_FOR = timedelta(hours=2)
LEARN = "bot.refresh"
P = Permission


def _pages_of(hub: Hub, session: Session, pieces: Sequence[int]) -> Mapping[int, str]:
    return hub.where(session, shelved(session, pieces))


def connect(hub: Hub, engine: Engine | None = None) -> Incoming:
    """Adds the way in to the product; another engine may be handed in."""
    make = hub.make_adapter
    engine = engine or _engine_of(hub)
    words = Words(hub.pages, hub.settings.address, partial(_pages_of, hub))
    zone = hub.settings.office_zone
    live = Live()
    incoming = Incoming(
        engine=engine,
        words=words,
        answering=Answering(hub.works, engine, words, zone, documents=hub.search),
        queues=Queues(),
        replier=Replier(hub.works, hub.seal, make),
        watch=Watch(hub.works, words, zone),
        live=live,
        relay=relay_of(hub.works, live),
        make=make,
        senders=ThreadPoolExecutor(4, thread_name_prefix="reply"),
        leaving=Leaving(hub.works),
    )
    hub.incoming = incoming
    _send_codes(hub, incoming)
    hub.menus = Publisher(hub.works, hub.seal, make)
    teller = Teller(hub.works, hub.seal, make)
    fetcher = Fetcher(hub.works, hub.seal, make, hub.blobs)
    hub.duties += [
        Duty("citizen_files.drop", timedelta(minutes=5), lambda: drop_forgotten(hub.works, hub.blobs)),
        Duty("citizen_files.fetch", timedelta(seconds=2), fetcher.fetch_due, timedelta(minutes=1)),
        Duty("replies.send", timedelta(seconds=1), incoming.replier.send_due, timedelta(minutes=2)),
        Duty("messages.left_over", timedelta(seconds=10), incoming.run_left_over, timedelta(minutes=1)),
        Duty("desk.watch", timedelta(seconds=15), incoming.watch.round, timedelta(minutes=1)),
        Duty("tickets.late", timedelta(minutes=5), lambda: tickets.alarm_late(hub.works)),
        Duty("tickets.danger", timedelta(seconds=30), lambda: alarming.alarm_again(hub.works)),
        Duty("tickets.soon", timedelta(minutes=15), lambda: tickets.warn_soon(hub.works, zone)),
        Duty("service_notices.send", timedelta(seconds=2), teller.send_due, timedelta(minutes=2)),
        Duty("menus.settle", timedelta(seconds=20), hub.menus.settle),
        Duty(LEARN, timedelta(minutes=5), engine.refresh),
        Duty("pushes.lost", timedelta(seconds=20), lambda: leaving.sweep(hub.works)),
        Duty("pushes.forget", timedelta(hours=1), lambda: forget_pushes(hub)),
    ]
    if isinstance(engine, RasaEngine):
        hub.duties.append(Duty("rasa.swaps", timedelta(minutes=1), lambda: _heal(hub, engine), timedelta(minutes=2)))
        if rasa.home_of(hub.settings).python.exists():
            jobs = RasaJobs(hub.works, lambda: rasa.models_of(hub, rasa.server_running(hub)))
            # Another process may look meanwhile: the row says that it is under way.
            hub.duties.append(Duty(rasa.TRAIN, timedelta(seconds=3), jobs.run_due, timedelta(minutes=2)))
    _listen(hub, incoming)
    if hub.start_engine is not None:
        hub.start_engine = _learning_first(incoming, hub.start_engine)
    return incoming


def _send_codes(hub: Hub, incoming: Incoming) -> None:
    """Codes to telephones, where the office has a gateway for them."""
    gateway = hub.notifier.sender(BY_PHONE)
    if gateway is None:
        return
    incoming.answering.codes = Codes(hub.seal)
    sends = CodeSends(hub.works, incoming.answering.codes, gateway)
    incoming.answering.texts = True
    place = "/feedback/progress" if hub.settings.has_outer else "/mine"
    incoming.texts = TicketTexts(hub.works, gateway, incoming.words, f"{hub.settings.address}{place}")
    hub.duties.append(Duty("ticket_sms.send", timedelta(seconds=2), incoming.texts.send_due, timedelta(minutes=2)))
    hub.duties.append(Duty("codes.send", timedelta(seconds=1), sends.send_due, timedelta(minutes=2)))


def _engine_of(hub: Hub) -> Engine:
    """Rasa where the settings name a server, else the engine that needs none."""
    settings = hub.settings
    if not settings.rasa_url:

        def fit(examples: list[Example]) -> Classifier:
            # Whoever answers citizens keeps their thread free; a command or a test has nobody waiting.
            return apart.fit(examples) if hub.incoming.awake else Classifier.fit(examples)

        return EmbeddedEngine(hub.works, settings.data / "bot", fit=fit, kept=hub.blobs)
    # A client of its own: this address is private by intent and named by the operator, not by any content.
    client = httpx.Client(verify=tls(), trust_env=False)
    return RasaEngine(hub.works, client, settings.rasa_url, settings.rasa_token.get_secret_value())


def _learning_first(incoming: Incoming, start: Callable[[], Callable[[], None]]) -> Callable[[], Callable[[], None]]:
    def started() -> Callable[[], None]:
        incoming.awake = True
        incoming.engine.refresh()
        return start()

    return started


def portal_account(work: Work) -> Account | None:
    """The account behind the portal's own chat and forms, if there is one."""
    query = select(Account).where(Account.channel == "portal", Account.active.is_(True))
    return work.session.scalars(query.order_by(Account.id).limit(1)).one_or_none()


def begin_on_portal(work: Work, otherwise: int, token_hash: str | None = None) -> Conversation:
    """Begins a visitor's conversation on our own pages; `otherwise` is the unit where there is no portal account."""
    account = portal_account(work)
    conversation = begin(
        work,
        unit_id=rules.desk_of(work.session, account.unit_id if account else otherwise, work.now),
        account_id=account.id if account else None,
        channel="portal",
        sender=visitor(),
        token_hash=token_hash,
    )
    conversation.name = f"网站访客 {conversation.id}"
    return conversation


def _heal(hub: Hub, engine: RasaEngine) -> None:
    """What a process that died left of a swap of Rasa's models."""
    if rasa.models_of(hub, engine.server).heal():
        engine.look_again()


def _listen(hub: Hub, incoming: Incoming) -> None:
    listeners = hub.listeners
    listeners.in_work_together(ConversationChanged, incoming.relay.told)
    listeners.after(ConversationChanged, lambda fact: _show(incoming, fact))
    listeners.after(ReplyBooked, lambda _fact: incoming.send_soon())
    listeners.after(WentLive, lambda fact: _learn(incoming, fact.channel))
    listeners.after(WasWithdrawn, lambda fact: _learn(incoming, fact.channel))
    listeners.in_work(ReplyLost, lambda work, fact: _tell_lost(hub, work, fact))
    listeners.in_work(TicketMade, lambda work, fact: _tell_ticket(hub, work, fact))
    listeners.in_work(NoticeLost, lambda work, fact: _tell_notice_lost(hub, work, fact))
    listeners.in_work(ModelRefused, lambda work, fact: _tell_refused(hub, work, fact))
    listeners.in_work(TicketForwarded, lambda work, fact: _tell_ticket_forwarded(hub, work, fact))
    ticket_news.connect(hub)
    desk_news.connect(hub, incoming)
    listeners.in_work(TicketLate, lambda work, fact: _tell_ticket_late(hub, work, fact))


def _show(incoming: Incoming, fact: ConversationChanged) -> None:
    incoming.live.tell(conversation_topic(fact.conversation_id), desk_topic(fact.unit_id))


def _learn(incoming: Incoming, channel: str) -> None:
    if channel == "portal" and incoming.awake:
        incoming.engine.refresh()


def _tell_lost(hub: Hub, work: Work, fact: ReplyLost) -> None:
    people = [fact.person_id] if fact.person_id else on_duty(work, fact.unit_id)
    hub.notifier.tell(
        work,
        people,
        "conversation.reply_lost",
        "给市民的答复没有确认送达",
        f"{fact.reason} 请在会话中查看，必要时重发或电话联系。",
        f"/console/desk/{fact.conversation_id}",
        f"conversation.{fact.conversation_id}.lost.{work.now:%Y%m%d%H%M%S}",
    )


def _tell_ticket(hub: Hub, work: Work, fact: TicketMade) -> None:
    hub.notifier.tell(
        work,
        holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        "ticket.made",
        f"新工单 {fact.number}（{fact.kind}）",
        "请在答复期限前办理。",
        f"/console/tickets/{fact.ticket_id}",
        f"ticket.{fact.ticket_id}.made",
    )


def _tell_ticket_forwarded(hub: Hub, work: Work, fact: TicketForwarded) -> None:
    hub.notifier.tell(
        work,
        holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        "ticket.forwarded",
        f"{fact.came_from}转来工单 {fact.number}（{fact.kind}）",
        f"{fact.reason}。答复期限不变，请按期办理。",
        f"/console/tickets/{fact.ticket_id}",
        f"ticket.{fact.ticket_id}.forwarded.{work.now:%Y%m%d%H%M%S}",
    )


def _tell_notice_lost(hub: Hub, work: Work, fact: NoticeLost) -> None:
    hub.notifier.tell(
        work,
        holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        "ticket.notice_lost",
        f"工单 {fact.number} 的服务通知没有确认送达",
        f"{fact.reason}。请打开工单查看，必要时重发或按联系方式告知。",
        f"/console/tickets/{fact.ticket_id}",
        f"ticket.{fact.ticket_id}.notice.{work.now:%Y%m%d%H%M%S}",
    )


def _tell_ticket_late(hub: Hub, work: Work, fact: TicketLate) -> None:
    people = {
        *holders(work.session, P.TICKET_ACT, fact.unit_id, work.now),
        *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now),
    }
    hub.notifier.tell(
        work,
        people,
        "ticket.late",
        f"工单已超期：{fact.number}（{fact.kind}）",
        "已超过答复期限，请立即办理。",
        f"/console/tickets/{fact.ticket_id}",
        # It can be late again: after more time was given, at another unit, or handled once more.
        f"ticket.{fact.ticket_id}.late.{work.now:%Y%m%d%H%M%S}",
    )


def _tell_refused(hub: Hub, work: Work, fact: ModelRefused) -> None:
    units = work.session.scalars(select(Unit.id)).all()
    hub.notifier.tell(
        work,
        sorted({one for unit in units for one in holders(work.session, P.KNOWLEDGE_TRAIN, unit, work.now)}),
        "model.refused",
        f"机器人的新模型 {fact.number} 未通过检验",
        f"{fact.faults}原来的模型继续使用。请在知识库查看，修改问法后重新发布，或写明理由上线。",
        "/console/knowledge/models",
        f"model.{fact.number}.refused",
    )


def forget_pushes(hub: Hub) -> None:
    """Signatures that are too old to be used again need not be remembered."""
    with hub.works.write() as work:
        work.session.execute(delete(SeenPush).where(SeenPush.at < work.now - SEEN_FOR))
