"""Writing: new pieces, saved drafts, channel variants, pictures and attachments."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from content import naming, states
from content.attachments import Attachment
from content.errors import NoRight
from content.events import ReleaseVoided
from content.kinds import kind_of
from content.kinds.base import FieldSpec, Kind, day_of
from content.models import Asset, Column, Piece, PublicPiece, Release, Revision, Variant
from content.pictures import Picture
from content.sanitise import clean_layout, clean_text
from content.states import PieceState, ReleaseState
from kernel.blobs import Blobs
from kernel.errors import Invalid, Stale, WrongState
from kernel.people import Permission, Viewer, ancestors
from kernel.typed import tidy
from kernel.work import Work

TITLE_LIMIT = 300
_WORDS = (
    "title", "summary", "body", "fields", "cover_id", "cover_x", "cover_y", "source_name", "source_url", "editor",
    "keywords", "expires_at",
)  # fmt: skip


@dataclass(frozen=True)
class VariantDraft:
    """One channel's own words; empty fields follow the common text."""

    title: str = ""
    digest: str = ""
    body: str = ""
    layout: bool = False


@dataclass(frozen=True)
class Draft:
    """What the editor sends: the common text, the kind's fields, and the channels' own words.

    `cover_x` and `cover_y` are the place of the cover that must show, in percent from the left and from the top.
    """

    title: str = ""
    summary: str = ""
    body: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    cover_id: int | None = None
    cover_x: int | None = None
    cover_y: int | None = None
    source_name: str = ""
    source_url: str = ""
    editor: str = ""
    keywords: str = ""
    expires_at: datetime | None = None
    variants: Mapping[str, VariantDraft] = field(default_factory=dict)


def create(
    work: Work,
    who: Viewer,
    column: Column,
    kind: str = "",
    draft: Draft | None = None,
    *,
    unit_id: int | None = None,
    **origin: Any,
) -> Piece:
    """A new piece in a column, of the column's kind unless another is named; `origin` as in Piece's columns.

    The piece belongs to `unit_id` (信息报送: a unit that the column is its own or stands with a unit above it), by
    default to the writer's own unit where that fits, else to the column's.
    """
    unit_id = _writing_unit(work.session, who, column, unit_id)
    if not column.active:
        raise Invalid(field="column", why=f"栏目“{column.name}”已停用。")
    piece = Piece(
        unit_id=unit_id,
        column_id=column.id,
        kind=kind_of(kind or column.kind).name,
        state=PieceState.DRAFT,
        author_id=who.person_id,
        created_at=work.now,
        updated_at=work.now,
        **origin,
    )
    work.session.add(piece)
    work.session.flush()
    revision = Revision(piece_id=piece.id, number=1, created_by=who.person_id, created_at=work.now, fields={})
    work.session.add(revision)
    work.session.flush()
    piece.revision_id = revision.id
    if draft:
        _write(work, piece, revision, draft)
    work.audit("piece.created", piece, kind=piece.kind, column=column.slug, title=piece.title)
    return piece


def save(work: Work, who: Viewer, piece: Piece, draft: Draft, version: int) -> Revision:
    """Saves what the editor sent and returns the revision written.

    A revision that was signed or submitted is never changed: the first save after it starts a new one and
    voids an open or unsent release. Raises Stale when the piece was saved by someone else since `version`.
    """
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "修改此稿件")
    if piece.version != version:
        raise Stale(field="version", what=saved_at(piece))
    revision = _editable(work, who, piece)
    _write(work, piece, revision, draft)
    piece.version += 1
    piece.updated_at = work.now
    work.audit("piece.saved", piece, revision=revision.number, title=revision.title)
    return revision


def reopen(work: Work, who: Viewer, piece: Piece) -> Revision:
    """修改: starts a new revision with the same words, and voids a release that waits or has not gone out.

    Does nothing to a piece that is being written already.
    """
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "修改此稿件")
    before = piece.revision_id
    revision = _editable(work, who, piece)
    if revision.id != before:
        piece.version += 1
        piece.updated_at = work.now
        work.audit("piece.reopened", piece, revision=revision.number)
    return revision


def saved_at(piece: Piece) -> datetime:
    """When a piece was last saved, for messages."""
    return piece.updated_at


