"""danger in a ticket is told until somebody sees to it; whoever waits long is told once more where he stands"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

COLUMNS = ("urgent_at", "urgent_word", "urgent_told", "urgent_told_at", "acknowledged_at", "acknowledged_by")


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("urgent_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("urgent_word", sa.String(length=40), nullable=False, server_default=""))
        batch.add_column(sa.Column("urgent_told", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("urgent_told_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("acknowledged_at", UtcDateTime(), nullable=True))
        batch.add_column(sa.Column("acknowledged_by", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_ticket_acknowledged_by_person"), "person", ["acknowledged_by"], ["id"])
    unseen = sa.text("urgent_at IS NOT NULL AND acknowledged_at IS NULL")
    op.create_index("ix_ticket_unit_id_danger", "ticket", ["unit_id"], sqlite_where=unseen, postgresql_where=unseen)
    op.add_column("conversation", sa.Column("wait_told_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("conversation") as batch:
        batch.drop_column("wait_told_at")
    op.drop_index("ix_ticket_unit_id_danger", "ticket")
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(op.f("fk_ticket_acknowledged_by_person"), type_="foreignkey")
        for name in reversed(COLUMNS):
            batch.drop_column(name)
