"""Pictures and attachments beside the pages: each is there while some page shows it, and gone with the last one.

Which pieces show a file is written beside the site, under names that no web server gives out, so that a withdrawal or
a correction takes its files along at a cost that does not grow with the site.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from channels.adapters.portal.press import Press

# Of each piece the files it shows, a line each; of each file the pieces that show it, an empty file each.
SHOWN, SHOWERS = "/.shown/pieces", "/.shown/by"


def put(press: Press, piece_id: int, content: Mapping[str, Any]) -> None:
    """Puts the files of a release in place, each once, and takes away what only the piece's former words showed."""
    wanted = dict(_files(content))
    former = _shown(press, piece_id)
    for path, sha256 in wanted.items():
        if path not in former:
            press.folder.write(f"{SHOWERS}{path}/{piece_id}", "")
        if not press.folder.keep(path):
            press.folder.write_bytes(path, press.tools.files.get(sha256))
    if wanted.keys() != former:
        press.folder.write(f"{SHOWN}/{piece_id}", "\n".join(wanted))
    _drop(press, piece_id, former - wanted.keys())


def take_away(press: Press, piece_id: int) -> None:
    """Takes away the files that this piece alone showed."""
    _drop(press, piece_id, _shown(press, piece_id))
    press.folder.remove(f"{SHOWN}/{piece_id}")


def _shown(press: Press, piece_id: int) -> set[str]:
    return set(press.folder.text(f"{SHOWN}/{piece_id}").splitlines())


def _drop(press: Press, piece_id: int, paths: Iterable[str]) -> None:
    for path in paths:
        press.folder.remove(f"{SHOWERS}{path}/{piece_id}")
        if press.folder.remove_folder(f"{SHOWERS}{path}"):
            press.folder.remove(path)


def _files(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for sha256, about in content["pictures"].items():
        yield f"/media/{sha256}.{'png' if about['media_type'] == 'image/png' else 'jpg'}", sha256
    for file in content["attachments"]:
        yield file["href"], file["sha256"]
