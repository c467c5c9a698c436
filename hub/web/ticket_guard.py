"""The guards of a ticket's page and of its signature: those who may, and the deputies of those who sign.

This module does without postponed annotations, because FastAPI reads those of a callable object as they are.
"""

from typing import Annotated

from fastapi import Depends, Request

from bot.casework import deputies
from hub.web.access import Asker, Guard, HubDep, presented_csrf
from kernel.errors import Forbidden
from kernel.people import Permission


class DeputyToo(Guard):
    """Lets in who holds the permission somewhere, or stands in for somebody now; for whom, the ticket tells."""

    def __init__(self, permission: Permission) -> None:
        super().__init__(permission)
        self.needed = permission

    def __call__(self, request: Request, hub: HubDep, csrf: Annotated[str, Depends(presented_csrf)]) -> Asker:
        asker = Guard()(request, hub, csrf)
        if asker.may(self.needed):
            return asker
        with hub.works.read() as work:
            if deputies.is_one(work.session, asker.viewer.person_id, work.now):
                return asker
        raise Forbidden(what=self.needed.value)
