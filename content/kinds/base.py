"""What a kind of content declares: its fields, what is required, and how it reads as plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from html import escape
from typing import Any, Literal

from templates.views import PortalItem, PortalLink

FieldType = Literal["text", "textarea", "number", "date", "flag", "choice", "lines", "rows", "piece"]


@dataclass(frozen=True)
class FieldSpec:
    """One field of a kind; `columns` describe the cells of a `rows` field; a `piece` field holds a piece's id.

    `of` are the kinds that a `piece` field may name, any when it is empty.
    """

    name: str
    label: str
    type: FieldType = "text"
    required: bool = False
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    columns: tuple[FieldSpec, ...] = ()
    limit: int = 500
    of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something wrong with a kind's own fields: `level` is `block` or `warn`."""

    field: str
    level: Literal["block", "warn"]
    message: str


def no_faults(_fields: Mapping[str, Any]) -> list[Fault]:
    """The lint of a kind that has no rules of its own."""
    return []


def no_file_faults(_fields: Mapping[str, Any], _files: Sequence[str]) -> list[Fault]:
    """A kind whose attachments may be any."""
    return []


def plain_view(base: Mapping[str, Any], fields: Mapping[str, Any]) -> PortalItem:
    """The view of a kind that shows nothing but title, text and source, and the pieces that name it."""
    return PortalItem(**{**base, "related": links_in(fields.get("incoming", ()))})


def no_shelves(_fields: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """A kind that is listed in its column only."""
    return ()


def always_in_force(_fields: Mapping[str, Any]) -> str:
    """A kind that is never repealed."""
    return ""


def stands_as_signed(fields: Mapping[str, Any], _standing: str, _note: str) -> Mapping[str, Any]:
    """A kind whose fields do not say whether it is in force."""
    return fields


def links_in(found: Sequence[Mapping[str, Any]], kind: str = "") -> list[PortalLink]:
    """Linked pieces, of one kind or of all, as links with their number and whether they are in force."""
    return [
        PortalLink(link["title"], link["path"], note=" ".join(filter(None, (link.get("number"), link.get("mark")))))
        for link in found
        if not kind or link.get("kind") == kind
    ]


def printed_as_kept(_fields: Mapping[str, Any]) -> Mapping[str, str]:
    """A kind whose fields are printed as they are kept."""
    return {}


def no_named_files(_fields: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """A kind whose fields name no attachments."""
    return ()


def no_last_day(_fields: Mapping[str, Any]) -> date | None:
    """A kind that is in force until somebody ends it."""
    return None


@dataclass(frozen=True)
class Kind:
    """A kind of content, as the console edits it and the channels show it."""

    name: str
    label: str
    position: int
    fields: tuple[FieldSpec, ...] = ()
    needs_body: bool = True
    # What is wrong between its fields; `incoming` are the pieces that name it.
    lint: Callable[[Mapping[str, Any]], list[Fault]] = field(default=no_faults)
    # What is wrong between its fields and the names of its attachments.
    lint_files: Callable[[Mapping[str, Any], Sequence[str]], list[Fault]] = field(default=no_file_faults)
    view: Callable[[Mapping[str, Any], Mapping[str, Any]], PortalItem] = field(default=plain_view)
    # Lists across its column that a piece stands on, as (facet, label); and whether it is in force: '' or why not.
    shelves: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] = field(default=no_shelves)
    standing: Callable[[Mapping[str, Any]], str] = field(default=always_in_force)
    # Its fields as they read once it was marked repealed, lapsed or in force again, with the reason.
    stands_as: Callable[[Mapping[str, Any], str, str], Mapping[str, Any]] = field(default=stands_as_signed)
    # The last day on which it is in force by itself.
    last_day: Callable[[Mapping[str, Any]], date | None] = field(default=no_last_day)
    # Attachments that its fields name, as (what for, name of the file); and whether open data give its fields away.
    named_files: Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]] = field(default=no_named_files)
    open_elements: bool = False
    # Fields that an article prints in other words than they are kept in; '' leaves one out.
    printed: Callable[[Mapping[str, Any]], Mapping[str, str]] = field(default=printed_as_kept)

    def missing(self, fields: Mapping[str, Any]) -> list[FieldSpec]:
        """The required fields that are empty."""
        return [spec for spec in self.fields if spec.required and fields.get(spec.name) in (None, "", [], {})]

    def plain_elements(self, fields: Mapping[str, Any]) -> dict[str, str]:
        """Every field by its name, as text; '' where it is empty, so that the schema never changes with the values."""
        return {spec.name: plain_value(spec, fields.get(spec.name)) for spec in self.fields}

    def plain(self, fields: Mapping[str, Any]) -> str:
        """The fields as lines of text, for checks and for those who compare versions."""
        return _lines(self.fields, fields)

    def told(self, fields: Mapping[str, Any]) -> str:
        """The same for readers, whom the numbers by which pieces name each other tell nothing."""
        return _lines(_told(self.fields), fields)


def _told(specs: Sequence[FieldSpec]) -> list[FieldSpec]:
    return [replace(spec, columns=tuple(_told(spec.columns))) for spec in specs if spec.type != "piece"]


def _lines(specs: Sequence[FieldSpec], fields: Mapping[str, Any]) -> str:
    texts = [(spec.label, plain_value(spec, fields.get(spec.name))) for spec in specs]
    return "\n".join(f"{label}：{text}" for label, text in texts if text)


def plain_value(spec: FieldSpec, value: Any) -> str:
    """A field's value as text; '' when it is empty."""
    if value in (None, "", [], {}):
        return ""
    if spec.type == "flag":
        return "是" if value else "否"
    if spec.type == "choice":
        return dict(spec.choices).get(str(value), str(value))
    if spec.type == "lines":
        return "；".join(str(item) for item in value)
    if spec.type == "rows":
        return "；".join(_plain_row(spec, row) for row in value)
    return str(value)


def _plain_row(spec: FieldSpec, row: Mapping[str, Any]) -> str:
    cells = [plain_value(column, row.get(column.name)) for column in spec.columns]
    return "，".join(cell for cell in cells if cell)


def recording_view(base: Mapping[str, Any], fields: Mapping[str, Any], endings: tuple[str, ...]) -> PortalItem:
    """A film or a sound: the first attachment of its sort is played, the text version stands beneath."""
    files = list(base["files"])
    played = next((file for file in files if file.name.lower().endswith(endings)), None)
    lines = [line.strip() for line in str(fields.get("transcript") or "").splitlines()]
    return PortalItem(
        **{
            **base,
            "files": [file for file in files if file is not played],
            "video": played.href if played else "",
            "transcript_html": "".join(f"<p>{escape(line)}</p>" for line in lines if line),
        }
    )


def day_of(value: Any) -> date | None:
    """A date field's value as a date; None when it is empty or no date."""
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None
