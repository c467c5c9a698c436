"""Audiences (推送对象): whom a post can be addressed to, which is signed, and what counts as a narrower choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from channels.base import Problem


@dataclass(frozen=True)
class AudienceKind:
    """One way to name readers, at most so many of so many bytes. Values of one kind are alternatives.

    `narrows` says what makes it narrower: `fewer` values, or `more` (all of which must hold, or which are left out).
    """

    name: str
    label: str
    help: str = ""
    most: int = 1000
    bytes: int | None = None
    narrows: Literal["fewer", "more"] = "fewer"


class Addressed:
    """A channel whose posts can go to a part of its readers; kinds that are given all hold at once."""

    audience_kinds: ClassVar[tuple[AudienceKind, ...]] = ()

    @classmethod
    def audience_problems(cls, chosen: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with an audience: a kind nobody knows would otherwise widen it to everybody."""
        known, found = {kind.name: kind for kind in cls.audience_kinds}, []
        for name, values in chosen.items():
            kind = known.get(name)
            if kind is None:
                found.append(Problem("audience", f"不认识的推送对象“{name}”。"))
                continue
            given = listed(values)
            if not 1 <= len(given) <= kind.most:
                found.append(
                    Problem("audience", f"推送对象“{kind.label}”须为 1 至 {kind.most} 个，现有 {len(given)} 个。")
                )
            if any(not one.strip() for one in given):
                found.append(Problem("audience", f"推送对象“{kind.label}”有空白的值。"))
            if kind.bytes and any(len(one.encode()) > kind.bytes for one in given):
                found.append(Problem("audience", f"推送对象“{kind.label}”每个不超过 {kind.bytes} 字节。"))
        return found

    @classmethod
    def audience_inside(cls, chosen: Mapping[str, Any], signed: Mapping[str, Any]) -> bool:
        """Whether the chosen audience lies inside the signed one: no signed kind is dropped, none is widened."""
        if not chosen or not signed:
            return True
        kinds = {kind.name: kind for kind in cls.audience_kinds}
        return set(chosen) <= {*signed, *kinds} and all(
            _inside(kinds.get(name, AudienceKind(name, name)), listed(chosen.get(name)), listed(values))
            for name, values in signed.items()
        )

    @classmethod
    def audience_of_all(cls, sent: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The one audience that is all of these together, no more and no less; None where none can say that."""
        if not all(sent):
            return {}
        kinds = {kind.name: kind for kind in cls.audience_kinds}
        whole = dict(sent[0])
        for one in sent[1:]:
            differing = [name for name in {*whole, *one} if listed(whole.get(name)) != listed(one.get(name))]
            name = differing[0] if differing else ""
            if not differing:
                continue
            if len(differing) > 1 or name not in whole or name not in one or not _alternatives(kinds.get(name)):
                return None
            values = [*listed(whole[name]), *listed(one[name])]
            whole[name] = list(dict.fromkeys(values))
        return None if len(sent) > 1 and cls.audience_problems(whole) else whole


def _alternatives(kind: AudienceKind | None) -> bool:
    return kind is not None and kind.narrows == "fewer"


def listed(values: Any) -> list[str]:
    """One or several values as a list of texts."""
    if isinstance(values, list | tuple):
        return [str(one) for one in values]
    return [] if values in (None, "") else [str(values)]


def _inside(kind: AudienceKind, chosen: Sequence[str], signed: Sequence[str]) -> bool:
    fewer, more = set(chosen) <= set(signed), set(signed) <= set(chosen)
    return bool(chosen) and (fewer if kind.narrows == "fewer" else more)
