"""Who is asking: every route takes its `Asker` from one of the guards here, or stands in PUBLIC_ROUTES.

This module does without postponed annotations, because FastAPI reads those of a callable object as they are.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from secrets import compare_digest
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy import select
from starlette.datastructures import UploadFile

from channels.accounts.doubles import IN_REHEARSAL
from hub.auth import tokens
from hub.auth.errors import Forged, PasswordMustChange, SignedOut
from hub.auth.models import LoginSession
from hub.auth.sessions import Known, Origin
from hub.notifier import UNREAD
from hub.product import Hub
from hub.settings import Settings
from kernel.errors import Forbidden, NotFound
from kernel.people import Permission, Viewer, viewer
from kernel.work import Actor, Work

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
LANGUAGES = ("zh", "en")
# The text of a long document in one form field; files are measured by the upload limit.
LONGEST_FIELD = 8 * 1024 * 1024
# A stop of a whole city asks about every item that it holds.
MOST_FIELDS = 10_000
LANGUAGE_COOKIE = "xuanda_language"

# Routes that ask nobody who he is, each with its reason; everything else must carry a guard.
PUBLIC_ROUTES: dict[str, str] = {
    "/static": "style sheets and scripts are the same for everybody and are needed to log in",
    "/healthz": "the machine's supervisor asks before anybody can log in; says nothing but that the process lives",
    "/readyz": "load balancers ask it; names no person, address or content",
    "/metrics": "the supervisor's own token is the proof; figures only, no name and no text",
    "/": "leads to the console's log-in page",
    "/beacon": "pages of the portal tell that they were opened; nothing about the reader is read or kept",
    "/api/v1/openapi.json": "describes the programming interface; holds no data and is the same for everybody",
    "/console/login": "the way in; checks the origin and the password",
    "/console/password/{token}": "opened from a link that works once; the link is the proof",
    "/search": "the portal's own search; shows what every reader may see, keeps nothing about who asks",
    "/chat/start": "a citizen begins to ask; nobody is known, one address begins so many sessions and no more",
    "/chat/{conversation_id}/messages": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/pictures": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/lines": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/events": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/end": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/stay": "the token given at the start, in a header, is the proof",
    "/chat/{conversation_id}/rating": "the token given at the start, in a header, is the proof",
    "/api/app/v1/openapi.json": "describes the app's interface; the same for everybody",
    "/api/app/v1/columns": "what every reader of the portal may see",
    "/api/app/v1/pieces": "what every reader of the portal may see",
    "/api/app/v1/pieces/{piece_id}": "what every reader of the portal may see; withdrawn is gone here too",
    "/api/app/v1/guides": "what every reader of the portal may see",
    "/api/app/v1/faqs": "what every reader of the portal may see",
    "/api/app/v1/search": "what every reader of the portal may find",
    "/api/app/v1/chat/devices": "a device begins to ask with a secret of its own; nobody is known",
    "/api/app/v1/chat/{conversation_id}/messages": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/pictures": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/lines": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/events": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/end": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/stay": "the device's secret, in a header, is the proof",
    "/api/app/v1/chat/{conversation_id}/rating": "the device's secret, in a header, is the proof",
    "/push": "the page on which citizens choose what they want to hear of",
    "/push/known": "the secret address of a browser is the proof; tells only what it chose itself",
    "/push/key": "the public half of a key that browsers subscribe with",
    "/push/subscriptions": "a browser asks to be told; it knows no account",
    "/push/replacements": "the secret address that the browser had is the proof",
    "/push/farewells": "the secret address of a browser is the proof",
    "/push-worker.js": "a script that is the same for everybody",
    "/site-state.css": "how the portal looks today, the same for everybody; previews in the console show it too",
    "/feedback": "citizens write to the office without an account",
    "/feedback/progress": "the ticket's number is the proof; shows neither words nor name of the citizen",
    "/bot/actions": "Rasa asks what its forms say next; its token is the proof, nothing is read or written",
    "/mine": "a citizen's own matters; only behind the cookie that a code to his telephone gave",
    "/mine/code": "sends a code to the telephone of a ticket; the same answer whatever belongs to nothing",
    "/mine/open": "the code from the telephone is the proof; tries are counted",
    "/mine/requests": "a citizen asks about his own data; only behind the same cookie",
    "/mine/copy/{request_id}": "a citizen's own data; only behind the same cookie, for the telephone that asked",
    "/mine/leave": "ends a citizen's session",
    "/hotline/tickets": "the 12345 system's signature over the body and the moment is the proof",
    "/feedback/ratings": "ratings of service items counted by quarter, with nothing of who rated",
    "/feedback/answers": "published answers, in words that tell nothing of who asked",
    "/feedback/answers/{answer_id}": "one of them",
    "/callbacks/{channel}/{code}": "the platform pushes here; its signature is the proof, old or changed are refused",
    "/s/{token}": "signing on a phone: the link works once and asks for a code sent apart from it",
    "/s/{token}/preview/{channel}": "what the signer reads; only behind a link whose code was right",
    "/s/{token}/media/{name}": "a picture of the release that link is for, and no other",
    "/s/{token}/files/{sha256}/{name}": "an attachment of the release that link is for, and no other",
    "/h/{token}": "publishing by hand on a phone: the link lives two hours, and no longer than the task is open",
    "/h/{token}/package.zip": "the task's words and pictures; only behind that link",
    "/h/{token}/media/{name}": "a picture of the task that link is for, and no other",
}


@dataclass(frozen=True)
class Asker:
    """Somebody who was let in: what he may do, in whose name the work is written, and his session."""

    viewer: Viewer
    actor: Actor
    session: LoginSession | None
    language: str
    csrf: str
    unit: str
    unread: int = 0
    rehearsing: int = 0

    def may(self, permission: Permission, unit_id: int | None = None) -> bool:
        """Whether he holds the permission in that unit, or anywhere."""
        return self.viewer.may(permission, unit_id)

    def must(self, permission: Permission, unit_id: int) -> None:
        """Raises NotFound unless he holds the permission in that unit: what is out of reach does not exist for him."""
        if not self.viewer.may(permission, unit_id):
            raise NotFound


def the_hub(request: Request) -> Hub:
    """The product this application was made for."""
    hub: Hub = request.app.state.hub
    return hub


async def _hub_of(request: Request) -> Hub:
    # On the event loop: a plain function would cost every request a change of thread.
    return the_hub(request)


HubDep = Annotated[Hub, Depends(_hub_of)]


async def presented_csrf(request: Request) -> str:
    """The CSRF token that came with a request that changes something: header X-CSRF-Token or form field `csrf`."""
    if request.method in SAFE_METHODS:
        return ""
    header = request.headers.get("x-csrf-token")
    if header:
        return header
    if request.headers.get("content-type", "").split(";")[0].strip().lower() not in FORM_TYPES:
        return ""
    # The first reader of a form sets how long and how many its fields may be; the editor's text is one field.
    value = (await request.form(max_fields=MOST_FIELDS, max_part_size=LONGEST_FIELD)).get("csrf")
    return "" if value is None or isinstance(value, UploadFile) else value


class Guard:
    """Lets logged-in people in; with a permission, only those who hold it in some unit.

    `before_change` opens a route to somebody who must first choose a new password.
    """

    def __init__(self, permission: Permission | None = None, *, before_change: bool = False) -> None:
        self.permission = permission
        self.before_change = before_change

    def __call__(self, request: Request, hub: HubDep, csrf: Annotated[str, Depends(presented_csrf)]) -> Asker:
        with hub.works.read() as work:  # One, because each costs the database some questions more.
            known = hub.sessions.known(work, request.cookies.get(cookie_name(hub.settings), ""))
            asker = _asker(work, request, hub, known) if known is not None else None
        if known is None or asker is None:
            raise SignedOut
        hub.sessions.note_use(known)
        if request.method not in SAFE_METHODS:
            check_origin(request, hub.settings)
            if not compare_digest(csrf.encode(), known.session.csrf.encode()):
                raise Forged
        if known.must_change and not self.before_change:
            raise PasswordMustChange
        request.state.asker = asker  # Before the refusal, so that its page has the person's own menu.
        if self.permission is not None and not asker.may(self.permission):
            raise Forbidden(what=self.permission)
        return asker


class ApiGuard:
    """Lets programs in by bearer token; no cookie is looked at, so no other site can ride on a log-in."""

    def __init__(self, permission: Permission | None = None) -> None:
        self.permission = permission

    def __call__(self, request: Request, hub: HubDep) -> Asker:
        scheme, _, text = request.headers.get("authorization", "").partition(" ")
        bearer = tokens.recognise(hub.works, text.strip()) if scheme.lower() == "bearer" and text else None
        if bearer is None:
            raise SignedOut
        who = bearer.viewer
        if self.permission is not None and not who.may(self.permission):
            raise Forbidden(what=self.permission)
        return Asker(
            viewer=who,
            actor=Actor(who.name, who.person_id, who.unit_id, address_of(request, hub.settings)),
            session=None,
            language=who.language,
            csrf="",
            unit="",
        )


def may(permission: Permission) -> Guard:
    """The guard of a route that needs a permission; what is in which unit the route still limits by `scoped`."""
    return Guard(permission)


def signed_in(*, before_change: bool = False) -> Guard:
    """The guard of a route that is everybody's who is logged in."""
    return Guard(before_change=before_change)


