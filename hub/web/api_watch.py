"""The API of what is watched: the audit log, the person's notices, links that do not answer, the portal's grey mode."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import select, update
from typing_extensions import TypedDict

from content.links import STATE_LABELS
from content.models import LinkCheck, LinkPlace
from hub import site_state
from hub.notices import Notice
from hub.site_state import GREY
from hub.web.access import Asker, HubDep, api_may, api_signed_in
from hub.web.api_shapes import DONE, At, Done, Page, PageNumber, moment, one_page, told
from hub.web.audit_log import lines_in_reach, walk
from hub.web.links import ask_again
from hub.web.sent import Body, Moment
from hub.web.site_state import keeper_unit, set_grey
from kernel.audit import AuditLine
from kernel.errors import NotFound
from kernel.office_rules import value_of
from kernel.people import Permission, scoped
from kernel.work import Work

router = APIRouter(prefix="/api/v1")

P = Permission
Anybody = Annotated[Asker, Depends(api_signed_in())]
Auditor = Annotated[Asker, Depends(api_may(P.AUDIT_READ))]
Reader = Annotated[Asker, Depends(api_may(P.PIECE_READ))]
Writer = Annotated[Asker, Depends(api_may(P.PIECE_WRITE))]
Keeper = Annotated[Asker, Depends(api_may(P.RULE_WRITE))]
Word = Annotated[str, Query(max_length=80)]


class Grey(Body):
    """From when until when the portal is grey, and on what ground; neither time ends it."""

    begins: Moment | None = None
    ends: Moment | None = None
    reason: str = Field("", max_length=200)


class LineTold(TypedDict):
    """One line of the audit log; its hash covers the line before."""

    seq: int
    at: At
    actor: int | None
    actor_name: str
    address: str
    unit: int | None
    act: str
    object: str
    object_id: int | None
    details: dict[str, Any]
    previous: str
    hash: str


class Lines(Page):
    """One page of the audit log."""

    lines: list[LineTold]


class ChainTold(TypedDict):
    """How many lines hold, the end of the chain, and the first fault (null where there is none)."""

    whole: bool
    lines: int
    head: str
    fault: str | None


class NoticeTold(TypedDict):
    """Something that was told to the token's person."""

    id: int
    kind: str
    title: str
    text: str
    link: str
    created_at: At
    read_at: At | None


class Notices(Page):
    """One page of notices."""

    notices: list[NoticeTold]


class LinkTold(TypedDict):
    """An address on public pages that was not found alive, and the pieces in reach on which it stands."""

    digest: str
    address: str
    state: str
    reason: str
    asked_at: At
    dead_since: At | None
    pieces: list[int]


class Links(Page):
    """One page of such addresses."""

    links: list[LinkTold]


class LinkAnswer(TypedDict):
    """How an address answers now."""

    state: str
    reason: str


class GreyTold(TypedDict):
    """Whether the portal is grey at this moment, and the period that was set."""

    grey: bool
    begins: At | None
    ends: At | None
    reason: str


# --- the audit log ---------------------------------------------------------------------------------------------


@router.get("/audit")
def audit_log(
    hub: HubDep,
    asker: Auditor,
    act: Word = "",
    object_kind: Annotated[str, Query(alias="object", max_length=80)] = "",
    number: int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    page: PageNumber = 1,
) -> Lines:
    """The lines of the units in reach, the newest first; filtered by act, object and time."""
    with hub.works.read() as work:
        mine = lines_in_reach(work.session, asker).with_only_columns(AuditLine.seq)
        query = select(AuditLine).where(AuditLine.seq.in_(mine))
        if act:
            query = query.where(AuditLine.act == act)
        if object_kind:
            query = query.where(AuditLine.object_kind == object_kind)
        if number is not None:
            query = query.where(AuditLine.object_id == number)
        if since is not None:
            query = query.where(AuditLine.at >= since)
        if until is not None:
            query = query.where(AuditLine.at < until)
        head, rows = one_page(work.session, query, page, AuditLine.seq.desc())
        return {**head, "lines": [_line(row) for row in rows]}


@router.post("/audit/verify")
def verify(hub: HubDep, asker: Auditor) -> ChainTold:
    """Walks the whole chain; that this was done is itself a line."""
    found = walk(hub, asker)
    return {"whole": found.fault is None, "lines": found.lines, "head": found.head, "fault": found.fault}


# --- notices ---------------------------------------------------------------------------------------------------


