"""what people left is forgotten in time: when a row lost it, how many rows of a kind, and what finds them quickly"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "forgotten",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("before", UtcDateTime(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forgotten")),
    )
    op.create_index("ix_forgotten_kind_at", "forgotten", ["kind", "at"])
    op.add_column("conversation", sa.Column("forgotten_at", UtcDateTime(), nullable=True))
    op.add_column("ticket", sa.Column("forgotten_at", UtcDateTime(), nullable=True))
    _partly("ix_conversation_closed_at_held", "conversation", "closed_at", "forgotten_at IS NULL")
    _partly("ix_inbound_message_received_at_answer", "inbound_message", "received_at", "answer IS NOT NULL")
    _partly(
        "ix_inbound_message_received_at_media",
        "inbound_message",
        "received_at",
        "media <> '{}'",
        "media <> '{}'::jsonb",
    )


def _partly(name: str, table: str, column: str, where: str, on_postgresql: str = "") -> None:
    op.create_index(
        name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(on_postgresql or where)
    )


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_index("ix_inbound_message_received_at_media", "inbound_message")
    op.drop_index("ix_inbound_message_received_at_answer", "inbound_message")
    op.drop_index("ix_conversation_closed_at_held", "conversation")
    op.drop_column("ticket", "forgotten_at")
    op.drop_column("conversation", "forgotten_at")
    op.drop_table("forgotten")
