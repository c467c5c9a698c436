"""发布前检查 for WeChat: what would not fit an article, with the field a person should change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from channels.adapters.wechat import picture_message
from channels.adapters.wechat.options import WeChatOptions
from channels.base import ACTION_LABELS, Item, Limits, Post, Problem

# Our own pictures, wherever the layout names them: in an <img>, or in a style.
PICTURE = re.compile(r"""(?:https?://[^\s"'<>()]*?)?/media/([0-9a-f]{64})\.(?:jpg|png)""")
IMAGE = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']([^"']*)["'][^>]*>""", re.IGNORECASE)
LINK = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*["'](https?://[^"']*)["']""", re.IGNORECASE)
TENCENT = re.compile(r"^https?://(?:[\w-]+\.)*(?:qpic\.cn|qlogo\.cn|qq\.com)(?:[/:?]|$)", re.IGNORECASE)
# The platform's address of a picture is longer than ours by about so many characters.
LONGER_ADDRESS = 90
# 阅读原文's address ends with the delivery's mark: a fragment, which changes no page and which no reader sees.
MARK = "#d="
# The longest mark that the platform takes as a mass message's key.
MARK_BYTES = 64
COVER_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/bmp"})


def units(text: str) -> int:
    """Length in half-width characters, a Chinese character counting two."""
    return sum(1 if ord(character) < 128 else 2 for character in text)


def problems(limits: Limits, settings: Mapping[str, Any], post: Post) -> list[Problem]:
    """Everything that does not fit, blocking or merely worth knowing."""
    options = WeChatOptions.of(settings)
    found = []
    if not 1 <= len(post.items) <= options.articles:
        found.append(Problem("items", f"微信每次 1 至 {options.articles} 条，现有 {len(post.items)} 条。"))
    if post.action not in (*limits.actions, *limits.can):
        found.append(Problem("action", f"公众号不支持“{ACTION_LABELS[post.action]}”。"))
    if len(tags_of(post.audience)) > 1:
        found.append(Problem("audience", "微信每次群发只能选一个标签，或发给全部粉丝。"))
    if post.action == "withdraw":
        return found
    for item in post.items:
        found += _item(options, item, alone=len(post.items) == 1)
    return found


def tags_of(audience: Mapping[str, Any]) -> list[int]:
    """The tags of an audience; none means all followers."""
    chosen = audience.get("tag_id")
    if chosen in (None, "", []):
        return []
    listed = chosen if isinstance(chosen, (list, tuple)) else [chosen]
    return [int(tag["id"] if isinstance(tag, Mapping) else tag) for tag in listed]


def _item(options: WeChatOptions, item: Item, *, alone: bool) -> list[Problem]:
    name = f"《{item.title[:20]}》"
    found = []
    pictured = picture_message.is_one(item)
    if not item.title.strip():
        found.append(Problem("title", f"第 {item.piece_id} 号稿件没有标题。"))
    for field, label, text, limit in (
        ("title", "标题", item.title, options.title_units),
        ("author", "作者", "" if pictured else item.author, options.author_units),
        ("digest", "摘要", item.digest if alone and not pictured else "", options.digest_units),
    ):
        if units(text) > limit:
            had = (units(text) + 1) // 2
            found.append(Problem(field, f"{name}的{label}相当于 {had} 个汉字，微信上限 {limit // 2} 个汉字。"))
    if pictured:
        number = len(dict.fromkeys(PICTURE.findall(item.html)))
        return found + _source(options, item, name) + picture_message.problems(options, item, number, alone=alone)
    if not alone and item.digest:
        found.append(Problem("digest", f"{name}的摘要在多条图文中不显示。", blocking=False))
    return found + _source(options, item, name) + _body(options, item, name) + _pictures(options, item, name)


def _source(options: WeChatOptions, item: Item, name: str) -> list[Problem]:
    size = len(f"{item.url}{MARK}".encode()) + MARK_BYTES
    if size <= options.source_url_bytes:
        return []
    words = f"{name}的“阅读原文”链接连同发送标记共 {size} 字节，微信上限 {options.source_url_bytes} 字节。"
    return [Problem("content_source_url", words)]


def _body(options: WeChatOptions, item: Item, name: str) -> list[Problem]:
    longer = LONGER_ADDRESS * len(PICTURE.findall(item.html))
    characters, size = len(item.html) + longer, len(item.html.encode()) + longer
    if not item.html.strip():
        return [Problem("body", f"{name}的正文为空：除了来源和编辑，读者什么也看不到，请先写正文。")]
    if characters >= options.body_characters:
        limit = options.body_characters
        return [Problem("body", f"{name}的正文连同排版共 {characters} 字符，微信须少于 {limit} 字符。")]
    if size >= options.body_bytes:
        return [Problem("body", f"{name}的正文共 {size // 1000} KB，微信须少于 {options.body_bytes // 1000} KB。")]
    if any(not TENCENT.match(address) for address in LINK.findall(item.html)):
        return [Problem("body", f"{name}正文中的外部链接在微信中会被去掉。", blocking=False)]
    return []


def _pictures(options: WeChatOptions, item: Item, name: str) -> list[Problem]:
    found = []
    about = item.content.get("pictures", {})
    found += _cover(options, item, name)
    for sha256 in dict.fromkeys(PICTURE.findall(item.html)):
        size = int(about.get(sha256, {}).get("size") or 0)
        if size > options.material_bytes:
            limit = options.material_bytes // 1_000_000
            found.append(Problem("body", f"{name}有图片超过 {limit} MB，微信不会显示。", blocking=False))
        elif size >= options.picture_bytes:
            limit = options.picture_bytes // 1000
            found.append(Problem("body", f"{name}有图片达到 {limit} KB，会存入公众号素材库。", blocking=False))
    outside = [src for src in IMAGE.findall(item.html) if not PICTURE.fullmatch(src) and not TENCENT.match(src)]
    if outside:
        found.append(Problem("body", f"{name}有 {len(outside)} 张外部图片，微信不会显示。", blocking=False))
    return found


def _cover(options: WeChatOptions, item: Item, name: str) -> list[Problem]:
    if not item.cover:
        return [Problem("cover", f"{name}没有封面图片，微信图文必须有封面。")]
    about = item.content.get("pictures", {}).get(item.cover, {})
    found = []
    if int(about.get("size") or 0) > options.material_bytes:
        limit = options.material_bytes // 1_000_000
        found.append(Problem("cover", f"{name}的封面超过 {limit} MB，微信不接受。"))
    if about.get("media_type") and about["media_type"] not in COVER_TYPES:
        found.append(Problem("cover", f"{name}的封面须为 JPG、PNG、GIF 或 BMP。"))
    return found
