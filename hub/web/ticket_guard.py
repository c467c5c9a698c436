"""The guards of a ticket's page and of its signature: those who may, and the deputies of those who sign.

This module does without postponed annotations, because FastAPI reads those of a callable object as they are.
"""

from typing import Annotated

from fastapi import Depends, Request

from bot.casework import deputies
from hub.product import Hub
from hub.web.access import ApiGuard, Asker, Guard, HubDep, presented_csrf
from kernel.errors import Forbidden
from kernel.people import Permission


class DeputyToo(Guard):
    """Lets in who holds the permission somewhere, or stands in for somebody now; for whom, the ticket tells."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(permission)
        self.needed = permission

    def __call__(self, request: Request, hub: HubDep, csrf: Annotated[str, Depends(presented_csrf)]) -> Asker:
        return _let_in(hub, Guard()(request, hub, csrf), self.needed)


class ApiDeputyToo(ApiGuard):
    """The same for programs."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(permission)
        self.needed = permission

    def __call__(self, request: Request, hub: HubDep) -> Asker:
        return _let_in(hub, ApiGuard()(request, hub), self.needed)


def _let_in(hub: Hub, asker: Asker, needed: Permission) -> Asker:
    if asker.may(needed):
        return asker
    with hub.works.read() as work:
        if deputies.is_one(work.session, asker.viewer.person_id, work.now):
            return asker
    raise Forbidden(what=needed)
