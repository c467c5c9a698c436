"""codes to the telephones of tickets"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "phone_code",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=True),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("phone_mark", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.String(length=200), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("opened", sa.String(length=64), nullable=True),
        sa.Column("open_until", UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_phone_code_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_code")),
        sa.UniqueConstraint("opened", name=op.f("uq_phone_code_opened")),
    )
    op.create_index(op.f("ix_phone_code_claimed_until"), "phone_code", ["claimed_until"])
    op.create_index("ix_phone_code_mark", "phone_code", ["mark"])
    op.create_index("ix_phone_code_phone_mark_made_at", "phone_code", ["phone_mark", "made_at"])
    op.create_index("ix_phone_code_state_next_at", "phone_code", ["state", "next_at"])
    op.create_index(op.f("ix_phone_code_ticket_id"), "phone_code", ["ticket_id"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("phone_code")
