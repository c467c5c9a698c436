"""a revision keeps which place of its cover must show when a platform cuts it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("revision", sa.Column("cover_x", sa.Integer(), nullable=True))
    op.add_column("revision", sa.Column("cover_y", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("revision") as batch:
        batch.drop_column("cover_y")
        batch.drop_column("cover_x")
