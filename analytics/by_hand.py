"""Figures that a person reads off a platform without an interface, kept as if the platform had told them."""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from sqlalchemy import update

from analytics.models import ChannelReading
from kernel.errors import Invalid
from kernel.once import insert_once
from kernel.work import Work
from scheduler.models import Placement
from scheduler.placements import articles_of
from templates.catalogue import _

# What can be entered, in the words of the figure pages.
FIGURES: tuple[tuple[str, str], ...] = (
    ("reads", _("阅读次数")),
    ("shares", _("分享")),
    ("likes", _("点赞")),
    ("comments", _("评论数")),
    ("favourites", _("收藏")),
)
MOST = 10_000_000_000


def read_figures(typed: Mapping[str, str]) -> dict[str, int]:
    """What was typed as figures, blank ones left out; raises Invalid with the field at fault."""
    found = {}
    for name, label in FIGURES:
        text = typed.get(name, "").strip().replace(",", "").replace("，", "")
        if not text:
            continue
        whole = text.removesuffix(".0")
        if not (whole.isascii() and whole.isdigit() and int(whole) <= MOST):
            raise Invalid(field=name, why=f"{label}须为不小于 0 的整数，现为“{text[:20]}”。")
        found[name] = int(whole)
    if not found:
        raise Invalid(field=FIGURES[0][0], why="请至少填写一项数据。")
    return found


def enter(work: Work, placement: Placement, figures: Mapping[str, int], zone: ZoneInfo) -> None:
    """Keeps the sums since publication for today; entered again on the same day they replace what stood there."""
    article = articles_of(placement)[-1].number
    key = {"placement_id": placement.id, "article": article, "day": work.now.astimezone(zone).date()}
    kept = dict(figures)
    if not insert_once(work.session, ChannelReading, figures=kept, read_at=work.now, **key):
        work.session.execute(update(ChannelReading).filter_by(**key).values(figures=kept, read_at=work.now))
    work.audit("placement.counted", placement, **kept)
