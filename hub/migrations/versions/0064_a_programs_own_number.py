"""a program's ticket keeps the key that it was made under, so that a repetition makes no second one"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("ticket") as batch:
        batch.add_column(sa.Column("made_key", sa.String(length=90), nullable=True))
        batch.create_unique_constraint(op.f("uq_ticket_made_key"), ["made_key"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("ticket") as batch:
        batch.drop_constraint(op.f("uq_ticket_made_key"), type_="unique")
        batch.drop_column("made_key")
