"""Pages that moved: a small page and a marker at every old address, so that old links still lead to the piece."""

from __future__ import annotations

from channels.adapters.portal import articles, feeds, lists, open_data
from channels.adapters.portal.folder import GONE, MOVED
from channels.adapters.portal.press import Press
from channels.base import Former, Item


def follow(press: Press, item: Item) -> None:
    """Makes every old address of the piece lead to where it is; costs nothing where they do already."""
    path = str(item.content["path"])
    for former in press.tools.catalogue.formers(item.piece_id):
        if press.folder.text(former.path + MOVED) != path:
            leave(press, former, path, item.title)


def leave(press: Press, former: Former, path: str, title: str) -> None:
    """Draws what stands at an old address, and the lists of its column without the piece; the marker comes last."""
    if former.place:
        column = press.tools.catalogue.column(former.column)
        articles.draw_near(press, former.column, former.place)
        lists.draw_column(press, column, former.place)
        feeds.draw_column(press, column, former.place)
        open_data.draw_column(press, column, former.place)
    mark(press, former.path, path, title)


def mark(press: Press, old: str, path: str, title: str) -> None:
    """The small page at an old address, and its marker."""
    press.draw(old, "moved", title=title, href=path)
    press.folder.remove(old + GONE)
    press.folder.write(old + MOVED, path)
