"""会话记录: the conversations one may read, found by state, channel, day, agent, words; each opens at the desk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from bot import records
from bot.lists import rows_of
from bot.models import Conversation, Rating
from bot.records import Wanted
from bot.states import CONVERSATION_LABELS, RATINGS, ConversationState
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.charts import PERIODS, USUAL, period_options
from hub.web.desk import CHANNEL_LABELS
from hub.web.lists import Listing, listing
from hub.web.pages import columns, page, say
from kernel.people import Permission, Person, Unit
from kernel.typed import row_in
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/conversations")

Reader = Annotated[Asker, Depends(may(Permission.CONVERSATION_READ))]
FILTERS = ("q", "state", "channel", "days", "agent", "show", "unit")
WHENEVER, MINE, NONE = "all", "mine", "nobody"
COLUMNS = (
    (_("市民"), ""),
    (_("渠道"), "channel"),
    (_("开始"), "opened"),
    (_("最近来信"), "heard"),
    (_("接待"), "agent"),
    (_("状态"), "state"),
    (_("评价"), ""),
)
SORTS = {
    "channel": Conversation.channel,
    "opened": Conversation.opened_at,
    "heard": Conversation.heard_at,
    "agent": Person.name,
    "state": Conversation.state,
}


@router.get("")
def the_conversations(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """The conversations in reach, the newest first; of the last thirty days where the address names no others."""
    asked = listing(request, *FILTERS, sort="-opened")
    with hub.works.read() as work:
        query = records.asked_for(asker.viewer, wanted_of(asked, asker), work.now, hub.settings.office_zone)
        query = query.outerjoin(Person, Person.id == Conversation.agent_id)
        found, state = asked.take(work.session, query, SORTS, Conversation.id.desc())
        rows = rows_of(work.session, [row[0] for row in found])
        rated = select(Rating.conversation_id, Rating.score).where(
            Rating.conversation_id.in_([row.conversation.id for row in rows])
        )
        scores: dict[int, int] = dict(work.session.execute(rated).all())
        agents, units = records.agents(work.session, asker.viewer), _units(work, asker)
    return page(
        request,
        asker,
        "pages/desk/records.html",
        rows=[(row, CHANNEL_LABELS.get(row.conversation.channel, row.conversation.channel)) for row in rows],
        scores={number: RATINGS[score - 1] for number, score in scores.items()},
        state=state,
        usual=str(USUAL),
        said_days=records.SAID_DAYS,
        agents=_agents(hub, asker, agents),
        units=units,
        channels=list(CHANNEL_LABELS.items()),
        periods=[*period_options(hub, asker), (WHENEVER, say(hub, asker, _("不限")))],
        states=[(one.value, CONVERSATION_LABELS[one]) for one in ConversationState],
        shows=list(records.SHOWN.items()),
        labels={one.value: label for one, label in CONVERSATION_LABELS.items()},
        columns=columns(hub, asker, *COLUMNS),
    )


def wanted_of(asked: Listing, asker: Asker) -> Wanted:
    """What the address asks for; what nobody can choose counts as not chosen."""
    days, agent = asked.value("days"), asked.value("agent")
    agent_id = {MINE: asker.viewer.person_id, NONE: records.NOBODY}.get(agent, row_in(agent))
    return Wanted(
        state=asked.value("state") if asked.value("state") in set(ConversationState) else "",
        channel=asked.value("channel"),
        unit_id=asked.number("unit"),
        agent_id=agent_id,
        days=None if days == WHENEVER else int(days) if days in {str(one) for one in PERIODS} else USUAL,
        words=asked.value("q"),
        show=asked.value("show"),
    )


def _agents(hub: Hub, asker: Asker, agents: list[tuple[int, str]]) -> list[tuple[str, str]]:
    own = [(MINE, say(hub, asker, _("我"))), (NONE, say(hub, asker, _("没有坐席")))]
    return own + [(str(number), name) for number, name in agents if number != asker.viewer.person_id]


def _units(work: Work, asker: Asker) -> list[tuple[str, str]]:
    reach = asker.viewer.units(Permission.CONVERSATION_READ)
    query = select(Unit.id, Unit.name).where(Unit.id.in_(reach)).order_by(Unit.path)
    return [(str(number), name) for number, name in work.session.execute(query)]
