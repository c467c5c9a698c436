"""Makes a draft of a post: every picture to the platform first, then one article per item.

Nothing here is seen by readers, so that a lost answer is simply repeated; what was uploaded is remembered, and a
draft whose answer was lost is found by its mark and removed, so that drafts do not pile up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

from channels.abilities.comments import CHOSEN, CLOSED, FANS, OPEN
from channels.adapters.wechat import cropping, picture_message
from channels.adapters.wechat.client import HubWeChatClient
from channels.adapters.wechat.codes import NO_SUCH_MEDIA, PICTURE_REFUSED
from channels.adapters.wechat.fit import IMAGE, MARK, PICTURE, TENCENT
from channels.adapters.wechat.options import WeChatOptions
from channels.adapters.wechat.progress import Progress
from channels.base import Files, Item, Post
from channels.errors import Refused, Retryable

Asking = Callable[[], AbstractContextManager[None]]
PAGES_LOOKED_AT = 5
PAGES_AT_ALL = 200
PER_PAGE = 20


class Drafts:
    """The draft box of one account; `asking` turns broken or refused harmless calls into our errors."""

    def __init__(self, client: HubWeChatClient, files: Files, options: WeChatOptions, asking: Asking) -> None:
        self.client = client
        self.files = files
        self.options = options
        self.asking = asking

    def make(self, post: Post, progress: Progress) -> str:
        """The media id of a fresh draft of the post. Raises Retryable when uploading takes longer than one attempt."""
        return self.add(self.articles(post, progress), progress)

    def articles(
        self, post: Post, progress: Progress, tell: Callable[[int, int], None] = lambda _done, _of: None
    ) -> list[dict[str, Any]]:
        """What a draft of the post is made of, its pictures at the platform already; `tell` hears of each picture."""
        ends = time.monotonic() + self.options.prepare_seconds
        pictures = {
            sha256
            for item in post.items
            for sha256 in (
                *PICTURE.findall(item.html),
                *(() if picture_message.is_one(item) else (f"cover {item.cover}",)),
            )
        }

        def told() -> None:
            tell(len(progress.pictures) + len(progress.refused) + len(progress.covers), len(pictures))

        return [self._article(post, item, progress, ends, told) for item in post.items]

    def add(self, articles: list[dict[str, Any]], progress: Progress) -> str:
        """Puts the articles into the box as one draft."""
        with self.asking():
            # The library's own call leaves out every field that it does not know: crops, and pictures of a 图片消息.
            progress.draft = str(self.client.post("draft/add", data={"articles": articles})["media_id"])
        return progress.draft

    def read_back(self, media_id: str) -> list[dict[str, Any]]:
        """The draft's articles as the platform keeps them, each with an address that shows it for a while."""
        with self.asking():
            news: list[dict[str, Any]] = self.client.draft.get(media_id)["news_item"]
        return news

    def there(self, media_id: str) -> bool:
        """Whether the draft still lies in the box."""
        try:
            with self.asking():
                self.client.draft.get(media_id)
        except Refused as refused:
            if refused.platform_code == str(NO_SUCH_MEDIA):
                return False
            raise
        return True

    def marked(self, stamp: str, pages: int = PAGES_LOOKED_AT) -> list[str]:
        """The drafts that bear this mark, newest first."""
        return [entry["media_id"] for entry in self._all(pages) if bears(entry["content"]["news_item"], stamp)]

    def in_box(self, stamp: str, titles: list[str]) -> bool:
        """Whether a draft bears this mark, or these titles should the platform have changed what bears the mark."""
        news = (entry["content"]["news_item"] for entry in self._all(PAGES_LOOKED_AT))
        return any(bears(articles, stamp) or titles_of(articles) == titles for articles in news)

    def remove(self, media_id: str) -> None:
        """Takes a draft of ours out of the box, if it is still there."""
        try:
            with self.asking():
                self.client.draft.delete(media_id)
        except Refused as refused:
            if refused.platform_code != str(NO_SUCH_MEDIA):
                raise

    def clear(self, stamp: str, pages: int = PAGES_LOOKED_AT) -> None:
        """Removes what earlier attempts left in the box; only for a delivery that was surely not sent."""
        for media_id in self.marked(stamp, pages):
            self.remove(media_id)

    def _all(self, pages: int) -> Iterator[dict[str, Any]]:
        for page in range(pages):
            with self.asking():
                answer = self.client.draft.batchget(page * PER_PAGE, PER_PAGE, 1)
            items, total = page_of(answer, page)
            yield from items
            if (page + 1) * PER_PAGE >= total:
                return

    def _article(
        self, post: Post, item: Item, progress: Progress, ends: float, told: Callable[[], None]
    ) -> dict[str, Any]:
        if picture_message.is_one(item):
            return self._picture_message(post, item, progress, ends, told)
        article = {
            "title": item.title,
            "author": item.author,
            "digest": item.digest if len(post.items) == 1 else "",
            "content": self._content(item, progress, ends, told),
            "content_source_url": f"{item.url}{MARK}{progress.stamp(post)}",
            "thumb_media_id": self._cover(item, progress),
            **self._comments(post),
            **cropping.crops(item.content),
        }
        told()
        _in_time(ends)
        return article

    def _comments(self, post: Post) -> dict[str, int]:
        """Whether readers may write: as chosen when it was booked, else as the account has it."""
        chosen = str(post.note.get(CHOSEN) or "")
        if not chosen:
            chosen = CLOSED if not self.options.open_comments else FANS if self.options.only_fans_comment else OPEN
        return {"need_open_comment": int(chosen != CLOSED), "only_fans_can_comment": int(chosen == FANS)}

    def _picture_message(
        self, post: Post, item: Item, progress: Progress, ends: float, told: Callable[[], None]
    ) -> dict[str, Any]:
        for sha256 in dict.fromkeys(PICTURE.findall(item.html)):
            if sha256 not in progress.covers and sha256 not in progress.refused:
                _in_time(ends)
                self._keep_in_library(item, sha256, progress)
                told()
        shown = [progress.covers[one] for one in dict.fromkeys(PICTURE.findall(item.html)) if one in progress.covers]
        if not shown:
            raise Refused(f"《{item.title}》的图片都未被接受", field="body")
        return {
            "article_type": "newspic",
            "title": item.title,
            "content": picture_message.words_of(item),
            "content_source_url": f"{item.url}{MARK}{progress.stamp(post)}",
            **self._comments(post),
            "image_info": {"image_list": [{"image_media_id": media_id} for media_id in shown]},
        }

    def _keep_in_library(self, item: Item, sha256: str, progress: Progress) -> None:
        about = item.content.get("pictures", {}).get(sha256, {})
        file = self._file(sha256, str(about.get("media_type") or "image/jpeg"))
        try:
            with self.asking():
                progress.covers[sha256] = str(self.client.material.add("image", file)["media_id"])
        except Refused as refused:
            if int(refused.platform_code or 0) not in PICTURE_REFUSED:
                raise
            progress.refused[sha256] = refused.reason

    def _content(self, item: Item, progress: Progress, ends: float, told: Callable[[], None]) -> str:
        about = item.content.get("pictures", {})
        for sha256 in dict.fromkeys(PICTURE.findall(item.html)):
            if sha256 not in progress.pictures and sha256 not in progress.refused:
                _in_time(ends)
                self._upload(sha256, str(about.get(sha256, {}).get("media_type") or "image/jpeg"), progress)
                told()
        return placed(item.html, progress)

    def _upload(self, sha256: str, media_type: str, progress: Progress) -> None:
        file = self._file(sha256, media_type)
        try:
            with self.asking():
                progress.pictures[sha256] = self._address_of(file)
        except Refused as refused:
            if int(refused.platform_code or 0) not in PICTURE_REFUSED:
                raise
            progress.refused[sha256] = refused.reason

    def _address_of(self, file: tuple[str, bytes, str]) -> str:
        if len(file[1]) < self.options.picture_bytes:
            return str(self.client.media.upload_image(file))
        return str(self.client.material.add("image", file)["url"])

    def _cover(self, item: Item, progress: Progress) -> str:
        if not item.cover:
            raise Refused(f"《{item.title}》没有封面图片", field="cover")
        if item.cover not in progress.covers:
            about = item.content.get("pictures", {}).get(item.cover, {})
            file = self._file(item.cover, str(about.get("media_type") or "image/jpeg"))
            try:
                with self.asking():
                    progress.covers[item.cover] = str(self.client.material.add("image", file)["media_id"])
            except Refused as refused:
                raise Refused(
                    f"《{item.title}》的封面未被接受：{refused.reason}", code=refused.platform_code, field="cover"
                ) from refused
        return progress.covers[item.cover]

    def _file(self, sha256: str, media_type: str) -> tuple[str, bytes, str]:
        try:
            data = self.files.get(sha256)
        except OSError as failure:
            raise Retryable(f"读取图片文件失败：{failure.strerror or failure}") from failure
        return f"{sha256[:16]}.{'png' if media_type == 'image/png' else 'jpg'}", data, media_type


