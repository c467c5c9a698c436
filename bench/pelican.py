"""The whole portal drawn again, against Pelican drawing the same texts with the theme that it ships."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office
from bench.peers import python_of
from channels.accounts import store as accounts
from channels.adapters.portal.crew import hands_here
from channels.adapters.portal.rebuild import Rebuild
from content import public
from content.models import Piece, Release
from kernel.work import Work
from scheduler.models import Placement
from scheduler.whole_site import WholeSite

PIECES, ROUNDS = 1_000, 3


@measure("portal.rebuild")
def rebuild_ratio() -> Iterator[Figure]:
    """Pages a second of a whole rebuild, and over Pelican's on the same texts."""
    yield from measured(PIECES, ROUNDS)


def measured(pieces: int, rounds: int) -> Iterator[Figure]:
    """The figures; both sides take turns, the best round of each counts, so that a busy machine is kind to neither."""
    python = python_of("pelican")
    with bench_office() as office, tempfile.TemporaryDirectory() as folder:
        office.add_accounts("portal", 1)
        texts = grow(office, pieces)
        write_sources(Path(folder), texts)
        pairs = [(_ours(office), _theirs(python, Path(folder), pieces)) for _ in range(rounds)]
    ours, theirs = max(one for one, _ in pairs), max(one for _, one in pairs)
    each = sorted(round(one / other, 2) for one, other in pairs)
    ratio = round(ours / theirs, 2)
    yield Figure("portal.rebuild.pages", round(ours, 1), "pages/s", f"{pieces} pieces and their lists", None)
    yield Figure("portal.rebuild.vs_pelican", ratio, "ours/theirs", f"pelican {theirs:.0f}/s, rounds {each}", ratio)


def grow(office: BenchOffice, pieces: int) -> list[tuple[str, str]]:
    """Gives the portal that many public pieces of one column, each with words of its own; returns titles and bodies."""
    sample = office.signed("样本", office.accounts)
    texts = [(f"第{n}号通知", f"<p>第{n}号：近期气温偏低，请市民相互转告。</p>" * 12) for n in range(1, pieces + 1)]
    with office.hub.works.write() as work:
        first = work.session.get_one(Piece, sample)
        model = work.session.get_one(Release, first.release_id)
        for title, body in texts:
            piece = Piece(
                unit_id=first.unit_id, column_id=first.column_id, kind=first.kind, state="live",
                author_id=first.author_id, title=title, created_at=work.now, updated_at=work.now,
                first_published_at=work.now,
            )  # fmt: skip
            work.session.add(piece)
            work.session.flush()
            _publish(office, work, piece, model, title, body)
    return texts


def _publish(office: BenchOffice, work: Work, piece: Piece, model: Release, title: str, body: str) -> None:
    path = f"/{office.column.slug}/{piece.id}.html"
    shown = {"title": title, "digest": title, "html": body, "text": "", "author": ""}
    content = {
        **model.content, "piece": piece.id, "title": title, "summary": title, "body": body, "path": path,
        "variants": {"portal": shown},
    }  # fmt: skip
    release = Release(
        unit_id=piece.unit_id, piece_id=piece.id, revision_id=model.revision_id, number=1, state="signed", levels=3,
        proofs=3, content=content, hash="0" * 64, submitted_by=model.submitted_by, submitted_at=work.now,
    )  # fmt: skip
    work.session.add(release)
    work.session.flush()
    public.reserve_place(work, release.id)
    public.went_live(work, release.id, work.now)
    work.session.add(
        Placement(
            unit_id=piece.unit_id,
            piece_id=piece.id,
            account_id=office.accounts[0].id,
            release_id=release.id,
            revision_id=release.revision_id,
            state="live",
            live_at=work.now,
            changed_at=work.now,
            url=path,
            remote_id=path,
            data={"published_at": work.now.isoformat()},
            correction="",
        )
    )


def write_sources(folder: Path, texts: list[tuple[str, str]]) -> None:
    """The same texts as Pelican reads them, and its settings: feeds as we have them, no cache."""
    (folder / "content").mkdir()
    for number, (title, body) in enumerate(texts, start=1):
        page = (
            f'<html><head><title>{title}</title><meta name="date" content="2026-03-02 09:00">'
            f'<meta name="category" content="notices"></head><body>{body}</body></html>'
        )
        (folder / "content" / f"{number}.html").write_text(page, "utf-8")
    settings = (
        'SITENAME = "云州"\nSITEURL = "http://127.0.0.1"\nTIMEZONE = "Asia/Shanghai"\nDEFAULT_LANG = "zh"\n'
        "DEFAULT_PAGINATION = 20\nTHEME = 'simple'\nFEED_ALL_ATOM = 'atom.xml'\nFEED_ALL_RSS = 'rss.xml'\n"
        "LOAD_CONTENT_CACHE = False\nDELETE_OUTPUT_DIRECTORY = True\n"
    )
    (folder / "conf.py").write_text(settings, "utf-8")


def _ours(office: BenchOffice) -> float:
    hub = office.hub
    with hub.works.read() as work:
        about = accounts.info(work.session, hub.seal, office.accounts[0])
    tools = hub.incoming.make(about).tools
    shutil.rmtree(hub.settings.site_folder, ignore_errors=True)
    begun = time.perf_counter()
    done = Rebuild(about, tools, WholeSite(hub.works, about.id), lambda _progress: None, hands_here()).run(anew=True)
    return done.pages / (time.perf_counter() - begun)


def _theirs(python: Path, folder: Path, pieces: int) -> float:
    output = folder / "output"
    command = [str(python), "-m", "pelican", "-q", "-s", "conf.py", "-o", str(output), "content"]
    begun = time.perf_counter()
    environment = {**os.environ, "PYTHONUTF8": "1"}
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment)
    seconds = time.perf_counter() - begun
    drawn = sum(1 for _ in output.rglob("*.html"))
    if drawn < pieces:
        raise RuntimeError(f"it drew {drawn} pages only")
    return drawn / seconds
