"""What the platform pushes to our address: checks the signature, opens encrypted bodies, reads messages and events.

Rules: developers.weixin.qq.com, Access_Overview, Receiving_standard_messages, Receiving_event_pushes,
Message_Encryption; wechatpy knows no event for a finished publication, so that all are read here.
"""

from __future__ import annotations

import hmac
import secrets
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import xmltodict
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatException
from wechatpy.utils import WeChatSigner

from channels.abilities.sent_to import SentTo
from channels.adapters.wechat import codes, originals
from channels.adapters.wechat.sending import MASS, PUBLISH, shown_of
from channels.base import Consent, Follower, Inbound, JobResult, Message, Pushed, Reply
from channels.errors import BadPush, BadSignature
from kernel.typed import in_calendar, tidy

NOTHING = b"success"
Fields = Mapping[str, Any]


def greet(credentials: Mapping[str, str], request: Pushed) -> bytes:
    """Answers the check of our address: `echostr` exactly as it came."""
    _check(credentials, request)
    return request.query.get("echostr", "").encode()


def read(credentials: Mapping[str, str], request: Pushed, *, secure: bool) -> list[Inbound]:
    """The one thing that was pushed; an event of no meaning to us is nothing. A `secure` account takes no plain one.

    What a follower decided about several forms of notices at once is several things.
    """
    sealed = request.query.get("encrypt_type") == "aes"
    if secure and not sealed:
        _check(credentials, request)
        raise BadPush(why="该账号为安全模式，收到的却是明文")
    fields = _opened(credentials, request) if sealed else _plain(credentials, request)
    try:
        if fields.get("MsgType") == "event" and _name(fields) in _DECIDED:
            return _consents(fields)
        found = _event(fields, sealed) if fields.get("MsgType") == "event" else _message(fields, sealed)
    except (KeyError, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise BadPush(why=f"缺少或不合规的字段 {error}") from error
    return [found] if found else []


def passive_reply(
    credentials: Mapping[str, str], inbound: Message | Follower, reply: Reply | None, now: datetime, limit: int
) -> bytes:
    """The body that answers a push: text up to `limit` bytes or one card, encrypted where the push was."""
    if reply is None or not (reply.text or reply.url):
        return NOTHING
    stamp = str(int(now.timestamp()))
    head = (
        f"<ToUserName>{_data(inbound.sender)}</ToUserName><FromUserName>{_data(inbound.to)}</FromUserName>"
        f"<CreateTime>{stamp}</CreateTime>"
    )
    xml = f"<xml>{head}{_card(reply) if reply.url else _text(reply.text, limit)}</xml>"
    if not inbound.sealed:
        return xml.encode()
    sealed: str = _crypto(credentials).encrypt_message(xml, secrets.token_hex(8), stamp)
    return sealed.encode()


def shortened(text: str, limit: int) -> str:
    """The text cut to so many bytes of UTF-8 at a whole character, with a sign that it goes on."""
    if len(text.encode()) <= limit:
        return text
    return text.encode()[: limit - 6].decode("utf-8", "ignore") + "……"


# --- opening ----------------------------------------------------------------------------------------


def _check(credentials: Mapping[str, str], request: Pushed) -> None:
    said = request.query.get("signature", "")
    made = _signature(credentials, request.query.get("timestamp", ""), request.query.get("nonce", ""))
    if not hmac.compare_digest(said.encode(), made.encode()):
        raise BadSignature


def _signature(credentials: Mapping[str, str], *parts: str) -> str:
    token = credentials.get("token", "")
    if not token:
        # Without a token anybody could sign.
        raise BadSignature
    signer = WeChatSigner()
    signer.add_data(token, *parts)
    return str(signer.signature)


def _plain(credentials: Mapping[str, str], request: Pushed) -> Fields:
    _check(credentials, request)
    return _parsed(request.body)


def _opened(credentials: Mapping[str, str], request: Pushed) -> Fields:
    try:
        encrypted = str(_parsed(request.body).get("Encrypt", ""))
    except BadPush as error:
        raise BadSignature from error  # What cannot be read was signed by nobody.
    query = request.query
    made = _signature(credentials, query.get("timestamp", ""), query.get("nonce", ""), encrypted)
    if not hmac.compare_digest(query.get("msg_signature", "").encode(), made.encode()):
        raise BadSignature
    try:
        text = _crypto(credentials).decrypt_message(
            {"Encrypt": encrypted}, query.get("msg_signature", ""), query.get("timestamp", ""), query.get("nonce", "")
        )
    except (WeChatException, struct.error, ValueError, IndexError, AssertionError) as error:
        # Signed by whoever knows our token, but sealed with another key or for another account.
        raise BadPush(why="无法解密，请核对 EncodingAESKey 与 AppID") from error
    return _parsed(text.encode())


def _crypto(credentials: Mapping[str, str]) -> Any:
    try:
        return WeChatCrypto(credentials["token"], credentials["aes_key"], credentials["appid"])
    except (KeyError, ValueError, AssertionError) as error:
        raise BadPush(why="该账号没有填写正确的 EncodingAESKey") from error


def _parsed(body: bytes) -> Fields:
    """The fields of a push; the platform passes on control characters that a citizen pasted and XML does not know."""
    try:
        text = tidy(body.decode("utf-8", "replace"))
        fields = xmltodict.parse(text, disable_entities=True, strip_whitespace=False)["xml"]
    except (ExpatError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadPush(why="不是微信格式的 XML") from error
    if not isinstance(fields, dict):
        raise BadPush(why="XML 中没有字段")
    return fields


# --- reading ----------------------------------------------------------------------------------------

_MEDIA: Mapping[str, Mapping[str, str]] = {
    "image": {"PicUrl": "url", "MediaId": "media_id"},
    "voice": {"MediaId": "media_id", "Format": "format", "MediaId16K": "media_id_16k", "Recognition": "recognition"},
    "video": {"MediaId": "media_id", "ThumbMediaId": "thumb_media_id"},
    "shortvideo": {"MediaId": "media_id", "ThumbMediaId": "thumb_media_id"},
    "location": {"Location_X": "latitude", "Location_Y": "longitude", "Scale": "scale", "Label": "label"},
    "link": {"Title": "title", "Description": "description", "Url": "url"},
}


_KNOWN = frozenset({"text", *_MEDIA})


def _message(fields: Fields, sealed: bool) -> Message | None:
    kind = str(fields["MsgType"])
    if kind not in _KNOWN and not (fields.get("MsgId") and fields.get("FromUserName")):
        return None  # Of a kind to come, and nobody's words.
    media = {ours: _string(fields, theirs) for theirs, ours in _MEDIA.get(kind, {}).items()}
    if fields.get("MsgDataId"):
        media["article"] = f"{fields['MsgDataId']}_{_string(fields, 'Idx')}"
    words = {
        "text": _string(fields, "Content"),
        "voice": media.get("recognition", ""),
        "location": media.get("label", ""),
        "link": media.get("title", ""),
    }
    return Message(
        key=str(fields["MsgId"]),
        sender=str(fields["FromUserName"]),
        kind=kind,
        text=words.get(kind, ""),
        at=_moment(fields),
        media={name: value for name, value in media.items() if value},
        to=str(fields["ToUserName"]),
        sealed=sealed,
    )


def _event(fields: Fields, sealed: bool) -> Inbound | None:
    event = _name(fields)
    job = _JOBS.get(event)
    if job:
        return job(fields)
    if event not in (*_COMING, *_TOUCHES):
        return None
    # Events carry no MsgId: who and when, with the event's name, tells a repeated push.
    key = f"{fields['FromUserName']}-{fields['CreateTime']}-{event}"
    sender, to = str(fields["FromUserName"]), str(fields["ToUserName"])
    if event in _COMING:
        scene = _string(fields, "EventKey").removeprefix("qrscene_")
        return Follower(key, sender, event == "subscribe", _moment(fields), scene, to, sealed)
    kind, names = _TOUCHES[event]
    media = {ours: _string(fields, theirs) for theirs, ours in names.items()}
    scanned = fields.get("ScanCodeInfo")
    if isinstance(scanned, dict):
        media["scanned"] = _string(scanned, "ScanResult")
    return Message(key, sender, kind, _string(fields, "EventKey"), _moment(fields), media, to, sealed)


_COMING = ("subscribe", "unsubscribe")
# What a touch is to us: `position` is the phone's own report, not a place that a person sends as a message.
_TOUCHES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "CLICK": ("click", {}),
    "scancode_waitmsg": ("click", {}),
    "SCAN": ("scan", {"Ticket": "ticket"}),
    "VIEW": ("view", {"MenuId": "menu_id"}),
    "view_miniprogram": ("view", {"MenuId": "menu_id"}),
    "scancode_push": ("view", {}),
    "pic_sysphoto": ("view", {}),
    "pic_photo_or_album": ("view", {}),
    "pic_weixin": ("view", {}),
    "location_select": ("view", {}),
    "LOCATION": ("position", {"Latitude": "latitude", "Longitude": "longitude", "Precision": "precision"}),
}


def _mass_finished(fields: Fields) -> JobResult:
    msg_id, status = str(fields["MsgID"] if "MsgID" in fields else fields["MsgId"]), str(fields["Status"])
    check = fields.get("CopyrightCheckResult")
    copied = originals.words(check) if isinstance(check, dict) else ""
    if status.replace("_", " ") not in ("send success", "sendsuccess"):
        reason, code = codes.mass_end(status)
        why = f"{reason}。{copied}" if copied else reason
        return JobResult(f"{MASS}:{msg_id}", done=False, reason=why, code=code)
    addresses = _nested(fields, "ArticleUrlResult", "ResultList", "item")
    urls = {int(item["ArticleIdx"]): _string(item, "ArticleUrl") for item in addresses}
    shown = tuple(shown_of(idx, urls[idx], msg_id=int(msg_id)) for idx in sorted(urls))
    sent_to = _reach(fields)
    failed = f"有 {sent_to.failed} 人发送失败。" if sent_to and sent_to.failed else ""
    data = sent_to.kept() if sent_to else {}
    return JobResult(f"{MASS}:{msg_id}", done=True, shown=shown, remark=copied + failed, data=data)


def _reach(fields: Fields) -> SentTo | None:
    counts = [_string(fields, name) for name in ("TotalCount", "FilterCount", "SentCount", "ErrorCount")]
    # An event without its figures tells none, not zero.
    return SentTo(*map(int, counts)) if all(counts) else None


def _publish_finished(fields: Fields) -> JobResult | None:
    about = fields["PublishEventInfo"]
    job_id, status = f"{PUBLISH}:{about['publish_id']}", int(about["publish_status"])
    if status == codes.PUBLISH_RUNNING:
        return None  # Not at its end.
    if status != codes.PUBLISH_DONE:
        reason = codes.publish_end(status, about.get("fail_idx"))
        return JobResult(job_id, done=False, reason=reason, code=str(status))
    urls = {int(item["idx"]): _string(item, "article_url") for item in _nested(about, "article_detail", "item")}
    article_id = str(about["article_id"])
    shown = tuple(shown_of(idx, urls[idx], article_id=article_id) for idx in sorted(urls))
    return JobResult(job_id, done=True, shown=shown, data={"article_id": article_id})


def _template_finished(fields: Fields) -> JobResult:
    status = str(fields["Status"])
    reasons = {"failed:user block": "用户拒收", "failed: system failed": "微信系统错误"}
    return JobResult(
        f"template:{fields['MsgID']}", done=status == "success", reason=reasons.get(status, status), code=status
    )


# A follower agreed to or refused forms in the platform's window, or refuses one in its list of notices later on
# (developers.weixin.qq.com, subscription messages, event push).
_DECIDED: Mapping[str, str] = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
}