@router.get("/notices")
def notices(hub: HubDep, asker: Anybody, unread: bool = False, page: PageNumber = 1) -> Notices:
    """What was told to the token's person, the newest first."""
    query = select(Notice).where(Notice.person_id == asker.viewer.person_id)
    if unread:
        query = query.where(Notice.read_at.is_(None))
    with hub.works.read() as work:
        head, rows = one_page(work.session, query, page, Notice.id.desc())
        return {**head, "notices": [_notice(row) for row in rows]}


@router.post("/notices/read")
def read_all(hub: HubDep, asker: Anybody) -> Done:
    """Marks every notice as read."""
    unread = (Notice.person_id == asker.viewer.person_id, Notice.read_at.is_(None))
    with hub.works.write(asker.actor) as work:
        work.session.execute(update(Notice).where(*unread).values(read_at=work.now))
    return DONE


@router.post("/notices/{notice_id}/read")
def read_one(hub: HubDep, asker: Anybody, notice_id: int) -> NoticeTold:
    """Marks one notice as read."""
    with hub.works.write(asker.actor) as work:
        notice = work.session.get(Notice, notice_id)
        if notice is None or notice.person_id != asker.viewer.person_id:
            raise NotFound
        notice.read_at = notice.read_at or work.now
        return _notice(notice)


# --- links -----------------------------------------------------------------------------------------------------


@router.get("/links")
def links(hub: HubDep, asker: Reader, page: PageNumber = 1) -> Links:
    """死链巡查: every address on a public page of one's units that was not found alive, the newest finding first."""
    mine = scoped(select(LinkPlace.digest), LinkPlace.unit_id, asker.viewer, P.PIECE_READ)
    query = select(LinkCheck).where(LinkCheck.digest.in_(mine), LinkCheck.state.in_(STATE_LABELS))
    with hub.works.read() as work:
        head, rows = one_page(work.session, query, page, LinkCheck.at.desc(), LinkCheck.digest)
        return {**head, "links": [_link(work, asker, row) for row in rows]}


@router.post("/links/{digest}/ask")
def ask(hub: HubDep, asker: Writer, digest: str) -> LinkAnswer:
    """Asks one address again; only one that stands on a page in reach."""
    answer = ask_again(hub, asker, digest)
    return {"state": answer.state, "reason": answer.reason}


# --- the portal's state ----------------------------------------------------------------------------------------


@router.get("/site-state")
def shown(hub: HubDep, asker: Keeper) -> GreyTold:
    """How the portal stands."""
    with hub.works.read() as work:
        return _grey(work, asker)


@router.put("/site-state")
def change(hub: HubDep, asker: Keeper, sent: Grey) -> GreyTold:
    """Makes the portal grey for a period, or ends it; pages follow within ten seconds."""
    with hub.works.write(asker.actor) as work:
        set_grey(work, asker, sent.begins, sent.ends, sent.reason)
        now = _grey(work, asker)
    site_state.follow(hub)
    return now


# --- as JSON ---------------------------------------------------------------------------------------------------


def _line(row: AuditLine) -> LineTold:
    return {
        "seq": row.seq,
        "at": told(row.at),
        "actor": row.actor_id,
        "actor_name": row.actor_name,
        "address": row.address,
        "unit": row.unit_id,
        "act": row.act,
        "object": row.object_kind,
        "object_id": row.object_id,
        "details": json.loads(row.details),
        "previous": row.previous,
        "hash": row.hash,
    }


def _notice(row: Notice) -> NoticeTold:
    return {
        "id": row.id,
        "kind": row.kind,
        "title": row.title,
        "text": row.text,
        "link": row.link,
        "created_at": told(row.created_at),
        "read_at": moment(row.read_at),
    }


def _link(work: Work, asker: Asker, row: LinkCheck) -> LinkTold:
    pieces = scoped(select(LinkPlace.piece_id), LinkPlace.unit_id, asker.viewer, P.PIECE_READ)
    return {
        "digest": row.digest,
        "address": row.address,
        "state": row.state,
        "reason": row.reason,
        "asked_at": told(row.at),
        "dead_since": moment(row.dead_since),
        "pieces": list(work.session.scalars(pieces.where(LinkPlace.digest == row.digest).order_by(LinkPlace.piece_id))),
    }


def _grey(work: Work, asker: Asker) -> GreyTold:
    value = value_of(work.session, GREY, keeper_unit(work, asker), work.now)
    return {
        "grey": site_state.is_grey(value, work.now),
        "begins": moment(site_state.moment_of(value, "from")),
        "ends": moment(site_state.moment_of(value, "until")),
        "reason": str(value.get("reason", "")),
    }
