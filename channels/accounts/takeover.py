"""接管: how far an account in use has come into our hands, with what it showed before as the way back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from channels.abilities.menus import Button, ShownMenu
from channels.abilities.takeover import PreparedReply, PresentReplies, Standing
from channels.accounts.models import Account, Takeover
from kernel.once import insert_once
from kernel.work import Work

TAKEN, LEFT = "taken", "left"


def of_account(session: Session, account_id: int) -> Takeover | None:
    """How far it has come; None before it began."""
    return session.get(Takeover, account_id)


def begin(work: Work, account: Account) -> Takeover:
    """Begins, or goes on where somebody left off; after an end it begins anew, with nothing known forgotten."""
    fresh = insert_once(
        work.session,
        Takeover,
        account_id=account.id,
        began_by=work.actor.person_id,
        began_at=work.now,
        standing={},
        present={},
        steps={},
        ended="",
    )
    row = work.session.get_one(Takeover, account.id)
    if fresh or row.ended:
        row.ended, row.ended_at = "", None
        work.audit("takeover.started", account)
    return row


def looked(work: Work, account: Account, standing: Standing) -> None:
    """What the platform lets us do, as just asked; an address once learned is kept."""
    row = begin(work, account)
    known = str(row.standing.get("address", ""))
    row.standing = {**asdict(standing), "address": standing.address or known}
    row.standing_at = work.now
    work.audit("takeover.checked", account, reachable=standing.reachable, code=standing.code)


def noted(work: Work, account: Account, menu: ShownMenu, replies: PresentReplies) -> None:
    """What the account shows and answers now; the answers of the platform are kept whole, as the way back."""
    row = begin(work, account)
    row.present = {
        "buttons": [button.stored() for button in menu.buttons],
        "menu_made": menu.made,
        "menu_by_hand": menu.by_hand,
        "lost": list(menu.lost),
        "replies": [asdict(one) for one in replies.replies],
        "follow_on": replies.follow_on,
        "keywords_on": replies.keywords_on,
        "raw": {"menu": dict(menu.raw), "replies": dict(replies.raw)},
    }
    row.present_at = work.now
    work.audit("takeover.read", account, buttons=len(menu.buttons), replies=len(replies.replies))


def buttons_in(row: Takeover) -> tuple[Button, ...]:
    """The menu that was noted."""
    return tuple(Button.of(one) for one in row.present.get("buttons", ()))


def replies_in(row: Takeover) -> list[PreparedReply]:
    """The replies that were noted."""

    def made(kept: dict[str, Any]) -> PreparedReply:
        words = tuple((str(word), str(match)) for word, match in kept["words"])
        return PreparedReply(**{**kept, "words": words, "answers": tuple(kept["answers"]), "lost": tuple(kept["lost"])})

    return [made(one) for one in row.present.get("replies", ())]


def imported(work: Work, account: Account, count: int) -> None:
    """The menu and the replies stand among our own as drafts."""
    row = begin(work, account)
    row.imported_at = work.now
    work.audit("takeover.imported", account, replies=count)


def greeted(work: Work, account: Account) -> None:
    """The platform has checked our address: somebody entered it in the platform's console."""
    row = work.session.get(Takeover, account.id)
    if row is not None:
        row.greeted_at = work.now
        work.audit("takeover.greeted", account)


def end(work: Work, account: Account, how: str) -> None:
    """The account is ours (`taken`), or stays where it was (`left`)."""
    row = begin(work, account)
    row.ended, row.ended_at = how, work.now
    work.audit("takeover.ended", account, how=how)
