"""a session names the service item it was about, and its rating counts there as 好差评"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("conversation") as batch:
        batch.add_column(sa.Column("service_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(batch.f("fk_conversation_service_id_piece"), "piece", ["service_id"], ["id"])
    with op.batch_alter_table("rating") as batch:
        batch.add_column(sa.Column("service_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("service_unit_id", sa.Integer(), nullable=True))
        batch.create_index(batch.f("ix_rating_service_id"), ["service_id"])
        batch.create_index(batch.f("ix_rating_service_unit_id"), ["service_unit_id"])
        batch.create_foreign_key(batch.f("fk_rating_service_id_piece"), "piece", ["service_id"], ["id"])
        batch.create_foreign_key(batch.f("fk_rating_service_unit_id_unit"), "unit", ["service_unit_id"], ["id"])


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("rating") as batch:
        batch.drop_constraint(batch.f("fk_rating_service_unit_id_unit"), type_="foreignkey")
        batch.drop_constraint(batch.f("fk_rating_service_id_piece"), type_="foreignkey")
        batch.drop_index(batch.f("ix_rating_service_unit_id"))
        batch.drop_index(batch.f("ix_rating_service_id"))
        batch.drop_column("service_unit_id")
        batch.drop_column("service_id")
    with op.batch_alter_table("conversation") as batch:
        batch.drop_constraint(batch.f("fk_conversation_service_id_piece"), type_="foreignkey")
        batch.drop_column("service_id")
