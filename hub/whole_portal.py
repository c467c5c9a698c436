"""The whole portal drawn again: by a command, and by itself when what is printed on every page has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

import structlog

from channels.accounts import store as accounts
from channels.adapters.portal.rebuild import Progress, Rebuild
from channels.adapters.portal.site import site_of
from hub.errors import CannotRun
from hub.incoming import portal_account
from hub.product import Hub
from kernel.duties import Duty
from scheduler.whole_site import WholeSite

log = structlog.get_logger(__name__)

EVERY, LONGEST = timedelta(minutes=1), timedelta(hours=2)
# Says with which frame the pages were drawn; what begins with a dot is neither served nor taken away.
MARK = ".frame"


def connect(hub: Hub) -> None:
    """Adds the duty that keeps every page's frame as the office has it now."""
    hub.duties.append(Duty("portal.frame", EVERY, lambda: keep_frame(hub), LONGEST, site=True))


def keep_frame(hub: Hub) -> bool:
    """Draws all pages where the site's name, marks or menu have changed since they were; whether it did.

    A folder of which nobody knows how it was drawn is taken for one that is up to date.
    """
    with hub.works.read() as work:
        account = portal_account(work)
        about = accounts.info(work.session, hub.seal, account) if account is not None else None
    if about is None or not hub.settings.site_folder.is_dir():
        return False
    frame = json.dumps(asdict(site_of(about, hub.incoming.make(about).tools)), sort_keys=True, default=str)
    now = hashlib.sha256(frame.encode()).hexdigest()
    mark = hub.settings.site_folder / MARK
    drawn = mark.read_text("ascii") if mark.exists() else now
    if drawn != now:
        done = rebuild_site(hub, lambda _progress: None)
        log.info("the portal's frame changed", pages=done.pages)
    mark.write_text(now, "ascii")
    return drawn != now


def rebuild_site(hub: Hub, tell: Callable[[Progress], None], *, anew: bool = False, hands: int = 1) -> Progress:
    """Draws the site of the installation's portal."""
    with hub.works.read() as work:
        account = portal_account(work)
        if account is None:
            raise CannotRun(why="No portal is registered; add its account in the console (账号矩阵).")
        about = accounts.info(work.session, hub.seal, account)
    adapter = hub.incoming.make(about)
    with hub.works.write() as work:
        work.audit("account.rebuild_begun", account, anew=anew)
    done = Rebuild(about, adapter.tools, WholeSite(hub.works, about.id), tell, hands).run(anew=anew)
    with hub.works.write() as work:
        work.audit("account.rebuilt", account, pages=done.pages, removed=done.removed)
    return done
