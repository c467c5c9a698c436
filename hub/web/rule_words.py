"""How rules read: their areas in the list, and long lists of words in groups, searched, beside the system's default."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from kernel.office_rules import Rule
from templates.catalogue import _

# A list up to here is read at one look.
FEW = 12
# By the first part of a rule's name; the rest stands last.
AREAS = {
    "signing": _("审签"),
    "delivery": _("发布"),
    "push": _("推送"),
    "reposts": _("转载任务"),
    "freshness": _("更新时效"),
    "bot": _("智能问答"),
    "desk": _("在线接待"),
    "urgent": _("紧急情况"),
    "ticket": _("工单"),
    "comment": _("评论"),
    "opinion": _("舆情"),
    "retention": _("保存期限"),
}
OTHERS = _("其他")


@dataclass(frozen=True)
class Group:
    """Words under a heading; '' where they have none."""

    name: str
    words: Sequence[str]


def show(value: object) -> str:
    """A rule's value as text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def brief(value: object) -> str:
    """A value as the list of rules shows it: of words only the words."""
    return "、".join(value) if is_words(value) and value else show(value)


def as_written(value: object) -> str:
    """A value as it stands in its field: plain words one a line, so that a long list can be read and changed."""
    if not is_words(value) or any(not word or word != word.strip() or "\n" in word for word in value):
        return show(value)
    lines = "\n".join(value)
    return lines if lines and not looks_like_json(lines) else show(value)


def looks_like_json(text: str) -> bool:
    """Whether a list was written as programs write it."""
    return text.lstrip()[:1] in {"[", "{", '"'}


def is_words(value: object) -> TypeGuard[list[str]]:
    """Whether a value is a list of words."""
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def groups_of(rule: Rule[Any], words: Iterable[str], find: str = "") -> list[Group]:
    """Words under the headings of the rule, what the office added last; only those that hold what is looked for."""
    wanted = [word for word in words if find in word]
    known = {word for of_group in rule.groups.values() for word in of_group}
    found = [Group(name, [word for word in wanted if word in set(group)]) for name, group in rule.groups.items()]
    rest = [word for word in wanted if word not in known]
    return [group for group in (*found, Group(_("另加的") if rule.groups else "", rest)) if group.words]


def compared(rule: Rule[Any], words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What a list has besides the system's default, and what of that it has not."""
    default = set(rule.default)
    return [word for word in words if word not in default], [word for word in rule.default if word not in set(words)]


def by_area(rows: Iterable[tuple[Any, ...]], find: str = "") -> Mapping[str, list[tuple[Any, ...]]]:
    """Rows that begin with a rule, under the area each belongs to; `find` is part of a name, label or value."""
    areas: dict[str, list[tuple[Any, ...]]] = {label: [] for label in (*AREAS.values(), OTHERS)}
    for row in rows:
        rule, value = row[0], row[1]
        if any(find.lower() in text.lower() for text in (rule.name, rule.label, value)):
            areas[AREAS.get(rule.name.partition(".")[0], OTHERS)].append(row)
    return {label: found for label, found in areas.items() if found}
