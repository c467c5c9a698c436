"""人工发布: a person published it and closes the task with the link, or with a picture of the screen."""

from __future__ import annotations

from channels.base import Live
from kernel.errors import Invalid
from kernel.people import Viewer
from kernel.work import Work
from scheduler import elsewhere
from scheduler.booking import change, must_write
from scheduler.models import Delivery
from scheduler.placements import place_of, remember
from scheduler.posts import items_of
from scheduler.settle import done, pasted_link, shown_of
from scheduler.states import DeliveryState

CORRECTED = "by_hand"


def needs_link(delivery: Delivery) -> bool:
    """Whether only a link closes it: a page of the office's site has an address, to which everything else leads.

    Nothing is published in a rehearsal, and so there is none.
    """
    return delivery.action == "publish" and delivery.rehearses is None and elsewhere.is_elsewhere(delivery.channel)


def close(work: Work, who: Viewer, delivery: Delivery, url: str, screenshot_sha: str = "") -> None:
    """Closes a task by hand; `screenshot_sha` names a kept picture. One of both is needed as proof, on
    the office's site the link.

    In a bundle the link is that of 头条. A correction made by hand is kept as such (人工更正).
    Raises Invalid without proof or for a link elsewhere than the account's own site, TakenMeanwhile when somebody else
    closed or cancelled it.
    """
    must_write(who, delivery)
    link = pasted_link(work, delivery, url, "url") if url.strip() else ""
    if not link and not screenshot_sha:
        raise Invalid(field="url", why="请粘贴发布后的链接，或上传截图。")
    if not link and needs_link(delivery):
        raise Invalid(
            field="url", why="网站上的稿件须填网页地址：微信、微博的链接和检索结果都指向它。请打开网页复制地址。"
        )
    items = items_of(work.session, delivery.id)
    change(work, delivery, (DeliveryState.MANUAL,), **done(work, "人工发布"))
    if screenshot_sha:
        delivery.note = {**delivery.note, "screenshot": screenshot_sha}
    links = {items[0][0].piece_id: link} if link else {}
    remember(work, delivery, Live(shown_of(work, delivery, links)))
    if delivery.action == "correct":
        for item, _release, _piece in items:
            placement = place_of(work.session, item.piece_id, delivery)
            if placement is not None:
                placement.correction = CORRECTED
    work.audit("delivery.done_by_hand", delivery, link=link, screenshot=screenshot_sha)
