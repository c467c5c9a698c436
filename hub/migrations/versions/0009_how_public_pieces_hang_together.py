"""how public pieces hang together: links, shelves, what is in force"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = (("picture_alt", 300), ("number", 500), ("standing", 10), ("standing_note", 300))


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "public_link",
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["from_id"], ["piece.id"], name=op.f("fk_public_link_from_id_piece")),
        sa.ForeignKeyConstraint(["to_id"], ["piece.id"], name=op.f("fk_public_link_to_id_piece")),
        sa.PrimaryKeyConstraint("from_id", "name", "to_id", name=op.f("pk_public_link")),
    )
    with op.batch_alter_table("public_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_public_link_to_id"), ["to_id"], unique=False)
    op.create_table(
        "shelf",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("facet", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_shelf_column_id_column")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shelf")),
        sa.UniqueConstraint("column_id", "facet", "label", name=op.f("uq_shelf_column_id_facet_label")),
    )
    op.create_table(
        "shelf_place",
        sa.Column("shelf_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_shelf_place_piece_id_piece")),
        sa.ForeignKeyConstraint(["shelf_id"], ["shelf.id"], name=op.f("fk_shelf_place_shelf_id_shelf")),
        sa.PrimaryKeyConstraint("shelf_id", "piece_id", name=op.f("pk_shelf_place")),
        sa.UniqueConstraint("shelf_id", "place", name=op.f("uq_shelf_place_shelf_id_place")),
    )
    with op.batch_alter_table("shelf_place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shelf_place_piece_id"), ["piece_id"], unique=False)
    with op.batch_alter_table("public_piece", schema=None) as batch_op:
        for name, length in _NEW:
            batch_op.add_column(sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("standing_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("public_piece", schema=None) as batch_op:
        for name, _length in _NEW:
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("public_piece", schema=None) as batch_op:
        for name in ("standing_at", "standing_note", "standing", "number", "picture_alt"):
            batch_op.drop_column(name)
    op.drop_table("shelf_place")
    op.drop_table("shelf")
    op.drop_table("public_link")
