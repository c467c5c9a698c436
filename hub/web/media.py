"""Pictures and attachments inside the console: shown to whoever may read the piece they belong to.

On the portal a picture's address is /media/…; inside the console the same picture is behind a guard, so
text is rewritten on its way in and out.
"""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, Response
from sqlalchemy import or_, select

from content.models import Asset
from hub.editorial import readable_units
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from kernel.errors import NotFound
from kernel.people import Permission

router = APIRouter(prefix="/console")

Reader = Annotated[Asker, Depends(may(Permission.PIECE_READ))]
PICTURES = {"jpg": "image/jpeg", "png": "image/png"}
NAME = re.compile(r"([0-9a-f]{64})\.(jpg|png)")
_OUTSIDE = re.compile(r"""(["'(])(?:https?://[^/"'()\s]+)?/media/([0-9a-f]{64}\.(?:jpg|png))""")
_FILES = re.compile(r"""(["'])/files/(?=[0-9a-f]{64}/)""")
_INSIDE = re.compile(r"(?:https?://[^/\"'()\s]+)?/console/media/([0-9a-f]{64}\.(?:jpg|png))")


def inside(html: str, door: str = "/console/media") -> str:
    """Text whose pictures are fetched through a guarded door."""
    return _OUTSIDE.sub(rf"\1{door}/\2", html)


def with_files(html: str, door: str) -> str:
    """A page whose films and documents are fetched through a guarded door."""
    return _FILES.sub(rf"\1{door}/", html)


def outside(html: str) -> str:
    """The same text with the addresses the portal uses."""
    return _INSIDE.sub(r"/media/\1", html)


@router.get("/media/{name}")
def picture(hub: HubDep, asker: Reader, name: str) -> Response:
    """A picture of a piece the person may read."""
    found = NAME.fullmatch(name)
    if found is None:
        raise NotFound
    _known(hub, asker, found[1])
    return blob(hub, found[1], PICTURES[found[2]])


@router.get("/files/{sha256}/{name}")
def attachment(hub: HubDep, asker: Reader, sha256: str, name: str) -> Response:
    """An attachment of a piece the person may read, always as a download."""
    return download(hub, sha256, _known(hub, asker, sha256).media_type, name)


def download(hub: Hub, sha256: str, media_type: str, name: str) -> FileResponse:
    """The bytes as a file to save, which a player on our own page plays all the same."""
    response = blob(hub, sha256, media_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name[:200])}"
    return response


def blob(hub: Hub, sha256: str, media_type: str) -> FileResponse:
    """The bytes kept under a name; they never change, so a browser may keep them."""
    path = hub.blobs.path(sha256)
    if not path.is_file():
        raise NotFound
    headers = {"Cache-Control": "private, max-age=86400", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(path, media_type=media_type, headers=headers)


def _known(hub: Hub, asker: Asker, sha256: str) -> Asset:
    with hub.works.read() as work:
        units = readable_units(work.session, asker.viewer, work.now)
        # What an account prints beneath its pieces is of no piece: whoever writes for that account sees it.
        mine = or_(Asset.unit_id.in_(units), Asset.piece_id.is_(None))
        query = select(Asset).where(Asset.sha256 == sha256, mine).limit(1)
        asset = work.session.scalars(query).one_or_none()
    if asset is None:
        raise NotFound
    return asset
