"""专题: a page that collects published pieces in sections, under a banner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from content.kinds.base import Fault, FieldSpec, Kind
from templates.views import PortalEntry, PortalFeature, PortalPicture, PortalSection


def _lint(fields: Mapping[str, Any]) -> list[Fault]:
    if not any(row.get("piece") for row in fields.get("collected") or []):
        return [Fault("collected", "block", "专题还没有收录稿件，请选择要收录的稿件。")]
    return []


def _view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalFeature:
    linked = {link["piece"]: link for link in fields.get("linked", ())}
    sections: dict[str, list[PortalEntry]] = {}
    for row in fields.get("collected") or []:
        link = linked.get(row.get("piece"))
        if link is not None:
            sections.setdefault(str(row.get("section") or ""), []).append(_entry(link, base))
    shown = [PortalSection(label, entries) for label, entries in sections.items()]
    return PortalFeature(**base, sections=shown, standfirst=fields.get("standfirst", ""))


def _entry(link: Mapping[str, Any], base: Mapping[str, Any]) -> PortalEntry:
    picture = PortalPicture(link["picture"], link.get("picture_alt", "")) if link.get("picture") else None
    return PortalEntry(
        title=link["title"],
        href=link["path"],
        published_at=link.get("published_at") or base["published_at"],
        summary=link.get("summary", ""),
        mark=link.get("mark", ""),
        picture=picture,
    )


KIND = Kind(
    name="feature",
    label="专题",
    position=100,
    fields=(
        FieldSpec("standfirst", "导语", "textarea", limit=500),
        FieldSpec(
            "collected",
            "收录稿件",
            "rows",
            required=True,
            help="输入标题中的几个字，从列表中选择；同一板块的稿件排在一起。封面图作为专题横幅。",
            columns=(FieldSpec("section", "板块", limit=40), FieldSpec("piece", "稿件", "piece", required=True)),
        ),
    ),
    needs_body=False,
    lint=_lint,
    view=_view,
)
