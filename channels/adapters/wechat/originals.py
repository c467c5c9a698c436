"""原创校验: what the platform's comparison with original articles said of a mass message, in plain words.

Fields: developers.weixin.qq.com, the event MASSSENDJOBFINISH, CopyrightCheckResult.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# CheckState over the whole message; 1 is no finding.
_FOUND = {"2": "原创校验：被判为转载，可以群发", "3": "原创校验：被判为转载，不能群发"}
_SOURCE_SHOWN = "微信已注明转载来源"
_REPLACED = "读者看到的是原创文章的内容"
_FORBIDDEN = "原作者不允许转载"


def words(check: Mapping[str, Any]) -> str:
    """The finding with the articles it is about; '' where there is none."""
    found = _FOUND.get(str(check.get("CheckState") or ""), "")
    if not found:
        return ""
    listed = check.get("ResultList")
    items = listed.get("item") if isinstance(listed, Mapping) else None
    told = [_item(one) for one in (items if isinstance(items, list) else [items]) if isinstance(one, Mapping)]
    return f"{found}{'。'.join(['', *filter(None, told)])}。"


def _item(item: Mapping[str, Any]) -> str:
    address = str(item.get("OriginalArticleUrl") or "")
    if not address:
        return ""
    parts = [f"第 {item.get('ArticleIdx')} 条与原创文章相同或相近：{address}"]
    parts += [_FORBIDDEN] if str(item.get("CanReprint")) == "0" else []
    parts += [_REPLACED] if str(item.get("NeedReplaceContent")) == "1" else []
    parts += [_SOURCE_SHOWN] if str(item.get("NeedShowReprintSource")) == "1" else []
    return "，".join(parts)
