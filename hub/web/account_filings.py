"""备案记录: 开设, 变更, 关停 and 注销 of an account as dated events with their document; the register as a file."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, UploadFile
from fastapi.responses import Response
from sqlalchemy import select
from starlette.requests import Request

from channels.accounts import certification, filings
from channels.accounts.filings import ENDING, KINDS, Filing
from channels.accounts.models import Account, AccountFiling
from content.pictures import normalise
from hub.account_watch import DATES
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import REGISTER
from hub.web.accounts import account_for, account_page, health_of
from hub.web.charts import Cell, Sheet, workbook
from hub.web.deliveries import channel_label
from hub.web.forms import refused
from hub.web.pages import say, see_other
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, scoped
from kernel.work import Work
from scheduler import booking
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]
Text = Annotated[str, Form()]

SCANS = (".pdf", ".jpg", ".jpeg", ".png", ".heic")


@router.get("/register.xlsx")
def register(hub: HubDep, asker: Reader) -> Response:
    """The whole register of the units in reach, with the history of filings on a second sheet."""
    with hub.works.write(asker.actor) as work:
        query = scoped(select(Account, Unit.name), Account.unit_id, asker.viewer, P.ACCOUNT_READ)
        query = query.join(Unit, Unit.id == Account.unit_id).where(Account.stands_for.is_(None))
        found = work.session.execute(query.order_by(Unit.path, Account.channel, Account.id)).all()
        names = {account.id: account.name for account, _unit in found}
        filed = work.session.scalars(
            select(AccountFiling).where(AccountFiling.account_id.in_(names)).order_by(AccountFiling.on)
        ).all()
        work.audit("account.exported", None, accounts=len(found))
    # The register goes to inspectors, who read Chinese, whatever language the console is read in.
    heads = ["账号", "代码", "渠道", "单位", *(label for _name, label in REGISTER)]
    heads += [f"{label}到期日" for _name, label in DATES] + ["运行情况", "状态", "待办备案"]
    rows = [_row(account, unit) for account, unit in found]
    filing_heads = ["账号", "备案类型", "日期", "备案号", "公告链接", "说明", "材料"]
    filing_rows: list[list[Cell]] = [
        [names[one.account_id], KINDS[one.kind], str(one.on), one.number, one.notice_url, one.note, one.document_name]
        for one in filed
    ]
    sheets = Sheet("账号矩阵", heads, rows), Sheet("备案记录", filing_heads, filing_rows)
    return workbook("accounts", hub.settings.office_zone, *sheets)


def _row(account: Account, unit: str) -> list[Cell]:
    state = "已关停" if account.closed_on else "在用" if account.active else "已停用"
    days = [str(getattr(account, name) or "") for name, _label in DATES]
    if certification.is_unknown(account):
        days[[name for name, _label in DATES].index("certified_until")] = certification.UNKNOWN
    entries = [str(account.register.get(name) or "") for name, _label in REGISTER]
    due = KINDS.get(account.filing_due, "")
    head: list[Cell] = [account.name, account.code, channel_label(account.channel), unit]
    return [*head, *entries, *days, health_of(account).words, state, due]


@router.post("/{account_id}/filings")
def file_it(
    request: Request,
    hub: HubDep,
    asker: Keeper,
    account_id: int,
    kind: Text = "",
    on: Text = "",
    number: Text = "",
    note: Text = "",
    notice_url: Text = "",
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """Registers a filing; 关停 and 注销 take the account out of use for good and hold what waits there."""
    held = 0
    try:
        document, name = _document(hub, file)
        with hub.works.write(asker.actor) as work:
            account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
            given = Filing(kind, _day(hub, work, on), number.strip(), note.strip(), notice_url.strip(), document, name)
            filings.record(work, account, given)
            if kind in ENDING:
                held = booking.hold_account(work, account_id, f"账号已{KINDS[kind][:2]}")
    except NotFound:
        raise
    except XuandaError as error:
        typed = {"kind": kind, "on": on, "number": number, "note": note, "notice_url": notice_url}
        return account_page(request, hub, asker, account_id, refused(asker, error, **typed), status=error.status)
    told = (
        say(hub, asker, _("已登记%(kind)s，账号不再使用，%(n)s 个待发任务已暂缓。"), kind=KINDS[kind], n=held)
        if kind in ENDING
        else say(hub, asker, _("已登记%(kind)s。"), kind=KINDS[kind])
    )
    return see_other(f"/console/accounts/{account_id}", told)


@router.get("/{account_id}/filings/{filing_id}")
def document(hub: HubDep, asker: Reader, account_id: int, filing_id: int) -> Response:
    """The document of a filing, to save."""
    with hub.works.read() as work:
        account_for(work.session, asker, account_id, P.ACCOUNT_READ)
        row = work.session.get(AccountFiling, filing_id)
        if row is None or row.account_id != account_id or not row.document:
            raise NotFound
        content, name = hub.blobs.get(row.document), row.document_name
    media_type = "application/pdf" if content.startswith(b"%PDF-") else "application/octet-stream"
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
    return Response(content, media_type=media_type, headers=headers)


def _document(hub: Hub, file: UploadFile | None) -> tuple[str, str]:
    name = (file.filename or "") if file else ""
    if file is None or not name:
        return "", ""
    if not name.lower().endswith(SCANS):
        raise Invalid(field="file", why="备案材料请上传 PDF、JPG、PNG 或 HEIC。")
    data = file.file.read()
    if name.lower().endswith(".pdf"):
        if not data.startswith(b"%PDF-"):
            raise Invalid(field="file", why="此文件不是 PDF。")
        return hub.blobs.put(data).sha256, name[:200]
    return hub.blobs.put(normalise(data, name.lower()).data).sha256, name[:200]


def _day(hub: Hub, work: Work, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise Invalid(field="on", why="请填写备案日期，写作 年-月-日。") from None
    if day > work.now.astimezone(hub.settings.office_zone).date():
        raise Invalid(field="on", why="备案日期不能晚于今天。请在办理之后登记。")
    return day
