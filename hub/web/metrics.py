"""/metrics for Prometheus: figures of the moment, read from the rows, so that every process tells the same."""

from __future__ import annotations

from secrets import compare_digest

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from bot.models import Conversation, OutboundReply
from bot.states import ConversationState, ReplyState
from hub.notices import NoticeSend, SendState
from hub.outer.models import OuterLink, OuterPacket, OuterProblem
from hub.product import HEARTBEAT
from hub.web.access import HubDep
from kernel.errors import NotFound
from kernel.work import Work
from scheduler.gauges import gauges

router = APIRouter()


class _Moment(Collector):
    """The families of one answer."""

    def __init__(self, families: list[GaugeMetricFamily]) -> None:
        self._families = families

    def collect(self) -> list[GaugeMetricFamily]:
        """All of them."""
        return self._families


@router.get("/metrics")
def metrics(request: Request, hub: HubDep) -> Response:
    """Figures without any name or text; 404 unless the token of XUANDA_METRICS_TOKEN is shown."""
    token = hub.settings.metrics_token.get_secret_value()
    shown = request.headers.get("authorization", "").encode()
    if not token or not compare_digest(shown, f"Bearer {token}".encode()):
        raise NotFound
    with hub.works.read() as work:
        families = [*_way_out(work), *_way_in(work), *_outer(work)]
    registry = CollectorRegistry()
    registry.register(_Moment(families))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _way_out(work: Work) -> list[GaugeMetricFamily]:
    found = gauges(work.session, work.now)
    waiting = _family("deliveries", "Deliveries that are not over, by channel and state.", "channel", "state")
    for (channel, state), count in found.waiting.items():
        waiting.add_metric([channel, state], count)
    due = _family("deliveries_due", "Queue depth: deliveries whose time has come, by channel.", "channel")
    for channel, count in found.due.items():
        due.add_metric([channel], count)
    latest = _family("delivery_lateness_seconds", "How late the oldest due delivery is, by channel.", "channel")
    for channel, seconds in found.latest.items():
        latest.add_metric([channel], seconds)
    attempts = _family("attempts_last_hour", "Calls to platforms in the last hour, by outcome.", "channel", "outcome")
    for (channel, outcome), count in found.attempts.items():
        attempts.add_metric([channel, outcome], count)
    age = _family("duty_age_seconds", "How long ago each duty was last done.", "duty")
    for name, seconds in sorted(found.duties.items()):
        age.add_metric([name], seconds)
    beat = _family("heartbeat_age_seconds", "How long ago the engine last beat.")
    if HEARTBEAT in found.duties:
        beat.add_metric([], found.duties[HEARTBEAT])
    return [waiting, due, latest, attempts, age, beat]


def _way_in(work: Work) -> list[GaugeMetricFamily]:
    families = []
    for name, words, query in (
        ("conversations_waiting", "Citizens who wait for an agent.", (Conversation, ConversationState.WAITING)),
        ("replies_waiting", "Replies that are not on their way yet.", (OutboundReply, ReplyState.BOOKED)),
        ("notices_waiting", "Notices by mail or SMS that have not left.", (NoticeSend, SendState.WAITING)),
    ):
        model, state = query
        family = _family(name, words)
        family.add_metric([], work.session.scalar(select(func.count(model.id)).where(model.state == state)) or 0)
        families.append(family)
    return families


def _outer(work: Work) -> list[GaugeMetricFamily]:
    """Where there are two sides: what waits for the other one, and how long ago it was heard."""
    link = work.session.get(OuterLink, 1)
    if link is None or not link.peer:
        return []
    waiting = _family("outer_waiting", "Packets that the other side has not taken, by kind.", "kind")
    query = select(OuterPacket.kind, func.count()).group_by(OuterPacket.kind)
    for kind, count in work.session.execute(query):
        waiting.add_metric([kind], count)
    silence = _family("outer_silence_seconds", "How long ago the other side was last heard.")
    since = link.heard_at or link.paired_at
    if since is not None:
        silence.add_metric([], (work.now - since).total_seconds())
    problems = _family("outer_problems", "Parcels refused and packets set aside that nobody has seen to.")
    open_ = select(func.count()).select_from(OuterProblem).where(OuterProblem.settled_at.is_(None))
    problems.add_metric([], work.session.scalar(open_) or 0)
    return [waiting, silence, problems]


def _family(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"xuanda_{name}", words, labels=labels)
