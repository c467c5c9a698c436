"""Engines that share what they compiled: each test has a database of its own, and all ask the same questions.

To say a question in SQL takes longer than to have SQLite answer it; with an engine's own memory every test would pay
for all its questions anew, a fifth of the time of all tests.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url

STATEMENTS = 5_000
_ready: dict[tuple[str, str | None], Engine] = {}


def engine(url: str, **options: Any) -> Engine:
    """As `create_engine`; the first of each kind that reached its database lends its dialect and memory to the rest."""
    kind = (make_url(url).get_backend_name(), options.get("isolation_level"))
    first = _ready.get(kind)
    if first is None:
        made = create_engine(url, query_cache_size=STATEMENTS, **options)
        # Told after the dialect has asked the server for its version.
        event.listen(made, "connect", lambda _connection, _record: _ready.setdefault(kind, made))
        return made
    made = create_engine(url, _initialize=False, **options)
    made.dialect, made._compiled_cache = first.dialect, first._compiled_cache
    return made
