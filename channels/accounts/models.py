"""The tables of accounts; the only tables of this package."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from kernel.claim import Claimable
from kernel.model import Base, Json


class Account(Base):
    """An account of a unit on a platform (账号矩阵).

    `settings` holds what is no secret (addresses, limits, options); `credentials` is a sealed JSON object.
    `action` is the signed default way out: `publish`, `mass_send` or `push`. `limits` narrow the channel's own
    quotas (`mass_send.day`: 1). While `rehearsal` is on, what is booked goes to the account's double on the rehearsal
    platforms: a row of its own, never active, whose `stands_for` is this account. `expires_told_from` is the
    first day on which the end of a grant is told of, where it is known when the grant began.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    channel: Mapped[str] = mapped_column(String(30), index=True)
    name: Mapped[str] = mapped_column(String(100))
    code: Mapped[str] = mapped_column(String(60), unique=True)
    action: Mapped[str] = mapped_column(String(20), default="publish")
    base_url: Mapped[str] = mapped_column(String(500), default="")
    settings: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    credentials: Mapped[str] = mapped_column(Text, default="")
    register: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    rehearsal: Mapped[bool] = mapped_column(default=False)
    stands_for: Mapped[int | None] = mapped_column(ForeignKey("account.id"), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    closed_on: Mapped[date | None]
    proxy: Mapped[str] = mapped_column(String(300), default="")
    limits: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    expires_on: Mapped[date | None]
    expires_told_from: Mapped[date | None]
    certified_until: Mapped[date | None]
    tls_until: Mapped[date | None]
    apns_until: Mapped[date | None]
    filing_until: Mapped[date | None]
    filing_due: Mapped[str] = mapped_column(String(12), default="")
    filing_why: Mapped[str] = mapped_column(String(300), default="")
    checked_at: Mapped[datetime | None]
    credential_dead_at: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_failure: Mapped[str] = mapped_column(String(500), default="")


class AccountFiling(Base):
    """开设, 变更, 关停 or 注销备案 of an account: what was filed when, under which number, with its document."""

    __tablename__ = "account_filing"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    on: Mapped[date]
    number: Mapped[str] = mapped_column(String(100), default="")
    note: Mapped[str] = mapped_column(String(500), default="")
    notice_url: Mapped[str] = mapped_column(String(500), default="")
    document: Mapped[str] = mapped_column(String(64), default="")
    document_name: Mapped[str] = mapped_column(String(200), default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]


class AccessToken(Base):
    """The one access token of an account, shared by all processes; `sealed` is encrypted."""

    __tablename__ = "access_token"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    sealed: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime | None]
    fetching_until: Mapped[datetime | None]
    fetching_by: Mapped[str | None] = mapped_column(String(40))


