"""a conversation keeps when its citizen was warned that it ends because he writes no more"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0056"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("conversation", sa.Column("idle_warned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("conversation") as batch:
        batch.drop_column("idle_warned_at")
