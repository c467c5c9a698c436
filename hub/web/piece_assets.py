"""The pictures and attachments of a piece in the editor: taken in, described, removed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from content import attachments, compose
from content.models import Asset, Piece, Revision
from content.pictures import normalise
from content.snapshot import media_path
from hub.editorial import piece_for
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.media import inside
from hub.web.pages import fragment
from kernel.errors import NotFound
from kernel.people import Permission

router = APIRouter()

P = Permission
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Text = Annotated[str, Form()]


@router.post("/{piece_id}/pictures")
def add_picture(
    hub: HubDep,
    asker: Writer,
    piece_id: int,
    file: Annotated[UploadFile, File()],
    alt: Text = "",
) -> JSONResponse:
    """Keeps a picture that was chosen, dropped or pasted; answers with its address for the text."""
    name = file.filename or "picture"
    picture = normalise(file.file.read(), name)
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_picture(work, asker.viewer, piece, hub.blobs, name, picture, alt)
        version = piece.version
    body = {"id": asset.id, "src": inside(f'"{media_path(asset)}"').strip('"'), "alt": asset.alt, "version": version}
    return JSONResponse(body)


@router.post("/{piece_id}/attachments")
def add_attachment(hub: HubDep, asker: Writer, piece_id: int, file: Annotated[UploadFile, File()]) -> JSONResponse:
    """Keeps a document with the piece."""
    attachment = attachments.read(file.filename or "file", file.file.read())
    with hub.works.write(asker.actor) as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        asset = compose.add_attachment(work, asker.viewer, piece, hub.blobs, attachment)
        version = piece.version
    return JSONResponse({"id": asset.id, "name": asset.name, "version": version})


@router.post("/{piece_id}/assets/{asset_id}")
def describe_asset(
    request: Request, hub: HubDep, asker: Writer, piece_id: int, asset_id: int, alt: Text = "", decorative: Text = ""
) -> HTMLResponse:
    """Writes what a picture shows, or that it is decoration."""
    with hub.works.write(asker.actor) as work:
        asset = _asset(work.session, asker, piece_id, asset_id)
        compose.describe_picture(work, asker.viewer, asset, alt, bool(decorative))
    return _assets(request, hub, asker, piece_id)


@router.post("/{piece_id}/assets/{asset_id}/remove")
def remove_asset(request: Request, hub: HubDep, asker: Writer, piece_id: int, asset_id: int) -> HTMLResponse:
    """Takes a picture or attachment off the piece."""
    with hub.works.write(asker.actor) as work:
        compose.remove_asset(work, asker.viewer, _asset(work.session, asker, piece_id, asset_id))
    return _assets(request, hub, asker, piece_id)


@router.get("/{piece_id}/assets")
def assets(request: Request, hub: HubDep, asker: Writer, piece_id: int) -> HTMLResponse:
    """The pictures and attachments, drawn again after an upload."""
    return _assets(request, hub, asker, piece_id)


def _assets(request: Request, hub: Hub, asker: Asker, piece_id: int) -> HTMLResponse:
    with hub.works.read() as work:
        piece = piece_for(work.session, asker.viewer, piece_id, P.PIECE_WRITE)
        pictures, files = kept(work.session, piece)
        cover = work.session.get_one(Revision, piece.revision_id).cover_id
    return fragment(
        request, asker, "pages/pieces/assets.html", "assets", piece=piece, pictures=pictures, files=files, cover=cover
    )


def _asset(session: Session, asker: Asker, piece_id: int, asset_id: int) -> Asset:
    piece = piece_for(session, asker.viewer, piece_id, P.PIECE_WRITE)
    asset = session.get(Asset, asset_id)
    if asset is None or asset.piece_id != piece.id:
        raise NotFound
    return asset


def kept(session: Session, piece: Piece) -> tuple[list[tuple[Asset, str]], list[Asset]]:
    rows = session.scalars(select(Asset).where(Asset.piece_id == piece.id).order_by(Asset.id)).all()
    pictures = [(row, f"/console{media_path(row)}") for row in rows if row.media_type.startswith("image/")]
    return pictures, [row for row in rows if not row.media_type.startswith("image/")]
