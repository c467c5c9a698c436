"""What the pages about a platform's own view need: a piece and a release with an account that can show previews."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from channels.accounts.models import Account
from content import release as releases
from content.models import Release
from content.snapshot import Target as Signed
from content.snapshot import Window
from content.states import ReleaseState
from kernel.people import Unit
from kernel.work import Work
from scheduler.models import Placement
from scheduler.outside.models import MissingPlacement, OutsidePiece, OutsideState
from tests.house.editorial_objects import column_of, engine, write
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


def something_outside(work: Work, unit: Unit) -> Target:
    """Something that an account of the unit shows and nobody here published, and a signed piece to link it to."""
    account = wechat_account(work, unit)
    signed = work.session.get_one(Release, a_release_to_preview(work, unit).params["release_id"])
    signed.state = ReleaseState.SIGNED
    row = OutsidePiece(
        unit_id=unit.id,
        account_id=account.id,
        number=secrets.token_hex(4),
        title="外发",
        url="https://mp.weixin.qq.com/s/x",
        published_at=work.now,
        found_at=work.now,
        due_at=work.now,
        state=OutsideState.OPEN,
        notified=None,
    )
    work.session.add(row)
    work.session.flush()
    form = {"column": str(column_of(work, unit).id), "piece": str(signed.piece_id), "reason": "原因"}
    return Target({"outside_id": row.id}, form=form)


def something_missing(work: Work, unit: Unit) -> Target:
    """A placement of the unit that the platform says is gone."""
    target = a_release_to_preview(work, unit)
    release = work.session.get_one(Release, target.params["release_id"])
    place = Placement(
        unit_id=unit.id,
        piece_id=release.piece_id,
        account_id=release.content["targets"][0]["account"],
        release_id=release.id,
        revision_id=release.revision_id,
        state="live",
        data={},
        live_at=work.now,
        changed_at=work.now,
    )
    work.session.add(place)
    work.session.flush()
    row = MissingPlacement(unit_id=unit.id, placement_id=place.id, why="不见了", found_at=work.now, state="open")
    work.session.add(row)
    work.session.flush()
    return Target({"missing_id": row.id}, form={"act": "there", "reason": "还在"})


OF_A_UNIT |= {
    "/console/outside/{outside_id}": something_outside,
    "/console/outside/{outside_id}/link": something_outside,
    "/console/outside/{outside_id}/register": something_outside,
    "/console/outside/{outside_id}/dismiss": something_outside,
    "/console/outside/missing/{missing_id}": something_missing,
}
