"""The documents of public pieces, as they are kept for search; also those that were public before they were kept."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import delete, select

from content import public
from content.models import PublicFile
from content.search import Searcher, answer
from content.search_files import Files
from kernel.clock import StillClock
from tests.factories import Office

PAUSE = timedelta(days=9)
FILES = import_module("hub.migrations.versions.0061_documents_that_search_finds")


def test_documents_of_what_is_public_already_are_found_too(both: Office) -> None:
    pieces = [both.piece(title=title) for title in ("公开", "撤下", "未发布")]
    for piece in pieces:
        both.attachment(piece.id, name="名单.txt", data="补贴名单".encode())
    releases = [both.sign_off(both.submit(piece.id).id) for piece in pieces]
    with both.works.write() as work:
        for release in releases[:2]:
            public.went_live(work, release.id, work.now)
        public.withdrawn(work, pieces[1].id, work.now, "内容有误")
        kept = work.session.execute(select(PublicFile.piece_id, PublicFile.href, PublicFile.text)).all()
        work.session.execute(delete(PublicFile))
        with Operations.context(MigrationContext.configure(work.session.connection())):
            FILES._fill(PublicFile.__table__)
        filled = work.session.execute(select(PublicFile.piece_id, PublicFile.href, PublicFile.text)).all()
    assert [row.piece_id for row in kept] == [pieces[0].id]
    assert kept[0].text == "补贴名单"
    assert filled == kept


def test_captions_are_no_document(both: Office) -> None:
    piece = both.piece(title="公开")
    both.attachment(piece.id, name="片.vtt", data="WEBVTT\n\n00:01.000 --> 00:02.000\n补贴名单\n".encode())
    both.attachment(piece.id, name="名单.txt", data="补贴名单".encode())
    release = both.sign_off(both.submit(piece.id).id)
    with both.works.write() as work:
        public.went_live(work, release.id, work.now)
        assert work.session.scalars(select(PublicFile.name)).all() == ["名单.txt"]


def test_a_document_of_what_has_ended_is_found_no_more_even_before_the_index_follows(
    both: Office, clock: StillClock
) -> None:
    piece = both.piece(title="公告", expires_at=clock.now() + timedelta(days=1))
    both.attachment(piece.id, name="名单.txt", data="补贴名单".encode())
    release = both.sign_off(both.submit(piece.id).id)
    with both.works.write() as work:
        public.went_live(work, release.id, work.now)
    searcher = Searcher(PAUSE, source=Files())
    totals = []
    for _ in range(2):
        with both.works.read() as work:
            looked = searcher.look(work.session, work.now, "补贴名单")
            found = answer(work.session, work.now, [looked], kind="", page=1, size=5, narrow=None, only=None)
        totals.append((len(looked.hits), found.total))
        clock.step(days=2)
    assert totals == [(1, 1), (1, 0)]
