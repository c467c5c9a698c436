"""Mass sending: sendall, send, preview, get and delete, with quotas, clientmsgid and the administrator's confirmation.

Rules: developers.weixin.qq.com doc/service/api/notify/message and Batch_Sends.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from channels.rehearsal.wechat import articles, events, material
from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import AccountState, MassJob, Person

if TYPE_CHECKING:
    from channels.rehearsal.world import World

DAY = 24 * 3600
CONFIRM_SECONDS = 30 * 60
TOO_FAST_SECONDS = 60
CLIENT_ID_BYTES = 64
_MEDIA = {"voice": "voice", "image": "image", "mpvideo": "video"}
_STATUS = {
    "waiting": "SENDING",
    "sending": "SENDING",
    "done": "SEND_SUCCESS",
    "failed": "SEND_FAIL",
    "deleted": "DELETE",
}


async def sendall(call: Call) -> dict[str, Any]:
    """message/mass/sendall: to all followers or to those with a tag."""
    chosen = call.body.get("filter")
    if not isinstance(chosen, dict):
        raise Refusal(40097)
    to_all = chosen.get("is_to_all") is True
    following = [person for person in call.state.people.values() if person.following]
    if not to_all:
        tag = _tag(call, chosen.get("tag_id"))
        following = [person for person in following if tag in person.tags]
    reach = "all" if to_all else f"tag {chosen.get('tag_id')}"
    return _submit(call, reach, to_all, [person.openid for person in following])


async def send(call: Call) -> dict[str, Any]:
    """message/mass/send: to 2 to 10 000 named followers; service accounts only."""
    if call.state.account.type != "service":
        raise Refusal(48001)
    wanted = call.body.get("touser")
    if not isinstance(wanted, list) or len(wanted) < 2:
        raise Refusal(40130)
    if len(wanted) > 10_000:
        raise Refusal(40032)
    openids = list(dict.fromkeys(str(openid) for openid in wanted))
    if not any(openid in call.state.people for openid in openids):
        raise Refusal(40003)
    return _submit(call, f"openids {','.join(sorted(openids))}", False, openids)


async def preview(call: Call) -> dict[str, Any]:
    """message/mass/preview: to one follower, 100 times a day; the draft stays in its box."""
    person = _previewed(call)
    kind, content, _ = _content(call)
    if call.state.count("preview", call.world.clock.day()) > call.rules.previews_per_day:
        raise Refusal(45009)
    told = dict(content)
    if kind == "mpnews":
        draft = call.state.drafts[content["media_id"]]
        told["articles"] = [
            {
                "title": article.title,
                "digest": article.digest,
                "cover": article.thumb_path,
                "path": f"/wechat/draft/{draft.preview}/{index}",
            }
            for index, article in enumerate(draft.articles)
        ]
    call.record("preview", openid=person.openid, msgtype=kind, content=told)
    return {"errcode": 0, "errmsg": "preview success", "msg_id": call.state.number()}


async def get(call: Call) -> dict[str, Any]:
    """message/mass/get."""
    job = _job(call)
    return {"msg_id": job.msg_id, "msg_status": _STATUS[job.stage]}


async def delete(call: Call) -> dict[str, Any]:
    """message/mass/delete: takes the pages away, the cards people received stay."""
    job = _job(call)
    if job.kind not in ("mpnews", "mpvideo"):
        raise Refusal(40008)
    if job.stage not in ("done", "deleted"):
        raise Refusal(40059)
    index = call.number("article_idx", 0)
    if not 0 <= index <= max(len(job.pages), 1):
        raise Refusal(40114)
    chosen = job.pages if index == 0 else job.pages[index - 1 : index]
    for key in chosen:
        call.state.pages[key].deleted = True
    if all(call.state.pages[key].deleted for key in job.pages):
        job.stage = "deleted"
    call.record(
        "mass_deleted",
        msg_id=job.msg_id,
        article_idx=index,
        titles=[call.state.pages[key].article.title for key in chosen],
        paths=[f"/wechat/s/{key}" for key in chosen],
    )
    return OK


def decide(world: World, state: AccountState, job: MassJob, decision: str) -> None:
    """The administrator's `confirm` or `refuse`, or his silence of 30 minutes, `lapse`."""
    appid = state.account.appid
    if decision == "confirm":
        job.stage = "sending"
        world.agenda.add(
            world.clock.now() + world.config.wechat_rules.mass_seconds, "wechat.mass", appid=appid, msg_id=job.msg_id
        )
    else:
        job.stage = "failed"
        job.status = "err(40001)" if decision == "refuse" else "err(40002)"
        if not world.config.wechat_rules.refused_mass_send_costs_quota:
            state.count("mass", world.clock.day(job.created), by=-1)
            state.count("mass to all", world.clock.day(job.created), by=-1)
        world.agenda.add(world.clock.now(), "wechat.mass_refused", appid=appid, msg_id=job.msg_id)
    world.ledger.add("wechat", appid, "mass_decision", msg_id=job.msg_id, decision=decision)


