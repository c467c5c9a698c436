"""The portal's pages as the hub serves them; a web server in front may serve the same folder."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from content.captions import KEPT_AS, MEDIA_TYPE
from hub.web.access import HubDep

GONE = ".gone"
MOVED = ".moved"
CONDITIONS = (b"if-none-match", b"if-modified-since")


router = APIRouter()


@router.get("/site-state.css")
def site_state(hub: HubDep) -> Response:
    """How the whole site looks now; nothing special before the portal has said so, also behind previews."""
    file = hub.settings.site_folder / "site-state.css"
    text = file.read_text("utf-8") if file.exists() else ""
    return Response(text, media_type="text/css", headers={"Cache-Control": "no-cache"})


class SiteFiles(StaticFiles):
    """The static site: 410 for what was withdrawn, 301 for what was moved, its own page for what is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(directory=folder, html=True)
        self.folder = folder

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or the portal's own words for why there is none."""
        if path.split("/", maxsplit=1)[0] in ("console", "api"):
            raise HTTPException(404)
        if path in ("", ".") and not (self.folder / "index.html").exists():
            return RedirectResponse("/console", status_code=303)
        if path.endswith((GONE, MOVED)) or any(part.startswith(".") and part != "." for part in path.split("/")):
            return self._missing()
        try:
            response = await super().get_response(path, scope)
        except HTTPException as failure:
            if failure.status_code == 404:
                return self._missing()
            raise
        if response.status_code in (200, 304) and (self.folder / f"{path}{MOVED}").exists():
            return self._moved(path, scope)
        if response.status_code in (200, 304) and (self.folder / f"{path}{GONE}").exists():
            # Whoever holds the page of the withdrawal already is told so again, and not that nothing has changed.
            asked = [header for header in scope["headers"] if header[0] not in CONDITIONS]
            response = await super().get_response(path, {**scope, "headers": asked})
            response.status_code = 410
        elif response.status_code == 404:
            return self._missing()
        response.headers["Cache-Control"] = "no-cache"
        if path.endswith(KEPT_AS):  # Not every machine knows the type by the name, and nothing is sniffed.
            response.headers["Content-Type"] = f"{MEDIA_TYPE}; charset=utf-8"
        return response

    def _moved(self, path: str, scope: Scope) -> Response:
        target = (self.folder / f"{path}{MOVED}").read_text("utf-8")
        query = scope["query_string"].decode("latin-1")
        # Asked for every time, because a piece may be moved back.
        headers = {"Cache-Control": "no-cache"}
        return RedirectResponse(f"{target}?{query}" if query else target, status_code=301, headers=headers)

    def _missing(self) -> Response:
        page = self.folder / "404.html"
        if page.exists():
            return FileResponse(page, status_code=404, headers={"Cache-Control": "no-cache"})
        raise HTTPException(404)
