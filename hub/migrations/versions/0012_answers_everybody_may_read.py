"""answers that everybody may read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "public_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("published_by", sa.Integer(), nullable=True),
        sa.Column("hidden_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["published_by"], ["person.id"], name=op.f("fk_public_answer_published_by_person")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_public_answer_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_public_answer_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_answer")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_public_answer_ticket_id")),
    )
    with op.batch_alter_table("public_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_public_answer_published_at"), ["published_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_answer_unit_id"), ["unit_id"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("public_answer")
