"""Articles as WeChat takes them: their limits, what the filter leaves of them, and their public pages.

Limits: developers.weixin.qq.com draft/add; the reading of unclear ones is in WeChatRules.
"""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING, Any, Literal

from channels.rehearsal.wechat import html_filter
from channels.rehearsal.wechat.call import Call
from channels.rehearsal.wechat.codes import Refusal
from channels.rehearsal.wechat.material import picture_path
from channels.rehearsal.wechat.state import AccountState, Article, Page, Reading

if TYPE_CHECKING:
    from channels.rehearsal.world import World

DIGEST_FROM_BODY = 54
PICTURES_PER_NEWSPIC = 20


def units(text: str) -> int:
    """Length in half-width characters, a Chinese character counting two."""
    return sum(1 if ord(character) < 128 else 2 for character in text)


def accept(call: Call, given: Any, alone: bool) -> Article:
    """Check one article of a draft and filter its content; `alone` articles may have a digest."""
    if not isinstance(given, dict):
        raise Refusal(47001)
    fields = {name: _string(given.get(name)) for name in _STRINGS}
    _check_texts(call, fields)
    flags = {name: _flag(given.get(name)) for name in ("show_cover_pic", "need_open_comment", "only_fans_can_comment")}
    if flags["need_open_comment"] and not call.state.account.comment_privilege:
        raise Refusal(88000)
    for name in ("pic_crop_235_1", "pic_crop_1_1"):
        _check_crop(fields[name])
    kind = fields.pop("article_type") or "news"
    if kind not in ("news", "newspic"):
        raise Refusal(40097)
    pictures = _newspic_pictures(call, given) if kind == "newspic" else []
    thumb_path = pictures[0] if kind == "newspic" else _thumb(call, fields["thumb_media_id"])
    content, removed = _filtered(call, fields.pop("content"))
    digest = fields.pop("digest")
    if not alone:
        digest = ""
    elif not digest:
        digest = html_filter.plain_text(content)[:DIGEST_FROM_BODY]
    return Article(
        article_type=kind,
        content=content,
        digest=digest,
        removed=removed,
        thumb_path=thumb_path,
        pictures=pictures,
        picture_ids=_picture_ids(given) if pictures else [],
        **fields,
        **flags,
    )


_STRINGS = (
    "article_type",
    "title",
    "author",
    "digest",
    "content",
    "content_source_url",
    "thumb_media_id",
    "pic_crop_235_1",
    "pic_crop_1_1",
)


