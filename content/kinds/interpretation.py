"""政策解读: an explanation of a policy, linked to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind, links_in
from templates.views import PortalInterpretation, PortalLink


def _lint(fields: Mapping[str, Any]) -> list[Fault]:
    if not fields.get("policy") and not fields.get("policy_number"):
        return [Fault("policy", "block", "请选择所解读的政策文件；文件不在本站的，请填写其发文字号。")]
    return []


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalInterpretation:
    policy, number = fields.get("links", {}).get("policy"), fields.get("policy_number") or ""
    return PortalInterpretation(
        **base,
        author=fields.get("interpreter", ""),
        policies=links_in([{"number": number, **policy}]) if policy else _elsewhere(number),
    )


def _elsewhere(number: str) -> list[PortalLink]:
    # A document that is not on this site is known by its number alone.
    return [PortalLink(number, "")] if number else []


KIND = Kind(
    name="interpretation",
    label="政策解读",
    position=40,
    fields=(
        FieldSpec("policy", "解读的政策文件", "piece", help="输入标题中的几个字，从列表中选择", of=("policy",)),
        FieldSpec("policy_number", "文件发文字号", limit=60, help="文件不在本站时必填"),
        FieldSpec("interpreter", "解读人", limit=60),
    ),
    lint=_lint,
    view=_view,
)
