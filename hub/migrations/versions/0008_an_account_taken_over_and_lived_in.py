"""an account taken over and lived in"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "account_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("remote_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_tag_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_tag")),
        sa.UniqueConstraint("account_id", "remote_id", name=op.f("uq_account_tag_account_id_remote_id")),
    )
    with op.batch_alter_table("account_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_tag_account_id"), ["account_id"], unique=False)

    op.create_table(
        "auto_reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("words", Json, nullable=False),
        sa.Column("act", sa.String(length=10), nullable=False),
        sa.Column("answers", Json, nullable=False),
        sa.Column("several", sa.String(length=5), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("approved_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_auto_reply_account_id_account")),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_auto_reply_approved_by_person")),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_auto_reply_column_id_column")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_auto_reply_made_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auto_reply")),
    )
    with op.batch_alter_table("auto_reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_auto_reply_account_id"), ["account_id"], unique=False)

    op.create_table(
        "menu_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("buttons", Json, nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_menu_version_account_id_account")),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_menu_version_approved_by_person")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_menu_version_made_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_menu_version")),
        sa.UniqueConstraint("account_id", "number", name=op.f("uq_menu_version_account_id_number")),
    )
    with op.batch_alter_table("menu_version", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_menu_version_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_menu_version_claimed_until"), ["claimed_until"], unique=False)

    op.create_table(
        "notice_end",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("arrived", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_end_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_end")),
        sa.UniqueConstraint("account_id", "job", name=op.f("uq_notice_end_account_id_job")),
    )
    op.create_table(
        "notice_form",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=30), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("template_id", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("places", Json, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_form_account_id_account")),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_notice_form_changed_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_form")),
        sa.UniqueConstraint("account_id", "purpose", name=op.f("uq_notice_form_account_id_purpose")),
    )
    with op.batch_alter_table("notice_form", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_form_account_id"), ["account_id"], unique=False)

    op.create_table(
        "takeover",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("began_by", sa.Integer(), nullable=True),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("standing", Json, nullable=False),
        sa.Column("standing_at", UtcDateTime(), nullable=True),
        sa.Column("present", Json, nullable=False),
        sa.Column("present_at", UtcDateTime(), nullable=True),
        sa.Column("imported_at", UtcDateTime(), nullable=True),
        sa.Column("steps", Json, nullable=False),
        sa.Column("greeted_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_takeover_account_id_account")),
        sa.ForeignKeyConstraint(["began_by"], ["person.id"], name=op.f("fk_takeover_began_by_person")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_takeover")),
    )
    op.create_table(
        "ticket_notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("way", sa.String(length=10), nullable=False),
        sa.Column("template_id", sa.String(length=100), nullable=False),
        sa.Column("values", Json, nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=True),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("job", sa.String(length=60), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_ticket_notice_account_id_account")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_ticket_notice_ticket_id_ticket")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_ticket_notice_key")),
    )
    with op.batch_alter_table("ticket_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_notice_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_notice_job"), ["job"], unique=False)
        batch_op.create_index("ix_ticket_notice_state_next_at", ["state", "next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_ticket_notice_ticket_id"), ["ticket_id"], unique=False)

    with op.batch_alter_table("outbound_reply", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rule", sa.String(length=80), nullable=False, server_default=""))


def downgrade() -> None:
    """Takes the schema back."""
    with op.batch_alter_table("outbound_reply", schema=None) as batch_op:
        batch_op.drop_column("rule")

    with op.batch_alter_table("ticket_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ticket_notice_ticket_id"))
        batch_op.drop_index("ix_ticket_notice_state_next_at")
        batch_op.drop_index(batch_op.f("ix_ticket_notice_job"))
        batch_op.drop_index(batch_op.f("ix_ticket_notice_claimed_until"))

    op.drop_table("ticket_notice")
    op.drop_table("takeover")
    with op.batch_alter_table("notice_form", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_form_account_id"))

    op.drop_table("notice_form")
    op.drop_table("notice_end")
    with op.batch_alter_table("menu_version", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_menu_version_claimed_until"))
        batch_op.drop_index(batch_op.f("ix_menu_version_account_id"))

    op.drop_table("menu_version")
    with op.batch_alter_table("auto_reply", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_auto_reply_account_id"))

    op.drop_table("auto_reply")
    with op.batch_alter_table("account_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_tag_account_id"))

    op.drop_table("account_tag")
