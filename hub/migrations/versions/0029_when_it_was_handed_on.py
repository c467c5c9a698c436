"""the first call since people last decided on the time"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("delivery") as table:
        table.add_column(sa.Column("handed_on_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE delivery SET handed_on_at = first_attempt_at")


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("delivery") as table:
        table.drop_column("handed_on_at")
