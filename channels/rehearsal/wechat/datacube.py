"""Statistics, grown from what readers did here (developers.weixin.qq.com, wedata/news and wedata/user)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from channels.rehearsal.clock import CHINA, Clock
from channels.rehearsal.wechat.call import Api, Call, Handler
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.state import Page, Reading

DETAIL_DAYS = 30
READY_HOUR = 8
_SCENES = {"mass": "公众号消息", "publish": "公众号主页"}
_UPSTREAM = {"text": 1, "image": 2, "voice": 3, "video": 4, "shortvideo": 4, "link": 6}
_STOPPED = (
    "getarticlesummary",
    "getarticletotal",
    "getuserread",
    "getuserreadhour",
    "getusershare",
    "getusersharehour",
)


async def article_read(call: Call) -> dict[str, Any]:
    """getarticleread: readers of each article on each day."""
    return _by_article(call, "getarticleread", "read", _readers)


async def article_share(call: Call) -> dict[str, Any]:
    """getarticleshare: who shared each article on each day."""
    return _by_article(call, "getarticleshare", "share", _sharers)


async def summary(call: Call) -> dict[str, Any]:
    """getbizsummary: all articles together on each day."""
    days, lines = _days(call, "getbizsummary"), []
    for day in days:
        pages = list(call.state.pages.values())
        readings = [one for page in pages for one in _on(call, page.readings, day, day)]
        sources = [(page, _on(call, page.readings, day, day)) for page in pages]
        comments = sum(call.world.clock.day(one.at) == day for page in pages for one in page.comments)
        detail = _all(readings, comments) | {
            "read_user_source": _sources(sources),
            "send_page_count": sum(call.world.clock.day(page.at) == day for page in pages),
        }
        lines.append({"ref_date": day, "detail": detail})
    return {"list": lines, "is_delay": _is_delayed(call, days)}


async def article_detail(call: Call) -> dict[str, Any]:
    """getarticletotaldetail: for each article of these days its sums since publication, day by day, 30 at most."""
    days, lines = _days(call, "getarticletotaldetail"), []
    for page in call.state.pages.values():
        born = call.world.clock.day(page.at)
        if born not in days:
            continue
        until = min(_next(born, DETAIL_DAYS - 1), _yesterday(call))
        lines.append(
            {
                "ref_date": born,
                "msgid": f"{page.msg_data_id}_{page.idx}",
                "publish_type": 0 if page.how == "mass" else 1,
                "title": page.article.title,
                "content_url": page.url,
                "detail_list": [_sums(call, page, born, day) for day in _between(born, until)],
            }
        )
    return {"list": lines, "is_delay": _is_delayed(call, days)}


async def user_summary(call: Call) -> dict[str, Any]:
    """getusersummary: who came and went, by source; the sources are to be added up."""
    lines = []
    for day in _days(call, "getusersummary"):
        moves = [change for at, change in call.state.follows if call.world.clock.day(at) == day]
        come, gone = moves.count(1), moves.count(-1)
        # Two sources, as the platform splits them, so that a reader who takes the first line only is wrong.
        lines.append({"ref_date": day, "user_source": 0, "new_user": come - come // 2, "cancel_user": gone})
        lines.append({"ref_date": day, "user_source": 1, "new_user": come // 2, "cancel_user": 0})
    return {"list": lines}


async def user_cumulate(call: Call) -> dict[str, Any]:
    """getusercumulate: followers at the end of each day."""
    clock = call.world.clock
    return {
        "list": [
            {
                "ref_date": day,
                "user_source": 0,
                "cumulate_user": sum(change for at, change in call.state.follows if clock.day(at) <= day),
            }
            for day in _days(call, "getusercumulate")
        ]
    }


async def upstream(call: Call) -> dict[str, Any]:
    """getupstreammsg: how many people sent how many messages of each type."""
    lines = []
    for day in _days(call, "getupstreammsg"):
        sent = [(openid, kind) for at, openid, kind in call.state.upstream if call.world.clock.day(at) == day]
        for kind in sorted({kind for _, kind in sent}):
            people = [openid for openid, one in sent if one == kind]
            lines.append({"ref_date": day, "msg_type": kind, "msg_user": len(set(people)), "msg_count": len(people)})
    return {"list": lines}


async def stopped(_: Call) -> dict[str, Any]:
    """The old calls: 本接口已停止维护."""
    raise Refusal(48001)


def upstream_type(kind: str) -> int:
    """The number datacube gives a message kind, 0 for what it does not count."""
    return _UPSTREAM.get(kind, 0)


def _by_article(
    call: Call, name: str, act: str, detail: Callable[[Page, list[Reading]], dict[str, Any]]
) -> dict[str, Any]:
    days, lines = _days(call, name), []
    for day in days:
        for page in call.state.pages.values():
            readings = _on(call, page.readings, day, day)
            acts = [one for one in readings if one.act == act]
            if len(acts) > call.rules.datacube_ignores_below:
                message = f"{page.msg_data_id}_{page.idx}"
                lines.append({"ref_date": day, "msgid": message, "detail": detail(page, readings)})
    return {"list": lines, "is_delay": _is_delayed(call, days)}


def _sums(call: Call, page: Page, born: str, day: str) -> dict[str, Any]:
    readings = _on(call, page.readings, born, day)
    clock = call.world.clock
    comments = sum(clock.day(one.at) <= day for one in page.comments)
    return {"stat_date": day} | _all(readings, comments) | {"read_user_source": _sources([(page, readings)])}


def _all(readings: list[Reading], comments: int) -> dict[str, Any]:
    return {
        "read_user": _people(readings, "read"),
        "share_user": _people(readings, "share"),
        "zaikan_user": _people(readings, "zaikan"),
        "like_user": _people(readings, "like"),
        "comment_count": comments,
        "collection_user": _people(readings, "favourite"),
        "praise_money": 0,
    }


def _readers(page: Page, readings: list[Reading]) -> dict[str, Any]:
    return {"read_user": _people(readings, "read"), "read_user_source": _sources([(page, readings)])}


def _sharers(_: Page, readings: list[Reading]) -> dict[str, Any]:
    return {"share_user": _people(readings, "share")}


def _sources(found: Iterable[tuple[Page, list[Reading]]]) -> list[dict[str, Any]]:
    counts: dict[str, int] = {"全部": 0}
    for page, readings in found:
        people = _people(readings, "read")
        scene = _SCENES[page.how]
        counts[scene] = counts.get(scene, 0) + people
        counts["全部"] += people
    return [{"scene_desc": scene, "user_count": number} for scene, number in counts.items()]


def _people(readings: list[Reading], act: str) -> int:
    return len({one.reader for one in readings if one.act == act})


def _on(call: Call, readings: list[Reading], first: str, last: str) -> list[Reading]:
    clock: Clock = call.world.clock
    return [one for one in readings if first <= clock.day(one.at) <= last]


def _days(call: Call, name: str) -> list[str]:
    begin, end = _date(call.text("begin_date")), _date(call.text("end_date"))
    longest = call.rules.datacube_days.get(name, 1)
    if begin > end or end.isoformat() > _yesterday(call) or (end - begin).days >= longest:
        raise Refusal(61501)
    return _between(begin.isoformat(), end.isoformat())


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA).date()
    except ValueError:
        raise Refusal(61500) from None


def _between(first: str, last: str) -> list[str]:
    days, day = [], first
    while day <= last:
        days.append(day)
        day = _next(day, 1)
    return days


def _next(day: str, by: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=by)).isoformat()


def _yesterday(call: Call) -> str:
    return _next(call.world.clock.day(), -1)


def _is_delayed(call: Call, days: list[str]) -> bool:
    return days[-1] == _yesterday(call) and call.world.clock.moment().hour < READY_HOUR


_CALLS: dict[str, Handler] = {
    "getarticleread": article_read,
    "getarticleshare": article_share,
    "getbizsummary": summary,
    "getarticletotaldetail": article_detail,
    "getusersummary": user_summary,
    "getusercumulate": user_cumulate,
    "getupstreammsg": upstream,
    **dict.fromkeys(_STOPPED, stopped),
}
APIS = {f"datacube/{name}": Api(handler) for name, handler in _CALLS.items()}
