"""Replies prepared by people: on following, to certain words, to a tap on the menu; looked up before the bot is asked.

Each is approved by somebody else than wrote it, and holds the same words as every other text that goes out.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.knowledge import Source
from bot.models import AutoReply
from bot.nlu.text import Lexicon, normalise
from channels.abilities.takeover import CONTAINS, EXACT, PreparedReply
from channels.accounts import approval, menus
from channels.accounts.models import Account
from content import loose, public
from content.models import Column, PublicPiece
from kernel.errors import Invalid, NotFound
from kernel.people import Viewer
from kernel.work import Work

FOLLOW, KEYWORD = "follow", "keyword"
SAY, LIST, PERSON = "say", "list", "person"
ACT_LABELS = {SAY: "回复文字", LIST: "列出栏目最新内容", PERSON: "转人工"}
# The platform takes three messages after a touch; one of them may be the bot's own.
MOST_ANSWERS = 3
LONGEST_BYTES = 2048
LONGEST_WORD = 30
MOST_WORDS = 20
LISTED = 6
_NO_LEXICON = Lexicon(())


@dataclass(frozen=True)
class Prepared:
    """What people prepared for this message; `rule` names it in the conversation, `tapped` the menu's button."""

    act: str
    rule: str
    texts: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    heading: str = ""
    tapped: str = ""


# --- looking up ---------------------------------------------------------------------------------------------------


def on_follow(session: Session, account_id: int, now: datetime) -> Prepared | None:
    """What whoever follows the account is told."""
    rows = [row for row in in_force(session, account_id) if row.trigger == FOLLOW]
    return _made(session, rows[-1], "关注回复", now) if rows else None


def on_scene(session: Session, account_id: int, scene: str, now: datetime) -> Prepared | None:
    """What is prepared for the code that somebody scanned: its scene stands among the words of a whole message."""
    if not scene.strip():
        return None
    for row in in_force(session, account_id):
        if row.trigger == KEYWORD and [scene.strip(), EXACT] in row.words:
            return _made(session, row, f"二维码：{row.name}", now)
    return None


def on_words(session: Session, account_id: int, text: str, now: datetime) -> Prepared | None:
    """What is prepared for these words: a whole message before a part of one, a longer word before a shorter."""
    plain = _plain(text)
    best: tuple[int, int, int] | None = None
    found: AutoReply | None = None
    for row in in_force(session, account_id):
        for word, match in row.words if row.trigger == KEYWORD else ():
            known = _plain(word)
            if known and (known == plain or (match == CONTAINS and known in plain)):
                rank = (known == plain, len(known), -row.id)
                if best is None or rank > best:
                    best, found = rank, row
    return _made(session, found, f"关键词：{found.name}", now) if found else None


def on_tap(session: Session, account_id: int, key: str, now: datetime) -> Prepared | None:
    """What the menu's button with this key leads to."""
    button = menus.pressed(session, account_id, key)
    if button is None:
        return None
    does, rule = button.does, f"菜单：{button.name}"
    act = str(does.get("act", ""))
    if act == LIST:
        return _listing(session, int(does["column"]), rule, now, button.name)
    if act == PERSON:
        return Prepared(PERSON, rule, tapped=button.name)
    text = str(does.get("text", ""))
    return Prepared(SAY, rule, (text,), tapped=button.name) if act == SAY and text else None


def in_force(session: Session, account_id: int) -> Sequence[AutoReply]:
    """The approved replies of an account, the oldest first."""
    return session.scalars(_IN_FORCE, {"account": account_id}).all()


# Made once: each message to an account asks this.
_IN_FORCE = (
    select(AutoReply)
    .where(
        AutoReply.account_id == bindparam("account"), AutoReply.approved_at.is_not(None), AutoReply.removed_at.is_(None)
    )
    .order_by(AutoReply.id)
)


def _made(session: Session, row: AutoReply, rule: str, now: datetime) -> Prepared | None:
    if row.act == LIST and row.column_id:
        return _listing(session, row.column_id, rule, now)
    if row.act == PERSON:
        return Prepared(PERSON, rule)
    texts = tuple(str(text) for text in row.answers)
    if not texts:
        return None
    return Prepared(SAY, rule, (secrets.choice(texts),) if row.several == "one" else texts[:MOST_ANSWERS])


def _listing(session: Session, column_id: int, rule: str, now: datetime, tapped: str = "") -> Prepared:
    column = session.get(Column, column_id)
    query = (
        select(PublicPiece)
        .where(PublicPiece.column_id == column_id, public.visible(now))
        .order_by(PublicPiece.first_at.desc(), PublicPiece.piece_id.desc())
    )
    rows = session.scalars(query.limit(LISTED))
    sources = tuple(Source(row.piece_id, row.revision_id, row.title, row.path) for row in rows)
    return Prepared(LIST, rule, sources=sources, heading=column.name if column else "", tapped=tapped)


def _plain(text: str) -> str:
    return normalise(text, _NO_LEXICON)


# --- writing ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wording:
    """A prepared reply as a person wrote it; `words` are (word, exact or contains)."""

    trigger: str
    name: str
    words: Sequence[tuple[str, str]] = ()
    act: str = SAY
    answers: Sequence[str] = ()
    several: str = "all"
    column_id: int | None = None


