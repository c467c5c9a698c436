"""The page on which a release is read and signed, with what was typed when an act was refused."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from content.models import Release
from content.review import authors_of
from hub.editorial import release_for
from hub.product import Hub
from hub.web.access import Asker
from hub.web.bundle_view import with_release
from hub.web.forms import FormState
from hub.web.pages import page
from hub.web.platform_previews import release_context
from hub.web.sign_reading import later_reading, reading
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission, Person
from kernel.typed import row_in

P = Permission


def signing_page(
    request: Request, hub: Hub, asker: Asker, release_id: int, form: FormState | None = None, status: int = 200
) -> HTMLResponse:
    """The page, for whoever may read the release."""
    with hub.works.read() as work:
        release = release_for(work.session, asker.viewer, release_id, work.now)
        context = reading(hub, work.session, asker.viewer, release, f"/console/signing/{release_id}", work.now)
        context |= release_context(hub, work.session, asker, release)
        context |= later_reading(work.session, asker.viewer, release, work.now)
        context["bundles"] = with_release(work.session, asker, release)
        people = _proofreaders(work.session, release)
    context["may_proof"] = asker.may(P.PIECE_REVIEW, release.unit_id) or asker.may(P.PIECE_WRITE, release.unit_id)
    return page(
        request,
        asker,
        "pages/signing/one.html",
        status=status,
        form=form or FormState(),
        proofreaders=people,
        **context,
    )


def _proofreaders(session: Session, release: Release) -> list[tuple[int, str]]:
    query = select(Person).where(Person.unit_id == release.unit_id, Person.active).order_by(Person.id)
    query = query.where(Person.id.not_in(authors_of(session, release)))
    return [(person.id, person.name) for person in session.scalars(query)]


def refused_page(
    request: Request, hub: Hub, asker: Asker, release_id: int, error: XuandaError, opinion: str = ""
) -> HTMLResponse:
    """The page again with why nothing was done; NotFound stays what it is."""
    if isinstance(error, NotFound):
        raise error
    form = FormState({"opinion": opinion}, error.field, error.message(asker.language))
    return signing_page(request, hub, asker, release_id, form, error.status)


def named(text: str, field: str) -> int | None:
    """The person that a form names, if it names one; raises Invalid for what cannot be one."""
    if not text:
        return None
    found = row_in(text)
    if found is None or len(text) > 9:
        raise Invalid(field=field, why="没有这个人，请从列表中选择。")
    return found
