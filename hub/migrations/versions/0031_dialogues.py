"""where a dialogue of several turns stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.model import UtcDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("conversation") as table:
        table.add_column(sa.Column("dialogue", _json(), nullable=False, server_default="{}"))
        table.add_column(sa.Column("dialogue_until", UtcDateTime(), nullable=True))
    with op.batch_alter_table("conversation") as table:
        table.alter_column("dialogue", server_default=None, existing_type=_json())
    op.create_index("ix_conversation_dialogue_until", "conversation", ["dialogue_until"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_index("ix_conversation_dialogue_until", "conversation")
    with op.batch_alter_table("conversation") as table:
        table.drop_column("dialogue_until")
        table.drop_column("dialogue")
