"""Wanting previews, knowing the current one, letting go of outdated ones, and what stands in a signature's way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.orm import Session

from channels.abilities.preview import Loss, Previewing
from channels.accounts.models import Account
from channels.base import Item
from channels.registry import channels
from content.errors import NoRight
from content.models import Lift, Piece, Release, Revision
from content.states import ReleaseState
from kernel.claim import new_claimant
from kernel.duties import hasten
from kernel.errors import Invalid
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.once import insert_once
from kernel.people import Deputy, Permission, Viewer, holders
from kernel.work import Work
from scheduler.posts import item_of
from scheduler.previews.errors import LosesContent, NotPreviewed
from scheduler.previews.models import Preview, PreviewReader, PreviewSend, PreviewState, SendState

S = PreviewState
DUTY = "previews.run"
NEEDED = declare(Rule("preview.needed", 0, "签发前须取得平台预览（1 是，0 否）", number_between(0, 1)))
_SHOWN = ("title", "digest", "author", "html", "cover", "url")


def able(channel: str) -> bool:
    """Whether the channel can show an item before it is published."""
    return issubclass(channels().get(channel, object), Previewing)


def hash_of(item: Item) -> str:
    """The SHA-256 over what a reader of this item would see."""
    return hashlib.sha256(json.dumps(_kept(item), sort_keys=True).encode()).hexdigest()


def want(
    work: Work, piece: Piece, account: Account, item: Item, *, release_id: int | None = None, anew: bool = False
) -> Preview:
    """The preview of exactly these words: the one there is, or a new one that is made within moments.

    Earlier ones of the piece on this account are outdated by it. `anew` makes another even of the same words.
    """
    seen = hash_of(item)
    row = None if anew else current(work.session, piece.id, account.id, seen)
    if row is not None and row.state != S.FAILED:
        row.release_id, row.version = release_id or row.release_id, piece.version
        outdate(work, Preview.piece_id == piece.id, Preview.account_id == account.id, Preview.id != row.id)
        if row.state == S.READY:
            address(work, row)
        return row
    outdate(work, Preview.piece_id == piece.id, Preview.account_id == account.id)
    row = Preview(
        unit_id=piece.unit_id,
        piece_id=piece.id,
        account_id=account.id,
        release_id=release_id,
        version=piece.version,
        hash=seen,
        key=new_claimant(),
        state=S.WANTED,
        item=_kept(item),
        next_at=work.now,
        wanted_by=work.actor.person_id,
        wanted_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("preview.wanted", row, piece=piece.id, account=account.name)
    hasten(work.session, DUTY, work.now)
    return row


def want_for_release(work: Work, release: Release, public_url: str) -> list[Preview]:
    """A preview for every account of the release whose channel can show one."""
    piece = work.session.get_one(Piece, release.piece_id)
    found = []
    for account in targets(work.session, release):
        item = item_of(release, piece, account.channel, public_url)
        found.append(want(work, piece, account, item, release_id=release.id))
    return found


def targets(session: Session, release: Release) -> list[Account]:
    """The release's accounts whose channel can show an item beforehand."""
    ids = [target["account"] for target in release.content["targets"] if able(target["channel"])]
    query = select(Account).where(Account.id.in_(ids)).order_by(Account.id)
    return list(session.scalars(query)) if ids else []


def current(session: Session, piece_id: int, account_id: int, seen: str) -> Preview | None:
    """The newest preview of exactly these words that is not outdated."""
    query = select(Preview).where(
        Preview.piece_id == piece_id,
        Preview.account_id == account_id,
        Preview.hash == seen,
        Preview.state != S.OUTDATED,
    )
    return session.scalars(query.order_by(Preview.id.desc()).limit(1)).one_or_none()


def last(session: Session, piece_id: int, account_id: int) -> Preview | None:
    """The newest preview of a piece on an account, whatever became of it."""
    query = select(Preview).where(Preview.piece_id == piece_id, Preview.account_id == account_id)
    return session.scalars(query.order_by(Preview.id.desc()).limit(1)).one_or_none()


