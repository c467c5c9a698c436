"""Invented values for the portal's pages that the hub draws: forms, progress, published answers and ratings, 我的."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from bot.personal.states import KIND_LABELS, STATE_LABELS, RequestKind, RequestState
from bot.states import CITIZEN_KINDS, RATINGS, TICKET_LABELS, TicketState
from content.kinds import all_kinds
from hub.limits import TooOften
from hub.web.forms import FormState
from hub.web.public_ratings import Tallied
from hub.web.search import BESIDE
from templates.views import PortalEntry, PortalLink, PortalSearch
from tests.templates.samples import NOW, SEARCH_FILTERS, TITLES, Sample, site

WRITTEN = "江滨路解放街口的路灯已经三天不亮了，晚上出行很不方便，请尽快安排检修。"
ANSWER = "您好：\n江滨路解放街口的路灯电缆已于3月15日修复，感谢您的监督。"


def _ticket(**changes: Any) -> SimpleNamespace:
    values = {
        "number": "20260312-ABC234", "kind": "投诉", "created_at": NOW - timedelta(days=4),
        "due_at": NOW + timedelta(days=3), "answered_at": None,
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


def _mine(number: int, **changes: Any) -> Sample:
    values: Sample = {
        "number": f"2026030{number}-ABC23{number}", "kind": CITIZEN_KINDS[number], "unit": "云州市城市管理局",
        "label": TICKET_LABELS[TicketState.OPEN], "made": NOW - timedelta(days=number + 1),
        "due": NOW + timedelta(days=3), "text": WRITTEN, "answer": "", "answered": None,
    }  # fmt: skip
    return {**values, **changes}


def _asked(number: int, kind: RequestKind, state: RequestState, **changes: Any) -> Sample:
    values: Sample = {
        "id": number, "number": f"S2026030{number}-ABC23{number}", "kind": KIND_LABELS[kind],
        "label": STATE_LABELS[state], "made": NOW, "due": NOW + timedelta(days=15), "kept": [], "words": "",
        "fetchable": False,
    }  # fmt: skip
    return {**values, **changes}


def _rated(title: str, low: int = 0, href: str = "") -> Tallied:
    return Tallied(title, href, (120, 30, 8, low, 0), low, low // 2, low // 2)


def _found(title: str, mark: str, **changes: Any) -> PortalEntry:
    return PortalEntry(title, "/notices/1.html", NOW, summary_html="申领<mark>居住证</mark>", mark=mark, **changes)


FORM: Sample = {"site": site(), "kinds": [(kind, kind) for kind in CITIZEN_KINDS], "longest": 500, "sms": True}
TYPED = {"kind": "投诉", "text": "灯", "contact": "", "name": "", "page": "https://www.yunzhou.example/1.html"}
PROGRESS: Sample = {
    "site": site(), "number": "", "ticket": None, "unit": "", "label": "", "answer": "", "made": False, "urgent": False,
}  # fmt: skip
STANDS: Sample = {**PROGRESS, "number": "20260312-ABC234", "unit": "云州市城市管理局"}
PUBLISHED = SimpleNamespace(
    kind="咨询", question=WRITTEN, answer=ANSWER, asked_at=NOW - timedelta(days=5), answered_at=NOW - timedelta(days=1)
)

PUBLIC: dict[str, list[Sample]] = {
    "pages/public/feedback.html": [
        {**FORM, "form": FormState({})},
        {**FORM, "form": FormState(TYPED, "text", "请写明事由，4 到 500 字。"), "sms": False},
        {**FORM, "form": FormState(TYPED, "contact", "请留下手机或邮箱，以便答复您。")},
        {**FORM, "form": FormState({}, "kind", "请选择类别。")},
        {**FORM, "form": FormState(TYPED, None, TooOften().message("zh"))},
    ],
    "pages/public/progress.html": [
        PROGRESS,
        {**PROGRESS, "number": "20260101-XXXXXX"},
        {**STANDS, "ticket": _ticket(), "label": TICKET_LABELS[TicketState.OPEN], "made": True, "urgent": True},
        {
            **STANDS,
            "ticket": _ticket(answered_at=NOW),
            "label": TICKET_LABELS[TicketState.ANSWERED],
            "answer": ANSWER,
        },
    ],
    "pages/public/answers.html": [
        {
            "site": site(),
            "answers": [(PUBLISHED, "云州市城市管理局"), (PUBLISHED, "云州市水务局")],
            "total": 60,
            "alone": False,
            "newer": "/feedback/answers?page=1",
            "older": "/feedback/answers?page=3",
        },
        {"site": site(), "answers": [(PUBLISHED, "云州市水务局")], "total": 1, "alone": True, "newer": "", "older": ""},
        {"site": site(), "answers": [], "total": 0, "alone": False, "newer": "", "older": ""},
    ],
    "pages/public/ratings.html": [
        {
            "site": site(),
            "levels": RATINGS,
            "units": [
                ("云州市公安局", [_rated("居住证申领", 4, "/guides/1.html"), _rated("户口迁移")]),
                ("云州市人力资源和社会保障局", [_rated("")]),
            ],
            "whole": _rated("", 4),
            "period": "2026Q1",
            "periods": ["2026Q1", "2025Q4"],
            "counted_at": NOW,
            "least": 10,
        },
        {
            "site": site(),
            "levels": RATINGS,
            "units": [],
            "whole": _rated(""),
            "period": "",
            "periods": [],
            "counted_at": None,
            "least": 10,
        },
    ],
    "pages/public/mine.html": [
        {
            "site": site(),
            "phone": "138****8000",
            "tickets": [
                _mine(0),
                _mine(1, label=TICKET_LABELS[TicketState.ANSWERED], answer=ANSWER, answered=NOW, due=None),
            ],
            "questions": [
                {"at": NOW, "text": "供热什么时候结束", "closed": True},
                {"at": NOW, "text": "路灯坏了找谁", "closed": False},
            ],
            "requests": [
                _asked(1, RequestKind.COPY, RequestState.DONE, fetchable=True, due=None),
                _asked(2, RequestKind.ERASE, RequestState.KEEPING, kept=["20260302-ABC234"]),
                _asked(3, RequestKind.ERASE, RequestState.DECLINED, words="无法核实是您本人。"),
            ],
        },
        {"site": site(), "phone": "138****8000", "tickets": [], "questions": [], "requests": []},
    ],
    "pages/public/mine_away.html": [{"site": site()}],
    "pages/public/mine_code.html": [
        {"site": site(), "form": FormState({"number": "20260302-ABC234", "phone": "13800138000"})},
        {"site": site(), "form": FormState({}, "code", "验证码不对或已失效，请核对；仍不行请重新获取。")},
        {"site": site(), "form": FormState({}, None, TooOften().message("zh"))},
    ],
    "pages/public/mine_form.html": [
        {"site": site(), "form": FormState({}), "over": False},
        {
            "site": site(),
            "form": FormState({}, "number", "编号是 8 位日期、短横线和 6 位字符，例如 20260302-ABC234。"),
            "over": True,
        },
        {"site": site(), "form": FormState({}, "phone", "请填写登记时留下的 11 位手机号码。"), "over": False},
    ],
    # Search as the hub answers it, with every class of results.
    "outbound/portal/search.html": [
        {
            "site": site(),
            "search": PortalSearch(
                "居住证",
                [
                    *(_found(TITLES[0], kind.label, source="市公安局") for kind in all_kinds().values()),
                    _found(TITLES[1], "已废止", number="云政发〔2020〕1号"),
                    _found("申请表.docx", BESIDE["file"], size=20480, page=PortalLink(TITLES[2], "/guides/1.html")),
                    _found(WRITTEN[:20], BESIDE["answer"]),
                ],
                14,
                [
                    PortalLink("全部", "#", current=True, note="14"),
                    *(PortalLink(label, "#", note="1") for label in BESIDE.values()),
                ],
                filters=SEARCH_FILTERS,
            ),
        },
        {
            "site": site(),
            "search": PortalSearch("居住政", [], 0, suggestions=[PortalLink("居住登记", "/guides/1.html")]),
        },
    ],
}
