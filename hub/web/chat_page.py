"""What a citizen's page shows of his conversation, read for many pages at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, exists, select

from bot import expecting, store, waiting
from bot.citizen_files.checking import PICTURE
from bot.desk import agent_number
from bot.models import Conversation, Rating
from bot.states import RATINGS, ConversationState
from hub.product import Hub
from hub.web import pools
from kernel.work import Work

# A conversation, and the last line that the page shows already.
Place = tuple[int, int]
Page = dict[str, Any]


async def look(hub: Hub, conversation_id: int, after: int) -> Page:
    """What was said after a line and how it stands, read together with all other pages that look at this moment."""

    def read(places: Collection[Place]) -> Mapping[Place, Page]:
        with hub.works.read() as work:
            return seen_at(work, places)

    return await hub.incoming.looks.of((conversation_id, after), lambda places: pools.looks.run(read, places))


def seen(work: Work, conversation_id: int, after: int) -> Page:
    """What was said after a line, and how the conversation stands."""
    return seen_at(work, [(conversation_id, after)])[conversation_id, after]


def seen_at(work: Work, places: Collection[Place]) -> dict[Place, Page]:
    """The same of many conversations, each after a line of its own; what does not exist is left out."""
    least: dict[int, int] = {}
    for number, after in places:
        least[number] = min(after, least.get(number, after))
    stand = {row.id: row for row in work.session.execute(_STANDS, {"ids": list(least)})}
    lines = store.lines_after(work.session, least, private=False)
    waits = {number: row.unit_id for number, row in stand.items() if row.state == ConversationState.WAITING}
    queue = _queues(work, waits)
    found = {}
    for number, after in places:
        if number in stand:
            ahead, expected = queue.get(number, (0, 0))
            said = [line for line in lines[number] if line.number > after]
            rated = stand[number].rated
            found[number, after] = page(stand[number].state, said, ahead=ahead, expected=expected, rated=rated)
    return found


def page(state: str, said: Sequence[store.Line], *, ahead: int = 0, expected: int = 0, rated: bool = False) -> Page:
    """How a conversation stands, with what was said."""
    return {
        "state": state,
        "ahead": ahead,
        "expected": expected,
        "rated": rated,
        "levels": list(RATINGS),
        "lines": [shown(line) for line in said],
    }


def shown(line: store.Line) -> dict[str, Any]:
    """One thing said, as the citizen's page shows it."""
    return {
        "number": line.number,
        "side": line.side,
        "text": line.text,
        "at": line.at.isoformat(),
        "agent": agent_number(line.person_id) if line.side == "agent" else "",
        "sources": [{"title": one["title"], "href": one["path"]} for one in line.sources if one["path"]],
        "choices": list(line.choices),
        "ask": line.ask,
        "picture": line.kind == PICTURE,
    }


def _queues(work: Work, units: Mapping[int, int]) -> dict[int, tuple[int, int]]:
    """How many are before each of these who wait, and how many minutes it will take, by the unit he waits for."""
    if not units:
        return {}
    marks = waiting.marks(work.session, list(units))
    outlooks = {unit: expecting.outlook(work.session, unit, work.now) for unit in set(units.values())}
    return {number: (ahead, outlooks[units[number]](ahead)) for number, (_state, _lines, ahead) in marks.items()}


# Made once: building a statement costs more than running it.
_STANDS = select(
    Conversation.id,
    Conversation.unit_id,
    Conversation.state,
    exists().where(Rating.conversation_id == Conversation.id).label("rated"),
).where(Conversation.id.in_(bindparam("ids", expanding=True)))
