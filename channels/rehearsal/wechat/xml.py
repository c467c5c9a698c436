"""WeChat's XML: strings in CDATA, numbers bare, lists as repeated elements."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

_PART = re.compile(
    r"<!\[CDATA\[(?P<data>.*?)\]\]>|<(?P<end>/)?(?P<tag>[A-Za-z][\w.-]*)\s*(?P<empty>/)?>|(?P<text>[^<]+)", re.DOTALL
)


class Malformed(ValueError):
    """不是微信能识别的 XML。"""


def build(fields: dict[str, Any]) -> str:
    """`<xml>` with the given fields."""
    return f"<xml>{_inner(fields)}</xml>"


def _inner(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(_element(name, item) for name, item in value.items())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"
    return str(value)


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, item) for item in value)
    return f"<{name}>{_inner(value)}</{name}>"


def parse(text: str) -> dict[str, Any]:
    """The fields of an `<xml>` document; Malformed for anything else, also for entities, DTDs and attributes."""
    position, stack = 0, [_Node("")]
    text = text.strip()
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise Malformed
        position = part.end()
        _take(part, stack)
    root = stack[0].children
    if (
        len(stack) != 1
        or stack[0].text.strip()
        or len(root) != 1
        or root[0][0] != "xml"
        or not isinstance(root[0][1], dict)
    ):
        raise Malformed
    return root[0][1]


class _Node:
    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.children: list[tuple[str, Any]] = []
        self.text = ""

    def value(self) -> Any:
        if not self.children:
            return self.text.strip() if self.tag != "xml" else {}
        fields: dict[str, Any] = {}
        for name, value in self.children:
            if name not in fields:
                fields[name] = value
            elif isinstance(fields[name], list):
                fields[name].append(value)
            else:
                fields[name] = [fields[name], value]
        return fields


def _take(part: re.Match[str], stack: list[_Node]) -> None:
    if part["data"] is not None:
        stack[-1].text += part["data"]
    elif part["text"] is not None:
        stack[-1].text += unescape(part["text"])
    elif part["end"]:
        if len(stack) == 1 or stack[-1].tag != part["tag"]:
            raise Malformed
        node = stack.pop()
        stack[-1].children.append((node.tag, node.value()))
    elif part["empty"]:
        stack[-1].children.append((part["tag"], ""))
    else:
        stack.append(_Node(part["tag"]))
