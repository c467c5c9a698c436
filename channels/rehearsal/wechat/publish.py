"""Publishing without notice: freepublish/submit, get, delete, getarticle and batchget (developers.weixin.qq.com)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from channels.rehearsal.wechat import articles, events
from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Publication

if TYPE_CHECKING:
    from channels.rehearsal.world import World

PUBLISHING, PUBLISHED, DELETED = 1, 0, 5


async def submit(call: Call) -> dict[str, Any]:
    """freepublish/submit: only says that the task was taken."""
    wanted = call.text("media_id")
    if not wanted:
        raise Refusal(41006)
    draft = call.state.drafts.get(wanted)
    if draft is None:
        raise Refusal(40007)
    running = any(p.media_id == wanted and p.status == PUBLISHING for p in call.state.publications.values())
    if running and call.rules.second_submit == "refuse":
        raise Refusal(53501)
    publication = Publication(
        publish_id=str(call.state.number()),
        article_id=secrets.token_urlsafe(32),
        msg_data_id=call.state.number(),
        media_id=wanted,
        articles=[article.model_copy(deep=True) for article in draft.articles],
        base=call.base,
    )
    call.state.publications[publication.publish_id] = publication
    call.world.agenda.add(
        call.now + call.rules.publish_seconds,
        "wechat.publish",
        appid=call.state.account.appid,
        publish_id=publication.publish_id,
    )
    call.record("publish_submitted", publish_id=publication.publish_id, media_id=wanted)
    return OK | {"publish_id": publication.publish_id, "msg_data_id": publication.msg_data_id}


async def finish(world: World, appid: str, publish_id: str) -> None:
    """End a task: the draft leaves the box and the pages appear, or the task fails as the account is set to."""
    state = world.state.wechat.accounts[appid]
    publication = state.publications[publish_id]
    publication.status = state.account.publish_result
    if publication.status != PUBLISHED:
        publication.fail_idx = [1] if publication.status in (2, 4) else []
        world.ledger.add("wechat", appid, "publish_failed", publish_id=publish_id, status=publication.status)
    else:
        state.drafts.pop(publication.media_id, None)
        publication.at = world.clock.now()
        pages = articles.open_pages(
            world, state, publication.articles, publication.msg_data_id, "publish", publication.base
        )
        publication.pages = [page.page_id for page in pages]
        world.ledger.add(
            "wechat",
            appid,
            "publish",
            publish_id=publish_id,
            article_id=publication.article_id,
            msg_data_id=publication.msg_data_id,
            media_id=publication.media_id,
            articles=[articles.told(page) for page in pages],
        )
    await events.announce(world, state, "PUBLISHJOBFINISH", {"PublishEventInfo": _event(world, appid, publication)})


def _event(world: World, appid: str, publication: Publication) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "publish_id": publication.publish_id,
        "publish_status": publication.status,
    }
    if publication.status == PUBLISHED:
        pages = world.state.wechat.accounts[appid].pages
        items = [{"idx": pages[key].idx, "article_url": pages[key].url} for key in publication.pages]
        answer["article_id"] = publication.article_id
        answer["article_detail"] = {"count": len(items), "item": items}
    elif publication.fail_idx:
        answer["fail_idx"] = publication.fail_idx
    return answer


async def get(call: Call) -> dict[str, Any]:
    """freepublish/get: how a task stands."""
    publication = call.state.publications.get(call.text("publish_id"))
    if publication is None:
        raise Refusal(53502)
    answer: dict[str, Any] = {"publish_id": publication.publish_id, "publish_status": publication.status}
    answer["fail_idx"] = publication.fail_idx
    if publication.pages:
        pages = [call.state.pages[key] for key in publication.pages]
        items = [{"idx": page.idx, "article_url": page.url} for page in pages]
        answer["article_id"] = publication.article_id
        answer["article_detail"] = {"count": len(items), "item": items}
    return answer


async def delete(call: Call) -> dict[str, Any]:
    """freepublish/delete: one article by its index counted from 1, or all with 0; irreversible."""
    publication = _published(call)
    index = call.number("index", 0)
    if not 0 <= index <= len(publication.pages):
        raise Refusal(40114)
    chosen = publication.pages if index == 0 else [publication.pages[index - 1]]
    pages = [call.state.pages[key] for key in chosen]
    if call.rules.second_delete_is_error and all(page.deleted for page in pages):
        raise Refusal(53600)
    for page in pages:
        page.deleted = True
    if all(call.state.pages[key].deleted for key in publication.pages):
        publication.status = DELETED
    call.record(
        "publish_deleted",
        article_id=publication.article_id,
        index=index,
        titles=[page.article.title for page in pages],
        paths=[f"/wechat/s/{page.page_id}" for page in pages],
    )
    return OK


async def getarticle(call: Call) -> dict[str, Any]:
    """freepublish/getarticle: the published articles with their addresses."""
    return {"news_item": _items(call, _published(call), with_content=True)}


async def batchget(call: Call) -> dict[str, Any]:
    """freepublish/batchget: newest first, without what was deleted altogether."""
    offset, count = call.page()
    with_content = call.number("no_content", 0) == 0
    found = [p for p in call.state.publications.values() if p.status == PUBLISHED]
    found.sort(key=lambda publication: publication.at, reverse=True)
    items = []
    for publication in found[offset : offset + count]:
        at = int(publication.at)
        content = {"news_item": _items(call, publication, with_content), "create_time": at, "update_time": at}
        items.append({"article_id": publication.article_id, "content": content, "update_time": at})
    return {"total_count": len(found), "item_count": len(items), "item": items}


def _published(call: Call) -> Publication:
    wanted = call.text("article_id")
    for publication in call.state.publications.values():
        if wanted and publication.article_id == wanted and publication.pages:
            return publication
    raise Refusal(53600)


def _items(call: Call, publication: Publication, with_content: bool) -> list[dict[str, Any]]:
    items = []
    for key in publication.pages:
        page = call.state.pages[key]
        item = articles.shown(call, page.article, page.url, page.deleted)
        if not with_content:
            item.pop("content")
        items.append(item)
    return items


APIS = {
    "cgi-bin/freepublish/submit": Api(submit, certified=True, plain=True),
    "cgi-bin/freepublish/get": Api(get, certified=True, plain=True),
    "cgi-bin/freepublish/delete": Api(delete, certified=True, plain=True),
    "cgi-bin/freepublish/getarticle": Api(getarticle, certified=True, plain=True),
    "cgi-bin/freepublish/batchget": Api(batchget, certified=True, plain=True),
}