def outdate(work: Work, *where: ColumnElement[bool]) -> int:
    """Marks previews whose words are no longer those to be signed; their drafts are taken away."""
    query = select(Preview).where(Preview.state != S.OUTDATED, *where).with_for_update()
    rows = work.session.scalars(query).all()
    for row in rows:
        row.state, row.next_at, row.clean_at = S.OUTDATED, None, work.now
        work.audit("preview.outdated", row, piece=row.piece_id)
    if rows:
        hasten(work.session, DUTY, work.now)
    return len(rows)


def outdate_changed(work: Work) -> int:
    """Those whose release was returned or voided, and those of drafts that were saved since."""
    gone = select(Release.id).where(Release.state.in_((ReleaseState.VOID, ReleaseState.RETURNED)))
    saved = select(Piece.id).where(Piece.id == Preview.piece_id, Piece.version != Preview.version).exists()
    return outdate(work, or_(Preview.release_id.in_(gone), and_(Preview.release_id.is_(None), saved)))


def address(work: Work, row: Preview) -> None:
    """Puts the preview on its way to all who sign there and agreed to get it; nobody gets it twice by this."""
    if row.release_id is None:
        return
    account = work.session.get_one(Account, row.account_id)
    people = signing_people(work, work.session.get_one(Release, row.release_id))
    query = select(PreviewReader.person_id).where(
        PreviewReader.channel == account.channel, PreviewReader.person_id.in_(people)
    )
    for person_id in work.session.scalars(query.order_by(PreviewReader.person_id)).all():
        insert_once(
            work.session, PreviewSend, preview_id=row.id, person_id=person_id, state=SendState.WAITING, reason="",
            at=work.now,
        )  # fmt: skip


def signing_people(work: Work, release: Release) -> set[int]:
    """Everybody who may sign some level of the release, deputies included, without its author."""
    piece = work.session.get_one(Piece, release.piece_id)
    able_here = {
        *holders(work.session, Permission.PIECE_REVIEW, release.unit_id, work.now),
        *holders(work.session, Permission.PIECE_SIGN, release.unit_id, work.now),
    }
    standing = select(Deputy.deputy_id).where(
        Deputy.person_id.in_(able_here), Deputy.starts_at <= work.now, Deputy.ends_at > work.now
    )
    return (able_here | set(work.session.scalars(standing))) - {piece.author_id, release.submitted_by}


def send_to(work: Work, row: Preview, person_id: int) -> None:
    """Sends a ready preview to one person's own phone, again when he asks for it himself."""
    account = work.session.get_one(Account, row.account_id)
    if row.state != S.READY:
        raise Invalid(field="preview", why="预览还没有生成，或已过期。")
    known = select(PreviewReader.id).where(
        PreviewReader.person_id == person_id, PreviewReader.channel == account.channel
    )
    if work.session.scalar(known) is None:
        raise Invalid(field="reader", why="请先在“我的账号”填写您本人的接收账号并同意接收预览。")
    values = {"state": SendState.WAITING, "reason": "", "at": work.now}
    if not insert_once(work.session, PreviewSend, preview_id=row.id, person_id=person_id, **values):
        statement = update(PreviewSend).filter_by(preview_id=row.id, person_id=person_id)
        work.session.execute(statement.where(PreviewSend.state != SendState.SENDING).values(**values))
    hasten(work.session, DUTY, work.now)


def set_reader(work: Work, person_id: int, channel: str, reader: str, *, agreed: bool) -> None:
    """A person's own address at a channel, with his consent; an empty one forgets it. Raises Invalid."""
    adapter = channels().get(channel)
    if adapter is None or not issubclass(adapter, Previewing):
        raise Invalid(field="channel", why="该渠道没有平台预览。")
    row = work.session.scalars(select(PreviewReader).filter_by(person_id=person_id, channel=channel)).one_or_none()
    if not reader.strip():
        if row is not None:
            work.audit("preview_reader.removed", row, channel=channel)
            work.session.delete(row)
        return
    fault = adapter.reader_fault(reader.strip())
    if fault:
        raise Invalid(field="reader", why=fault)
    if not agreed:
        raise Invalid(field="agreed", why="须勾选同意，系统才会向您本人发送预览。")
    if row is None:
        row = PreviewReader(person_id=person_id, channel=channel)
        work.session.add(row)
    row.reader, row.agreed_at = reader.strip(), work.now
    work.session.flush()
    work.audit("preview_reader.set", row, channel=channel)


