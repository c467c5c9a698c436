"""What the editorial desks share: who reaches which piece, which accounts are offered, whose turn it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from channels.abilities.dressing import Dressed
from channels.accounts import tags
from channels.accounts.models import Account
from channels.base import ACTION_LABELS, Post
from channels.registry import channel as adapter_of
from channels.registry import channels as installed
from channels.registry import limits_of, style_of
from content import release as releases
from content import review, rules
from content.events import ReleaseReturned, ReleaseSigned, ReleaseSubmitted, ReleaseVoided
from content.models import Column, Piece, Release, Revision
from content.snapshot import Target, Urgency, Window, compose
from content.states import ReleaseState
from hub.auth import links
from hub.notifier import BY_PHONE, code_of
from hub.product import Hub
from hub.settings import Settings
from kernel.errors import Invalid, NotFound
from kernel.people import Permission, Person, Viewer, ancestors, holders, viewer
from kernel.work import Work
from scheduler import booking
from scheduler import emergency as urgencies
from scheduler.errors import DoesNotFit
from scheduler.posts import at_its_address, item_with

SIGN_LINK = "release.sign"
LINK_LASTS = timedelta(hours=24)
MOST_WAITING = 300


# --- what a person may reach -----------------------------------------------------------------------------------


def piece_for(session: Session, who: Viewer, piece_id: int, permission: Permission = Permission.PIECE_READ) -> Piece:
    """The piece when the person may do this in its unit; raises NotFound otherwise."""
    piece = session.get(Piece, piece_id)
    if piece is None or not who.may(permission, piece.unit_id):
        raise NotFound
    return piece


def release_for(session: Session, who: Viewer, release_id: int, now: datetime) -> Release:
    """The release when the person may read its piece, or when he is deputy of somebody who signs there."""
    release = session.get(Release, release_id)
    if release is None or release.unit_id not in readable_units(session, who, now):
        raise NotFound
    return release


def readable_units(session: Session, who: Viewer, now: datetime) -> frozenset[int]:
    """The units whose pieces a person may read, with those in which he may sign for somebody else."""
    units = set(who.units(Permission.PIECE_READ))
    for principal in review.principals(session, who.person_id, now):
        units |= viewer(session, principal, now).units(Permission.PIECE_REVIEW)
    return frozenset(units)


def columns_for(session: Session, who: Viewer, permission: Permission) -> list[Column]:
    """The active columns of the units in which the person may do this, and of those above them."""
    units = {above for unit in who.units(permission) for above in ancestors(session, unit)}
    query = select(Column).where(Column.unit_id.in_(units), Column.active)
    return list(session.scalars(query.order_by(Column.position, Column.id)))


# --- accounts --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Offer:
    """An account a piece may go to, with the acts it offers as (name, label) and the tags of its followers."""

    account: Account
    label: str
    actions: Sequence[tuple[str, str]]
    notes: Sequence[str]
    tags: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Choice:
    """What a person chose for one account; an empty action is the account's own."""

    account_id: int
    action: str = ""
    audience: Mapping[str, Any] = field(default_factory=dict)


def offers(session: Session, unit_id: int) -> list[Offer]:
    """The active accounts of a unit and of those above it whose channel is installed, the nearest unit first."""
    units = ancestors(session, unit_id)
    query = select(Account).where(Account.unit_id.in_(units), Account.active, Account.channel.in_(list(installed())))
    found = sorted(session.scalars(query), key=lambda account: (account.channel != "portal", account.id))
    return [_offer(session, account) for account in found]


def read_targets(session: Session, unit_id: int, chosen: Sequence[Choice]) -> list[Target]:
    """What was chosen as targets to sign; raises Invalid for an account or act that is not offered."""
    offered = {offer.account.id: offer for offer in offers(session, unit_id)}
    targets = []
    for choice in chosen:
        offer = offered.get(choice.account_id)
        if offer is None:
            raise Invalid(field="targets", why="所选账号不存在、已停用，或不属于本单位及上级单位。")
        action = choice.action or offer.account.action
        if action not in dict(offer.actions):
            label = ACTION_LABELS.get(action, action)
            raise Invalid(field="targets", why=f"账号“{offer.account.name}”不支持“{label}”。")
        channel = offer.account.channel
        targets.append(
            Target(
                offer.account.id,
                offer.account.name,
                channel,
                style_of(channel),
                action,
                _audience(session, choice, action),
                dressing_of(offer.account),
            )
        )
    return targets


