"""One engine for all template tests, with a present that stands still."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from templates.engine import Engine
from tests.templates.browser import AXE, CHROMIUM, Screen, screen
from tests.templates.samples import NOW


@pytest.fixture(scope="session")
def renderer() -> Engine:
    """The engine as the hub makes it."""
    return Engine(now=lambda: NOW)


@pytest.fixture(scope="module")
def shown() -> Iterator[Screen]:
    """A browser page; skipped where Chromium or the checker is missing."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed (apt install chromium)")
    if not AXE.exists():
        pytest.skip("axe-core is not in templates/static/vendor (set up with --dev)")
    with screen() as opened:
        yield opened