def void_release(work: Work, piece: Piece, why: str) -> None:
    """Makes the piece's current release void, so that nothing of it can go out any more.

    One that the public sees stays what it is: it was signed and it went out, and its page may be drawn again.
    """
    release = work.session.get(Release, piece.release_id) if piece.release_id else None
    if release is None or release.state not in (ReleaseState.OPEN, ReleaseState.SIGNED):
        return
    shown = work.session.get(PublicPiece, piece.id)
    if (
        shown is not None
        and shown.from_at is not None
        and shown.withdrawn_at is None
        and shown.release_id == release.id
    ):
        return
    release.state = ReleaseState.VOID
    work.audit("release.voided", release, why=why, hash=release.hash)
    work.emit(ReleaseVoided(release.id, piece.id, piece.unit_id))


def _release_in_public(session: Session, piece: Piece) -> int | None:
    shown = session.get(PublicPiece, piece.id)
    return shown.release_id if shown is not None and shown.from_at is not None and shown.withdrawn_at is None else None


def trash(work: Work, who: Viewer, piece: Piece) -> None:
    """Moves a draft to 回收站; nothing is deleted. What the public still sees has to be withdrawn first."""
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "删除此稿件")
    if _release_in_public(work.session, piece) is not None:
        raise WrongState(state="公众仍可看到", act="移入回收站（请先撤稿）")
    piece.state = states.move(piece.state, "trash")
    piece.updated_at = work.now
    work.audit("piece.trashed", piece)


def restore(work: Work, who: Viewer, piece: Piece) -> None:
    """Takes a piece back out of 回收站 as a draft."""
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "恢复此稿件")
    piece.state = states.move(piece.state, "restore")
    piece.updated_at = work.now
    work.audit("piece.restored", piece)


def add_picture(
    work: Work,
    who: Viewer,
    piece: Piece,
    blobs: Blobs,
    name: str,
    picture: Picture,
    alt: str = "",
    decorative: bool = False,
) -> Asset:
    """Keeps a picture with the piece; it was made fit for every channel before this work began."""
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "上传图片")
    ref = blobs.put(picture.data)
    _touch(work, who, piece)
    asset = _asset(work, who, piece, name, ref.sha256, ref.size, picture.media_type)
    asset.width, asset.height, asset.alt, asset.decorative = picture.width, picture.height, alt[:300], decorative
    work.session.flush()
    work.audit("picture.added", asset, name=asset.name, sha256=asset.sha256)
    return asset


def add_account_picture(work: Work, who: Viewer, unit_id: int, blobs: Blobs, name: str, picture: Picture) -> Asset:
    """Keeps a picture that an account shows with each of its pieces: of a unit, and of no piece."""
    _require(who, Permission.ACCOUNT_WRITE, unit_id, "上传账号图片")
    ref = blobs.put(picture.data)
    asset = Asset(
        unit_id=unit_id,
        sha256=ref.sha256,
        name=name,
        media_type=picture.media_type,
        size=ref.size,
        width=picture.width,
        height=picture.height,
        created_by=who.person_id,
        created_at=work.now,
    )
    work.session.add(asset)
    work.session.flush()
    work.audit("picture.added", asset, name=name, sha256=asset.sha256)
    return asset


def describe_picture(work: Work, who: Viewer, asset: Asset, alt: str, decorative: bool) -> None:
    """Gives a picture its description, or marks it decorative."""
    _require(who, Permission.PIECE_WRITE, asset.unit_id, "修改图片说明")
    if (asset.alt, asset.decorative) == (alt.strip()[:300], decorative):
        return
    if asset.piece_id is not None:
        _touch(work, who, work.session.get_one(Piece, asset.piece_id))
    asset.alt, asset.decorative = alt.strip()[:300], decorative
    work.audit("picture.described", asset, alt=asset.alt, decorative=decorative)


def add_attachment(work: Work, who: Viewer, piece: Piece, blobs: Blobs, attachment: Attachment) -> Asset:
    """Keeps a document with the piece; its text was read before this work began."""
    _require(who, Permission.PIECE_WRITE, piece.unit_id, "上传附件")
    ref = blobs.put(attachment.data)
    _touch(work, who, piece)
    asset = _asset(work, who, piece, attachment.name, ref.sha256, ref.size, attachment.media_type)
    asset.text = tidy(attachment.text)
    work.session.flush()
    work.audit("attachment.added", asset, name=asset.name, sha256=asset.sha256)
    return asset


def remove_asset(work: Work, who: Viewer, asset: Asset) -> None:
    """Takes a picture or attachment off its piece; the bytes stay for releases that show them."""
    _require(who, Permission.PIECE_WRITE, asset.unit_id, "移除附件")
    work.audit("asset.removed", asset, name=asset.name, sha256=asset.sha256)
    if asset.piece_id is not None:
        revision = _touch(work, who, work.session.get_one(Piece, asset.piece_id))
        if revision.cover_id == asset.id:
            revision.cover_id = revision.cover_x = revision.cover_y = None
    asset.piece_id = None