def _consents(fields: Fields) -> list[Inbound]:
    event = _name(fields)
    return [
        Consent(
            key=f"{fields['FromUserName']}-{fields['CreateTime']}-{event}-{one['TemplateId']}",
            sender=str(fields["FromUserName"]),
            template_id=str(one["TemplateId"]),
            agreed=str(one["SubscribeStatusString"]) == "accept",
            at=_moment(fields),
        )
        for one in _nested(fields, _DECIDED[event], "List")
    ]


def _subscribed_finished(fields: Fields) -> JobResult | None:
    """The answer to the call names no message: the event's belongs to the last one of this form to this follower."""
    sent = _nested(fields, "SubscribeMsgSentEvent", "List")
    if not sent:
        return None
    one, code = sent[0], _string(sent[0], "ErrorCode")
    about = {"sender": str(fields["FromUserName"]), "template_id": str(one["TemplateId"])}
    reason = "" if code == "0" else _string(one, "ErrorStatus") or code
    return JobResult(f"subscribe:{one['MsgID']}", done=code == "0", reason=reason, code=code, data=about)


_JOBS: Mapping[str, Callable[[Fields], JobResult | None]] = {
    "subscribe_msg_sent_event": _subscribed_finished,
    "MASSSENDJOBFINISH": _mass_finished,
    "PUBLISHJOBFINISH": _publish_finished,
    "TEMPLATESENDJOBFINISH": _template_finished,
}


