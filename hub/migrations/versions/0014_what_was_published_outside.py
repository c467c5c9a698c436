"""what accounts really show, compared with what was published there"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "inventory_run",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("outside", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_inventory_run_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_inventory_run")),
    )
    op.create_table(
        "outside_piece",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=300), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("digest", sa.String(length=500), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("notified", sa.Boolean(), nullable=True),
        sa.Column("data", Json, nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_outside_piece_account_id_account")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_outside_piece_decided_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_outside_piece_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_outside_piece_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outside_piece")),
        sa.UniqueConstraint("account_id", "number", name=op.f("uq_outside_piece_account_id_number")),
    )
    with op.batch_alter_table("outside_piece", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outside_piece_piece_id"), ["piece_id"], unique=False)
        batch_op.create_index("ix_outside_piece_unit_id_state", ["unit_id", "state"], unique=False)

    op.create_table(
        "missing_placement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(length=300), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_missing_placement_decided_by_person")),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_missing_placement_placement_id_placement")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_missing_placement_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missing_placement")),
    )
    with op.batch_alter_table("missing_placement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_missing_placement_placement_id"), ["placement_id"], unique=False)
        batch_op.create_index("ix_missing_placement_unit_id_state", ["unit_id", "state"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("missing_placement", schema=None) as batch_op:
        batch_op.drop_index("ix_missing_placement_unit_id_state")
        batch_op.drop_index(batch_op.f("ix_missing_placement_placement_id"))

    op.drop_table("missing_placement")
    with op.batch_alter_table("outside_piece", schema=None) as batch_op:
        batch_op.drop_index("ix_outside_piece_unit_id_state")
        batch_op.drop_index(batch_op.f("ix_outside_piece_piece_id"))

    op.drop_table("outside_piece")
    op.drop_table("inventory_run")
