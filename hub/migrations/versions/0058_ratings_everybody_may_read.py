"""好差评 per service item and quarter, as everybody may read it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0058"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "service_figure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("period", sa.String(length=6), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("levels", Json, nullable=False),
        sa.Column("low", sa.Integer(), nullable=False),
        sa.Column("righted", sa.Integer(), nullable=False),
        sa.Column("in_time", sa.Integer(), nullable=False),
        sa.Column("counted_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_service_figure_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_figure")),
    )
    with op.batch_alter_table("service_figure") as batch:
        batch.create_index(batch.f("ix_service_figure_period"), ["period"])
        batch.create_index(batch.f("ix_service_figure_unit_id"), ["unit_id"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("service_figure")
