"""an item knows what its delivery is for, so that the withdrawals of a piece are found at once"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.add_column("delivery_item", sa.Column("action", sa.String(20), nullable=True))
    op.execute(
        "UPDATE delivery_item SET action ="
        " (SELECT delivery.action FROM delivery WHERE delivery.id = delivery_item.delivery_id)"
    )
    with op.batch_alter_table("delivery_item") as batch:
        batch.alter_column("action", existing_type=sa.String(20), nullable=False)
    op.create_index("ix_delivery_item_piece_id_action", "delivery_item", ["piece_id", "action"])
    op.drop_index("ix_delivery_item_piece_id", "delivery_item")


def downgrade() -> None:
    """Takes the schema back."""
    op.create_index("ix_delivery_item_piece_id", "delivery_item", ["piece_id"])
    op.drop_index("ix_delivery_item_piece_id_action", "delivery_item")
    with op.batch_alter_table("delivery_item") as batch:
        batch.drop_column("action")
