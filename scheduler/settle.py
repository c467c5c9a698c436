"""结果待核实: a person looked at the platform and says whether it is there, where the platform itself cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select

from channels.abilities.by_link import KnownByLink
from channels.abilities.own_domains import OnOwnDomains, stands_on
from channels.accounts.models import Account
from channels.base import Live, Shown
from channels.registry import channels
from kernel.errors import Invalid
from kernel.people import Viewer
from kernel.work import Work
from scheduler import receipts, windows
from scheduler.batch import Batch
from scheduler.booking import change, change_unclaimed, must_write
from scheduler.breaking_off import so_far
from scheduler.due import due_at
from scheduler.events import Booked
from scheduler.models import Attempt, Delivery
from scheduler.placements import place_of, remember
from scheduler.posts import items_of
from scheduler.receipts import RUNNING
from scheduler.states import DeliveryState

S = DeliveryState
ASK_AT_MOST_EVERY = timedelta(minutes=1)


def there(work: Work, who: Viewer, delivery: Delivery, links: Mapping[int, str], remark: str) -> None:
    """已在平台上: it is done after all. Needs a link by piece id for some item, or a remark.

    Raises Invalid, NoRight, and TakenMeanwhile when the platform answered in the meantime.
    """
    must_write(who, delivery)
    given = {piece_id: pasted_link(work, delivery, url) for piece_id, url in links.items() if url.strip()}
    words = remark.strip()
    if not given and not words:
        raise Invalid(field="link", why="请粘贴平台上的链接，或说明在哪里看到的。")
    # What waits for its result may be seen there before the platform says so; a fan-out under way has no such end.
    settled = (S.UNKNOWN,) if windows.goes_on(delivery.channel) else (S.UNKNOWN, S.ACCEPTED)
    change(work, delivery, settled, **done(work, words or "经人工核实已在平台上"))
    _end_questions(work, delivery)
    remember(work, delivery, Live(shown_of(work, delivery, given)))
    work.audit("delivery.found_there", delivery, links=list(given.values()), remark=words)


def not_there(work: Work, who: Viewer, delivery: Delivery) -> None:
    """不在平台上: it may be sent again, and only because a person said so; it goes out at once.

    Raises Invalid while the platform says that it still works on it, and BeingAsked while it is asked, which some are
    by sending again under the same number: what is not there now may come.
    """
    must_write(who, delivery)
    _must_be_over(delivery)
    values = {"state": S.BOOKED, **_NOT_THERE, **due_at(work.now)}
    change_unclaimed(work, delivery, (S.UNKNOWN,), reason="经人工核实不在平台上，重新发送", code="", **values)
    _end_questions(work, delivery)
    work.audit("delivery.not_there", delivery)
    work.emit(Booked(delivery.account_id, work.now))


def by_hand_instead(work: Work, who: Viewer, delivery: Delivery) -> None:
    """不在平台上，改人工发布: a person looked, and publishes it; nothing is sent by itself any more."""
    must_write(who, delivery)
    _must_be_over(delivery)
    values = {"state": S.MANUAL, "next_at": None, "reason": "", "code": "", **_NOT_THERE}
    change_unclaimed(work, delivery, (S.UNKNOWN,), **values)
    _end_questions(work, delivery)
    work.audit("delivery.taken_by_hand", delivery, reason="经人工核实不在平台上")


def ask_again(work: Work, who: Viewer, delivery: Delivery) -> None:
    """再核实: the platform is asked now and not at its hour; where it can tell nothing there is nothing to ask.

    Raises Invalid for what cannot be asked about and for what was asked about a moment ago, and BeingAsked.
    """
    must_write(who, delivery)
    if delivery.next_at is None:
        raise Invalid(why="这个平台查不到结果。请到平台上查看，再标明“已在平台上”或“不在平台上”。")
    query = select(func.max(Attempt.started_at)).where(Attempt.delivery_id == delivery.id)
    asked = work.session.scalar(query)
    if asked is not None and work.now - asked < ASK_AT_MOST_EVERY:
        raise Invalid(why="一分钟内刚核实过。请稍后再试，或到平台上查看。")
    change_unclaimed(work, delivery, (S.UNKNOWN,), next_at=work.now)
    work.audit("delivery.asked_again", delivery)
    work.emit(Booked(delivery.account_id, work.now))


def _end_questions(work: Work, delivery: Delivery) -> None:
    """Ends what the platform was being asked when a person said what he saw: nobody else will, if its process is dead.

    An answer that comes all the same is noted as a late one.
    """
    receipts.close_open_attempts(work, [delivery.id], receipts.LOST, "其间已由人核实")


_NOT_THERE = {"asked": 0, "claimed_by": None, "claimed_until": None}


def _must_be_over(delivery: Delivery) -> None:
    if delivery.state == S.UNKNOWN and delivery.code == RUNNING:
        raise Invalid(
            why="平台仍在处理这条内容，现在没有不等于不会发出。请等平台给出结果，或在已看到时标为“已在平台上”。"
        )


def pasted_link(work: Work, delivery: Delivery, text: str, field: str = "link") -> str:
    """A link a person pasted; raises Invalid when it leads nowhere on the web, or not to the account's own site.

    `field` is that of the form. A rehearsal's double is held to the domains that it has from its account.
    """
    link = text.strip()
    if not link.lower().startswith(("https://", "http://")) or len(link) > 1000 or any(char.isspace() for char in link):
        raise Invalid(field=field, why="链接须以 http:// 或 https:// 开头。")
    account = work.session.get_one(Account, delivery.account_id)
    adapter = channels().get(delivery.channel)
    domains = adapter.domains(account.settings) if adapter and issubclass(adapter, OnOwnDomains) else []
    if domains and not stands_on(link, domains):
        raise Invalid(
            field=field,
            why=f"这个地址不在“{account.name}”的网站域名（{'、'.join(domains)}）下。请打开发布好的网页，复制浏览器地址栏的地址；"
            "网站换了域名的，请先由账号管理员在账号设置里改“网站域名”。",
        )
    return link


def done(work: Work, remark: str) -> dict[str, object]:
    """The values of a delivery that a person brought to its end; a claim under way loses its hold on it."""
    return {
        "state": S.DONE,
        "next_at": None,
        "done_at": work.now,
        "reason": "",
        "code": "",
        "remark": remark[:500],
        "claimed_by": None,
        "claimed_until": None,
    }


def shown_of(work: Work, delivery: Delivery, links: Mapping[int, str]) -> dict[int, Shown]:
    """Where the items show: the link given, else where they showed before.

    The platform's own number is read off the link where its addresses tell it, else kept as it was; what goes out in
    rounds shows to whom it has reached.
    """
    found = {}
    account = work.session.get_one(Account, delivery.account_id)
    adapter = channels().get(delivery.channel)
    for item, _release, _piece in items_of(work.session, delivery.id):
        before = place_of(work.session, item.piece_id, delivery)
        url = links.get(item.piece_id, "")
        number = adapter.number_in(account.settings, url) if adapter and issubclass(adapter, KnownByLink) else ""
        shown = (number or before.remote_id, url or before.url) if before else (number, url)
        found[item.piece_id] = Shown(*shown)
    for piece_id, reached in so_far(work, delivery, Batch(work.session, [delivery])).items():
        found[piece_id] = replace(reached, url=found[piece_id].url)
    return found
