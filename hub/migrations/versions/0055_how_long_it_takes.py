"""the last who waited at a desk are found at once; the outer face knows how long one will wait"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0061"
branch_labels = None
depends_on = None

ANSWERED = "first_reply_at IS NOT NULL"


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_index(
        "ix_conversation_unit_id_first_reply_at",
        "conversation",
        ["unit_id", "first_reply_at"],
        sqlite_where=sa.text(ANSWERED),
        postgresql_where=sa.text(ANSWERED),
    )
    op.add_column("outer_session", sa.Column("expected", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("outer_session") as batch:
        batch.drop_column("expected")
    op.drop_index("ix_conversation_unit_id_first_reply_at", "conversation")
