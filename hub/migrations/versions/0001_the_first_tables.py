"""the first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from kernel.model import Json, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings the schema forward."""
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "calendar_day",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "duty_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=500), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_mark")),
        sa.UniqueConstraint("name", name=op.f("uq_duty_mark_name")),
    )
    with op.batch_alter_table("duty_mark", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_duty_mark_claimed_until"), ["claimed_until"], unique=False)

    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("path", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_unit_path"), ["path"], unique=False)

    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("base_url", sa.String(length=500), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("register", Json, nullable=False),
        sa.Column("rehearsal", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("credential_dead_at", UtcDateTime(), nullable=True),
        sa.Column("last_success_at", UtcDateTime(), nullable=True),
        sa.Column("last_failure_at", UtcDateTime(), nullable=True),
        sa.Column("last_failure", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_account_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("code", name=op.f("uq_account_code")),
    )
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_account_channel"), ["channel"], unique=False)
        batch_op.create_index(batch_op.f("ix_account_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "audit_line",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=100), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("act", sa.String(length=80), nullable=False),
        sa.Column("object_kind", sa.String(length=60), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_audit_line_unit_id_unit")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_line")),
    )
    with op.batch_alter_table("audit_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_line_act"), ["act"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_line_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_line_at"), ["at"], unique=False)
        batch_op.create_index("ix_audit_line_object_kind_object_id", ["object_kind", "object_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_line_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "column",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=False),
        sa.Column("keywords", sa.String(length=300), nullable=False),
        sa.Column("freshness_days", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_column_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column")),
        sa.UniqueConstraint("slug", name=op.f("uq_column_slug")),
    )
    with op.batch_alter_table("column", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_column_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "listed_word",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("word", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("instead", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_listed_word_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listed_word")),
        sa.UniqueConstraint("unit_id", "word", name=op.f("uq_listed_word_unit_id_word")),
    )
    with op.batch_alter_table("listed_word", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listed_word_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("login", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_person_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("login", name=op.f("uq_person_login")),
    )
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "access_token",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("fetching_until", UtcDateTime(), nullable=True),
        sa.Column("fetching_by", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_token_account_id_account")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_access_token")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("scopes", Json, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_api_token_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_token_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_api_token_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "conversation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("sender", sa.String(length=120), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("engine_session", sa.String(length=40), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("pending", sa.String(length=10), nullable=False),
        sa.Column("choices", Json, nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.Column("waiting_since", UtcDateTime(), nullable=True),
        sa.Column("waiting_reason", sa.String(length=20), nullable=False),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("handed_off_at", UtcDateTime(), nullable=True),
        sa.Column("first_reply_at", UtcDateTime(), nullable=True),
        sa.Column("snoozed_until", UtcDateTime(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("urgent_at", UtcDateTime(), nullable=True),
        sa.Column("urgent_word", sa.String(length=40), nullable=False),
        sa.Column("urgent_told", sa.Integer(), nullable=False),
        sa.Column("urgent_told_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_at", UtcDateTime(), nullable=True),
        sa.Column("acknowledged_by", sa.Integer(), nullable=True),
        sa.Column("window_until", UtcDateTime(), nullable=True),
        sa.Column("messages_left", sa.Integer(), nullable=True),
        sa.Column("rating_asked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_conversation_account_id_account")),
        sa.ForeignKeyConstraint(
            ["acknowledged_by"], ["person.id"], name=op.f("fk_conversation_acknowledged_by_person")
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["person.id"], name=op.f("fk_conversation_agent_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_conversation_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_conversation_token_hash")),
    )
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_conversation_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index("ix_conversation_state_heard_at", ["state", "heard_at"], unique=False)
        batch_op.create_index("ix_conversation_unit_id_state", ["unit_id", "state"], unique=False)
        batch_op.create_index(
            "uq_conversation_account_id_sender_going_on",
            ["account_id", "sender"],
            unique=True,
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )

    op.create_table(
        "credential",
        sa.Column("person_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=200), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.Column("totp", sa.String(length=400), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id_person")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_credential")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("occurrence", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("scheduled_at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("audience", Json, nullable=False),
        sa.Column("note", Json, nullable=False),
        sa.Column("phrase", sa.String(length=200), nullable=False),
        sa.Column("unsigned", sa.String(length=4), nullable=False),
        sa.Column("missed_after", sa.Integer(), nullable=True),
        sa.Column("missed_act", sa.String(length=4), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("job_id", sa.String(length=200), nullable=True),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("accepted_until", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("first_attempt_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("late_told_at", UtcDateTime(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_delivery_account_id_account")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_delivery_created_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_delivery_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("identity", name=op.f("uq_delivery_identity")),
        sa.UniqueConstraint("key", name=op.f("uq_delivery_key")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index("ix_delivery_account_id_state_next_at", ["account_id", "state", "next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_job_id"), ["job_id"], unique=False)
        batch_op.create_index("ix_delivery_state_next_at", ["state", "next_at"], unique=False)
        batch_op.create_index("ix_delivery_unit_id_scheduled_at", ["unit_id", "scheduled_at"], unique=False)

    op.create_table(
        "deputy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("deputy_id", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["deputy_id"], ["person.id"], name=op.f("fk_deputy_deputy_id_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_deputy_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deputy")),
    )
    with op.batch_alter_table("deputy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deputy_deputy_id"), ["deputy_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deputy_person_id"), ["person_id"], unique=False)

    op.create_table(
        "grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("below", sa.Boolean(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_grant_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_grant_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant")),
        sa.UniqueConstraint("person_id", "role", "unit_id", name=op.f("uq_grant_person_id_role_unit_id")),
    )
    with op.batch_alter_table("grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_grant_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_grant_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=1000), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rows", Json, nullable=False),
        sa.Column("remarks", Json, nullable=False),
        sa.Column("fault", sa.String(length=1000), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_import_run_column_id_column")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_import_run_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_import_run_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_import_run_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_run_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_login_session_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_login_session_token_hash")),
    )
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_session_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_session_person_id"), ["person_id"], unique=False)

    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("link", sa.String(length=500), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_notice_person_id_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_notice_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_notice_person_id_key")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_notice_person_id_read_at", ["person_id", "read_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=60), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("object_kind", sa.String(length=60), nullable=False),
        sa.Column("object_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("code_hash", sa.String(length=64), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_one_time_link_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.create_index("ix_one_time_link_object_kind_object_id", ["object_kind", "object_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_one_time_link_person_id"), ["person_id"], unique=False)

    op.create_table(
        "piece",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("release_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(length=20), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=True),
        sa.Column("first_published_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_piece_author_id_person")),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_piece_column_id_column")),
        sa.ForeignKeyConstraint(
            ["release_id"], ["release.id"], name=op.f("fk_piece_release_id_release"), use_alter=True
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revision.id"], name=op.f("fk_piece_revision_id_revision"), use_alter=True
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_piece_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_piece")),
    )
    with op.batch_alter_table("piece", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_piece_author_id"), ["author_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_column_id"), ["column_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_first_published_at"), ["first_published_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_source_key"), ["source_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index("ix_piece_unit_id_state_updated_at", ["unit_id", "state", "updated_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_piece_updated_at"), ["updated_at"], unique=False)

    op.create_table(
        "quota_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("quota", sa.String(length=40), nullable=False),
        sa.Column("period", sa.String(length=10), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_quota_use_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quota_use")),
        sa.UniqueConstraint("account_id", "quota", "period", name=op.f("uq_quota_use_account_id_quota_period")),
    )
    with op.batch_alter_table("quota_use", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quota_use_account_id"), ["account_id"], unique=False)

    op.create_table(
        "rule_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("value", Json, nullable=False),
        sa.Column("in_force_at", UtcDateTime(), nullable=False),
        sa.Column("set_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["set_by"], ["person.id"], name=op.f("fk_rule_version_set_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_rule_version_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_version")),
    )
    with op.batch_alter_table("rule_version", schema=None) as batch_op:
        batch_op.create_index("ix_rule_version_name_unit_id", ["name", "unit_id"], unique=False)

    op.create_table(
        "seen_push",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("stamp", sa.String(length=64), nullable=False),
        sa.Column("body", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_seen_push_account_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seen_push")),
        sa.UniqueConstraint("account_id", "stamp", name=op.f("uq_seen_push_account_id_stamp")),
    )
    with op.batch_alter_table("seen_push", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_seen_push_at"), ["at"], unique=False)

    op.create_table(
        "asset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("alt", sa.String(length=300), nullable=False),
        sa.Column("decorative", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_asset_created_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_asset_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_asset_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asset")),
    )
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_asset_piece_id"), ["piece_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_asset_sha256"), ["sha256"], unique=False)
        batch_op.create_index(batch_op.f("ix_asset_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=12), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=14), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_attempt_delivery_id_delivery")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_delivery_id"), ["delivery_id"], unique=False)

    op.create_table(
        "imported",
        sa.Column("piece_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_imported_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_imported_unit_id_unit")),
        sa.PrimaryKeyConstraint("piece_id", name=op.f("pk_imported")),
        sa.UniqueConstraint("unit_id", "source_key", name=op.f("uq_imported_unit_id_source_key")),
    )
    with op.batch_alter_table("imported", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_imported_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "inbound_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("origin", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=150), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("media", Json, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_inbound_message_conversation_id_conversation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
        sa.UniqueConstraint("origin", "key", name=op.f("uq_inbound_message_origin_key")),
    )
    with op.batch_alter_table("inbound_message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_inbound_message_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index("ix_inbound_message_conversation_id_number", ["conversation_id", "number"], unique=False)
        batch_op.create_index(
            "ix_inbound_message_handled_at_claimed_until", ["handled_at", "claimed_until"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_inbound_message_received_at"), ["received_at"], unique=False)

    op.create_table(
        "notice_send",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("notice_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_notice_send_notice_id_notice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_send")),
    )
    with op.batch_alter_table("notice_send", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_send_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index(batch_op.f("ix_notice_send_notice_id"), ["notice_id"], unique=False)
        batch_op.create_index("ix_notice_send_state_next_at", ["state", "next_at"], unique=False)

    op.create_table(
        "page_read",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("hour", UtcDateTime(), nullable=False),
        sa.Column("reads", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_page_read_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_page_read_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_read")),
        sa.UniqueConstraint("piece_id", "channel", "hour", name=op.f("uq_page_read_piece_id_channel_hour")),
    )
    with op.batch_alter_table("page_read", schema=None) as batch_op:
        batch_op.create_index("ix_page_read_unit_id_hour", ["unit_id", "hour"], unique=False)

    op.create_table(
        "rating",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["person.id"], name=op.f("fk_rating_agent_id_person")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_rating_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_rating_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rating")),
        sa.UniqueConstraint("conversation_id", name=op.f("uq_rating_conversation_id")),
    )
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rating_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_rating_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "revision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("cover_id", sa.Integer(), nullable=True),
        sa.Column("source_name", sa.String(length=100), nullable=False),
        sa.Column("source_url", sa.String(length=1000), nullable=False),
        sa.Column("editor", sa.String(length=60), nullable=False),
        sa.Column("keywords", sa.String(length=300), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["cover_id"], ["asset.id"], name=op.f("fk_revision_cover_id_asset"), use_alter=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_revision_created_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_revision_piece_id_piece")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revision")),
        sa.UniqueConstraint("piece_id", "number", name=op.f("uq_revision_piece_id_number")),
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_revision_piece_id"), ["piece_id"], unique=False)

    op.create_table(
        "suggestion",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("facts", Json, nullable=False),
        sa.Column("draft", Json, nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("remark", sa.String(length=500), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_suggestion_column_id_column")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_suggestion_decided_by_person")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_suggestion_piece_id_piece")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_suggestion_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion")),
        sa.UniqueConstraint("key", name=op.f("uq_suggestion_key")),
    )
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.create_index("ix_suggestion_unit_id_state", ["unit_id", "state"], unique=False)

    op.create_table(
        "ticket",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("page", sa.String(length=500), nullable=False),
        sa.Column("contact", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("late_told_at", UtcDateTime(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by", sa.Integer(), nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_ticket_answered_by_person")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_ticket_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_ticket_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
    )
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_conversation_id"), ["conversation_id"], unique=False)
        batch_op.create_index("ix_ticket_unit_id_state_due_at", ["unit_id", "state", "due_at"], unique=False)

    op.create_table(
        "lift",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("finding_key", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_lift_person_id_person")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_lift_revision_id_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lift")),
        sa.UniqueConstraint("revision_id", "finding_key", name=op.f("uq_lift_revision_id_finding_key")),
    )
    with op.batch_alter_table("lift", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_lift_revision_id"), ["revision_id"], unique=False)

    op.create_table(
        "outbound_reply",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("conversation_id", sa.Integer(), nullable=False),
        sa.Column("inbound_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("side", sa.String(length=10), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sources", Json, nullable=False),
        sa.Column("choices", Json, nullable=False),
        sa.Column("ask", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("route", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("claimed_by", sa.String(length=40), nullable=True),
        sa.Column("claimed_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_outbound_reply_conversation_id_conversation")
        ),
        sa.ForeignKeyConstraint(
            ["inbound_id"], ["inbound_message.id"], name=op.f("fk_outbound_reply_inbound_id_inbound_message")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_outbound_reply_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_reply")),
    )
    with op.batch_alter_table("outbound_reply", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbound_reply_claimed_until"), ["claimed_until"], unique=False)
        batch_op.create_index("ix_outbound_reply_conversation_id_number", ["conversation_id", "number"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbound_reply_inbound_id"), ["inbound_id"], unique=False)
        batch_op.create_index("ix_outbound_reply_state_next_at", ["state", "next_at"], unique=False)

    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("levels", sa.Integer(), nullable=False),
        sa.Column("proofs", sa.Integer(), nullable=False),
        sa.Column("emergency", sa.Boolean(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("submitted_by", sa.Integer(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("signed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_release_piece_id_piece")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_release_revision_id_revision")),
        sa.ForeignKeyConstraint(["submitted_by"], ["person.id"], name=op.f("fk_release_submitted_by_person")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_release_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("piece_id", "number", name=op.f("uq_release_piece_id_number")),
    )
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_release_piece_id"), ["piece_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_state"), ["state"], unique=False)
        batch_op.create_index(batch_op.f("ix_release_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "variant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("digest", sa.String(length=1000), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("layout", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_variant_revision_id_revision")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint("revision_id", "channel", name=op.f("uq_variant_revision_id_channel")),
    )
    with op.batch_alter_table("variant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_variant_revision_id"), ["revision_id"], unique=False)

    op.create_table(
        "delivery_item",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("piece_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_delivery_item_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_delivery_item_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_delivery_item_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_item")),
        sa.UniqueConstraint("delivery_id", "position", name=op.f("uq_delivery_item_delivery_id_position")),
    )
    with op.batch_alter_table("delivery_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_item_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_item_piece_id"), ["piece_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_item_release_id"), ["release_id"], unique=False)

    op.create_table(
        "placement",
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
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_placement_account_id_account")),
        sa.ForeignKeyConstraint(["delivery_id"], ["delivery.id"], name=op.f("fk_placement_delivery_id_delivery")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_placement_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_placement_release_id_release")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_placement_revision_id_revision")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_placement_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement")),
        sa.UniqueConstraint("piece_id", "account_id", name=op.f("uq_placement_piece_id_account_id")),
    )
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_placement_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_piece_id"), ["piece_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_placement_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "proof_pass",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_proof_pass_person_id_person")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_proof_pass_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proof_pass")),
        sa.UniqueConstraint("release_id", "number", name=op.f("uq_proof_pass_release_id_number")),
    )
    with op.batch_alter_table("proof_pass", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proof_pass_release_id"), ["release_id"], unique=False)

    op.create_table(
        "public_piece",
        sa.Column("piece_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("column_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("summary", sa.String(length=500), nullable=False),
        sa.Column("picture", sa.String(length=100), nullable=False),
        sa.Column("from_at", UtcDateTime(), nullable=True),
        sa.Column("until_at", UtcDateTime(), nullable=True),
        sa.Column("first_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_phrase", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["column_id"], ["column.id"], name=op.f("fk_public_piece_column_id_column")),
        sa.ForeignKeyConstraint(["piece_id"], ["piece.id"], name=op.f("fk_public_piece_piece_id_piece")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_public_piece_release_id_release")),
        sa.ForeignKeyConstraint(["revision_id"], ["revision.id"], name=op.f("fk_public_piece_revision_id_revision")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_public_piece_unit_id_unit")),
        sa.PrimaryKeyConstraint("piece_id", name=op.f("pk_public_piece")),
        sa.UniqueConstraint("column_id", "place", name=op.f("uq_public_piece_column_id_place")),
    )
    with op.batch_alter_table("public_piece", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_public_piece_column_id"), ["column_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_piece_first_at"), ["first_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_piece_from_at"), ["from_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_piece_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_piece_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_public_piece_until_at"), ["until_at"], unique=False)

    op.create_table(
        "signature",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("on_behalf_of", sa.Integer(), nullable=True),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("opinion", sa.String(length=1000), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("scan", sa.String(length=64), nullable=True),
        sa.Column("filed_by", sa.Integer(), nullable=True),
        sa.Column("release_hash", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["filed_by"], ["person.id"], name=op.f("fk_signature_filed_by_person")),
        sa.ForeignKeyConstraint(["on_behalf_of"], ["person.id"], name=op.f("fk_signature_on_behalf_of_person")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_signature_person_id_person")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_signature_release_id_release")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
    )
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signature_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_signature_release_id"), ["release_id"], unique=False)

    op.create_table(
        "channel_reading",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("placement_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", Json, nullable=False),
        sa.Column("read_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placement.id"], name=op.f("fk_channel_reading_placement_id_placement")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_reading")),
        sa.UniqueConstraint("placement_id", "day", name=op.f("uq_channel_reading_placement_id_day")),
    )
    with op.batch_alter_table("channel_reading", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_channel_reading_placement_id"), ["placement_id"], unique=False)

    # Circles of tables: PostgreSQL adds these keys afterwards; SQLite has no way to add a key to a table.
    if op.get_context().dialect.name == "postgresql":
        op.create_foreign_key("fk_piece_revision_id_revision", "piece", "revision", ["revision_id"], ["id"])
        op.create_foreign_key("fk_piece_release_id_release", "piece", "release", ["release_id"], ["id"])
        op.create_foreign_key("fk_revision_cover_id_asset", "revision", "asset", ["cover_id"], ["id"])


def downgrade() -> None:
    """Takes the schema back."""
    if op.get_context().dialect.name == "postgresql":
        op.drop_constraint("fk_piece_revision_id_revision", "piece", type_="foreignkey")
        op.drop_constraint("fk_piece_release_id_release", "piece", type_="foreignkey")
        op.drop_constraint("fk_revision_cover_id_asset", "revision", type_="foreignkey")
    with op.batch_alter_table("channel_reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_channel_reading_placement_id"))

    op.drop_table("channel_reading")
    with op.batch_alter_table("signature", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signature_release_id"))
        batch_op.drop_index(batch_op.f("ix_signature_person_id"))

    op.drop_table("signature")
    with op.batch_alter_table("public_piece", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_public_piece_until_at"))
        batch_op.drop_index(batch_op.f("ix_public_piece_unit_id"))
        batch_op.drop_index(batch_op.f("ix_public_piece_kind"))
        batch_op.drop_index(batch_op.f("ix_public_piece_from_at"))
        batch_op.drop_index(batch_op.f("ix_public_piece_first_at"))
        batch_op.drop_index(batch_op.f("ix_public_piece_column_id"))

    op.drop_table("public_piece")
    with op.batch_alter_table("proof_pass", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_proof_pass_release_id"))

    op.drop_table("proof_pass")
    with op.batch_alter_table("placement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_placement_unit_id"))
        batch_op.drop_index(batch_op.f("ix_placement_piece_id"))
        batch_op.drop_index(batch_op.f("ix_placement_account_id"))

    op.drop_table("placement")
    with op.batch_alter_table("delivery_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_delivery_item_release_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_item_piece_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_item_delivery_id"))

    op.drop_table("delivery_item")
    with op.batch_alter_table("variant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_variant_revision_id"))

    op.drop_table("variant")
    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_release_unit_id"))
        batch_op.drop_index(batch_op.f("ix_release_state"))
        batch_op.drop_index(batch_op.f("ix_release_piece_id"))

    op.drop_table("release")
    with op.batch_alter_table("outbound_reply", schema=None) as batch_op:
        batch_op.drop_index("ix_outbound_reply_state_next_at")
        batch_op.drop_index(batch_op.f("ix_outbound_reply_inbound_id"))
        batch_op.drop_index("ix_outbound_reply_conversation_id_number")
        batch_op.drop_index(batch_op.f("ix_outbound_reply_claimed_until"))

    op.drop_table("outbound_reply")
    with op.batch_alter_table("lift", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_lift_revision_id"))

    op.drop_table("lift")
    with op.batch_alter_table("ticket", schema=None) as batch_op:
        batch_op.drop_index("ix_ticket_unit_id_state_due_at")
        batch_op.drop_index(batch_op.f("ix_ticket_conversation_id"))

    op.drop_table("ticket")
    with op.batch_alter_table("suggestion", schema=None) as batch_op:
        batch_op.drop_index("ix_suggestion_unit_id_state")

    op.drop_table("suggestion")
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_revision_piece_id"))

    op.drop_table("revision")
    with op.batch_alter_table("rating", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rating_unit_id"))
        batch_op.drop_index(batch_op.f("ix_rating_at"))

    op.drop_table("rating")
    with op.batch_alter_table("page_read", schema=None) as batch_op:
        batch_op.drop_index("ix_page_read_unit_id_hour")

    op.drop_table("page_read")
    with op.batch_alter_table("notice_send", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_send_state_next_at")
        batch_op.drop_index(batch_op.f("ix_notice_send_notice_id"))
        batch_op.drop_index(batch_op.f("ix_notice_send_claimed_until"))

    op.drop_table("notice_send")
    with op.batch_alter_table("inbound_message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_inbound_message_received_at"))
        batch_op.drop_index("ix_inbound_message_handled_at_claimed_until")
        batch_op.drop_index("ix_inbound_message_conversation_id_number")
        batch_op.drop_index(batch_op.f("ix_inbound_message_claimed_until"))

    op.drop_table("inbound_message")
    with op.batch_alter_table("imported", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_imported_unit_id"))

    op.drop_table("imported")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_delivery_id"))

    op.drop_table("attempt")
    with op.batch_alter_table("asset", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_asset_unit_id"))
        batch_op.drop_index(batch_op.f("ix_asset_sha256"))
        batch_op.drop_index(batch_op.f("ix_asset_piece_id"))

    op.drop_table("asset")
    with op.batch_alter_table("seen_push", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_seen_push_at"))

    op.drop_table("seen_push")
    with op.batch_alter_table("rule_version", schema=None) as batch_op:
        batch_op.drop_index("ix_rule_version_name_unit_id")

    op.drop_table("rule_version")
    with op.batch_alter_table("quota_use", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_quota_use_account_id"))

    op.drop_table("quota_use")
    with op.batch_alter_table("piece", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_piece_updated_at"))
        batch_op.drop_index("ix_piece_unit_id_state_updated_at")
        batch_op.drop_index(batch_op.f("ix_piece_unit_id"))
        batch_op.drop_index(batch_op.f("ix_piece_state"))
        batch_op.drop_index(batch_op.f("ix_piece_source_key"))
        batch_op.drop_index(batch_op.f("ix_piece_first_published_at"))
        batch_op.drop_index(batch_op.f("ix_piece_column_id"))
        batch_op.drop_index(batch_op.f("ix_piece_author_id"))

    op.drop_table("piece")
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_link_person_id"))
        batch_op.drop_index("ix_one_time_link_object_kind_object_id")

    op.drop_table("one_time_link")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_notice_unit_id"))
        batch_op.drop_index("ix_notice_person_id_read_at")
        batch_op.drop_index(batch_op.f("ix_notice_created_at"))

    op.drop_table("notice")
    with op.batch_alter_table("login_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_session_person_id"))
        batch_op.drop_index(batch_op.f("ix_login_session_expires_at"))

    op.drop_table("login_session")
    with op.batch_alter_table("import_run", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_run_unit_id"))
        batch_op.drop_index(batch_op.f("ix_import_run_person_id"))

    op.drop_table("import_run")
    with op.batch_alter_table("grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grant_unit_id"))
        batch_op.drop_index(batch_op.f("ix_grant_person_id"))

    op.drop_table("grant")
    with op.batch_alter_table("deputy", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_deputy_person_id"))
        batch_op.drop_index(batch_op.f("ix_deputy_deputy_id"))

    op.drop_table("deputy")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_unit_id_scheduled_at")
        batch_op.drop_index("ix_delivery_state_next_at")
        batch_op.drop_index(batch_op.f("ix_delivery_job_id"))
        batch_op.drop_index(batch_op.f("ix_delivery_claimed_until"))
        batch_op.drop_index("ix_delivery_account_id_state_next_at")

    op.drop_table("delivery")
    op.drop_table("credential")
    with op.batch_alter_table("conversation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_conversation_account_id_sender_going_on",
            sqlite_where=sa.text("state <> 'closed'"),
            postgresql_where=sa.text("state <> 'closed'"),
        )
        batch_op.drop_index("ix_conversation_unit_id_state")
        batch_op.drop_index("ix_conversation_state_heard_at")
        batch_op.drop_index(batch_op.f("ix_conversation_agent_id"))

    op.drop_table("conversation")
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_token_unit_id"))
        batch_op.drop_index(batch_op.f("ix_api_token_person_id"))

    op.drop_table("api_token")
    op.drop_table("access_token")
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_unit_id"))

    op.drop_table("person")
    with op.batch_alter_table("listed_word", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listed_word_unit_id"))

    op.drop_table("listed_word")
    with op.batch_alter_table("column", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_column_unit_id"))

    op.drop_table("column")
    with op.batch_alter_table("audit_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_line_unit_id"))
        batch_op.drop_index("ix_audit_line_object_kind_object_id")
        batch_op.drop_index(batch_op.f("ix_audit_line_at"))
        batch_op.drop_index(batch_op.f("ix_audit_line_actor_id"))
        batch_op.drop_index(batch_op.f("ix_audit_line_act"))

    op.drop_table("audit_line")
    with op.batch_alter_table("account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_account_unit_id"))
        batch_op.drop_index(batch_op.f("ix_account_channel"))

    op.drop_table("account")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_path"))
        batch_op.drop_index(batch_op.f("ix_unit_parent_id"))

    op.drop_table("unit")
    with op.batch_alter_table("duty_mark", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duty_mark_claimed_until"))

    op.drop_table("duty_mark")
    op.drop_table("calendar_day")
    op.drop_table("audit_head")
