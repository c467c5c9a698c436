"""Deliveries, placements and accounts of a unit, for every route of the way out with an object in its address."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from channels.accounts import store
from channels.accounts.models import Account, AccountFiling
from content import release as releases
from content.models import Release
from content.snapshot import Target as Signed
from content.snapshot import Window
from hub.auth import links
from hub.web.account_secrets import LINK_LASTS, SECRET
from hub.web.booking_form import PHRASES
from kernel.people import Person, Role, Unit
from kernel.work import Work
from scheduler.models import Delivery, DeliveryItem, Emergency, Freeze, Placement
from tests.factories import picture_bytes
from tests.house.editorial_objects import a_colleague, blobs_of, engine, write
from tests.house.target import Target


def fake_account(work: Work, unit: Unit) -> Account:
    """An account of the unit on the platform in memory, with a secret to enter."""
    account = Account(unit_id=unit.id, channel="fake", name="快讯", code=f"f-{secrets.token_hex(4)}", action="publish")
    work.session.add(account)
    work.session.flush()
    return account


def a_delivery(work: Work, unit: Unit, state: str = "booked", screenshot: bool = False, asking: bool = False) -> Target:
    """A delivery in a state, with forms for every act on it."""
    author, piece = write(work, unit)
    account = fake_account(work, unit)
    target = Signed(account.id, account.name, "fake", "text", "publish")
    opened = releases.submit(work, author, piece, [target], Window(), engine=engine(), portal="https://example.gov.cn")
    key = secrets.token_hex(16)
    note = {"screenshot": blobs_of(work).put(picture_bytes()).sha256} if screenshot else {}
    delivery = Delivery(
        unit_id=unit.id,
        account_id=account.id,
        channel="fake",
        action="publish",
        identity=key * 2,
        key=key,
        state=state,
        scheduled_at=work.now,
        next_at=work.now if asking else None,
        note=note,
        created_by=author.person_id,
        created_at=work.now,
    )
    work.session.add(delivery)
    work.session.flush()
    work.session.add(
        DeliveryItem(
            delivery_id=delivery.id, position=1, action=delivery.action, piece_id=piece.id, release_id=opened.id
        )
    )
    work.session.flush()
    form = {"reason": "原因", "at": "2026-03-09T09:00", "remark": "见后台", "url": "https://example.gov.cn/1"}
    json = {**form, "at": "2026-03-09T09:00:00+08:00", "links": {str(piece.id): form["url"]}}
    params = {"delivery_id": delivery.id, "piece_id": piece.id, "position": 1, "account_id": account.id}
    return Target(params, query={"seen": "booked"}, form=form, json=json)


def a_bundle(work: Work, unit: Unit) -> Target:
    """A delivery of two items that waits, with the order in which they were seen."""
    target = a_delivery(work, unit)
    author, piece = write(work, unit)
    row = work.session.get_one(Delivery, target.params["delivery_id"])
    account = work.session.get_one(Account, row.account_id)
    signed = Signed(account.id, account.name, "fake", "text", "publish")
    opened = releases.submit(work, author, piece, [signed], Window(), engine=engine(), portal="https://example.gov.cn")
    work.session.add(
        DeliveryItem(delivery_id=row.id, position=2, action=row.action, piece_id=piece.id, release_id=opened.id)
    )
    work.session.flush()
    pieces = [str(target.params["piece_id"]), str(piece.id)]
    seen = [int(piece) for piece in pieces]
    return Target(
        {"delivery_id": row.id}, form={"pieces": pieces, "step": "keep"}, json={"pieces": seen[::-1], "seen": seen}
    )


def a_stop(work: Work, unit: Unit) -> Target:
    """A stop of the unit that is in force."""
    stop = Freeze(unit_id=unit.id, reason="演习", begun_at=work.now)
    work.session.add(stop)
    work.session.flush()
    return Target({"freeze_id": stop.id}, json={"choices": {}})


def an_emergency(work: Work, unit: Unit) -> Target:
    """An emergency of the unit with a banner."""
    author, piece = write(work, unit)
    until = work.now + timedelta(hours=1)
    row = Emergency(
        unit_id=unit.id, piece_id=piece.id, key=secrets.token_hex(16), level="I", banner_until=until,
        created_by=author.person_id, created_at=work.now,
    )  # fmt: skip
    work.session.add(row)
    work.session.flush()
    return Target({"emergency_id": row.id})


def an_account(work: Work, unit: Unit) -> Target:
    """An account of the unit, with forms for every act on it."""
    account = fake_account(work, unit)
    login = f"keeper-{secrets.token_hex(4)}"
    keeper = a_colleague(work, unit, Role.OFFICER)
    work.session.get_one(Person, keeper.person_id).login = login
    return Target(
        {"account_id": account.id},
        form={"name": "新名", "unit": str(unit.id), "login": login, "kind": "open", "on": "2026-03-01"},
        json={"name": "新名"},
    )


def a_filing(work: Work, unit: Unit) -> Target:
    """A filing of an account of the unit, with its document."""
    account = fake_account(work, unit)
    document = blobs_of(work).put(picture_bytes()).sha256
    filing = AccountFiling(
        account_id=account.id, kind="open", on=work.now.date(), document=document, document_name="备案.png",
        created_at=work.now,
    )  # fmt: skip
    work.session.add(filing)
    work.session.flush()
    return Target({"account_id": account.id, "filing_id": filing.id})


def a_secret_link(work: Work, person: Person) -> Target:
    """A link with which this person enters an account's secrets."""
    account = Account(
        unit_id=person.unit_id, channel="weibo", name="微博", code=f"w-{secrets.token_hex(4)}", action="publish"
    )
    work.session.add(account)
    work.session.flush()
    token = links.issue(work, SECRET, person.id, LINK_LASTS, target=account).token
    return Target({"token": token}, form={"access_token": "1", "app_key": "2", "app_secret": "3"})


