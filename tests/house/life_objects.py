"""A WeChat account of a unit with a menu and prepared replies, for the routes of its desks.

Its platform cannot be reached, so that an act that calls it says so and goes back to its page.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from bot import gateway, prepared
from bot.models import TicketNotice
from bot.prepared import Wording
from channels.abilities.menus import Button
from channels.abilities.tags import Tag
from channels.accounts import menus, tags
from channels.accounts.models import Account
from kernel.people import Unit
from kernel.work import Work
from tests.house.citizen_objects import a_ticket
from tests.house.target import Target


def wechat_account(work: Work, unit: Unit) -> Account:
    """A WeChat account of the unit, a service account (服务号)."""
    account = Account(
        unit_id=unit.id,
        channel="wechat",
        name="公众号",
        code=f"wx-{secrets.token_hex(4)}",
        action="publish",
        base_url="http://127.0.0.1:9",
        settings={"type": "service"},
    )
    work.session.add(account)
    work.session.flush()
    return account


def a_menu(work: Work, unit: Unit) -> Target:
    """An account with an earlier menu and a draft."""
    account = wechat_account(work, unit)
    old = menus.add(work, account, [Button("旧", "click", key="k", does={"act": "person"})])
    old.published_at = work.now
    menus.add(work, account, [Button("新", "click", key="k", does={"act": "person"})])
    form = {"version": str(old.id), "1.name": "人工", "1.act": "person"}
    draft = menus.draft_of(work.session, account.id)
    seen = f"{draft.id} {draft.made_at.isoformat()}" if draft else ""
    return Target({"account_id": account.id}, form={**form, "seen": seen})


def a_reply(work: Work, unit: Unit) -> Target:
    """A reply that waits for approval, with a form that changes it."""
    account = wechat_account(work, unit)
    row = prepared.write(work, account, Wording("follow", "欢迎", answers=["欢迎关注"]))
    form = {"trigger": "follow", "name": "欢迎", "act": "say", "answer.1": "您好"}
    return Target({"account_id": account.id, "reply_id": row.id}, form=form)


def a_tag(work: Work, unit: Unit) -> Target:
    """A tag as the platform told of it."""
    account = wechat_account(work, unit)
    tags.remember(work, account, [Tag(100, "低保户", 3)])
    (tag,) = tags.of_account(work.session, account.id)
    return Target({"account_id": account.id, "tag_id": tag.id}, form={"name": "救助对象"})


def a_follower(work: Work, unit: Unit) -> Target:
    """A citizen on a WeChat account of the unit that has a tag."""
    account = work.session.get_one(Account, a_tag(work, unit).params["account_id"])
    found = gateway.begin(work, unit_id=unit.id, account_id=account.id, channel="wechat", sender=secrets.token_hex(8))
    return Target({"conversation_id": found.id}, form={"tag": "100"})


def a_notice_form(work: Work, unit: Unit) -> Target:
    """An account whose notices are to be set up."""
    form = {"way": "template", "template_id": "t-1", "places": "thing1：事由", "active": "1"}
    return Target({"account_id": wechat_account(work, unit).id}, form=form)


def a_lost_notice(work: Work, unit: Unit) -> Target:
    """A notice about a ticket of the unit of which nobody knows whether it arrived."""
    ticket = a_ticket(work, unit).params["ticket_id"]
    row = TicketNotice(
        ticket_id=ticket,
        account_id=wechat_account(work, unit).id,
        sender="citizen",
        way="template",
        template_id="t-1",
        values={},
        key=secrets.token_hex(16),
        state="unknown",
    )
    work.session.add(row)
    work.session.flush()
    return Target({"ticket_id": ticket, "notice_id": row.id})


BASE = "/console/accounts/{account_id}"
OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    f"{BASE}/menu": a_menu,
    f"{BASE}/menu/publish": a_menu,
    f"{BASE}/menu/restore": a_menu,
    f"{BASE}/takeover": a_menu,
    **{f"{BASE}/takeover/{act}": a_menu for act in ("check", "read", "import", "finish", "leave")},
    f"{BASE}/tags": a_tag,
    f"{BASE}/tags/refresh": a_tag,
    f"{BASE}/tags/{{tag_id}}/rename": a_tag,
    f"{BASE}/tags/{{tag_id}}/delete": a_tag,
    "/console/desk/{conversation_id}/tags": a_follower,
    "/console/desk/{conversation_id}/tags/remove": a_follower,
    f"{BASE}/notices": a_notice_form,
    f"{BASE}/notices/forms": a_notice_form,
    "/console/tickets/{ticket_id}/notices/{notice_id}/again": a_lost_notice,
    f"{BASE}/replies": a_reply,
    f"{BASE}/replies/{{reply_id}}": a_reply,
    f"{BASE}/replies/{{reply_id}}/approve": a_reply,
    f"{BASE}/replies/{{reply_id}}/stop": a_reply,
    f"{BASE}/replies/{{reply_id}}/remove": a_reply,
}
