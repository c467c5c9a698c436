"""unread notices are found by their person and by their link; what is read burdens neither index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

COLUMNS = ("person_id", "link")


def upgrade() -> None:
    """Brings the schema forward."""
    unread = sa.text("read_at IS NULL")
    for column in COLUMNS:
        name = f"ix_notice_{column}_unread"
        op.create_index(name, "notice", [column], sqlite_where=unread, postgresql_where=unread)
    op.drop_index("ix_notice_person_id_read_at", "notice")


def downgrade() -> None:
    """Takes the schema back."""
    op.create_index("ix_notice_person_id_read_at", "notice", ["person_id", "read_at"])
    for column in reversed(COLUMNS):
        op.drop_index(f"ix_notice_{column}_unread", "notice")
