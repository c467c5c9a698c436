"""links on public pages, and what each answered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "link_check",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("dead_since", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_link_check")),
    )
    op.create_index(op.f("ix_link_check_at"), "link_check", ["at"])
    op.create_index(op.f("ix_link_check_state"), "link_check", ["state"])
    op.create_table(
        "link_place",
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_link_place_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_link_place_unit_id_unit")),
        sa.PrimaryKeyConstraint("piece_id", "digest", name=op.f("pk_link_place")),
    )
    op.create_index(op.f("ix_link_place_digest"), "link_place", ["digest"])
    op.create_index(op.f("ix_link_place_unit_id"), "link_place", ["unit_id"])
    op.add_column("public_piece", sa.Column("links_of", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("public_piece") as table:
        table.drop_column("links_of")
    op.drop_table("link_place")
    op.drop_table("link_check")
