"""图片消息 (newspic): a gallery as up to twenty pictures with a plain text beneath, where it was signed in that form.

The layout says so by a mark that is signed with it; rules: developers.weixin.qq.com, draft/add, `image_info`.
"""

from __future__ import annotations

from channels.adapters.wechat.options import WeChatOptions
from channels.base import Item, Problem
from templates.lines import text_lines

SIGN = 'data-message="newspic"'
MOST_PICTURES = 20


def is_one(item: Item) -> bool:
    """Whether this piece was signed as a picture message."""
    return SIGN in item.html


def words_of(item: Item) -> str:
    """The text beneath the pictures, a line for each paragraph."""
    return "\n".join(text_lines(item.html))


def problems(options: WeChatOptions, item: Item, pictures: int, *, alone: bool) -> list[Problem]:
    """What would not fit a picture message, besides its title."""
    name, text = f"《{item.title[:20]}》", words_of(item)
    found = []
    if not alone:
        found.append(Problem("items", f"{name}是图片消息，只能单独发布，不能与其他稿件组稿。"))
    if not 1 <= pictures <= MOST_PICTURES:
        found.append(Problem("body", f"{name}是图片消息，须有 1 至 {MOST_PICTURES} 张图片，现有 {pictures} 张。"))
    if not text:
        found.append(Problem("body", f"{name}是图片消息，须有文字。"))
    if len(text) >= options.body_characters:
        limit = options.body_characters
        found.append(Problem("body", f"{name}的文字共 {len(text)} 字符，微信须少于 {limit} 字符。"))
    return found
