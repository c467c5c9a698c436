"""The manager's part of the workbench: what went out in time today, what waits for a person, silent columns."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from analytics import response
from analytics.comments import InTime, answered_in_time
from analytics.models import Suggestion
from analytics.opinion import Responded
from analytics.reposts import Kept
from hub.product import Hub
from hub.web.access import Asker
from hub.web.charts import PERIODS, period_of
from hub.web.deliveries import FOR_A_PERSON, today_of
from hub.web.opinion_figures import measured
from hub.web.repost_figures import this_month
from hub.web.response import percent
from hub.web.sections import Section
from kernel.people import Permission, scoped
from kernel.work import Work
from scheduler.figures import Punctuality

P = Permission
TEMPLATE = "pages/insights/standing_section.html"
LONGEST = str(PERIODS[-1])


@dataclass(frozen=True)
class Standing:
    """Today's figures; `on_time` in percent, None before anything was due, `sent` None for who sees no deliveries."""

    today: str
    sent: Punctuality | None
    on_time: float | None
    for_a_person: int
    waiting: int
    silent: int
    past_limit: int
    reposts: Kept
    reposts_in_time: float | None
    comments: InTime | None
    opinion: Responded
    opinion_in_time: float | None


def standing_section(hub: Hub, asker: Asker) -> Section | None:
    """For whoever reads reports; first on the page of those who write nothing themselves."""
    if not asker.may(P.REPORT_READ):
        return None
    with hub.works.read() as work:
        found = _standing(hub, work, asker)
    return Section(TEMPLATE, 60 if asker.may(P.PIECE_WRITE) else 5, {"standing": found})


def _standing(hub: Hub, work: Work, asker: Asker) -> Standing:
    today, figures = today_of(hub, work, asker)
    sees = asker.may(P.DELIVERY_READ)
    period = period_of(LONGEST, work, hub.settings.office_zone)
    waiting = response.conversations(asker.viewer, period.since, period.until, "waiting")
    query = scoped(select(Suggestion), Suggestion.unit_id, asker.viewer, P.REPORT_READ)
    silent = work.session.scalars(query.where(Suggestion.kind == "silent_column", Suggestion.state == "open")).all()
    carried = this_month(hub, work, asker)
    heard = measured(work, asker, period_of("", work, hub.settings.office_zone))
    return Standing(
        today=today,
        sent=figures if sees else None,
        on_time=percent(figures.in_time),
        for_a_person=sum(figures.counts.get(state, 0) for state in FOR_A_PERSON),
        waiting=work.session.scalar(select(func.count()).select_from(waiting.subquery())) or 0,
        silent=len(silent),
        past_limit=sum(1 for row in silent if row.facts["days"] is None or row.facts["days"] > row.facts["limit"]),
        reposts=carried,
        reposts_in_time=percent(carried.share),
        comments=_comments(work, asker),
        opinion=heard,
        opinion_in_time=percent(heard.share),
    )


def _comments(work: Work, asker: Asker) -> InTime | None:
    """How well comments were answered; None for who does not see them, and where none was due."""
    found = answered_in_time(work.session, asker.viewer.units(P.CONVERSATION_READ), work.now)
    return found if found.due else None
