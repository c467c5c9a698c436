"""The guard of the signing acts: those who review or sign, and the deputies of those who do.

This module does without postponed annotations, because FastAPI reads those of a callable object as they are.
"""

from typing import Annotated

from fastapi import Depends, Request

from content.review import principals
from hub.web.access import Asker, Guard, HubDep, presented_csrf
from kernel.errors import Forbidden
from kernel.people import Permission


class SigningGuard(Guard):
    """Lets in who may review somewhere, or stands in for somebody at this moment; the step checks the release."""

    def __init__(self) -> None:
        super().__init__(Permission.PIECE_REVIEW)

    def __call__(self, request: Request, hub: HubDep, csrf: Annotated[str, Depends(presented_csrf)]) -> Asker:
        asker = Guard()(request, hub, csrf)
        if asker.may(Permission.PIECE_REVIEW) or asker.may(Permission.PIECE_READ):
            return asker
        with hub.works.read() as work:
            if principals(work.session, asker.viewer.person_id, work.now):
                return asker
        raise Forbidden(what=Permission.PIECE_REVIEW)
