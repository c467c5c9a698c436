"""matters of public opinion, what was said to them, and what pieces rebut"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "opinion_case",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("handler_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("reporter", sa.String(length=100), nullable=False),
        sa.Column("origin", sa.String(length=60), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("grade", sa.String(length=4), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("judged_by", sa.Integer(), nullable=True),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("first_due", UtcDateTime(), nullable=True),
        sa.Column("press_due", UtcDateTime(), nullable=True),
        sa.Column("reply_due", UtcDateTime(), nullable=True),
        sa.Column("first_at", UtcDateTime(), nullable=True),
        sa.Column("press_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.String(length=1000), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_opinion_case_created_by_person")),
        sa.ForeignKeyConstraint(["handler_id"], ["unit.id"], name=op.f("fk_opinion_case_handler_id_unit")),
        sa.ForeignKeyConstraint(["judged_by"], ["person.id"], name=op.f("fk_opinion_case_judged_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_opinion_case_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_case")),
    )
    op.create_index(op.f("ix_opinion_case_handler_id"), "opinion_case", ["handler_id"])
    op.create_index(op.f("ix_opinion_case_state"), "opinion_case", ["state"])
    op.create_index("ix_opinion_case_unit_id_state_found_at", "opinion_case", ["unit_id", "state", "found_at"])
    op.create_table(
        "opinion_response",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("press", sa.Boolean(), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["opinion_case.id"], name=op.f("fk_opinion_response_case_id_opinion_case")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_opinion_response_made_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_opinion_response_piece_id_piece")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_response")),
        sa.UniqueConstraint("case_id", "piece_id", name=op.f("uq_opinion_response_case_id_piece_id")),
    )
    op.create_index(op.f("ix_opinion_response_case_id"), "opinion_response", ["case_id"])
    op.create_index(op.f("ix_opinion_response_piece_id"), "opinion_response", ["piece_id"])
    op.create_table(
        "opinion_note",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=20), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["opinion_case.id"], name=op.f("fk_opinion_note_case_id_opinion_case")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_opinion_note_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opinion_note")),
    )
    op.create_index(op.f("ix_opinion_note_case_id"), "opinion_note", ["case_id"])
    op.create_table(
        "rebuttal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=200), nullable=False),
        sa.Column("asks", Json, nullable=False),
        sa.Column("answers_url", sa.String(length=1000), nullable=False),
        sa.Column("answers_piece_id", sa.Integer(), nullable=True),
        sa.Column("until_at", UtcDateTime(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["answers_piece_id"], ["piece.id"], name=op.f("fk_rebuttal_answers_piece_id_piece")),
        sa.ForeignKeyConstraint(["ended_by"], ["person.id"], name=op.f("fk_rebuttal_ended_by_person")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_rebuttal_made_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_rebuttal_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_rebuttal_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rebuttal")),
        sa.UniqueConstraint("piece_id", name=op.f("uq_rebuttal_piece_id")),
    )
    op.create_index(op.f("ix_rebuttal_answers_piece_id"), "rebuttal", ["answers_piece_id"])
    op.create_index(op.f("ix_rebuttal_ended_at"), "rebuttal", ["ended_at"])
    op.create_index(op.f("ix_rebuttal_unit_id"), "rebuttal", ["unit_id"])


def downgrade() -> None:
    """Takes the schema back."""
    for table in ("rebuttal", "opinion_note", "opinion_response", "opinion_case"):
        op.drop_table(table)
