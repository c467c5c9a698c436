"""why a conversation was first handed to people, and when a person first took it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward; what was handed on before bears the reason it last waited for."""
    with op.batch_alter_table("conversation") as batch:
        batch.add_column(sa.Column("handoff_reason", sa.String(20), nullable=False, server_default=""))
        batch.add_column(sa.Column("taken_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE conversation SET handoff_reason = waiting_reason WHERE handed_off_at IS NOT NULL")


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("conversation") as batch:
        batch.drop_column("taken_at")
        batch.drop_column("handoff_reason")
