"""One step of a dialogue as plain values in and out: the same for the embedded engine and for Rasa's form. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bot.dialogue import place, progress, report
from bot.dialogue.turned import Report, Turned


@dataclass(frozen=True)
class Asked:
    """What a step rests on: the form, where it stands ({}: it begins), and what the citizen said or sent."""

    form: str
    kept: Mapping[str, Any]
    text: str
    picture: bool = False
    districts: Sequence[str] = ()


def step(asked: Asked) -> Turned:
    """The next turn."""
    if asked.form == place.FORM:
        return Turned({}, left=True) if asked.picture else place.go_on(asked.kept, asked.text, asked.districts)
    if asked.form == progress.FORM:
        return progress.go_on(asked.kept, asked.text) if asked.kept else progress.begin(asked.text)
    if not asked.kept:
        return report.begin(asked.text, asked.districts)
    if asked.picture:
        return report.picture(asked.kept, asked.districts)
    return report.go_on(asked.kept, asked.text, asked.districts)


def asked_of(values: Mapping[str, Any]) -> Asked:
    """A step as it travelled; raises KeyError or TypeError for what is none."""
    return Asked(
        str(values["form"]),
        dict(values["kept"]),
        str(values["text"]),
        bool(values["picture"]),
        [str(one) for one in values["districts"]],
    )


def turned_of(values: Mapping[str, Any]) -> Turned:
    """A turn as it travelled; raises KeyError or TypeError for what is none."""
    filed = values["filed"]
    return Turned(
        dict(values["kept"]),
        str(values["part"]),
        dict(values["values"]),
        [str(one) for one in values["choices"]],
        Report(**filed) if filed else None,
        bool(values["left"]),
        {str(name): str(value) for name, value in values["wanted"].items()},
    )


def plain_of(one: Asked | Turned) -> dict[str, Any]:
    """A step or turn as it travels."""
    return asdict(one)