def finding_key(loss: Mapping[str, str]) -> str:
    """The name under which a loss is let pass; the same loss of the same revision keeps it."""
    return f"preview:{hashlib.sha256(loss['message'].encode()).hexdigest()[:40]}"


def lifted(session: Session, revision_id: int) -> dict[str, Lift]:
    """The losses of a revision that a signer let pass, by key."""
    query = select(Lift).where(Lift.revision_id == revision_id, Lift.finding_key.startswith("preview:"))
    return {row.finding_key: row for row in session.scalars(query)}


def lift(work: Work, who: Viewer, release: Release, row: Preview, key: str, reason: str) -> None:
    """放行: a signer lets a loss pass with his reason; not on his own text."""
    piece = work.session.get_one(Piece, release.piece_id)
    writer = work.session.get_one(Revision, release.revision_id).created_by
    own = who.person_id in (piece.author_id, writer, release.submitted_by)
    if own or not who.may(Permission.FINDING_LIFT, release.unit_id):
        raise NoRight(what="放行平台预览的问题（须由签发人放行，且不能放行自己的稿件）")
    if not reason.strip():
        raise Invalid(field="reason", why="放行须填写理由。")
    loss = next((one for one in row.losses if finding_key(one) == key and one["level"] == "block"), None)
    if loss is None:
        raise Invalid(field="loss", why="该问题已不存在，可能已重新生成预览。")
    values = {
        "message": f"平台预览：{loss['message']}"[:500],
        "reason": reason.strip()[:500],
        "person_id": who.person_id,
        "at": work.now,
    }
    if insert_once(work.session, Lift, revision_id=release.revision_id, finding_key=key, **values):
        work.audit("finding.lifted", piece, finding=values["message"], reason=values["reason"])


def check_before_signing(work: Work, release: Release, public_url: str) -> None:
    """Raises LosesContent or NotPreviewed when a preview of the release stands in the way of a signature."""
    piece = work.session.get_one(Piece, release.piece_id)
    needed = value_of(work.session, NEEDED, release.unit_id, work.now) and not release.emergency
    passed = lifted(work.session, release.revision_id)
    for account in targets(work.session, release):
        seen = hash_of(item_of(release, piece, account.channel, public_url))
        row = current(work.session, piece.id, account.id, seen)
        if row is None or row.state != S.READY:
            if needed:
                raise NotPreviewed(account=account.name, why=(row.reason if row else "") or "正在生成")
            continue
        blocking = [loss for loss in row.losses if loss["level"] == "block" and finding_key(loss) not in passed]
        if blocking:
            raise LosesContent(field="preview", account=account.name, count=len(blocking), first=blocking[0]["message"])


def losses_of(found: Sequence[Loss]) -> list[dict[str, str]]:
    """As a row keeps them."""
    return [asdict(loss) for loss in found]


def item_from(row: Preview) -> Item:
    """The item that was sent, as its adapter takes it."""
    kept: Mapping[str, Any] = row.item
    return Item(
        piece_id=row.piece_id,
        release_id=row.release_id or 0,
        content={"pictures": kept["pictures"]},
        text="",
        **{name: kept[name] for name in _SHOWN},
    )


def _kept(item: Item) -> dict[str, Any]:
    return {**{name: getattr(item, name) for name in _SHOWN}, "pictures": dict(item.content.get("pictures", {}))}


def sends_of(session: Session, previews: Collection[int]) -> Sequence[PreviewSend]:
    """To whom these previews went."""
    query = select(PreviewSend).where(PreviewSend.preview_id.in_(previews))
    return session.scalars(query.order_by(PreviewSend.person_id)).all()