def api_may(permission: Permission) -> ApiGuard:
    """The guard of an API route."""
    return ApiGuard(permission)


def api_signed_in() -> ApiGuard:
    """The guard of an API route that is everybody's who has a token."""
    return ApiGuard()


def cookie_name(settings: Settings) -> str:
    """The log-in cookie; over HTTPS the prefix binds it to this host."""
    return "__Host-xuanda" if settings.secure_cookies else "xuanda"


def check_origin(request: Request, settings: Settings) -> None:
    """Raises Forged when the browser says that another site sent this request."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Forged
        return
    origin = request.headers.get("origin")
    if origin is None:  # Programs and old browsers say nothing; the session's token decides alone.
        return
    configured = {urlsplit(address).netloc for address in (settings.address, settings.console_address)}
    ours = {request.headers.get("host", ""), *configured}
    if urlsplit(origin).netloc not in ours:
        raise Forged


def address_of(request: Request, settings: Settings) -> str:
    """The network address of the person, reading X-Forwarded-For only from proxies named in the settings."""
    peer = request.client.host if request.client else ""
    trusted = {part.strip() for part in settings.trusted_proxies.split(",") if part.strip()}
    hops = [part.strip() for part in request.headers.get("x-forwarded-for", "").split(",") if part.strip()]
    while peer in trusted and hops:
        peer = hops.pop()
    return peer if _is_address(peer) else peer[:64]


def origin_of(request: Request, settings: Settings) -> Origin:
    """Address and browser of a request."""
    return Origin(address_of(request, settings), request.headers.get("user-agent", ""))


def language_of(request: Request) -> str:
    """The language before anybody is known: the cookie, else Chinese."""
    asker: Asker | None = getattr(request.state, "asker", None)
    if asker is not None:
        return asker.language
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def _asker(work: Work, request: Request, hub: Hub, known: Known) -> Asker:
    person = known.person
    unread, rehearsing = work.session.execute(_STANDS, {"person": person.id}).one()
    return Asker(
        viewer=viewer(work.session, person, work.now),
        actor=Actor(person.name, person.id, person.unit_id, address_of(request, hub.settings)),
        session=known.session,
        language=person.language if person.language in LANGUAGES else LANGUAGES[0],
        csrf=known.session.csrf,
        unit=known.unit,
        unread=unread,
        rehearsing=rehearsing,
    )


# What every page says of the office and its reader, by one statement that is made once.
_STANDS = select(UNREAD.scalar_subquery(), IN_REHEARSAL.scalar_subquery())


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
