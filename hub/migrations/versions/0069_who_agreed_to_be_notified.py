"""who agreed to be sent subscribe messages, by follower and form, and how many are left"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import UtcDateTime

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "notice_consent",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("template_id", sa.String(length=100), nullable=False),
        sa.Column("left", sa.Integer(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_consent_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_consent")),
        sa.UniqueConstraint(
            "account_id", "sender", "template_id", name=op.f("uq_notice_consent_account_id_sender_template_id")
        ),
    )


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("notice_consent")
