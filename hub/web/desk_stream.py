"""What a page of the live desk is told as it happens: that the lists have changed, or the open conversation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import aclosing

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot import lists
from hub.live import LOOK_SECONDS, conversation_topic, desk_topic
from hub.product import Hub
from hub.web.access import Asker
from kernel.people import Permission

log = structlog.get_logger(__name__)

STREAM_SECONDS = 600.0
# So often at most a page is told that something changed; it asks for the lists each time.
PACE_SECONDS = 0.5
DESK, TALK = "event: desk\ndata: changed\n\n", "event: talk\ndata: changed\n\n"


def mark_of(marks: lists.Marks) -> str:
    """What a page was made from, for its stream to compare with."""
    return "-".join(map(str, marks))


async def changes(hub: Hub, asker: Asker, opened: Collection[int], since: str = "") -> AsyncIterator[str]:
    """Says "desk" when the lists have changed and "talk" when the open conversations have (merged ones are several).

    `since` is what the page was made from (`mark_of`): what happened before its stream began was told to nobody.
    """
    loop = asyncio.get_running_loop()
    units = asker.viewer.units(Permission.CONVERSATION_READ)
    talks = {conversation_topic(one) for one in opened}
    ends, said = loop.time() + STREAM_SECONDS, 0.0
    with hub.incoming.live.watching([*(desk_topic(unit) for unit in units), *talks]) as watcher:
        last = await _seen(hub, asker, loop.time() - (0 if since else LOOK_SECONDS))
        yield ": listening\n\n"
        if since and last is not None and mark_of(last) != since:
            said = loop.time()
            yield DESK + (TALK if opened else "")
        async with aclosing(watcher.changes()) as changed:
            while loop.time() < ends:
                told = await anext(changed)
                if told and (rest := said + PACE_SECONDS - loop.time()) > 0:
                    await asyncio.sleep(rest)
                    told |= watcher.more()
                # What another stream read a little before serves, too; at worst the page hears of a change once more.
                now = await _seen(hub, asker, loop.time() - (PACE_SECONDS if told else LOOK_SECONDS)) or last
                if not told and now == last:
                    yield ": still here\n\n"
                    continue
                # Who was told by nobody knows that something changed, but not what.
                own = bool(talks & told) if told else bool(opened)
                last, said = now, loop.time()
                yield DESK + (TALK if own else "")


async def _seen(hub: Hub, asker: Asker, moment: float) -> lists.Marks | None:
    """What the lists rest on, read at that moment or later, once for all streams that see the same units.

    Nothing where the database does not answer: the stream lasts, and looks again.
    """
    who = asker.viewer

    def read() -> lists.Marks:
        with hub.works.read() as work:
            return lists.marks(work.session, who)

    try:
        return await hub.incoming.sights.since(("desk", who.units(Permission.CONVERSATION_READ)), moment, read)
    except SQLAlchemyError as failure:
        log.warning("the live desk cannot look", why=type(failure).__name__)
        return None
