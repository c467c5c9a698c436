"""What a publish on the portal costs as the site grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from sqlalchemy import insert

from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office
from content.models import Column, Piece, PublicPiece, Release, Revision
from hub.outgoing import adapter_maker
from scheduler.dispatch import Dispatcher

SMALL, LARGE, RUNS = 1_000, 20_000, 30


@measure("portal.publish")
def publish_ratio() -> Iterator[Figure]:
    """One publish on a portal of 20,000 pages against one of 1,000, median of 30 each."""
    small = _median_publish(SMALL)
    large = _median_publish(LARGE)
    yield Figure("portal.publish.ms_20k", round(large * 1000, 1), "ms", f"{SMALL} pages: {small * 1000:.1f} ms")
    yield Figure(
        "portal.publish.ratio_20k", round(large / small, 3), "large/small", f"{SMALL} pages", round(large / small, 3)
    )


def _median_publish(pages: int) -> float:
    with bench_office() as office:
        office.add_accounts("portal", 1)
        _grow(office, pages)
        dispatcher = Dispatcher(
            office.hub.works, office.hub.seal, adapter_maker(office.hub), office.hub.settings.address
        )
        times = []
        for number in range(RUNS):
            piece = office.signed(f"第{number}篇", office.accounts)
            office.book([piece], office.accounts, office.hub.clock.now())
            started = time.perf_counter()
            dispatcher.run_lane(office.accounts[0].id)
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def _grow(office: BenchOffice, pages: int) -> None:
    """Gives the column that many published pieces, with their pages on disk."""
    sample_id = office.signed("样本", office.accounts)
    folder = office.hub.settings.site_folder / office.column.slug
    folder.mkdir(parents=True)
    with office.hub.works.write() as work:
        piece = work.session.get_one(Piece, sample_id)
        release = work.session.get_one(Release, piece.release_id)
        revision = work.session.get_one(Revision, piece.revision_id)
        rows, public = [], []
        for place in range(1, pages + 1):
            number = 1_000_000 + place
            path = f"/{office.column.slug}/{number}.html"
            (folder / f"{number}.html").write_text("<p>页面</p>", "utf-8")
            rows.append({
                "id": number, "unit_id": piece.unit_id, "column_id": piece.column_id, "kind": piece.kind,
                "state": "live", "author_id": piece.author_id, "title": f"旧稿{place}", "origin": "own",
                "created_at": work.now, "updated_at": work.now, "version": 1,
            })  # fmt: skip
            public.append({
                "piece_id": number, "unit_id": piece.unit_id, "column_id": piece.column_id, "place": place,
                "kind": piece.kind, "release_id": release.id, "revision_id": revision.id, "path": path,
                "title": f"旧稿{place}", "summary": "", "picture": "", "from_at": work.now, "first_at": work.now,
                "withdrawn_phrase": "",
            })  # fmt: skip
        work.session.execute(insert(Piece), rows)
        work.session.execute(insert(PublicPiece), public)
        work.session.get_one(Column, office.column.id).places = pages
