"""What one turn of a dialogue comes to, on either engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Report:
    """What a citizen reported and confirmed, ready to become a ticket."""

    kind: str
    text: str
    contact: str
    agrees_to_sms: bool = False


@dataclass(frozen=True)
class Turned:
    """What is kept for the next turn ({}: it is over), what is said, and what may be chosen by number.

    `part` names the sentences in the form's reply template, which get `values`. `wanted` is what only the hub
    can do: send a code, or look at one. With `left` the message was not
    for the dialogue, which is over, and is dealt with like any other.
    """

    kept: Mapping[str, Any]
    part: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    choices: Sequence[str] = ()
    filed: Report | None = None
    left: bool = False
    wanted: Mapping[str, str] = field(default_factory=dict)
