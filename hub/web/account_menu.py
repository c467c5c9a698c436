"""自定义菜单: the menu as its followers will see it, published by a second person, brought back when it must be."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from bot import prepared
from channels.abilities.menus import CLICK, MINI, VIEW, Button, Menus, every
from channels.accounts import menus
from channels.accounts.models import Account, MenuVersion
from content import loose
from content.models import Column
from hub import editorial
from hub.product import Hub
from hub.web.access import Asker, HubDep, may
from hub.web.account_form import adapter_of
from hub.web.accounts import account_for
from hub.web.deliveries import Sent
from hub.web.forms import FormState, refused
from hub.web.pages import columns, page, say, see_other
from hub.web.piece_form import text
from kernel.errors import Invalid, NotFound, Stale, XuandaError
from kernel.people import Permission, Person
from kernel.typed import row_in
from templates.catalogue import _

router = APIRouter(prefix="/console/accounts/{account_id}/menu")

P = Permission
Reader = Annotated[Asker, Depends(may(P.ACCOUNT_READ))]
Writer = Annotated[Asker, Depends(may(P.PIECE_WRITE))]
Signer = Annotated[Asker, Depends(may(P.PIECE_SIGN))]

KEEP, NOTHING = "keep", ""
ACTS = (
    ("say", _("回复文字")),
    ("list", _("列出栏目最新内容")),
    ("person", _("转人工")),
    ("view", _("打开网页")),
    ("mini", _("打开小程序")),
)
STATE_LABELS = {
    "draft": _("草稿"),
    "sending": _("发布中"),
    "live": _("使用中"),
    "replaced": _("已被替换"),
    "failed": _("发布失败"),
}
ORIGIN_LABELS = {"written": _("编写"), "imported": _("接管时导入"), "restored": _("由旧版本恢复")}
COLUMNS = ((_("版本"), ""), (_("状态"), ""), (_("来源"), ""), (_("编写"), ""), (_("核准发布"), ""), (_("操作"), ""))


@router.get("")
def the_menu(request: Request, hub: HubDep, asker: Reader, account_id: int) -> HTMLResponse:
    """The menu being written, or the one on show."""
    return _page(request, hub, asker, account_id)


@router.post("")
def save_menu(request: Request, hub: HubDep, asker: Writer, account_id: int, sent: Sent) -> Response:
    """Keeps what was written as the draft; a refusal keeps every word in the form."""
    buttons: Sequence[Button] = ()
    try:
        with hub.works.write(asker.actor) as work:
            account, adapter = menu_account(work.session, asker, account_id, P.PIECE_WRITE)
            buttons = read_buttons(sent, _shown(work.session, account_id))
            if text(sent, "seen") != _mark(menus.draft_of(work.session, account_id)):
                raise Stale(what=account.name)
            _check_words(work.session, account, buttons)
            menus.write(work, account, adapter, buttons)
    except NotFound:
        raise
    except XuandaError as error:
        form = refused(asker, error, **values_of(buttons))
        return _page(request, hub, asker, account_id, form, status=error.status)
    return see_other(_address(account_id), say(hub, asker, _("菜单草稿已保存，须由有签发权限的人核准发布。")))


@router.post("/publish")
def publish_menu(hub: HubDep, asker: Signer, account_id: int) -> Response:
    """Puts the draft on show and compares what the account then shows."""
    try:
        with hub.works.read() as work:
            account, _adapter = menu_account(work.session, asker, account_id, P.PIECE_SIGN)
            # Imported words were never looked at, and the list may have grown since the others were.
            _check_words(work.session, account, menus.buttons_of(menus.draft_of(work.session, account_id)))
        version = hub.menus.publish(asker.actor, asker.viewer, account_id)
    except NotFound:
        raise
    except XuandaError as error:
        return see_other(_address(account_id), error.message(asker.language), "bad")
    if version.state == "live" and not version.reason:
        return see_other(
            _address(account_id), say(hub, asker, _("已发布，平台上显示的与本版一致。手机上几分钟内更新。"))
        )
    return see_other(_address(account_id), version.reason or say(hub, asker, _("正在核实。")), "warn")


@router.post("/restore")
def restore_menu(hub: HubDep, asker: Writer, account_id: int, sent: Sent) -> Response:
    """Makes an earlier version the draft."""
    number = text(sent, "version")
    with hub.works.write(asker.actor) as work:
        account, _adapter = menu_account(work.session, asker, account_id, P.PIECE_WRITE)
        menus.restore(work, account, row_in(number) or 0)
    return see_other(_address(account_id), say(hub, asker, _("旧版本已成为草稿，核准发布后生效。")))


def menu_account(
    session: Session, asker: Asker, account_id: int, permission: Permission
) -> tuple[Account, type[Menus]]:
    """The account and its adapter; raises NotFound where the channel has no menu."""
    account = account_for(session, asker, account_id, permission)
    adapter = adapter_of(account)
    if not issubclass(adapter, Menus):
        raise NotFound
    return account, adapter


# --- the form -----------------------------------------------------------------------------------------------------


def read_buttons(sent: FormData, before: Sequence[Button]) -> tuple[Button, ...]:
    """The menu as it was written; empty rows are left out. `before` is what the form was filled from."""
    known = {place: button for place, button, _inner in every(before)}
    found = []
    for row in range(1, 4):
        below = [
            _read(sent, f"{row}.{inner}", known) for inner in range(1, 6) if text(sent, f"{row}.{inner}.name").strip()
        ]
        name = text(sent, f"{row}.name").strip()
        if below:
            found.append(Button(name, below=tuple(below)))
        elif name:
            found.append(_read(sent, str(row), known))
    return tuple(found)


def _read(sent: FormData, place: str, known: dict[str, Button]) -> Button:
    name, act = text(sent, f"{place}.name").strip(), text(sent, f"{place}.act")
    value, column = text(sent, f"{place}.value").strip(), text(sent, f"{place}.column")
    old = known.get(text(sent, f"{place}.was"))
    if act == KEEP and old is not None:
        return Button(name, old.kind, old.key, old.url, old.appid, old.page, old.does, old.more)
    if act == "view":
        return Button(name, VIEW, url=value)
    if act == "mini":
        appid, path, url, *_rest = [*value.splitlines(), "", "", ""]
        return Button(name, MINI, url=url.strip(), appid=appid.strip(), page=path.strip())
    key = old.key if old is not None and old.kind == CLICK and old.key else f"m{secrets.token_hex(6)}"
    if act == "say":
        return Button(name, CLICK, key=key, does={"act": "say", "text": value})
    if act == "list":
        return Button(name, CLICK, key=key, does={"act": "list", "column": row_in(column) or 0})
    return Button(name, CLICK, key=key, does={"act": "person"}) if act == "person" else Button(name)


def values_of(buttons: Sequence[Button]) -> dict[str, str]:
    """A menu as its form shows it."""
    values: dict[str, str] = {}
    for place, button, _inner in every(buttons):
        values |= {f"{place}.name": button.name, f"{place}.was": place}
        if button.below:
            continue
        act, value = _act_of(button)
        values |= {f"{place}.act": act, f"{place}.value": value, f"{place}.column": str(button.does.get("column", ""))}
    return values


def _act_of(button: Button) -> tuple[str, str]:
    if button.kind == VIEW:
        return "view", button.url
    if button.kind == MINI:
        return "mini", "\n".join((button.appid, button.page, button.url))
    if button.kind == CLICK and (act := str(button.does.get("act", ""))):
        return act, str(button.does.get("text", ""))
    return (KEEP, button.key) if button.kind else (NOTHING, "")


def _check_words(session: Session, account: Account, buttons: Sequence[Button]) -> None:
    for place, button, _inner in every(buttons):
        loose.must_pass(session, account.unit_id, button.name, "菜单名称", f"{place}.name")
        if button.does.get("act") == "say":
            prepared.check_text(session, account.unit_id, str(button.does["text"]), f"{place}.value")
        if button.does.get("act") == "list" and session.get(Column, int(button.does["column"])) is None:
            raise Invalid(field=f"{place}.column", why="请选择栏目。")
        if button.url and not button.url.startswith(("https://", "http://")):
            raise Invalid(field=f"{place}.value", why="网址须以 http:// 或 https:// 开头。")


# --- the page -----------------------------------------------------------------------------------------------------


def _shown(session: Session, account_id: int) -> tuple[Button, ...]:
    draft = menus.draft_of(session, account_id)
    return menus.buttons_of(draft or menus.live_of(session, account_id))


def _mark(draft: MenuVersion | None) -> str:
    return f"{draft.id} {draft.made_at.isoformat()}" if draft else ""


def _address(account_id: int) -> str:
    return f"/console/accounts/{account_id}/menu"


def _page(
    request: Request, hub: Hub, asker: Asker, account_id: int, form: FormState | None = None, *, status: int = 200
) -> HTMLResponse:
    with hub.works.read() as work:
        account, adapter = menu_account(work.session, asker, account_id, P.ACCOUNT_READ)
        draft, live = menus.draft_of(work.session, account_id), menus.live_of(work.session, account_id)
        known = menus.versions(work.session, account_id)
        context: dict[str, Any] = {
            "draft": draft,
            "live": live,
            "live_buttons": menus.buttons_of(live),
            "draft_buttons": menus.buttons_of(draft),
            "versions": [
                (row, _name(work.session, row.made_by), _name(work.session, row.approved_by)) for row in known
            ],
            "columns_offered": [
                (str(one.id), one.name) for one in editorial.columns_for(work.session, asker.viewer, P.PIECE_WRITE)
            ],
            "own": draft is not None and draft.made_by == asker.viewer.person_id,
        }
    shown = menus.buttons_of(draft or live)
    return page(
        request,
        asker,
        "pages/accounts/menu.html",
        status=status,
        account=account,
        limits=adapter.menu_limits,
        form=form or FormState(values_of(shown)),
        kept=[place for place, button, _inner in every(shown) if _act_of(button)[0] == KEEP],
        seen=_mark(draft),
        acts=ACTS,
        writes=asker.may(P.PIECE_WRITE, account.unit_id),
        signs=asker.may(P.PIECE_SIGN, account.unit_id),
        states=STATE_LABELS,
        origins=ORIGIN_LABELS,
        columns=columns(hub, asker, *COLUMNS),
        **context,
    )


def _name(session: Session, person_id: int | None) -> str:
    person = session.get(Person, person_id) if person_id else None
    return person.name if person else ""
