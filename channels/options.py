"""Options of a channel: a class of typed fields with their labels and bounds, which is also its part of the form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, TypeVar, get_type_hints

from channels.base import Setting

T = TypeVar("T", bound="Options")
KINDS: Mapping[object, Literal["flag", "number", "text", "lines"]] = {
    bool: "flag",
    int: "number",
    int | None: "number",
    float: "number",
    str: "text",
    tuple[str, ...]: "lines",
}
# What an office seldom changes stands folded beneath the rest.
SELDOM = "平台限额与时限"


@dataclass(frozen=True)
class Options:
    """What the settings of one account change; a class of its own derives from this for each channel.

    A field is declared by `option` where people may change it; one without is known to the code alone.
    """

    @classmethod
    def of(cls: type[T], settings: Mapping[str, Any]) -> T:
        """The options among an account's settings; others are not ours."""
        known = {one.name: settings[one.name] for one in fields(cls) if settings.get(one.name) is not None}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})


def option(
    label: str,
    default: Any,
    help: str = "",  # noqa: A002  # As `Setting` names it.
    *,
    least: float = 0,
    most: float | None = None,
    choices: tuple[tuple[str, str], ...] = (),
    required: bool = False,
    group: str = "",
    pattern: str = "",
    picture: bool = False,
) -> Any:
    """A field of `Options` with what its form says of it; `most` of a text is its length."""
    said = Setting(
        "",
        label,
        help=help,
        choices=choices,
        required=required,
        least=least,
        most=most,
        group=group,
        pattern=pattern,
        kind="picture" if picture else "text",
    )
    return field(default=default, metadata={"setting": said})


def settings_of(options: type[Options]) -> tuple[Setting, ...]:
    """The part of the account's form that a class of options asks for, in its own order."""
    types = get_type_hints(options)
    return tuple(_setting(one, types[one.name]) for one in fields(options) if "setting" in one.metadata)


def _setting(one: Field[Any], hint: object) -> Setting:
    said: Setting = one.metadata["setting"]
    kind = "picture" if said.kind == "picture" else "choice" if said.choices else KINDS[hint]
    default = None if one.default is MISSING else one.default
    return Setting(
        **{**vars(said), "name": one.name, "kind": kind, "whole": hint in (int, int | None), "default": default}
    )