_EVENTS = {name.lower(): name for name in (*_COMING, *_TOUCHES, *_DECIDED, *_JOBS)}


def _name(fields: Fields) -> str:
    """The event's name as the platform's pages write it, however this push does."""
    said = _string(fields, "Event")
    return _EVENTS.get(said.lower(), said)


def _nested(fields: Fields, *path: str) -> list[Mapping[str, Any]]:
    value: Any = fields
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, list) else [value] if value else []


def _string(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return "" if value is None else str(value)


def _moment(fields: Fields) -> datetime:
    return in_calendar(datetime.fromtimestamp(int(fields["CreateTime"]), UTC))


# --- answering --------------------------------------------------------------------------------------


def _text(text: str, limit: int) -> str:
    return f"<MsgType>{_data('text')}</MsgType><Content>{_data(shortened(text, limit))}</Content>"


def _card(reply: Reply) -> str:
    parts = {"Title": reply.title, "Description": reply.text, "PicUrl": reply.picture_url, "Url": reply.url}
    item = "".join(f"<{name}>{_data(value)}</{name}>" for name, value in parts.items())
    return f"<MsgType>{_data('news')}</MsgType><ArticleCount>1</ArticleCount><Articles><item>{item}</item></Articles>"


def _data(text: str) -> str:
    return escape(text) if "]]>" in text else f"<![CDATA[{text}]]>"
