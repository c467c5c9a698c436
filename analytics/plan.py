"""Advice with reasons: when each channel is read, what the bot could not answer, what has gone silent.

Metrics suggest; a person accepts or dismisses. Accepting opens a draft with what is known filled in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from analytics import topics
from analytics.models import PageRead, Suggestion
from analytics.topics import Topic
from channels.accounts.models import Account
from channels.registry import channels
from content import compose
from content.compose import Draft
from content.errors import NoRight
from content.models import Column, Piece, PublicPiece
from kernel.errors import Invalid, WrongState
from kernel.office_rules import value_of
from kernel.once import insert_once
from kernel.people import Permission, Viewer, ancestors
from kernel.work import Work
from scheduler import freshness
from scheduler.models import Placement
from templates.catalogue import _

LOOK_BACK = topics.LOOK_BACK
ENOUGH_READS = 30
BEST_HOURS = 3
SHORT_KINDS = ("news", "notice")

LABELS = {
    "best_hours": _("发布时段"),
    "unanswered": _("未答问题"),
    "not_found": _("搜索无果"),
    "silent_column": _("静默栏目"),
    "silent_account": _("静默账号"),
}


@dataclass(frozen=True)
class Advice:
    """One piece of advice before it is kept."""

    kind: str
    key: str
    title: str
    reason: str
    facts: dict[str, Any]
    draft: dict[str, Any] = field(default_factory=dict)
    column_id: int | None = None


@dataclass(frozen=True)
class Opening:
    """What a draft begins with, and why just that."""

    title: str = ""
    why: str = ""


def refresh(work: Work, unit_ids: Sequence[int], zone: ZoneInfo) -> int:
    """Works the advice out anew for these units; returns how many are new.

    Advice that has lost its reason is dropped. What a person dismissed stays dismissed until its key changes (another
    hour, another question, another week of silence).
    """
    new = 0
    for unit_id in unit_ids:
        found = [
            *best_hours(work.session, unit_id, work.now, zone),
            *unanswered(work.session, unit_id, work.now),
            *not_found(work.session, unit_id, work.now),
            *silent_columns(work.session, unit_id, work.now, zone),
            *silent_accounts(work.session, unit_id, work.now, zone),
        ]
        new += sum(_keep(work, unit_id, advice) for advice in found)
        _drop_missing(work, unit_id, {advice.key for advice in found})
    return new


def best_hours(session: Session, unit_id: int, now: datetime, zone: ZoneInfo) -> list[Advice]:
    """Per channel the hours of the day (office zone) in which most openings of the last four weeks fell."""
    query = (
        select(PageRead.channel, PageRead.hour, func.sum(PageRead.reads))
        .where(PageRead.unit_id == unit_id, PageRead.hour >= now - LOOK_BACK)
        .group_by(PageRead.channel, PageRead.hour)
    )
    counted: dict[str, dict[int, int]] = {}
    for channel, hour, reads in session.execute(query):
        hours = counted.setdefault(channel, {})
        local = hour.astimezone(zone).hour
        hours[local] = hours.get(local, 0) + int(reads)
    return [advice for channel, hours in sorted(counted.items()) if (advice := _hours_advice(unit_id, channel, hours))]


def unanswered(session: Session, unit_id: int, now: datetime) -> list[Advice]:
    """Questions that the bot could not answer and that were asked several times in the last four weeks."""
    return [
        _to_be_answered(
            session, "unanswered", unit_id, topic, f"近四周有 {topic.count} 次提问，机器人答不了。", "补充问答"
        )
        for topic in topics.unanswered(session, unit_id, now)
    ]


def not_found(session: Session, unit_id: int, now: datetime) -> list[Advice]:
    """What readers looked for on the site several times in the last four weeks and did not find."""
    return [
        _to_be_answered(
            session, "not_found", unit_id, topic, f"近四周有 {topic.count} 次站内搜索，没有搜到内容。", "补充内容"
        )
        for topic in topics.not_found(session, unit_id, now)
    ]


def silent_columns(session: Session, unit_id: int, now: datetime, zone: ZoneInfo) -> list[Advice]:
    """Columns near or past the longest pause that inspections allow."""
    quiet = freshness.quiet_counts(session, unit_id, now)
    newest = (
        select(PublicPiece.column_id, func.max(PublicPiece.first_at).label("at"))
        .where(PublicPiece.piece_id.not_in(freshness.shown_quietly_only(quiet=quiet)))
        .group_by(PublicPiece.column_id)
        .subquery()
    )
    query = (
        select(Column, newest.c.at)
        .outerjoin(newest, newest.c.column_id == Column.id)
        .where(Column.unit_id == unit_id, Column.active, Column.freshness_days.is_not(None))
    )
    found, topic = [], topics.most_wanted(session, unit_id, now)
    for column, at in session.execute(query):
        limit = column.freshness_days or 0
        days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days if at else None
        if days is None or days * 5 >= limit * 4:
            found.append(_silence_advice(column, days, limit, _opening(column, topic, now, zone)))
    return found


def silent_accounts(session: Session, unit_id: int, now: datetime, zone: ZoneInfo) -> list[Advice]:
    """Accounts near or past the longest pause that inspections allow; what no follower is told of breaks none."""
    limit = int(value_of(session, freshness.ACCOUNT_DAYS, unit_id, now))
    query = select(Account).where(Account.unit_id == unit_id, Account.active).order_by(Account.id)
    found = [one for one in session.scalars(query) if freshness.expected_to_update(one)]
    newest = freshness.last_updates(session, found, now)
    advice, topic = [], topics.most_wanted(session, unit_id, now)
    for account in found:
        at = newest.get(account.id)
        days = (now.astimezone(zone).date() - at.astimezone(zone).date()).days if at else None
        if days is None or days * 5 >= limit * 4:
            since = "还没有更新" if days is None else f"已 {days} 天未更新"
            column = _usual_column(session, account)
            opening = _opening(column, topic, now, zone) if column else Opening()
            advice.append(
                Advice(
                    kind="silent_account",
                    key=f"silent_account.{account.id}.{'never' if days is None else days // 7}",
                    title=f"账号“{account.name}”（{_label(account.channel)}）{since}",
                    reason=f"该账号最长 {limit} 天须更新一次，{since}。{opening.why}",
                    facts={"days": days, "limit": limit, "account": account.id},
                    draft={"title": opening.title},
                    column_id=column.id if column else None,
                )
            )
    return advice


def accept(work: Work, who: Viewer, suggestion: Suggestion) -> Piece | None:
    """A person takes the advice: a draft opens where there is something to write, else it is noted as agreed."""
    _decide(work, who, suggestion)
    suggestion.state = "accepted"
    if suggestion.column_id is None:
        work.audit("suggestion.accepted", suggestion, title=suggestion.title)
        return None
    column = work.session.get_one(Column, suggestion.column_id)
    piece = compose.create(work, who, column, draft=Draft(**suggestion.draft))
    suggestion.piece_id = piece.id
    work.audit("suggestion.accepted", suggestion, title=suggestion.title, piece=piece.id)
    return piece


def dismiss(work: Work, who: Viewer, suggestion: Suggestion, reason: str) -> None:
    """A person does not take it, and says why."""
    if not reason.strip():
        raise Invalid(field="reason", why="不采纳须填写理由。")
    _decide(work, who, suggestion)
    suggestion.state, suggestion.remark = "dismissed", reason.strip()[:500]
    work.audit("suggestion.dismissed", suggestion, title=suggestion.title, reason=reason.strip())


def _decide(work: Work, who: Viewer, suggestion: Suggestion) -> None:
    if not who.may(Permission.PLAN_ACT, suggestion.unit_id):
        raise NoRight(what="处理此建议")
    if suggestion.state != "open":
        raise WrongState(state="已处理", act="再次处理")
    suggestion.decided_at, suggestion.decided_by = work.now, who.person_id


def _to_be_answered(session: Session, kind: str, unit_id: int, topic: Topic, reason: str, act: str) -> Advice:
    return Advice(
        kind=kind,
        key=f"{kind}.{unit_id}.{_digest(topic.words)}",
        title=f"{act}：{topic.words[:60]}",
        reason=reason,
        facts={"question": topic.words, "asked": topic.count},
        draft={"title": topic.words[:100], "fields": {"wordings": [topic.words]}},
        column_id=_faq_column(session, unit_id),
    )


def _opening(column: Column, topic: Topic | None, now: datetime, zone: ZoneInfo) -> Opening:
    """What the draft begins with: what people ask for most, else the column and the month."""
    if topic is None:
        month = now.astimezone(zone)
        return Opening(f"{column.name}（{month.year}年{month.month}月）")
    return Opening(topic.words[:100], f"群众近期问得、搜得最多而没有结果的是“{topic.words[:60]}”，可以此为题。")


def _usual_column(session: Session, account: Account) -> Column | None:
    """The column most of whose pieces this account shows, else the unit's first for news or notices."""
    shown = (
        select(Piece.column_id, func.count(Placement.id).label("times"))
        .join(Placement, Placement.piece_id == Piece.id)
        .where(Placement.account_id == account.id)
        .group_by(Piece.column_id)
        .subquery()
    )
    mine = (Column.unit_id == account.unit_id, Column.active)
    most = select(Column).join(shown, shown.c.column_id == Column.id).where(*mine).order_by(shown.c.times.desc())
    first = select(Column).where(*mine, Column.kind.in_(SHORT_KINDS)).order_by(Column.position, Column.id)
    return session.scalars(most.limit(1)).first() or session.scalars(first.limit(1)).first()


