"""常见问题: a canonical question (the title), its wordings for the bot, the answer (the text), and its guide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind
from templates.views import PortalFaq, PortalLink

ENOUGH_WORDINGS = 8


def _lint(fields: Mapping[str, Any]) -> list[Fault]:
    wordings = fields.get("wordings") or []
    if len(wordings) < ENOUGH_WORDINGS:
        message = f"相似问只有 {len(wordings)} 条，少于 {ENOUGH_WORDINGS} 条时机器人容易答错，请补充市民的不同问法。"
        return [Fault("wordings", "warn", message)]
    return []


def _printed(_fields: Mapping[str, Any]) -> Mapping[str, str]:
    # The wordings are for the bot.
    return {"wordings": ""}


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalFaq:
    guide = fields.get("links", {}).get("guide")
    return PortalFaq(
        **base,
        theme=fields.get("theme", ""),
        guide=PortalLink(guide["title"], guide["path"]) if guide else None,
        wordings=fields.get("wordings") or [],
    )


KIND = Kind(
    name="faq",
    label="常见问题",
    position=60,
    fields=(
        FieldSpec("theme", "分类", limit=40),
        FieldSpec("wordings", "相似问", "lines", help="每行一种问法，至少 8 种", limit=100),
        FieldSpec("guide", "对应办事指南", "piece", help="输入名称中的几个字，从列表中选择", of=("guide",)),
    ),
    lint=_lint,
    printed=_printed,
    view=_view,
)
