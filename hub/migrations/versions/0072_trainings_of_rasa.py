"""trainings of Rasa that somebody asked for at the console, and how far they are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "rasa_training",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("wanted_by", sa.Integer(), nullable=True),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("step", sa.String(length=20), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("failed", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["wanted_by"], ["person.id"], name=op.f("fk_rasa_training_wanted_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rasa_training")),
    )


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("rasa_training")