def _faq_column(session: Session, unit_id: int) -> int | None:
    above = ancestors(session, unit_id)
    query = select(Column.id, Column.unit_id).where(Column.kind == "faq", Column.active, Column.unit_id.in_(above))
    found = sorted(session.execute(query), key=lambda row: (above.index(row.unit_id), row.id))
    return found[0].id if found else None


def _hours_advice(unit_id: int, channel: str, hours: dict[int, int]) -> Advice | None:
    total = sum(hours.values())
    if total < ENOUGH_READS:
        return None
    best = sorted(sorted(hours, key=lambda hour: -hours[hour])[:BEST_HOURS])
    share = sum(hours[hour] for hour in best) / total
    named = "、".join(f"{hour}–{hour + 1} 时" for hour in best)
    label = _label(channel)
    return Advice(
        kind="best_hours",
        key=f"best_hours.{unit_id}.{channel}.{'-'.join(map(str, best))}",
        title=f"{label}：建议在 {named} 发布",
        reason=f"近四周经{label}打开的 {total} 次中，{share:.0%} 在这些时段。",
        facts={"channel": channel, "hours": {str(hour): hours[hour] for hour in sorted(hours)}, "best": best},
    )


def _label(channel: str) -> str:
    adapter = channels().get(channel)
    return adapter.label if adapter else channel


