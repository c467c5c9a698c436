"""previews at the platform, and who gets them on his phone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "preview_reader",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("reader", sa.String(length=100), nullable=False),
        sa.Column("agreed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_preview_reader_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview_reader")),
        sa.UniqueConstraint("person_id", "channel", name=op.f("uq_preview_reader_person_id_channel")),
    )
    with op.batch_alter_table("preview_reader", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preview_reader_person_id"), ["person_id"], unique=False)

    op.create_table(
        "preview",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("item", Json, nullable=False),
        sa.Column("note", Json, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("of", sa.Integer(), nullable=False),
        sa.Column("draft", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("losses", Json, nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("clean_at", UtcDateTime(), nullable=True),
        sa.Column("wanted_by", sa.Integer(), nullable=True),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("ready_at", UtcDateTime(), nullable=True),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_preview_account_id_account")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_preview_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_preview_release_id_release")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_preview_unit_id_unit")),
        sa.ForeignKeyConstraint(["wanted_by"], ["person.id"], name=op.f("fk_preview_wanted_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview")),
        sa.UniqueConstraint("key", name=op.f("uq_preview_key")),
    )
    with op.batch_alter_table("preview", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preview_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_clean_at"), ["clean_at"], unique=False)
        batch_op.create_index("ix_preview_piece_id_account_id", ["piece_id", "account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_release_id"), ["release_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "preview_send",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("preview_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_preview_send_person_id_person")),
        sa.ForeignKeyConstraint(["preview_id"], ["preview.id"], name=op.f("fk_preview_send_preview_id_preview")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preview_send")),
        sa.UniqueConstraint("preview_id", "person_id", name=op.f("uq_preview_send_preview_id_person_id")),
    )
    with op.batch_alter_table("preview_send", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_preview_send_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_send_preview_id"), ["preview_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_preview_send_state"), ["state"], unique=False)


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("preview_send", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preview_send_state"))
        batch_op.drop_index(batch_op.f("ix_preview_send_preview_id"))
        batch_op.drop_index(batch_op.f("ix_preview_send_person_id"))

    op.drop_table("preview_send")
    with op.batch_alter_table("preview", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preview_unit_id"))
        batch_op.drop_index(batch_op.f("ix_preview_state"))
        batch_op.drop_index(batch_op.f("ix_preview_release_id"))
        batch_op.drop_index("ix_preview_piece_id_account_id")
        batch_op.drop_index(batch_op.f("ix_preview_clean_at"))
        batch_op.drop_index(batch_op.f("ix_preview_claimed_until"))

    op.drop_table("preview")
    with op.batch_alter_table("preview_reader", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_preview_reader_person_id"))

    op.drop_table("preview_reader")
