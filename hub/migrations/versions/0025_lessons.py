"""what people made of questions that the bot did not know"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "lesson",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_lesson_made_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_lesson_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_lesson_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lesson")),
        sa.UniqueConstraint("unit_id", "digest", name=op.f("uq_lesson_unit_id_digest")),
    )
    op.create_index(op.f("ix_lesson_piece_id"), "lesson", ["piece_id"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("lesson")
