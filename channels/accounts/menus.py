"""Versions of an account's menu: written, published, read back and compared, and brought back again.

Publishing is claim, call, record. The same menu may be published twice without harm, so that a lost answer is settled
by looking at what the account shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from channels.abilities.menus import Button, Menus, ShownMenu, every, problems
from channels.accounts import approval, doubles, store
from channels.accounts.models import Account, MenuVersion
from channels.base import AccountInfo, Channel
from channels.errors import ChannelError, OutcomeUnknown, Retryable, Unsupported
from kernel.claim import free, new_claimant, run_out, still_mine
from kernel.errors import Invalid, NotFound, WrongState
from kernel.people import Viewer
from kernel.seal import Seal
from kernel.work import Actor, Work, Works

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=45)
REHEARSED = "已在演练账号上发布，显示一致；真实账号的菜单没有变，退出演练后再核准发布"
STATE_LABELS = {"draft": "草稿", "sending": "发布中", "live": "使用中", "replaced": "已被替换", "failed": "发布失败"}


def versions(session: Session, account_id: int) -> Sequence[MenuVersion]:
    """Every version, the newest first."""
    query = select(MenuVersion).where(MenuVersion.account_id == account_id)
    return session.scalars(query.order_by(MenuVersion.number.desc())).all()


def draft_of(session: Session, account_id: int) -> MenuVersion | None:
    """The version being written, if there is one."""
    query = select(MenuVersion).where(MenuVersion.account_id == account_id, MenuVersion.state.in_(("draft", "failed")))
    return session.scalars(query.order_by(MenuVersion.number.desc()).limit(1)).one_or_none()


def live_of(session: Session, account_id: int) -> MenuVersion | None:
    """The version on show."""
    query = select(MenuVersion).where(MenuVersion.account_id == account_id, MenuVersion.state == "live")
    return session.scalars(query).one_or_none()


def buttons_of(version: MenuVersion | None) -> tuple[Button, ...]:
    """The buttons of a version; none for none."""
    return tuple(Button.of(one) for one in version.buttons) if version else ()


def pressed(session: Session, account_id: int, key: str) -> Button | None:
    """The button with this key, on show now or before (phones keep a menu for a day); None for none of ours."""
    query = select(MenuVersion).where(MenuVersion.account_id == account_id, MenuVersion.published_at.is_not(None))
    for version in session.scalars(query.order_by(MenuVersion.number.desc()).limit(20)):
        for _place, button, _inner in every(buttons_of(version)):
            if key and button.key == key:
                return button
    return None


def write(work: Work, account: Account, adapter: type[Menus], buttons: Sequence[Button]) -> MenuVersion:
    """Keeps a menu as the draft; raises Invalid at the part that does not fit."""
    for problem in problems(adapter.menu_limits, buttons):
        raise Invalid(field=problem.field, why=problem.message)
    draft = draft_of(work.session, account.id)
    if draft is None:
        return add(work, account, buttons)
    draft.buttons = [button.stored() for button in buttons]
    draft.made_by, draft.made_at, draft.state, draft.reason = work.actor.person_id, work.now, "draft", ""
    work.audit("menu.saved", account, version=draft.number)
    return draft


def add(
    work: Work, account: Account, buttons: Sequence[Button], origin: str = "written", reason: str = ""
) -> MenuVersion:
    """A version of its own, to be published; a draft before it stays as it is among the versions."""
    known = versions(work.session, account.id)
    for earlier in known:
        if earlier.state in ("draft", "failed"):
            earlier.state = "replaced"
    version = MenuVersion(
        account_id=account.id,
        number=known[0].number + 1 if known else 1,
        buttons=[button.stored() for button in buttons],
        origin=origin,
        state="draft",
        made_by=work.actor.person_id,
        made_at=work.now,
        reason=reason[:300],
    )
    work.session.add(version)
    work.session.flush()
    work.audit("menu.saved", account, version=version.number, origin=origin)
    return version


def restore(work: Work, account: Account, version_id: int) -> MenuVersion:
    """An earlier version as the newest draft, to be published like any other."""
    old = work.session.get(MenuVersion, version_id)
    if old is None or old.account_id != account.id:
        raise NotFound
    return add(work, account, buttons_of(old), "restored")


@dataclass
class Publisher:
    """Puts versions on show; `make` builds the adapter of an account."""

    works: Works
    seal: Seal
    make: Callable[[AccountInfo], Channel]

    def publish(self, actor: Actor, who: Viewer, account_id: int) -> MenuVersion:
        """Publishes the draft and compares what the account shows afterwards.

        Raises OwnWords, or the platform's refusal, which stays with the version. A lost answer leaves it `sending`;
        `settle` finds out.
        """
        with self.works.read() as work:
            rehearses = work.session.get_one(Account, account_id).rehearsal
        if rehearses:
            return self._rehearse(actor, who, account_id)
        claimant = new_claimant()
        with self.works.write(actor) as work:
            about, version_id, buttons = self._claim(work, who, account_id, claimant)
        channel = self._channel(about)
        try:
            channel.publish_menu(buttons)
            shown: ShownMenu | None = channel.menu()
        except (OutcomeUnknown, Retryable) as unsure:
            log.info("menu not confirmed", account=account_id, why=unsure.reason)
            shown = None
        except ChannelError as refusal:
            with self.works.write(actor) as work:
                self._failed(work, version_id, claimant, refusal.reason)
            raise
        with self.works.write(actor) as work:
            self._seen(work, version_id, claimant, shown)
            return work.session.get_one(MenuVersion, version_id)

    def settle(self) -> int:
        """Versions whose answer was lost: what the account shows now decides; returns how many were settled."""
        with self.works.read() as work:
            over = run_out(MenuVersion, work.now, LEASE)
            query = select(MenuVersion).where(MenuVersion.state == "sending", over)
            waiting = [(row.id, row.account_id) for row in work.session.scalars(query)]
        return sum(self._settle(version_id, account_id) for version_id, account_id in waiting)

    def _rehearse(self, actor: Actor, who: Viewer, account_id: int) -> MenuVersion:
        """Puts the draft on show at the account's double. It stays a draft: what real followers see has not changed."""
        with self.works.read() as work:
            account, draft = work.session.get_one(Account, account_id), draft_of(work.session, account_id)
            if draft is None:
                raise WrongState(state="没有待发布的版本", act="发布菜单")
            approval.must_be_another(work.session, who, account.unit_id, draft.made_by, work.now)
            about = store.info(work.session, self.seal, doubles.lane_of(work.session, account))
            version_id, buttons = draft.id, buttons_of(draft)
        channel = self._channel(about)
        channel.publish_menu(buttons)
        same = _same(buttons, channel.menu())
        with self.works.write(actor) as work:
            draft = work.session.get_one(MenuVersion, version_id)
            draft.reason = REHEARSED if same else "演练账号上显示的菜单与发布的不一致，请核对"
            work.audit("menu.rehearsed", work.session.get_one(Account, account_id), version=draft.number, same=same)
            return draft

    def _settle(self, version_id: int, account_id: int) -> bool:
        claimant = new_claimant()
        with self.works.write() as work:
            statement = (
                update(MenuVersion)
                .where(
                    MenuVersion.id == version_id,
                    MenuVersion.state == "sending",
                    free(MenuVersion, work.now, LEASE),
                )
                .values(claimed_by=claimant, claimed_until=work.now + LEASE)
                .returning(MenuVersion.id)
            )
            if work.session.scalar(statement) is None:
                return False
            about = store.info(work.session, self.seal, work.session.get_one(Account, account_id))
        try:
            shown = self._channel(about).menu()
        except ChannelError as error:
            log.info("menu still not confirmed", account=account_id, why=error.reason)
            return False
        with self.works.write() as work:
            version = work.session.get_one(MenuVersion, version_id)
            if _same(buttons_of(version), shown):
                self._seen(work, version_id, claimant, shown)
            else:
                self._failed(work, version_id, claimant, "没有收到平台答复，核实后平台上显示的不是这一版，请重新发布")
        return True

    def _claim(
        self, work: Work, who: Viewer, account_id: int, claimant: str
    ) -> tuple[AccountInfo, int, tuple[Button, ...]]:
        account = work.session.get_one(Account, account_id)
        draft = draft_of(work.session, account_id)
        if draft is None:
            raise WrongState(state="没有待发布的版本", act="发布菜单")
        if account.rehearsal:  # It was switched to rehearsal this very moment; its followers are real.
            raise WrongState(state="演练中", act="发布菜单")
        approval.must_be_another(work.session, who, account.unit_id, draft.made_by, work.now)
        busy = select(MenuVersion.id).where(MenuVersion.account_id == account_id, MenuVersion.state == "sending")
        statement = (
            update(MenuVersion)
            .where(MenuVersion.id == draft.id, MenuVersion.state == draft.state, ~busy.exists())
            .values(
                state="sending",
                claimed_by=claimant,
                claimed_until=work.now + LEASE,
                approved_by=who.person_id,
                reason="",
            )
            .returning(MenuVersion.id)
            .execution_options(synchronize_session=False)
        )
        if work.session.scalar(statement) is None:
            raise WrongState(state="发布中", act="再次发布")
        work.session.refresh(draft)
        work.audit("menu.approved", account, version=draft.number)
        return store.info(work.session, self.seal, account), draft.id, buttons_of(draft)

    def _seen(self, work: Work, version_id: int, claimant: str, shown: ShownMenu | None) -> None:
        version = still_mine(work.session, MenuVersion, version_id, claimant)
        if version is None:
            return
        if shown is None:
            version.claimed_until = work.now
            version.reason = "已发出但未收到平台答复，正在核实"
            return
        for earlier in versions(work.session, version.account_id):
            if earlier.state == "live":
                earlier.state = "replaced"
        version.state, version.published_at = "live", work.now
        version.claimed_by = version.claimed_until = None
        version.reason = "" if _same(buttons_of(version), shown) else "平台上显示的菜单与发布的不一致，请核对"
        account = work.session.get_one(Account, version.account_id)
        work.audit("menu.published", account, version=version.number, differs=bool(version.reason))

    def _failed(self, work: Work, version_id: int, claimant: str, reason: str) -> None:
        version = still_mine(work.session, MenuVersion, version_id, claimant)
        if version is not None:
            version.state, version.reason = "failed", reason[:300]
            version.claimed_by = version.claimed_until = None
            account = work.session.get_one(Account, version.account_id)
            work.audit("menu.failed", account, version=version.number, reason=reason)

    def _channel(self, about: AccountInfo) -> Menus:
        channel = self.make(about)
        if not isinstance(channel, Menus):
            raise Unsupported("该渠道没有菜单")
        return channel


def _same(buttons: Sequence[Button], shown: ShownMenu) -> bool:
    return tuple(button.shown() for button in buttons) == tuple(button.shown() for button in shown.buttons)
