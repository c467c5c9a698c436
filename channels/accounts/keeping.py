"""保存期限 of browsers that asked for notices: the address goes at once when it is cancelled, the rest after a time."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete

from channels.accounts.models import PushConsent, PushReach, PushSubscription, PushTopic
from kernel.office_rules import Rule, declare, number_between
from kernel.retention import Kind
from kernel.work import Work
from templates.catalogue import _


def _forget(work: Work, ids: Sequence[int]) -> None:
    for model in (PushReach, PushConsent, PushTopic):
        work.session.execute(delete(model).where(model.subscription_id.in_(ids)))
    work.session.execute(delete(PushSubscription).where(PushSubscription.id.in_(ids)))


SUBSCRIPTIONS = Kind(
    declare(Rule("retention.subscriptions", 1095, "已取消的浏览器订阅记录保存天数", number_between(30, 3650))),
    PushSubscription.id,
    PushSubscription.gone_at,
    PushSubscription.gone_at.is_not(None),
    None,
    _forget,
    _("取消时推送地址和密钥立即删除；同意与撤回的记录作为依法取得同意的证明保存三年。"),
    _("每次推送的总数保留。"),
)
