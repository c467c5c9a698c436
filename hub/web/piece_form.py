"""The editor's form: read into a draft, and filled from a revision."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from content.compose import Draft, VariantDraft
from content.kinds import FieldSpec, Kind
from content.models import Revision, Variant
from content.snapshot import Window
from hub.editorial import Choice
from hub.web.media import inside, outside
from kernel.errors import Invalid
from kernel.typed import in_calendar, row_in

FORMS = ("common", "own", "layout")


def read_draft(form: FormData, kind: Kind, channels: Sequence[str], zone: ZoneInfo) -> Draft:
    """What the person sent; raises Invalid at the field that cannot be read."""
    return Draft(
        title=text(form, "title"),
        summary=text(form, "summary"),
        body=outside(text(form, "body")),
        fields={spec.name: _field(form, spec, f"fields.{spec.name}") for spec in kind.fields},
        cover_id=number(form, "cover_id"),
        cover_x=_percent(form, "cover_x"),
        cover_y=_percent(form, "cover_y"),
        source_name=text(form, "source_name"),
        source_url=text(form, "source_url"),
        editor=text(form, "editor"),
        keywords=text(form, "keywords"),
        expires_at=moment(form, "expires_at", zone),
        variants={channel: _variant(form, channel) for channel in channels},
    )


def read_choices(form: FormData) -> list[Choice]:
    """The accounts ticked, each with its act and audience."""
    chosen = []
    for value in numbers(form, "targets"):
        tags = [tag for tag in re.split(r"[,，;；\s]+", text(form, f"tags.{value}")) if tag]
        one = text(form, f"tag.{value}").strip()
        audience = {"tag": tags} if tags else {"tag_id": one} if one else {}
        chosen.append(Choice(value, text(form, f"action.{value}"), audience))
    return chosen


def read_window(form: FormData, zone: ZoneInfo) -> Window:
    """The earliest and latest time, as the person wrote them in the office's zone."""
    return Window(moment(form, "earliest", zone), moment(form, "latest", zone))


def draft_of(session: Session, revision: Revision) -> Draft:
    """A revision as the form shows it."""
    variants = session.scalars(select(Variant).where(Variant.revision_id == revision.id))
    return Draft(
        title=revision.title,
        summary=revision.summary,
        body=revision.body,
        fields=revision.fields,
        cover_id=revision.cover_id,
        cover_x=revision.cover_x,
        cover_y=revision.cover_y,
        source_name=revision.source_name,
        source_url=revision.source_url,
        editor=revision.editor,
        keywords=revision.keywords,
        expires_at=revision.expires_at,
        variants={row.channel: VariantDraft(row.title, row.digest, row.body, row.layout) for row in variants},
    )


def for_console(draft: Draft) -> Draft:
    """The same words with pictures that the console can show."""
    variants = {name: replace(own, body=inside(own.body)) for name, own in draft.variants.items()}
    return replace(draft, body=inside(draft.body), variants=variants)


def text(form: Mapping[str, Any], name: str) -> str:
    """A text field; '' when it is missing or a file."""
    value = form.get(name)
    return value if isinstance(value, str) else ""


def number(form: Mapping[str, Any], name: str) -> int | None:
    """A field that names a row; None when it is empty or no number."""
    value = text(form, name)
    return row_in(value)


def _percent(form: Mapping[str, Any], name: str) -> int | None:
    """A place on a picture; Invalid when something else than whole figures stands there."""
    value = text(form, name).strip()
    if value and not (value.isascii() and value.isdigit() and len(value) < 4):
        raise Invalid(field=name, why="封面焦点的位置须是 0 到 100 的整数。")
    return int(value) if value else None


def numbers(form: FormData, name: str) -> list[int]:
    """A field sent several times, each a row's number; what is none is left out."""
    return [number for value in form.getlist(name) if isinstance(value, str) and (number := row_in(value))]


def moment(form: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """A `datetime-local` field in the office's zone; None when empty, Invalid when it is no time."""
    value = text(form, name).strip()
    if not value:
        return None
    try:
        return in_calendar(datetime.fromisoformat(value)).replace(tzinfo=zone)
    except ValueError:
        raise Invalid(field=name, why="时间应写作 年-月-日 时:分。") from None


def _variant(form: FormData, channel: str) -> VariantDraft:
    place = f"variants.{channel}"
    shape = text(form, f"{place}.form")
    body = {
        "own": text(form, f"{place}.own"),
        "layout": text(form, f"{place}.layout"),
        "text": text(form, f"{place}.text"),
    }.get(shape, "")
    return VariantDraft(
        title=text(form, f"{place}.title"),
        digest=text(form, f"{place}.digest"),
        body=outside(body),
        layout=shape == "layout",
    )


def _field(form: FormData, spec: FieldSpec, name: str) -> Any:
    if spec.type != "rows":
        return text(form, name)
    found = {
        int(match[1]) for key in form if (match := re.fullmatch(rf"{re.escape(name)}\.(\d{{1,4}})\.\w+", str(key)))
    }
    return [
        {column.name: _field(form, column, f"{name}.{index}.{column.name}") for column in spec.columns}
        for index in sorted(found)
    ]
