"""What a signer is shown of a release, in the console and behind a link alike, and handing it on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi.responses import Response
from sqlalchemy.orm import Session

from content import later, review, rules
from content import release as releases
from content.attachments import type_of
from content.models import Piece, Release, Revision
from content.origins import origin_of
from content.states import ReleaseState
from hub import editorial
from hub.product import Hub
from hub.web import approval
from hub.web.media import NAME, PICTURES, blob, download
from hub.web.platform_previews import READ_ONLY, of_release
from hub.web.readers import elsewhere_of, shown
from kernel.errors import Invalid, NotFound
from kernel.people import Person, Viewer
from kernel.work import Work


def reading(hub: Hub, session: Session, who: Viewer, release: Release, base: str, now: datetime) -> dict[str, Any]:
    """What a signer is shown of a release, in the console and by a link alike; `base` is where its pages are."""
    piece = session.get_one(Piece, release.piece_id)
    before = approval.last_signed(session, release)
    people = [None, *review.principals(session, who.person_id, now)]
    able = [one for one in people if review.may_sign(session, who, release, now, one.id if one else None)]
    level = review.next_level(session, release)
    content: Mapping[str, Any] = release.content
    return {
        "release": release,
        "piece": piece,
        "origin": origin_of(session, piece, content["source_name"]),
        "author": session.get_one(Person, piece.author_id),
        "frames": shown(content, f"{base}/preview", f"{base}/media", elsewhere_of(session, content, release.piece_id)),
        "chain": approval.chain(session, release, scans=base.startswith("/console/")),
        "proofs": approval.proofs(session, release),
        "lifts": approval.lifts(session, release.revision_id),
        "warnings": _warnings(session, release),
        # Behind a link it is only read; the console's page adds what can be done.
        "platform": of_release(hub, session, release),
        **READ_ONLY,
        "before": before,
        "changes": approval.changes(approval.as_text(before.content), approval.as_text(content)) if before else [],
        "window": approval.window_words(content["window"], hub.settings.office_zone),
        "urgency": approval.urgency_words(content.get("emergency") or {}, hub.settings.office_zone)
        if content.get("emergency")
        else [],
        "audience": approval.audience_words(content["targets"]),
        "may_sign": bool(able),
        "on_behalf_of": able[0] if able else None,
        "level": rules.level_name(level, release.levels) if level <= release.levels else "",
        "last": level == release.levels,
        "proofs_missing": sum(1 for _name, person, _at in approval.proofs(session, release) if not person),
        "others": [(person.id, person.name) for person in others_of(session, release, who, now)],
        "number": approval.form_number(release, hub.settings.office_zone),
    }


def later_reading(session: Session, who: Viewer, release: Release, now: datetime) -> dict[str, Any]:
    """What the release's page shows of its later sign-off."""
    row = later.of_release(session, release.id)
    if row is None:
        return {"later": None}
    people = [None, *review.principals(session, who.person_id, now)]
    able = [one for one in people if later.may_sign(session, who, row, now, one.id if one else None)]
    level = later.level_of(session, row)
    return {
        "later": row,
        "later_level": later.level_name(level) if level else "",
        "later_last": level == row.levels,
        "later_able": bool(able),
        "later_for": able[0] if able else None,
        "later_late": not row.verdict and row.due_at <= now,
    }


def _warnings(session: Session, release: Release) -> list[Any]:
    piece = session.get_one(Piece, release.piece_id)
    revision = session.get_one(Revision, release.revision_id)
    return [finding for finding, lift in releases.check(session, piece, revision) if lift is None]


def others_of(session: Session, release: Release, who: Viewer, now: datetime) -> list[Person]:
    if release.state != ReleaseState.OPEN:
        return []
    return [person for person in review.signers_of(session, release, now) if person.id != who.person_id]


def hand_on(hub: Hub, work: Work, who: Viewer, release: Release, to: str) -> Person:
    chosen = next((one for one in others_of(work.session, release, who, work.now) if str(one.id) == to), None)
    if chosen is None:
        raise Invalid(field="to", why="请选择可以审签这一级的人。")
    words = f"{who.name}请您审签《{release.content['title']}》。"
    key = f"delegated:{release.id}:{who.person_id}:{chosen.id}:{work.now:%Y%m%d%H%M}"
    editorial.tell_signer(hub, work, release, chosen.id, words, key)
    work.audit("release.delegated", release, to=chosen.name, hash=release.hash)
    return chosen


def picture_of(hub: Hub, release: Release, name: str) -> Response:
    found = NAME.fullmatch(name)
    if found is None or found[1] not in release.content["pictures"]:
        raise NotFound
    return blob(hub, found[1], PICTURES[found[2]])


def attachment_of(hub: Hub, release: Release, sha256: str, name: str) -> Response:
    signed = next((one for one in release.content["attachments"] if one["sha256"] == sha256), None)
    if signed is None:
        raise NotFound
    return download(hub, sha256, type_of(signed["name"]), name)
