"""What the portal's tests share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from kernel.clock import StillClock
from kernel.work import Works
from templates.engine import Engine
from tests.channels.adapters.portal_site import Site, open_site


class _Now:
    clock: StillClock


def _now() -> datetime:
    return _Now.clock.now()


@pytest.fixture(scope="session")
def portal_pages() -> Engine:
    """The product's own templates, compiled once; they read the clock of the test that runs."""
    return Engine(now=_now)


@pytest.fixture
def site(sqlite_works: Works, clock: StillClock, tmp_path: Path, portal_pages: Engine) -> Iterator[Site]:
    """The office's portal in an empty folder."""
    _Now.clock = clock
    with open_site(sqlite_works, clock, tmp_path, portal_pages) as opened:
        yield opened
