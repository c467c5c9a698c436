"""Rewrites a piece's body for WeChat: every element carries its own style, nothing the platform would drop remains."""

from __future__ import annotations

from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

from markupsafe import Markup

# WeChat keeps inline styles only; script, style, iframe and form elements do not survive
# (developers.weixin.qq.com draft/add; style tags, ids and classes by report of accounts' operators).
INK = "#1f2937"
QUIET = "#5b6675"
MAIN = "#17498c"
TEXT = f"margin:0 0 20px;font-size:17px;line-height:1.75;color:{INK};text-align:justify;word-break:break-word"
STYLES = {
    "p": TEXT,
    "h1": f"margin:32px 0 16px;font-size:20px;line-height:1.75;font-weight:700;color:{MAIN}",
    "h2": f"margin:32px 0 16px;font-size:19px;line-height:1.75;font-weight:700;color:{MAIN}",
    "h3": f"margin:28px 0 12px;font-size:18px;line-height:1.75;font-weight:700;color:{INK}",
    "h4": f"margin:24px 0 12px;font-size:17px;line-height:1.75;font-weight:700;color:{INK}",
    "ul": f"margin:0 0 20px;padding-left:1.4em;font-size:17px;line-height:1.75;color:{INK}",
    "ol": f"margin:0 0 20px;padding-left:1.6em;font-size:17px;line-height:1.75;color:{INK}",
    "li": "margin:0 0 8px;font-size:17px;line-height:1.75",
    "blockquote": f"margin:0 0 20px;padding:12px 16px;border-left:3px solid {MAIN};background:#f2f6fb;"
    f"font-size:17px;line-height:1.75;color:{INK}",
    "table": "width:100%;margin:0 0 20px;border-collapse:collapse;font-size:17px;line-height:1.75",
    "th": f"padding:8px;border:1px solid #d5dde7;background:#f2f6fb;text-align:left;font-weight:700;color:{INK}",
    "td": f"padding:8px;border:1px solid #d5dde7;text-align:left;vertical-align:top;color:{INK}",
    "img": "display:block;width:100%;height:auto;margin:0 auto 8px",
    "figure": "margin:0 0 20px",
    "figcaption": f"margin:0;font-size:17px;line-height:1.75;text-align:center;color:{QUIET}",
    "hr": "margin:28px 0;border:0;border-top:1px solid #d5dde7",
    "strong": "font-weight:700",
    "b": "font-weight:700",
}
KEPT = frozenset(STYLES) | {"br", "em", "i", "u", "s", "sub", "sup", "thead", "tbody", "tfoot", "tr", "caption", "span"}
RENAMED = {"div": "p", "section": "p", "article": "p"}
BLOCKS = frozenset({"p", "h1", "h2", "h3", "h4", "ul", "ol", "blockquote", "table", "figure", "hr"})
VOID = frozenset({"br", "img", "hr"})
DROPPED = frozenset({"script", "style", "iframe", "form", "object", "video", "audio", "svg", "template", "title"})
ATTRIBUTES = {"img": ("src", "alt"), "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan")}
OWN_HOST = "mp.weixin.qq.com"


class _Inliner(HTMLParser):
    """Writes each allowed element anew with its style, drops the others and keeps their text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._open: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in DROPPED:
            self._silent += 1
        if self._silent:
            return
        values = {key: value or "" for key, value in attrs}
        if tag == "a":
            self._link(values)
            return
        tag = RENAMED.get(tag, tag)
        if tag not in KEPT:
            return
        if tag in BLOCKS and "p" in self._open:
            self._close("p")
        kept = "".join(f' {key}="{escape(values[key])}"' for key in ATTRIBUTES.get(tag, ()) if values.get(key))
        style = f' style="{STYLES[tag]}"' if tag in STYLES else ""
        self.out.append(f"<{tag}{kept}{style}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in DROPPED:
            self._silent = max(0, self._silent - 1)
            return
        tag = RENAMED.get(tag, tag)
        if not self._silent and tag in self._open:
            self._close(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in DROPPED:
            self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.out.append(escape(data, quote=False))

    def finish(self) -> str:
        self.close()
        while self._open:
            self.out.append(f"</{self._open.pop()}>")
        return "".join(self.out)

    def _link(self, values: dict[str, str]) -> None:
        """Only links to other WeChat articles survive in an ordinary account; the text of any other link stays."""
        address = values.get("href", "")
        if urlsplit(address).hostname == OWN_HOST:
            self.out.append(f'<a href="{escape(address)}" style="color:{MAIN};text-decoration:underline">')
            self._open.append("a")

    def _close(self, tag: str) -> None:
        while self._open:
            last = self._open.pop()
            self.out.append(f"</{last}>")
            if last == tag:
                return


def wechat_html(body: str) -> Markup:
    """A cleaned body (HTML) with inline styles only: text of 17 px, line height 1.75, no class, id, script or form."""
    inliner = _Inliner()
    inliner.feed(body)
    return Markup(inliner.finish())  # noqa: S704  # Every element and attribute above was written by this module.
