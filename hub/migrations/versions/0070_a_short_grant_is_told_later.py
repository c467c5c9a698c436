"""an account keeps the first day on which the end of its grant is told of, which of a short grant is later"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0070"
down_revision = "0069"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("account", sa.Column("expires_told_from", sa.Date(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("account") as batch:
        batch.drop_column("expires_told_from")
