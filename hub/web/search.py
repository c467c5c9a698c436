"""全站搜索 on the portal: what the public may see, by kind, with what was found marked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from time import monotonic
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from content import search
from content.compose import tidy
from content.kinds import all_kinds, kind_of
from content.models import Column, PublicPiece, Revision
from content.relations import STANDINGS
from content.search import LONGEST_QUERY, Found
from hub.limits import Limit, TooOften
from hub.web.access import HubDep, address_of
from hub.web.portal import portal_page
from kernel.people import Unit
from kernel.work import Actor
from templates.views import PortalEntry, PortalLink, PortalSearch

router = APIRouter()

CITIZEN = Actor("citizen")
SIZE = 10
MOST_PAGES = 50
_PAGE = re.compile(r"[0-9]{1,3}")


class _Limits:
    """Nobody reads faster than this; what asks more is a program. Misses are written, so they have their own."""

    def __init__(self) -> None:
        self.searches = Limit(60, 60)
        self.misses = Limit(10, 60)

    def may_record(self, address: str) -> bool:
        """Whether one more miss of this address may be written."""
        try:
            self.misses.take(address)
        except TooOften:
            return False
        return True


@router.get("/search")
def site_search(
    request: Request,
    hub: HubDep,
    q: Annotated[str, Query()] = "",
    kind: Annotated[str, Query()] = "",
    page: Annotated[str, Query()] = "1",
) -> HTMLResponse:
    """A page of answers; a search that finds nothing is kept for the editors, without who it was."""
    address = address_of(request, hub.settings)
    limits = _limits(request)
    limits.searches.take(address)
    begun = monotonic()
    query = " ".join(tidy(q).split())[:LONGEST_QUERY]
    kind = kind if kind in all_kinds() else ""
    number = min(MOST_PAGES, max(1, int(page))) if _PAGE.fullmatch(page) else 1
    with hub.works.read() as work:
        found = hub.search.search(work.session, work.now, query, kind, number, SIZE) if query else Found((), 0, ())
        entries = [_entry(work.session, row, query) for row in found.rows]
    if query and found.whole and not found.kinds and limits.may_record(address):
        with hub.works.write(CITIZEN) as work:
            search.record_miss(work, query)
    last = min(MOST_PAGES, -(-found.total // SIZE))
    shown = PortalSearch(
        query=query,
        entries=entries,
        total=found.total,
        groups=_groups(query, kind, found.kinds),
        page=number,
        previous_href=_href(query, kind, number - 1) if number > 1 else "",
        next_href=_href(query, kind, number + 1) if number < last else "",
        suggestions=[PortalLink(row.title, row.path) for row in found.guesses],
        seconds=monotonic() - begun,
    )
    return portal_page(request, "outbound/portal/search.html", search=shown)


def _limits(request: Request) -> _Limits:
    state = request.app.state
    if not hasattr(state, "search_limits"):
        state.search_limits = _Limits()
    kept: _Limits = state.search_limits
    return kept


def _entry(session: Session, row: PublicPiece, query: str) -> PortalEntry:
    revision = session.get_one(Revision, row.revision_id)
    fields = revision.fields
    validity = f"已{STANDINGS[row.standing]}" if row.standing else ""
    return PortalEntry(
        title=row.title,
        href=row.path,
        published_at=row.first_at or row.from_at or revision.created_at,
        summary_html=search.excerpt(search.readable(revision, row.kind), query),
        mark=validity or kind_of(row.kind).label,
        number=str(fields.get("document_number", "")),
        source=revision.source_name or session.get_one(Unit, row.unit_id).name,
        column=session.get_one(Column, row.column_id).name,
    )


def _groups(query: str, chosen: str, kinds: Sequence[tuple[str, int]]) -> list[PortalLink]:
    if not kinds:
        return []
    total = sum(count for _name, count in kinds)
    links = [PortalLink("全部", _href(query, "", 1), current=not chosen, note=str(total))]
    for name, count in kinds:
        links.append(PortalLink(kind_of(name).label, _href(query, name, 1), current=name == chosen, note=str(count)))
    return links


def _href(query: str, kind: str, page: int) -> str:
    asked = {"q": query, **({"kind": kind} if kind else {}), **({"page": str(page)} if page > 1 else {})}
    return f"/search?{urlencode(asked)}"
