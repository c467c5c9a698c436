"""models of the bot, and what an answer of the bot rests on"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from kernel.model import UtcDateTime

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "bot_model",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("artefact", sa.String(length=64), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("taught", _json(), nullable=False),
        sa.Column("figures", _json(), nullable=False),
        sa.Column("before", _json(), nullable=False),
        sa.Column("faults", _json(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_bot_model_decided_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_model")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_bot_model_fingerprint")),
    )
    op.create_index(
        "uq_bot_model_state_current",
        "bot_model",
        ["state"],
        unique=True,
        sqlite_where=sa.text("state = 'current'"),
        postgresql_where=sa.text("state = 'current'"),
    )
    with op.batch_alter_table("outbound_reply") as table:
        table.add_column(sa.Column("basis", _json(), nullable=False, server_default="{}"))
    with op.batch_alter_table("outbound_reply") as table:
        table.alter_column("basis", server_default=None, existing_type=_json())


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("outbound_reply") as table:
        table.drop_column("basis")
    op.drop_table("bot_model")
