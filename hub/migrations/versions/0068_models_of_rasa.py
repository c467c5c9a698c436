"""a model of the bot is one engine's; each engine has its own in service, and a swap on a Rasa server is claimed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.drop_index("uq_bot_model_state_current", "bot_model")
    with op.batch_alter_table("bot_model") as batch:
        batch.add_column(sa.Column("engine", sa.String(length=10), nullable=False, server_default="embedded"))
        batch.add_column(sa.Column("claimed_by", sa.String(length=40), nullable=True))
        batch.add_column(sa.Column("claimed_until", UtcDateTime(), nullable=True))
        batch.drop_constraint(op.f("uq_bot_model_fingerprint"), type_="unique")
        batch.create_unique_constraint(op.f("uq_bot_model_engine_fingerprint"), ["engine", "fingerprint"])
        batch.create_index(op.f("ix_bot_model_claimed_until"), ["claimed_until"])
    _one_current("engine")


def downgrade() -> None:
    """Takes the schema back; what Rasa learned is not known to the version before."""
    op.execute("DELETE FROM bot_model WHERE engine <> 'embedded'")
    op.drop_index("uq_bot_model_engine_current", "bot_model")
    with op.batch_alter_table("bot_model") as batch:
        batch.drop_index(op.f("ix_bot_model_claimed_until"))
        batch.drop_constraint(op.f("uq_bot_model_engine_fingerprint"), type_="unique")
        batch.create_unique_constraint(op.f("uq_bot_model_fingerprint"), ["fingerprint"])
        for name in ("claimed_until", "claimed_by", "engine"):
            batch.drop_column(name)
    _one_current("state")


def _one_current(column: str) -> None:
    current = sa.text("state = 'current'")
    name = f"uq_bot_model_{column}_current"
    op.create_index(name, "bot_model", [column], unique=True, sqlite_where=current, postgresql_where=current)
