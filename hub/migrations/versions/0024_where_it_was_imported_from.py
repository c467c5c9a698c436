"""what an imported piece was taken from, filled in from its first words and from the runs that are kept"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("imported") as batch:
        batch.add_column(sa.Column("source", sa.String(length=1000), server_default="", nullable=False))
    with op.batch_alter_table("imported") as batch:
        batch.alter_column("source", server_default=None, existing_type=sa.String(length=1000))
    link = op.get_bind()
    link.execute(
        sa.text(
            "UPDATE imported SET source = COALESCE((SELECT source_url FROM revision"
            " WHERE revision.piece_id = imported.piece_id AND revision.number = 1), '')"
        )
    )
    for source, rows in link.execute(sa.text("SELECT source, rows FROM import_run")).all():
        for row in _listed(rows):
            if row.get("piece_id") and row.get("state") == "new" and source:
                known = {"source": str(source)[:1000], "piece": row["piece_id"]}
                link.execute(
                    sa.text("UPDATE imported SET source = :source WHERE piece_id = :piece AND source = ''"), known
                )


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("imported") as batch:
        batch.drop_column("source")


def _listed(rows: Any) -> list[dict[str, Any]]:
    found = json.loads(rows) if isinstance(rows, str) else rows
    return [row for row in found or [] if isinstance(row, dict)]
