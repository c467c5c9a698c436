"""A platform's push and the answer to it in one commit, where the bot answers at once or has nothing to do.

What `bot.exchange` is to our own page. A push is committed before it is answered, here as everywhere; only that the
bytes of the answer are in the same commit, so that a repeat gets the same. Everything else is stored first.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from sqlalchemy import Table, bindparam, exists, literal_column, select

from bot import exchange
from bot.answering import Answering
from bot.decided import Decided
from bot.exchange import Held, Push, Ready, Written
from bot.gateway import Arrival, rates, sentence
from bot.hearing import GOING, Going
from bot.models import Conversation, InboundMessage
from bot.rules import desk_of
from bot.states import ConversationState
from channels.accounts.models import Account
from kernel.work import Work


def prepare(
    answering: Answering, work: Work, account: Account, arrival: Arrival, build: Callable[[str], bytes]
) -> Ready | Decided | None:
    """What the bot answers or does at once, or leaves to the people it is for; None where it is to be stored first.

    `work` is a reading work; it is to end before anything is stored. `build` makes the bytes of an answer, '' for none.
    """
    # A figure may rate the session that just ended.
    if arrival.kind != "text" or arrival.media or rates(arrival):
        return None
    held = _held(work, account, arrival)
    if held is None:
        return None
    written = Written(arrival.key[:150], sentence(arrival))
    ready = exchange.prepare(answering, work, held, written) or exchange.overhear(answering, work, held, written)
    if not isinstance(ready, Ready):
        return ready
    answer = build("" if ready.said is None else ready.said.text)
    return replace(ready, push=Push(arrival.origin, arrival.at, answer))


def _held(work: Work, account: Account, arrival: Arrival) -> Held | None:
    """The conversation of this person and account that goes on, or one that is to begin; None if it is merged."""
    connection = work.session.connection()
    asked = {"origin": arrival.origin, "key": arrival.key[:150]}
    row = connection.execute(_GOES_ON, {**asked, "account": account.id, "sender": arrival.sender[:120]}).one_or_none()
    if row is None:
        return Held(_new(work, account, arrival), rated=False, repeated=connection.execute(_KNOWN, asked).scalar_one())
    *stands, merged_into_id, repeated = row
    return Held(Going(*stands), rated=False, repeated=repeated) if merged_into_id is None else None


def _new(work: Work, account: Account, arrival: Arrival) -> Going:
    return Going(
        id=0,
        unit_id=desk_of(work.session, account.unit_id, work.now),
        account_id=account.id,
        channel=account.channel,
        sender=arrival.sender[:120],
        state=ConversationState.BOT,
        pending="",
        choices=[],
        failures=0,
        engine_session=secrets.token_hex(16),
        urgent_at=None,
        acknowledged_at=None,
        lines=0,
        dialogue={},
    )


# Made once: building a statement costs more than running it.
_C, _M = cast(Table, Conversation.__table__).c, cast(Table, InboundMessage.__table__).c
_REPEATED = exists().where(_M.origin == bindparam("origin"), _M.key == bindparam("key"))
_KNOWN = select(_REPEATED)
_GOES_ON = select(*(_C[name] for name in GOING), _C.merged_into_id, _REPEATED).where(
    _C.account_id == bindparam("account"),
    _C.sender == bindparam("sender"),
    # As the index says it.
    _C.state != literal_column("'closed'"),
)
