"""a public piece says when later words took the place of those that were public"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("public_piece", sa.Column("changed_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("public_piece") as batch:
        batch.drop_column("changed_at")
