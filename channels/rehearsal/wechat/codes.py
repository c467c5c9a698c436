"""WeChat's return codes with their English messages (developers.weixin.qq.com, global return codes)."""

from __future__ import annotations

import secrets

MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40013: "invalid appid",
    40014: "invalid access_token",
    40016: "invalid button size",
    40017: "invalid button type",
    40018: "invalid button name size",
    40019: "invalid button key size",
    40020: "invalid button url size",
    40023: "invalid sub button size",
    40024: "invalid sub button type",
    40025: "invalid sub button name size",
    40026: "invalid sub button key size",
    40027: "invalid sub button url size",
    40032: "invalid openid list size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40037: "invalid template_id",
    40059: "invalid msg id",
    40097: "invalid args",
    40114: "invalid index value",
    40125: "invalid appsecret",
    40130: "invalid openid list size, at least two openid",
    40132: "invalid username",
    40164: "invalid ip, not in whitelist",
    40243: "appsecret is frozen",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    41006: "media_id missing",
    41039: "invalid content_source_url",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43101: "user refuse to accept the msg",
    43116: "this template is in blacklist",
    44002: "empty post data",
    44003: "empty news data",
    44004: "empty content",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45003: "title size out of limit",
    45004: "description size out of limit",
    45005: "url size out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45028: "has no masssend quota",
    45047: "out of response count limit",
    45056: "too many tag now, no need to add new",
    45057: "can't delete the tag that has too many fans",
    45058: "can't modify sys tag",
    45059: "reach max tag of one user",
    45065: "clientmsgid exist",
    45066: "same clientmsgid retry too fast",
    45067: "clientmsgid size out of limit",
    45072: "invalid command",
    45080: "need message interaction or already typing",
    45110: "author size out of limit",
    45157: "invalid tag name",
    45158: "tag name too long",
    45159: "invalid tag id",
    45166: "invalid content",
    46003: "menu no exist",
    46004: "user no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    48002: "user block receive message",
    48006: "forbid to clear quota because of reaching the limit",
    50002: "user limited",
    50007: "account frozen",
    53402: "cover crop args invalid",
    53500: "publish is banned",
    53501: "publish too frequently",
    53502: "invalid publish_id",
    53503: "draft check failed",
    53504: "draft must be published on the website",
    53505: "draft must be saved by hand first",
    53600: "invalid article_id",
    61500: "date format error",
    61501: "date range error",
    76021: "cgi_path not found",
    76022: "could not use this cgi_path, no permission",
    88000: "without comment privilege",
    88001: "msg_data is not exists",
    88005: "already reply",
    88007: "reply content beyond max len or content len is zero",
    88008: "comment is not exists",
    88009: "reply is not exists",
    88010: "count range error. cout <= 0 or count > 50",
    89503: "this ip is waiting for the administrator's confirmation",
}


class Refusal(Exception):
    """WeChat's answer to a call it does not carry out; it leaves with HTTP 200."""

    def __init__(self, code: int, detail: str = "", **more: object) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.more = more

    def answer(self) -> dict[str, object]:
        """The JSON body: errcode, errmsg with its rid, and whatever else the code carries."""
        return {"errcode": self.code, "errmsg": f"{_message(self.code, self.detail)} rid: {_rid()}", **self.more}


def _message(code: int, detail: str) -> str:
    message = MESSAGES.get(code, "system error")
    return f"{message} {detail}" if detail else message


def _rid() -> str:
    return "-".join(secrets.token_hex(4) for _ in range(3))
