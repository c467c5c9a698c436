"""A piece as one plain article: what its kind declares, its text and its attachments, for sites that draw no kinds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from content.kinds import kind_of
from content.kinds.base import FieldSpec, plain_value
from content.sanitise import plain

Row = Mapping[str, Any]
_VALIDITY = "有效性"
# What stands at the head of a short text, where there is no room for 有效性 while it is in force.
_MARKS = {"repealed": "已废止", "lapsed": "已失效"}


def article(content: Mapping[str, Any], body: str) -> str:
    """Facts as a table, long elements under headings, then the text and the attachments; '' when there are no words."""
    shown = body if has_words(body) else ""
    words = f"{_elements(content)}{shown}"
    return f"{words}{_attachments(content['attachments'])}" if words else ""


def restated(signed: Mapping[str, Any], now: Mapping[str, Any], html: str) -> str:
    """A signed article with its elements as they are now; no word of the text beneath them changes."""
    before, after = _elements(signed), _elements(now)
    # What was drawn otherwise when it was signed keeps its words, and today's elements stand above them.
    return f"{after}{html.removeprefix(before)}" if after != before else html


def relabelled(html: str, signed: str, now: str) -> str:
    """A signed layout with the label of 有效性 as it is now; one that prints none begins with it."""
    if signed == now or not html:
        return html
    printed = f"{_VALIDITY}：</span>"
    if f"{printed}{signed}</p>" in html:
        return html.replace(f"{printed}{signed}</p>", f"{printed}{now}</p>", 1)
    return f'<p style="font-size:17px;line-height:1.75">{_VALIDITY}：{escape(now)}</p>{html}'


def mark_of(content: Mapping[str, Any]) -> str:
    """The mark of a piece that is not in force, for a channel that has no room for more; '' while it is."""
    return _MARKS.get(kind_of(content["kind"]).standing(content["fields"]), "")


def marked(text: str, mark: str) -> str:
    """A text that begins with the mark; one that says it already is left as it is."""
    head = f"【{mark}】"
    return f"{head}{text}" if mark and head not in text else text


def remarked(text: str, signed: str, now: str) -> str:
    """A signed text with the mark of today at its head in place of the one that was signed."""
    return marked(text.removeprefix(f"【{signed}】"), now) if signed != now else text


def _elements(content: Mapping[str, Any]) -> str:
    kind, fields = kind_of(content["kind"]), content["fields"]
    printed, links = kind.printed(fields), content["links"]
    facts, sections = [], []
    for spec in kind.fields:
        if spec.type in ("textarea", "lines", "rows"):
            if spec.name not in printed and fields.get(spec.name):
                sections.append(_section(spec, fields[spec.name], links))
        else:
            facts.append((spec.label, _cell(spec, printed.get(spec.name, fields.get(spec.name)), links, spec.name)))
    return "".join((_facts(facts), *sections))


def has_words(html: str) -> bool:
    """Whether a reader sees anything: words, a picture, a recording."""
    return bool(plain(html)) or any(f"<{tag}" in html for tag in ("img", "video", "audio"))


def _facts(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<tr><th>{escape(label)}</th><td>{cell}</td></tr>" for label, cell in pairs if cell)
    return f"<table><tbody>{rows}</tbody></table>" if rows else ""


def _section(spec: FieldSpec, value: Any, links: Mapping[str, Row]) -> str:
    if spec.type == "textarea":
        inner = "".join(f"<p>{escape(line.strip())}</p>" for line in str(value).splitlines() if line.strip())
    elif spec.type == "lines":
        inner = _list([escape(str(line)) for line in value if str(line).strip()])
    else:
        inner = _rows(spec, value, links)
    return f"<h2>{escape(spec.label)}</h2>{inner}" if inner else ""


def _rows(spec: FieldSpec, rows: Sequence[Row], links: Mapping[str, Row]) -> str:
    # A row that names a piece which nobody signed says nothing.
    drawn = [
        [_cell(one, row.get(one.name), links, f"{spec.name}.{row.get(one.name)}") for one in spec.columns]
        for row in rows
    ]
    needed = [number for number, one in enumerate(spec.columns) if one.type == "piece" and one.required]
    drawn = [cells for cells in drawn if any(cells) and all(cells[number] for number in needed)]
    used = [number for number in range(len(spec.columns)) if any(cells[number] for cells in drawn)]
    if len(used) <= 1:
        return _list([cells[number] for cells in drawn for number in used])
    head = "".join(f"<th>{escape(spec.columns[number].label)}</th>" for number in used)
    lines = "".join(f"<tr>{''.join(f'<td>{cells[number]}</td>' for number in used)}</tr>" for cells in drawn)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(spec: FieldSpec, value: Any, links: Mapping[str, Row], name: str) -> str:
    if spec.type != "piece":
        return escape(plain_value(spec, value))
    link = links.get(name)
    return _link(link["title"], link["path"]) if link else ""


def _attachments(files: Sequence[Row]) -> str:
    return f"<h2>附件</h2>{_list([_link(file['name'], file['href']) for file in files])}" if files else ""


def _link(words: str, href: str) -> str:
    return f'<a href="{escape(href)}">{escape(words)}</a>'


def _list(items: Sequence[str]) -> str:
    return f"<ol>{''.join(f'<li>{item}</li>' for item in items)}</ol>" if items else ""
