"""服务通知: which form approved by the platform tells a citizen that his ticket was answered, and what stands in it."""

from __future__ import annotations

import re
from typing import Annotated

import httpx
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import consents, notices
from bot.notices import ANSWERED, FIELDS, FIXED
from channels.abilities.service_notices import ApprovedForm, ServiceNotices
from channels.accounts import store
from channels.accounts.models import Account, NoticeForm
from channels.errors import ChannelError
from content import loose
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import page, say, see_other
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound, XuandaError
from kernel.people import Permission
from kernel.work import Work
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts/{account_id}/notices")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Keeper = Annotated[Asker, Depends(may(P.ACCOUNT_WRITE))]
WAYS = (
    (notices.TEMPLATE, _("模板消息（服务号）")),
    (consents.ONCE, _("订阅通知（一次性：本人同意一次发一次）")),
    (consents.LASTING, _("订阅通知（长期：本人同意后一直有效）")),
)
PLACE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")
MOST_PLACES = 20


@router.get("")
def the_form(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """The form in use."""
    return _page(request, hub, asker, account_id)


@router.post("")
def save_form(request: Request, hub: HubDep, asker: Keeper, account_id: int, sent: Sent) -> Response:
    """Sets the form, or switches it off."""
    try:
        with hub.works.write(asker.actor) as work:
            account = _account(work.session, asker, account_id, P.ACCOUNT_WRITE)
            _save(work, asker, account, text(sent, "way"), text(sent, "template_id").strip(), _typed(sent))
            row = work.session.scalars(_query(account_id)).one()
            row.title, row.active = text(sent, "title").strip()[:100], bool(text(sent, "active"))
    except NotFound:
        raise
    except XuandaError as error:
        names = ("way", "template_id", "title", "places", "active")
        form = refused(asker, error, **{name: text(sent, name) for name in names})
        return _page(request, hub, asker, account_id, form, status=error.status)
    return see_other(_address(account_id), say(hub, asker, _("已保存。")))


@router.post("/forms")
def read_forms(request: Request, hub: HubDep, asker: Keeper, account_id: int) -> Response:
    """The forms the platform approved for the account, read now."""
    with hub.works.read() as work:
        account = _account(work.session, asker, account_id, P.ACCOUNT_WRITE)
        channel = hub.incoming.make(store.info(work.session, hub.seal, account))
    found: list[tuple[str, ApprovedForm]] = []
    if not isinstance(channel, ServiceNotices):
        raise NotFound
    try:
        found += [(notices.TEMPLATE, form) for form in channel.forms("template")]
        for form in channel.forms("subscribe"):
            found.append((consents.LASTING if form.lasting else consents.ONCE, form))
    except ChannelError as error:
        return see_other(_address(account_id), error.message(asker.language), "bad")
    except httpx.HTTPError as failure:
        told = say(hub, asker, _("连接不上平台（%(why)s）。"), why=type(failure).__name__)
        return see_other(_address(account_id), told, "bad")
    return _page(request, hub, asker, account_id, forms=found)


def _typed(sent: object) -> str:
    return text(sent, "places")  # type: ignore[arg-type]  # A form as it was sent.


def _save(work: Work, asker: Asker, account: Account, way: str, template_id: str, typed: str) -> None:
    if why := notices.not_offered(account):
        raise Invalid(field="way", why=why)
    if way not in dict(WAYS):
        raise Invalid(field="way", why="请选择通知方式。")
    if not 1 <= len(template_id) <= 100:
        raise Invalid(field="template_id", why="请填写模板编号。")
    places = read_places(typed)
    fixed = "\n".join(said[1:] for said in places.values() if said.startswith(FIXED))
    loose.must_pass(work.session, account.unit_id, fixed, "服务通知", "places")
    row = work.session.scalars(_query(account.id)).one_or_none()
    if row is None:
        row = NoticeForm(account_id=account.id, purpose=ANSWERED, way=way, template_id=template_id, changed_at=work.now)
        work.session.add(row)
    row.way, row.template_id, row.places = way, template_id, places
    row.changed_by, row.changed_at = asker.viewer.person_id, work.now
    work.session.flush()
    work.audit("account.notice_set", account, way=way, template=template_id)


def read_places(typed: str) -> dict[str, str]:
    """Lines of `place: field` or `place: =fixed words`; raises Invalid at the first that cannot be read."""
    fields = {label: name for name, label in FIELDS.items()}
    places: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in typed.splitlines())):
        place, _colon, said = (part.strip() for part in line.replace("：", ":", 1).partition(":"))
        value = said if said.startswith(FIXED) and len(said) > 1 else fields.get(said, "")
        if not PLACE.fullmatch(place) or not value:
            known = "、".join(fields)
            raise Invalid(
                field="places", why=f"“{line[:40]}”看不懂：应写作“位置：内容”，内容为{known}，或 = 加固定文字。"
            )
        places[place] = value[:200]
    if not 1 <= len(places) <= MOST_PLACES:
        raise Invalid(field="places", why=f"请填写 1 至 {MOST_PLACES} 个位置，每行一个。")
    return places


def places_as_typed(places: dict[str, str]) -> str:
    """The same as lines."""
    return "\n".join(f"{place}：{FIELDS.get(said, said)}" for place, said in places.items())


def _query(account_id: int):  # type: ignore[no-untyped-def]  # A select of one row.
    return select(NoticeForm).where(NoticeForm.account_id == account_id, NoticeForm.purpose == ANSWERED)


def _account(session: Session, asker: Asker, account_id: int, permission: Permission) -> Account:
    account = account_for(session, asker, account_id, permission)
    if not issubclass(adapter_of(account), ServiceNotices):
        raise NotFound
    return account


def _address(account_id: int) -> str:
    return f"/console/accounts/{account_id}/notices"


def _page(
    request: Request,
    hub: Hub,
    asker: Asker,
    account_id: int,
    form: FormState | None = None,
    *,
    forms: list[tuple[str, ApprovedForm]] | None = None,
    status: int = 200,
) -> HTMLResponse:
    with hub.works.read() as work:
        account = _account(work.session, asker, account_id, P.ACCOUNT_READ)
        row = work.session.scalars(_query(account_id)).one_or_none()
        in_use = notices.form_for(work.session, account_id) is not None
        by_consent = row is not None and row.way in consents.BY_CONSENT
        agreed = consents.number_of(work.session, account_id, row.template_id) if row and by_consent else 0
    kept = {
        "way": row.way if row else "template",
        "template_id": row.template_id if row else "",
        "title": row.title if row else "",
        "places": places_as_typed(row.places) if row else "",
        "active": "1" if row is None or row.active else "",
    }
    return page(
        request,
        asker,
        "pages/accounts/notices.html",
        status=status,
        account=account,
        form=form or FormState(kept),
        forms=forms,
        ways=WAYS,
        fields=list(FIELDS.values()),
        in_use=in_use,
        not_offered=notices.not_offered(account),
        by_consent=by_consent,
        agreed=agreed,
        writes=asker.may(P.ACCOUNT_WRITE, account.unit_id),
    )
