"""The site's state: one small file that every page reads, so that grey mode and the emergency banner come and go
without a page drawn anew.

A style sheet and not a script's data: it works without scripts, on any web server, before the first line is painted.
The banner's words stand above the page by themselves; where scripts run, the portal's own makes links of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from channels.adapters.portal.folder import Folder

PATH = "/site-state.css"
# On the root element, where it moves nothing that is fixed in place; dialogs lie above the root.
_GREY = "html, dialog, dialog::backdrop { filter: grayscale(1); }\n"
_STRIP = (
    "display: block; padding: .75rem max(1rem, calc((100vw - 75rem) / 2)); white-space: pre-line; font-weight: 600; "
    "line-height: 1.75; border-bottom: 1px solid"
)
_GRAVE, _PLAIN = "background: #ad1f1a; color: #fff", "background: #fdf3f2; color: #ad1f1a"
_PLACE = re.compile(r"/[\w-]+/\d+\.html", re.ASCII)


@dataclass(frozen=True)
class Alert:
    """One line of the banner; an empty `path` is no link."""

    text: str
    path: str = ""
    grave: bool = False


def write(folder: Folder, *, grey: bool, alerts: Sequence[Alert] = ()) -> bool:
    """Writes the state where it changed; returns whether it did."""
    text = (_GREY if grey else "/* 正常 */\n") + (_banner(alerts) if alerts else "")
    with folder.locked():
        if folder.text(PATH) == text:
            return False
        folder.write(PATH, text)
        return True


def _banner(alerts: Sequence[Alert]) -> str:
    words = "\\a ".join(_escaped(alert.text) for alert in alerts)
    look = _GRAVE if any(alert.grave for alert in alerts) else _PLAIN
    lines = [
        f'--alert-{number}: "{quote(alert.text, safe="")} {alert.path if _PLACE.fullmatch(alert.path) else ""}";'
        for number, alert in enumerate(alerts, start=1)
    ]
    return (
        f"html {{ {' '.join(lines)} }}\n"
        f'body::before {{ content: "{words}"; {look}; {_STRIP}; }}\n'
        "html[data-alerted] body::before { content: none; }\n"
        f".strip--alert {{ {look}; }}\n.strip--alert a {{ color: inherit; }}\n"
    )


def _escaped(text: str) -> str:
    """A text inside a CSS string: letters as they are, every other character by its number, so that none ends it."""
    return "".join(one if one.isalnum() else f"\\{ord(one):06x}" for one in text)
