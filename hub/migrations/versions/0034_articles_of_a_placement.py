"""a placement's articles are counted and heard each by itself"""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

UNIQUE = {
    "channel_reading": (["placement_id"], ["day"]),
    "comment_thread": (["piece_id", "account_id"], []),
}


def upgrade() -> None:
    """Brings the schema forward; figures and threads of what was published again belong to its further article."""
    for name, (before, after) in UNIQUE.items():
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("article", sa.Integer(), nullable=False, server_default="0"))
            table.drop_constraint(op.f(f"uq_{name}_{'_'.join([*before, *after])}"), type_="unique")
            columns = [*before, "article", *after]
            table.create_unique_constraint(op.f(f"uq_{name}_{'_'.join(columns)}"), columns)
    _sort_in()
    for name in UNIQUE:
        with op.batch_alter_table(name) as table:
            table.alter_column("article", server_default=None, existing_type=sa.Integer())


def downgrade() -> None:
    """Takes the schema back; of two articles counted on one day the newer is kept, comments come beneath one thread."""
    _merge()
    for name, (before, after) in UNIQUE.items():
        with op.batch_alter_table(name) as table:
            table.drop_constraint(op.f(f"uq_{name}_{'_'.join([*before, 'article', *after])}"), type_="unique")
            table.drop_column("article")
            table.create_unique_constraint(op.f(f"uq_{name}_{'_'.join([*before, *after])}"), [*before, *after])


def _merge() -> None:
    reading = sa.table("channel_reading", sa.column("id"), sa.column("placement_id"), sa.column("day"))
    newest = sa.select(sa.func.max(reading.c.id)).group_by(reading.c.placement_id, reading.c.day)
    op.execute(sa.delete(reading).where(reading.c.id.not_in(newest)))
    thread = sa.table(
        "comment_thread", sa.column("id"), sa.column("piece_id"), sa.column("account_id"), sa.column("article")
    )
    comment = sa.table("comment", sa.column("thread_id"), sa.column("remote_id", sa.String()))
    connection = op.get_bind()
    threads = connection.execute(sa.select(thread).order_by(thread.c.article)).all()
    kept = {(row.piece_id, row.account_id): row.id for row in threads}
    for row in threads:
        into = kept[row.piece_id, row.account_id]
        if into != row.id:  # Each article has comments numbered from 1 at some platforms.
            values = {"thread_id": into, "remote_id": comment.c.remote_id + f"#{row.article}"}
            connection.execute(sa.update(comment).where(comment.c.thread_id == row.id).values(**values))
            connection.execute(sa.delete(thread).where(thread.c.id == row.id))


def _sort_in() -> None:
    json = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    placement = sa.table(
        "placement", sa.column("id"), sa.column("piece_id"), sa.column("account_id"), sa.column("data", json)
    )
    reading = sa.table("channel_reading", sa.column("placement_id"), sa.column("day", sa.Date()), sa.column("article"))
    thread = sa.table("comment_thread", sa.column("piece_id"), sa.column("account_id"), sa.column("article"))
    connection = op.get_bind()
    for row in connection.execute(sa.select(placement)).all():
        earlier = (row.data or {}).get("stood_before") or [] if isinstance(row.data, dict) else []
        for number, one in enumerate(earlier, start=1):
            since = reading.c.day >= date.fromisoformat(one["until"])
            mine = sa.update(reading).where(reading.c.placement_id == row.id, since)
            connection.execute(mine.values(article=number))
        if earlier:
            of = (thread.c.piece_id == row.piece_id, thread.c.account_id == row.account_id)
            connection.execute(sa.update(thread).where(*of).values(article=len(earlier)))
