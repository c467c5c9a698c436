"""The kinds of content. A kind is one file here with its templates: it is found by being here."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from content.kinds.base import FieldSpec, Kind

__all__ = ["FieldSpec", "Kind", "all_kinds", "kind_of"]


@cache
def all_kinds() -> dict[str, Kind]:
    """Every kind by its name, in the order in which the console offers them."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        if module.name != "base":
            found.append(import_module(f"{__name__}.{module.name}").KIND)
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.position)}


def kind_of(name: str) -> Kind:
    """The kind of that name; raises KeyError for one that does not exist."""
    return all_kinds()[name]
