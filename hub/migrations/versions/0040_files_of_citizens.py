"""pictures, voice and video of citizens are fetched, checked and kept"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "citizen_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("inbound_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("handle", sa.String(300), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("kept_at", UtcDateTime(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("claimed_by", sa.String(40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["inbound_id"], ["inbound_message.id"], name=op.f("fk_citizen_file_inbound_id_inbound_message")
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_citizen_file_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_citizen_file_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizen_file")),
        sa.UniqueConstraint("inbound_id", name=op.f("uq_citizen_file_inbound_id")),
    )
    op.create_index(op.f("ix_citizen_file_conversation_id"), "citizen_file", ["conversation_id"])
    op.create_index(op.f("ix_citizen_file_claimed_until"), "citizen_file", ["claimed_until"])
    op.create_index("ix_citizen_file_state_next_at", "citizen_file", ["state", "next_at"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("citizen_file")
