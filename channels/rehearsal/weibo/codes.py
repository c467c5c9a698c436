"""Weibo's error codes with their texts and HTTP status (open.weibo.com/wiki/Error_code)."""

from __future__ import annotations

MESSAGES = {
    10001: "System error!",
    10002: "Service unavailable!",
    10006: "Source paramter (appkey) is missing",
    10008: "Param error, see doc for more info.",
    10014: "Insufficient app permissions!",
    10016: "Miss required parameter, see doc for more info.",
    10017: "Parameter's value invalid, see doc for more info.",
    10020: "Request api not found!",
    10021: "HTTP method is not suported for this request!",
    10022: "IP requests out of rate limit!",
    10023: "User requests out of rate limit!",
    10024: "User requests for api out of rate limit!",
    20003: "User does not exists!",
    20005: "Unsupported image type, only suport JPG, GIF, PNG!",
    20006: "Image size too large.",
    20008: "Content is null!",
    20012: "Text too long, please input text less than 140 characters!",
    20016: "Update weibo too fast!",
    20017: "Repeat content!",
    20018: "Contain illegal website!",
    20019: "Repeat content!",
    20021: "Content is illegal!",
    20031: "Need to input captcha!",
    20032: "Update success, while server slow now, please wait 1-2 minutes!",
    20101: "Target weibo does not exist!",
    20102: "Not your own weibo!",
    20111: "Repeated weibo text within 10 minutes!",
    20201: "Weibo comment does not exist!",
    20203: "Not your own comment!",
    21301: "Auth faild!",
    21314: "Token used!",
    21315: "Token expired!",
    21316: "Token revoked!",
    21317: "Token rejected!",
    21319: "Accessor was revoked!",
    21321: "Applications over the unaudited use restrictions!",
    21322: "redirect_uri_mismatch",
    21323: "invalid_request",
    21324: "invalid_client",
    21325: "invalid_grant",
    21326: "unauthorized_client",
    21327: "expired_token",
    21328: "unsupported_grant_type",
    21330: "access_denied",
    21332: "invalid_access_token",
}

# Answered after the act is done: to repeat it would do it twice.
DONE_ALL_THE_SAME = frozenset({20032})

# Only 400 for 20019 is known; 403 for tokens, rights and rates is the assumption that WeiboRules can change.
_FORBIDDEN = {10006, 10014, 10022, 10023, 10024}


class Refusal(Exception):
    """Weibo's answer to a call it does not carry out."""

    def __init__(self, code: int, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or MESSAGES.get(code, MESSAGES[10001])

    def status(self, changed: dict[str, int]) -> int:
        """The HTTP status; `changed` is by code as text."""
        usual = 403 if self.code in _FORBIDDEN or 21301 <= self.code <= 21332 else 400
        return changed.get(str(self.code), 503 if self.code in (10001, 10002) else usual)

    def answer(self, request: str) -> dict[str, object]:
        """The JSON body."""
        return {"request": request, "error_code": self.code, "error": self.message}
