"""citizens ask for a copy of their data or for its deletion, and a code may go to the telephone that asked"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "data_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(6), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("kept", Json, nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("late_told_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_data_request_unit_id_unit")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_data_request_made_by_person")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_data_request_decided_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
        sa.UniqueConstraint("number", name=op.f("uq_data_request_number")),
    )
    op.create_index(op.f("ix_data_request_unit_id"), "data_request", ["unit_id"])
    op.create_index(op.f("ix_data_request_mark"), "data_request", ["mark"])
    op.create_index("ix_data_request_state_due_at", "data_request", ["state", "due_at"])
    op.create_index("ix_conversation_account_id_sender", "conversation", ["account_id", "sender"])
    with op.batch_alter_table("phone_code") as batch:
        batch.add_column(sa.Column("request_id", sa.Integer(), nullable=True))
        batch.create_index(batch.f("ix_phone_code_request_id"), ["request_id"])
        batch.create_foreign_key(
            batch.f("fk_phone_code_request_id_data_request"), "data_request", ["request_id"], ["id"]
        )


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("phone_code") as batch:
        batch.drop_constraint(batch.f("fk_phone_code_request_id_data_request"), type_="foreignkey")
        batch.drop_index(batch.f("ix_phone_code_request_id"))
        batch.drop_column("request_id")
    op.drop_index("ix_conversation_account_id_sender", "conversation")
    op.drop_table("data_request")
