"""What a publish on the portal costs as the site grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping

from sqlalchemy import insert

from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office
from content.models import Column, Piece, PublicPiece, Release, Revision

SMALL, RUNS = 1_000, 30
SIZES = {"20k": 20_000, "100k": 100_000}
BATCH = 5_000


@measure("portal.publish")
def publish_ratio() -> Iterator[Figure]:
    """One publish on a portal of 20,000 and of 100,000 pages against one of 1,000, median of 30 each."""
    yield from measured(SMALL, SIZES, RUNS)


def measured(small: int, sizes: Mapping[str, int], runs: int) -> Iterator[Figure]:
    """The figures of publishing, for portals of any size."""
    base = _median_publish(small, runs)
    for name, pages in sizes.items():
        large = _median_publish(pages, runs)
        ratio = round(large / base, 3)
        yield Figure(f"portal.publish.ms_{name}", round(large * 1000, 1), "ms", f"{small} pages: {base * 1000:.1f} ms")
        yield Figure(f"portal.publish.ratio_{name}", ratio, "large/small", f"{small} pages", ratio)


def _median_publish(pages: int, runs: int) -> float:
    with bench_office() as office:
        office.add_accounts("portal", 1)
        _grow(office, pages)
        dispatcher = office.dispatcher()
        times = []
        for number in range(runs):
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
            if len(rows) == BATCH or place == pages:
                work.session.execute(insert(Piece), rows)
                work.session.execute(insert(PublicPiece), public)
                rows, public = [], []
        work.session.get_one(Column, office.column.id).places = pages
