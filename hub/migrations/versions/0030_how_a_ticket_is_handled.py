"""who handles a ticket, who handed it over, how often it was urged, and what more time was asked for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "ticket_extension",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("words", sa.String(300), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_extension_ticket_id_ticket")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_ticket_extension_unit_id_unit")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_ticket_extension_asked_by_person")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_ticket_extension_decided_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_extension")),
    )
    op.create_index(op.f("ix_ticket_extension_ticket_id"), "ticket_extension", ["ticket_id"])
    op.create_index(op.f("ix_ticket_extension_unit_id"), "ticket_extension", ["unit_id"])
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("handler_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("sent_from_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("received_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("urged", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("urged_at", UtcDateTime(), nullable=True))
        batch.create_index(batch.f("ix_ticket_handler_id"), ["handler_id"])
        batch.create_foreign_key(batch.f("fk_ticket_handler_id_person"), "person", ["handler_id"], ["id"])
        batch.create_foreign_key(batch.f("fk_ticket_sent_from_id_unit"), "unit", ["sent_from_id"], ["id"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(batch.f("fk_ticket_sent_from_id_unit"), type_="foreignkey")
        batch.drop_constraint(batch.f("fk_ticket_handler_id_person"), type_="foreignkey")
        batch.drop_index(batch.f("ix_ticket_handler_id"))
        for name in ("urged_at", "urged", "received_at", "sent_from_id", "handler_id"):
            batch.drop_column(name)
    op.drop_table("ticket_extension")
