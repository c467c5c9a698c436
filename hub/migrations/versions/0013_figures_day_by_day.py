"""figures of accounts and articles day by day"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "account_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_day_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_day")),
        sa.UniqueConstraint("account_id", "day", name=op.f("uq_account_day_account_id_day")),
    )
    with op.batch_alter_table("account_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_day_account_id"), ["account_id"], unique=False)

    op.create_table(
        "statistics_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("question", sa.String(length=20), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("delayed", sa.Boolean(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_statistics_mark_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statistics_mark")),
        sa.UniqueConstraint("account_id", "question", "day", name=op.f("uq_statistics_mark_account_id_question_day")),
    )
    with op.batch_alter_table("statistics_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_statistics_mark_account_id"), ["account_id"], unique=False)

    op.create_table(
        "placement_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_placement_day_placement_id_placement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_day")),
        sa.UniqueConstraint("placement_id", "day", name=op.f("uq_placement_day_placement_id_day")),
    )
    with op.batch_alter_table("placement_day", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_placement_day_placement_id"), ["placement_id"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("placement_day", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_placement_day_placement_id"))

    op.drop_table("placement_day")
    with op.batch_alter_table("statistics_mark", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_statistics_mark_account_id"))

    op.drop_table("statistics_mark")
    with op.batch_alter_table("account_day", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_day_account_id"))

    op.drop_table("account_day")