def dressing_of(account: Account) -> Mapping[str, Any]:
    """What an account puts into its channel's layout; nothing where the channel knows of no such thing."""
    adapter = adapter_of(account.channel)
    return adapter.dressing(account.settings) if issubclass(adapter, Dressed) else {}


def own_hosts(settings: Settings) -> frozenset[str]:
    """The hosts that are this installation's own."""
    hosts = (urlsplit(address).hostname for address in (settings.address, settings.console_address))
    return frozenset(host for host in hosts if host)


def submit(
    hub: Hub,
    work: Work,
    who: Viewer,
    piece: Piece,
    chosen: Sequence[Choice],
    window: Window,
    *,
    emergency: bool = False,
    version: int | None = None,
) -> Release:
    """Submits a piece to the chosen accounts; raises DoesNotFit for what one of them could never show."""
    targets = read_targets(work.session, piece.unit_id, chosen)
    release = releases.submit(
        work,
        who,
        piece,
        targets,
        window,
        engine=hub.pages,
        portal=hub.settings.address,
        own_hosts=own_hosts(hub.settings),
        emergency=emergency,
        # Submitted again from the editor it is still the emergency that it was written for.
        urgency=urgencies.urgency_of(work.session, piece.id) if emergency else None,
        version=version,
    )
    _must_fit(work.session, targets, hub.settings.address, piece)
    return release


def misfits(
    hub: Hub, session: Session, piece: Piece, chosen: Sequence[Choice], urgency: Urgency | None = None
) -> dict[int, DoesNotFit]:
    """Which of the chosen accounts could not show a piece as it is now, and why, by account; nothing is submitted."""
    targets = read_targets(session, piece.unit_id, chosen)
    revision = session.get_one(Revision, piece.revision_id)
    content = compose(session, hub.pages, piece, revision, targets, Window(), hub.settings.address, urgency)
    found = {}
    for target in targets:
        item = at_its_address(session, item_with(content, piece, 0, target.channel, hub.settings.address))
        post = Post("preflight", target.action, [item], target.audience)  # type: ignore[arg-type]  # One of the actions.
        account = session.get_one(Account, target.account_id)
        told = [one for one in adapter_of(target.channel).check(account.settings, post) if one.blocking]
        if told:
            problem = "".join(one.message for one in told)
            found[target.account_id] = DoesNotFit(field=told[0].field, account=target.account_name, problem=problem)
    return found


def _must_fit(session: Session, targets: Sequence[Target], public_url: str, piece: Piece) -> None:
    """Three people must not sign what has to be written anew; what the account lacks can be mended until it is due."""
    for target in targets:
        order = booking.Order((piece.id,), target.account_id, target.action, audience=target.audience)
        problems = booking.preflight(session, order, public_url)
        told = next((one for one in problems if one.blocking and one.field != "account"), None)
        if told:
            raise DoesNotFit(field=_place(target, told.field), account=target.account_name, problem=told.message)


def _place(target: Target, field: str) -> str:
    """Where in the editor it is mended: a channel's own words where it has some of its own, else what all share."""
    own = f"variants.{target.channel}"
    if target.style == "text" and field in ("title", "text"):
        return f"{own}.{'title' if field == 'title' else 'body'}"
    if target.style in ("article", "layout") and field in ("title", "digest"):
        return f"{own}.{field}"
    return {"digest": "summary", "text": "body"}.get(field, field if field in ("title", "body", "cover") else "targets")


# --- whose turn it is ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waiting:
    """A release that waits for a person, and for whom he may sign it (None: for himself)."""

    release: Release
    level: int
    on_behalf_of: Person | None = None


def waiting_for(session: Session, who: Viewer, now: datetime) -> list[Waiting]:
    """The open releases whose next level is this person's, his own first, emergencies and the oldest first."""
    people: list[Person | None] = [None, *review.principals(session, who.person_id, now)]
    query = select(Release).where(
        Release.state == ReleaseState.OPEN, Release.unit_id.in_(readable_units(session, who, now))
    )
    found = []
    for release in session.scalars(query.order_by(Release.emergency.desc(), Release.submitted_at).limit(MOST_WAITING)):
        for principal in people:
            if review.may_sign(session, who, release, now, principal.id if principal else None):
                found.append(Waiting(release, review.next_level(session, release), principal))
                break
    return found