def _writing_unit(session: Session, who: Viewer, column: Column, wanted: int | None) -> int:
    unit_id = who.unit_id if wanted is None else wanted
    if who.may(Permission.PIECE_WRITE, unit_id) and column.unit_id in ancestors(session, unit_id):
        return unit_id
    if wanted is not None:
        raise NoRight(what="以该单位的名义在此栏目撰稿")
    _require(who, Permission.PIECE_WRITE, column.unit_id, "在该栏目撰稿")
    return column.unit_id


def clean_fields(kind: Kind, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The kind's own fields out of what was sent, each of its type; unknown names are left out."""
    return {spec.name: _clean_field(spec, sent.get(spec.name)) for spec in kind.fields}


def must_know(kind: Kind, sent: Mapping[str, Any]) -> None:
    """Raises Invalid at the first name among what a program sent that the kind has no element for, rows included."""
    specs = {spec.name: spec for spec in kind.fields}
    for name, value in sent.items():
        if name not in specs:
            raise Invalid(field=f"fields.{name}", why=f"“{kind.label}”没有“{name[:60]}”这一项。")
        if specs[name].type != "rows":
            continue
        cells = {column.name for column in specs[name].columns}
        for number, row in enumerate(_rows(specs[name], value)):
            for cell in row:
                if cell not in cells:
                    why = f"“{specs[name].label}”没有“{str(cell)[:60]}”这一列。"
                    raise Invalid(field=f"fields.{name}.{number}.{cell}", why=why)


def _rows(spec: FieldSpec, value: Any) -> list[dict[str, Any]]:
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”须为逐行填写的表。")
    return value


def _line(field: str, label: str, text: str, limit: int) -> str:
    return _text(field, label, " ".join(tidy(text).split()), limit)


def _text(field: str, label: str, text: str, limit: int) -> str:
    kept = tidy(text).strip()
    if len(kept) > limit:
        raise Invalid(field=field, why=f"{label}超过 {limit} 字。")
    return kept


def _clean_field(spec: FieldSpec, value: Any) -> Any:
    if spec.type == "rows":
        rows = _rows(spec, value)
        cleaned = [{column.name: _clean_cell(spec, column, row) for column in spec.columns} for row in rows]
        return [row for row in cleaned if any(cell not in ("", None, False, []) for cell in row.values())]
    if isinstance(value, dict) or (isinstance(value, list) and spec.type != "lines"):
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”填写有误。")
    if spec.type == "lines":
        return _lines(spec, value)
    if spec.type == "flag":
        return value in (True, "1", "true", "on", "yes")
    if spec.type == "number":
        return _number(spec, value)
    if spec.type == "piece":
        return naming.number_in(spec, value)
    text = tidy("" if value is None else str(value)).strip()
    if len(text) > spec.limit:
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”超过 {spec.limit} 字。")
    if spec.type == "choice" and text and text not in dict(spec.choices):
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”没有“{text}”这一选项。")
    if spec.type == "date" and text and day_of(text) is None:
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”须为“年-月-日”格式的日期。")
    return text


def _lines(spec: FieldSpec, value: Any) -> list[str]:
    field = f"fields.{spec.name}"
    sent = value if isinstance(value, list) else str(value or "").splitlines()
    if any(isinstance(line, list | dict) for line in sent):
        raise Invalid(field=field, why=f"“{spec.label}”须为逐行的文字。")
    lines = [line for one in sent if one is not None and (line := tidy(str(one)).strip())]
    for number, line in enumerate(lines, 1):
        if len(line) > spec.limit:
            raise Invalid(field=field, why=f"“{spec.label}”第 {number} 行超过 {spec.limit} 字。")
    return lines


def _clean_cell(spec: FieldSpec, column: FieldSpec, row: Mapping[str, Any]) -> Any:
    try:
        return _clean_field(column, row.get(column.name))
    except Invalid as error:  # The form knows the rows, not their cells.
        error.field = f"fields.{spec.name}"
        raise


def _number(spec: FieldSpec, value: Any) -> float | int | None:
    if value in (None, ""):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise Invalid(field=f"fields.{spec.name}", why=f"“{spec.label}”须为数字。")
    return int(number) if number.is_integer() else number


def _write(work: Work, piece: Piece, revision: Revision, draft: Draft) -> None:
    revision.title = _line("title", "标题", draft.title, TITLE_LIMIT)
    revision.summary = _text("summary", "摘要", draft.summary, 500)
    revision.body = clean_text(tidy(draft.body))
    revision.fields = clean_fields(kind_of(piece.kind), draft.fields)
    naming.must_be_in_reach(work.session, piece, revision.fields)
    revision.cover_id = _own_asset(work.session, piece, draft.cover_id)
    revision.cover_x, revision.cover_y = _focus(draft) if revision.cover_id else (None, None)
    revision.source_name = _line("source_name", "来源", draft.source_name, 100)
    revision.source_url = _line("source_url", "来源地址", draft.source_url, 1000)
    if revision.source_url and not revision.source_url.startswith(("https://", "http://")):
        raise Invalid(field="source_url", why="来源地址须以 https:// 或 http:// 开头。")
    revision.editor = _line("editor", "责任编辑", draft.editor, 60)
    revision.keywords = _line("keywords", "关键词", draft.keywords, 300)
    revision.expires_at = draft.expires_at
    piece.title = revision.title
    work.session.execute(delete(Variant).where(Variant.revision_id == revision.id))
    for channel, variant in draft.variants.items():
        if variant.title.strip() or variant.digest.strip() or variant.body.strip():
            work.session.add(_variant(revision, channel, variant))
    work.session.flush()


def _focus(draft: Draft) -> tuple[int | None, int | None]:
    """Both or neither; what is left out of one is the middle."""
    if draft.cover_x is None and draft.cover_y is None:
        return None, None
    places = {"cover_x": draft.cover_x, "cover_y": draft.cover_y}
    for name, place in places.items():
        if place is not None and not 0 <= place <= 100:
            raise Invalid(field=name, why="封面焦点的位置须在 0 到 100 之间。")
    across, down = (50 if place is None else place for place in places.values())
    return across, down


def _variant(revision: Revision, channel: str, draft: VariantDraft) -> Variant:
    body = clean_layout(tidy(draft.body)) if draft.layout else tidy(draft.body).strip()
    place = f"variants.{channel}"
    return Variant(
        revision_id=revision.id,
        channel=channel,
        title=_line(f"{place}.title", "标题", draft.title, TITLE_LIMIT),
        digest=_text(f"{place}.digest", "摘要", draft.digest, 1000),
        body=body,
        layout=draft.layout,
    )


def _own_asset(session: Session, piece: Piece, asset_id: int | None) -> int | None:
    asset = session.get(Asset, asset_id) if asset_id else None
    return asset.id if asset is not None and asset.piece_id == piece.id else None


def _editable(work: Work, who: Viewer, piece: Piece) -> Revision:
    before = piece.state
    piece.state = states.move(piece.state, "edit")
    if before in (PieceState.REVIEW, PieceState.SIGNED):
        void_release(work, piece, "稿件已修改")
    current = work.session.get_one(Revision, piece.revision_id)
    return _next_revision(work, who, piece, current) if current.frozen else current


def _touch(work: Work, who: Viewer, piece: Piece) -> Revision:
    # Pictures and files are part of what is signed: changing them after submitting is an edit like any other.
    before = piece.revision_id
    revision = _editable(work, who, piece)
    if revision.id != before:
        piece.version += 1
    piece.updated_at = work.now
    return revision


def _next_revision(work: Work, who: Viewer, piece: Piece, current: Revision) -> Revision:
    last = work.session.scalar(select(func.max(Revision.number)).where(Revision.piece_id == piece.id)) or 0
    same = {name: getattr(current, name) for name in _WORDS}
    revision = Revision(piece_id=piece.id, number=last + 1, created_by=who.person_id, created_at=work.now, **same)
    work.session.add(revision)
    work.session.flush()
    for row in work.session.scalars(select(Variant).where(Variant.revision_id == current.id)).all():
        own = {name: getattr(row, name) for name in ("channel", "title", "digest", "body", "layout")}
        work.session.add(Variant(revision_id=revision.id, **own))
    piece.revision_id = revision.id
    work.session.flush()
    return revision


def _asset(work: Work, who: Viewer, piece: Piece, name: str, sha256: str, size: int, media_type: str) -> Asset:
    asset = Asset(
        unit_id=piece.unit_id,
        piece_id=piece.id,
        sha256=sha256,
        name=re.sub(r"[\\/\x00-\x1f]", "_", tidy(name)).strip()[-200:] or "file",
        media_type=media_type,
        size=size,
        created_by=who.person_id,
        created_at=work.now,
    )
    work.session.add(asset)
    return asset


def _require(who: Viewer, permission: Permission, unit_id: int, what: str) -> None:
    if not who.may(permission, unit_id):
        raise NoRight(what=what)
