"""Pages of the portal that need the hub: drawn in the portal's own frame, with its menu and marks."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse

from channels.accounts import store as accounts
from channels.adapters.portal import PortalChannel
from hub.incoming import portal_account
from hub.product import Hub
from hub.web.access import language_of, the_hub
from kernel.people import Unit
from templates.views import PortalSite


def portal_page(request: Request, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
    """A page in the portal's frame."""
    hub = the_hub(request)
    html = hub.pages.render(template, language_of(request), site=site_of(hub), **context)
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": "no-store"})


def site_of(hub: Hub) -> PortalSite:
    """The portal as its account describes it; a plain one where none is registered."""
    with hub.works.read() as work:
        account = portal_account(work)
        if account is None:
            unit = work.session.query(Unit).order_by(Unit.id).first()
            name = unit.name if unit else "宣达"
            return PortalSite(name=name, address=hub.settings.address, id_code="", sponsor=name, nav=())
        about = accounts.info(work.session, hub.seal, account)
    adapter = hub.incoming.make(about)
    if not isinstance(adapter, PortalChannel):
        raise TypeError("the portal's account is drawn by the portal's adapter")
    return adapter.site()
