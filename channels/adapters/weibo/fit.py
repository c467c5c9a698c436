"""发布前检查 for Weibo, counted as Weibo counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from channels.adapters.weibo.options import WeiboOptions
from channels.base import ACTION_LABELS, Limits, Post, Problem

ADDRESS = re.compile(r"https?://[^\s一-鿿，。；！）】]+")
TOPIC = re.compile(r"#[^#\s][^#]*#")
PICTURE_BYTES = 5_000_000
PICTURE_TYPES = frozenset({"image/jpeg", "image/gif", "image/png"})


def characters(text: str, address: int | None = None) -> int:
    """Length in Chinese characters, two half-width ones counting as one; an address counts in full, or as `address`.

    How Weibo counts an address is not published; in full is the harsher reading.
    """
    if address is not None:
        return characters(ADDRESS.sub("", text)) + address * len(ADDRESS.findall(text))
    return (sum(1 if ord(character) < 128 else 2 for character in text) + 1) // 2


def problems(limits: Limits, settings: Mapping[str, Any], post: Post) -> list[Problem]:
    """Everything that does not fit."""
    found = []
    if len(post.items) != 1:
        found.append(Problem("items", f"微博每次 1 条，现有 {len(post.items)} 条。"))
    if post.action not in (*limits.actions, *limits.can):
        found.append(Problem("action", f"微博不支持“{ACTION_LABELS[post.action]}”。"))
    if post.action == "withdraw":
        return found
    if not settings.get("rip"):
        found.append(Problem("account", "该微博账号没有填写运营者公网 IP（rip），微博要求必填。"))
    for item in post.items:
        found += _text(item.text, settings, unplaced=item.unplaced)
        picture = item.content.get("pictures", {}).get(item.cover, {})
        if not item.cover or settings.get("picture") is False:
            continue
        if int(picture.get("size") or 0) >= PICTURE_BYTES:
            found.append(Problem("cover", "配图须小于 5 MB。"))
        if picture.get("media_type") and picture["media_type"] not in PICTURE_TYPES:
            found.append(Problem("cover", "配图须为 JPG、GIF 或 PNG。"))
    return found


def _text(text: str, settings: Mapping[str, Any], *, unplaced: bool) -> list[Problem]:
    chosen = WeiboOptions.of(settings)
    limit, domains = int(chosen.characters), chosen.safe_domains
    found = []
    if not text.strip():
        return [Problem("text", "没有微博正文。")]
    counted = chosen.address_characters
    length = characters(text, None if counted is None else int(counted))
    if length > limit:
        found.append(Problem("text", f"微博正文共 {length} 字（含链接），上限 {limit} 字。"))
    addresses = ADDRESS.findall(text)
    if not domains:
        found.append(Problem("account", "该微博账号没有填写应用安全域名，微博会拒绝没有安全链接的正文。"))
    elif not (unplaced and addresses) and not any(_inside(address, domains) for address in addresses):
        found.append(Problem("text", f"微博正文须含一个 {'、'.join(domains)} 下的链接。"))
    if TOPIC.search(ADDRESS.sub("", text)):
        found.append(Problem("text", "通过接口发布的微博不能带 #话题#。"))
    return found


def _inside(address: str, domains: Sequence[str]) -> bool:
    host = urlsplit(address).hostname or ""
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
