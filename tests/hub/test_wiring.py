"""The product put together: each of its duties is done, whatever is set up."""

from __future__ import annotations

from pathlib import Path

from kernel import duties
from kernel.clock import StillClock
from tests.hub.office import open_office


def test_every_duty_has_a_name_of_its_own(sqlite_url: str, tmp_path: Path, clock: StillClock) -> None:
    """With a gateway the notifier has a duty too; two of one name would leave one undone."""
    more = {"notice_gateway_url": "http://127.0.0.1:9/notices", "smtp_url": "smtp://127.0.0.1:9"}
    with open_office(sqlite_url, tmp_path, clock, **more) as office:
        names = [duty.name for duty in office.hub.duties]
        assert len(names) == len(set(names))
        assert {"notices.send", "service_notices.send"} <= set(names)
        assert {duty.name for duty in duties.due(office.hub.works, office.hub.duties)} == set(names)
