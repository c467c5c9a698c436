"""接管公众号: step by step from an account that is in use elsewhere to one that is ours, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import gateway, prepared
from bot.models import AutoReply, InboundMessage
from channels.abilities.menus import CLICK, Button, every
from channels.abilities.takeover import TakingOver
from channels.accounts import menus, store, takeover
from channels.accounts.models import Account, Takeover
from channels.errors import ChannelError
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.pages import page, say, see_other
from kernel.errors import NotFound, WrongState
from kernel.people import Permission
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts/{account_id}/takeover")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]

LABELS = (
    _("白名单与授权"),
    _("读取现状"),
    _("导入草稿"),
    _("发布菜单、核准回复"),
    _("启用消息推送"),
    _("收到第一条消息"),
)


@dataclass(frozen=True)
class Facts:
    """What is known of an account on its way to us."""

    row: Takeover | None
    live: bool
    waiting_replies: int
    replies_in_force: int
    heard_at: Any
    credentials: frozenset[str]

    @property
    def done(self) -> Sequence[bool]:
        """Which steps are behind us."""
        row = self.row
        if row is None:
            return [False] * len(LABELS)
        no_menu = row.present_at is not None and not row.present.get("buttons")
        ready = row.imported_at is not None and (self.live or no_menu) and not self.waiting_replies
        heard = self.heard_at is not None
        return [
            bool(row.standing.get("reachable")),
            row.present_at is not None,
            row.imported_at is not None,
            ready,
            row.greeted_at is not None or heard,
            heard,
        ]


@router.get("")
def the_takeover(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """Where the account stands, and what is next."""
    with hub.works.read() as work:
        account = _account(work.session, asker, account_id, P.ACCOUNT_READ)
        facts = _facts(hub, work.session, account)
    done = list(facts.done)
    current = done.index(False) if False in done else len(done)
    steps = [
        (say(hub, asker, label), "done" if done[place] else "current" if place == current else "ahead")
        for place, label in enumerate(LABELS)
    ]
    row = facts.row
    return page(
        request,
        asker,
        "pages/accounts/takeover.html",
        account=account,
        facts=facts,
        row=row,
        standing=row.standing if row else {},
        present=row.present if row else {},
        replies=takeover.replies_in(row) if row else [],
        buttons=takeover.buttons_in(row) if row else (),
        holder=_holder(facts),
        steps=steps,
        done=done,
        egress=hub.settings.egress_address,
        callback=f"{hub.settings.address}/callbacks/wechat/{account.code}",
        mode=str(account.settings.get("mode", "plain")),
        writes=asker.may(P.ACCOUNT_WRITE, account.unit_id),
    )


@router.post("/check")
def check(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """Asks the platform whether it lets us in, and what the account may do."""
    channel = _channel(hub, asker, account_id)
    standing = channel.standing()
    with hub.works.write(asker.actor) as work:
        takeover.looked(work, work.session.get_one(Account, account_id), standing)
    if standing.reachable:
        return see_other(_address(account_id), say(hub, asker, _("授权可用。")))
    told = say(hub, asker, _("还不能接入：%(why)s。"), why=standing.reason)
    return see_other(_address(account_id), told, "bad")


@router.post("/read")
def read(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """Reads what the account shows and answers now, before anything is changed."""
    channel = _channel(hub, asker, account_id)
    try:
        menu, replies = channel.present_menu(), channel.present_replies()
    except ChannelError as error:
        return see_other(_address(account_id), error.message(asker.language), "bad")
    except httpx.HTTPError as failure:
        told = say(hub, asker, _("连接不上平台（%(why)s）。"), why=type(failure).__name__)
        return see_other(_address(account_id), told, "bad")
    with hub.works.write(asker.actor) as work:
        takeover.noted(work, work.session.get_one(Account, account_id), menu, replies)
    return see_other(_address(account_id), say(hub, asker, _("已读取并存档，随时可以照此恢复。")))


@router.post("/import")
def take_in(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """Makes drafts of the menu and the replies, once; what cannot be taken over is named in each."""
    try:
        with hub.works.write(asker.actor) as work:
            account = _account(work.session, asker, account_id, P.ACCOUNT_WRITE)
            row = takeover.begin(work, account)
            if row.present_at is None:
                raise WrongState(state="还没有读取现状", act="导入")
            if row.imported_at is not None:
                raise WrongState(state="已导入", act="再次导入")
            count = _import(work, account, row)
            takeover.imported(work, account, count)
    except WrongState as error:
        return see_other(_address(account_id), error.message(asker.language), "warn")
    told = say(hub, asker, _("已导入为草稿：菜单待发布，%(n)s 条自动回复待核准。"), n=count)
    return see_other(_address(account_id), told)


@router.post("/finish")
def finish(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """The account is ours."""
    return _end(hub, asker, account_id, takeover.TAKEN, _("接管完成。"))


@router.post("/leave")
def leave(hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """The account goes back, or stays, where it was; what was noted is kept."""
    return _end(hub, asker, account_id, takeover.LEFT, _("已记录为不接管；存档保留，可随时重新开始。"))


def _end(hub: Hub, asker: Asker, account_id: int, how: str, words: str) -> Response:
    with hub.works.write(asker.actor) as work:
        takeover.end(work, _account(work.session, asker, account_id, P.ACCOUNT_WRITE), how)
    return see_other(_address(account_id), say(hub, asker, words))


def _import(work: Any, account: Account, row: Takeover) -> int:
    buttons = takeover.buttons_in(row)
    if buttons:
        lost = [str(one) for one in row.present.get("lost", ())]
        # What another system published is answered there: its words are nowhere at the platform.
        lost += [
            f"“{button.name}”原由其他系统回答" for button in _unanswered(buttons) if not row.present["menu_by_hand"]
        ]
        menus.add(work, account, buttons, "imported", f"须补写：{'、'.join(lost)}" if lost else "")
    found = [reply for reply in takeover.replies_in(row) if reply.trigger in (prepared.FOLLOW, prepared.KEYWORD)]
    for reply in found:
        prepared.take_over(work, account, reply)
    return len(found)


def _unanswered(buttons: Sequence[Button]) -> list[Button]:
    return [button for _place, button, _inner in every(buttons) if button.kind == CLICK and not button.does]


def _facts(hub: Hub, session: Session, account: Account) -> Facts:
    of_it = select(func.count()).where(AutoReply.account_id == account.id, AutoReply.removed_at.is_(None))
    waiting = session.scalar(of_it.where(AutoReply.approved_at.is_(None), AutoReply.origin == "imported"))
    in_force = session.scalar(of_it.where(AutoReply.approved_at.is_not(None)))
    query = select(func.max(InboundMessage.received_at)).where(InboundMessage.origin == gateway.origin_of(account.id))
    return Facts(
        row=takeover.of_account(session, account.id),
        live=menus.live_of(session, account.id) is not None,
        waiting_replies=waiting or 0,
        replies_in_force=in_force or 0,
        heard_at=session.scalar(query),
        credentials=store.credential_names(hub.seal, account),
    )


def _holder(facts: Facts) -> str:
    """Who answers the account's messages now, as far as the platform lets it be known."""
    row = facts.row
    if facts.heard_at is not None:
        return _("消息推送已经指向本系统。")
    if row is None or row.present_at is None:
        return _("读取现状后才能判断。")
    shown = row.present
    if shown.get("menu_by_hand"):
        if shown.get("menu_made"):
            return _("菜单是后台手工做的，正在使用：目前没有系统接管消息推送。")
        return _("后台手工做的菜单已被停用：说明已有系统启用了消息推送，请先与该系统的管理单位约定切换时间。")
    if shown.get("menu_made"):
        return _("菜单是某个系统通过接口发布的：消息推送很可能也在那个系统上，请先与其约定切换时间。")
    if shown.get("replies") and not (shown.get("follow_on") or shown.get("keywords_on")):
        return _("后台手工做的自动回复已被停用：说明已有系统启用了消息推送，请先与该系统的管理单位约定切换时间。")
    return _("平台没有提供判断依据，请到公众平台“设置与开发—基本配置—服务器配置”查看。")


def _account(session: Session, asker: Asker, account_id: int, permission: Permission) -> Account:
    account = account_for(session, asker, account_id, permission)
    if not issubclass(adapter_of(account), TakingOver):
        raise NotFound
    return account


def _channel(hub: Hub, asker: Asker, account_id: int) -> TakingOver:
    with hub.works.read() as work:
        account = _account(work.session, asker, account_id, P.ACCOUNT_WRITE)
        channel = hub.incoming.make(store.info(work.session, hub.seal, account))
    if not isinstance(channel, TakingOver):
        raise NotFound
    return channel


def _address(account_id: int) -> str:
    return f"/console/accounts/{account_id}/takeover"
