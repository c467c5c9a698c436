"""stops, and what they let through"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "freeze",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("begun_by", sa.Integer(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_freeze_account_id_account")),
        sa.ForeignKeyConstraint(["begun_by"], ["person.id"], name=op.f("fk_freeze_begun_by_person")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_freeze_ended_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_freeze_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
    )
    with op.batch_alter_table("freeze") as batch:
        batch.create_index("ix_freeze_ended_at", ["ended_at"], unique=False)
        batch.create_index(batch.f("ix_freeze_unit_id"), ["unit_id"], unique=False)
    with op.batch_alter_table("delivery") as batch:
        batch.add_column(sa.Column("through", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Takes it back."""
    with op.batch_alter_table("delivery") as batch:
        batch.drop_column("through")
    op.drop_table("freeze")
