"""Submitting: a revision with its variants, accounts, mode, audience and window becomes a release to sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from content import checks, links, naming, rules, snapshot, states
from content.compose import saved_at, void_release
from content.errors import Blocked, NoRight
from content.events import ReleaseSubmitted
from content.kinds import kind_of
from content.kinds.base import Kind
from content.loose import listed_words
from content.models import Asset, Column, Lift, Piece, Release, Revision, Variant
from content.snapshot import Target, Urgency, Window
from content.states import PieceState, ReleaseState
from kernel.errors import Invalid, Stale
from kernel.people import Permission, Viewer
from kernel.work import Work
from templates.engine import Engine

SAME_TITLE_DAYS = 90


def submit(
    work: Work,
    who: Viewer,
    piece: Piece,
    targets: Sequence[Target],
    window: Window,
    *,
    engine: Engine,
    portal: str,
    own_hosts: frozenset[str] = frozenset(),
    emergency: bool = False,
    urgency: Urgency | None = None,
    version: int | None = None,
) -> Release:
    """送审: checks the piece, freezes its revision, and opens a release for signing.

    Raises Blocked when findings stand in the way that no signer has lifted, Stale when somebody saved the
    piece since the `version` that the person read.
    """
    if not who.may(Permission.PIECE_WRITE, piece.unit_id):
        raise NoRight(what="送审此稿件")
    if version is not None and version != piece.version:
        raise Stale(field="version", what=saved_at(piece))
    revision = work.session.get_one(Revision, piece.revision_id)
    _check_plan(work, revision, targets, window)
    blocks = [
        finding
        for finding, lift in check(work.session, piece, revision, own_hosts=own_hosts)
        if finding.level == "block" and lift is None
    ]
    if blocks:
        raise Blocked(field=blocks[0].place, count=len(blocks), first=blocks[0].message)
    piece.state = states.move(piece.state, "submit")
    void_release(work, piece, "重新送审")
    release = _open(
        work, who, piece, revision, targets, window, engine=engine, portal=portal, emergency=emergency, urgency=urgency
    )
    work.audit("release.submitted", release, hash=release.hash, levels=release.levels, emergency=emergency)
    work.emit(ReleaseSubmitted(release.id, piece.id, piece.unit_id, level=1))
    return release


def open_outside(work: Work, who: Viewer, piece: Piece, target: Target, *, engine: Engine, portal: str) -> Release:
    """Opens a release for the later signature (补签) of what an account shows already.

    Nothing blocks it: what is public is judged as it is, with its findings before the signers' eyes.
    """
    if not who.may(Permission.PIECE_WRITE, piece.unit_id):
        raise NoRight(what="登记此稿件")
    revision = work.session.get_one(Revision, piece.revision_id)
    piece.state = states.move(piece.state, "submit")
    release = _open(work, who, piece, revision, [target], Window(), engine=engine, portal=portal, emergency=False)
    work.audit("release.submitted", release, hash=release.hash, levels=release.levels, outside=True)
    work.emit(ReleaseSubmitted(release.id, piece.id, piece.unit_id, level=1))
    return release


def recall(work: Work, who: Viewer, piece: Piece) -> None:
    """撤回送审: the author takes a release back before it is signed."""
    if not who.may(Permission.PIECE_WRITE, piece.unit_id):
        raise NoRight(what="撤回此稿件")
    piece.state = states.move(piece.state, "recall")
    void_release(work, piece, "作者撤回送审")
    piece.updated_at = work.now
    work.audit("piece.recalled", piece)


def lift(
    work: Work,
    who: Viewer,
    piece: Piece,
    finding_key: str,
    reason: str,
    *,
    own_hosts: frozenset[str] = frozenset(),
) -> Lift:
    """放行: a signer lets a blocking finding pass, with his reason; not on his own text.

    What a rule of the kind or an empty field blocks cannot be lifted: it has to be filled in.
    """
    revision = work.session.get_one(Revision, piece.revision_id)
    own_text = who.person_id in (piece.author_id, revision.created_by)
    if own_text or not who.may(Permission.FINDING_LIFT, piece.unit_id):
        raise NoRight(what="放行拦截问题（须由签发人放行，且不能放行自己的稿件）")
    if not reason.strip():
        raise Invalid(field="reason", why="放行须填写理由。")
    findings = check(work.session, piece, revision, own_hosts=own_hosts)
    finding, earlier = next((pair for pair in findings if pair[0].key == finding_key), (None, None))
    if earlier is not None:
        return earlier
    if finding is None:
        raise Invalid(field="finding", why="该问题已不存在，可能稿件已修改。")
    if not can_be_lifted(finding):
        raise Invalid(field="finding", why="必填项不能放行，请补全；提示不需要放行。")
    lifted = Lift(
        revision_id=revision.id,
        finding_key=finding_key,
        message=finding.message[:500],
        reason=reason.strip()[:500],
        person_id=who.person_id,
        at=work.now,
    )
    work.session.add(lifted)
    work.session.flush()
    work.audit("finding.lifted", piece, finding=finding.message, reason=lifted.reason)
    return lifted


def can_be_lifted(finding: checks.Finding) -> bool:
    """Whether a signer may let it pass: an empty field has to be filled in, and what only points out stops nobody."""
    return finding.level == "block" and finding.rule != "required"


def check(
    session: Session,
    piece: Piece,
    revision: Revision,
    *,
    own_hosts: frozenset[str] = frozenset(),
) -> list[tuple[checks.Finding, Lift | None]]:
    """All findings of a revision, each with its lifting if a signer lifted it."""
    document = _document(session, piece, revision, own_hosts)
    lifted = {row.finding_key: row for row in session.scalars(select(Lift).filter_by(revision_id=revision.id))}
    return [(finding, lifted.get(finding.key)) for finding in checks.run(document)]


def _check_plan(work: Work, revision: Revision, targets: Sequence[Target], window: Window) -> None:
    if not targets:
        raise Invalid(field="targets", why="还没有选择发布渠道。")
    if len({target.account_id for target in targets}) < len(targets):
        raise Invalid(field="targets", why="同一账号选择了两次。")
    if window.earliest and window.latest and window.latest <= window.earliest:
        raise Invalid(field="latest", why="最晚时间须晚于最早时间。")
    if window.latest and window.latest <= work.now:
        raise Invalid(field="latest", why="最晚时间已过。")
    if revision.expires_at and revision.expires_at <= (window.earliest or work.now):
        raise Invalid(field="expires_at", why="失效时间早于发布时间，读者将看不到这篇稿件。")


def _open(
    work: Work,
    who: Viewer,
    piece: Piece,
    revision: Revision,
    targets: Sequence[Target],
    window: Window,
    *,
    engine: Engine,
    portal: str,
    emergency: bool,
    urgency: Urgency | None = None,
) -> Release:
    column = work.session.get_one(Column, piece.column_id)
    need = rules.requirement(work.session, piece.unit_id, column.slug, work.now, emergency=emergency)
    content = snapshot.compose(work.session, engine, piece, revision, targets, window, portal, urgency)
    last = work.session.scalar(select(func.max(Release.number)).where(Release.piece_id == piece.id)) or 0
    revision.frozen = True
    release = Release(
        unit_id=piece.unit_id,
        piece_id=piece.id,
        revision_id=revision.id,
        number=last + 1,
        state=ReleaseState.OPEN,
        levels=need.levels,
        proofs=need.proofs,
        emergency=emergency,
        content=content,
        hash=snapshot.digest(content),
        submitted_by=who.person_id,
        submitted_at=work.now,
    )
    work.session.add(release)
    work.session.flush()
    piece.release_id = release.id
    piece.updated_at = work.now
    piece.version += 1
    return release


def _document(session: Session, piece: Piece, revision: Revision, own_hosts: frozenset[str]) -> checks.Document:
    kind = kind_of(piece.kind)
    assets = session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id)).all()
    variants = session.scalars(select(Variant).filter_by(revision_id=revision.id).order_by(Variant.channel)).all()
    bad = links.bad(session, revision, own_hosts)
    pictures, lost = _shown_pictures(session, piece, revision, [revision.body, *(row.body for row in variants)])
    parts = [
        checks.Part("title", "标题", revision.title),
        checks.Part("summary", "摘要", revision.summary),
        checks.html_part("body", "正文", revision.body),
        checks.Part("fields", kind.label, kind.plain(revision.fields)),
        checks.Part("keywords", "关键词", revision.keywords),
    ]
    for variant in variants:
        parts.append(checks.Part(f"{variant.channel}.title", f"{variant.channel} 标题", variant.title))
        parts.append(checks.Part(f"{variant.channel}.digest", f"{variant.channel} 摘要", variant.digest))
        parts.append(_own_words(variant))
    for asset in assets:
        parts.append(checks.Part(f"attachment.{asset.id}", f"附件“{asset.name}”", f"{asset.name}\n{asset.text}"))
    return checks.Document(
        kind=kind,
        title=revision.title,
        parts=parts,
        fields=revision.fields,
        words=listed_words(session, piece.unit_id),
        pictures=[(asset.name, asset.alt, asset.decorative) for asset in pictures],
        files=[asset.name for asset in assets if not asset.media_type.startswith("image/")],
        lost_pictures=lost,
        unread_files=[
            asset.name for asset in assets if not asset.text.strip() and not asset.media_type.startswith("image/")
        ],
        lost_files=_lost_files(kind, revision, assets),
        own_hosts=own_hosts,
        dead_links=links.reasons(bad, "dead"),
        unsure_links=links.reasons(bad, "unsure"),
        same_titles=_same_titles(session, piece, revision),
        unsigned_links=_unsigned_links(session, piece, revision),
        incoming=naming.naming(session, piece),
    )


def _unsigned_links(session: Session, piece: Piece, revision: Revision) -> list[tuple[str, str, int]]:
    signed = {one.field for one in naming.named(session, piece, revision.fields) if one.title}
    labels = {name: spec.label for name, spec in naming.specs_naming(piece.kind)}
    return [
        (name.partition(".")[0], labels[name.partition(".")[0]], piece_id)
        for name, piece_id in naming.named_pieces(piece.kind, revision.fields)
        if name not in signed
    ]


def _lost_files(kind: Kind, revision: Revision, assets: Sequence[Asset]) -> list[str]:
    kept = {asset.name for asset in assets if not asset.media_type.startswith("image/")}
    return [f"{what}：{name}" for what, name in kind.named_files(revision.fields) if name not in kept]


def _own_words(variant: Variant) -> checks.Part:
    part = checks.html_part(f"{variant.channel}.body", f"{variant.channel} 正文", variant.body)
    # A channel of plain text shows every character, also what would be a tag elsewhere.
    return part if variant.layout else replace(part, text=f"{part.text}\n{variant.body}")


def _shown_pictures(
    session: Session, piece: Piece, revision: Revision, texts: Sequence[str]
) -> tuple[list[Asset], list[str]]:
    cover = session.get(Asset, revision.cover_id) if revision.cover_id else None
    wanted = snapshot.media_in(texts) + ([cover.sha256] if cover else [])
    rows = session.scalars(
        select(Asset).where(Asset.sha256.in_(wanted), Asset.unit_id == piece.unit_id).order_by(Asset.id)
    ).all()
    kept = {row.sha256: row for row in rows} | {row.sha256: row for row in rows if row.piece_id == piece.id}
    return list(kept.values()), [name for name in dict.fromkeys(wanted) if name not in kept]


def _same_titles(session: Session, piece: Piece, revision: Revision) -> Sequence[str]:
    if not revision.title:
        return []
    since = revision.created_at - timedelta(days=SAME_TITLE_DAYS)
    query = select(Piece.title).where(
        Piece.unit_id == piece.unit_id,
        Piece.title == revision.title,
        Piece.id != piece.id,
        Piece.created_at >= since,
        Piece.state != PieceState.TRASH,
    )
    return session.scalars(query.limit(3)).all()
