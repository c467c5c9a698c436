"""answers on their way to a signature, follow-ups and second rounds, and who was warned of a deadline"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "ticket_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("written_by", sa.Integer(), nullable=True),
        sa.Column("written_at", UtcDateTime(), nullable=False),
        sa.Column("signed", sa.Boolean(), nullable=True),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_answer_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_ticket_answer_unit_id_unit")),
        sa.ForeignKeyConstraint(["written_by"], ["person.id"], name=op.f("fk_ticket_answer_written_by_person")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_ticket_answer_decided_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_answer")),
    )
    op.create_index(op.f("ix_ticket_answer_ticket_id"), "ticket_answer", ["ticket_id"])
    op.create_index(op.f("ix_ticket_answer_unit_id"), "ticket_answer", ["unit_id"])
    op.create_table(
        "ticket_follow_up",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(20), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_follow_up_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_ticket_follow_up_unit_id_unit")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_ticket_follow_up_made_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_follow_up")),
    )
    op.create_index(op.f("ix_ticket_follow_up_ticket_id"), "ticket_follow_up", ["ticket_id"])
    op.create_index(op.f("ix_ticket_follow_up_unit_id"), "ticket_follow_up", ["unit_id"])
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("round", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("followed_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("warned_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("ticket") as batch:
        for name in ("warned_at", "followed_at", "round"):
            batch.drop_column(name)
    op.drop_table("ticket_follow_up")
    op.drop_table("ticket_answer")
