"""Browsers that asked for notices: what each chose to hear of, what it agreed to, and that it was forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from channels.accounts.models import PushConsent, PushSubscription, PushTopic
from kernel.office_rules import Rule, declare
from kernel.once import insert_once
from kernel.work import Work

COLUMN, DISTRICT = "column", "district"
KINDS = (COLUMN, DISTRICT)
MOST_TOPICS = 50


def _names(value: object) -> str:
    fits = isinstance(value, list) and len(value) <= MOST_TOPICS
    named = fits and all(isinstance(one, str) and 0 < len(one.encode()) <= 60 for one in value)  # type: ignore[attr-defined]  # A list.
    return "" if named else f"须为名称列表，最多 {MOST_TOPICS} 个。"


DISTRICTS: Rule[list[str]] = declare(Rule("push.districts", [], "可选的区县（浏览器通知、登记诉求）", _names))

# What people agree to, by version; an old version stays, because it says what somebody agreed to then.
CONSENT: Mapping[str, str] = {
    "2026-11": "本站只保存浏览器给出的推送地址与所选主题，只用于发送您选择的通知，不识别您的身份，"
    "不提供给他人；随时可以取消，取消后立即删除推送地址。"
}
WORDS = "2026-11"


@dataclass(frozen=True)
class Topics:
    """What a browser hears of; an empty kind means all of it."""

    columns: Sequence[str] = ()
    districts: Sequence[str] = ()

    def as_dict(self) -> dict[str, list[str]]:
        """By kind, as it is stored with a consent."""
        return {COLUMN: list(self.columns), DISTRICT: list(self.districts)}


EVERYTHING = Topics()


def subscribe(
    work: Work,
    account_id: int,
    endpoint: str,
    p256dh: str,
    auth: str,
    topics: Topics = EVERYTHING,
    words: str = WORDS,
) -> PushSubscription:
    """Keeps a browser's wish with its consent; the same address again brings new keys and topics, and it back."""
    name, origin = _name(account_id, endpoint), _origin(endpoint)
    values = {
        "endpoint": endpoint,
        "origin": origin,
        "p256dh": p256dh,
        "auth": auth,
        "created_at": work.now,
    }
    insert_once(
        work.session,
        PushSubscription,
        account_id=account_id,
        endpoint_hash=name,
        columns=False,
        districts=False,
        **values,
    )
    row = work.session.scalars(select(PushSubscription).where(PushSubscription.endpoint_hash == name)).one()
    row.endpoint, row.origin, row.p256dh, row.auth, row.gone_at = endpoint, origin, p256dh, auth, None
    _choose(work.session, row, topics)
    work.session.add(PushConsent(subscription_id=row.id, given=True, words=words, topics=topics.as_dict(), at=work.now))
    work.session.flush()
    return row


def replace(work: Work, account_id: int, former: str, endpoint: str, p256dh: str, auth: str) -> bool:
    """A browser's new address and keys in the place of its former ones, with what it chose and agreed to.

    False where nobody is known by the former address: who somebody is is never guessed.
    """
    row = _known(work.session, account_id, former)
    if row is None:
        return False
    name = _name(account_id, endpoint)
    query = select(PushSubscription).where(PushSubscription.endpoint_hash == name, PushSubscription.id != row.id)
    other = work.session.scalars(query).one_or_none()
    if other is not None:  # It has come by itself meanwhile, or was here before.
        if other.gone_at is not None:
            topics = topics_of(work.session, account_id, former) or EVERYTHING
            agreed = select(PushConsent.words).where(PushConsent.subscription_id == row.id, PushConsent.given)
            words = work.session.scalars(agreed.order_by(PushConsent.id.desc()).limit(1)).first() or WORDS
            subscribe(work, account_id, endpoint, p256dh, auth, topics, words)
        forget(work, [row.id])
        return True
    row.endpoint, row.origin, row.endpoint_hash = endpoint, _origin(endpoint), name
    row.p256dh, row.auth = p256dh, auth
    work.session.flush()
    return True


def unsubscribe(work: Work, account_id: int, endpoint: str) -> None:
    """Forgets a browser that no longer wants to be told, and notes that its consent was taken back."""
    row = _known(work.session, account_id, endpoint)
    if row is None:
        return
    work.session.add(PushConsent(subscription_id=row.id, given=False, words=WORDS, topics={}, at=work.now))
    forget(work, [row.id])


def topics_of(session: Session, account_id: int, endpoint: str) -> Topics | None:
    """What a browser chose; None for one that is not known or no longer wants to be told."""
    row = _known(session, account_id, endpoint)
    if row is None:
        return None
    query = select(PushTopic.kind, PushTopic.value).where(PushTopic.subscription_id == row.id).order_by(PushTopic.id)
    chosen = session.execute(query).all()
    return Topics(
        tuple(value for kind, value in chosen if kind == COLUMN),
        tuple(value for kind, value in chosen if kind == DISTRICT),
    )


def forget(work: Work, ids: Iterable[int]) -> None:
    """Takes address, keys and topics off these; their rows stay for what they were sent."""
    gone = list(ids)
    if not gone:
        return
    statement = update(PushSubscription).where(PushSubscription.id.in_(gone))
    work.session.execute(statement.values(endpoint="", p256dh="", auth="", gone_at=work.now))
    work.session.execute(delete(PushTopic).where(PushTopic.subscription_id.in_(gone)))


def _choose(session: Session, row: PushSubscription, topics: Topics) -> None:
    session.execute(delete(PushTopic).where(PushTopic.subscription_id == row.id))
    row.columns, row.districts = bool(topics.columns), bool(topics.districts)
    for kind, values in topics.as_dict().items():
        session.add_all(PushTopic(subscription_id=row.id, kind=kind, value=value) for value in dict.fromkeys(values))


def _known(session: Session, account_id: int, endpoint: str) -> PushSubscription | None:
    name = _name(account_id, endpoint)
    query = select(PushSubscription).where(PushSubscription.endpoint_hash == name, PushSubscription.gone_at.is_(None))
    return session.scalars(query).one_or_none()


def _origin(endpoint: str) -> str:
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"[:200]


def _name(account_id: int, endpoint: str) -> str:
    return hashlib.sha256(f"{account_id} {endpoint}".encode()).hexdigest()
