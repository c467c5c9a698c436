"""an agent's answer has the key of the page that sent it, so that one sent again is told and not said twice"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("outbound_reply", sa.Column("key", sa.String(length=60), nullable=False, server_default=""))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("outbound_reply") as batch:
        batch.drop_column("key")
