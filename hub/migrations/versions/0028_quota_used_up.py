"""the platform's own word that a quota is used up"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("quota_use") as table:
        table.add_column(sa.Column("used_up", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("quota_use") as table:
        table.drop_column("used_up")
