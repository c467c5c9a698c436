"""An office with a published piece on two channels, to count and read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from analytics.collect import ReadCounter
from content import public
from content.models import Release
from kernel.blobs import Blobs
from kernel.clock import StillClock
from kernel.work import Works
from scheduler.models import Placement
from scheduler.states import PlacementState
from templates.engine import Engine
from tests.factories import Office, make_office


@dataclass
class Published:
    """The office, its clock, and one piece live on the portal and on WeChat."""

    office: Office
    clock: StillClock
    works: Works
    release: Release

    def count(self, path: str, channel: str, times: int = 1) -> bool:
        """Counts openings and writes them at once."""
        counter = ReadCounter(self.works)
        counted = [counter.count(path, channel) for _ in range(times)]
        counter.flush()
        return all(counted)

    @property
    def path(self) -> str:
        """The piece's address on the portal."""
        return str(self.release.content["path"])


@pytest.fixture
def published(works: Works, clock: StillClock, tmp_path: Path) -> Published:
    """A piece that went live on each kind of database."""
    office = make_office(works, Blobs(tmp_path / "files"), Engine())
    release = office.signed_release("portal", "wechat")
    with works.write() as work:
        public.went_live(work, release.id, work.now)
        for name in ("portal", "wechat"):
            work.session.add(
                Placement(
                    unit_id=release.unit_id,
                    piece_id=release.piece_id,
                    account_id=office.accounts[name].id,
                    release_id=release.id,
                    revision_id=release.revision_id,
                    state=PlacementState.LIVE,
                    url=f"https://{name}.example",
                    data={},
                    live_at=work.now,
                    changed_at=work.now,
                )
            )
    return Published(office, clock, works, release)
