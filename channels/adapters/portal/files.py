"""Pictures and attachments beside the pages: each is there while some page shows it, and gone with the last one.

Which pieces show a file, or the site in its foot, is written beside the site, under names that no web server gives out,
so that a withdrawal or a correction takes its files along at a cost that does not grow with the site.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from channels.adapters.portal.press import Press

# Of each piece the files it shows, a line each; of each file the pieces that show it, an empty file each.
SHOWN, SHOWERS = "/.shown/pieces", "/.shown/by"
# The site itself among those that show a file.
SITE = "site"
MARK = re.compile(r"/media/([0-9a-f]{64})\.(?:jpg|png)")


def put(press: Press, piece_id: int, content: Mapping[str, Any]) -> None:
    """Puts the files of a release in place, each once, and takes away what only the piece's former words showed."""
    hold(press, str(piece_id), {path: _bytes_of(press, sha256) for path, sha256 in _files(content)})


def put_marks(press: Press) -> None:
    """Puts the pictures in the foot of every page in place; they belong to the site, whatever pieces come and go."""
    named = (MARK.fullmatch(src) for src in (press.site.emblem, press.site.accessible_mark))
    hold(press, SITE, {mark.group(): _bytes_of(press, mark[1]) for mark in named if mark and _is_there(press, mark)})


def _is_there(press: Press, mark: re.Match[str]) -> bool:
    """Whether there are such bytes: an address that somebody mistyped must not keep anything from being published."""
    if press.folder.has(mark.group()):
        return True
    try:
        press.tools.files.get(mark[1])
    except FileNotFoundError:
        return False
    return True


def take_away(press: Press, piece_id: int) -> None:
    """Takes away the files that this piece alone showed."""
    _drop(press, str(piece_id), _shown(press, str(piece_id)))
    press.folder.remove(f"{SHOWN}/{piece_id}")


def hold(press: Press, shower: str, wanted: Mapping[str, Callable[[], bytes]]) -> None:
    """Puts these files in place for one of those that show files, and takes away what it alone showed before."""
    former = _shown(press, shower)
    for path, read in wanted.items():
        if path not in former:
            press.folder.write(f"{SHOWERS}{path}/{shower}", "")
        if not press.folder.keep(path):
            press.folder.write_bytes(path, read())
    if wanted.keys() != former:
        press.folder.write(f"{SHOWN}/{shower}", "\n".join(wanted))
    _drop(press, shower, former - wanted.keys())


def _bytes_of(press: Press, sha256: str) -> Callable[[], bytes]:
    return lambda: press.tools.files.get(sha256)


def _shown(press: Press, shower: str) -> set[str]:
    return set(press.folder.text(f"{SHOWN}/{shower}").splitlines())


def _drop(press: Press, shower: str, paths: Iterable[str]) -> None:
    for path in paths:
        press.folder.remove(f"{SHOWERS}{path}/{shower}")
        if press.folder.remove_folder(f"{SHOWERS}{path}"):
            press.folder.remove(path)


def _files(content: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for sha256, about in content["pictures"].items():
        yield f"/media/{sha256}.{'png' if about['media_type'] == 'image/png' else 'jpg'}", sha256
    for file in content["attachments"]:
        yield file["href"], file["sha256"]
