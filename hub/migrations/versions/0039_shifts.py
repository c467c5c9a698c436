"""shifts of the live desk, who is on when, presence, and what is handed over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "desk_shift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(20), nullable=False),
        sa.Column("begins", sa.String(5), nullable=False),
        sa.Column("ends", sa.String(5), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_desk_shift_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_shift")),
    )
    op.create_index(op.f("ix_desk_shift_unit_id"), "desk_shift", ["unit_id"])
    op.create_table(
        "desk_turn",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("shift_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("warned_at", UtcDateTime(), nullable=True),
        sa.Column("over_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_desk_turn_unit_id_unit")),
        sa.ForeignKeyConstraint(["shift_id"], ["desk_shift.id"], name=op.f("fk_desk_turn_shift_id_desk_shift")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_desk_turn_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_turn")),
        sa.UniqueConstraint("shift_id", "day", "person_id", name=op.f("uq_desk_turn_shift_id_day_person_id")),
    )
    op.create_index(op.f("ix_desk_turn_person_id"), "desk_turn", ["person_id"])
    op.create_index("ix_desk_turn_unit_id_day", "desk_turn", ["unit_id", "day"])
    op.create_index("ix_desk_turn_over_at_ends_at", "desk_turn", ["over_at", "ends_at"])
    op.create_table(
        "desk_presence",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=True),
        sa.Column("told_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_desk_presence_unit_id_unit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_desk_presence_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_presence")),
    )
    op.create_index("ix_desk_presence_unit_id_ended_at", "desk_presence", ["unit_id", "ended_at"])
    op.create_index(
        "uq_desk_presence_person_id_going_on",
        "desk_presence",
        ["person_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "desk_handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("conversations", Json, nullable=False),
        sa.Column("tickets", Json, nullable=False),
        sa.Column("by_itself", sa.Boolean(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.Integer(), nullable=True),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_desk_handover_unit_id_unit")),
        sa.ForeignKeyConstraint(["from_id"], ["person.id"], name=op.f("fk_desk_handover_from_id_person")),
        sa.ForeignKeyConstraint(["to_id"], ["person.id"], name=op.f("fk_desk_handover_to_id_person")),
        sa.ForeignKeyConstraint(["taken_by"], ["person.id"], name=op.f("fk_desk_handover_taken_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_handover")),
    )
    op.create_index("ix_desk_handover_unit_id_taken_at", "desk_handover", ["unit_id", "taken_at"])


def downgrade() -> None:
    """Takes the schema back."""
    for table in ("desk_handover", "desk_presence", "desk_turn", "desk_shift"):
        op.drop_table(table)
