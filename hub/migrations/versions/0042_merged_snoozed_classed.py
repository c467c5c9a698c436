"""conversations and tickets are merged, conversations have a class, and the end of a channel's clock is told"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "matter_class",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_matter_class_unit_id_unit")),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["matter_class.id"], name=op.f("fk_matter_class_parent_id_matter_class")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_matter_class")),
    )
    op.create_index(op.f("ix_matter_class_unit_id"), "matter_class", ["unit_id"])
    op.create_index(op.f("ix_matter_class_parent_id"), "matter_class", ["parent_id"])
    with op.batch_alter_table("conversation") as batch:
        batch.add_column(sa.Column("merged_into_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("class_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("window_warned", UtcDateTime(), nullable=True))
        batch.create_foreign_key(
            batch.f("fk_conversation_merged_into_id_conversation"), "conversation", ["merged_into_id"], ["id"]
        )
        batch.create_foreign_key(batch.f("fk_conversation_class_id_matter_class"), "matter_class", ["class_id"], ["id"])
    op.create_index(op.f("ix_conversation_merged_into_id"), "conversation", ["merged_into_id"])
    op.create_index(op.f("ix_conversation_class_id"), "conversation", ["class_id"])
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("main_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(batch.f("fk_ticket_main_id_ticket"), "ticket", ["main_id"], ["id"])
    op.create_index(op.f("ix_ticket_main_id"), "ticket", ["main_id"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_index(op.f("ix_ticket_main_id"), "ticket")
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(batch.f("fk_ticket_main_id_ticket"), type_="foreignkey")
        batch.drop_column("main_id")
    op.drop_index(op.f("ix_conversation_class_id"), "conversation")
    op.drop_index(op.f("ix_conversation_merged_into_id"), "conversation")
    with op.batch_alter_table("conversation") as batch:
        batch.drop_constraint(batch.f("fk_conversation_class_id_matter_class"), type_="foreignkey")
        batch.drop_constraint(batch.f("fk_conversation_merged_into_id_conversation"), type_="foreignkey")
        batch.drop_column("window_warned")
        batch.drop_column("class_id")
        batch.drop_column("merged_into_id")
    op.drop_table("matter_class")
