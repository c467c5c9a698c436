"""The draft box: draft/add, update, get, delete, count, batchget and switch (developers.weixin.qq.com)."""

from __future__ import annotations

import secrets
from typing import Any

from channels.rehearsal.wechat import articles
from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Draft, media_id


async def add(call: Call) -> dict[str, Any]:
    """draft/add: answers a media_id and no errcode."""
    given = call.body.get("articles")
    if not isinstance(given, list) or not given:
        raise Refusal(44003)
    if len(given) > call.rules.articles_per_draft:
        raise Refusal(45008)
    accepted = [articles.accept(call, article, alone=len(given) == 1) for article in given]
    draft = Draft(
        media_id=media_id(),
        articles=accepted,
        created=call.now,
        updated=call.now,
        preview=secrets.token_urlsafe(16),
    )
    call.state.drafts[draft.media_id] = draft
    removed = sorted({what for article in accepted for what in article.removed})
    titles = [article.title for article in accepted]
    call.record("draft", media_id=draft.media_id, titles=titles, removed=removed)
    return {"media_id": draft.media_id}


async def update(call: Call) -> dict[str, Any]:
    """draft/update: one article by its index counted from 0."""
    draft = _draft(call)
    index = call.number("index", 0)
    if not 0 <= index < len(draft.articles):
        raise Refusal(40114)
    given = call.body.get("articles")
    if not isinstance(given, dict):
        raise Refusal(44003 if not given else 47001)
    draft.articles[index] = articles.accept(call, given, alone=len(draft.articles) == 1)
    draft.updated = call.now
    call.record("draft", media_id=draft.media_id, titles=[a.title for a in draft.articles], updated=index)
    return OK


async def get(call: Call) -> dict[str, Any]:
    """draft/get: the articles with temporary addresses, and no errcode."""
    return _content(call, _draft(call), with_content=True)


async def delete(call: Call) -> dict[str, Any]:
    """draft/delete: irreversible."""
    del call.state.drafts[_draft(call).media_id]
    return OK


async def count(call: Call) -> dict[str, Any]:
    """draft/count."""
    return {"total_count": len(call.state.drafts)}


async def batchget(call: Call) -> dict[str, Any]:
    """draft/batchget: last changed first, 1 to 20 a page."""
    offset, number = call.page()
    drafts = sorted(call.state.drafts.values(), key=lambda draft: draft.updated, reverse=True)
    with_content = call.number("no_content", 0) == 0
    items = [
        {
            "media_id": draft.media_id,
            "content": _content(call, draft, with_content),
            "update_time": int(draft.updated),
        }
        for draft in drafts[offset : offset + number]
    ]
    return {"total_count": len(drafts), "item_count": len(items), "item": items}


async def switch(_: Call) -> dict[str, Any]:
    """draft/switch: the draft box cannot be switched off any more."""
    return OK | {"is_open": 1}


def _draft(call: Call) -> Draft:
    wanted = call.text("media_id")
    if not wanted:
        raise Refusal(41006)
    draft = call.state.drafts.get(wanted)
    if draft is None:
        raise Refusal(40007)
    return draft


def _content(call: Call, draft: Draft, with_content: bool) -> dict[str, Any]:
    items = []
    for index, article in enumerate(draft.articles):
        item = articles.shown(call, article, url=f"{call.base}/wechat/draft/{draft.preview}/{index}")
        if not with_content:
            item.pop("content")
        items.append(item)
    return {"news_item": items, "create_time": int(draft.created), "update_time": int(draft.updated)}


APIS = {
    "cgi-bin/draft/add": Api(add, plain=True),
    "cgi-bin/draft/update": Api(update, plain=True),
    "cgi-bin/draft/get": Api(get, plain=True),
    "cgi-bin/draft/delete": Api(delete, plain=True),
    "cgi-bin/draft/count": Api(count, method="ANY", plain=True, body=False),
    "cgi-bin/draft/batchget": Api(batchget, plain=True),
    "cgi-bin/draft/switch": Api(switch, plain=True, body=False),
}
