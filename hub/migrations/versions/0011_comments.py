"""comments beneath what was published, and their answers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "comment_thread",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("remote_id", sa.String(length=300), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("live_at", UtcDateTime(), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=True),
        sa.Column("cursor", sa.String(length=100), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("fault", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_comment_thread_account_id_account")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_comment_thread_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_comment_thread_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_thread")),
        sa.UniqueConstraint("piece_id", "account_id", name=op.f("uq_comment_thread_piece_id_account_id")),
    )
    with op.batch_alter_table("comment_thread", schema=None) as batch_op:
        batch_op.create_index("ix_comment_thread_account_id_next_at", ["account_id", "next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_thread_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("thread_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("late_told_at", UtcDateTime(), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("settled_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.Column("urgent_word", sa.String(length=40), nullable=False),
        sa.Column("urgent_at", UtcDateTime(), nullable=True),
        sa.Column("urgent_told", sa.Integer(), nullable=False),
        sa.Column("urgent_told_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_comment_account_id_account")),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["person.id"], name=op.f("fk_comment_acknowledged_by_person")),
        sa.ForeignKeyConstraint(["settled_by"], ["person.id"], name=op.f("fk_comment_settled_by_person")),
        sa.ForeignKeyConstraint(["thread_id"], ["comment_thread.id"], name=op.f("fk_comment_thread_id_comment_thread")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_comment_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("thread_id", "remote_id", name=op.f("uq_comment_thread_id_remote_id")),
    )
    with op.batch_alter_table("comment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_at"), ["at"], unique=False)
        batch_op.create_index("ix_comment_unit_id_state_due_at", ["unit_id", "state", "due_at"], unique=False)

    op.create_table(
        "comment_answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("comment_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("remote_id", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_comment_answer_comment_id_comment")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_comment_answer_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment_answer")),
    )
    with op.batch_alter_table("comment_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_comment_answer_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_comment_answer_comment_id"), ["comment_id"], unique=False)
        batch_op.create_index("ix_comment_answer_state_next_at", ["state", "next_at"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    for table in ("comment_answer", "comment", "comment_thread"):
        op.drop_table(table)
