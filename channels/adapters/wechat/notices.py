"""模板消息 and 订阅通知 (developers.weixin.qq.com, message/template/send and message/subscribe/bizsend)."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from channels.abilities.service_notices import ApprovedForm, ServiceNotice, ServiceNotices, Way
from channels.adapters.wechat.options import WeChatOptions
from channels.adapters.wechat.sending import Sending

TEMPLATE = "template"
# The type of a form that is subscribed to for long (developers.weixin.qq.com, newtmpl/gettemplate); 2 is for once.
LASTING = 3
# Characters, by the kind of place (developers.weixin.qq.com, subscribe message parameters).
LONGEST = {"thing": 20, "phrase": 5, "character_string": 32, "name": 10, "const": 20, "short_thing": 5, "letter": 32}
_PLACE = re.compile(r"\{\{\s*(\w+)\.DATA\s*\}\}")


class WeChatNotices(ServiceNotices):
    """The notices' part of the adapter; template messages are for service accounts."""

    key_minutes: ClassVar[float] = 10.0

    @classmethod
    def not_offered(cls, settings: Mapping[str, Any]) -> str:
        """Both kinds are refused to subscription accounts with 48001."""
        if WeChatOptions.of(settings).type == "service":
            return ""
        return "微信只向认证的服务号开放模板消息和订阅通知，这个账号登记为订阅号。"

    @property
    @abstractmethod
    def sending(self) -> Sending:
        """The account's calls."""

    def forms(self, way: Way) -> list[ApprovedForm]:
        """The account's own templates, read from the platform."""
        with self.sending.harmlessly():
            if way == TEMPLATE:
                listed = self.sending.client.get("template/get_all_private_template").get("template_list")
                number = "template_id"
            else:
                address = "https://api.weixin.qq.com/wxaapi/newtmpl/gettemplate"
                listed = self.sending.client.get(address).get("data")
                number = "priTmplId"
        return [_form(one, number) for one in listed or []]

    def notify(self, notice: ServiceNotice) -> str:
        """Sends it. A template message is the same under its key for ten minutes; a subscribe message has no key."""
        data = {place: {"value": fitting(place, text)} for place, text in notice.values.items()}
        body: dict[str, Any] = {"touser": notice.to, "template_id": notice.template_id, "data": data}
        if notice.way == TEMPLATE:
            body |= {"url": notice.url, "client_msg_id": notice.key}
            with self.sending.visibly():
                answer = self.sending.client.post("message/template/send", data=body)
            return f"{TEMPLATE}:{answer['msgid']}"
        body |= {"page": notice.url} if notice.url else {}
        with self.sending.visibly():
            self.sending.client.post("message/subscribe/bizsend", data=body)
        return ""


def fitting(place: str, text: str) -> str:
    """A value as long as its place takes it: the place's name says its kind (thing1, phrase2, …)."""
    longest = LONGEST.get(place.rstrip("0123456789"), 200)
    one = " ".join(text.split())
    return one if len(one) <= longest else f"{one[: longest - 1]}…"


def _form(listed: dict[str, Any], number: str) -> ApprovedForm:
    text = str(listed.get("content", ""))
    return ApprovedForm(
        str(listed[number]),
        str(listed.get("title", "")),
        tuple(_PLACE.findall(text)),
        text,
        listed.get("type") == LASTING,
    )
