"""topics and consent of browsers"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "push_topic",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("value", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["push_subscription.id"], name=op.f("fk_push_topic_subscription_id_push_subscription")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_topic")),
        sa.UniqueConstraint("subscription_id", "kind", "value", name=op.f("uq_push_topic_subscription_id_kind_value")),
    )
    op.create_table(
        "push_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("subscription_id", sa.Integer(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(length=20), nullable=False),
        sa.Column("topics", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["push_subscription.id"],
            name=op.f("fk_push_consent_subscription_id_push_subscription"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_consent")),
    )
    op.create_table(
        "push_fan_out",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("audience", Json, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_push_fan_out_account_id_account")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_push_fan_out")),
    )
    for table, column in (
        ("push_topic", "subscription_id"),
        ("push_consent", "subscription_id"),
        ("push_fan_out", "account_id"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
    with op.batch_alter_table("push_subscription", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin", sa.String(length=200), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("columns", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("districts", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_index("ix_push_subscription_account_id_origin_id", ["account_id", "origin", "id"], unique=False)
    with op.batch_alter_table("push_reach", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code", sa.String(length=8), nullable=False, server_default=""))
        batch_op.drop_index(batch_op.f("ix_push_reach_key"))
    _fill_origins()


def _fill_origins() -> None:
    """The push service of each browser that subscribed before: its address up to the path."""
    table = sa.table("push_subscription", sa.column("id"), sa.column("endpoint"), sa.column("origin"))
    connection = op.get_bind()
    for number, endpoint in connection.execute(sa.select(table.c.id, table.c.endpoint)).all():
        origin = "/".join(endpoint.split("/")[:3])[:200]
        connection.execute(sa.update(table).where(table.c.id == number).values(origin=origin))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("push_reach", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_push_reach_key"), ["key"], unique=False)
        batch_op.drop_column("code")
    with op.batch_alter_table("push_subscription", schema=None) as batch_op:
        batch_op.drop_index("ix_push_subscription_account_id_origin_id")
        batch_op.drop_column("districts")
        batch_op.drop_column("columns")
        batch_op.drop_column("origin")
    op.drop_table("push_fan_out")
    op.drop_table("push_consent")
    op.drop_table("push_topic")
