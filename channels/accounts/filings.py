"""备案: what was filed about an account, when, with which document; and what must still be filed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account, AccountFiling
from kernel.errors import Invalid
from kernel.work import Work

KINDS: Mapping[str, str] = {"open": "开设备案", "change": "变更备案", "close": "关停备案", "deregister": "注销备案"}
ENDING = frozenset({"close", "deregister"})
# What an inspector wants filed again when it changes: the name, the host, the operator, the keeper.
FILED: Mapping[str, str] = {"name": "名称", "sponsor": "主办单位", "operator": "运营单位", "keeper": "管理人"}

# What is filed is proof: what does not fit is refused, never cut.
LONGEST: Mapping[str, tuple[str, int]] = {
    "number": ("备案号", 100),
    "notice_url": ("公告链接", 500),
    "note": ("说明", 500),
}


@dataclass(frozen=True)
class Filing:
    """What somebody registers; `document` is a kept file's SHA-256, `notice_url` where the public is told of an end."""

    kind: str
    on: date
    number: str = ""
    note: str = ""
    notice_url: str = ""
    document: str = ""
    document_name: str = ""


def record(work: Work, account: Account, filing: Filing) -> AccountFiling:
    """Registers a filing; 关停 and 注销 need the public notice and take the account out of use for good."""
    if filing.kind not in KINDS:
        raise Invalid(field="kind", why="请选择备案类型。")
    if filing.kind in ENDING and not filing.notice_url:
        raise Invalid(field="notice_url", why="关停、注销须先发布公告，请填写公告链接。")
    if filing.notice_url and not filing.notice_url.startswith(("https://", "http://")):
        raise Invalid(field="notice_url", why="公告链接须以 http:// 或 https:// 开头。")
    for name, (label, longest) in LONGEST.items():
        if (length := len(getattr(filing, name))) > longest:
            raise Invalid(field=name, why=f"{label}不能超过 {longest} 字，现有 {length} 字。")
    row = AccountFiling(account_id=account.id, created_by=work.actor.person_id, created_at=work.now, **vars(filing))
    work.session.add(row)
    if filing.kind in ENDING:
        account.active, account.closed_on = False, filing.on
    elif filing.kind == "open":
        account.closed_on = None
    if account.filing_due == filing.kind or filing.kind in ENDING:
        account.filing_due = account.filing_why = ""
    work.audit("account.filed", account, kind=filing.kind, on=filing.on.isoformat(), number=filing.number)
    return row


def history(session: Session, account_id: int) -> Sequence[AccountFiling]:
    """What was filed, the newest first."""
    query = select(AccountFiling).where(AccountFiling.account_id == account_id)
    return session.scalars(query.order_by(AccountFiling.on.desc(), AccountFiling.id.desc())).all()


def asks_for_change(account: Account, before: Mapping[str, Any]) -> bool:
    """Notes that 变更备案 is due when something that was filed has changed; `before` are the old values."""
    now = {"name": account.name, **account.register}
    changed = [label for name, label in FILED.items() if (before.get(name) or "") != (now.get(name) or "")]
    if not changed:
        return False
    account.filing_due, account.filing_why = "change", f"{'、'.join(changed)}已变更"
    return True
