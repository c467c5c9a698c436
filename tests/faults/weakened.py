"""The product with one of its safeguards taken out, to see that the suite notices.

`python -m tests.faults.weakened lease serve …` runs the command line as ever, without the lease.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import true

from hub import cli
from kernel.work import Work
from scheduler import dispatch, receipts, sweep
from scheduler.models import Delivery
from scheduler.states import DeliveryState

S = DeliveryState


def without_lease() -> None:
    """A claim holds nobody off: a sweep takes over what is just being sent, and the first "not there" is believed."""

    def over(*_about: Any) -> Any:
        return true()

    dispatch.free = sweep.run_out = over  # type: ignore[assignment]  # Weaker on purpose.
    receipts._too_soon = lambda *_about: None  # type: ignore[assignment]  # Weaker on purpose.


def without_claim() -> None:
    """What is due is taken whatever its state and whoever holds it."""

    def due(_self: dispatch.Dispatcher, now: Any) -> Any:
        return (Delivery.next_at <= now,)

    def begin(work: Work, delivery: Delivery) -> str:
        if delivery.state == S.SENDING:
            delivery.state = S.BOOKED
        return begun(work, delivery)

    begun = dispatch._begin
    dispatch.Dispatcher._due = due  # type: ignore[method-assign]
    dispatch._begin = begin


def without_settling() -> None:
    """An outcome that nobody knows is taken for a failure: it is sent again without asking."""

    def recover(works: Any, lease: timedelta = timedelta()) -> int:
        with works.write() as work:
            rows = work.session.query(Delivery).where(
                Delivery.state == S.SENDING, sweep.run_out(Delivery, work.now, lease)
            )
            found: Sequence[Delivery] = rows.all()
            for row in found:
                row.state, row.claimed_by, row.claimed_until = S.BOOKED, None, None
            return len(found)

    def keep_asking(work: Work, delivery: Delivery, batch: Any, reason: str, *, final: bool) -> None:
        delivery.state = S.BOOKED
        receipts._again(work, delivery, batch, reason)

    sweep.recover = recover
    receipts._keep_asking = keep_asking


SAFEGUARDS: Mapping[str, Callable[[], None]] = {
    "lease": without_lease,
    "claim": without_claim,
    "settling": without_settling,
}


def main() -> None:
    """Takes the safeguard out, then runs the command line as ever."""
    SAFEGUARDS[sys.argv.pop(1)]()
    cli.main()


if __name__ == "__main__":
    main()
