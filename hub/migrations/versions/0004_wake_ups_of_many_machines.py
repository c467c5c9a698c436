"""the tables of the queue, on PostgreSQL"""

from __future__ import annotations

from alembic import op

from scheduler.queue import create_tables, drop_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    if op.get_bind().dialect.name == "postgresql":
        create_tables(op.get_bind())


def downgrade() -> None:
    """Takes it back."""
    if op.get_bind().dialect.name == "postgresql":
        drop_tables(op.get_bind())
