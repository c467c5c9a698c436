"""The content API of the office's own app: what the public may see, search, and the chat; no log-in, cached by ETag.

It shows what `content.public` says at this moment and nothing else: withdrawn is 410 with the public phrase.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content.kinds import kind_of
from content.kinds.guide import facet_of, themes
from content.models import Column, PublicPiece, Release, Revision
from content.public import visible
from content.search import Found
from content.search_grams import LONGEST_QUERY
from content.search_passages import readable
from content.standing import content_now
from hub.limits import TooOften
from hub.product import Hub
from hub.web import chat
from hub.web.access import HubDep, address_of
from hub.web.api_shapes import Problem
from hub.web.openapi import described
from hub.web.search import CITIZEN
from hub.web.sent import Body
from kernel.errors import NotFound, XuandaError
from kernel.typed import tidy
from scheduler import reading

PREFIX = "/api/app/v1"
router = APIRouter(prefix=PREFIX)

# So many in so many seconds for one address.
READS, STARTS, MISSES = (300, 60), (30, 600), (10, 60)
MAX_AGE = 60
MOST_GUIDES = 2000
# Whatever of a text leads to our own pages and files.
_ADDRESSES = re.compile(r'( (?:src|href|poster)=")/(?!/)')
EXPIRED = "该内容已过有效期，现予撤下。"

PageNumber = Annotated[int, Query(ge=1, le=1000)]
Size = Annotated[int, Query(ge=1, le=50)]
Word = Annotated[str, Query(max_length=60)]


class Withdrawn(XuandaError):
    """This was taken down: {phrase}"""

    zh: ClassVar[str] = "{phrase}"
    status: ClassVar[int] = 410


class Device(Body):
    """The secret a device made for itself once and keeps; whoever has it reads the conversation."""

    device: str = Field(min_length=32, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")


def reader(request: Request, hub: HubDep) -> None:
    """Lets nobody read faster than any app would."""
    hub.incoming.limit("app.read", *READS).take(address_of(request, hub.settings))


Reading = Depends(reader)
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Nothing has changed since the tag sent along"}}
GONE: dict[int | str, dict[str, Any]] = {410: {"description": "It was taken down: the public phrase", "model": Problem}}


@router.get("/openapi.json")
def describe(request: Request) -> JSONResponse:
    """Every route of this API with what it takes."""
    return JSONResponse(described(request.app, f"{PREFIX}/", "Xuanda app API", guarded=False))


@router.get("/columns", dependencies=[Reading], responses=UNCHANGED)
def columns(request: Request, hub: HubDep) -> Response:
    """The portal's columns in order, each with how many pieces may be seen."""
    with hub.works.read() as work:
        counted = select(PublicPiece.column_id, func.count()).where(visible(work.now)).group_by(PublicPiece.column_id)
        numbers = dict(work.session.execute(counted).all())
        found = work.session.scalars(select(Column).where(Column.active).order_by(Column.position, Column.id)).all()
        rows = [
            {"slug": one.slug, "name": one.name, "kind": one.kind, "pieces": numbers.get(one.id, 0)} for one in found
        ]
    return _cached(request, {"columns": rows})


@router.get("/pieces", dependencies=[Reading], responses=UNCHANGED)
def pieces(
    request: Request, hub: HubDep, column: Word = "", kind: Word = "", page: PageNumber = 1, size: Size = 20
) -> Response:
    """The newest pieces, of one column or kind or of all."""
    with hub.works.read() as work:
        query = select(PublicPiece).where(visible(work.now))
        if column:
            query = query.where(PublicPiece.column_id == _column(work.session, column).id)
        if kind:
            query = query.where(PublicPiece.kind == kind)
        total = work.session.scalar(select(func.count()).select_from(query.subquery())) or 0
        order = query.order_by(PublicPiece.first_at.desc(), PublicPiece.piece_id.desc())
        rows = work.session.scalars(order.limit(size).offset((page - 1) * size)).all()
        found = _briefs(hub, work.session, rows)
    return _cached(request, {"total": total, "page": page, "size": size, "pieces": found})


