"""Pairing: each side makes its own keys and shows the other a card of the public halves; no secret ever travels."""

from __future__ import annotations

import secrets
from typing import Literal

from sqlalchemy import delete

from hub.outer.errors import BadParcel, NotPaired
from hub.outer.log import MARKS
from hub.outer.models import OuterFile, OuterLink, OuterMark, OuterPacket, OuterPart, OuterProblem, OuterRow
from hub.outer.packets import Card, Keys, card_of, read_card
from kernel.errors import WrongState
from kernel.seal import Seal
from kernel.work import Work

Role = Literal["inner", "outer"]


def invite(work: Work, seal: Seal, *, anew: bool = False) -> Card:
    """Inside: our card, made on first use; `anew` ends a pairing that is there and begins another log."""
    row = work.session.get(OuterLink, 1)
    if row is not None and row.role != "inner":
        raise WrongState(state="外网端", act="invite")
    if row is None or anew:
        row, keys = _begin(work, seal, "inner")
        work.audit("outer.invited", row, log=row.log)
    else:
        keys = _keys(seal, row)
    return card_of(keys, "inner", row.log)


def join(work: Work, seal: Seal, inner: Card, *, anew: bool = False) -> Card:
    """Outside: takes the inside's card and answers with our own."""
    if inner.role != "inner":
        raise BadParcel(why="这不是内网端的配对文件。")
    row = work.session.get(OuterLink, 1)
    if row is not None and not anew:
        known = read_card(row.peer) if row.peer else None
        if known == inner:
            return card_of(_keys(seal, row), "outer", row.log, inner.log)
        raise WrongState(state="已配对", act="join（如确需重新配对，请加 --anew）")
    row, keys = _begin(work, seal, "outer")
    row.peer, row.paired_at = inner.text(), work.now
    return card_of(keys, "outer", row.log, inner.log)


def accept(work: Work, outer: Card) -> None:
    """Inside: takes the outer side's card, which must answer ours; from now on everything public is sent there."""
    row = work.session.get(OuterLink, 1)
    if row is None or row.role != "inner":
        raise NotPaired
    if outer.role != "outer" or outer.answers != row.log:
        raise BadParcel(why="这张配对文件不是对本端邀请的答复。")
    if row.peer and read_card(row.peer) != outer:
        raise WrongState(state="已配对", act="accept（如确需重新配对，请从 invite --anew 开始）")
    if not row.peer:
        row.peer, row.paired_at = outer.text(), work.now
        work.audit("outer.paired", row, log=outer.log, mark=outer.mark)


def _begin(work: Work, seal: Seal, role: Role) -> tuple[OuterLink, Keys]:
    """A new log from number one; whatever stood in the old one has no receiver any more."""
    for table in (OuterPacket, OuterMark, OuterProblem, OuterFile, OuterRow, OuterPart, OuterLink):
        work.session.execute(delete(table))
    work.session.expunge_all()
    keys = Keys.make()
    row = OuterLink(
        id=1,
        role=role,
        log=secrets.token_hex(16),
        sign_key=seal.close(keys.sign.hex()),
        box_key=seal.close(keys.box.hex()),
    )
    work.session.add(row)
    work.session.add_all(OuterMark(name=name, number=0) for name in MARKS)
    work.session.flush()
    return row, keys


def _keys(seal: Seal, row: OuterLink) -> Keys:
    return Keys(bytes.fromhex(seal.open(row.sign_key)), bytes.fromhex(seal.open(row.box_key)))
