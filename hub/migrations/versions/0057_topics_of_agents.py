"""agents have topics; a conversation that waits for a person has the one that was asked about"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "desk_topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_desk_topic_unit_id_unit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_desk_topic_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_topic")),
        sa.UniqueConstraint("unit_id", "topic", "person_id", name=op.f("uq_desk_topic_unit_id_topic_person_id")),
    )
    op.create_index(op.f("ix_desk_topic_person_id"), "desk_topic", ["person_id"])
    op.add_column("conversation", sa.Column("topic", sa.String(length=40), nullable=False, server_default=""))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("conversation") as batch:
        batch.drop_column("topic")
    op.drop_table("desk_topic")