class QuotaUse(Base):
    """How often a limited call was used in a period (`2026-03-02` a day, `2026-03` a month), counted, never summed.

    `used_up`: the platform itself said that nothing is left, whatever we counted.
    """

    __tablename__ = "quota_use"
    __table_args__ = (UniqueConstraint("account_id", "quota", "period"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    quota: Mapped[str] = mapped_column(String(40))
    period: Mapped[str] = mapped_column(String(10))
    used: Mapped[int] = mapped_column(default=0)
    used_up: Mapped[bool] = mapped_column(default=False, server_default=false())


class PushSubscription(Base):
    """A browser that asked for notices of an account; one that is gone keeps its row, without address and keys.

    `origin` is its push service; `columns` and `districts` say whether it chose some, or hears of all.
    """

    __tablename__ = "push_subscription"
    __table_args__ = (Index("ix_push_subscription_account_id_origin_id", "account_id", "origin", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    origin: Mapped[str] = mapped_column(String(200), default="")
    columns: Mapped[bool] = mapped_column(default=False)
    districts: Mapped[bool] = mapped_column(default=False)
    endpoint: Mapped[str] = mapped_column(Text)
    endpoint_hash: Mapped[str] = mapped_column(String(64), unique=True)
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]


class PushTopic(Base):
    """What a browser chose to hear of: a column by its slug, or a district by its name."""

    __tablename__ = "push_topic"
    __table_args__ = (UniqueConstraint("subscription_id", "kind", "value"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    value: Mapped[str] = mapped_column(String(60))


class PushConsent(Base):
    """What somebody agreed to or took back, when, under which version of the words; never changed or removed."""

    __tablename__ = "push_consent"

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id"), index=True)
    given: Mapped[bool]
    words: Mapped[str] = mapped_column(String(20))
    topics: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    at: Mapped[datetime]


class PushFanOut(Base):
    """One delivery to browsers, by the delivery's key: for whom it began, and how many they were then."""

    __tablename__ = "push_fan_out"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    audience: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    total: Mapped[int]
    begun_at: Mapped[datetime]


class PushService(Base):
    """A push service by its origin: how many notices it took, how often it failed since, until when it is not asked.

    Anybody may subscribe with a service of his own: what one took is what it is trusted for.
    """

    __tablename__ = "push_service"

    origin: Mapped[str] = mapped_column(String(200), primary_key=True)
    taken: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    rests_until: Mapped[datetime | None]


class PushReach(Base):
    """One browser of one delivery, by the delivery's key; written before the browser is called.

    `state` is unknown from the claim on, then sent, gone or refused; waiting until `until` when the push service
    surely did not take it. `code` is the push service's own word on a refusal.
    """

    __tablename__ = "push_reach"
    __table_args__ = (UniqueConstraint("key", "subscription_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id"), index=True)
    state: Mapped[str] = mapped_column(String(8))
    until: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(String(8), default="", server_default="")


class MenuVersion(Claimable, Base):
    """One version of an account's menu, kept for good; `buttons` are `channels.abilities.menus.Button` rows.

    `state` is draft, sending, live, replaced or failed; at most one is live, at most one a draft. `made_by` wrote it
    last, `approved_by` put it on show. `reason` says why it failed, or what the platform shows otherwise.
    """

    __tablename__ = "menu_version"
    __table_args__ = (UniqueConstraint("account_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    number: Mapped[int]
    buttons: Mapped[list[Any]] = mapped_column(Json, default=list)
    origin: Mapped[str] = mapped_column(String(10), default="written")
    state: Mapped[str] = mapped_column(String(10), default="draft")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    published_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(300), default="")


class AccountTag(Base):
    """A tag of an account's followers as the platform last told; `remote_id` is the platform's number."""

    __tablename__ = "account_tag"
    __table_args__ = (UniqueConstraint("account_id", "remote_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    remote_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    people: Mapped[int] = mapped_column(default=0)
    read_at: Mapped[datetime]


class NoticeForm(Base):
    """Which form approved by the platform an account uses for a purpose, and what stands in its places.

    `places` maps a place of the form to a field of the matter (`number`, `answer`, …) or to fixed words after `=`.
    """

    __tablename__ = "notice_form"
    __table_args__ = (UniqueConstraint("account_id", "purpose"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(30))
    way: Mapped[str] = mapped_column(String(10))
    template_id: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(100), default="")
    places: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    active: Mapped[bool] = mapped_column(default=True)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[datetime]


class Takeover(Base):
    """接管: how far an account that was in use has come into our hands.

    `standing` is what the platform lets us do, `present` what the account showed and answered before, as the platform
    told it: the way back. `steps` are the moments at which a person ticked a step off.
    """

    __tablename__ = "takeover"

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True, autoincrement=False)
    began_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    began_at: Mapped[datetime]
    standing: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    standing_at: Mapped[datetime | None]
    present: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    present_at: Mapped[datetime | None]
    imported_at: Mapped[datetime | None]
    steps: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    greeted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended: Mapped[str] = mapped_column(String(10), default="")