async def lapse(world: World, appid: str, msg_id: int) -> None:
    """Nobody confirmed within 30 minutes."""
    state = world.state.wechat.accounts[appid]
    job = state.masses[msg_id]
    if job.stage == "waiting":
        decide(world, state, job, "lapse")


async def refused(world: World, appid: str, msg_id: int) -> None:
    """Tell the account that the mass message was not confirmed."""
    state = world.state.wechat.accounts[appid]
    await _announce(world, state, state.masses[msg_id])


async def finish(world: World, appid: str, msg_id: int) -> None:
    """Send the message out: people receive it, its pages appear, its draft leaves the box."""
    state = world.state.wechat.accounts[appid]
    job = state.masses[msg_id]
    job.status = _compared(state, job) or state.account.mass_result
    if job.status != "send success":
        job.stage = "failed"
        world.ledger.add("wechat", appid, "mass_failed", msg_id=msg_id, status=job.status)
    else:
        _deliver(world, state, job)
    await _announce(world, state, job)


def _compared(state: AccountState, job: MassJob) -> str:
    """How the comparison with original articles ends a job; '' where it may go out."""
    if state.account.original == "forbidden":
        return "err(30002)"
    return "err(30003)" if state.account.original == "reprint" and not job.ignore_reprint else ""


def _copyright(state: AccountState, job: MassJob) -> dict[str, Any]:
    original = state.account.original
    if original == "own":
        return {"Count": 0, "ResultList": {}, "CheckState": 0}
    allowed = int(original == "reprint")
    items = [
        {
            "ArticleIdx": index,
            "UserDeclareState": 0,
            "AuditState": 2,
            "OriginalArticleUrl": "https://mp.weixin.qq.com/s/the-original",
            "OriginalArticleType": 1,
            "CanReprint": allowed,
            "NeedReplaceContent": allowed,
            "NeedShowReprintSource": allowed,
        }
        for index, _article in enumerate(job.articles, start=1)
    ]
    return {"Count": len(items), "ResultList": {"item": items}, "CheckState": 2 if allowed else 3}


def _deliver(world: World, state: AccountState, job: MassJob) -> None:
    job.stage = "done"
    month, reached = world.clock.month(), []
    for openid in job.recipients:
        person = state.people.get(openid)
        if person is None or not person.following:
            continue
        full = person.received.get(month, 0) >= state.account.mass_per_follower_a_month
        if state.account.type == "service" and full:
            continue
        person.received[month] = person.received.get(month, 0) + 1
        reached.append(openid)
    job.sent = len(reached)
    pages = articles.open_pages(world, state, job.articles, job.msg_data_id, "mass", job.base)
    job.pages = [page.page_id for page in pages]
    if job.kind == "mpnews":
        state.drafts.pop(job.media_id, None)
    world.ledger.add(
        "wechat",
        state.account.appid,
        "mass_send",
        msg_id=job.msg_id,
        msg_data_id=job.msg_data_id,
        msgtype=job.kind,
        content=job.content,
        to_all=job.to_all,
        recipients=reached,
        total=len(job.recipients),
        clientmsgid=job.key,
        articles=[articles.told(page) for page in pages],
    )


async def _announce(world: World, state: AccountState, job: MassJob) -> None:
    pages = [state.pages[key] for key in job.pages]
    urls = [{"ArticleIdx": page.idx, "ArticleUrl": page.url} for page in pages]
    done = job.status == "send success"
    details = {
        "MsgID": job.msg_id,
        "Status": job.status,
        "TotalCount": len(job.recipients),
        "FilterCount": len(job.recipients) - job.filtered if done else 0,
        "SentCount": job.sent,
        "ErrorCount": len(job.recipients) - job.filtered - job.sent if done else 0,
        "CopyrightCheckResult": _copyright(state, job),
        "ArticleUrlResult": {"Count": len(urls), "ResultList": {"item": urls}},
    }
    await events.announce(world, state, "MASSSENDJOBFINISH", details)


