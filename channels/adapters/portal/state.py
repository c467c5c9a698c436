"""The site's state: one small file that every page reads, so that grey mode comes and goes without a page drawn anew.

A style sheet and not a script's data: it works without scripts, on any web server, before the first line is painted.
"""

from __future__ import annotations

from channels.adapters.portal.folder import Folder

PATH = "/site-state.css"
# On the root element, where it moves nothing that is fixed in place; dialogs lie above the root.
_GREY = "html, dialog, dialog::backdrop { filter: grayscale(1); }\n"


def write(folder: Folder, *, grey: bool) -> bool:
    """Writes the state where it changed; returns whether it did."""
    text = _GREY if grey else "/* 正常 */\n"
    with folder.locked():
        if folder.text(PATH) == text:
            return False
        folder.write(PATH, text)
        return True
