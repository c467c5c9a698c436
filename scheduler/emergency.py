"""应急发布: with its last signature a release goes to all its accounts at once, and stands on the portal's banner."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.accounts.models import Account
from content.errors import NoRight
from content.models import Piece, PublicPiece, Release
from content.public import visible
from content.snapshot import Urgency, targets_of
from kernel.errors import Invalid, XuandaError
from kernel.office_rules import Rule, declare, number_between, value_of
from kernel.people import Permission, Viewer
from kernel.work import Work
from scheduler.booking import book_signed
from scheduler.elsewhere import PORTAL
from scheduler.events import EmergencyBooked
from scheduler.models import Emergency, Placement
from scheduler.states import PlacementState

THROUGH = declare(
    Rule("emergency.may_pass_stop", 1, "应急发布可标明“停发期间照常发出”（1 可，0 不可）", number_between(0, 1))
)
LEVELS = {"I": "特别重大（Ⅰ级）", "II": "重大（Ⅱ级）", "III": "较大（Ⅲ级）", "IV": "一般（Ⅳ级）"}
GRAVE = ("I", "II")
MOST_BANNERS = 3


@dataclass(frozen=True)
class Banner:
    """One line of the portal's banner; without `path` the piece has no page there."""

    level: str
    title: str
    path: str


def declare_emergency(work: Work, who: Viewer, piece: Piece, key: str, urgency: Urgency) -> Emergency:
    """Notes that a piece is an emergency; raises Invalid for what the office's rules do not allow."""
    if urgency.level not in LEVELS:
        raise Invalid(field="level", why="请选择事件级别。")
    if urgency.banner_until is not None and urgency.banner_until <= work.now:
        raise Invalid(field="banner_until", why="横幅的结束时间须晚于现在。")
    if urgency.through and not value_of(work.session, THROUGH, piece.unit_id, work.now):
        raise Invalid(field="through", why="本单位规定应急发布同样受停发限制，不能标明照常发出。")
    row = Emergency(
        unit_id=piece.unit_id,
        piece_id=piece.id,
        key=key,
        level=urgency.level,
        banner_until=urgency.banner_until,
        through=urgency.through,
        created_by=who.person_id,
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    work.audit("emergency.opened", row, piece=piece.id, level=row.level, through=row.through)
    return row


def of_piece(session: Session, piece_id: int) -> Emergency | None:
    """The emergency that a piece was written for."""
    return session.scalars(select(Emergency).where(Emergency.piece_id == piece_id)).one_or_none()


def on_banner(session: Session, pieces: Collection[int], now: datetime) -> bool:
    """Whether one of these pieces stands, or stood a moment ago, on the banner."""
    query = select(Emergency.id).where(Emergency.piece_id.in_(pieces), Emergency.banner_until > now)
    return session.scalar(query.limit(1)) is not None


def urgency_of(session: Session, piece_id: int) -> Urgency | None:
    """What is signed with an emergency piece, also when it is submitted again from the editor."""
    row = of_piece(session, piece_id)
    return Urgency(row.level, row.banner_until, row.through) if row else None


def signed(work: Work, release_id: int, public_url: str) -> None:
    """The last signature is there: books every account it was signed for. One that does not fit holds up no other."""
    release = work.session.get_one(Release, release_id)
    row = of_piece(work.session, release.piece_id)
    said = release.content.get("emergency")
    if row is None or said is None or not release.emergency:
        return
    left, booked = [], 0
    may_pass = bool(value_of(work.session, THROUGH, row.unit_id, work.now))
    for account_id in targets_of(release.content):
        try:
            book_signed(work, release, account_id, through=bool(said["through"]) and may_pass, public_url=public_url)
            booked += 1
        except XuandaError as error:
            name = work.session.get_one(Account, account_id).name
            left.append((name, error.message("zh")))
    row.booked_at = work.now
    work.audit("emergency.booked", row, hash=release.hash, accounts=booked, left=[name for name, _why in left])
    title = release.content["title"]
    work.emit(EmergencyBooked(row.id, release.piece_id, row.unit_id, title, booked, tuple(left)))


def end_banner(work: Work, who: Viewer, row: Emergency) -> None:
    """Takes the banner down before its hour; the piece stays where it is."""
    if not who.may(Permission.DELIVERY_ACT, row.unit_id):
        raise NoRight(what="撤下此横幅")
    if row.banner_until is None or row.banner_until <= work.now:
        raise Invalid(field="banner_until", why="横幅已经撤下。")
    row.banner_until = work.now
    work.audit("emergency.banner_ended", row)


def banners(session: Session, now: datetime) -> Sequence[Banner]:
    """What stands on the portal's banner: pieces the public may see, until their hour, the gravest first."""
    on_portal = (
        select(Placement.id)
        .join(Account, Account.id == Placement.account_id)
        .where(
            Placement.piece_id == Emergency.piece_id,
            Account.channel == PORTAL,
            Placement.state == PlacementState.LIVE,
        )
        .exists()
    )
    query = (
        select(Emergency, PublicPiece, on_portal)
        .join(PublicPiece, PublicPiece.piece_id == Emergency.piece_id)
        .where(Emergency.banner_until > now, visible(now))
    )
    found = session.execute(query.order_by(PublicPiece.from_at.desc())).all()
    ordered = sorted(found, key=lambda found: list(LEVELS).index(found[0].level))
    return [Banner(row.level, public.title, public.path if there else "") for row, public, there in ordered][
        :MOST_BANNERS
    ]
