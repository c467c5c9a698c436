"""全站搜索 on the portal: pieces, their attachments and published answers, by kind, with what was found marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import publishing
from bot.found_answers import ANSWER
from bot.models import PublicAnswer
from content import search, search_files
from content.kinds import all_kinds, kind_of
from content.models import Column, PublicFile, PublicPiece, Revision
from content.relations import STANDINGS
from content.search import Found, Narrow
from content.search_files import FILE
from content.search_grams import LONGEST_QUERY
from content.search_passages import excerpt, readable
from hub.limits import Limit, TooOften
from hub.web.access import HubDep, address_of
from hub.web.portal import portal_page
from kernel.people import Unit
from kernel.typed import tidy
from kernel.work import Actor
from scheduler import reading
from templates.views import PortalEntry, PortalFilter, PortalLink, PortalSearch

router = APIRouter()

CITIZEN = Actor("citizen")
SIZE = 10
LONGEST_TITLE = 60
MOST_PAGES = 50
BESIDE = {FILE: "附件", ANSWER: "留言公开"}
_PAGE = re.compile(r"[0-9]{1,3}")
_NUMBER = re.compile(r"[0-9]{1,9}")
SPANS: dict[str, tuple[str, int]] = {"week": ("一周内", 7), "month": ("一月内", 31), "year": ("一年内", 366)}


@dataclass(frozen=True)
class Asked:
    """What a reader asked for, as his address says it."""

    query: str
    kind: str = ""
    column: int | None = None
    unit: int | None = None
    time: str = ""

    def narrow(self, now: datetime) -> Narrow:
        """The same for the index."""
        days = SPANS[self.time][1] if self.time else 0
        return Narrow(self.column, self.unit, now - timedelta(days=days) if days else None)

    def href(self, page: int = 1) -> str:
        """The address of a page of this answer."""
        said = {"q": self.query, "kind": self.kind, "column": self.column, "unit": self.unit, "time": self.time}
        kept = {name: value for name, value in said.items() if value}
        return f"/search?{urlencode({**kept, **({'page': page} if page > 1 else {})})}"


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
    column: Annotated[str, Query()] = "",
    unit: Annotated[str, Query()] = "",
    time: Annotated[str, Query()] = "",
    page: Annotated[str, Query()] = "1",
) -> HTMLResponse:
    """A page of answers; a search that finds nothing is kept for the editors, without who it was."""
    address = address_of(request, hub.settings)
    limits = _limits(request)
    limits.searches.take(address)
    begun, outside = monotonic(), request.app.state.face == "outer"
    query = " ".join(tidy(q).split())[:LONGEST_QUERY]
    asked = Asked(query, kind if kind in _labels() else "", _id(column), _id(unit), time if time in SPANS else "")
    number = min(MOST_PAGES, max(1, int(page))) if _PAGE.fullmatch(page) else 1
    with hub.works.read() as work:
        found = Found((), 0, ())
        if query:
            narrow = asked.narrow(work.now)
            only = reading.placed_here() if outside else reading.on_a_site()
            looked = [one.look(work.session, work.now, query) for one in (hub.search, *hub.beside)]
            found = search.answer(
                work.session, work.now, looked, kind=asked.kind, page=number, size=SIZE, narrow=narrow, only=only
            )
        filters = _filters(work.session, asked, found)
        files = search_files.found(work.session, [hit.key for hit in found.hits if hit.kind == FILE])
        rows = [*found.rows, *found.guesses, *(row for _file, row in files.values())]
        hrefs = hub.where(work.session, rows)
        entries = list(_entries(work.session, found, query, hrefs, files))
    if query and found.whole and not found.units and limits.may_record(address):
        with hub.works.write(CITIZEN) as work:
            hub.missed(work, query)
    last = min(MOST_PAGES, -(-found.total // SIZE))
    shown = PortalSearch(
        query=query,
        entries=entries,
        total=found.total,
        groups=_groups(asked, found.kinds),
        filters=filters,
        kind=asked.kind,
        page=number,
        previous_href=asked.href(number - 1) if number > 1 else "",
        next_href=asked.href(number + 1) if number < last else "",
        suggestions=[PortalLink(row.title, hrefs[row.piece_id]) for row in found.guesses],
        seconds=monotonic() - begun,
    )
    return portal_page(request, "outbound/portal/search.html", search=shown)


def _limits(request: Request) -> _Limits:
    state = request.app.state
    if not hasattr(state, "search_limits"):
        state.search_limits = _Limits()
    kept: _Limits = state.search_limits
    return kept


def _entries(
    session: Session,
    found: Found,
    query: str,
    hrefs: Mapping[int, str],
    files: Mapping[int, tuple[PublicFile, PublicPiece]],
) -> Iterator[PortalEntry]:
    """The page in its order; what was taken back since it was looked up is left out."""
    pieces = {row.piece_id: row for row in found.rows}
    for hit in found.hits:
        if hit.kind == FILE:
            if hit.key in files:
                file, row = files[hit.key]
                yield _file_entry(session, file, row, query, hrefs[row.piece_id])
        elif hit.kind == ANSWER:
            answer = publishing.shown(session, hit.key)
            if answer is not None:
                yield _answer_entry(session, answer, query)
        elif hit.key in pieces:
            yield _entry(session, pieces[hit.key], query, hrefs[hit.key])


def _file_entry(session: Session, file: PublicFile, row: PublicPiece, query: str, href: str) -> PortalEntry:
    return PortalEntry(
        title=file.name,
        # On another platform its address is that platform's; the page leads to it.
        href=file.href if href == row.path else href,
        published_at=row.first_at or row.from_at or session.get_one(Revision, row.revision_id).created_at,
        summary_html=excerpt(file.text, query) if file.text.strip() else "",
        mark=BESIDE[FILE],
        column=session.get_one(Column, row.column_id).name,
        source=session.get_one(Unit, row.unit_id).name,
        size=file.size,
        page=PortalLink(row.title, href),
    )


def _answer_entry(session: Session, row: PublicAnswer, query: str) -> PortalEntry:
    return PortalEntry(
        title=_short(row.question),
        href=f"/feedback/answers/{row.id}",
        published_at=row.published_at,
        summary_html=excerpt(row.answer, query),
        mark=BESIDE[ANSWER],
        source=session.get_one(Unit, row.unit_id).name,
    )


def _short(question: str) -> str:
    words = " ".join(question.split())
    return words if len(words) <= LONGEST_TITLE else f"{words[:LONGEST_TITLE]}…"


def _labels() -> Mapping[str, str]:
    return {**{name: kind.label for name, kind in all_kinds().items()}, **BESIDE}


def _entry(session: Session, row: PublicPiece, query: str, href: str) -> PortalEntry:
    revision = session.get_one(Revision, row.revision_id)
    fields = revision.fields
    validity = f"已{STANDINGS[row.standing]}" if row.standing else ""
    return PortalEntry(
        title=row.title,
        href=href,
        published_at=row.first_at or row.from_at or revision.created_at,
        summary_html=excerpt(readable(revision, row), query),
        mark=validity or kind_of(row.kind).label,
        number=str(fields.get("document_number", "")),
        source=revision.source_name or session.get_one(Unit, row.unit_id).name,
        column=session.get_one(Column, row.column_id).name,
    )


def _groups(asked: Asked, kinds: Sequence[tuple[str, int]]) -> list[PortalLink]:
    if not kinds:
        return []
    total = sum(count for _name, count in kinds)
    every = replace(asked, kind="")
    links = [PortalLink("全部", every.href(), current=not asked.kind, note=str(total))]
    for name, count in kinds:
        one = replace(asked, kind=name)
        links.append(PortalLink(_labels()[name], one.href(), current=name == asked.kind, note=str(count)))
    return links


def _filters(session: Session, asked: Asked, found: Found) -> list[PortalFilter]:
    """The choices that the answers offer; one that offers nothing to choose from is left out, unless it was used."""
    if not found.units:
        return []
    columns = session.execute(
        select(Column.id, Column.name).where(Column.id.in_(found.columns)).order_by(Column.position)
    )
    units = session.execute(select(Unit.id, Unit.name).where(Unit.id.in_(found.units)).order_by(Unit.path))
    made = [
        PortalFilter("column", "栏目", _choices(columns, found.columns), str(asked.column or "")),
        PortalFilter("unit", "部门", _choices(units, found.units), str(asked.unit or "")),
        PortalFilter("time", "时间", [(name, label) for name, (label, _days) in SPANS.items()], asked.time),
    ]
    return [one for one in made if len(one.choices) > 1 or one.chosen]


def _choices(rows: Any, counts: Mapping[int, int]) -> list[tuple[str, str]]:
    return [(str(number), f"{name}（{counts[number]}）") for number, name in rows]


def _id(text: str) -> int | None:
    return int(text) if _NUMBER.fullmatch(text) else None
