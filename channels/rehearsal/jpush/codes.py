"""JPush's codes with their HTTP status and messages (docs.jiguang.cn, Push API v3)."""

from __future__ import annotations

CODES = {
    1000: (500, "Server internal error."),
    1001: (405, "Only POST method is supported."),
    1002: (400, "Missing parameter."),
    1003: (400, "Invalid parameter value."),
    1004: (401, "Authentication failed."),
    1005: (400, "The message body is too large."),
    1008: (400, "app_key is invalid."),
    1009: (400, "The push object contains unsupported keys."),
    1011: (400, "cannot find user by this audience"),
    1012: (400, "Invalid call."),
    1020: (404, "Only HTTPS is supported."),
    1030: (503, "Server timeout, please retry later."),
    2002: (429, "Rate limit exceeded"),
    2003: (403, "The app_key is in the black list."),
    2004: (403, "The address is not in the white list."),
    2005: (403, "The interface is not allowed."),
    2006: (403, "The account is frozen."),
    2007: (403, "The service is not open."),
    2010: (400, "The same message is pushed too often."),
    7000: (400, "Invalid request."),
    7002: (400, "The registration_id does not exist."),
}


class Refusal(Exception):
    """JPush's answer to a call it does not carry out; `msg_id` comes with 1011."""

    def __init__(self, code: int, message: str = "", msg_id: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.status, usual = CODES.get(code, (400, "Unknown error."))
        self.message = message or usual
        self.msg_id = msg_id
        self.headers: dict[str, str] = {}

    def answer(self) -> dict[str, object]:
        """The JSON body."""
        body: dict[str, object] = {"error": {"code": self.code, "message": self.message}}
        return body | ({"msg_id": self.msg_id} if self.msg_id else {})
