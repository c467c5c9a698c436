"""The API of what is done with an account: asked whether its secrets hold, taken out of use and into use again."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from typing_extensions import TypedDict

from channels.accounts import store
from hub.web.access import Asker, HubDep, api_may
from hub.web.accounts import account_for, ask_account, use_again
from hub.web.api_delivery_told import AccountTold, accounts_told
from kernel.people import Permission
from scheduler import booking

router = APIRouter(prefix="/api/v1/accounts/{account_id}")

P = Permission
Keeper = Annotated[Asker, Depends(api_may(P.ACCOUNT_WRITE))]


class AccountTested(TypedDict):
    """Whether the platform took the account's secrets; `fault` is what it said otherwise.

    `asked`: false where the channel has no way of asking, and nothing is known then.
    """

    asked: bool
    good: bool
    fault: str


class SwitchedOff(AccountTold):
    """The account out of use, and how many deliveries are kept back with it."""

    held: int


@router.post("/test")
def test_account(hub: HubDep, asker: Keeper, account_id: int) -> AccountTested:
    """A cheap call to the platform that proves the secrets."""
    fault = ask_account(hub, asker, account_id)
    return {"asked": fault is not None, "good": fault == "", "fault": fault or ""}


@router.post("/switch-off")
def switch_off(hub: HubDep, asker: Keeper, account_id: int) -> SwitchedOff:
    """Takes the account out of use; what waits there is kept back."""
    with hub.works.write(asker.actor) as work:
        account = account_for(work.session, asker, account_id, P.ACCOUNT_WRITE)
        store.switch(work, account, False)
        held = booking.hold_account(work, account_id, "账号已停用")
        return {**accounts_told(work, [account])[0], "held": held}


@router.post("/switch-on")
def switch_on(hub: HubDep, asker: Keeper, account_id: int) -> AccountTold:
    """Takes the account into use again; what was kept back waits for a person."""
    with hub.works.write(asker.actor) as work:
        account = use_again(work, asker, account_id)
        return accounts_told(work, [account])[0]
