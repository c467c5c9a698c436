"""Wires 保存期限: every kind of what is kept, and the duty that forgets what is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import delete, true

from analytics.models import PageRead
from bot.personal.kinds import KINDS as CITIZENS
from channels.accounts.keeping import SUBSCRIPTIONS
from content.search_misses import SearchMiss
from hub.notices import Notice, NoticeSend
from hub.product import Hub
from kernel.duties import Duty
from kernel.office_rules import Rule, declare, number_between
from kernel.retention import Kind, Retention
from kernel.work import Work
from templates.catalogue import _

DUTY = "retention.forget"


def _misses(work: Work, ids: Sequence[int]) -> None:
    work.session.execute(delete(SearchMiss).where(SearchMiss.id.in_(ids)))


def _reads(work: Work, ids: Sequence[int]) -> None:
    work.session.execute(delete(PageRead).where(PageRead.id.in_(ids)))


def _notices(work: Work, ids: Sequence[int]) -> None:
    work.session.execute(delete(NoticeSend).where(NoticeSend.notice_id.in_(ids)))
    work.session.execute(delete(Notice).where(Notice.id.in_(ids)))


SEARCHES = Kind(
    declare(Rule("retention.searches", 180, "未搜到的检索词保存天数", number_between(7, 1095))),
    SearchMiss.id,
    SearchMiss.at,
    true(),
    None,
    _misses,
    _("用于发现该写而未写的内容，半年足够；只记词语，不记是谁，号码在写入时已遮盖。"),
    "",
)
READS = Kind(
    declare(Rule("retention.reads", 750, "页面阅读量明细保存天数", number_between(90, 3650))),
    PageRead.id,
    PageRead.hour,
    true(),
    None,
    _reads,
    _("按小时的次数用于两年内的比较；只计次数，不记是谁。"),
    "",
)
NOTICES = Kind(
    declare(Rule("retention.notices", 183, "工作提醒和短信、邮件发送记录保存天数", number_between(183, 1825))),
    Notice.id,
    Notice.created_at,
    true(),
    Notice.unit_id,
    _notices,
    _("网络安全法要求相关日志留存不少于六个月，之后不再需要。"),
    _("审计日志长期保存，其中的号码在写入时已遮盖。"),
)
KINDS: tuple[Kind, ...] = (*CITIZENS, SUBSCRIPTIONS, SEARCHES, READS, NOTICES)


def connect(hub: Hub) -> None:
    """Adds the duty; however many machines there are, one of them does it."""
    retention = Retention(hub.works, KINDS)
    hub.duties.append(Duty(DUTY, timedelta(hours=1), retention.run, timedelta(minutes=30)))
