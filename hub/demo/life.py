"""The demo's WeChat accounts as they are lived in: prepared replies in force, a menu to be published, a notice form."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from sqlalchemy import select

from bot import prepared
from bot.notices import ANSWERED
from bot.prepared import Wording
from channels.abilities.menus import CLICK, VIEW, Button, Menus
from channels.accounts import menus
from channels.accounts.models import Account, NoticeForm
from channels.registry import channel
from kernel.people import Viewer
from kernel.work import Work

By = Callable[[str], AbstractContextManager[tuple[Work, Viewer]]]

WELCOME = "感谢关注！办事咨询请直接输入问题，回复“人工”转人工客服，办事指南见下方菜单。"
HOTLINE = "政务服务热线：12345（24 小时）。报警 110，火警 119，急救 120。"


def live_in(by: By, author: str, signer: str, columns: dict[str, int], address: str) -> None:
    """Writes and approves the replies, writes the menu, sets the form; on every account that has them."""
    with by(author) as (work, _who):
        found = work.session.scalars(select(Account).where(Account.channel == "wechat").order_by(Account.id)).all()
        accounts = [account.id for account in found if issubclass(channel(account.channel), Menus)]
        for account in found:
            menus.add(work, account, _menu(columns, address))
            _write(work, account, columns)
            if account.settings.get("type") == "service":
                work.session.add(_form(work, account))
    with by(signer) as (work, who):
        for account_id in accounts:
            account = work.session.get_one(Account, account_id)
            for row in prepared.of_account(work.session, account_id):
                prepared.approve(work, who, account, row)


def _write(work: Work, account: Account, columns: dict[str, int]) -> None:
    prepared.write(work, account, Wording("follow", "欢迎关注", answers=[WELCOME]))
    prepared.write(
        work, account, Wording("keyword", "热线电话", [("电话", "exact"), ("热线", "contains")], answers=[HOTLINE])
    )
    listed = Wording("keyword", "办事指南目录", [("办事指南", "exact")], "list", column_id=columns["zhinan"])
    prepared.write(work, account, listed)


def _menu(columns: dict[str, int], address: str) -> list[Button]:
    guides = Button("办事指南", CLICK, key="guides", does={"act": "list", "column": columns["zhinan"]})
    questions = Button("常见问题", CLICK, key="questions", does={"act": "list", "column": columns["wenda"]})
    hotline = Button("热线电话", CLICK, key="hotline", does={"act": "say", "text": HOTLINE})
    return [
        Button("办事", below=(guides, questions, hotline)),
        Button("门户网站", VIEW, url=f"{address}/"),
        Button("人工", CLICK, key="person", does={"act": "person"}),
    ]


def _form(work: Work, account: Account) -> NoticeForm:
    return NoticeForm(
        account_id=account.id,
        purpose=ANSWERED,
        way="template",
        template_id="progress",
        title="办件进度通知",
        places={"thing1": "text", "phrase2": "=已答复", "time3": "time"},
        changed_by=work.actor.person_id,
        changed_at=work.now,
    )