def write(work: Work, account: Account, wording: Wording, reply: AutoReply | None = None) -> AutoReply:
    """Keeps a reply; it is out of force until somebody approves it as it stands now. Raises Invalid."""
    _check(work.session, account, wording)
    row = reply or AutoReply(account_id=account.id, made_at=work.now)
    row.trigger, row.name, row.act = wording.trigger, wording.name.strip(), wording.act
    row.words = [[word.strip(), match] for word, match in wording.words]
    row.answers, row.several = [text.strip() for text in wording.answers], wording.several
    row.column_id = wording.column_id
    row.made_by, row.made_at = work.actor.person_id, work.now
    row.approved_at = row.approved_by = None
    row.note = "" if reply else row.note or ""
    work.session.add(row)
    work.session.flush()
    work.audit("auto_reply.saved", account, reply=row.id, name=row.name)
    return row


def take_over(work: Work, account: Account, found: PreparedReply) -> AutoReply:
    """A reply made in the platform's console as one of ours, to be approved; nothing of it is lost without a word.

    It is kept even where it does not fit: whoever approves it is told what to change.
    """
    notes = [f"未能搬入：{'、'.join(found.lost)}"] if found.lost else []
    if len(found.answers) > MOST_ANSWERS:
        notes.append(f"原有 {len(found.answers)} 条回复，只保留前 {MOST_ANSWERS} 条")
    words = found.words[0][0] if found.words else "关注回复"
    row = AutoReply(
        account_id=account.id,
        trigger=found.trigger,
        name=(found.name or words)[:60],
        words=[list(pair) for pair in found.words],
        answers=list(found.answers[:MOST_ANSWERS]),
        several=found.several,
        origin="imported",
        note="；".join(notes)[:300],
        made_by=work.actor.person_id,
        made_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("auto_reply.imported", account, reply=row.id, name=row.name)
    return row


def approve(work: Work, who: Viewer, account: Account, row: AutoReply) -> None:
    """Puts a reply in force; its words are looked at once more, because the list may have grown. Raises OwnWords."""
    if row.removed_at is not None:
        raise NotFound
    approval.must_be_another(work.session, who, account.unit_id, row.made_by, work.now)
    _check(work.session, account, wording_of(row))
    row.approved_by, row.approved_at = who.person_id, work.now
    work.audit("auto_reply.approved", account, reply=row.id, name=row.name)


def stop(work: Work, account: Account, row: AutoReply, *, remove: bool = False) -> None:
    """Takes a reply out of force, or away for good (its row stays)."""
    row.approved_at = row.approved_by = None
    if remove:
        row.removed_at = work.now
    work.audit("auto_reply.removed" if remove else "auto_reply.stopped", account, reply=row.id, name=row.name)


def wording_of(row: AutoReply) -> Wording:
    """A stored reply as it was written."""
    words = [(str(word), str(match)) for word, match in row.words]
    return Wording(row.trigger, row.name, words, row.act, list(row.answers), row.several, row.column_id)


def _check(session: Session, account: Account, wording: Wording) -> None:
    if wording.trigger not in (FOLLOW, KEYWORD) or wording.act not in ACT_LABELS:
        raise Invalid(field="act", why="请选择回复方式。")
    if not 1 <= len(wording.name.strip()) <= 60:
        raise Invalid(field="name", why="请填写规则名称（不超过 60 字）。")
    if wording.trigger == KEYWORD:
        _check_words(wording.words)
    if wording.act == LIST and (wording.column_id is None or session.get(Column, wording.column_id) is None):
        raise Invalid(field="column", why="请选择栏目。")
    if wording.act == SAY:
        _check_answers(session, account, wording.answers)


def _check_words(words: Sequence[tuple[str, str]]) -> None:
    if not 1 <= len(words) <= MOST_WORDS:
        raise Invalid(field="words", why=f"请填写 1 至 {MOST_WORDS} 个关键词，每行一个。")
    for word, match in words:
        if match not in (EXACT, CONTAINS) or not _plain(word) or len(word) > LONGEST_WORD:
            raise Invalid(
                field="words", why=f"关键词“{word[:LONGEST_WORD]}”不合要求：1 至 {LONGEST_WORD} 字，须有文字。"
            )


def _check_answers(session: Session, account: Account, answers: Sequence[str]) -> None:
    if not 1 <= len(answers) <= MOST_ANSWERS:
        raise Invalid(field="answers", why=f"请填写 1 至 {MOST_ANSWERS} 条回复。")
    for place, text in enumerate(answers, start=1):
        field = f"answer.{place}"
        check_text(session, account.unit_id, text, field)


def check_text(session: Session, unit_id: int, text: str, field: str) -> None:
    """Raises Invalid for a text that is empty, too long for the platform, or has words that may not go out."""
    size = len(text.encode())
    if not text.strip():
        raise Invalid(field=field, why="请填写回复内容。")
    if size > LONGEST_BYTES:
        raise Invalid(field=field, why=f"回复为 {size} 字节，最多 {LONGEST_BYTES} 字节（约 680 个汉字）。")
    loose.must_pass(session, unit_id, text, "回复", field)


def of_account(session: Session, account_id: int) -> Iterable[AutoReply]:
    """Every reply that is not removed, those in force first."""
    query = select(AutoReply).where(AutoReply.account_id == account_id, AutoReply.removed_at.is_(None))
    return session.scalars(query.order_by(AutoReply.trigger, AutoReply.approved_at.is_(None), AutoReply.id)).all()
