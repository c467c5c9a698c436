"""watched feeds, what they brought, and what accounts must carry"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "watched_feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=300), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("checked_at", UtcDateTime(), nullable=True),
        sa.Column("good_at", UtcDateTime(), nullable=True),
        sa.Column("broken_since", UtcDateTime(), nullable=True),
        sa.Column("fault", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_watched_feed_column_id_column")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_watched_feed_created_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_watched_feed_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_watched_feed")),
        sa.UniqueConstraint("unit_id", "address", name=op.f("uq_watched_feed_unit_id_address")),
    )
    op.create_index(op.f("ix_watched_feed_next_at"), "watched_feed", ["next_at"])
    op.create_table(
        "feed_account",
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_feed_account_account_id_account")),
        sa.ForeignKeyConstraint(["feed_id"], ["watched_feed.id"], name=op.f("fk_feed_account_feed_id_watched_feed")),
        sa.PrimaryKeyConstraint("feed_id", "account_id", name=op.f("pk_feed_account")),
    )
    op.create_table(
        "feed_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("link", sa.String(length=1000), nullable=False),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("counts_from", UtcDateTime(), nullable=False),
        sa.Column("entry", Json, nullable=False),
        sa.Column("no_task", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["watched_feed.id"], name=op.f("fk_feed_item_feed_id_watched_feed")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_feed_item_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed_item")),
        sa.UniqueConstraint("feed_id", "key", name=op.f("uq_feed_item_feed_id_key")),
    )
    op.create_index(op.f("ix_feed_item_seen_at"), "feed_item", ["seen_at"])
    op.create_index(op.f("ix_feed_item_unit_id"), "feed_item", ["unit_id"])
    op.create_table(
        "repost_task",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("assignee_id", sa.Integer(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_repost_task_account_id_account")),
        sa.ForeignKeyConstraint(["assignee_id"], ["person.id"], name=op.f("fk_repost_task_assignee_id_person")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_repost_task_decided_by_person")),
        sa.ForeignKeyConstraint(["item_id"], ["feed_item.id"], name=op.f("fk_repost_task_item_id_feed_item")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_repost_task_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_repost_task_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repost_task")),
        sa.UniqueConstraint("account_id", "source_key", name=op.f("uq_repost_task_account_id_source_key")),
    )
    op.create_index(op.f("ix_repost_task_assignee_id"), "repost_task", ["assignee_id"])
    op.create_index(op.f("ix_repost_task_item_id"), "repost_task", ["item_id"])
    op.create_index(op.f("ix_repost_task_piece_id"), "repost_task", ["piece_id"])
    op.create_index("ix_repost_task_state_due_at", "repost_task", ["state", "due_at"])
    op.create_index("ix_repost_task_unit_id_state_due_at", "repost_task", ["unit_id", "state", "due_at"])


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("repost_task")
    op.drop_table("feed_item")
    op.drop_table("feed_account")
    op.drop_table("watched_feed")
