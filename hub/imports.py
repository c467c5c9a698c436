"""The way in for text from elsewhere: what is fetched passes the guard, and each draft is a work of its own.

Nothing is fetched and no photograph is scaled while a transaction is open; an entry that fails stops no other.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePath
from time import monotonic
from urllib.parse import urljoin, urlsplit

import httpx
import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from channels.transport import Guard, PrivateAddress, allowed_of, client
from content.importing.docx import read_docx
from content.importing.drafts import Report, Row, fit, home_of, import_docx, import_entry, known, known_document
from content.importing.errors import CannotImport, NotFetched, TooLargeToImport
from content.importing.feeds import LONGEST_FEED, Entry, Feed, read_feed
from content.importing.models import ImportRun
from content.models import Column
from hub.product import Hub
from hub.settings import Settings
from kernel.errors import Invalid, XuandaError
from kernel.people import Viewer
from kernel.work import Actor, Work

log = structlog.get_logger(__name__)

LONGEST_PICTURE = 30 * 1024 * 1024
MOST_HOPS = 5
PATIENCE = 20.0
LONGEST_FETCH = 60.0
# All pictures of one feed together; what is left over becomes placeholders.
LONGEST_RUN = 600.0
DEAD_AFTER = 3
SILENT_AFTER = timedelta(minutes=3)

Tell = Callable[[Row], None]


@dataclass(frozen=True)
class Fetched:
    """What an address gave: its bytes, what it says they are, and the address it came from in the end."""

    data: bytes
    content_type: str
    address: str


@dataclass
class Fetcher:
    """Fetches feeds and their pictures by HTTP; every hop passes the guard against private addresses."""

    http: httpx.Client
    # How long one address may take, and all pictures of one feed together, in seconds.
    longest: float = LONGEST_FETCH
    whole: float = LONGEST_RUN
    _failures: dict[str, int] = field(default_factory=dict)
    _began: float = field(default_factory=monotonic)

    def get(self, address: str, limit: int) -> Fetched:
        """The bytes at an address, at most `limit`; raises NotFetched, TooLargeToImport or PrivateAddress."""
        began, here = monotonic(), address
        try:
            for _hop in range(MOST_HOPS + 1):
                if urlsplit(here).scheme not in ("http", "https"):
                    raise NotFetched(address=address, why="只支持 http 和 https 地址")
                with self.http.stream("GET", here, headers={"User-Agent": "Xuanda", "Accept": "*/*"}) as answer:
                    if answer.is_redirect:
                        here = urljoin(here, answer.headers.get("location", ""))
                        continue
                    if answer.status_code != httpx.codes.OK:
                        raise NotFetched(address=address, why=f"对方返回 {answer.status_code}")
                    data = _read(answer, limit, address, began + self.longest)
                    return Fetched(data, answer.headers.get("content-type", ""), here)
        except httpx.TimeoutException as error:
            raise NotFetched(address=address, why="对方没有及时应答") from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise NotFetched(address=address, why="连接不上") from error
        raise NotFetched(address=address, why="跳转次数过多")

    def picture(self, address: str) -> bytes | None:
        """The bytes of a picture, None when it cannot be had; a host that keeps failing is asked no more."""
        if address.startswith("data:"):
            return _inline(address)
        host = urlsplit(address).netloc
        if monotonic() > self._began + self.whole or self._failures.get(host, 0) >= DEAD_AFTER:
            return None
        try:
            return self.get(address, LONGEST_PICTURE).data
        except (CannotImport, PrivateAddress) as error:
            if not isinstance(error, NotFetched) or isinstance(error.__cause__, httpx.HTTPError):
                self._failures[host] = self._failures.get(host, 0) + 1
            log.info("picture not fetched", host=host, why=error.code)
            return None


@contextmanager
def fetching(
    settings: Settings, patience: float = PATIENCE, longest: float = LONGEST_FETCH, whole: float = LONGEST_RUN
) -> Iterator[Fetcher]:
    """A fetcher behind this installation's guard."""
    with client(Guard(allowed_of(settings.allowed_private)), patience) as http:
        yield Fetcher(http, longest, whole)


