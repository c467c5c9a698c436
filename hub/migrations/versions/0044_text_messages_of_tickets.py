"""a citizen who agreed gets a text message once for each answer; an answer may be signed by the head's deputy"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "ticket_sms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("claimed_by", sa.String(40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_sms_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_sms")),
        sa.UniqueConstraint("ticket_id", "round", name=op.f("uq_ticket_sms_ticket_id_round")),
    )
    op.create_index(op.f("ix_ticket_sms_claimed_until"), "ticket_sms", ["claimed_until"])
    op.create_index("ix_ticket_sms_state_next_at", "ticket_sms", ["state", "next_at"])
    op.add_column("ticket", sa.Column("sms_agreed_at", UtcDateTime(), nullable=True))
    with op.batch_alter_table("ticket_answer") as batch:
        batch.add_column(sa.Column("on_behalf_of", sa.Integer(), nullable=True))
        batch.create_foreign_key(batch.f("fk_ticket_answer_on_behalf_of_person"), "person", ["on_behalf_of"], ["id"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("ticket_answer") as batch:
        batch.drop_constraint(batch.f("fk_ticket_answer_on_behalf_of_person"), type_="foreignkey")
        batch.drop_column("on_behalf_of")
    op.drop_column("ticket", "sms_agreed_at")
    op.drop_table("ticket_sms")
