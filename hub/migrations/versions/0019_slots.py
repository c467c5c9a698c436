"""slots, and who has taken which of their moments"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.model import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "slot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("column_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("days", sa.String(length=8), nullable=False),
        sa.Column(
            "numbers",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
        ),
        sa.Column("hour", sa.String(length=5), nullable=False),
        sa.Column("free_days", sa.String(length=5), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_slot_account_id_account")),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_slot_column_id_column")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_slot_created_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_slot_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
    )
    with op.batch_alter_table("slot", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_slot_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_slot_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "slot_taken",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("slot_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_slot_taken_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_slot_taken_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_slot_taken_slot_id_slot")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_taken")),
        sa.UniqueConstraint("account_id", "at", name=op.f("uq_slot_taken_account_id_at")),
    )
    with op.batch_alter_table("slot_taken", schema=None) as batch_op:
        batch_op.create_index("ix_slot_taken_delivery_id", ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_slot_taken_slot_id"), ["slot_id"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("slot_taken")
    op.drop_table("slot")