def _silence_advice(column: Column, days: int | None, limit: int, opening: Opening) -> Advice:
    since = "还没有内容" if days is None else f"已 {days} 天未更新"
    return Advice(
        kind="silent_column",
        key=f"silent_column.{column.id}.{'never' if days is None else days // 7}",
        title=f"“{column.name}”{since}",
        reason=f"该栏目最长 {limit} 天须更新一次，{since}。{opening.why}",
        facts={"days": days, "limit": limit},
        draft={"title": opening.title},
        column_id=column.id,
    )


def _keep(work: Work, unit_id: int, advice: Advice) -> bool:
    inserted = insert_once(
        work.session,
        Suggestion,
        unit_id=unit_id,
        kind=advice.kind,
        key=advice.key,
        title=advice.title[:300],
        reason=advice.reason[:500],
        facts=advice.facts,
        draft=advice.draft,
        column_id=advice.column_id,
        made_at=work.now,
        seen_at=work.now,
    )
    if not inserted:
        row = work.session.scalars(select(Suggestion).where(Suggestion.key == advice.key)).one()
        row.seen_at = work.now
        if row.state in ("open", "gone"):
            row.state, row.reason, row.facts, row.title = "open", advice.reason[:500], advice.facts, advice.title[:300]
            row.draft, row.column_id = advice.draft, advice.column_id
    return inserted


def _drop_missing(work: Work, unit_id: int, keys: set[str]) -> None:
    query = select(Suggestion).where(Suggestion.unit_id == unit_id, Suggestion.state == "open")
    for row in work.session.scalars(query):
        if row.key not in keys:
            row.state = "gone"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
