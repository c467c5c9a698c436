"""who decided the order of a bundle"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ordered_by", sa.Integer(), nullable=True))
        batch_op.create_foreign_key("fk_delivery_ordered_by_person", "person", ["ordered_by"], ["id"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint("fk_delivery_ordered_by_person", type_="foreignkey")
        batch_op.drop_column("ordered_by")