def take_feed(
    hub: Hub, who: Viewer, actor: Actor, column_id: int, feed: Feed, fetch_picture: Callable[[str], bytes | None],
    tell: Tell = lambda _row: None,
) -> Report:  # fmt: skip
    """Makes drafts of a feed's new entries, the oldest first; `tell` hears of each as soon as it is done."""
    rows = []
    for entry in _oldest_first(feed.entries):
        rows.append(take_entry(hub, who, actor, column_id, entry, fetch_picture))
        tell(rows[-1])
    return Report(rows, feed.remarks)


def take_documents(
    hub: Hub, who: Viewer, actor: Actor, column_id: int, files: Iterable[tuple[str, bytes]],
    tell: Tell = lambda _row: None,
) -> Report:  # fmt: skip
    """Makes drafts of Word documents, given by name and bytes."""
    rows = []
    for name, data in files:
        rows.append(_take_document(hub, who, actor, column_id, name, data))
        tell(rows[-1])
    return Report(rows)


def column_of(session: Session, slug: str) -> Column:
    """The active column of that slug; raises Invalid."""
    column = session.scalars(select(Column).where(Column.slug == slug, Column.active)).one_or_none()
    if column is None:
        raise Invalid(field="column", why=f"没有在用的栏目“{slug}”。")
    return column


# --- runs that can be left -------------------------------------------------------------------------------------


def begin_run(work: Work, who: Viewer, column: Column, source: str) -> ImportRun:
    """A run to watch; one person has one at a time. Raises Invalid while another is under way."""
    query = select(ImportRun).where(ImportRun.person_id == who.person_id, ImportRun.finished_at.is_(None))
    if any(not silent(run, work.now) for run in work.session.scalars(query)):
        raise Invalid(field="address", why="您的另一次导入还在进行，请等它完成。")
    run = ImportRun(
        unit_id=home_of(work.session, who, column),
        person_id=who.person_id,
        column_id=column.id,
        source=source[:1000],
        rows=[],
        remarks=[],
        started_at=work.now,
        seen_at=work.now,
    )
    work.session.add(run)
    work.session.flush()
    work.audit("import.started", run, source=run.source, column=column.slug)
    return run


def run_feed(hub: Hub, who: Viewer, actor: Actor, run_id: int, given: Fetched | None) -> None:
    """Carries a run out; `given` is a feed that was uploaded, else it is fetched from the run's source."""
    fault, feed = "", Feed("", "", ())
    try:
        with fetching(hub.settings) as fetcher:
            with hub.works.read() as work:
                run = work.session.get_one(ImportRun, run_id)
            got = given or fetcher.get(run.source, LONGEST_FEED)
            feed = read_feed(got.data, got.content_type, got.address, hub.settings.office_zone)
            _note(hub, run_id, total=len(feed.entries))
            take_feed(hub, who, actor, run.column_id, feed, fetcher.picture, lambda row: _note(hub, run_id, row=row))
            if not feed.entries:
                # Nothing came of a broken source: that is no success. An empty one has nothing to remark.
                fault = "".join(feed.remarks)
    except XuandaError as error:
        fault = error.message(who.language)
    except Exception:
        log.exception("import failed", run=run_id)
        fault = XuandaError().message(who.language)
        raise
    finally:
        _finish(hub, run_id, fault, feed.remarks)


def silent(run: ImportRun, now: datetime) -> bool:
    """Whether a run that is not finished has stopped saying anything, because its process ended."""
    return run.finished_at is None and run.seen_at < now - SILENT_AFTER


def words_of(rows: Iterable[dict[str, object]]) -> str:
    """The counts of a run in one line."""
    states = [row["state"] for row in rows]
    labels = {"new": "新增", "known": "已有", "changed": "来源有更新", "failed": "失败"}
    return "，".join(f"{label} {states.count(state)} 篇" for state, label in labels.items() if state in states)


