"""政策文件: a policy or normative document, with its number, dates and whether it is in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind, day_of, links_in
from templates.views import PortalPolicy

_VALIDITY = (("in_force", "有效"), ("repealed", "废止"), ("lapsed", "失效"))


def _lint(fields: Mapping[str, Any]) -> list[Fault]:
    if fields.get("validity") in ("repealed", "lapsed") and not fields.get("validity_note"):
        return [Fault("validity_note", "warn", "文件已废止或失效，请注明依据（如被哪份文件废止）。")]
    return []


def _standing(fields: Mapping[str, Any]) -> str:
    return str(fields.get("validity")) if fields.get("validity") in ("repealed", "lapsed") else ""


def _stands_as(fields: Mapping[str, Any], standing: str, note: str) -> Mapping[str, Any]:
    # The signed reason is that of the signed standing and of no other.
    signed_note = fields.get("validity_note", "") if standing == _standing(fields) else ""
    return {**fields, "validity": standing or "in_force", "validity_note": note or signed_note}


def _last_day(fields: Mapping[str, Any]) -> date | None:
    return day_of(fields.get("valid_until"))


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalPolicy:
    return PortalPolicy(
        **base,
        index_number=fields.get("index_number", ""),
        number=fields.get("document_number", ""),
        issuer=fields.get("issuer", ""),
        signed_on=day_of(fields.get("issued_on")),
        validity=dict(_VALIDITY).get(fields.get("validity", ""), ""),
        validity_note=fields.get("validity_note", ""),
        validity_until=day_of(fields.get("valid_until")),
        topic=fields.get("topic", ""),
        interpretations=links_in(fields.get("incoming", ()), "interpretation"),
    )


KIND = Kind(
    name="policy",
    label="政策文件",
    position=30,
    fields=(
        FieldSpec("index_number", "索引号", required=True, limit=60),
        FieldSpec("document_number", "发文字号", required=True, limit=60),
        FieldSpec("issuer", "发文机关", required=True, limit=100),
        FieldSpec("issued_on", "成文日期", "date", required=True),
        FieldSpec(
            "validity",
            "有效性",
            "choice",
            required=True,
            choices=_VALIDITY,
        ),
        FieldSpec("validity_note", "有效性说明", limit=200),
        FieldSpec("valid_until", "有效期至", "date", help="过了这一天，页面、列表和搜索自动标明失效；长期有效的不填"),
        FieldSpec("topic", "主题分类", limit=40),
    ),
    lint=_lint,
    standing=_standing,
    stands_as=_stands_as,
    last_day=_last_day,
    open_elements=True,
    view=_view,
)
