"""Packages of other people have our names; ours must be the ones that are imported."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("kernel", "templates", "content", "channels", "scheduler", "bot", "analytics", "hub")


@pytest.mark.parametrize("name", PACKAGES)
def test_the_package_is_this_repositorys(name: str) -> None:
    file = import_module(name).__file__
    assert file is not None
    assert Path(file).resolve() == ROOT / name / "__init__.py"
