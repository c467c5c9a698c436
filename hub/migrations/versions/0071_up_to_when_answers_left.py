"""up to which moment the answers to pushes have left each process, so that a sweep finds what a dead one held"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0071"
down_revision = "0070"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "push_process",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("clear_until", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_process")),
        sa.UniqueConstraint("name", name=op.f("uq_push_process_name")),
    )


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("push_process")
