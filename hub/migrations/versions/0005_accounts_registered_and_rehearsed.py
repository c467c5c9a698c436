"""accounts: proxy, limits, dates, filings, and their doubles in rehearsal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

DATES = ("closed_on", "certified_until", "tls_until", "apns_until", "filing_until")


def upgrade() -> None:
    """Brings the schema forward."""
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.add_column(sa.Column("stands_for", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("proxy", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("limits", Json, nullable=False, server_default="{}"))
        for name in DATES:
            batch_op.add_column(sa.Column(name, sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("filing_due", sa.String(length=12), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("filing_why", sa.String(length=300), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("checked_at", UtcDateTime(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_account_stands_for_account"), "account", ["stands_for"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_account_stands_for"), ["stands_for"])

    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rehearses", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_delivery_rehearses_account"), "account", ["rehearses"], ["id"])

    op.create_table(
        "account_filing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=100), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("notice_url", sa.String(length=500), nullable=False),
        sa.Column("document", sa.String(length=64), nullable=False),
        sa.Column("document_name", sa.String(length=200), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_filing_account_id_account")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_account_filing_created_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_filing")),
    )
    with op.batch_alter_table("account_filing", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_filing_account_id"), ["account_id"], unique=False)

    _create_rehearsed_placement()


def _create_rehearsed_placement() -> None:
    table = "rehearsed_placement"
    op.create_table(
        table,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=14), nullable=False),
        sa.Column("remote_id", sa.String(length=300), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("data", Json, nullable=False),
        sa.Column("correction", sa.String(length=12), nullable=False),
        sa.Column("live_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f(f"fk_{table}_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f(f"fk_{table}_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f(f"fk_{table}_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f(f"fk_{table}_release_id_release")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f(f"fk_{table}_revision_id_revision")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f(f"fk_{table}_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("piece_id", "account_id", name=op.f(f"uq_{table}_piece_id_account_id")),
    )
    with op.batch_alter_table(table, schema=None) as batch_op:
        for name in ("account_id", "piece_id", "unit_id"):
            batch_op.create_index(batch_op.f(f"ix_{table}_{name}"), [name], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    op.drop_table("rehearsed_placement")
    op.drop_table("account_filing")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_delivery_rehearses_account"), type_="foreignkey")
        batch_op.drop_column("rehearses")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_account_stands_for"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_account_stands_for_account"), type_="foreignkey")
        for name in ("stands_for", "proxy", "limits", *DATES, "filing_due", "filing_why", "checked_at"):
            batch_op.drop_column(name)
