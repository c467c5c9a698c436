"""models of Rasa that are examined anew when somebody asks for it at the console"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0072"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("rasa_training", sa.Column("examines", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_column("rasa_training", "examines")
