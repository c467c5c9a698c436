"""emergencies, and the ordinary signatures that they owe"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "later_signing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("levels", sa.Integer(), nullable=False),
        sa.Column("proofs", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_later_signing_release_id_release")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_later_signing_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_later_signing")),
        sa.UniqueConstraint("release_id", name=op.f("uq_later_signing_release_id")),
    )
    with op.batch_alter_table("later_signing", schema=None) as batch_op:
        batch_op.create_index("ix_later_signing_unit_id_verdict_due_at", ["unit_id", "verdict", "due_at"], unique=False)

    op.create_table(
        "emergency",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=4), nullable=False),
        sa.Column("banner_until", UtcDateTime(), nullable=True),
        sa.Column("through", sa.Boolean(), nullable=False),
        sa.Column("booked_at", UtcDateTime(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_emergency_created_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_emergency_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_emergency_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_emergency")),
        sa.UniqueConstraint("key", name=op.f("uq_emergency_key")),
        sa.UniqueConstraint("piece_id", name=op.f("uq_emergency_piece_id")),
    )
    with op.batch_alter_table("emergency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_emergency_banner_until"), ["banner_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_emergency_unit_id"), ["unit_id"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("emergency")
    op.drop_table("later_signing")