@router.get("/pieces/{piece_id}", dependencies=[Reading], responses={**UNCHANGED, **GONE})
def piece(request: Request, hub: HubDep, piece_id: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Response:
    """One piece with its text and the elements of its kind; 410 with the public phrase once it was taken down."""
    with hub.works.read() as work:
        row = work.session.get(PublicPiece, piece_id)
        if row is None or row.from_at is None or row.from_at > work.now:
            raise NotFound
        if row.until_at is not None and row.until_at <= work.now:
            raise Withdrawn(phrase=row.withdrawn_phrase or EXPIRED)
        release = work.session.get_one(Release, row.release_id)
        (brief,) = _briefs(hub, work.session, [row])
    content = content_now(row, release.content)
    return _cached(request, {**brief, **_whole(hub, content)})


@router.get("/guides", dependencies=[Reading], responses=UNCHANGED)
def guides(
    request: Request, hub: HubDep, audience: Word = "", theme: Word = "", page: PageNumber = 1, size: Size = 20
) -> Response:
    """办事指南 by audience (个人, 法人) and theme, with how many there are of each."""
    with hub.works.read() as work:
        every = _public_with_fields(work.session, "guide", work.now)
        for_them = [one for one in every if not audience or audience in _texts(one[1].get("audience"))]
        chosen = [one for one in for_them if not theme or theme in _themes(one[1], audience)]
        shown = chosen[(page - 1) * size : page * size]
        rows = _briefs(hub, work.session, [row for row, _ in shown])
    names = ("audience", "responsible", "phone", "online", "online_address")
    found = [
        {**brief, **{name: fields.get(name) for name in names}, **_sorted_under(fields, audience)}
        for brief, (_, fields) in zip(rows, shown, strict=True)
    ]
    audiences = Counter(name for _, fields in every for name in _texts(fields.get("audience")))
    counted = Counter(one for _, fields in for_them for one in _themes(fields, audience))
    catalogue = {"audiences": dict(audiences.most_common()), "themes": dict(counted.most_common())}
    return _cached(request, {"total": len(chosen), "page": page, "size": size, "catalogue": catalogue, "guides": found})


@router.get("/faqs", dependencies=[Reading], responses=UNCHANGED)
def faqs(request: Request, hub: HubDep, page: PageNumber = 1, size: Size = 20) -> Response:
    """常见问题: question and answer, as the bot answers them."""
    with hub.works.read() as work:
        every = _public_with_fields(work.session, "faq", work.now)
        shown = every[(page - 1) * size : page * size]
        rows = _briefs(hub, work.session, [row for row, _ in shown])
        bodies = [_whole(hub, work.session.get_one(Release, row.release_id).content) for row, _ in shown]
    found = [{**brief, **body} for brief, body in zip(rows, bodies, strict=True)]
    return _cached(request, {"total": len(every), "page": page, "size": size, "faqs": found})


@router.get("/search", dependencies=[Reading], responses=UNCHANGED)
def find(
    request: Request, hub: HubDep, q: Annotated[str, Query(max_length=300)], kind: Word = "", page: PageNumber = 1
) -> Response:
    """The portal's own search: the best first, ten to a page, with how many there are of each kind."""
    query = " ".join(tidy(q).split())[:LONGEST_QUERY]
    with hub.works.read() as work:
        found = hub.search.search(work.session, work.now, query, kind, page, 10) if query else Found((), 0, ())
        texts = [
            readable(work.session.get_one(Revision, row.revision_id), row).replace("\n", " ")[:120]
            for row in found.rows
        ]
        rows = _briefs(hub, work.session, found.rows)
        guesses = _briefs(hub, work.session, found.guesses)
    if query and found.whole and not found.units:
        _missed(request, hub, query)
    results = [{**brief, "excerpt": words} for brief, words in zip(rows, texts, strict=True)]
    kinds = dict(found.kinds)
    answer = {"query": query, "total": found.total, "page": page, "kinds": kinds, "results": results}
    return _cached(request, {**answer, "guesses": guesses})


@router.post("/chat/devices")
def open_chat(request: Request, hub: HubDep, given: Device) -> JSONResponse:
    """The device's one conversation: the open one, or a new one; its secret is the token of the chat's other routes."""
    hub.incoming.limit("app.chat", *STARTS).take(address_of(request, hub.settings))
    return JSONResponse(chat.resume_or_begin(hub, given.device), headers={"Cache-Control": "no-store"})


router.include_router(chat.conversations)


def _missed(request: Request, hub: Hub, query: str) -> None:
    """Keeps a search that finds nothing for the editors, as the portal's own is, without who it was."""
    with suppress(TooOften):
        hub.incoming.limit("app.miss", *MISSES).take(address_of(request, hub.settings))
        with hub.works.write(CITIZEN) as work:
            hub.missed(work, query)


# --- what is shown -------------------------------------------------------------------------------------------------


def _column(session: Session, slug: str) -> Column:
    found = session.scalars(select(Column).where(Column.slug == slug, Column.active)).one_or_none()
    if found is None:
        raise NotFound(field="column")
    return found


def _briefs(hub: Hub, session: Session, rows: Sequence[PublicPiece]) -> list[dict[str, Any]]:
    query = select(Column.id, Column.slug, Column.name).where(Column.id.in_({row.column_id for row in rows}))
    named = {number: (slug, name) for number, slug, name in session.execute(query)}
    address, pages = hub.settings.address, reading.addresses_of(session, rows)
    return [
        {
            "id": row.piece_id,
            "kind": row.kind,
            "kind_name": kind_of(row.kind).label,
            "column": named[row.column_id][0],
            "column_name": named[row.column_id][1],
            "title": row.title,
            "summary": row.summary,
            "picture": f"{address}{row.picture}" if row.picture else "",
            "url": _whole_address(address, pages.get(row.piece_id, "")),
            "published_at": _moment(row.first_at),
            "changed_at": _moment(row.from_at),
            "expires_at": _moment(row.until_at),
            "standing": row.standing,
            "standing_note": row.standing_note,
        }
        for row in rows
    ]


def _whole_address(portal: str, page: str) -> str:
    return f"{portal}{page}" if page.startswith("/") else page


def _whole(hub: Hub, content: Mapping[str, Any]) -> dict[str, Any]:
    """The signed text and the kind's own elements; pictures and files with whole addresses."""
    address = hub.settings.address
    specs = kind_of(content["kind"]).fields
    return {
        "body_html": _ADDRESSES.sub(rf"\1{address}/", str(content["body"])),
        "unit": content["unit"],
        "source": content["source_name"] or content["unit"],
        "editor": content["editor"],
        "revision": content["revision_number"],
        "fields": {
            spec.name: {"label": spec.label, "value": content["fields"][spec.name]}
            for spec in specs
            if content["fields"].get(spec.name) not in (None, "", [], {})
        },
        "attachments": [
            {"name": file["name"], "size": file["size"], "url": f"{address}{file['href']}"}
            for file in content["attachments"]
        ],
    }


def _public_with_fields(session: Session, kind: str, now: datetime) -> list[tuple[PublicPiece, Mapping[str, Any]]]:
    query = (
        select(PublicPiece, Revision.fields)
        .join(Revision, Revision.id == PublicPiece.revision_id)
        .where(visible(now), PublicPiece.kind == kind)
        .order_by(PublicPiece.first_at.desc(), PublicPiece.piece_id.desc())
        .limit(MOST_GUIDES)
    )
    return [(row, fields) for row, fields in session.execute(query)]


def _themes(fields: Mapping[str, Any], audience: str) -> list[str]:
    """The themes under which a guide stands for an audience, or for all whom it serves."""
    by_side = themes(fields)
    kept = [by_side.get(facet_of(audience), "")] if audience else by_side.values()
    return [one for one in dict.fromkeys(kept) if one]


def _sorted_under(fields: Mapping[str, Any], audience: str) -> dict[str, Any]:
    by_side = themes(fields)
    named = {one: by_side.get(facet_of(one), "") for one in _texts(fields.get("audience"))}
    return {"theme": next(iter(_themes(fields, audience)), ""), "themes": named}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _moment(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _cached(request: Request, answer: Mapping[str, Any]) -> Response:
    """The answer with its tag; 304 without a body for whoever has it already."""
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE}"}
    held = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in held or "*" in held:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)
