"""a push service is known by what it took, and rests while it does not answer"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "push_service",
        sa.Column("origin", sa.String(200), nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_push_service")),
    )


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("push_service")
