"""Takes the bytes of forgotten files off the disk; a row keeps its hash until they are gone."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from bot.citizen_files.models import CitizenFile
from bot.citizen_files.states import FileState
from content.models import Asset
from kernel.blobs import Blobs
from kernel.work import Works

BATCH = 200


def drop_forgotten(works: Works, blobs: Blobs) -> int:
    """Drops what nobody else keeps under the same hash; returns how many files were let go."""
    with works.read() as work:
        query = select(CitizenFile.id, CitizenFile.sha256).where(_forgotten())
        found = work.session.execute(query.limit(BATCH)).all()
        alone = {sha256 for _number, sha256 in found if not _needed(work.session, sha256)}
    for sha256 in alone:
        blobs.remove(sha256)
    with works.write() as work:
        for number, _sha256 in found:
            work.session.get_one(CitizenFile, number).sha256 = ""
    return len(found)


def _forgotten() -> ColumnElement[bool]:
    return and_(CitizenFile.state == FileState.FORGOTTEN, CitizenFile.sha256 != "")


def _needed(session: Session, sha256: str) -> bool:
    kept = select(CitizenFile.id).where(CitizenFile.sha256 == sha256, CitizenFile.state == FileState.KEPT)
    asset = select(Asset.id).where(Asset.sha256 == sha256)
    return any(session.scalar(query.limit(1)) is not None for query in (kept, asset))
