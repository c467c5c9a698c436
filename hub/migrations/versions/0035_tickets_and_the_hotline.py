"""a ticket has its number at the 12345 hotline, and each sending there is a row"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "hotline_send",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("booked_by", sa.Integer(), nullable=True),
        sa.Column("booked_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("claimed_by", sa.String(40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_hotline_send_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["booked_by"], ["person.id"], name=op.f("fk_hotline_send_booked_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hotline_send")),
        sa.UniqueConstraint("key", name=op.f("uq_hotline_send_key")),
    )
    op.create_index(op.f("ix_hotline_send_claimed_until"), "hotline_send", ["claimed_until"])
    op.create_index(op.f("ix_hotline_send_ticket_id"), "hotline_send", ["ticket_id"])
    op.create_index("ix_hotline_send_state_next_at", "hotline_send", ["state", "next_at"])
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("hotline_number", sa.String(60), nullable=True))
        batch.create_unique_constraint(batch.f("uq_ticket_hotline_number"), ["hotline_number"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(batch.f("uq_ticket_hotline_number"), type_="unique")
        batch.drop_column("hotline_number")
    op.drop_table("hotline_send")
