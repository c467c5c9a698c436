"""Wires the comments: which items are followed, the duties that hear and answer, and who is told what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from bot.comments import late
from bot.comments.answer import Answerer
from bot.comments.collect import Collector, Place, follow, leave
from bot.comments.events import AnswerLost, CommentDanger, CommentsHeard, CommentsLate
from bot.comments.models import Comment, CommentThread
from channels.abilities.comments import HearsComments
from channels.accounts.models import Account
from channels.registry import channels as installed
from content.models import Release
from hub.desk_news import on_duty
from hub.product import Hub
from kernel.duties import Duty
from kernel.people import Permission, holders
from kernel.work import Work
from scheduler.models import Place as AnyPlace
from scheduler.models import Placement, RehearsedPlacement
from scheduler.placements import articles_of
from scheduler.states import PlacementState

# What came online in this time is followed; a thread that is followed goes on as long as the office's rule says.
FOLLOWED = timedelta(days=31)
P = Permission


def connect(hub: Hub) -> None:
    """Adds the duties and the listeners."""
    make = hub.make_adapter
    collector = Collector(hub.works, hub.seal, make, hub.settings.office_zone)
    answerer = Answerer(hub.works, hub.seal, make)
    hub.duties += [
        Duty("comments.follow", timedelta(minutes=2), lambda: follow_placements(hub)),
        Duty("comments.hear", timedelta(minutes=1), collector.round, timedelta(minutes=15)),
        Duty("comments.answer", timedelta(seconds=2), answerer.send_due, timedelta(minutes=5)),
        Duty("comments.late", timedelta(minutes=5), lambda: late.alarm_late(hub.works)),
        Duty("comments.danger", timedelta(seconds=30), lambda: late.alarm_danger_again(hub.works)),
    ]
    listeners = hub.listeners
    listeners.in_work(CommentsHeard, lambda work, fact: _tell_heard(hub, work, fact))
    listeners.in_work(CommentsLate, lambda work, fact: _tell_late(hub, work, fact))
    listeners.in_work(CommentDanger, lambda work, fact: _tell_danger(hub, work, fact))
    listeners.in_work(AnswerLost, lambda work, fact: _tell_lost(hub, work, fact))


def follow_placements(hub: Hub) -> None:
    """Opens a thread for what shows on accounts with comments, and leaves what was taken back."""
    able = [name for name, adapter in installed().items() if issubclass(adapter, HearsComments)]
    with hub.works.write() as work:
        query = (
            select(Placement, Release)
            .join(Account, Account.id == Placement.account_id)
            .join(Release, Release.id == Placement.release_id)
            .where(Account.channel.in_(able), Account.active, Placement.changed_at >= work.now - FOLLOWED)
        )
        rows = [(row, release) for row, release in work.session.execute(query)]
        follow(work, [place for row, release in rows for place in _places(row, release)])
        over = [row for row, _release in rows if row.state in (PlacementState.LIVE, PlacementState.WITHDRAWN)]
        gone = [(row, one.number) for row in over for one in articles_of(row) if not one.stands]
        leave(work, {(row.piece_id, row.account_id, number) for row, number in gone})
        follow(work, _rehearsed(work, able))


def _rehearsed(work: Work, able: Sequence[str]) -> list[Place]:
    """What shows on the doubles of accounts that are in rehearsal now: people answer there as they would."""
    rehearsing = select(Account.id).where(Account.rehearsal, Account.stands_for.is_(None))
    query = (
        select(RehearsedPlacement, Release)
        .join(Account, Account.id == RehearsedPlacement.account_id)
        .join(Release, Release.id == RehearsedPlacement.release_id)
        .where(Account.channel.in_(able), Account.stands_for.in_(rehearsing))
        .where(RehearsedPlacement.state == PlacementState.LIVE, RehearsedPlacement.changed_at >= work.now - FOLLOWED)
    )
    return [place for row, release in work.session.execute(query) for place in _places(row, release)]


def _places(row: AnyPlace, release: Release) -> list[Place]:
    """Every article of it that stands: what was corrected by a further one goes on being read and written beneath."""
    title = str(release.content["title"])
    return [
        Place(row.piece_id, row.account_id, title, one.placed, one.live_at, one.number)
        for one in articles_of(row)
        if one.stands
    ]


def _tell_heard(hub: Hub, work: Work, fact: CommentsHeard) -> None:
    thread = work.session.get_one(CommentThread, fact.thread_id)
    hub.notifier.tell(
        work,
        on_duty(work, fact.unit_id),
        "comment.heard",
        f"新评论 {fact.number} 条：{thread.title}",
        "请在答复期限前答复，或标为无需答复。",
        f"/console/comments?thread={thread.id}",
        # One notice an hour and item, however many come.
        f"comment.thread.{thread.id}.{work.now:%Y%m%d%H}",
    )


def _tell_late(hub: Hub, work: Work, fact: CommentsLate) -> None:
    people = {*on_duty(work, fact.unit_id), *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now)}
    hub.notifier.tell(
        work,
        people,
        "comment.late",
        f"{fact.number} 条评论已超过答复期限",
        "请立即答复，或标为无需答复。",
        "/console/comments?state=late",
        f"comment.{fact.comment_id}.late",
    )


def _tell_danger(hub: Hub, work: Work, fact: CommentDanger) -> None:
    people = {*on_duty(work, fact.unit_id), *holders(work.session, P.QUEUE_SUPERVISE, fact.unit_id, work.now)}
    again = f"（第 {fact.round} 次告警）" if fact.round > 1 else ""
    hub.notifier.tell(
        work,
        people,
        "comment.danger",
        f"紧急：评论提到“{fact.word}”{again}",
        f"{fact.words} 请立即按预案处置；在评论页点“已处置”后停止告警。",
        f"/console/comments/{fact.comment_id}",
        f"comment.{fact.comment_id}.danger.{fact.round}.{work.now:%Y%m%d%H%M}",
    )


def _tell_lost(hub: Hub, work: Work, fact: AnswerLost) -> None:
    comment = work.session.get_one(Comment, fact.comment_id)
    hub.notifier.tell(
        work,
        [fact.person_id] if fact.person_id else on_duty(work, fact.unit_id),
        "comment.answer_lost",
        "评论的答复没有确认送达",
        f"{fact.reason} 原评论：{comment.text[:60]}",
        f"/console/comments/{comment.id}",
        f"comment.{comment.id}.lost.{work.now:%Y%m%d%H%M%S}",
    )
