"""What one piece, one conversation and one reading cost in time and space: docs/how-to/scale-out.md counts with it."""

from __future__ import annotations

import http.client
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from bench.chat import Session, publish_faqs, rounds_of, sessions
from bench.figures import Figure, measure
from bench.offices import BenchOffice, bench_office, ended
from hub.drill.stage import free_port

PIECES, CLIENTS, MESSAGES, READINGS = 60, 40, 6, 3000
TICKS = os.sysconf("SC_CLK_TCK")


@measure("capacity.piece")
def pieces() -> Iterator[Figure]:
    """Averages over so many pieces, each with a cover, on the portal and one more account."""
    with bench_office() as office:
        yield from of_pieces(office, PIECES)


@measure("capacity.serve")
def serve() -> Iterator[Figure]:
    """Averages over so many conversations and readings, and what the process that answers them holds."""
    with bench_office() as office:
        yield from of_serving(office, CLIENTS, READINGS)


def of_pieces(office: BenchOffice, count: int) -> Iterator[Figure]:
    """The figures of pieces, of any number."""
    office.add_accounts("portal", 1)
    office.add_accounts("fake", 1)
    _through(office, "第一篇")  # What is made once, templates and indexes, belongs to no piece.
    before, site, began = _database(office), _folder(office.hub.settings.site_folder), time.process_time()
    for number in range(count):
        _through(office, f"关于第{number}号路段夜间施工的通知")
    spent = time.process_time() - began
    each = f"{count} pieces, two accounts"
    yield Figure("capacity.piece.cpu", round(spent * 1000 / count, 1), "ms", f"{each}, three signatures")
    yield Figure("capacity.piece.database", round((_database(office) - before) / count / 1024, 1), "kB", each)
    grown = _folder(office.hub.settings.site_folder) - site
    yield Figure("capacity.piece.site", round(grown / count / 1024, 1), "kB", each)


def _through(office: BenchOffice, title: str) -> None:
    piece = office.signed(title, office.accounts, covered=True)
    office.book([piece], office.accounts, office.hub.clock.now())
    for account in office.accounts:
        office.dispatcher().run_lane(account.id)


def of_serving(office: BenchOffice, clients: int, readings: int) -> Iterator[Figure]:
    """The figures of a serving process, of any number of conversations and readings."""
    faqs, port = publish_faqs(office), free_port()
    with ended(office.serve(port, trusted_proxies="127.0.0.1")) as process:
        rounds_of(port, sessions(port, clients, 2, 0), faqs)
        before, began = _database(office), _cpu(process.pid)
        asked: list[Session] = sessions(port, clients, MESSAGES, 1)
        rounds_of(port, asked, faqs)
        spent, memory = _cpu(process.pid) - began, _memory(process.pid)
        grown = _database(office) - before
        began = _cpu(process.pid)
        _read_pages(port, readings)
        read = _cpu(process.pid) - began
    each = f"{clients} conversations of {MESSAGES} questions"
    yield Figure("capacity.serve.conversation_cpu", round(spent * 1000 / clients, 1), "ms", each)
    yield Figure("capacity.serve.conversation_database", round(grown / clients / 1024, 1), "kB", each)
    yield Figure("capacity.serve.reading_cpu", round(read * 1000 / readings, 2), "ms", f"{readings} readings counted")
    yield Figure("capacity.serve.memory", round(memory / 1024**2), "MB", "one process, its bot trained on 66 questions")


def _read_pages(port: int, count: int) -> None:
    """Tells of so many openings of a page, one after another on one connection."""
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    body = json.dumps({"path": "/", "from": "portal"})
    for _ in range(count):
        link.request("POST", "/beacon", body, {"Content-Type": "application/json"})
        link.getresponse().read()
    link.close()


def _database(office: BenchOffice) -> int:
    """Bytes in use in the database."""
    with office.hub.works.read() as work:
        found = [work.session.scalar(text(f"PRAGMA {name}")) for name in ("page_count", "freelist_count", "page_size")]
    pages, free, size = (int(one or 0) for one in found)
    return (pages - free) * size


def _folder(path: Path) -> int:
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(pid: int) -> int:
    """Bytes a process holds in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")
