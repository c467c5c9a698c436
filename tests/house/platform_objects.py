"""What the pages about a platform's own view need: a piece and a release with an account that can show previews."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from channels.accounts.models import Account
from content import release as releases
from content.snapshot import Target as Signed
from content.snapshot import Window
from kernel.people import Unit
from kernel.work import Work
from tests.house.editorial_objects import engine, write
from tests.house.target import Target


def wechat_account(work: Work, unit: Unit) -> Account:
    """An account of the unit at a platform that nothing here calls."""
    code = f"x-{secrets.token_hex(4)}"
    account = Account(unit_id=unit.id, channel="wechat", name="公众号", code=code, action="mass_send")
    work.session.add(account)
    work.session.flush()
    return account


def a_piece_to_preview(work: Work, unit: Unit) -> Target:
    """A draft of the unit."""
    _author, piece = write(work, unit)
    return Target({"piece_id": piece.id}, form={"account": str(wechat_account(work, unit).id)})


def a_release_to_preview(work: Work, unit: Unit) -> Target:
    """An open release to an account that can show it."""
    author, piece = write(work, unit)
    account = wechat_account(work, unit)
    target = Signed(account.id, account.name, "wechat", "layout", "mass_send")
    opened = releases.submit(work, author, piece, [target], Window(), engine=engine(), portal="https://example.gov.cn")
    return Target({"release_id": opened.id}, form={"act": "make", "account": str(account.id)})


OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    "/console/pieces/{piece_id}/platform": a_piece_to_preview,
    "/console/signing/{release_id}/platform": a_release_to_preview,
}
