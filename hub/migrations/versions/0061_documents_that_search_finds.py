"""documents of public pieces, as the search finds them"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0054"
branch_labels = None
depends_on = None

LONGEST_TEXT = 20_000


def upgrade() -> None:
    """Brings the schema forward, with the documents of what is public already."""
    table = op.create_table(
        "public_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("href", sa.String(300), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_public_file_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_public_file_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_file")),
        sa.UniqueConstraint("release_id", "number", name=op.f("uq_public_file_release_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_public_file_piece_id"), "public_file", ["piece_id"])
    _fill(table)


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("public_file")


def _fill(table: sa.Table) -> None:
    public = sa.table("public_piece", *map(sa.column, ("piece_id", "release_id", "from_at", "withdrawn_at")))
    release = sa.table("release", *map(sa.column, ("id", "piece_id", "unit_id")), sa.column("content", sa.JSON()))
    asset = sa.table("asset", *map(sa.column, ("piece_id", "unit_id", "sha256", "media_type", "text")))
    bind = op.get_bind()
    shown = sa.select(release).join_from(release, public, public.c.release_id == release.c.id)
    shown = shown.where(public.c.from_at.is_not(None), public.c.withdrawn_at.is_(None))
    with_files = sa.select(asset.c.piece_id).where(asset.c.media_type.not_like("image/%"))
    for row in bind.execute(shown.where(release.c.piece_id.in_(with_files))).all():
        rows = list(_rows(bind, asset, row))
        if rows:
            bind.execute(table.insert(), rows)


def _rows(bind: sa.Connection, asset: Any, row: Any) -> Any:
    for number, file in enumerate(row.content.get("attachments", ())):
        kept = sa.select(asset.c.text).where(asset.c.sha256 == file["sha256"], asset.c.unit_id == row.unit_id)
        text = bind.execute(kept.limit(1)).scalar() or ""
        yield {
            "piece_id": row.piece_id,
            "release_id": row.id,
            "number": number,
            "name": file["name"],
            "href": file["href"],
            "size": file["size"],
            "text": text[:LONGEST_TEXT],
        }
