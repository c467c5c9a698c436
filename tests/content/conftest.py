"""An office whose channels draw with the smallest templates, so that a test sees only what content does."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.blobs import Blobs
from kernel.work import Works
from templates.engine import Engine
from tests.factories import Office, make_office

LAYOUT = "<section>{{ item.title }}|{{ account.name }}|{{ item.body_html | safe }}</section>"
TEXT = "【{{ post.title }}】{{ post.text }} {{ post.href }}"


@pytest.fixture(scope="session")
def plain_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """An engine with one layout for WeChat and one text for all others."""
    folder = tmp_path_factory.mktemp("templates")
    (folder / "outbound/wechat").mkdir(parents=True)
    (folder / "outbound/wechat/default.html").write_text(LAYOUT, "utf-8")
    (folder / "outbound/text.txt").write_text(TEXT, "utf-8")
    return Engine(folder=folder)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty store of files."""
    return Blobs(tmp_path / "files")


@pytest.fixture
def office(sqlite_works: Works, blobs: Blobs, plain_engine: Engine) -> Office:
    """The office on SQLite."""
    return make_office(sqlite_works, blobs, plain_engine)


@pytest.fixture
def both(works: Works, blobs: Blobs, plain_engine: Engine) -> Office:
    """The office once on each kind of database, for what locks and counts."""
    return make_office(works, blobs, plain_engine)
