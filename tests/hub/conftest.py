"""What tests of the hub may ask for: an office on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.clock import StillClock
from tests.hub.office import Office, open_office


@pytest.fixture
def office(sqlite_url: str, tmp_path: Path, clock: StillClock) -> Iterator[Office]:
    """A running office with nobody in it yet."""
    with open_office(sqlite_url, tmp_path, clock) as office:
        yield office
