"""The portal: static pages written to a folder that any web server can serve.

A publish writes the article and the few pages that list it, so its cost does not grow with the site. An
archive page holds fixed places of its column and keeps its address for ever. Every act is repeatable:
writing the same page twice leaves the same page, so a lost answer is settled by doing it again.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from channels.base import (
    Channel,
    Entry,
    Item,
    Limits,
    Live,
    Placed,
    Post,
    Setting,
    Settlement,
    Shown,
)
from channels.errors import Retryable
from templates.views import (
    PortalColumn,
    PortalEntry,
    PortalGroup,
    PortalHome,
    PortalItem,
    PortalLink,
    PortalPage,
    PortalPicture,
    PortalSite,
    PortalWithdrawn,
)

PER_PAGE = 20
PER_SITEMAP = 500
LATEST = 20
GONE = ".gone"

KIND_LABELS = {
    "news": "动态要闻",
    "notice": "通知公告",
    "policy": "政策文件",
    "interpretation": "政策解读",
    "guide": "办事指南",
    "faq": "常见问题",
}


class PortalChannel(Channel):
    """The adapter for one portal; `tools.site_folder` is where its pages go."""

    name: ClassVar[str] = "portal"
    label: ClassVar[str] = "门户网站"
    limits: ClassVar[Limits] = Limits(
        style="page",
        title=300,
        items=1,
        can=frozenset({"correct", "withdraw", "refresh"}),
        notes=("发布后可随时更正、撤稿；撤稿后原地址保留说明。",),
    )
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("sponsor", "主办单位"),
        Setting("operator", "承办单位"),
        Setting("id_code", "网站标识码", help="十位标识码，政府网站页脚必须标明。"),
        Setting("icp", "ICP 备案号"),
        Setting("police", "公安备案号"),
        Setting("police_href", "公安备案链接"),
        Setting("phone", "联系电话"),
        Setting("email", "电子邮箱"),
        Setting("postal_address", "通信地址"),
        Setting("hotline", "政务服务热线"),
        Setting("emblem", "党政机关网站标志图片地址"),
        Setting("emblem_href", "党政机关网站标志链接"),
        Setting("accessible_mark", "适老化标识图片地址"),
        Setting("report_href", "“我为政府网站找错”链接"),
        Setting("english_name", "英文名称"),
        Setting("description", "网站描述"),
        Setting("keywords", "网站关键词"),
        Setting("notice", "站点公告"),
        Setting("notice_href", "站点公告链接"),
    )

    @property
    def folder(self) -> Path:
        """The site's root."""
        return Path(self.tools.site_folder)

    def site(self) -> PortalSite:
        """The site's name, menu and marks, for pages that are not written to its folder."""
        return self._site()

    def publish(self, post: Post) -> Live:
        """Writes the item's page and every page that lists it."""
        item = post.items[0]
        published_at = item.first_published_at or self.tools.clock.now()
        return self._show(item, published_at, updated_at=None)

    def reconcile(self, post: Post) -> Settlement:
        """Doing it again is asking: the pages come out the same."""
        if post.action == "withdraw":
            self.withdraw(post)
            return Live()
        return self.publish(post) if post.action == "publish" else self.correct(post)

    def correct(self, post: Post) -> Live:
        """Writes the new revision at the same address, with the time of the change unless it is only redrawn."""
        item = post.items[0]
        published_at = self._published_at(post.placed.get(item.piece_id), item)
        updated_at = self.tools.clock.now() if post.action == "correct" else None
        return self._show(item, published_at, updated_at)

    def withdraw(self, post: Post) -> Live:
        """Replaces the page by a public phrase; a marker beside it makes the server answer 410."""
        item = post.items[0]
        page = PortalWithdrawn(
            title="",
            phrase=post.phrase or "该内容已撤下。",
            withdrawn_at=self.tools.clock.now(),
            unit=item.content["unit"],
        )
        with self._locked():
            path = item.content["path"]
            self._write(path, self._render("withdrawn", page=page))
            self._write(path + GONE, "")
            self._draw_lists(item.content["column"]["slug"], self.tools.catalogue.reserve(item))
        return Live()

    # --- one item ---------------------------------------------------------------------------------

    def _show(self, item: Item, published_at: datetime, updated_at: datetime | None) -> Live:
        with self._locked():
            place = self.tools.catalogue.reserve(item)
            slug = item.content["column"]["slug"]
            self._copy_files(item.content)
            before = [
                entry
                for entry in self._entries(slug, place - PER_PAGE, place - 1)
                if entry.path != item.content["path"]
            ]
            previous = PortalLink(before[0].title, before[0].path) if before else None
            view: PortalItem = self.tools.catalogue.view(item, published_at, previous=previous, updated_at=updated_at)
            template = item.content["kind"]
            self._write(item.content["path"], self._render(template, item=view))
            self._remove(item.content["path"] + GONE)
            self._draw_lists(slug, place)
        data = {"published_at": published_at.isoformat()}
        return Live(
            {item.piece_id: Shown(item.content["path"], f"{self.tools.public_url}{item.content['path']}", data)}
        )

    def _published_at(self, placed: Placed | None, item: Item) -> datetime:
        said = placed.data.get("published_at") or placed.data.get("live_at") if placed else None
        return datetime.fromisoformat(str(said)) if said else item.first_published_at or self.tools.clock.now()

    def _copy_files(self, content: Mapping[str, Any]) -> None:
        for sha256, about in content["pictures"].items():
            suffix = "png" if about["media_type"] == "image/png" else "jpg"
            self._copy(f"/media/{sha256}.{suffix}", sha256)
        for file in content["attachments"]:
            self._copy(file["href"], file["sha256"])

    def _copy(self, path: str, sha256: str) -> None:
        if not self._path(path).exists():
            self._write_bytes(path, self.tools.files.get(sha256))

    # --- lists ------------------------------------------------------------------------------------

    def _draw_lists(self, slug: str, place: int) -> None:
        column = self.tools.catalogue.column(slug)
        places = int(column["places"])
        last = _chunk(places)
        self._draw_chunk(column, _chunk(place), last)
        if _chunk(place) != last:
            self._draw_chunk(column, last, last)
        elif place == (last - 1) * PER_PAGE + 1 and last > 1:
            self._draw_chunk(column, last - 1, last)  # Its neighbour has just come into being.
        self._draw_index(column, last)
        self._draw_feed(column)
        self._draw_sitemap(column, place)
        self._draw_front()

    def _draw_chunk(self, column: Mapping[str, Any], chunk: int, last: int) -> None:
        slug = column["slug"]
        page = PortalPage(
            entries=self._lines(slug, chunk),
            number=1,
            newer_href=_page_path(slug, chunk + 1) if chunk < last else f"/{slug}/",
            older_href=_page_path(slug, chunk - 1) if chunk > 1 else "",
        )
        self._write(_page_path(slug, chunk), self._render("column", column=self._column(column), page=page))

    def _draw_index(self, column: Mapping[str, Any], last: int) -> None:
        slug = column["slug"]
        lines = self._lines(slug, last) + (self._lines(slug, last - 1) if last > 1 else [])
        older = _page_path(slug, last - 2) if last > 2 else ""
        page = PortalPage(entries=lines, number=1, older_href=older, total=len(lines))
        self._write(f"/{slug}/index.html", self._render("column", column=self._column(column), page=page))

    def _draw_feed(self, column: Mapping[str, Any]) -> None:
        slug = column["slug"]
        entries = self._newest(slug)
        text = self._render(
            "rss", "xml", title=column["name"], href=f"/{slug}/", self_href=f"/{slug}/rss.xml", entries=entries
        )
        self._write(f"/{slug}/rss.xml", text)

    def _draw_sitemap(self, column: Mapping[str, Any], place: int) -> None:
        block = (place - 1) // PER_SITEMAP
        entries = self._entries(column["slug"], block * PER_SITEMAP + 1, (block + 1) * PER_SITEMAP)
        pages = [(entry.path, entry.published_at) for entry in entries]
        self._write(f"/sitemap/{column['slug']}-{block + 1}.xml", self._render("sitemap", "xml", pages=pages))

    def _draw_front(self) -> None:
        columns = list(self.tools.catalogue.columns())
        self._draw_empty(columns)
        by_kind = {kind: self._of_kind(columns, kind) for kind in KIND_LABELS}
        everything = sorted(
            (entry for entries in by_kind.values() for entry in entries),
            key=lambda entry: entry.published_at,
            reverse=True,
        )
        self._write("/index.html", self._render("home", home=self._home(columns, by_kind)))
        feed = [entry for entry in everything if entry.href][:LATEST]
        self._write(
            "/rss.xml",
            self._render("rss", "xml", title=self._site().name, href="/", self_href="/rss.xml", entries=feed),
        )
        self._write("/sitemap.xml", self._sitemap_index(columns))
        groups = [
            PortalGroup(
                KIND_LABELS.get(kind, kind), [PortalLink(column["name"], f"/{column['slug']}/") for column in own]
            )
            for kind in KIND_LABELS
            if (own := [column for column in columns if column["kind"] == kind])
        ]
        self._write("/site-map.html", self._render("site_map", groups=groups))
        self._write("/404.html", self._render("not_found", path=""))

    def _draw_empty(self, columns: Sequence[Mapping[str, Any]]) -> None:
        """A column that has nothing yet still stands in the menu, so its page must be there."""
        for column in columns:
            if not column["places"] and not self._path(f"/{column['slug']}/index.html").exists():
                page = PortalPage(entries=())
                text = self._render("column", column=self._column(column), page=page)
                self._write(f"/{column['slug']}/index.html", text)

    def _home(self, columns: Sequence[Mapping[str, Any]], by_kind: Mapping[str, list[PortalEntry]]) -> PortalHome:
        hrefs = {
            kind: next((f"/{column['slug']}/" for column in columns if column["kind"] == kind), "")
            for kind in KIND_LABELS
        }
        pictured = [entry for entry in by_kind["news"] if entry.picture]
        guides = [PortalLink(entry.title, entry.href) for entry in by_kind["guide"]]
        return PortalHome(
            lead=by_kind["news"][0] if by_kind["news"] else None,
            pictures=pictured[:5],
            news=by_kind["news"][:8],
            news_href=hrefs["news"],
            notices=by_kind["notice"][:8],
            notices_href=hrefs["notice"],
            policies=by_kind["policy"][:6],
            policies_href=hrefs["policy"],
            interpretations=by_kind["interpretation"][:6],
            interpretations_href=hrefs["interpretation"],
            personal=guides[:8],
            legal=(),
            guides_href=hrefs["guide"],
            interaction=(),
            faqs=[PortalLink(entry.title, entry.href) for entry in by_kind["faq"][:8]],
            faqs_href=hrefs["faq"],
        )

    def _of_kind(self, columns: Sequence[Mapping[str, Any]], kind: str) -> list[PortalEntry]:
        found = [entry for column in columns if column["kind"] == kind for entry in self._newest(column["slug"])]
        return sorted(found, key=lambda entry: entry.published_at, reverse=True)[:LATEST]

    def _sitemap_index(self, columns: Sequence[Mapping[str, Any]]) -> str:
        address = self._site().address
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">',
        ]
        for column in columns:
            blocks = -(-int(column["places"]) // PER_SITEMAP)
            lines += [
                f"<sitemap><loc>{address}/sitemap/{column['slug']}-{block}.xml</loc></sitemap>"
                for block in range(1, blocks + 1)
            ]
        return "\n".join([*lines, "</sitemapindex>", ""])

    def _newest(self, slug: str) -> list[PortalEntry]:
        places = int(self.tools.catalogue.column(slug)["places"])
        return [self._line(entry, slug) for entry in self._entries(slug, places - LATEST + 1, places)]

    def _lines(self, slug: str, chunk: int) -> list[PortalEntry]:
        return [self._line(entry, slug) for entry in self._entries(slug, (chunk - 1) * PER_PAGE + 1, chunk * PER_PAGE)]

    def _entries(self, slug: str, first: int, last: int) -> list[Entry]:
        # A place is given before its page is written, and a withdrawal is recorded after its page is: what has no
        # page yet, or only a phrase, must not be linked.
        entries = self.tools.catalogue.page(slug, max(1, first), last)
        return [entry for entry in entries if self._path(entry.path).exists() and not self._gone(entry.path)]

    def _gone(self, path: str) -> bool:
        return self._path(path + GONE).exists()

    def _line(self, entry: Entry, slug: str) -> PortalEntry:
        picture = PortalPicture(entry.picture, "") if entry.picture else None
        return PortalEntry(
            title=entry.title,
            href=entry.path,
            published_at=entry.published_at,
            summary=entry.summary,
            picture=picture,
            column=str(self.tools.catalogue.column(slug)["name"]),
        )

    def _column(self, column: Mapping[str, Any]) -> PortalColumn:
        slug = column["slug"]
        return PortalColumn(
            name=column["name"],
            href=f"/{slug}/",
            description=column["description"],
            keywords=column["keywords"],
            kind=KIND_LABELS.get(column["kind"], column["kind"]),
            rss_href=f"/{slug}/rss.xml",
        )

    # --- the site ---------------------------------------------------------------------------------

    def _site(self) -> PortalSite:
        about: Mapping[str, Any] = self.account.settings
        nav = [PortalLink("首页", "/")]
        nav += [PortalLink(column["name"], f"/{column['slug']}/") for column in self.tools.catalogue.columns()]
        words: dict[str, Any] = {name: str(about[name]) for name in _SITE_WORDS if name in about}
        return PortalSite(
            name=self.account.name,
            address=self.tools.public_url,
            id_code=str(about.get("id_code", "")),
            sponsor=str(about.get("sponsor", self.account.unit_name)),
            nav=nav,
            **words,
        )

    def _render(self, template: str, suffix: str = "html", **context: Any) -> str:
        return self.tools.render(f"outbound/portal/{template}.{suffix}", site=self._site(), **context)

    # --- files ------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process draws at a time, also over several machines that mount the folder."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as failure:
            raise Retryable(f"网站目录写入失败：{failure.strerror or failure}") from failure

    def _path(self, path: str) -> Path:
        return self.folder / path.lstrip("/")

    def _write(self, path: str, text: str) -> None:
        self._write_bytes(path, text.encode())

    def _write_bytes(self, path: str, data: bytes) -> None:
        target = self._path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _remove(self, path: str) -> None:
        self._path(path).unlink(missing_ok=True)


_SITE_WORDS = (
    "operator", "english_name", "phone", "postal_address", "email", "icp", "police", "police_href", "emblem",
    "emblem_href", "accessible_mark", "report_href", "description", "keywords", "hotline", "notice", "notice_href",
    "chat_href", "search_href", "logo",
)  # fmt: skip


def _chunk(place: int) -> int:
    return (max(place, 1) - 1) // PER_PAGE + 1


def _page_path(slug: str, chunk: int) -> str:
    return f"/{slug}/page-{chunk}.html"
