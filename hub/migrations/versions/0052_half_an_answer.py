"""what an agent typed and did not send is kept per conversation and agent"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0052"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "desk_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("saved_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_desk_draft_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_desk_draft_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_draft")),
        sa.UniqueConstraint("conversation_id", "person_id", name=op.f("uq_desk_draft_conversation_id_person_id")),
    )
    op.create_index("ix_desk_draft_person_id", "desk_draft", ["person_id"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_index("ix_desk_draft_person_id", "desk_draft")
    op.drop_table("desk_draft")
