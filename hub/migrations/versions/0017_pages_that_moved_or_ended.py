"""addresses that pieces had before, and what ends by itself"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "former_address",
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_former_address_column_id_column")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_former_address_piece_id_piece")),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_former_address")),
    )
    op.create_index(op.f("ix_former_address_piece_id"), "former_address", ["piece_id"])
    with op.batch_alter_table("public_piece") as table:
        table.add_column(sa.Column("lapses_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("lapse_told", sa.Date(), nullable=True))
        table.add_column(sa.Column("lapsed_itself", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("expiry_told", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.create_index(op.f("ix_public_piece_lapses_on"), ["lapses_on"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("public_piece") as table:
        table.drop_index(op.f("ix_public_piece_lapses_on"))
        table.drop_column("expiry_told")
        table.drop_column("lapsed_itself")
        table.drop_column("lapse_told")
        table.drop_column("lapses_on")
    op.drop_table("former_address")