def _string(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refusal(47001)
    return value


def _flag(value: Any) -> int:
    if value in (None, 0, 1, "0", "1"):
        return int(value or 0)
    raise Refusal(47001)


def _check_texts(call: Call, fields: dict[str, str]) -> None:
    rules = call.rules
    if not fields["title"].strip():
        raise Refusal(rules.missing_title_code)
    if units(fields["title"]) > rules.title_units:
        raise Refusal(45003)
    if units(fields["author"]) > rules.author_units:
        raise Refusal(45110)
    if units(fields["digest"]) > rules.digest_units:
        raise Refusal(45004)
    content = fields["content"]
    if not content.strip():
        raise Refusal(44004)
    if len(content) >= rules.content_characters or len(content.encode()) >= rules.content_bytes:
        raise Refusal(45002)
    if len(fields["content_source_url"].encode()) > rules.source_url_bytes:
        raise Refusal(45005)
    if fields["content_source_url"] and not fields["content_source_url"].startswith(("http://", "https://")):
        raise Refusal(41039)


def _check_crop(value: str) -> None:
    if not value:
        return
    try:
        x1, y1, x2, y2 = (float(part) for part in value.split("_"))
    except ValueError:
        raise Refusal(53402) from None
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise Refusal(53402)


def _thumb(call: Call, wanted: str) -> str:
    material = call.state.materials.get(wanted)
    if material is None or material.kind not in ("image", "thumb"):
        raise Refusal(40007)
    return picture_path(material.key, material.form)


def _newspic_pictures(call: Call, given: dict[str, Any]) -> list[str]:
    information = given.get("image_info")
    listed = information.get("image_list") if isinstance(information, dict) else None
    if not isinstance(listed, list) or not 1 <= len(listed) <= PICTURES_PER_NEWSPIC:
        raise Refusal(40097)
    wanted = [item.get("image_media_id") if isinstance(item, dict) else None for item in listed]
    return [_thumb(call, _string(media)) for media in wanted]


def _picture_ids(given: dict[str, Any]) -> list[str]:
    return [str(one["image_media_id"]) for one in given["image_info"]["image_list"]]


def _filtered(call: Call, content: str) -> tuple[str, list[str]]:
    world, base = call.world, call.base

    def our_picture(address: str) -> bool:
        parts = html_filter.path_of(address).split("/")
        return parts[1:3] == ["wechat", "mmbiz"] and len(parts) > 3 and world.blobs.get(parts[3]) is not None

    def our_page(address: str) -> bool:
        return address.startswith((f"{base}/wechat/s/", "https://mp.weixin.qq.com/", "#"))

    kept, removed, _ = html_filter.clean(content, our_picture, our_page)
    if call.rules.links == "refuse" and any(what.startswith("a ") for what in removed):
        raise Refusal(45166)
    return kept, removed


def shown(call: Call, article: Article, url: str = "", deleted: bool | None = None) -> dict[str, Any]:
    """An article as draft/get and freepublish/getarticle answer it."""
    answer: dict[str, Any] = {
        "article_type": article.article_type,
        "title": article.title,
        "author": article.author,
        "digest": article.digest,
        "content": article.content,
        "content_source_url": article.content_source_url,
        "thumb_media_id": article.thumb_media_id,
        "thumb_url": call.base + article.thumb_path,
        "show_cover_pic": article.show_cover_pic,
        "need_open_comment": article.need_open_comment,
        "only_fans_can_comment": article.only_fans_can_comment,
        "url": url,
    }
    if article.article_type == "newspic":
        answer["image_info"] = {"image_list": [{"image_media_id": media_id} for media_id in article.picture_ids]}
    if deleted is not None:
        answer["is_deleted"] = deleted
    return answer


def open_pages(
    world: World,
    state: AccountState,
    articles: list[Article],
    msg_data_id: int,
    how: Literal["mass", "publish"],
    base: str,
) -> list[Page]:
    """Put the articles of one message at public addresses."""
    pages = []
    for idx, article in enumerate(articles, 1):
        page_id = secrets.token_urlsafe(16)
        page = Page(
            page_id=page_id,
            msg_data_id=msg_data_id,
            idx=idx,
            how=how,
            url=f"{base}/wechat/s/{page_id}",
            at=world.clock.now(),
            article=article,
            comments_open=bool(article.need_open_comment),
        )
        state.pages[page_id] = page
        pages.append(page)
    return pages


def told(page: Page) -> dict[str, Any]:
    """A page as the ledger tells of it: everything a reader sees, and what the filter took away."""
    article = page.article
    return {
        "idx": page.idx,
        "title": article.title,
        "author": article.author,
        "digest": article.digest,
        "cover": article.thumb_path,
        "pictures": article.pictures,
        "content": article.content,
        "content_source_url": article.content_source_url,
        "removed": article.removed,
        "url": page.url,
        "path": f"/wechat/s/{page.page_id}",
    }


def find_page(world: World, page_id: str) -> tuple[AccountState, Page] | None:
    """The public page of that id, with its account."""
    for state in world.state.wechat.accounts.values():
        if page_id in state.pages:
            return state, state.pages[page_id]
    return None


def note(world: World, page: Page, act: Literal["read", "share", "like", "zaikan", "favourite"], reader: str) -> None:
    """Count what a reader did; reading twice counts two readings of one reader."""
    page.readings.append(Reading(at=world.clock.now(), reader=reader, act=act))


_STYLE = """
body{margin:0 auto;max-width:677px;padding:20px 16px 48px;color:#333;overflow-wrap:break-word;
font:17px/1.6 system-ui,"Noto Sans CJK SC",sans-serif}
h1{font-size:22px;line-height:1.4;margin:0 0 14px}.by{color:#5f6368;font-size:15px;margin-bottom:22px}
.by b{color:#576b95;font-weight:400}img{max-width:100%;height:auto}
.note{background:#fff7e0;color:#5c4700;padding:8px 12px;margin:-20px -16px 20px;font-size:14px}
"""


def page_html(state: AccountState, page: Page, day: str) -> str:
    """The page a reader opens; a deleted one says so."""
    article = page.article
    if page.deleted:
        return _document("该内容已被发布者删除", "<h1>该内容已被发布者删除</h1>")
    reads = sum(reading.act == "read" for reading in page.readings)
    return _document(
        article.title,
        f"<h1>{escape(article.title)}</h1>"
        f'<p class="by">{escape(article.author)} <b>{escape(state.account.name)}</b> {day}</p>'
        f"{_shown(article)}<div>{article.content}</div>"
        f'<p class="by">阅读 {reads}</p>',
    )


def draft_html(state: AccountState, article: Article) -> str:
    """The page behind a draft's temporary address."""
    return _document(
        article.title,
        f'<p class="note">草稿预览：临时链接，尚未发布</p><h1>{escape(article.title)}</h1>'
        f'<p class="by">{escape(article.author)} <b>{escape(state.account.name)}</b></p>'
        f"{_shown(article)}<div>{article.content}</div>",
    )


def _shown(article: Article) -> str:
    """The pictures of a picture message, which stand above its words."""
    return "".join(f'<p><img src="{escape(path)}" alt=""></p>' for path in article.pictures)


def _document(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<p class="note">演练平台，内容未对外发布</p>{body}</body></html>'
    )
