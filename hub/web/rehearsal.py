"""演练模式: which accounts publish to the rehearsal platforms only, switched there and back; the rehearsed portal."""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from channels.abilities.rehearsing import Rehearsing
from channels.accounts.doubles import double_of
from channels.accounts.models import Account
from channels.registry import channels as installed
from content.captions import KEPT_AS, MEDIA_TYPE
from hub import rehearsals
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.accounts import account_for
from hub.web.deliveries import Sent, channel_label
from hub.web.pages import page, say, see_other
from hub.web.piece_form import numbers
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Unit, scoped
from scheduler.models import RehearsedPlacement
from templates.catalogue import _

router = APIRouter(prefix="/console/rehearsal")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]
Watcher = Annotated[Asker, Depends(may(P.DELIVERY_READ))]


@dataclass(frozen=True)
class Line:
    """One account with what switching it would keep back; `stand_in` says whether a platform of ours shows it."""

    account: Account
    unit: str
    channel: str
    waiting: int
    stand_in: bool


@router.get("")
def rehearsal(request: Request, hub: HubDep, asker: Reader) -> HTMLResponse:
    """Every active account in reach: in rehearsal or not, and what would happen."""
    return _page(request, hub, asker)


@router.post("/on")
def switch_on(request: Request, hub: HubDep, asker: Keeper, sent: Sent) -> Response:
    """Switches the chosen accounts to rehearsal, all of them or none."""
    try:
        done = rehearsals.enter(hub, asker.actor, _chosen(hub, asker, sent))
    except NotFound:
        raise
    except XuandaError as error:
        return _page(request, hub, asker, error)
    if not done.deaf:
        words = _("%(n)s 个账号已进入演练，%(held)s 个待发任务已暂缓。")
        return see_other("/console/rehearsal", say(hub, asker, words, n=done.accounts, held=done.held))
    words = _(
        "%(n)s 个账号已进入演练，%(held)s 个待发任务已暂缓。演练平台连不上本系统的回调地址（%(deaf)s），"
        "发布结果改由本系统查询，会晚几分钟；请系统管理员核对 XUANDA_REHEARSAL_CALLBACK。"
    )
    told = say(hub, asker, words, n=done.accounts, held=done.held, deaf="、".join(done.deaf))
    return see_other("/console/rehearsal", told)


@router.post("/off")
def switch_off(request: Request, hub: HubDep, asker: Keeper, sent: Sent) -> Response:
    """Switches the chosen accounts back to reality."""
    try:
        done = rehearsals.leave(hub, asker.actor, _chosen(hub, asker, sent))
    except NotFound:
        raise
    except XuandaError as error:
        return _page(request, hub, asker, error)
    words = _("%(n)s 个账号已退出演练，%(held)s 个演练任务已暂缓；进入演练时暂缓的真实任务须由人恢复。")
    return see_other("/console/rehearsal", say(hub, asker, words, n=done.accounts, held=done.held))


@router.get("/site/{path:path}")
def rehearsed_page(hub: HubDep, asker: Watcher, path: str) -> Response:
    """A page of the portal as it was rehearsed: a piece's only for those who see its unit's deliveries."""
    with hub.works.read() as work:
        query = select(RehearsedPlacement.unit_id).where(RehearsedPlacement.remote_id == f"/{path}")
        for unit_id in work.session.scalars(query):
            asker.must(P.DELIVERY_READ, unit_id)
    folder = (hub.settings.rehearsal_folder / "site").resolve()
    file = (folder / path).resolve()
    if file.is_dir():
        file /= "index.html"
    if not file.is_relative_to(folder) or not file.is_file() or file.name.startswith("."):
        raise NotFound
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if media_type != "text/html":
        return FileResponse(file, media_type=MEDIA_TYPE if file.name.endswith(KEPT_AS) else media_type)
    content = file.read_bytes()
    for beside in (b"media", b"files"):  # They lie beside it and not on the public portal.
        content = content.replace(b'="/%s/' % beside, b'="/console/rehearsal/site/%s/' % beside)
    gone = Path(f"{file}.gone").exists()
    return Response(content, status_code=410 if gone else 200, media_type=media_type)


def _chosen(hub: Hub, asker: Asker, sent: FormData) -> list[int]:
    wanted = numbers(sent, "accounts")
    if not wanted:
        raise Invalid(field="accounts", why="请至少选择一个账号。")
    with hub.works.read() as work:
        return [account_for(work.session, asker, one, P.ACCOUNT_WRITE).id for one in dict.fromkeys(wanted)]


def _page(request: Request, hub: Hub, asker: Asker, error: XuandaError | None = None) -> HTMLResponse:
    with hub.works.read() as work:
        lines = _lines(work.session, asker)
    return page(
        request,
        asker,
        "pages/accounts/rehearsal.html",
        status=error.status if error else 200,
        on=[line for line in lines if line.account.rehearsal],
        off=[line for line in lines if not line.account.rehearsal],
        writes=asker.may(P.ACCOUNT_WRITE),
        platforms=hub.settings.rehearsal_url,
        fault=error.message(asker.language) if error else "",
    )


def _lines(session: Session, asker: Asker) -> Sequence[Line]:
    query = scoped(select(Account, Unit.name), Account.unit_id, asker.viewer, P.ACCOUNT_READ)
    query = query.join(Unit, Unit.id == Account.unit_id).where(Account.active, Account.stands_for.is_(None))
    found = []
    for account, unit in session.execute(query.order_by(Unit.path, Account.channel, Account.id)):
        lane = double_of(session, account.id) if account.rehearsal else account
        waiting = rehearsals.waiting(session, lane.id) if lane else 0
        known = issubclass(installed().get(account.channel, object), Rehearsing)
        found.append(Line(account, unit, channel_label(account.channel), waiting, known))
    return found