def placed(html: str, progress: Progress) -> str:
    """The body with the platform's picture addresses; pictures it will not show are taken out."""

    def image(found: Any) -> str:
        ours = PICTURE.fullmatch(found[1])
        shown = ours[1] in progress.pictures if ours else TENCENT.match(found[1])
        return found[0] if shown else ""

    return PICTURE.sub(lambda found: progress.pictures.get(found[1], found[0]), IMAGE.sub(image, html))


def bears(news: list[dict[str, Any]], stamp: str) -> bool:
    """Whether a message of the platform's is this delivery's."""
    return any(str(article.get("content_source_url", "")).endswith(f"{MARK}{stamp}") for article in news)


def page_of(answer: Mapping[str, Any], page: int) -> tuple[list[dict[str, Any]], int]:
    """The entries of one page of a list, and how many there are in all: without these, nothing proves an absence."""
    items, total = answer.get("item") or [], answer.get("total_count")
    if total is None or (int(total) > page * PER_PAGE and not items):
        raise Retryable("微信的答复不完整，没有给出列表")
    return items, int(total)


def titles_of(news: list[dict[str, Any]]) -> list[str]:
    """The titles of a message of the platform's, in order."""
    return [str(article.get("title", "")).strip() for article in news]


def _in_time(ends: float) -> None:
    if time.monotonic() > ends:
        raise Retryable("图片较多，尚未全部上传，稍后接着上传")
