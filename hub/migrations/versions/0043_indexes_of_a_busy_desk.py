"""the desk's lists and the reports of a period are found without reading every session"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_index("ix_conversation_unit_id_opened_at", "conversation", ["unit_id", "opened_at"])
    unseen = sa.text("urgent_at IS NOT NULL AND acknowledged_at IS NULL")
    op.create_index(
        "ix_conversation_unit_id_danger", "conversation", ["unit_id"], sqlite_where=unseen, postgresql_where=unseen
    )


def downgrade() -> None:
    """Takes the schema back."""
    for name in ("danger", "opened_at"):
        op.drop_index(f"ix_conversation_unit_id_{name}", "conversation")
