"""two faces without a shared database"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "outer_file",
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_outer_file")),
    )
    op.create_table(
        "outer_heard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outer_heard")),
        sa.UniqueConstraint("mark", name=op.f("uq_outer_heard_mark")),
    )
    with op.batch_alter_table("outer_heard", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outer_heard_at"), ["at"], unique=False)

    op.create_table(
        "outer_link",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=5), nullable=False),
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("sign_key", sa.Text(), nullable=False),
        sa.Column("box_key", sa.Text(), nullable=False),
        sa.Column("peer", sa.Text(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=True),
        sa.Column("trouble", sa.String(length=300), nullable=False),
        sa.Column("trouble_at", UtcDateTime(), nullable=True),
        sa.Column("silent_told_at", UtcDateTime(), nullable=True),
        sa.Column("paired_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outer_link")),
    )
    op.create_table(
        "outer_mark",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outer_mark")),
    )
    op.create_table(
        "outer_packet",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_outer_packet")),
    )
    op.create_table(
        "outer_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=80), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outer_part")),
    )
    with op.batch_alter_table("outer_part", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outer_part_what"), ["what"], unique=False)

    op.create_table(
        "outer_problem",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("side", sa.String(length=5), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outer_problem")),
    )
    with op.batch_alter_table("outer_problem", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outer_problem_at"), ["at"], unique=False)

    op.create_table(
        "outer_row",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_outer_row")),
    )
    op.create_table(
        "outer_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("lock", sa.LargeBinary(), nullable=False),
        sa.Column("memory", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("ahead", sa.Integer(), nullable=False),
        sa.Column("rated", sa.Boolean(), nullable=False),
        sa.Column("asked_rating", sa.Boolean(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("touched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outer_session")),
        sa.UniqueConstraint("mark", name=op.f("uq_outer_session_mark")),
    )
    with op.batch_alter_table("outer_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outer_session_touched_at"), ["touched_at"], unique=False)

    op.create_table(
        "outer_ticket",
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_outer_ticket")),
    )
    op.create_table(
        "outer_line",
        sa.Column("session_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["outer_session.id"], name=op.f("fk_outer_line_session_id_outer_session")
        ),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_outer_line")),
    )
    op.create_table(
        "outer_talk",
        sa.Column("conversation_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_outer_talk_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("conversation_id", name=op.f("pk_outer_talk")),
    )
    with op.batch_alter_table("outer_talk", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outer_talk_session"), ["session"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""

    with op.batch_alter_table("outer_talk", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outer_talk_session"))

    op.drop_table("outer_talk")
    op.drop_table("outer_line")
    op.drop_table("outer_ticket")
    with op.batch_alter_table("outer_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outer_session_touched_at"))

    op.drop_table("outer_session")
    op.drop_table("outer_row")
    with op.batch_alter_table("outer_problem", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outer_problem_at"))

    op.drop_table("outer_problem")
    with op.batch_alter_table("outer_part", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outer_part_what"))

    op.drop_table("outer_part")
    op.drop_table("outer_packet")
    op.drop_table("outer_mark")
    op.drop_table("outer_link")
    with op.batch_alter_table("outer_heard", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outer_heard_at"))

    op.drop_table("outer_heard")
    op.drop_table("outer_file")