def a_placement_by_hand(work: Work, unit: Unit) -> Target:
    """Where a piece of the unit shows on a platform that tells no figures."""
    target = a_delivery(work, unit)
    delivery = work.session.get_one(Delivery, target.params["delivery_id"])
    account = work.session.get_one(Account, delivery.account_id)
    account.channel = "manual"
    item = work.session.query(DeliveryItem).filter_by(delivery_id=delivery.id).one()
    release = work.session.get_one(Release, item.release_id)
    place = Placement(
        unit_id=unit.id, piece_id=release.piece_id, account_id=account.id, release_id=release.id,
        revision_id=release.revision_id, state="live", data={}, live_at=work.now, changed_at=work.now,
    )  # fmt: skip
    work.session.add(place)
    work.session.flush()
    return Target({"placement_id": place.id}, form={"reads": "5"})


def a_piece_that_shows(work: Work, unit: Unit) -> Target:
    """A piece that shows on an account of the unit."""
    target = a_placement_by_hand(work, unit)
    place = work.session.get_one(Placement, target.params["placement_id"])
    sent = {"act": "withdraw", "accounts": [place.account_id], "phrase": PHRASES[0]}
    return Target({"piece_id": place.piece_id}, json=sent)


CONSOLE = "/console/deliveries/{delivery_id}"
API = "/api/v1/deliveries/{delivery_id}"

