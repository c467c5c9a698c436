"""Template and subscribe messages of service accounts (message/template/send, message/subscribe/bizsend)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from channels.rehearsal.config import Template
from channels.rehearsal.wechat import events
from channels.rehearsal.wechat.call import OK, Api, Call
from channels.rehearsal.wechat.codes import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from channels.rehearsal.wechat.state import AccountState, Person
    from channels.rehearsal.world import World

REPEAT_SECONDS = 600
# Characters a place takes, by the kind that its name begins with (developers.weixin.qq.com, subscribe message).
LONGEST = {"thing": 20, "phrase": 5, "character_string": 32, "name": 10, "const": 20, "short_thing": 5, "letter": 32}


async def send(call: Call) -> dict[str, Any]:
    """message/template/send: the same openid and client_msg_id within ten minutes is sent once."""
    _only_service(call)
    template, openid = _template(call, "template"), call.text("touser")
    person = call.state.people.get(openid)
    if person is None:
        raise Refusal(40003)
    if not person.following:
        raise Refusal(43004)
    data = call.body.get("data")
    _check_places(template, data)
    key = f"{openid} {call.text('client_msg_id')}"
    known = call.state.templates_sent.get(key)
    if call.text("client_msg_id") and known and call.now - known[0] < REPEAT_SECONDS:
        return OK | {"msgid": known[1]}
    msgid = call.state.number()
    call.state.templates_sent[key] = (call.now, msgid)
    status = "failed:user block" if person.blocked else "success"
    if not person.blocked:
        call.record(
            "template_message",
            openid=openid,
            title=template.title,
            template_id=template.template_id,
            data=data,
            url=call.text("url"),
            msgid=msgid,
        )
    appid = call.state.account.appid
    call.world.agenda.add(call.now, "wechat.template", appid=appid, openid=openid, msgid=msgid, status=status)
    return OK | {"msgid": msgid}


async def send_subscribed(call: Call) -> dict[str, Any]:
    """message/subscribe/bizsend: only to who agreed, once for each time he did; its end is told by an event."""
    _only_service(call)
    template, openid = _template(call, "subscribe"), call.text("touser")
    person = call.state.people.get(openid)
    if person is None:
        raise Refusal(40003)
    if person.blocked or person.allows.get(template.template_id, 0) < 1:
        raise Refusal(43101)
    data = call.body.get("data")
    _check_places(template, data)
    if not template.lasting:
        person.allows[template.template_id] -= 1
    known = {"openid": openid, "title": template.title, "template_id": template.template_id}
    call.record("template_message", **known, data=data, url=call.text("page"))
    told = {"openid": openid, "template_id": template.template_id, "msgid": call.state.number()}
    call.world.agenda.add(call.now, "wechat.subscribed", appid=call.state.account.appid, **told)
    return OK


async def finish_subscribed(world: World, appid: str, openid: str, template_id: str, msgid: int) -> None:
    """Tell the account that a subscribe message has arrived."""
    sent = {"TemplateId": template_id, "MsgID": msgid, "ErrorCode": 0, "ErrorStatus": "success"}
    state = world.state.wechat.accounts[appid]
    await events.announce(world, state, "subscribe_msg_sent_event", {"SubscribeMsgSentEvent": {"List": sent}}, openid)


async def decide(
    world: World,
    state: AccountState,
    openid: str,
    decided: Mapping[str, str],
    *,
    later: bool = False,
    keep: bool = False,
) -> Person:
    """A follower agrees to forms or refuses them (`accept`, `reject` by form) in the window, or `later` in his list of
    them, where he refuses. What he wants to `keep` (总是保持以上选择) the window does not ask again.

    Raises KeyError for a form that the account has not.
    """
    titles = {one.template_id: one.title for one in state.account.templates if one.kind == "subscribe"}
    named = {one: titles[one] for one in decided}
    person = state.people.get(openid) or state.join(openid, "", world.clock.now())
    for one, status in decided.items():
        person.allows[one] = person.allows.get(one, 0) + 1 if status == "accept" else 0
        if keep:
            person.keeps[one] = status
        elif later:
            person.keeps.pop(one, None)
    told = {status: [named[one] for one in decided if decided[one] == status] for status in ("accept", "reject")}
    world.ledger.add("wechat", state.account.appid, "consent", openid=openid, later=later, keep=keep, **told)
    scene = {} if later else {"PopupScene": 2}
    listed = [{"TemplateId": one, "SubscribeStatusString": status, **scene} for one, status in decided.items()]
    event, box = ("change", "Change") if later else ("popup", "Popup")
    details = {f"SubscribeMsg{box}Event": {"List": listed}}
    await events.announce(world, state, f"subscribe_msg_{event}_event", details, openid)
    return person


async def finish(world: World, appid: str, openid: str, msgid: int, status: str) -> None:
    """Tell the account what became of a template message."""
    state = world.state.wechat.accounts[appid]
    await events.announce(world, state, "TEMPLATESENDJOBFINISH", {"MsgID": msgid, "Status": status}, openid)


async def templates(call: Call) -> dict[str, Any]:
    """template/get_all_private_template."""
    _only_service(call)
    listed = [
        {
            "template_id": one.template_id,
            "title": one.title,
            "content": "\n".join(f"{{{{{field}.DATA}}}}" for field in one.fields),
        }
        for one in call.state.account.templates
        if one.kind == "template"
    ]
    return {"template_list": listed}


async def subscribed_templates(call: Call) -> dict[str, Any]:
    """wxaapi/newtmpl/gettemplate: the forms of the other kind."""
    _only_service(call)
    listed = [
        {
            "priTmplId": one.template_id,
            "title": one.title,
            "content": "\n".join(f"{{{{{field}.DATA}}}}" for field in one.fields),
            "type": 3 if one.lasting else 2,
        }
        for one in call.state.account.templates
        if one.kind == "subscribe"
    ]
    return OK | {"data": listed}


def _only_service(call: Call) -> None:
    if call.state.account.type != "service":
        raise Refusal(48001)


def _template(call: Call, kind: str) -> Template:
    wanted = call.text("template_id")
    templates = [one for one in call.state.account.templates if one.kind == kind]
    found = next((one for one in templates if one.template_id == wanted), None)
    if found is None:
        raise Refusal(40037)
    if found.banned:
        raise Refusal(43116)
    return found


def _check_places(template: Template, data: Any) -> None:
    if not isinstance(data, dict):
        raise Refusal(47003)
    for place in template.fields:
        given = data.get(place)
        value = str(given.get("value", "")) if isinstance(given, dict) else ""
        if not 1 <= len(value) <= LONGEST.get(place.rstrip("0123456789"), 200):
            raise Refusal(47003, f"data.{place}.value invalid")


APIS = {
    "cgi-bin/message/template/send": Api(send, certified=True),
    "cgi-bin/message/subscribe/bizsend": Api(send_subscribed, certified=True),
    "wxaapi/newtmpl/gettemplate": Api(subscribed_templates, method="GET", certified=True),
    "cgi-bin/template/get_all_private_template": Api(templates, method="GET", certified=True),
}
