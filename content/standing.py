"""What a document says now: whether it is in force (有效性) as it was marked last, laid over what was signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from content.kinds import kind_of
from content.models import PublicPiece

Fields = Mapping[str, Any]


def fields_now(row: PublicPiece | None, fields: Fields) -> Fields:
    """The signed fields with the standing of today; whoever shows fields of something public shows these."""
    # What nobody has marked, and no last day has ended, stands as it was signed.
    if row is None or not (row.standing or row.standing_at):
        return fields
    return kind_of(row.kind).stands_as(fields, row.standing, row.standing_note)


def content_now(row: PublicPiece | None, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """A release's content with such fields, for drawing it again; never what is signed or hashed."""
    return {**content, "fields": fields_now(row, content["fields"])}