def _submit(call: Call, reach: str, to_all: bool, recipients: list[str]) -> dict[str, Any]:
    state, now = call.state, call.now
    if state.too_often("mass", now, call.rules.mass_calls_per_minute):
        raise Refusal(45011)
    key = _client_id(call, reach)
    _refuse_repetition(call, key)
    kind, content, found = _content(call)
    _take_quota(call, to_all)
    job = MassJob(
        msg_id=state.number(),
        msg_data_id=state.number(),
        kind=kind,
        content=content,
        to_all=to_all,
        recipients=recipients,
        key=key,
        media_id=content.get("media_id", "") if kind == "mpnews" else "",
        articles=[article.model_copy(deep=True) for article in found],
        base=call.base,
        created=now,
        ignore_reprint=call.number("send_ignore_reprint", 0) == 1,
        stage="waiting" if to_all and state.account.confirm_mass_send else "sending",
    )
    state.masses[job.msg_id] = job
    waiting = job.stage == "waiting"
    call.world.agenda.add(
        now + (CONFIRM_SECONDS if waiting else call.rules.mass_seconds),
        "wechat.mass_lapse" if waiting else "wechat.mass",
        appid=state.account.appid,
        msg_id=job.msg_id,
    )
    call.record(
        "mass_submitted",
        msg_id=job.msg_id,
        msgtype=kind,
        titles=[article.title for article in job.articles],
        words=str(content.get("content", "")),
        clientmsgid=key,
        waiting=waiting,
    )
    answer = {"errcode": 0, "errmsg": "send job submission success", "msg_id": job.msg_id}
    return answer | ({"msg_data_id": job.msg_data_id} if kind == "mpnews" else {})


def _client_id(call: Call, reach: str) -> str:
    given = call.text("clientmsgid")
    if len(given.encode()) > CLIENT_ID_BYTES:
        raise Refusal(45067)
    if given:
        return given
    kind = call.text("msgtype")
    content = call.body.get(kind)
    if kind == "mpnews" and isinstance(content, dict):
        draft = call.state.drafts.get(str(content.get("media_id")))
        content = [article.model_dump() for article in draft.articles] if draft else content
    told = json.dumps([reach, kind, content], sort_keys=True)
    return f"digest {hashlib.sha256(told.encode()).hexdigest()[:40]}"


def _refuse_repetition(call: Call, key: str) -> None:
    for job in call.state.masses.values():
        age = call.now - job.created
        if job.key != key or age >= DAY:
            continue
        if age < TOO_FAST_SECONDS and call.rules.retry_too_fast_first:
            raise Refusal(45066)
        raise Refusal(45065, msg_id=job.msg_id)


def _take_quota(call: Call, to_all: bool) -> None:
    state, day = call.state, call.world.clock.day()
    service = state.account.type == "service"
    allowed = call.rules.mass_calls_per_day if service else state.account.mass_per_day
    if state.counted("mass", day) >= allowed or (service and to_all and state.counted("mass to all", day)):
        raise Refusal(45028)
    state.count("mass", day)
    if to_all:
        state.count("mass to all", day)


def _content(call: Call) -> tuple[str, dict[str, Any], list[Any]]:
    kind = call.text("msgtype")
    content = call.body.get("images" if kind == "image" and "images" in call.body else kind)
    if kind not in ("mpnews", "text", "voice", "image", "mpvideo", "wxcard", "music"):
        raise Refusal(40008)
    if not isinstance(content, dict):
        raise Refusal(47003)
    if kind == "text" and not str(content.get("content", "")).strip():
        raise Refusal(44004)
    if kind == "mpnews":
        draft = call.state.drafts.get(str(content.get("media_id")))
        if draft is None:
            raise Refusal(40007)
        return kind, content, draft.articles
    if kind in _MEDIA:
        content = dict(content)
        content["paths"] = [_media_path(call, media, kind) for media in _media_ids(content)]
    return kind, content, []


def _media_ids(content: dict[str, Any]) -> list[str]:
    several = content.get("media_ids")
    return (
        [str(media) for media in several] if isinstance(several, list) and several else [str(content.get("media_id"))]
    )


def _media_path(call: Call, wanted: str, kind: str) -> str:
    found = material.usable(call, wanted, _MEDIA[kind])
    return material.picture_path(found.key, found.form)


def _tag(call: Call, given: Any) -> int:
    if not str(given).isdigit() or int(given) not in call.state.tags:
        raise Refusal(40097)
    return int(given)


def _previewed(call: Call) -> Person:
    openid, name = call.text("touser"), call.text("towxname")
    for person in call.state.people.values():
        if person.following and (person.openid == openid if not name else person.name == name):
            return person
    raise Refusal(40132 if name else 40003)


def _job(call: Call) -> MassJob:
    job = call.state.masses.get(call.number("msg_id", 0))
    if job is None:
        raise Refusal(40059)
    return job


APIS = {
    "cgi-bin/message/mass/sendall": Api(sendall, certified=True),
    "cgi-bin/message/mass/send": Api(send, certified=True),
    "cgi-bin/message/mass/preview": Api(preview, certified=True),
    "cgi-bin/message/mass/get": Api(get, certified=True),
    "cgi-bin/message/mass/delete": Api(delete, certified=True),
}