OF_A_UNIT: dict[str, Callable[[Work, Unit], Target]] = {
    CONSOLE: a_delivery,
    f"{CONSOLE}/live": a_delivery,
    f"{CONSOLE}/retry": partial(a_delivery, state="failed"),
    f"{CONSOLE}/resume": partial(a_delivery, state="held"),
    f"{CONSOLE}/take-over": a_delivery,
    f"{CONSOLE}/cancel": a_delivery,
    f"{CONSOLE}/move": a_delivery,
    f"{CONSOLE}/order": a_bundle,
    f"{CONSOLE}/hold": a_delivery,
    f"{CONSOLE}/there": partial(a_delivery, state="unknown"),
    f"{CONSOLE}/not-there": partial(a_delivery, state="unknown"),
    f"{CONSOLE}/ask-again": partial(a_delivery, state="unknown", asking=True),
    f"{CONSOLE}/by-hand-instead": partial(a_delivery, state="unknown"),
    f"{CONSOLE}/by-hand": partial(a_delivery, state="manual"),
    f"{CONSOLE}/by-hand/phone": partial(a_delivery, state="manual"),
    f"{CONSOLE}/by-hand/package.zip": partial(a_delivery, state="manual"),
    f"{CONSOLE}/items/{{position}}": a_delivery,
    f"{CONSOLE}/screenshot": partial(a_delivery, state="done", screenshot=True),
    "/console/figures/{placement_id}": a_placement_by_hand,
    "/console/accounts/{account_id}": an_account,
    "/console/accounts/{account_id}/link": an_account,
    "/console/accounts/{account_id}/test": an_account,
    "/console/accounts/{account_id}/switch-off": an_account,
    "/console/accounts/{account_id}/switch-on": an_account,
    "/console/accounts/{account_id}/figures": an_account,
    "/console/accounts/{account_id}/figures/workbook": an_account,
    "/console/accounts/{account_id}/filings": an_account,
    "/console/accounts/{account_id}/filings/{filing_id}": a_filing,
    "/console/freezes/through/{delivery_id}": partial(a_delivery, state="held"),
    "/console/freezes/{freeze_id}/end": a_stop,
    "/console/emergency/{emergency_id}/banner": an_emergency,
    API: a_delivery,
    f"{API}/cancel": a_delivery,
    f"{API}/move": a_delivery,
    f"{API}/hold": a_delivery,
    f"{API}/resume": partial(a_delivery, state="held"),
    f"{API}/retry": partial(a_delivery, state="failed"),
    f"{API}/by-hand": a_delivery,
    f"{API}/close": partial(a_delivery, state="manual"),
    f"{API}/there": partial(a_delivery, state="unknown"),
    f"{API}/not-there": partial(a_delivery, state="unknown"),
    f"{API}/ask-again": partial(a_delivery, state="unknown", asking=True),
    f"{API}/by-hand-instead": partial(a_delivery, state="unknown"),
    f"{API}/let-through": partial(a_delivery, state="held"),
    f"{API}/order": a_bundle,
    "/api/v1/freezes/{freeze_id}/end": a_stop,
    "/api/v1/emergencies/{emergency_id}/end-banner": an_emergency,
    "/api/v1/accounts/{account_id}": an_account,
    "/api/v1/accounts/{account_id}/test": an_account,
    "/api/v1/accounts/{account_id}/settings": an_account,
    "/api/v1/accounts/{account_id}/switch-off": an_account,
    "/api/v1/accounts/{account_id}/switch-on": an_account,
    "/api/v1/pieces/{piece_id}/placements": a_delivery,
    "/api/v1/pieces/{piece_id}/retractions": a_piece_that_shows,
}


def an_account_to_authorise(work: Work, person: Person) -> Target:
    """A Weibo account whose own person this is."""
    account = Account(
        unit_id=person.unit_id, channel="weibo", name="微博", code=f"w-{secrets.token_hex(4)}",
        register={store.OWN_PERSON: person.id},
    )  # fmt: skip
    work.session.add(account)
    work.session.flush()
    account.credentials = ""
    return Target({"account_id": account.id})


OF_A_PERSON: dict[str, Callable[[Work, Person], Target]] = {
    "/console/accounts/secret/{token}": a_secret_link,
    "/console/accounts/{account_id}/authorise": an_account_to_authorise,
}

OF_NOBODY: dict[str, str] = {
    "/console/rehearsal/site/{path:path}": "a file; a piece's page is of the unit of its rehearsal, which "
    "tests/hub/test_rehearsals.py tries",
    "/h/{token}": "the token is the proof; whose it is stands in the link's own row, and he must be able to act there",
    "/h/{token}/package.zip": "the same link",
    "/h/{token}/media/{name}": "the same link, and only pictures of its task",
}
