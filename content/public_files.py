"""The documents attached to public pieces: they go live with them and are withdrawn with them."""

from __future__ import annotations

from sqlalchemy import delete, select

from content.captions import is_captions
from content.models import Asset, PublicFile, Release
from kernel.once import insertion
from kernel.work import Work

LONGEST_TEXT = 20_000
"""As much of any text as the search reads."""


def show(work: Work, release: Release) -> None:
    """The documents of this release are what the public sees of its piece."""
    others = PublicFile.piece_id == release.piece_id, PublicFile.release_id != release.id
    work.session.execute(delete(PublicFile).where(*others))
    # Captions are shown in their film, and what they say stands in its text version.
    files = [file for file in release.content["attachments"] if not is_captions(file["name"])]
    if files:
        # The same bytes say the same, and the row may have been taken off its piece since.
        kept = select(Asset.sha256, Asset.text).where(
            Asset.sha256.in_([file["sha256"] for file in files]), Asset.unit_id == release.unit_id
        )
        texts = dict(work.session.execute(kept).all())
        rows = [
            {
                "piece_id": release.piece_id,
                "release_id": release.id,
                "number": number,
                "name": file["name"],
                "href": file["href"],
                "size": file["size"],
                "text": texts.get(file["sha256"], "")[:LONGEST_TEXT],
            }
            for number, file in enumerate(files)
        ]
        # It may be going live on another account at this moment.
        work.session.execute(insertion(work.session, PublicFile), rows)


def hide(work: Work, piece_id: int) -> None:
    """The piece was withdrawn, and its documents with it."""
    work.session.execute(delete(PublicFile).where(PublicFile.piece_id == piece_id))
