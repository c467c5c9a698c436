"""One Chromium for the journeys of a file; each journey has windows of its own, which know nothing of the others'."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.journeys.editorial import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without windows; skipped where Chromium is missing."""
    with chromium() as browser:
        yield browser