def _note(hub: Hub, run_id: int, *, row: Row | None = None, total: int | None = None) -> None:
    with hub.works.write() as work:
        run = work.session.get_one(ImportRun, run_id)
        run.seen_at = work.now
        run.total = run.total if total is None else total
        run.rows = [*run.rows, asdict(row)] if row else run.rows


def _finish(hub: Hub, run_id: int, fault: str, remarks: Iterable[str]) -> None:
    with hub.works.write() as work:
        run = work.session.get_one(ImportRun, run_id)
        run.finished_at = run.seen_at = work.now
        run.fault, run.remarks = fault[:1000], list(remarks)
        work.audit("import.finished", run, rows=len(run.rows), fault=run.fault)
        title = "导入没有完成" if fault else "导入完成"
        text = fault or words_of(run.rows) or "信息源里没有内容。"
        link = f"/console/import/{run_id}"
        hub.notifier.tell(work, [run.person_id], "import.finished", title, text, link, f"import:{run_id}")


# --- one entry, one document -----------------------------------------------------------------------------------


def take_entry(
    hub: Hub, who: Viewer, actor: Actor, column_id: int, entry: Entry, fetch_picture: Callable[[str], bytes | None]
) -> Row:
    """Makes a draft of one entry, or says which piece the unit has of it already, or what failed."""
    try:
        with hub.works.read() as work:
            column = work.session.get_one(Column, column_id)
            there = known(work.session, home_of(work.session, who, column), entry, work.now)
        if there is not None:
            return there
        pictures = fit((number, fetch_picture(found.address)) for number, found in enumerate(entry.pictures))
        with hub.works.write(actor) as work:
            column = work.session.get_one(Column, column_id)
            return import_entry(work, who, column, entry, pictures, hub.blobs)
    except XuandaError as error:
        return Row("failed", entry.title, entry.link, None, (error.message(who.language),))
    except IntegrityError:
        return Row("known", entry.title, entry.link, None, ("同时有另一次导入写入了这一篇。",))


def _take_document(hub: Hub, who: Viewer, actor: Actor, column_id: int, name: str, data: bytes) -> Row:
    stem = PurePath(name.replace("\\", "/")).stem[:300] or name
    try:
        document = read_docx(data)
        with hub.works.read() as work:
            column = work.session.get_one(Column, column_id)
            there = known_document(work.session, home_of(work.session, who, column), document)
        if there is not None:
            return _named(there, stem)
        pictures = fit((number, picture.data) for number, picture in enumerate(document.pictures))
        with hub.works.write(actor) as work:
            column = work.session.get_one(Column, column_id)
            return _named(import_docx(work, who, column, document, pictures, hub.blobs, title=stem, source=name), stem)
    except XuandaError as error:
        return Row("failed", stem, "", None, (error.message(who.language),))
    except IntegrityError:
        return Row("known", stem, "", None, ("同时有另一次导入写入了这一篇。",))


def _named(row: Row, stem: str) -> Row:
    return row if row.title else Row(row.state, stem, row.link, row.piece_id, row.remarks)


def _oldest_first(entries: Iterable[Entry]) -> list[Entry]:
    # Feeds begin with the newest; where a time is missing their own order, turned round, has to do.
    given = list(reversed(list(entries)))
    timed = [(entry.published, entry) for entry in given if entry.published is not None]
    return [entry for _at, entry in sorted(timed, key=lambda pair: pair[0])] if len(timed) == len(given) else given


# --- fetching --------------------------------------------------------------------------------------------------


def _read(answer: httpx.Response, limit: int, address: str, until: float) -> bytes:
    parts, size = [], 0
    for part in answer.iter_bytes():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLargeToImport(what=address, limit=f"{limit // 1024 // 1024} MB")
        if monotonic() > until:
            raise NotFetched(address=address, why="对方传得太慢")
    return b"".join(parts)


def _inline(address: str) -> bytes | None:
    head, _comma, body = address.partition(",")
    if not head.endswith(";base64") or len(body) > LONGEST_PICTURE:
        return None
    try:
        return base64.b64decode(body)
    except (binascii.Error, ValueError):
        return None