def connect(hub: Hub) -> None:
    """Tells people in the work itself that a release waits for them, was returned to them, or is signed."""
    hub.listeners.in_work(ReleaseSubmitted, lambda work, event: _tell_signers(hub, work, event))
    hub.listeners.in_work(ReleaseReturned, lambda work, event: _tell_returned(hub, work, event))
    hub.listeners.in_work(ReleaseSigned, lambda work, event: _tell_signed(hub, work, event))
    hub.listeners.in_work(ReleaseVoided, lambda work, event: hub.notifier.settle(work, _desk_of(event.release_id)))


def tell_signer(hub: Hub, work: Work, release: Release, person_id: int, text: str, key: str) -> None:
    """Tells one signer that a release waits; where messages leave the house, a link that works once goes with it.

    Whoever is reached by mail and by telephone gets the link by mail and its code by telephone: neither alone signs.
    """
    title = f"待您审签：{release.content['title']}"
    if _messages_leave(hub.settings):
        new = links.issue(work, SIGN_LINK, person_id, LINK_LASTS, target=release, with_code=True)
        text = f"{text}\n手机审签（24 小时内有效，仅限本人）：{hub.settings.address}/s/{new.token}"
        code = f"审签验证码 {new.code}。请勿转告他人。"
        hub.notifier.tell(work, [person_id], "signing.code", "审签验证码", code, "", code_of(key), only=BY_PHONE)
    link = _desk_of(release.id)
    hub.notifier.tell(work, [person_id], "signing.waiting", title, text, link, key, apart_from=BY_PHONE)


def _offer(session: Session, account: Account) -> Offer:
    limits = limits_of(account.channel)
    actions = [(action, ACTION_LABELS[action]) for action in limits.actions]
    known = [(str(tag.remote_id), f"{tag.name}（{tag.people}）") for tag in tags.of_account(session, account.id)]
    return Offer(account, adapter_of(account.channel).label, actions, limits.notes, known)


def _audience(session: Session, choice: Choice, action: str) -> dict[str, Any]:
    """What is signed: a tag with the name a signer reads, and only where the act knows tags."""
    chosen = choice.audience.get("tag_id")
    if not isinstance(chosen, str):
        return dict(choice.audience)
    named = tags.audience_of(session, choice.account_id, chosen)
    if chosen and not named:
        raise Invalid(field="targets", why="所选标签已不存在，请在账号的“粉丝标签”中重新读取后再选。")
    return dict(named) if action == "mass_send" else {}


def _messages_leave(settings: Settings) -> bool:
    return bool(settings.smtp_url or settings.notice_gateway_url)


def _tell_signers(hub: Hub, work: Work, event: ReleaseSubmitted) -> None:
    release = work.session.get_one(Release, event.release_id)
    level = rules.level_name(event.level, release.levels)
    urgent = "【应急】" if release.emergency else ""
    text = f"{urgent}{release.content['unit']}《{release.content['title']}》等待{level}。"
    hub.notifier.settle(work, _desk_of(release.id))
    for person in _asked(work, release, event.level):
        tell_signer(hub, work, release, person.id, text, f"signing:{release.id}:{event.level}")


def _asked(work: Work, release: Release, level: int) -> list[Person]:
    """Whom a level is asked of: who signs last is spared the levels before, where somebody else can sign them."""
    able = review.signers_of(work.session, release, work.now)
    last = set(holders(work.session, Permission.PIECE_SIGN, release.unit_id, work.now))
    others = [person for person in able if person.id not in last]
    return others if others and level < release.levels else able


def _desk_of(release_id: int) -> str:
    return f"/console/signing/{release_id}"


def _tell_returned(hub: Hub, work: Work, event: ReleaseReturned) -> None:
    hub.notifier.settle(work, _desk_of(event.release_id))
    release = work.session.get_one(Release, event.release_id)
    title = f"已退回：{release.content['title']}"
    people = {event.author_id, release.submitted_by}
    link = f"/console/pieces/{event.piece_id}"
    hub.notifier.tell(
        work, people, "piece.returned", title, f"退回原因：{event.reason}", link, f"returned:{release.id}"
    )


def _tell_signed(hub: Hub, work: Work, event: ReleaseSigned) -> None:
    hub.notifier.settle(work, _desk_of(event.release_id))
    release = work.session.get_one(Release, event.release_id)
    piece = work.session.get_one(Piece, event.piece_id)
    title = f"已签发：{release.content['title']}"
    text = "可以安排发布。" if not release.content["window"]["latest"] else "可以安排发布，请留意签发的时间窗。"
    link = f"/console/pieces/{piece.id}"
    people = {piece.author_id, release.submitted_by}
    hub.notifier.tell(work, people, "piece.signed", title, text, link, f"signed:{release.id}")
