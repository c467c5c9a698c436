"""Wires previews at the platform: made when a release is submitted, held against it when it is signed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import tuple_

from content.events import ReleaseReturned, ReleaseSigned, ReleaseSubmitted
from content.models import Piece, Release
from hub.product import Hub
from kernel.duties import Duty
from kernel.work import Work
from scheduler.events import WentLive
from scheduler.outside.settle import ORIGIN
from scheduler.previews import store
from scheduler.previews.events import PreviewLost
from scheduler.previews.making import Maker
from scheduler.previews.models import Preview


def connect(hub: Hub) -> None:
    """Adds the duty that makes previews, and what wants and checks them."""
    maker = Maker(hub.works, hub.seal, hub.make_adapter)
    # Whoever wants a preview makes the duty due at once; the period is for what was lost on the way.
    hub.duties.append(Duty(store.DUTY, timedelta(seconds=30), maker.run, timedelta(minutes=30)))
    hub.listeners.in_work(ReleaseSubmitted, lambda work, fact: _submitted(hub, work, fact))
    hub.listeners.in_work(ReleaseSigned, lambda work, fact: _signed(hub, work, fact))
    hub.listeners.in_work(ReleaseReturned, _returned)
    hub.listeners.in_work_together(WentLive, _live)
    hub.listeners.in_work(PreviewLost, lambda work, fact: _tell(hub, work, fact))


def _submitted(hub: Hub, work: Work, fact: ReleaseSubmitted) -> None:
    if work.session.get_one(Piece, fact.piece_id).origin == ORIGIN:
        return  # It stands on the platform already, for everybody to see.
    if fact.level == 1:
        store.want_for_release(work, work.session.get_one(Release, fact.release_id), hub.settings.address)
    else:
        _check(hub, work, fact.release_id)


def _signed(hub: Hub, work: Work, fact: ReleaseSigned) -> None:
    if work.session.get_one(Piece, fact.piece_id).origin != ORIGIN:
        _check(hub, work, fact.release_id)


def _check(hub: Hub, work: Work, release_id: int) -> None:
    store.check_before_signing(work, work.session.get_one(Release, release_id), hub.settings.address)


def _returned(work: Work, fact: ReleaseReturned) -> None:
    store.outdate(work, Preview.release_id == fact.release_id)


def _live(work: Work, facts: Sequence[WentLive]) -> None:
    # What is published needs no preview any more.
    shown = {(fact.piece_id, fact.account_id) for fact in facts}
    store.outdate(work, tuple_(Preview.piece_id, Preview.account_id).in_(sorted(shown)))


def _tell(hub: Hub, work: Work, fact: PreviewLost) -> None:
    piece = work.session.get_one(Piece, fact.piece_id)
    preview = work.session.get_one(Preview, fact.preview_id)
    hub.notifier.tell(
        work,
        {piece.author_id, *([preview.wanted_by] if preview.wanted_by else [])},
        "preview.lost",
        f"平台预览发现 {fact.count} 处内容会丢失：《{fact.title}》",
        f"{fact.account}：{fact.first}请修改稿件；确可接受的，由签发人写明理由放行。",
        f"/console/pieces/{piece.id}#platform",
        f"preview.{fact.preview_id}.lost",
    )
