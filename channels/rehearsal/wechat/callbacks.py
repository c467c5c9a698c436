"""Pushing messages and events to an account's callback address, signed, three times at most, five seconds each.

Rules: developers.weixin.qq.com, Access_Overview, Passive_user_reply_message and Message_Encryption.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from channels.rehearsal import outgoing
from channels.rehearsal.config import Callback
from channels.rehearsal.wechat import crypto, xml
from channels.rehearsal.wechat.state import AccountState

if TYPE_CHECKING:
    from channels.rehearsal.world import World

SERVICE_FAULT = "该公众号提供的服务出现故障，请稍后再试"
REPLY_TEXT_BYTES = 2048
_NEEDED: dict[str, list[str]] = {
    "text": ["Content"],
    "image": ["Image"],
    "voice": ["Voice"],
    "video": ["Video"],
    "music": ["Music"],
    "news": ["ArticleCount", "Articles"],
    "transfer_customer_service": [],
}


class BadReply(ValueError):
    """The account's answer is none WeChat accepts; the text says why."""


@dataclass
class Outcome:
    """What became of one push: each try's result, the reply as parsed, or why there is none."""

    tries: list[str] = field(default_factory=list)
    answered: bool = False
    reply: dict[str, Any] = field(default_factory=dict)
    fault: str = ""


async def push(world: World, state: AccountState, fields: dict[str, Any]) -> Outcome:
    """Push `fields` (a message or an event) until the account answers; a reply is decrypted and checked."""
    outcome = Outcome()
    callback = state.account.callback
    if callback is None:
        outcome.fault = "no callback"
        return outcome
    rules = world.config.wechat_rules
    text = xml.build(fields)
    for _ in range(rules.pushes):
        url, body = _signed(world, state, callback, fields, text)
        answer = await outgoing.call("POST", url, body, "text/xml", rules.reply_seconds)
        outcome.tries.append(answer.problem or str(answer.status))
        if not answer.status or (answer.status != 200 and rules.http_error_is_no_answer):
            continue
        outcome.answered = True
        try:
            outcome.reply = read_reply(state, callback, answer.body, fields)
        except BadReply as bad:
            outcome.fault = str(bad)
        return outcome
    outcome.fault = "no answer in time"
    return outcome


async def verify(world: World, callback: Callback) -> bool:
    """The check the platform makes when an address is entered: GET with echostr, answered exactly."""
    timestamp, nonce, echo = str(int(world.clock.now())), _nonce(), secrets.token_hex(10)
    query = {
        "signature": crypto.signature(callback.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": echo,
    }
    seconds = world.config.wechat_rules.reply_seconds
    answer = await outgoing.call("GET", _with_query(callback.url, query), seconds=seconds)
    return answer.status == 200 and answer.body == echo.encode()


def read_reply(state: AccountState, callback: Callback, body: bytes, pushed: dict[str, Any]) -> dict[str, Any]:
    """A passive reply as its reader sees it, {} for "success" or nothing; BadReply says what is wrong with it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadReply("not UTF-8") from None
    if text.strip() in ("", "success"):
        return {}
    fields = _parsed(text)
    if "Encrypt" in fields:
        fields = _parsed(_decrypted(state, callback, fields))
    elif callback.mode == "secure":
        raise BadReply("plain reply in secure mode")
    _check_reply(fields, pushed)
    return fields


def _signed(
    world: World, state: AccountState, callback: Callback, fields: dict[str, Any], text: str
) -> tuple[str, bytes]:
    timestamp, nonce = str(int(world.clock.now())), _nonce()
    query = {
        "signature": crypto.signature(callback.token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "openid": fields["FromUserName"],
    }
    if callback.mode == "plain":
        return _with_query(callback.url, query), text.encode()
    encrypted = crypto.encrypt(callback.aes_key, state.account.appid, text)
    query["encrypt_type"] = "aes"
    query["msg_signature"] = crypto.signature(callback.token, timestamp, nonce, encrypted)
    visible = fields if callback.mode == "compat" else {"ToUserName": fields["ToUserName"]}
    return _with_query(callback.url, query), xml.build(visible | {"Encrypt": encrypted}).encode()


def _with_query(url: str, query: dict[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _nonce() -> str:
    return str(secrets.randbelow(9 * 10**9) + 10**9)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return xml.parse(text)
    except xml.Malformed:
        raise BadReply("not XML") from None


def _decrypted(state: AccountState, callback: Callback, fields: dict[str, Any]) -> str:
    encrypted = str(fields["Encrypt"])
    expected = crypto.signature(
        callback.token, str(fields.get("TimeStamp", "")), str(fields.get("Nonce", "")), encrypted
    )
    if fields.get("MsgSignature") != expected:
        raise BadReply("wrong MsgSignature")
    try:
        return crypto.decrypt(callback.aes_key, state.account.appid, encrypted)
    except crypto.CannotDecrypt:
        raise BadReply("cannot decrypt") from None


def _check_reply(fields: dict[str, Any], pushed: dict[str, Any]) -> None:
    if fields.get("ToUserName") != pushed["FromUserName"] or fields.get("FromUserName") != pushed["ToUserName"]:
        raise BadReply("ToUserName or FromUserName is not the other's")
    if not str(fields.get("CreateTime", "")).isdigit():
        raise BadReply("CreateTime is no number")
    needed = _NEEDED.get(str(fields.get("MsgType")))
    if needed is None:
        raise BadReply("unknown MsgType")
    missing = [name for name in needed if not fields.get(name)]
    if missing:
        raise BadReply(f"{missing[0]} missing")
    if fields["MsgType"] == "text" and len(str(fields["Content"]).encode()) > REPLY_TEXT_BYTES:
        raise BadReply("Content over 2048 bytes")
    if fields["MsgType"] == "news":
        _check_news(fields)


def _check_news(fields: dict[str, Any]) -> None:
    articles = fields["Articles"]
    item = articles.get("item") if isinstance(articles, dict) else None
    if str(fields["ArticleCount"]) != "1" or not isinstance(item, dict):
        raise BadReply("news takes exactly one article")
